//! Cases 6–9, 11–18: the text of a state.

use terrane_state::{ErrorKind, State, Type, Value};

use crate::setup::{STATE, state_with};

#[track_caller]
fn check_error(text: impl AsRef<[u8]>, expected: &ErrorKind) {
    let error = State::parse(text.as_ref()).unwrap_err();
    assert_eq!(error.kind(), expected);
}

#[test]
fn cases_06_to_09_syntax() {
    check_error("\n", &ErrorKind::Syntax { offset: 1 });
    let bom = format!("\u{feff}{STATE}");
    check_error(&bom, &ErrorKind::Syntax { offset: 1 });
    assert!(State::parse(bom.as_bytes()).unwrap_err().to_string().contains("byte order mark"));
    State::parse(format!("{STATE}\n\t ").as_bytes()).unwrap();
    check_error(format!("{STATE}{{}}"), &ErrorKind::Syntax { offset: STATE.len() + 1 });
    let half = STATE.len() / 2;
    check_error(&STATE[..half], &ErrorKind::Syntax { offset: half });
}

#[test]
fn case_11_everything_but_the_version_is_optional() {
    let state = State::parse(br#"{"version":4}"#).unwrap();
    assert_eq!((state.iter().count(), state.serial(), state.lineage()), (0, 0, ""));
}

#[test]
fn cases_12_13_versions() {
    let invalid = |found: &str| ErrorKind::InvalidVersion { found: found.to_owned() };
    let unsupported = |version| ErrorKind::UnsupportedVersion { version, terraform_version: None };
    for (text, expected) in [
        (r#"{"version":5}"#, unsupported(5)),
        (r#"{"version":0}"#, unsupported(0)),
        (r#"{"version":-1}"#, invalid("number -1")),
        (r#"{"version":"4"}"#, invalid("string")),
        (r#"{"version":4.0}"#, invalid("number 4.0")),
        ("{}", ErrorKind::MissingVersion),
        ("[]", ErrorKind::NotAnObject { found: "array" }),
        ("tfstate\u{1}", ErrorKind::LegacyBinary),
    ] {
        check_error(text, &expected);
    }
    let text = r#"{"version":5,"terraform_version":"9.9.9"}"#;
    assert!(State::parse(text.as_bytes()).unwrap_err().to_string().contains("written by Terraform 9.9.9"));
}

#[test]
fn case_14_terraform_versions() {
    let state = State::parse(br#"{"version":4,"terraform_version":"99.0.0-beta1"}"#).unwrap();
    assert_eq!(state.terraform_version(), Some("99.0.0-beta1"));
    let error = State::parse(br#"{"version":4,"terraform_version":"banana"}"#).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidField { field: "terraform_version", .. }));
}

#[test]
fn case_15_serials() {
    let parse = |serial: &str| State::parse(format!(r#"{{"version":4,"serial":{serial}}}"#).as_bytes());
    assert_eq!(parse("18446744073709551615").unwrap().serial(), u64::MAX);
    for serial in ["18446744073709551616", "-1", "1.0", "\"1\""] {
        let error = parse(serial).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidField { field: "serial", .. }), "{serial}");
    }
}

#[test]
fn cases_16_17_keys_match_as_in_go() {
    let state = State::parse(br#"{"VERSION":4,"Outputs":{"a":{"Value":"x","Type":"string"}}}"#).unwrap();
    assert_eq!(state.output::<String>("a").unwrap(), "x");
    let state = State::parse(
        br#"{"version":4,"outputs":{"a":{"value":"x","type":"string"}},"outputs":{"b":{"value":"y","type":"string"}}}"#,
    )
    .unwrap();
    let names: Vec<&str> = state.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn case_18_states_of_terraform_before_0_12() {
    let state = State::parse(
        br#"{"version":3,"terraform_version":"0.11.14","serial":2,"lineage":"l","modules":[
            {"path":["root"],"outputs":{
                "l":{"sensitive":false,"type":"list","value":["a","b"]},
                "lempty":{"type":"list","value":[]},
                "lm":{"type":"list","value":["a",["b"]]},
                "ll":{"type":"list","value":[["a"],["b"]]},
                "lx":{"type":"list","value":[["a"],["b","c"]]},
                "m":{"type":"map","value":{"a":"1","b":"2"}},
                "s":{"sensitive":true,"type":"string","value":"secret"}}},
            {"path":["root","child"],"outputs":{"hidden":{"type":"string","value":"x"}}}]}"#,
    )
    .unwrap();
    let ty = |name: &str| state.get(name).unwrap().unwrap().ty().to_string();
    assert_eq!(ty("l"), "list(string)");
    assert_eq!(*state.get("lempty").unwrap().unwrap().ty(), Type::Tuple(vec![]));
    assert_eq!(ty("lm"), "tuple([string, list(string)])");
    assert_eq!(ty("ll"), "list(list(string))");
    assert_eq!(ty("lx"), "tuple([list(string), list(string)])");
    assert_eq!(ty("m"), "map(string)");
    assert!(state.get("s").unwrap().unwrap().sensitive());
    assert!(state.get("hidden").unwrap().is_none());
    assert_eq!((state.format_version(), state.serial()), (3, 2));

    let state = State::parse(br#"{"version":1,"modules":[{"path":["root"],"outputs":{"a":"x"}}]}"#).unwrap();
    assert_eq!(state.get("a").unwrap().unwrap().value(), &Value::String("x".to_owned()));
}

#[test]
fn problems_of_outputs_are_all_reported() {
    let text = state_with(
        r#"{"a":{"value":1},"b":{"type":"string"},"c":3,"d":{"value":1,"type":["list"]},"e":{"value":"x","type":"string"}}"#,
    );
    let state = State::parse(text.as_bytes()).unwrap();
    let error = state.check_outputs().unwrap_err();
    let ErrorKind::InvalidOutputs { problems } = error.kind() else { panic!("{error}") };
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn outputs_print_as_terraform_prints_them() {
    let state = State::parse(STATE.as_bytes()).unwrap();
    let expected =
        "{\n  \"a\": {\n    \"sensitive\": false,\n    \"type\": \"string\",\n    \"value\": \"x\"\n  }\n}";
    assert_eq!(state.to_json(), expected);
}
