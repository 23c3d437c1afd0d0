//! The 64 cases of the specification: the table of those that are told by an object's text alone, read over HTTP in
//! each way that a reader has, from two servers; and a check that every number has a test.

use std::collections::BTreeSet;

use terrane_state::{Error, Reader, S3Arguments, State};

use crate::contract;
use crate::mem_s3::MemS3;
use crate::setup::{STATE, arguments, builder, state_with};

/// What output `a` is as JSON, or what the error says.
type Expected = Result<&'static str, &'static str>;

fn output(value: &str, ty: &str) -> String {
    state_with(&format!(r#"{{"a":{{"value":{value},"type":{ty}}}}}"#))
}

/// Each case with its text, and what is read.
fn table() -> Vec<(u8, String, Expected)> {
    let header = |fields: &str| format!(r#"{{{fields},"outputs":{{"a":{{"value":"x","type":"string"}}}}}}"#);
    let x = Ok("\"x\"");
    let text = |text: &str| text.to_owned();
    let nested = |depth: usize| {
        let ty = (0..depth).fold("\"string\"".to_owned(), |ty, _| format!(r#"["tuple",[{ty}]]"#));
        output(&format!("{}\"x\"{}", "[".repeat(depth), "]".repeat(depth)), &ty)
    };
    vec![
        (1, text(STATE), x),
        (3, text(""), Err("the object is empty")),
        (6, text("\n"), Err("syntax error at byte offset 1")),
        (7, format!("\u{feff}{STATE}"), Err("byte order mark")),
        (8, format!("{STATE}\n\t "), x),
        (8, format!("{STATE}{{}}"), Err("syntax error")),
        (9, STATE[..STATE.len() / 2].to_owned(), Err("the text ends too early")),
        (11, text(r#"{"version":4}"#), Ok("absent")),
        (12, text(r#"{"version":5}"#), Err("the format version is 5")),
        (12, text(r#"{"version":0}"#), Err("which no Terraform ever wrote")),
        (12, text(r#"{"version":-1}"#), Err("the format version is number -1")),
        (12, text(r#"{"version":"4"}"#), Err("the format version is string")),
        (12, text(r#"{"version":4.0}"#), Err("the format version is number 4.0")),
        (12, text("{}"), Err("does not have a `version`")),
        (12, text("[]"), Err("a state is a JSON object, found array")),
        (13, text("tfstate\u{1}"), Err("binary format")),
        (14, header(r#""version":4,"terraform_version":"99.0.0-beta1""#), x),
        (14, header(r#""version":4,"terraform_version":"banana""#), Err("\"banana\" is no version")),
        (15, header(r#""version":4,"serial":18446744073709551615"#), x),
        (15, header(r#""version":4,"serial":18446744073709551616"#), Err("field `serial`")),
        (15, header(r#""version":4,"serial":-1"#), Err("field `serial`")),
        (16, text(r#"{"VERSION":4,"Outputs":{"a":{"Value":"x","Type":"string"}}}"#), x),
        (17, header(r#""version":4,"outputs":{"b":{"value":1,"type":"number"}}"#), x),
        (
            18,
            text(
                r#"{"version":3,"modules":[{"path":["root"],"outputs":{"a":{"type":"list","value":["b"]}}}]}"#,
            ),
            Ok("[\"b\"]"),
        ),
        (19, output("1e400", "\"number\""), Ok("1e400")),
        (19, output("9007199254740993", "\"number\""), Ok("9007199254740993")),
        (20, output("1.50e2", "\"string\""), Ok("\"1.50e2\"")),
        (20, output("\"12.50\"", "\"number\""), Ok("12.50")),
        (20, output("\"true\"", "\"bool\""), Ok("true")),
        (21, output("true", "\"number\""), Err("number is required")),
        (21, output("\"abc\"", "\"number\""), Err("a number is required")),
        (21, output("\"Inf\"", "\"number\""), Err("a number is required")),
        (22, output("null", "\"dynamic\""), Ok("null")),
        (23, state_with("{}"), Ok("absent")),
        (24, output("[]", r#"["list","dynamic"]"#), Ok("[]")),
        (25, output(r#"{"value":"x","type":"string"}"#, "\"dynamic\""), x),
        (25, output("\"x\"", "\"dynamic\""), Err("exactly `value` and `type`")),
        (26, output(r#"["b","a","b"]"#, r#"["set","string"]"#), Ok(r#"["a","b"]"#)),
        (26, output("[10,9,1.0,1]", r#"["set","number"]"#), Ok("[1.0,9,10]")),
        (27, output("[]", r#"["tuple",["number"]]"#), Err("a tuple of 1 elements is required, found 0")),
        (27, output("[1,2]", r#"["tuple",["number"]]"#), Err("a tuple of 1 elements is required, found 2")),
        (
            28,
            output(r#"[{"value":"x","type":"string"},{"value":1,"type":"number"}]"#, r#"["list","dynamic"]"#),
            Err("the same type"),
        ),
        (29, output(r#"{"a":1}"#, r#"["object",{"a":"number","b":"string"}]"#), Ok(r#"{"a":1,"b":null}"#)),
        (29, output(r#"{"zz":2}"#, r#"["object",{"a":"number"}]"#), Err("unsupported attribute \"zz\"")),
        (30, nested(200), Ok("")),
        (
            30,
            header(&format!(r#""version":4,"x":{}{}"#, "[".repeat(10_001), "]".repeat(10_001))),
            Err("more than 10000 levels"),
        ),
        (31, output("\"e\u{301}\"", "\"string\""), Ok("\"é\"")),
        (31, output("\"\\ud800\"", "\"string\""), Ok("\"\u{fffd}\"")),
        (32, state_with(r#"{"a":{"value":"x","type":"string","sensitive":true}}"#), x),
        (62, text(include_str!("../fixtures/tofu-pbkdf2-aesgcm.tfstate")), Err("the state is encrypted")),
    ]
}

/// Reads the object of `arguments` as each case of the table has it.
async fn check(arguments: S3Arguments, put: impl AsyncFn(&str)) {
    let reader = builder(arguments.clone()).connect().await.unwrap();
    let strict = builder(arguments).strict().connect().await.unwrap();
    for (number, text, expected) in table() {
        put(&text).await;
        let readings = [
            ("read", reader.read().await),
            ("read_whole", reader.read_whole().await.map(Into::into)),
            ("strict", strict.read().await),
            ("read_if_changed", reader.read_if_changed("\"other\"").await.map(|state| state.unwrap())),
        ];
        for (way, state) in readings {
            compare(number, way, state, expected);
        }
    }
}

fn compare(number: u8, way: &str, state: Result<State, Error>, expected: Expected) {
    let found = state.and_then(|state| {
        let output = state.get("a")?;
        Ok(output.map_or_else(|| "absent".to_owned(), |output| output.value().to_json()))
    });
    match (&found, expected) {
        (Ok(found), Ok(expected)) => {
            assert!(expected.is_empty() || found == expected, "{number} {way}: {found}")
        }
        (Err(found), Err(expected)) => {
            assert!(found.to_string().contains(expected), "{number} {way}: {found}");
        }
        _ => panic!("case {number}, {way}: {found:?}, expected {expected:?}"),
    }
}

#[tokio::test]
async fn cases_of_texts_are_read_alike_from_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let reader = Reader::from_file(file.path());
    let strict = Reader::at(file.path().to_str().unwrap()).strict().connect().await.unwrap();
    for (number, text, expected) in table() {
        std::fs::write(file.path(), &text).unwrap();
        compare(number, "read", reader.read().await, expected);
        compare(number, "strict", strict.read().await, expected);
    }
}

#[tokio::test]
async fn cases_of_texts_are_read_alike_in_every_way() {
    let (server, address) = MemS3::start().await;
    check(arguments(address), async |text| drop(server.put("b", "k", text))).await;
}

#[tokio::test]
async fn cases_of_texts_are_read_alike_from_a_second_server() {
    let Some((client, arguments)) = contract::second_bucket("terrane-cases").await else { return };
    let put = async |text: &str| {
        let body = text.as_bytes().to_vec().into();
        client.put_object().bucket("terrane-cases").key("k").body(body).send().await.unwrap();
    };
    check(arguments, put).await;
}

/// Returns the numbers in `case_07_…`, `cases_06_to_09_…`, and `cases_46_47_53_…`.
fn numbers(name: &str) -> BTreeSet<u8> {
    let words: Vec<&str> = name.split('_').skip(1).collect();
    let mut numbers: BTreeSet<u8> = words.iter().map_while(|word| word.parse().ok()).collect();
    if let [first, "to", last, ..] = words.as_slice() {
        numbers.extend(first.parse::<u8>().unwrap()..=last.parse().unwrap());
    }
    numbers
}

#[test]
fn every_case_has_a_test() {
    assert_eq!(numbers("cases_06_to_09_syntax"), (6..=9).collect());
    assert_eq!(numbers("cases_46_47_53_refusals"), [46, 47, 53].into());
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if line.trim() == "#[test]" || line.trim() == "#[tokio::test]" {
                let name = lines.next().unwrap_or_default().split("fn ").last().unwrap_or_default();
                if name.starts_with("case") {
                    found.extend(numbers(name.split('(').next().unwrap()));
                }
            }
        }
    }
    assert_eq!(found, (1..=64).collect());
}
