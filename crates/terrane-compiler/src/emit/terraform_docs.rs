//! The part of the README that terraform-docs would write, as it would write it.
//!
//! The markers are its own, so that `terraform-docs markdown table --output-file README.md` (0.24) finds its block and
//! nothing to change in it. It reads no lock file here, since a module has none.

use std::collections::BTreeMap;

use serde_json::Value;
use terrane_contract::{Contract, Type};

/// Where the block begins and ends.
const BEGIN: &str = "<!-- BEGIN_TF_DOCS -->";
const END: &str = "<!-- END_TF_DOCS -->";

/// Returns the block, with its markers.
pub(super) fn block(contract: &Contract) -> String {
    let sections: [fn(&mut String, &Contract); 6] =
        [requirements, providers, modules, resources, inputs, outputs];
    let mut text = format!("{BEGIN}\n");
    for (idx, write_section) in sections.iter().enumerate() {
        if idx > 0 {
            text.push('\n');
        }
        write_section(&mut text, contract);
    }
    text.extend([END, "\n"]);
    text
}

/// Writes a section: its rows, or a sentence where there are none.
fn section<const N: usize>(
    text: &mut String,
    title: &str,
    head: [(&str, &str); N],
    rows: impl Iterator<Item = [String; N]>,
) {
    text.extend(["## ", title, "\n\n"]);
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        text.extend(["No ", &title.to_lowercase(), ".\n"]);
        return;
    }
    write_row(text, head.map(|(name, _)| name));
    write_row(text, head.map(|(_, rule)| rule));
    rows.for_each(|row| write_row(text, row));
}

fn write_row<const N: usize>(text: &mut String, cells: [impl AsRef<str>; N]) {
    for cell in cells {
        text.extend(["| ", cell.as_ref(), " "]);
    }
    text.push_str("|\n");
}

const NAME: (&str, &str) = ("Name", "----");
const VERSION: (&str, &str) = ("Version", "-------");
const DESCRIPTION: (&str, &str) = ("Description", "-----------");

fn requirements(text: &mut String, contract: &Contract) {
    let terraform = contract.required_version.iter().map(|version| ("terraform", version.as_str()));
    let providers = contract.providers.iter();
    let providers =
        providers.map(|(name, provider)| (name.as_str(), provider.version.as_deref().unwrap_or("n/a")));
    let rows = terraform.chain(providers).map(|(name, version)| versioned("requirement", name, version));
    section(text, "Requirements", [NAME, VERSION], rows);
}

/// Returns the providers of what the module manages and reads.
fn providers(text: &mut String, contract: &Contract) {
    let used = |name: &str| {
        let prefix = format!("{name}_");
        let addresses = contract.resources.keys().chain(&contract.data);
        addresses.into_iter().any(|address| address.starts_with(&prefix))
    };
    let rows =
        contract.providers.iter().filter(|(name, _)| used(name)).map(|(name, provider)| {
            versioned("provider", name, provider.version.as_deref().unwrap_or("n/a"))
        });
    section(text, "Providers", [NAME, VERSION], rows);
}

fn versioned(kind: &str, name: &str, version: &str) -> [String; 2] {
    [anchored(kind, name), version.to_owned()]
}

fn modules(text: &mut String, contract: &Contract) {
    let rows = contract.modules.iter().map(|(name, call)| {
        [
            anchored("module", name),
            call.source.clone(),
            call.version.clone().unwrap_or_else(|| "n/a".to_owned()),
        ]
    });
    section(text, "Modules", [NAME, ("Source", "------"), VERSION], rows);
}

fn resources(text: &mut String, contract: &Contract) {
    let managed = contract.resources.keys().map(|address| resource(contract, address, "resource"));
    let data = contract.data.iter().map(|address| resource(contract, address, "data source"));
    section(text, "Resources", [NAME, ("Type", "----")], managed.chain(data));
}

fn resource(contract: &Contract, address: &str, kind: &str) -> [String; 2] {
    let kind_of_resource = address.split('.').next().unwrap_or(address);
    let (provider, name) = kind_of_resource.split_once('_').unwrap_or((kind_of_resource, kind_of_resource));
    let source = contract.providers.get(provider).map(|provider| provider.source.clone());
    let source = source.unwrap_or_else(|| format!("hashicorp/{provider}"));
    let group = if kind == "resource" { "resources" } else { "data-sources" };
    let url = format!("https://registry.terraform.io/providers/{source}/latest/docs/{group}/{name}");
    [format!("[{address}]({url})"), kind.to_owned()]
}

fn inputs(text: &mut String, contract: &Contract) {
    let rows = contract.variables.iter().map(|(name, variable)| {
        let required = if variable.default.is_none() { "yes" } else { "no" };
        [
            anchored("input", name),
            prose(&variable.description),
            of_type(&variable.ty),
            variable.default.as_ref().map_or_else(|| "n/a".to_owned(), default),
            required.to_owned(),
        ]
    });
    let head = [NAME, DESCRIPTION, ("Type", "----"), ("Default", "-------"), ("Required", ":------:")];
    section(text, "Inputs", head, rows);
}

fn outputs(text: &mut String, contract: &Contract) {
    let rows =
        contract.outputs.iter().map(|(name, output)| [anchored("output", name), prose(&output.description)]);
    section(text, "Outputs", [NAME, DESCRIPTION], rows);
}

/// Returns a name that others can link to, and that links to itself.
fn anchored(kind: &str, name: &str) -> String {
    let escaped = name.replace('_', "\\_");
    format!("<a name=\"{kind}_{name}\"></a> [{escaped}](#{kind}\\_{escaped})")
}

/// Returns a description for a cell: what is between backticks stays, but for what would end the cell.
fn prose(text: &str) -> String {
    let text = text.replace('|', "\\|").replace('\n', "<br/>");
    let mut parts = String::new();
    for (idx, part) in text.split('`').enumerate() {
        if idx > 0 {
            parts.push('`');
        }
        if idx % 2 == 0 { parts += &part.replace('_', "\\_") } else { parts += part }
    }
    if parts.is_empty() { "n/a".to_owned() } else { parts }
}

fn of_type(ty: &Type) -> String {
    format!("`{ty}`")
}

fn default(value: &Value) -> String {
    let text = format!("{:#}", sorted(value)).replace('|', "\\|");
    if text.contains('\n') {
        return format!("<pre>{}</pre>", text.replace('\n', "<br/>"));
    }
    format!("`{text}`")
}

/// Returns a value with the members of its objects in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        Value::Object(members) => {
            let members: BTreeMap<&String, Value> =
                members.iter().map(|(name, value)| (name, sorted(value))).collect();
            members.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}
data "aws_region" "current" {}
resource "aws_vpc" "this" {}
resource "aws_route_table" "private" {}
variable "cidr_block" {
  type        = string
  description = "Holds pub_a | pub_b, as `cidr_block` says."
}
variable "names" {
  type        = set(string)
  description = "Names."
  default     = ["a", "b"]
}
variable "tags" {
  type        = map(string)
  description = "Tags."
  default     = { b = "x|y", a = "z" }
}
variable "name" {
  type        = string
  description = "A name."
  default     = null
}
output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}
"#;

    /// Rows as terraform-docs 0.24 writes them.
    const DOCUMENTED: &str = r#"<!-- BEGIN_TF_DOCS -->
## Requirements

| Name | Version |
| ---- | ------- |
| <a name="requirement_terraform"></a> [terraform](#requirement\_terraform) | >= 1.5 |
| <a name="requirement_aws"></a> [aws](#requirement\_aws) | >= 5.0, < 7.0 |

## Providers

| Name | Version |
| ---- | ------- |
| <a name="provider_aws"></a> [aws](#provider\_aws) | >= 5.0, < 7.0 |

## Modules

No modules.

## Resources

| Name | Type |
| ---- | ---- |
| [aws_route_table.private](https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/route_table) | resource |
| [aws_vpc.this](https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/vpc) | resource |
| [aws_region.current](https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/region) | data source |

## Inputs

| Name | Description | Type | Default | Required |
| ---- | ----------- | ---- | ------- | :------: |
| <a name="input_cidr_block"></a> [cidr\_block](#input\_cidr\_block) | Holds pub\_a \| pub\_b, as `cidr_block` says. | `string` | n/a | yes |
| <a name="input_name"></a> [name](#input\_name) | A name. | `string` | `null` | no |
| <a name="input_names"></a> [names](#input\_names) | Names. | `set(string)` | <pre>[<br/>  "a",<br/>  "b"<br/>]</pre> | no |
| <a name="input_tags"></a> [tags](#input\_tags) | Tags. | `map(string)` | <pre>{<br/>  "a": "z",<br/>  "b": "x\|y"<br/>}</pre> | no |

## Outputs

| Name | Description |
| ---- | ----------- |
| <a name="output_vpc_id"></a> [vpc\_id](#output\_vpc\_id) | Id of the VPC. |
<!-- END_TF_DOCS -->
"#;

    #[test]
    fn block_is_what_terraform_docs_writes() {
        let contract = Contract::from_files("m", [("main.tf", MODULE)]).unwrap();
        assert_eq!(block(&contract), DOCUMENTED);
    }
}
