//! The order of calls while an edit is applied: what AWS would do between two of them.
//!
//! One network stands, and edits are applied one after another. For each, one call is refused on the way, and the next
//! apply must finish what is left. The emulator's journal has what stood after every call of both.

use std::collections::BTreeSet;

use serde_json::Value;
use terrane_compiler::{
    ledger::Ledger,
    topology::{Egress, Topology},
};

use super::{add_cache, compile_into, extra_flow, remove_tier, rename_tier, three, zones};
use crate::{
    e2e::{self, Applied, Call},
    emulator::Emulators,
    error::{Error, ErrorKind, Result},
    files,
    terraform::Terraform,
};

/// Returns the network that is edited: without subnet groups, which the emulator cannot change.
fn standing() -> Topology {
    let mut topology = three();
    topology.features.subnet_groups.clear();
    topology
}

/// The label of the call.
const LABEL: &str = "three";

/// Which call is refused in each edit where time is short: there are at least as many.
const SHORT: [u32; 5] = [2, 4, 6, 8, 2];

/// What applying one edit did.
#[derive(Clone, Debug)]
pub struct Order {
    /// What was edited.
    pub edit: &'static str,
    /// The calls that changed EC2, those after a refusal counted.
    pub calls: usize,
    /// Which call was refused, counted from 1; `None` if there were fewer.
    pub refused: Option<u32>,
    /// What should not happen, in words.
    pub wrong: Vec<String>,
}

/// One edit on the way.
struct Step {
    name: &'static str,
    topology: Topology,
    /// Whether a time without a way out is expected.
    cuts_the_way_out: bool,
}

/// Applies the network, and then the edits: each with its `nth` changing call refused, or with every one of them in turn.
///
/// # Errors
///
/// [`ErrorKind::Refused`] if a topology does not compile, or an apply after a refusal fails; else as [`e2e::apply`].
pub fn run(terraform: &Terraform, emulators: &Emulators, every_call: bool) -> Result<Vec<Order>> {
    let scratch = files::scratch()?;
    let source = scratch.path().join(LABEL);
    let ledger = compile_into(&source, &standing(), &Ledger::default())?;
    let call = Call { label: LABEL.to_owned(), source, arguments: format!("  name = \"{LABEL}\"\n") };
    let applied = e2e::apply(terraform, emulators, &[call])?;
    let first = Order {
        edit: "make the network",
        calls: 0,
        refused: None,
        wrong: closed_while_in_use(&applied.emulator.journal()?),
    };
    let mut walk = Walk { applied, ledger, topology: standing(), orders: vec![first] };
    for (idx, step) in steps(every_call).into_iter().enumerate() {
        if !every_call {
            walk.take(&step, SHORT[idx % SHORT.len()], false)?;
            continue;
        }
        let from = walk.topology.clone();
        for nth in 1.. {
            walk.take(&step, nth, true)?;
            if walk.orders.last().is_none_or(|order| order.refused.is_none()) {
                break;
            }
            walk.go(&from)?;
        }
    }
    Ok(walk.orders)
}

/// Returns the edits, in an order in which each begins where the one before has ended.
fn steps(all: bool) -> Vec<Step> {
    let step = |name, topology| Step { name, topology, cuts_the_way_out: false };
    let mut steps = vec![
        step("remove the middle zone", zones(standing(), &["a", "c"])),
        step("bring the zone back", standing()),
        step("insert a tier in the middle", add_cache(standing())),
        step("remove that tier", standing()),
        step("add a flow", standing().flow(extra_flow())),
    ];
    if all {
        let mut single = standing();
        single.features.egress = Egress::single_nat("a");
        steps.extend([
            step("remove the flow", standing()),
            step("append a zone", zones(standing(), &["a", "b", "c", "d"])),
            step("remove the last zone", standing()),
            // Gateways go before the routes that led to them; only two releases would do better.
            Step { name: "NAT per zone → single NAT", topology: single, cuts_the_way_out: true },
            step("single NAT → NAT per zone", standing()),
            step("remove a tier", remove_tier(standing())),
            step("bring the tier back", standing()),
            step("rename a tier", rename_tier(standing())),
        ]);
    }
    steps
}

/// A network that is edited.
struct Walk {
    applied: Applied,
    ledger: Ledger,
    topology: Topology,
    orders: Vec<Order>,
}

impl Walk {
    /// Applies an edit, with its `nth` call refused, until nothing is left to do.
    fn take(&mut self, step: &Step, nth: u32, plans_again: bool) -> Result<()> {
        let before = self.subnets()?;
        self.applied.emulator.reset()?;
        self.applied.emulator.refuse(nth)?;
        self.write(&step.topology)?;
        let was_refused = self.applied.root.apply(&[]).is_err();
        if was_refused {
            self.applied.root.apply(&[])?;
        }
        let journal = self.applied.emulator.journal()?;
        self.applied.emulator.reset()?;
        let after = self.subnets()?;
        let stays: BTreeSet<&String> = before.intersection(&after).collect();
        let mut wrong = on_the_default(&journal, &stays);
        if !step.cuts_the_way_out {
            wrong.extend(into_nothing(&journal));
        }
        if plans_again {
            let left = self.applied.root.plan(&[])?.changes();
            wrong.extend(left.iter().map(|change| format!("the next plan would change {}", change.address)));
        }
        let calls = journal.as_array().map_or(0, Vec::len);
        let refused = was_refused.then_some(nth);
        eprintln!("{}: {calls} calls, refused: {refused:?}; wrong: {wrong:?}", step.name);
        self.orders.push(Order { edit: step.name, calls, refused, wrong });
        Ok(())
    }

    /// Applies a topology without looking.
    fn go(&mut self, topology: &Topology) -> Result<()> {
        self.write(topology)?;
        self.applied.root.apply(&[])
    }

    fn write(&mut self, topology: &Topology) -> Result<()> {
        self.ledger = compile_into(&self.applied.module(LABEL), topology, &self.ledger)?;
        self.topology = topology.clone();
        Ok(())
    }

    fn subnets(&self) -> Result<BTreeSet<String>> {
        let observed = self.applied.observe()?;
        let named = |tag: Option<&String>| tag.is_some_and(|name| name == LABEL);
        let vpc = observed.vpcs.iter().find(|vpc| named(vpc.tags.get("Name"))).map(|vpc| vpc.id.clone());
        let vpc = vpc.ok_or_else(|| Error::new(ErrorKind::Refused, "the network is gone"))?;
        Ok(observed.subnets.into_iter().filter(|subnet| subnet.vpc == vpc).map(|subnet| subnet.id).collect())
    }
}

fn entries(journal: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = journal.as_array().into_iter().flatten();
    entries.map(|entry| (entry["action"].as_str().unwrap_or_default(), &entry["after"]))
}

/// Says after which calls a subnet that stays had the default network ACL.
fn on_the_default(journal: &Value, stays: &BTreeSet<&String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (action, after) in entries(journal) {
        for id in stays {
            let subnet = &after["subnets"][id.as_str()];
            let default = &after["defaults"][subnet["vpc"].as_str().unwrap_or_default()]["acl"];
            if subnet["acl"] == *default || subnet["table"].is_null() {
                wrong.push(format!("after {action}, {} has no ACL or table of its own", subnet["name"]));
            }
        }
    }
    wrong
}

/// Says after which calls a route led to a gateway that was gone.
fn into_nothing(journal: &Value) -> Vec<String> {
    let lost =
        |after: &Value| after["routes_to_what_is_gone"].as_array().is_some_and(|lost| !lost.is_empty());
    let wrong = entries(journal).filter(|(_, after)| lost(after));
    wrong
        .map(|(action, after)| {
            format!("after {action}, routes lead nowhere: {}", after["routes_to_what_is_gone"])
        })
        .collect()
}

/// Says after which call a default network ACL was closed that subnets still used.
fn closed_while_in_use(journal: &Value) -> Vec<String> {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (action, after) in entries(journal) {
        for (vpc, default) in after["defaults"].as_object().into_iter().flatten() {
            if default["closed"] == false {
                open.insert(vpc);
                continue;
            }
            let used = after["subnets"].as_object().into_iter().flatten();
            let used = used.filter(|(_, subnet)| subnet["acl"] == default["acl"]).count();
            if open.remove(vpc.as_str()) && used > 0 {
                wrong.push(format!("{action} closes the default network ACL of {used} subnets"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(acl: &str, closed: bool, lost: &Value) -> Value {
        json!({"action": "X", "after": {
            "subnets": {"subnet-1": {"vpc": "vpc-1", "name": "app-a", "acl": acl, "table": "rtb-1"}},
            "defaults": {"vpc-1": {"acl": "acl-0", "closed": closed}},
            "routes_to_what_is_gone": lost,
        }})
    }

    #[test]
    fn each_wrong_order_is_found() {
        let subnet = "subnet-1".to_owned();
        let stays = BTreeSet::from([&subnet]);
        let good = json!([entry("acl-1", false, &json!([])), entry("acl-1", true, &json!([]))]);
        assert!(on_the_default(&good, &stays).is_empty());
        assert!(into_nothing(&good).is_empty() && closed_while_in_use(&good).is_empty());
        let bad =
            json!([entry("acl-1", false, &json!([])), entry("acl-0", true, &json!([["rtb-1", "nat-1"]]))]);
        assert_eq!(on_the_default(&bad, &stays).len(), 1);
        assert_eq!(on_the_default(&bad, &BTreeSet::new()).len(), 0, "it goes");
        assert_eq!(into_nothing(&bad).len(), 1);
        assert_eq!(closed_while_in_use(&bad).len(), 1);
    }
}
