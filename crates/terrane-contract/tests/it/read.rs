//! What `Contract::from_files` reads, in both syntaxes.

use serde_json::json;
use terrane_contract::{Contract, KeyKind, Type};

#[track_caller]
fn read(files: &[(&str, &str)]) -> Contract {
    Contract::from_files("m", files.iter().copied()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check_problems(files: &[(&str, &str)], expected: &[&str]) {
    let error = Contract::from_files("m", files.iter().copied()).expect_err("a problem");
    let found: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

const NATIVE: &str = r#"
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.0, < 7.0"
      configuration_aliases = [aws.peer]
    }
  }
}

variable "zones" {
  description = "Letters"
  type = object({
    size  = optional(number, 3)
    names = map(object({ az = string, id = optional(string, "x") }))
  })
  default   = { size = 1, names = {} }
  nullable  = false
  sensitive = true
  ephemeral = true
  validation {
    condition     = var.zones.size   >  0
    error_message = "no"
  }
}

resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [input]
  }
}

data "aws_region" "here" {}

moved {
  from = terraform_data.old["k"]
  to   = terraform_data.a["x"]
}

removed {
  from = terraform_data.gone
  lifecycle { destroy = false }
}

module "sub" {
  source = "./modules/sub"
  count  = 2
}

output "size" {
  value     = var.zones.size
  sensitive = true
  precondition {
    condition     = 1 < 2
    error_message = "x"
  }
}
"#;

const JSON: &str = r#"{
  "terraform": {"required_version": ">= 1.5", "required_providers": {"aws": {
    "source": "hashicorp/aws", "version": ">= 5.0, < 7.0", "configuration_aliases": ["aws.peer"]}}},
  "variable": {"zones": {
    "description": "Letters",
    "type": "object({ size = optional(number, 3), names = map(object({ az = string, id = optional(string, \"x\") })) })",
    "default": {"size": 1, "names": {}},
    "nullable": false, "sensitive": true, "ephemeral": true,
    "validation": {"condition": "${var.zones.size > 0}", "error_message": "no"}}},
  "resource": {"terraform_data": {"a": {
    "for_each": "${toset([\"x\", \"y\"])}",
    "lifecycle": {"prevent_destroy": true, "ignore_changes": ["input"]}}}},
  "data": {"aws_region": {"here": {}}},
  "moved": [{"from": "terraform_data.old[\"k\"]", "to": "terraform_data.a[\"x\"]"}],
  "removed": {"from": "terraform_data.gone", "lifecycle": {"destroy": false}},
  "module": {"sub": {"source": "./modules/sub", "count": 2}},
  "output": {"size": {"value": "${var.zones.size}", "sensitive": true,
    "precondition": [{"condition": "${1 < 2}", "error_message": "x"}]}}
}"#;

const SUB: (&str, &str) = ("modules/sub/main.tf", "resource \"terraform_data\" \"inner\" {}\n");

#[test]
fn every_part_of_a_contract_is_read() {
    let contract = read(&[("main.tf", NATIVE), SUB, ("modules/sub/README.md", "# sub")]);
    assert_eq!(contract.required_version.as_deref(), Some(">= 1.5"));
    let aws = &contract.providers["aws"];
    assert_eq!((aws.source.as_str(), aws.version.as_deref()), ("hashicorp/aws", Some(">= 5.0, < 7.0")));
    assert!(aws.aliases.contains("aws.peer"));

    let zones = &contract.variables["zones"];
    assert_eq!(
        zones.ty.to_string(),
        "object({ names = map(object({ az = string, id = optional(string) })), size = optional(number) })"
    );
    assert_eq!(zones.default, Some(json!({"size": 1, "names": {}})));
    assert_eq!(zones.attribute_defaults["size"], json!(3));
    assert_eq!(zones.attribute_defaults["names[*].id"], json!("x"));
    assert!(!zones.nullable && zones.sensitive && zones.ephemeral);
    assert_eq!(zones.validations, ["var.zones.size > 0"]);

    let managed = &contract.resources["terraform_data.a"];
    assert_eq!(managed.keys, KeyKind::ForEach);
    assert_eq!(managed.literal_keys.iter().collect::<Vec<_>>(), ["x", "y"]);
    assert!(managed.prevent_destroy && managed.ignore_changes.contains("input"));
    assert!(contract.data.contains("aws_region.here"));
    assert_eq!(contract.moved[0].from, "terraform_data.old[\"k\"]");
    assert!(contract.removed.contains("terraform_data.gone"));
    assert_eq!(contract.modules["sub"].keys, KeyKind::Count);
    assert!(contract.submodules["modules/sub"].public);
    assert!(contract.submodules["modules/sub"].contract.resources.contains_key("terraform_data.inner"));
    assert_eq!(contract.outputs["size"].ty, Type::Number);
    assert_eq!(contract.outputs["size"].preconditions, ["1 < 2"]);
}

#[test]
fn json_syntax_reads_as_native_syntax_does() {
    assert_eq!(read(&[("main.tf.json", JSON), SUB]), read(&[("main.tf", NATIVE), SUB]));
}

/// docs/contract.md names every field, and the version of the schema.
#[test]
fn schema_page_documents_every_field_that_contracts_have() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/contract.md")).unwrap();
    assert!(page.contains(&format!("schema version {}", terrane_contract::SCHEMA_VERSION)));
    let native = serde_json::to_value(read(&[("main.tf", NATIVE), SUB])).unwrap();
    let compiled = std::fs::read(root.join("modules/kubernetes-network/contract.json")).unwrap();
    let mut n_fields = 0;
    for contract in [native, serde_json::from_slice(&compiled).unwrap()] {
        let contract = contract.as_object().unwrap();
        let maps = ["providers", "variables", "outputs", "resources", "modules", "submodules", "admitted"];
        let parts = maps.iter().filter_map(|map| contract.get(*map)?.as_object());
        let mut objects: Vec<_> =
            parts.flat_map(|part| part.values().filter_map(|value| value.as_object())).collect();
        objects.extend(
            [Some(contract), contract.get("addresses").and_then(|value| value.as_object())]
                .into_iter()
                .flatten(),
        );
        for field in objects.into_iter().flat_map(|object| object.keys()) {
            assert!(page.contains(&format!("`{field}`")) || page.contains(&format!("{{{field}")), "{field}");
            n_fields += 1;
        }
    }
    assert!(n_fields > 50, "{n_fields}");
}

#[test]
fn a_contract_survives_json() {
    let contract = read(&[("main.tf", NATIVE), SUB]);
    let text = serde_json::to_string(&contract).unwrap();
    assert_eq!(serde_json::from_str::<Contract>(&text).unwrap(), contract);
    let later = text.replace("\"schema_version\":1", "\"schema_version\":2");
    let error = serde_json::from_str::<Contract>(&later).unwrap_err().to_string();
    assert!(error.contains("schema_version is 2, and this program reads 1"), "{error}");
}

#[test]
fn an_output_type_is_claimed_only_where_it_is_certain() {
    let cases = [
        ("\"a-${var.s}\"", "string"),
        ("\"${var.s}\"", "any"),
        ("var.m[\"a\"]", "number"),
        ("{ a = 1, b = aws_vpc.this.id }", "object({ a = number, b = any })"),
        ("tomap({ a = \"x\", b = \"y\" })", "map(string)"),
        ("tolist([])", "list(any)"),
        ("aws_vpc.this.id", "any"),
        ("terraform_data.x.id", "string"),
        ("local.flag", "bool"),
        ("var.n > 1 ? 1 : 2", "number"),
        ("var.n > 1 ? 1 : \"a\"", "string"),
        ("[for x in var.m : x]", "any"),
        ("local.loop", "any"),
    ];
    for (value, expected) in cases {
        let text = format!(
            "variable \"s\" {{}}\nvariable \"n\" {{ type = number }}\nvariable \"m\" {{ type = map(number) }}\n\
             locals {{\n  flag = !true\n  loop = local.loop\n}}\noutput \"o\" {{ value = {value} }}\n"
        );
        let contract = read(&[("main.tf", &text)]);
        assert_eq!(contract.outputs["o"].ty.to_string(), expected, "{value}");
    }
}

#[test]
fn conditions_do_not_depend_on_layout() {
    let spread = "variable \"a\" {\n  validation {\n    condition = alltrue([\n      for k, v in {\n        \"x\" = 1 # one\n        y : 2\n      } :\n      v > 0\n    ])\n    error_message = \"no\"\n  }\n}\n";
    let dense = "variable \"a\" {\n  validation {\n    condition = alltrue([for k, v in { x = 1, y = 2 } : v > 0])\n    error_message = \"other text\"\n  }\n}\n";
    assert_eq!(
        read(&[("main.tf", spread)]).variables["a"].validations,
        read(&[("main.tf", dense)]).variables["a"].validations
    );
}

#[test]
fn default_null_is_a_default() {
    let contract = read(&[("main.tf", "variable \"a\" { default = null }\nvariable \"b\" {}\n")]);
    assert_eq!(contract.variables["a"].default, Some(json!(null)));
    assert_eq!(contract.variables["b"].default, None);
}

#[test]
fn every_problem_is_reported_with_file_and_line() {
    check_problems(
        &[
            ("a.tf", "variable \"x\" {\n  type = strin\n}\n\nvariable \"y\" {\n  default = var.x\n}\n"),
            ("b.tf", "output \"o\" {\n"),
            ("c.tf", "variable \"x\" {}\noutput \"p\" {}\n"),
            ("d_override.tf", "output \"q\" {\n  value = 1\n}\n"),
            ("e.tf.json", "{\n  \"variable\": [1]\n}"),
        ],
        &[
            "a.tf:1: variable `x`: `strin` is no type constraint",
            "a.tf:5: variable `y`: `default`: expected a literal, found `var.x`",
            "b.tf:1: syntax error: invalid block body; expected `}`, newline or identifier",
            "c.tf:1: variable `x` is declared twice; remove one",
            "c.tf:2: output `p` needs a `value`",
            "d_override.tf:1: output `q` overrides none",
            "e.tf.json: `variable` needs an object of names, found 1",
        ],
    );
}

#[test]
fn a_directory_without_terraform_is_no_module() {
    check_problems(
        &[("README.md", "# hi")],
        &[".: no Terraform declarations found; a module has .tf or .tf.json files"],
    );
}

#[test]
fn override_files_are_merged_as_terraform_merges_them() {
    let base = "variable \"a\" {\n  type    = string\n  default = \"x\"\n}\nlocals {\n  n = 1\n}\n\
                terraform {\n  required_version = \">= 1.0\"\n  required_providers {\n    a = { source = \"x/a\" }\n    b = { source = \"x/b\" }\n  }\n}\n\
                resource \"a\" \"b\" {\n  x = local.n\n  count = 1\n}\n";
    let other = "variable \"a\" {\n  default = \"y\"\n}\nlocals {\n  n = 2\n}\n\
                 terraform {\n  required_providers {\n    b = { source = \"y/b\" }\n  }\n}\nresource \"a\" \"b\" {\n  count = 2\n}\n";
    let merged = read(&[("main.tf", base), ("z_override.tf", other)]);
    assert_eq!(merged.variables["a"].ty, Type::String);
    assert_eq!(merged.variables["a"].default, Some(json!("y")));
    assert_eq!(merged.resources["a.b"].repeat.as_deref(), Some("2"));
    let sources: Vec<&str> = merged.providers.values().map(|provider| provider.source.as_str()).collect();
    assert_eq!(sources, ["x/a", "y/b"]);
    assert_eq!(merged.required_version.as_deref(), Some(">= 1.0"));
}

/// Valid for Terraform, and not for every parser of HCL.
#[test]
fn hcl_is_read_as_terraform_reads_it() {
    let contract = read(&[(
        "main.tf",
        "variable \"a\" {\n  nullable  = \"false\"\n  sensitive = \"true\"\n  default   = { x = 1, x = 2 }\n}\n\
         locals {\n  l = {\n    for k, v in var.a : k => v.on &&\n      v.off ?\n      1 : 2\n  }\n}\n",
    )]);
    assert!(!contract.variables["a"].nullable && contract.variables["a"].sensitive);
    assert_eq!(contract.variables["a"].default, Some(json!({"x": 2})));
}

/// Every directory that a caller can name is a module, wherever it is.
#[test]
fn modules_are_found_in_every_directory_but_examples_and_tests() {
    let text = "locals {}\n";
    let contract = read(&[
        ("main.tf", "module \"t\" {\n  source = \"./tests/setup\"\n}\n"),
        ("modules/a/main.tf", text),
        ("modules/a/b/main.tf", text),
        ("wrappers/main.tf", text),
        ("examples/e/main.tf", text),
        ("tests/setup/main.tf", text),
        ("tests/other/main.tf", text),
        (".hidden/main.tf", text),
    ]);
    let found: Vec<&str> = contract.submodules.keys().map(String::as_str).collect();
    assert_eq!(found, ["modules/a", "modules/a/b", "tests/setup", "wrappers"]);
}
