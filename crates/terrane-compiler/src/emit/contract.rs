//! The module's interface, as `contract.json` and as the `terrane` output.

use std::collections::BTreeSet;

use semver::Version;
use terrane_contract::{Contract, KeyKind, Managed, Move, Output, Provider, Type, Variable};
use terrane_hcl::expr::ObjectKey;
use terrane_hcl::parse::constant;
use terrane_hcl::print::canonical;

use crate::ledger::Ledger;
use crate::module::syntax::{Expr, object, string};
use crate::module::typecheck::Typed;
use crate::module::{self, Module};
use crate::network::Network;

/// Returns the interface of a module.
pub(crate) fn contract(network: &Network, module: &Module, typed: &Typed, ledger: &Ledger) -> Contract {
    let mut contract = Contract::new(&module.name);
    contract.required_version = Some(format!(">= {}", typed.required_version));
    contract.providers = module.providers.iter().map(|(name, it)| (name.clone(), provider(it))).collect();
    contract.variables = module.variables.iter().map(|it| (it.name.clone(), variable(it))).collect();
    contract.outputs = module
        .outputs
        .iter()
        .map(|it| {
            let mut output = Output::new(typed.outputs.get(&it.name).cloned().unwrap_or(Type::Dynamic));
            output.description.clone_from(&it.description);
            output.holds = it.holds;
            (it.name.clone(), output)
        })
        .collect();
    contract.resources = module.resources.iter().map(|it| (it.address(), managed(it))).collect();
    contract.data = module.data.iter().map(module::Resource::address).collect();
    contract.moved =
        module.moved.iter().map(|it| Move { from: it.from.clone(), to: it.to.clone() }).collect();
    contract.admitted =
        network.ranges.iter().map(|range| (range.variable.clone(), range.admitted.clone())).collect();
    contract.addresses = Some(ledger.addresses());
    contract
}

fn provider(provider: &module::ProviderRequirement) -> Provider {
    Provider {
        source: provider.source.clone(),
        version: Some(provider.version.clone()),
        aliases: BTreeSet::new(),
    }
}

fn variable(it: &module::Variable) -> Variable {
    let mut variable = Variable::new(it.ty.clone());
    variable.default = it.default.as_ref().map(json_of);
    variable.nullable = it.nullable;
    variable.validations = it.validations.iter().map(|validation| canonical(&validation.condition)).collect();
    variable.description.clone_from(&it.description);
    variable
}

/// Returns the JSON of a literal expression.
fn json_of(expr: &Expr) -> serde_json::Value {
    constant(expr).expect("defaults of variables are literals")
}

fn managed(resource: &module::Resource) -> Managed {
    Managed {
        keys: if resource.for_each.is_some() { KeyKind::ForEach } else { KeyKind::None },
        repeat: resource.for_each.as_ref().map(canonical),
        literal_keys: match &resource.for_each {
            Some(Expr::Object(rows)) => rows.keys().map(ObjectKey::text).collect(),
            _ => BTreeSet::new(),
        },
        prevent_destroy: resource.prevent_destroy,
        create_before_destroy: false,
        ignore_changes: resource.ignore_changes.iter().cloned().collect(),
    }
}

/// Adds the `terrane` output, by which a reader of the state recognises the module.
///
/// The fingerprint is the start of the SHA-256 of the contract without this output's value; it is for diagnosis only.
pub(crate) fn identify(module: &mut Module, version: &Version, fingerprint: &str) {
    let value = object([
        ("module", string(&module.name)),
        ("version", string(&version.to_string())),
        ("fingerprint", string(fingerprint)),
    ]);
    let description = "Which module this is: its name, its version, and the fingerprint of its contract.";
    module.outputs.retain(|output| output.name != "terrane");
    module.outputs.push(module::Output {
        name: "terrane".to_owned(),
        description: description.to_owned(),
        holds: None,
        value,
    });
}

/// Returns the text of `contract.json`.
pub(crate) fn json(contract: &Contract) -> String {
    let mut text = serde_json::to_string_pretty(contract).expect("a contract is plain data");
    text.push('\n');
    text
}
