//! Cases 19–32: values of each type.

use proptest::prelude::*;
use terrane_state::{Error, ErrorKind, MAX_DEPTH, Number, State, Value};

use crate::setup::{parse_output, state_with};

/// Decodes a value of a type and prints it again.
fn decoded(value: &str, ty: &str) -> Result<String, Error> {
    let state = parse_output(value, ty)?;
    Ok(state.get("a")?.unwrap().value().to_json())
}

#[track_caller]
fn check(value: &str, ty: &str, expected: &str) {
    assert_eq!(decoded(value, ty).unwrap(), expected);
}

#[track_caller]
fn check_error(value: &str, ty: &str, expected: &str) {
    let error = decoded(value, ty).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidOutputs { .. }));
    assert!(error.to_string().contains(expected), "{error}");
}

fn number(text: &str) -> Number {
    parse_output(text, "\"number\"").unwrap().output("a").unwrap()
}

#[test]
fn case_19_numbers_keep_their_text() {
    let third = format!("0.{}5", "3".repeat(154));
    for text in
        ["1e400", "9223372036854775808", "9007199254740993", "0.1", "0.30000000000000004", &third, "1e-400"]
    {
        assert_eq!(number(text).as_str(), text);
        check(text, "\"number\"", text);
    }
    let state = parse_output("9223372036854775808", "\"number\"").unwrap();
    assert!(matches!(state.output::<i64>("a").unwrap_err().kind(), ErrorKind::TypeMismatch { .. }));
    assert_eq!(state.output::<u64>("a").unwrap(), 1 << 63);
    let state = parse_output("1e400", "\"number\"").unwrap();
    let error = state.output::<f64>("a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "output `a` is not as expected: expected a number within the range of f64, found a number that does not fit"
    );
    assert!(state.output::<Value>("a").is_ok());
    let error = parse_output("300", "\"number\"").unwrap().output::<u8>("a").unwrap_err().to_string();
    assert!(!error.contains("300") && error.contains("u8"), "{error}");
}

#[test]
fn case_20_primitives_convert() {
    assert_eq!(number("\"12.50\"").as_f64(), Some(12.5));
    check("1.50e2", "\"string\"", "\"1.50e2\"");
    check("\"true\"", "\"bool\"", "true");
    check("true", "\"string\"", "\"true\"");
}

#[test]
fn case_21_what_is_no_number() {
    for value in ["true", "\"abc\"", "\"Inf\"", "[]"] {
        check_error(value, "\"number\"", "number is required");
    }
    check_error("1", "\"bool\"", "bool is required");
}

#[test]
fn cases_22_23_null_and_absent() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "decoding fails")]
    struct Required {
        a: String,
    }
    #[derive(serde::Deserialize)]
    struct Optional {
        a: Option<String>,
    }
    let null = parse_output("null", "\"dynamic\"").unwrap();
    assert_eq!(null.get("a").unwrap().unwrap().value(), &Value::Null);
    assert_eq!(null.output::<Option<String>>("a").unwrap(), None);
    let is_null = ErrorKind::NullOutput { name: "a".to_owned() };
    assert_eq!(null.output::<String>("a").unwrap_err().kind(), &is_null);
    assert_eq!(null.outputs::<Required>().unwrap_err().kind(), &is_null);
    assert!(null.outputs::<Optional>().unwrap().a.is_none());

    let absent = State::parse(state_with("{}").as_bytes()).unwrap();
    let is_missing = ErrorKind::MissingOutput { name: "a".to_owned(), since: None, state_has: None };
    assert_eq!(absent.output::<String>("a").unwrap_err().kind(), &is_missing);
    assert_eq!(absent.outputs::<Required>().unwrap_err().kind(), &is_missing);
    assert_eq!(absent.output::<Option<String>>("a").unwrap(), None);
    assert!(absent.outputs::<Optional>().unwrap().a.is_none());
}

#[test]
fn cases_24_25_28_dynamic_types() {
    check("[]", r#"["list","dynamic"]"#, "[]");
    check(r#"{"value":"x","type":"string"}"#, "\"dynamic\"", "\"x\"");
    check(r#"{"type":["list","number"],"value":[1]}"#, "\"dynamic\"", "[1]");
    check_error("\"x\"", "\"dynamic\"", "`value` and `type`");
    check_error(r#"{"value":1,"type":"number","more":1}"#, "\"dynamic\"", "`value` and `type`");
    let mixed = r#"[{"value":"x","type":"string"},{"value":1,"type":"number"}]"#;
    check_error(mixed, r#"["list","dynamic"]"#, "the same type, found string and number");
}

#[test]
fn case_26_sets_are_sorted_and_distinct() {
    check(r#"["b","a","b"]"#, r#"["set","string"]"#, r#"["a","b"]"#);
    let state = parse_output("[10,9,1.0,1]", r#"["set","number"]"#).unwrap();
    assert_eq!(state.output::<Vec<u8>>("a").unwrap(), [1, 9, 10]);
    assert_eq!(state.output::<std::collections::BTreeSet<u8>>("a").unwrap(), [1, 9, 10].into());
}

#[test]
fn case_27_tuples_have_a_length() {
    for value in ["[]", "[1,2]"] {
        check_error(value, r#"["tuple",["number"]]"#, "a tuple of 1 elements is required");
    }
    let state = parse_output(r#"[1,"b"]"#, r#"["tuple",["number","string"]]"#).unwrap();
    assert_eq!(state.output::<(u8, String)>("a").unwrap(), (1, "b".to_owned()));
    let error = state.output::<(u8,)>("a").unwrap_err().to_string();
    assert!(error.contains("expected 1 elements, found 2 elements"), "{error}");
}

#[test]
fn case_29_objects_have_their_attributes() {
    let ty = r#"["object",{"a":"number","b":"string"}]"#;
    check(r#"{"a":1}"#, ty, r#"{"a":1,"b":null}"#);
    check_error(r#"{"a":1,"zz":2}"#, ty, r#"unsupported attribute "zz""#);
    check_error(r#"{"a":"q"}"#, ty, "invalid value at a.a:");
}

#[test]
fn case_30_nesting() {
    let nested = |depth: usize| {
        let mut ty = "\"string\"".to_owned();
        let mut value = "\"x\"".to_owned();
        for _ in 0..depth {
            ty = format!(r#"["list",{ty}]"#);
            value = format!("[{value}]");
        }
        (value, ty)
    };
    let mut tuple = ("\"x\"".to_owned(), "\"string\"".to_owned());
    for _ in 0..MAX_DEPTH {
        tuple = (format!("[{}]", tuple.0), format!(r#"["tuple",[{}]]"#, tuple.1));
    }
    check(&tuple.0, &tuple.1, &tuple.0);
    let lists = nested(2 * MAX_DEPTH).1;
    check("null", &lists, "null");
    // On a stack of 2 MiB, as threads have: decoded, read through serde, printed, copied, dropped.
    let (value, ty) = nested(MAX_DEPTH);
    let state = parse_output(&value, &ty).unwrap();
    let copy = state.output::<Value>("a").unwrap();
    assert_eq!(&copy, state.get("a").unwrap().unwrap().value());
    let (value, ty) = nested(MAX_DEPTH + 1);
    check_error(&value, &ty, "levels deep, where at most");
    let deep = format!(r#"{{"version":4,"x":{}{}}}"#, "[".repeat(10_001), "]".repeat(10_001));
    let error = State::parse(deep.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("10000 levels"), "{error}");
    let (value, ty) = nested(9_000);
    check_error(&value, &ty, "levels deep");
}

#[test]
fn case_31_text() {
    let check = |bytes: &[u8], expected: &str| {
        let text = [b"{\"version\":4,\"outputs\":{\"a\":{\"type\":\"string\",\"value\":\"", bytes, b"\"}}}"]
            .concat();
        assert_eq!(State::parse(&text).unwrap().output::<String>("a").unwrap(), expected);
    };
    check("e\u{301}".as_bytes(), "é");
    check(br"e\u0301", "é");
    check(br"\ud800", "\u{fffd}");
    check(b"\xff\xfe", "\u{fffd}\u{fffd}");
}

#[test]
fn case_32_sensitive_values_do_not_show() {
    let text = state_with(
        r#"{"a":{"value":"hunter2","type":"string","sensitive":true},"n":{"value":["hunter2"],"type":["list","string"],"sensitive":true}}"#,
    );
    let state = State::parse(text.as_bytes()).unwrap();
    let output = state.get("a").unwrap().unwrap();
    assert_eq!((output.value().as_str(), output.sensitive()), (Some("hunter2"), true));
    let errors = [
        state.output::<terrane_state::VpcId>("a").unwrap_err(),
        state.output::<u8>("a").unwrap_err(),
        state.output::<ipnet::Ipv4Net>("a").unwrap_err(),
        state.output::<Picky>("a").unwrap_err(),
        state.output::<Vec<Picky>>("n").unwrap_err(),
    ];
    for shown in [
        format!("{output:?}{output}{state:?}"),
        format!("{errors:?}{}", errors.each_ref().map(Error::to_string).join("")),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

/// A type whose error quotes what it refuses.
#[derive(Debug)]
struct Picky;

impl<'de> serde::Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Picky, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("{text:?} is not picky")))
    }
}

#[test]
fn errors_never_quote_a_value() {
    let state = parse_output(r#"{"x":["topsecret"]}"#, r#"["map",["list","string"]]"#).unwrap();
    type Map<T> = std::collections::BTreeMap<String, Vec<T>>;
    let error = state.output::<Map<Picky>>("a").unwrap_err();
    assert!(!format!("{error:?} {error}").contains("topsecret"));
    assert!(error.to_string().contains("`a.x[0]`"), "{error}");
    #[derive(Debug, serde::Deserialize)]
    enum Known {
        One,
    }
    let error = state.output::<Map<Known>>("a").unwrap_err();
    assert!(error.to_string().contains("expected one of One, found another string"), "{error}");
    let known: Known = parse_output("\"One\"", "\"string\"").unwrap().output("a").unwrap();
    assert!(matches!(known, Known::One));
}

/// A value with its type, both as JSON.
fn any_value() -> impl Strategy<Value = (String, String)> {
    let leaf = prop_oneof![
        any::<String>().prop_map(|text| (serde_json::to_string(&text).unwrap(), "\"string\"".to_owned())),
        any::<i64>().prop_map(|number| (number.to_string(), "\"number\"".to_owned())),
        any::<bool>().prop_map(|value| (value.to_string(), "\"bool\"".to_owned())),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..4_usize).prop_map(|((value, ty), count)| {
                (format!("[{}]", vec![value; count].join(",")), format!(r#"["list",{ty}]"#))
            }),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|elements| {
                let (values, types): (Vec<String>, Vec<String>) = elements.into_iter().unzip();
                (format!("[{}]", values.join(",")), format!(r#"["tuple",[{}]]"#, types.join(",")))
            }),
            proptest::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(|members| {
                let join = |pick: fn(&(String, String)) -> &String| {
                    let texts: Vec<String> =
                        members.iter().map(|(name, pair)| format!("{name:?}:{}", pick(pair))).collect();
                    texts.join(",")
                };
                (
                    format!("{{{}}}", join(|pair| &pair.0)),
                    format!(r#"["object",{{{}}}]"#, join(|pair| &pair.1)),
                )
            }),
        ]
    })
}

proptest! {
    /// What is printed decodes to the same value, directly and through serde.
    #[test]
    fn decoding_is_stable((value, ty) in any_value()) {
        let first = parse_output(&value, &ty).unwrap();
        let printed = first.get("a").unwrap().unwrap().value().to_json();
        let second = parse_output(&printed, &ty).unwrap();
        prop_assert_eq!(first.get("a").unwrap(), second.get("a").unwrap());
        let through_serde: Value = first.output("a").unwrap();
        prop_assert_eq!(&through_serde, first.get("a").unwrap().unwrap().value());
    }

    /// No text makes the reader panic.
    #[test]
    fn any_bytes_are_refused_politely(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..300_usize) {
        let mut text = state_with(r#"{"a":{"value":["x",1.5,{"b":null}],"type":["tuple",["string","number",["map","bool"]]]}}"#).into_bytes();
        let _ = State::parse(&bytes);
        text.splice(at.min(text.len()).., bytes);
        let _ = State::parse(&text);
    }
}
