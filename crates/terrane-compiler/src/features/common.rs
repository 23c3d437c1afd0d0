//! How features lower what several of them have: tags, references to what tiers have, tables.

use std::fmt::Write as _;

use terrane_contract::Holds;

use crate::module::Output;
use crate::module::syntax::{Expr, call, expr, object, reference, table};
use crate::network::{Network, Tier, Traffic};

/// Returns the tags of something with this name.
pub(super) fn tags(network: &Network, name: Expr) -> Expr {
    call("merge", [expr(common_tags(network)), object([("Name", name)])])
}

/// Returns the tags that everything carries: the caller's, and those of the topology where it has some.
pub(super) fn common_tags(network: &Network) -> &'static str {
    if network.tags.is_empty() { "var.tags" } else { "local.tags" }
}

/// Returns an object, whose keys are quoted where one of them must be.
pub(super) fn table_of<'a>(entries: impl IntoIterator<Item = (&'a str, Expr)>) -> Expr {
    let is_identifier = |key: &str| {
        key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let entries: Vec<_> = entries.into_iter().collect();
    if entries.iter().all(|(key, _)| is_identifier(key)) {
        object(entries)
    } else {
        table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)))
    }
}

/// Writes a list of string literals; the strings must need no escapes.
pub(super) fn list(items: &[String]) -> String {
    let mut text = String::from("[");
    for (idx, item) in items.iter().enumerate() {
        let _ = write!(text, "{}\"{item}\"", if idx == 0 { "" } else { ", " });
    }
    text.push(']');
    text
}

/// Returns an output that holds an id for each tier.
pub(super) fn by_tier(network: &Network, name: &str, description: &str, ty: &str, holds: Holds) -> Output {
    let ids = network.tiers.iter().flat_map(|tier| {
        let id = expr(&format!("{ty}.{}.id", tier.name.identifier()));
        tier.names().map(move |name| (name.identifier(), id.clone()))
    });
    Output {
        name: name.to_owned(),
        description: description.to_owned(),
        holds: Some(holds),
        value: call("tomap", [object(ids)]),
    }
}

/// Returns the reference to one part of a tier's cover.
pub(super) fn block(network: &Network, tier: usize, part: usize) -> String {
    let name = network.tiers[tier].name.identifier();
    let index = if network.tiers[tier].cover.len() == 1 { String::new() } else { format!("[{part}]") };
    format!("local.blocks.{name}{index}")
}

/// Returns the reference to the subnets of a tier, which are a map by zone letter.
pub(super) fn subnets(tier: &Tier) -> Expr {
    reference("aws_subnet", &tier.name.identifier())
}

/// Returns protocol and ports, or ICMP type and code, as Terraform's arguments take them.
pub(super) fn columns(traffic: Traffic) -> (&'static str, Expr, Expr) {
    let number = |value: i32| Expr::Number(value.into());
    match traffic {
        Traffic::Tcp(ports) => ("tcp", number(ports.from.into()), number(ports.to.into())),
        Traffic::Udp(ports) => ("udp", number(ports.from.into()), number(ports.to.into())),
        Traffic::Icmp => ("icmp", number(-1), number(-1)),
        Traffic::FragmentationNeeded => ("icmp", number(3), number(4)),
        Traffic::Any => ("-1", Expr::Null, Expr::Null),
    }
}
