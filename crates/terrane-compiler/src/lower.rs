//! Lower: from the network to Terraform as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::{Diagnostic, Diagnostics, Origin};
use crate::features;
use crate::module::language::{self, Version};
use crate::module::{Module, ProviderRequirement, Resource};
use crate::network::Network;

/// The versions of the AWS provider that a module works with: all that it uses exists since 5.0 and still does in 6.x.
const AWS_PROVIDER: &str = ">= 5.0, < 7.0";

/// Returns what stands in the way of the Terraform version that was asked for; nothing if none was.
///
/// `origin` is where it was asked for.
pub fn newer_than_asked(network: &Network, module: &Module, origin: &Origin) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let Some((major, minor)) = network.terraform else { return diagnostics };
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let asked = Version::new(number(major), number(minor));
    let needed = language::required_version(module);
    if asked < needed {
        let features: Vec<String> = language::features_newer_than(module, asked)
            .iter()
            .map(|feature| {
                format!("{} (Terraform {}, used by {})", feature.name, feature.since, feature.used_by)
            })
            .collect();
        let message = format!("terraform {asked} is asked for, but the module needs {needed}");
        let hint = if features.is_empty() {
            format!("ask for {needed}, the oldest version that any module supports")
        } else {
            format!("ask for {needed}, or do without: {}", features.join("; "))
        };
        diagnostics.push(Diagnostic::error("terraform-too-old", origin, message).hint(hint));
    }
    diagnostics
}

/// Lowers a network to a module.
pub fn lower(network: &Network) -> Module {
    let mut module = Module {
        name: network.name.to_string(),
        providers: BTreeMap::from([(
            "aws".to_owned(),
            ProviderRequirement { source: "hashicorp/aws".to_owned(), version: AWS_PROVIDER.to_owned() },
        )]),
        variables: Vec::new(),
        locals: Vec::new(),
        data: Vec::new(),
        resources: Vec::new(),
        outputs: Vec::new(),
        moved: Vec::new(),
    };
    for feature in features::ALL {
        (feature.lower)(network, &mut module);
    }
    let Module { resources, moved, .. } = &mut module;
    // Renames are chains, oldest first: what leads to a resource over others stays, too.
    let mut reached: BTreeSet<String> = resources.iter().map(Resource::address).collect();
    for moved in moved.iter().rev() {
        if reached.contains(&moved.to) {
            reached.insert(moved.from.clone());
        }
    }
    moved.retain(|moved| reached.contains(&moved.to));
    module
}
