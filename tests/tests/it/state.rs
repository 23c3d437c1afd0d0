//! Our reader of states against Terraform's own: what real Terraform writes, we read as it does, to the byte.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use terrane_state::State;
use terrane_xtask::{Workspace, cases, terraform::Terraform};

/// How many outputs one root has.
const OUTPUTS: usize = 150;

/// A type, as far as expressions without a type constraint can tell one.
#[derive(Clone, Debug)]
enum Type {
    String,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Object(Vec<(String, Type)>),
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::String), Just(Type::Number), Just(Type::Bool)];
    leaf.prop_recursive(4, 12, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Type::List),
            boxed.clone().prop_map(Type::Set),
            boxed.prop_map(Type::Map),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            prop::collection::btree_map(names(), inner, 0..4)
                .prop_map(|attributes| Type::Object(attributes.into_iter().collect())),
        ]
    })
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z][a-z0-9_]{0,6}", 1 => "[ -~é☃]{1,5}"]
}

/// Returns expressions of a type.
fn expressions(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::String => strings().boxed(),
        Type::Number => numbers().boxed(),
        Type::Bool => prop_oneof![Just("true".to_owned()), Just("false".to_owned())].boxed(),
        Type::List(element) => collection("tolist", element),
        Type::Set(element) => collection("toset", element),
        Type::Map(element) => {
            let members = prop::collection::btree_map(names(), expressions(element), 0..4);
            members.prop_map(|members| format!("tomap({})", object(members.into_iter()))).boxed()
        }
        Type::Tuple(elements) => {
            let elements: Vec<_> = elements.iter().map(nullable).collect();
            elements.prop_map(|elements| format!("[{}]", elements.join(", "))).boxed()
        }
        Type::Object(attributes) => {
            let names: Vec<String> = attributes.iter().map(|(name, _)| name.clone()).collect();
            let values: Vec<_> = attributes.iter().map(|(_, ty)| nullable(ty)).collect();
            values.prop_map(move |values| object(names.iter().cloned().zip(values))).boxed()
        }
    }
}

fn collection(function: &'static str, element: &Type) -> BoxedStrategy<String> {
    let elements = prop::collection::vec(expressions(element), 0..4);
    elements.prop_map(move |elements| format!("{function}([{}])", elements.join(", "))).boxed()
}

/// Returns expressions of a type, some of them null.
fn nullable(ty: &Type) -> BoxedStrategy<String> {
    let null = match ty {
        Type::String => "tostring(null)",
        Type::Number => "tonumber(null)",
        Type::Bool => "tobool(null)",
        _ => "null",
    };
    prop_oneof![6 => expressions(ty), 1 => Just(null.to_owned())].boxed()
}

fn object(members: impl Iterator<Item = (String, String)>) -> String {
    let members: Vec<String> = members.map(|(name, value)| format!("{} = {value}", quoted(&name))).collect();
    format!("{{ {} }}", members.join(", "))
}

fn strings() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
        1 => prop::collection::vec(
            prop_oneof![
                Just('\u{301}'), Just('e'), Just('\u{1}'), Just('\n'), Just('\t'), Just('\u{2028}'),
                Just('\u{7f}'), Just('\u{1f600}'), Just('<'), Just('&'), Just('\u{ac00}'), Just('\u{11a8}'),
            ],
            0..6,
        ).prop_map(|chars| chars.into_iter().collect()),
    ]
    .prop_map(|text: String| quoted(&text))
}

/// Returns a string literal of HCL.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => literal.extend(['\\', char]),
            // Escaped, so that no template begins.
            '$' | '%' => write!(literal, "\\u{:04x}", u32::from(char)).unwrap(),
            ' '..='~' => literal.push(char),
            char if u32::from(char) > 0xffff => write!(literal, "\\U{:08x}", u32::from(char)).unwrap(),
            char => write!(literal, "\\u{:04x}", u32::from(char)).unwrap(),
        }
    }
    literal + "\""
}

fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,60})?(e-?[1-9][0-9]{0,2})?",
        prop::sample::select(vec![
            "0.1",
            "1e400",
            "1e-400",
            "9007199254740993",
            "18446744073709551616",
            "1/3",
            "-0.0",
            "2/7*7"
        ])
        .prop_map(str::to_owned),
    ]
}

/// Writes a root of outputs without a provider.
fn configuration(runner: &mut TestRunner) -> String {
    let expression = types().prop_flat_map(|ty| expressions(&ty));
    let mut text = String::new();
    for idx in 0..OUTPUTS {
        let value = expression.new_tree(runner).unwrap().current();
        let sensitive = if idx % 7 == 0 { "  sensitive = true\n" } else { "" };
        write!(text, "output \"o{idx}\" {{\n  value = {value}\n{sensitive}}}\n\n").unwrap();
    }
    text
}

#[test]
fn random_outputs_are_read_as_terraform_reads_them() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let mut runner = TestRunner::deterministic();
    for _ in 0..cases(2, 100) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.tf"), configuration(&mut runner)).unwrap();
        let root = terraform.root(dir.path());
        root.init().unwrap();
        root.apply(&[]).unwrap();
        let state = State::parse(&std::fs::read(dir.path().join("terraform.tfstate")).unwrap()).unwrap();
        state.check_outputs().unwrap();
        let (ours, theirs) = (state.to_json(), root.output(&["-json"]).unwrap());
        for (idx, (our, their)) in ours.lines().zip(theirs.lines()).enumerate() {
            assert_eq!(our, their, "line {idx}");
        }
        assert_eq!(ours + "\n", theirs);
    }
}
