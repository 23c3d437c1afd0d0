//! Lower: from the network to Terraform as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::features;
use crate::module::{Module, ProviderRequirement, Resource};
use crate::network::Network;

/// The versions of the AWS provider that a module works with: all that it uses exists since 5.0 and still does in 6.x.
const AWS_PROVIDER: &str = ">= 5.0, < 7.0";

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
