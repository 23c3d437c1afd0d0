//! `terrane bindings`: what it generates is kept beside the tests, where it is compiled, linted, and used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use terrane_state::{State, Value};

#[path = "../fixtures/every_type.rs"]
#[expect(unreachable_pub, reason = "generated for a module that others use")]
mod every_type;

/// Set (to anything) it makes the test write what `terrane bindings` generates now.
const UPDATE: &str = "TERRANE_BLESS";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[track_caller]
fn bindings(arguments: &[&str], code: i32) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_terrane"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("bindings")
        .args(arguments)
        .env_remove("TF_WORKSPACE")
        .env_remove("TF_DATA_DIR")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}{stderr}");
    (stdout, stderr)
}

#[test]
fn every_type_becomes_rust_that_compiles_without_warnings() {
    let (text, notes) = bindings(&["tests/fixtures/every-type.tfstate"], 0);
    assert_eq!(
        notes,
        "note: the type of output `absent` is not known; it becomes a `Value`\n\
         note: the type of output `dynamic` is not known; it becomes a `Value`\n"
    );
    let path = fixture("every_type.rs");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, &text).unwrap();
    }
    // This very file is a module of this program, so the compiler, Clippy, and rustfmt have all seen it.
    assert_eq!(text, fs::read_to_string(path).unwrap(), "set {UPDATE}=1 and look at the difference");
}

#[test]
fn the_generated_struct_reads_the_state_that_it_was_generated_from() {
    let state = State::parse(&fs::read(fixture("every-type.tfstate")).unwrap()).unwrap();
    let outputs: every_type::Outputs = state.outputs().unwrap();
    assert_eq!(outputs.absent, None);
    assert_eq!(outputs.number.as_str(), "9007199254740993");
    assert_eq!(outputs.map["with space"].as_str(), "1e400");
    assert_eq!(outputs.deep["a"]["b"][0]["c"][0].first().unwrap(), "x");
    assert_eq!(outputs.empty_tuple, []);
    assert_eq!(outputs.list_of_objects[0].r#type, None);
    assert_eq!(outputs.list_of_objects[1].r#type.as_deref(), Some("tcp"));
    assert_eq!(outputs.list_with_null[1], Value::Null);
    assert_eq!((outputs.object.vpc_id.as_str(), outputs.object.vpc_id_.as_str()), ("vpc-1", "vpc-2"));
    assert_eq!(outputs.password.expose(), "hunter2");
    assert!(!format!("{outputs:?}").contains("hunter2"));
    assert_eq!(outputs.tuple.2, [true]);
    assert_eq!(outputs.tuple_of_one.0.a, "x");
    assert_eq!(outputs.wide_tuple.11, "l");
    assert_eq!(outputs.wider_tuple.at(12).unwrap().to_json(), "13");
}

#[test]
fn a_compiled_module_becomes_the_struct_that_is_published() {
    let published = |text: &str| text.replace("cargo xtask compile", "terrane bindings");
    let module = "../../modules/kubernetes-network";
    let expected = include_str!("../../../terrane-outputs/src/kubernetes_network/v1.rs");
    assert_eq!(bindings(&[module], 0).0, published(expected));
    let (text, _) = bindings(&[module, "--module-version", "3.1.0"], 0);
    assert!(text.contains("const MAJOR: u64 = 3;"), "{text}");
}

#[test]
fn a_module_is_known_wherever_it_stands_and_whatever_stands_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("network");
    fs::create_dir_all(copy.join(".terraform/providers")).unwrap();
    fs::write(copy.join("Makefile"), "all:\n").unwrap();
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../modules/public-network");
    for entry in fs::read_dir(&module).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
    }
    let (text, _) = bindings(&[&copy.display().to_string()], 0);
    assert_eq!(text, bindings(&["../../modules/public-network"], 0).0);
    fs::write(copy.join("outputs.tf"), "").unwrap();
    let (_, error) = bindings(&[&copy.display().to_string()], 1);
    assert!(error.contains("contract.json") && error.contains("compile the module again"), "{error}");
}

#[test]
fn a_module_written_by_hand_is_known_as_far_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let text = "variable \"size\" {\n  type = number\n}\noutput \"size\" {\n  description = \"How many.\\n- A list\\n  of items.\"\n  value       = var.size\n}\noutput \"name\" {\n  value = \"x-${var.size}\"\n}\noutput \"other\" {\n  value = aws_vpc.this.id\n}\n";
    fs::write(dir.path().join("main.tf"), text).unwrap();
    let (text, notes) = bindings(&[&path], 0);
    assert!(text.contains("    /// The output `name`.\n    pub name: String,\n"), "{text}");
    assert!(text.contains("    /// How many. - A list of items."), "{text}");
    assert!(text.contains("pub other: Value"), "{text}");
    assert!(notes.contains("output `other`"), "{notes}");
    let json: serde_json::Value = serde_json::from_str(&bindings(&[&path, "--json"], 0).0).unwrap();
    assert_eq!(json["name"]["type"], "string");
    let file = dir.path().join("outputs.rs");
    bindings(&[&path, "-o", &file.display().to_string()], 0);
    assert_eq!(fs::read_to_string(file).unwrap(), text);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let empty = bindings(&[&dir.path().display().to_string()], 1).1;
    assert!(empty.contains("no state, no contract, and no Terraform file"), "{empty}");
    bindings(&["absent.tfstate"], 4);
    let broken = dir.path().join("b.tfstate");
    let state = r#"{"version":4,"outputs":{"a":{"value":1,"type":"zzz"}}}"#;
    fs::write(&broken, state).unwrap();
    assert!(bindings(&[&broken.display().to_string()], 1).1.contains("output \"a\""));
}
