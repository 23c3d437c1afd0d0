//! Types that a contract states of outputs, beside those that Terraform writes into a state.

use terrane_contract::{Contract, Type};

use crate::addresses::apply;

/// What expressions may name.
const NAMES: &str = r#"
variable "texts" {
  type    = list(string)
  default = ["a", "b"]
}
variable "numbers" {
  type    = map(number)
  default = { a = 1 }
}
variable "rows" {
  type    = map(object({ size = number, tags = optional(map(string), {}) }))
  default = { a = { size = 1 } }
}
variable "any" {
  default = "x"
}
locals {
  object = { a = 1, b = "x" }
  number = length(var.texts)
}
"#;

/// Expressions whose type is certain.
const CERTAIN: &[&str] = &[
    "false ? null : \"x\"",
    "var.texts == [] ? 1 : \"x\"",
    "local.object",
    "local.object.a",
    "local.object[\"b\"]",
    "[1, \"x\"][1]",
    "[1, \"x\"].0",
    "var.rows[\"a\"].tags",
    "var.texts[*]",
    "values(var.rows)[*].size",
    "[{ a = 1 }, { a = \"x\" }][*].a",
    "keys(var.numbers)",
    "values(var.numbers)",
    "toset([\"a\", 1])",
    "tomap({ a = 1, b = \"x\" })",
    "tolist([{ a = 1 }, { a = \"x\" }])",
    "distinct([\"a\", 1])",
    "reverse(var.texts)",
    "slice(var.texts, 0, 1)",
    "concat(var.texts, var.texts)",
    "setunion([\"a\"], [1])",
    "merge(local.object, { b = 2, c = true })",
    "lookup(var.numbers, \"a\", 0)",
    "element(var.texts, 0)",
    "one([\"a\"])",
    "coalesce(1, \"x\")",
    "try(\"a\", \"b\")",
    "range(3)",
    "cidrsubnets(\"10.0.0.0/8\", 8, 8)",
    "formatlist(\"%s\", [\"a\"])",
    "compact(var.texts)",
    "sort(var.texts)",
    "split(\",\", \"a,b\")",
    "\"${local.number}\"",
    "\"${local.number}-${local.number}\"",
    "\"${var.any}-x\"",
    "-local.number + 1",
    "!contains(var.texts, \"a\") || anytrue([false])",
    "parseint(\"11\", 2)",
    "jsonencode(var.any)",
    "{ a = [true], b = { c = null == var.any } }",
];

/// Expressions whose type the values decide, as far as is known without them.
const OPEN: &[&str] = &[
    "[for x in var.texts : x]",
    "{ for x in var.texts : x => x }",
    "{ (var.texts[0]) = 1 }",
    "var.any",
    "var.texts == [] ? var.any : \"x\"",
    "tolist([for x in var.texts : x])",
    "keys(local.object)",
    "values(local.object)",
    "flatten([var.texts])",
    "concat([\"a\"], [1])",
    "concat(var.texts, [1])",
    "setproduct(var.texts, [1])",
    "merge(local.object, var.numbers)",
    "merge([local.object, { c = 1 }]...)",
    "lookup(local.object, \"a\", 0)",
    "element([\"a\", 1], local.number)",
    "reverse([\"a\", 1])",
    "zipmap([\"a\"], [1])",
    "try(1, \"x\")",
    "var.numbers[*]",
    "regex(\"a(.)\", \"ab\")",
    "jsondecode(\"1\")",
    "[[for x in var.texts : x]]",
    "tolist([1, null])",
];

/// Returns whether a type is what a contract says of it, which may leave parts open.
fn is_as_said(said: &Type, found: &Type) -> bool {
    match (said, found) {
        (Type::Dynamic, _) => true,
        (Type::List(said), Type::List(found))
        | (Type::Set(said), Type::Set(found))
        | (Type::Map(said), Type::Map(found)) => is_as_said(said, found),
        (Type::Tuple(said), Type::Tuple(found)) => {
            said.len() == found.len() && said.iter().zip(found).all(|(said, found)| is_as_said(said, found))
        }
        (Type::Object { attributes: said, .. }, Type::Object { attributes: found, .. }) => {
            said.keys().eq(found.keys())
                && said.values().zip(found.values()).all(|(said, found)| is_as_said(said, found))
        }
        (said, found) => said == found,
    }
}

fn is_certain(ty: &Type) -> bool {
    !ty.to_string().contains("any")
}

#[test]
fn types_of_outputs_are_those_in_the_state() {
    let expressions: Vec<&str> = CERTAIN.iter().chain(OPEN).copied().collect();
    let output = |(n, value): (usize, &&str)| format!("output \"o{n}\" {{\n  value = {value}\n}}\n");
    let text = NAMES.to_owned() + &expressions.iter().enumerate().map(output).collect::<String>();
    let contract = Contract::from_files("types", [("main.tf", text.as_str())]).unwrap();
    for (n, value) in expressions.iter().enumerate() {
        let said = &contract.outputs[&format!("o{n}")].ty;
        assert_eq!(is_certain(said), n < CERTAIN.len(), "{value}: {said}");
    }
    let directory = tempfile::tempdir().unwrap();
    if apply(directory.path(), &[&[("main.tf", text.as_str())]]).is_none() {
        return;
    }
    let root = (0..expressions.len()).map(|n| format!("output \"o{n}\" {{\n  value = module.m0.o{n}\n}}\n"));
    std::fs::write(directory.path().join("outputs.tf"), root.collect::<String>()).unwrap();
    crate::addresses::again(directory.path()).unwrap();
    let state = std::fs::read_to_string(directory.path().join("terraform.tfstate")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    for (n, value) in expressions.iter().enumerate() {
        let name = format!("o{n}");
        let found = Type::from_json(&state["outputs"][&name]["type"]).unwrap();
        let said = &contract.outputs[&name].ty;
        assert!(is_as_said(said, &found), "{value}: the contract says {said}, the state {found}");
    }
}
