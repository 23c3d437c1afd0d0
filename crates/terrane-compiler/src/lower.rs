//! Lower: from the network to Terraform as data.

use std::collections::BTreeMap;

use crate::features;
use crate::module::{Module, ProviderRequirement};
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
    moved.retain(|moved| resources.iter().any(|resource| resource.address() == moved.to));
    module
}
