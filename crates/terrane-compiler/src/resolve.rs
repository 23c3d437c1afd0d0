//! Resolve: from what was declared and where it lies to what AWS will see.

use crate::address_plan::AddressPlan;
use crate::declaration::Declaration;
use crate::diagnostics::Diagnostics;
use crate::features::{self, Resolution};
use crate::ledger::Ledger;
use crate::network::Network;

/// Resolves a network, and records the numbers of its ACL rules in the ledger.
///
/// # Errors
///
/// Returns all problems that only the whole network shows, such as a network ACL with too many rules.
pub fn resolve(
    declaration: &Declaration,
    plan: &AddressPlan,
    ledger: &mut Ledger,
) -> Result<Network, Diagnostics> {
    let network = Network {
        name: declaration.name.clone(),
        description: declaration.description.clone(),
        ranges: Vec::new(),
        zones: declaration.zones.clone(),
        slots: std::collections::BTreeMap::new(),
        slot_bits: 0,
        min_zones: features::min_zones(declaration),
        homes: Vec::new(),
        tiers: Vec::new(),
        internet_gateway: false,
        nat: None,
        places: declaration.places.clone(),
        attachments: declaration.attachments.clone(),
        route_tables: Vec::new(),
        acls: Vec::new(),
        removed_tiers: Vec::new(),
        security_groups: Vec::new(),
        subnet_groups: Vec::new(),
        endpoints: Vec::new(),
        features: declaration.features.clone(),
        flows: declaration.flows.clone(),
        keep_clear: declaration.keep_clear.clone(),
        dns: declaration.dns,
        tags: declaration.tags.clone(),
        close_defaults: false,
        origin: declaration.origin.clone(),
    };
    let mut resolution = Resolution {
        declaration,
        plan,
        numbers: &mut ledger.rule_numbers,
        network,
        diagnostics: Diagnostics::default(),
    };
    for feature in features::ALL {
        (feature.resolve)(&mut resolution);
    }
    let Resolution { network, mut diagnostics, .. } = resolution;
    diagnostics.ok(network)
}
