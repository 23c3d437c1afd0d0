//! What a network can have: one file for each feature, and one line in [`ALL`].
//!
//! A feature says what it adds to a [`Network`] and how that becomes Terraform.
//! Nothing else knows it: documents, contract, and bindings follow from the [`Module`].

mod closed_defaults;
pub(crate) mod eks;
pub mod endpoints;
mod internet_gateway;
mod nat_gateways;
pub(crate) mod network_acls;
mod route_tables;
pub(crate) mod security_groups;
pub mod subnet_groups;
mod tiers;
pub(crate) mod vpc;

use crate::address_plan::AddressPlan;
use crate::declaration::Declaration;
use crate::diagnostics::Diagnostics;
use crate::ledger::RuleNumbers;
use crate::module::Module;
use crate::network::Network;

/// Every feature, in the order in which they build on each other and stand in the files.
pub(crate) const ALL: &[Feature] = &[
    vpc::FEATURE,
    tiers::FEATURE,
    internet_gateway::FEATURE,
    nat_gateways::FEATURE,
    route_tables::FEATURE,
    endpoints::FEATURE,
    eks::FEATURE,
    subnet_groups::FEATURE,
    network_acls::FEATURE,
    security_groups::FEATURE,
    closed_defaults::FEATURE,
];

/// One feature.
pub(crate) struct Feature {
    /// Adds to the network what the declaration asks for.
    pub(crate) resolve: fn(&mut Resolution<'_>),
    /// Adds to the module what the network has; a feature that is not used leaves no trace.
    pub(crate) lower: fn(&Network, &mut Module),
}

/// What a feature resolves from, and into.
pub(crate) struct Resolution<'a> {
    /// What was declared.
    pub(crate) declaration: &'a Declaration,
    /// Where everything lies.
    pub(crate) plan: &'a AddressPlan,
    /// The recorded numbers of network ACL rules.
    pub(crate) numbers: &'a mut RuleNumbers,
    /// The network so far.
    pub(crate) network: Network,
    /// Problems found.
    pub(crate) diagnostics: Diagnostics,
}
