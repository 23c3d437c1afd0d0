//! `examples/complete`: a root that uses the module as a reader of the README would.

use std::collections::BTreeMap;

use terrane_hcl::types::constraint;

use super::Source;
use crate::module::print;
use crate::module::syntax::{Body, Item, object, reference, string, var};

/// Returns the files of the example.
pub(super) fn files(source: &Source<'_>) -> BTreeMap<String, String> {
    let module = source.module;
    let mut call = Body::new()
        .arg("source", string("../.."))
        .blank()
        .arg("name", string(&module.name))
        .arg("cidr_block", string(&source.network.ranges[0].default.to_string()))
        .arg("tags", object([("Environment", string("example"))]));
    let mut variables = Vec::new();
    for variable in module.variables.iter().filter(|variable| variable.default.is_none()) {
        call = call.arg(&variable.name, var(&variable.name));
        variables.push(Item::block(
            "variable",
            &[&variable.name],
            Body::new()
                .arg("description", string(&variable.description))
                .arg("type", constraint(&variable.ty)),
        ));
    }
    let mut items = vec![
        Item::block("provider", &["aws"], Body::new().arg("region", string("eu-west-1"))),
        Item::block("module", &["network"], call),
    ];
    items.splice(0..0, variables);
    let outputs = vec![Item::block(
        "output",
        &["network"],
        Body::new()
            .arg("description", string("Everything that the network gives to others, in one value."))
            .arg("value", reference("module", "network")),
    )];
    let provider = object([
        ("source", string(&module.providers["aws"].source)),
        ("version", string(&module.providers["aws"].version)),
    ]);
    let required_version = source.contract.required_version.as_deref().unwrap_or_default();
    let versions = vec![Item::block(
        "terraform",
        &[],
        Body::new()
            .arg("required_version", string(required_version))
            .blank()
            .block("required_providers", Body::new().arg("aws", provider)),
    )];
    let readme = format!(
        "# Complete example of `{name}`\n\nUses the module as it is declared, and re-exports its outputs so that others can read them from the state.\n\n```sh\nterraform init\nterraform apply\n```\n",
        name = module.name
    );
    [
        ("main.tf", print::file(&module.name, &items)),
        ("outputs.tf", print::file(&module.name, &outputs)),
        ("versions.tf", print::file(&module.name, &versions)),
        ("README.md", readme),
    ]
    .into_iter()
    .map(|(name, text)| (format!("examples/complete/{name}"), text))
    .collect()
}
