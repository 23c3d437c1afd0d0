//! The churn scoreboard: what `terraform plan` would do to a network that stands, when its topology is edited.
//!
//! Three networks are applied on an emulator once; for each edit the module is compiled again, with the ledger that
//! the first compilation left, and planned over the real state.
//! Nothing may be replaced, and nothing destroyed but what the edit removes.

pub mod orders;

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use serde_json::Value;
use terrane_compiler::{
    ledger::Ledger,
    testing,
    topology::{Egress, Flow, SubnetGroup, Tier, Topology},
};

use terrane_workspace::{Directory, Whose};

use crate::{
    e2e::{self, Applied, Call},
    emulator::Emulators,
    error::{Error, ErrorKind, Result},
    files,
    terraform::{Action, Change, Terraform},
};

/// The version that every compilation here has.
const VERSION: semver::Version = semver::Version::new(0, 1, 0);

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Churn {
    /// The scoreboard.
    pub rows: Vec<Row>,
    /// Random edits of flows, one after another.
    pub flow_edits: Vec<FlowEdit>,
}

/// A flow that came or went on a network that stands.
#[derive(Clone, Debug)]
pub struct FlowEdit {
    /// The ends of the flow.
    pub ends: [String; 2],
    /// How many rules of network ACLs come or go.
    pub rules: usize,
    /// What should not happen, in words.
    pub wrong: Vec<String>,
}

/// One line of the scoreboard.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was edited.
    pub edit: &'static str,
    /// What the plan would do.
    pub changes: Vec<Change>,
    /// What it should not do.
    pub wrong: Vec<Change>,
    /// What the same edit does to modules written by hand.
    others: [&'static str; 3],
}

/// An edit of a network that stands.
struct Edit {
    name: &'static str,
    /// The label of the network.
    base: &'static str,
    /// The topologies that are compiled one after another; the last one is planned.
    steps: Vec<Topology>,
    /// Whether an address is of something that the edit removes.
    removes: fn(&str) -> bool,
    /// What the same edit does to terraform-aws-modules/vpc 6.6, aws-ia/vpc 4.7 and cloudposse's subnets 3.1, measured
    /// with their own code over a converged state; `–` where it was not measured.
    others: [&'static str; 3],
}

/// Applies the networks, plans the edits with a name that `wanted` takes, and returns the scoreboard;
/// then plans `flow_edits` random edits of the flows of the first network, each after the one before.
///
/// # Errors
///
/// [`ErrorKind::Refused`] if a topology does not compile; else as [`e2e::apply`].
pub fn run(
    terraform: &Terraform,
    emulators: &Emulators,
    wanted: impl Fn(&str) -> bool,
    flow_edits: u32,
) -> Result<Churn> {
    let edits: Vec<Edit> = edits().into_iter().filter(|edit| wanted(edit.name)).collect();
    let scratch = files::scratch()?;
    let (mut ledgers, mut calls) = (BTreeMap::new(), Vec::new());
    let networks = [("three", three()), ("single", single()), ("four", four())];
    for (label, topology) in networks {
        let flows = label == "three" && flow_edits > 0;
        if !flows && !edits.iter().any(|edit| edit.base == label) {
            continue;
        }
        let source = scratch.path().join(label);
        ledgers.insert(label, compile_into(&source, &topology, &Ledger::default())?);
        calls.push(Call { label: label.to_owned(), source, arguments: format!("  name   = \"{label}\"\n") });
    }
    let applied = e2e::apply(terraform, emulators, &calls)?;
    let rows = edits.into_iter().map(|edit| plan(&applied, edit, &ledgers)).collect::<Result<Vec<Row>>>()?;
    let flow_edits = edit_flows(&applied, &ledgers, flow_edits)?;
    Ok(Churn { rows, flow_edits })
}

/// Plans random edits of flows: each from the network as it stands, so that a plan has the rules of one flow alone.
fn edit_flows(applied: &Applied, ledgers: &BTreeMap<&str, Ledger>, wanted: u32) -> Result<Vec<FlowEdit>> {
    let Some(ledger) = ledgers.get("three") else { return Ok(Vec::new()) };
    let dir = applied.module("three");
    let before = Directory::at(&dir, Whose::Ours).contents()?;
    let (mut planned, mut seed) = (Vec::new(), 0);
    // An edit that is no valid topology is not planned; more than half are.
    while planned.len() < wanted as usize && seed < 4 * u64::from(wanted) + 8 {
        let edit = testing::flow_edit(&three(), seed);
        seed += 1;
        if compile_into(&dir, &edit.topology, ledger).is_err() {
            continue;
        }
        let plan = applied.root.plan_without_refresh();
        Directory::at(&dir, Whose::Ours).write(&before)?;
        let found = judge(plan?.json(), edit.ends);
        eprintln!(
            "{} \u{2192} {}: {} rules; wrong: {:?}",
            found.ends[0], found.ends[1], found.rules, found.wrong
        );
        planned.push(found);
    }
    Directory::at(&dir, Whose::Ours).write(&before)?;
    Ok(planned)
}

/// Judges a plan after an edit of one flow: rules come or go, each about an end of the flow, and none moves.
fn judge(plan: &Value, ends: [String; 2]) -> FlowEdit {
    let (mut gone, mut come, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for change in plan["resource_changes"].as_array().into_iter().flatten() {
        let (Some(address), Some(ty)) = (change["address"].as_str(), change["type"].as_str()) else {
            continue;
        };
        let actions: Vec<&str> =
            change["change"]["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !address.starts_with("module.three.") || matches!(actions[..], ["no-op" | "read"]) {
            continue;
        }
        let is_rule = ty.starts_with("aws_vpc_security_group_");
        // The tier is the resource's own name; a security group's rule names both tiers.
        let name = change["name"].as_str().unwrap_or_default();
        let own = ends.iter().any(|end| name.split('_').any(|part| part == end))
            || name == "pub" && ends.iter().any(|end| end == "internet");
        let rule = || (name.to_owned(), address.to_owned());
        match actions[..] {
            ["create"] if is_rule && own => come.push(rule()),
            ["delete"] if is_rule && own => gone.push(rule()),
            ["update"] if ty == "aws_network_acl" && own => {
                let (before, after) =
                    (acl_rules(&change["change"]["before"]), acl_rules(&change["change"]["after"]));
                let only = |these: &[Rule], those: &[Rule]| -> Vec<(String, String)> {
                    let only = these.iter().filter(|rule| !those.contains(rule));
                    only.map(|rule| (name.to_owned(), rule.says.clone())).collect()
                };
                gone.extend(only(&before, &after));
                come.extend(only(&after, &before));
                wrong.extend(besides_rules(change).map(|what| format!("changes {what} of {address}")));
            }
            _ => wrong.push(format!("{} {address}", actions.join(" and "))),
        }
    }
    wrong.extend(come.iter().filter(|rule| gone.contains(rule)).map(|rule| format!("moves {rule:?}")));
    FlowEdit { ends, rules: come.len() + gone.len(), wrong }
}

/// A rule of a network ACL in a plan.
#[derive(PartialEq)]
struct Rule {
    number: Value,
    says: String,
}

fn acl_rules(acl: &Value) -> Vec<Rule> {
    let fields = ["action", "protocol", "from_port", "to_port", "icmp_type", "icmp_code", "cidr_block"];
    let rules = |direction: &'static str| {
        acl[direction].as_array().into_iter().flatten().map(move |rule| Rule {
            number: rule["rule_no"].clone(),
            says: format!("{direction} {}", fields.map(|field| rule[field].to_string()).join(" ")),
        })
    };
    rules("ingress").chain(rules("egress")).collect()
}

/// Returns the arguments that an update of a network ACL changes beside its rules.
fn besides_rules(change: &Value) -> impl Iterator<Item = &String> {
    let (before, after) = (&change["change"]["before"], &change["change"]["after"]);
    let arguments = before.as_object().into_iter().flat_map(|before| before.keys());
    arguments.filter(|name| !["ingress", "egress"].contains(&name.as_str()) && before[*name] != after[*name])
}

/// Returns the scoreboard as a Markdown table.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| edit | Terrane: destroyed or replaced | created | terraform-aws-modules/vpc 6.6 | aws-ia/vpc 4.7 | cloudposse subnets 3.1 |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let created = row.changes.iter().filter(|change| change.action == Action::Create).count();
        let [first, second, third] = row.others;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {first} | {second} | {third} |",
            row.edit,
            losses(&row.changes),
            created,
        );
    }
    text
}

/// Says what a plan destroys (d) or replaces (r), the costly kinds by name.
fn losses(changes: &[Change]) -> String {
    let kinds = [
        ("aws_subnet", "subnets"),
        ("aws_nat_gateway", "NAT"),
        ("aws_eip", "EIP"),
        ("aws_route_table", "RT"),
    ];
    let mut parts = Vec::new();
    let mut count = |name: &str, of: &dyn Fn(&Change) -> bool| {
        for (action, letter) in [(Action::Destroy, 'd'), (Action::Replace, 'r')] {
            let n = changes.iter().filter(|change| change.action == action && of(change)).count();
            if n > 0 {
                parts.push(format!("{name} {n}{letter}"));
            }
        }
    };
    for (ty, name) in kinds {
        count(name, &|change| change.resource_type == ty);
    }
    count("routes and rules", &|change| kinds.iter().all(|(ty, _)| change.resource_type != *ty));
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn plan(applied: &Applied, edit: Edit, ledgers: &BTreeMap<&str, Ledger>) -> Result<Row> {
    let dir = applied.module(edit.base);
    let before = Directory::at(&dir, Whose::Ours).contents()?;
    let mut ledger = ledgers.get(edit.base).cloned().unwrap_or_default();
    for step in &edit.steps {
        ledger = compile_into(&dir, step, &ledger)?;
    }
    let planned = applied.root.plan_without_refresh();
    Directory::at(&dir, Whose::Ours).write(&before)?;
    let own = format!("module.{}.", edit.base);
    let changes: Vec<Change> =
        planned?.changes().into_iter().filter(|change| change.address.starts_with(&own)).collect();
    let is_wrong = |change: &&Change| match change.action {
        Action::Replace => true,
        Action::Destroy => !(edit.removes)(&change.address),
        Action::Create | Action::Update => false,
    };
    let wrong: Vec<Change> = changes.iter().filter(is_wrong).cloned().collect();
    eprintln!("{}: {}; {} of it wrong", edit.name, losses(&changes), wrong.len());
    Ok(Row { edit: edit.name, changes, wrong, others: edit.others })
}

fn compile_into(dir: &Path, topology: &Topology, ledger: &Ledger) -> Result<Ledger> {
    let compilation = terrane_compiler::compile(topology, ledger, &VERSION)
        .map_err(|diagnostics| Error::new(ErrorKind::Refused, diagnostics.to_string()))?;
    let files = compilation.files.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    Directory::at(dir, Whose::Ours).write(&files)?;
    Ok(compilation.ledger)
}

fn edits() -> Vec<Edit> {
    let nothing = |_: &str| false;
    let edit = |name, base, steps, removes, others| Edit { name, base, steps, removes, others };
    vec![
        edit(
            "remove the middle zone",
            "three",
            vec![zones(three(), &["a", "c"])],
            |address| address.contains("[\"b\"]"),
            [
                "subnets 3d 3r, NAT 1d 1r, EIP 1d, RT 2d",
                "subnets 3d 5r, NAT 1d 2r, EIP 1d",
                "subnets 3d 3r, NAT 1d 1r, EIP 1d",
            ],
        ),
        edit(
            "append a zone",
            "three",
            vec![zones(three(), &["a", "b", "c", "d"])],
            nothing,
            ["nothing", "subnets 6r, NAT 3r", "subnets 3r, NAT 3r unless reserved"],
        ),
        edit(
            "reorder zones",
            "three",
            vec![zones(three(), &["c", "b", "a"])],
            nothing,
            ["subnets 6r, NAT 2r", "nothing", "subnets 6r, NAT 2r"],
        ),
        edit("reorder tiers", "three", vec![reorder_tiers(three())], nothing, ["–"; 3]),
        edit(
            "insert a tier in the middle",
            "three",
            vec![add_cache(three())],
            nothing,
            ["nothing", "subnets 6r, NAT 3r", "subnets 6r, NAT 3r"],
        ),
        edit("rename a tier", "three", vec![rename_tier(three())], nothing, ["–"; 3]),
        edit("remove a tier", "three", vec![remove_tier(three())], is_of_db, ["–"; 3]),
        edit(
            "remove a tier and bring it back",
            "three",
            vec![remove_tier(three()), three()],
            nothing,
            ["–"; 3],
        ),
        edit(
            "4 → 3 zones",
            "four",
            vec![zones(four(), &["a", "b", "c"])],
            |address| address.contains("[\"d\"]"),
            ["–"; 3],
        ),
        edit("4 → 3 → 4 zones", "four", vec![zones(four(), &["a", "b", "c"]), four()], nothing, ["–"; 3]),
        edit(
            "single NAT → NAT per zone",
            "single",
            vec![three().renamed("single-net")],
            nothing,
            ["nothing"; 3],
        ),
        edit(
            "NAT per zone → single NAT",
            "three",
            vec![single().renamed("three-net")],
            is_nat_of_another_zone,
            ["NAT 2d, EIP 2d, RT 4d", "NAT 2d, EIP 2d", "–"],
        ),
        edit("add a flow", "three", vec![three().flow(extra_flow())], nothing, ["–"; 3]),
        edit(
            "add a flow and remove it",
            "three",
            vec![three().flow(extra_flow()), three()],
            nothing,
            ["–"; 3],
        ),
        edit("remove a flow", "three", vec![remove_flow(three())], is_rule, ["–"; 3]),
    ]
}

/// Three zones, three tiers, one NAT gateway per zone.
fn three() -> Topology {
    Topology::new("three-net")
        .base("10.0.0.0/16")
        .zones(["a", "b", "c"])
        .tier(Tier::public("pub").prefix_length(24))
        .tier(Tier::private("app").prefix_length(20))
        .tier(Tier::private("db").prefix_length(24))
        .egress(Egress::nat_per_zone())
        .flow(Flow::tcp([443]).from("internet").to("pub"))
        .flow(Flow::tcp([8080]).from("pub").to("app"))
        .flow(Flow::tcp([5432]).from("app").to("db"))
        .flow(Flow::tcp([6379]).from("app").to("db"))
        .flow(Flow::tcp([443]).from("app").to("internet"))
        .flow(Flow::tcp([443]).from("db").to("internet"))
        .subnet_group(SubnetGroup::new("rds", "db"))
        .subnet_group(SubnetGroup::new("elasticache", "db"))
}

fn single() -> Topology {
    let mut topology = three().renamed("single-net");
    topology.features.egress = Egress::single_nat("a");
    topology
}

fn four() -> Topology {
    zones(three().renamed("four-net"), &["a", "b", "c", "d"])
}

fn zones(mut topology: Topology, letters: &[&str]) -> Topology {
    topology.zones = letters.iter().map(|letter| (*letter).to_owned()).collect();
    topology
}

fn reorder_tiers(mut topology: Topology) -> Topology {
    topology.tiers.reverse();
    topology
}

fn add_cache(mut topology: Topology) -> Topology {
    topology.tiers.insert(1, Tier::private("cache").prefix_length(22));
    topology.flow(Flow::tcp([11211]).from("app").to("cache"))
}

fn rename_tier(mut topology: Topology) -> Topology {
    for tier in topology.tiers.iter_mut().filter(|tier| tier.name == "db") {
        *tier = Tier { name: "data".to_owned(), renamed_from: vec!["db".to_owned()], ..tier.clone() };
    }
    for end in topology.flows.iter_mut().flat_map(|flow| [&mut flow.from, &mut flow.to]) {
        if end == "db" {
            "data".clone_into(end);
        }
    }
    for group in &mut topology.features.subnet_groups {
        "data".clone_into(&mut group.tier);
    }
    topology
}

fn remove_tier(mut topology: Topology) -> Topology {
    topology.tiers.retain(|tier| tier.name != "db");
    topology.flows.retain(|flow| flow.from != "db" && flow.to != "db");
    topology.features.subnet_groups.clear();
    topology
}

fn remove_flow(mut topology: Topology) -> Topology {
    topology.flows.retain(|flow| !flow.ports.contains(&6379.into()));
    topology
}

fn extra_flow() -> Flow {
    Flow::tcp([3306]).from("app").to("db")
}

/// Returns whether an address is of the tier `db`, or of a rule about it; its network ACL stays until the block is reclaimed.
fn is_of_db(address: &str) -> bool {
    let own = address.contains(".db[") || address.ends_with(".db");
    own && !address.contains(".aws_network_acl.") || is_rule(address)
}

fn is_rule(address: &str) -> bool {
    address.contains(".aws_vpc_security_group_")
}

fn is_nat_of_another_zone(address: &str) -> bool {
    let nat = address.contains(".aws_nat_gateway.") || address.contains(".aws_eip.");
    nat && !address.contains("[\"a\"]")
}

trait Renamed {
    /// Returns the same topology under another name.
    fn renamed(self, name: &str) -> Self;
}

impl Renamed for Topology {
    fn renamed(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }
}
