//! Random networks and the golden ones: compiled, formatted, validated, and planned by the real Terraform in shared roots.
//!
//! How many subnets, gateways, and route tables a plan must have, and where its addresses may lie, is computed from the
//! topology alone. What no emulator can apply, such as subnet groups of DAX and DMS, is held by these plans.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use terrane_compiler::{
    ledger::Ledger,
    testing,
    topology::{
        Access, ENDPOINT_KINDS, Flow, NatMode, SUBNET_GROUP_KINDS, Site, SubnetGroup, Tier, Topology,
    },
};
use terrane_xtask::{
    Workspace,
    e2e::{self, Call},
    region::Region,
    terraform::{Plan, Terraform},
};

/// How many networks share a root. Starting Terraform and its provider costs as much as planning a dozen networks; from a
/// hundred on, the plan itself takes longer for each.
const PER_ROOT: usize = 50;

#[test]
fn networks_plan_as_their_topology_says() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let golden = crate::golden::cases().into_iter().map(|case| (case.topology, case.ledger));
    let n = terrane_xtask::cases(6, 2_000);
    let random = (0..n).map(|seed| (named(testing::topology(seed.into()), seed), Ledger::default()));
    let kinds = (every_kind(), Ledger::default());
    let networks: Vec<(Topology, Ledger)> = golden.chain([kinds]).chain(random).collect();
    for chunk in networks.chunks(PER_ROOT) {
        check(&terraform, chunk);
    }
}

/// Returns a network with a subnet group of each kind and a gateway endpoint of each service, of those to come too.
fn every_kind() -> Topology {
    let services = ENDPOINT_KINDS.iter().map(|kind| kind.name);
    let topology = Topology::new("every-kind")
        .base("10.0.0.0/20")
        .zones(["a", "b"])
        .tier(Tier::isolated("data").prefix_length(26))
        .endpoints(services.clone());
    let topology =
        services.fold(topology, |topology, service| topology.flow(Flow::tcp([443]).from("data").to(service)));
    SUBNET_GROUP_KINDS
        .iter()
        .fold(topology, |topology, kind| topology.subnet_group(SubnetGroup::new(kind.name, "data")))
}

fn named(mut topology: Topology, idx: u32) -> Topology {
    topology.name = format!("net-{idx}");
    topology
}

fn check(terraform: &Terraform, networks: &[(Topology, Ledger)]) {
    let dir = tempfile::tempdir().unwrap();
    let calls: Vec<Call> =
        networks.iter().map(|(topology, ledger)| compile(dir.path(), topology, ledger)).collect();
    terraform.check_format(&dir.path().join("compiled")).unwrap();
    let root = e2e::write_root(dir.path(), &calls).unwrap();
    let region = Region::start(e2e::REGION).unwrap();
    std::fs::write(root.join("provider_override.tf"), region.provider()).unwrap();
    let root = terraform.root(root);
    root.init().unwrap();
    root.validate().unwrap();
    let plan = root.plan_without_refresh().unwrap();
    for ((topology, ledger), call) in networks.iter().zip(&calls) {
        check_plan(&plan, topology, ledger, &call.label);
    }
}

fn compile(dir: &std::path::Path, topology: &Topology, ledger: &Ledger) -> Call {
    let version = semver::Version::new(0, 1, 0);
    let compile = || terrane_compiler::compile(topology, ledger, &version);
    let compilation = compile().unwrap_or_else(|diagnostics| panic!("{diagnostics}\n{topology:#?}"));
    assert_eq!(compilation.files, compile().unwrap().files, "compiling twice gives other bytes");
    crate::contracts::check(&topology.name, &compilation);
    let source = dir.join("compiled").join(&topology.name);
    for (name, text) in compilation.files.iter() {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Call { label: topology.name.replace('-', "_"), source, arguments: arguments(topology) }
}

/// Returns the arguments that a network cannot do without.
fn arguments(topology: &Topology) -> String {
    let mut arguments = String::new();
    let mut add = |name: &str, entries: Vec<String>| {
        arguments.push_str(&format!("  {name} = {{ {} }}\n", entries.join(", ")));
    };
    let by_letter = |prefix: &str| -> Vec<String> {
        topology.zones.iter().map(|letter| format!("{letter} = \"{prefix}{letter}\"")).collect()
    };
    if topology.features.egress.bring_elastic_ips {
        add("elastic_ip_allocation_ids", by_letter("eipalloc-"));
    }
    if topology.tiers.iter().any(|tier| tier.site == Some(Site::LocalZone)) {
        add("zones", by_letter(e2e::REGION));
    }
    let on_outposts = topology.tiers.iter().filter(|tier| tier.site == Some(Site::Outpost));
    let arn = format!("arn:aws:outposts:{}:123456789012:outpost/op-0123456789abcdef0", e2e::REGION);
    let arns: Vec<String> = on_outposts.map(|tier| format!("\"{}\" = \"{arn}\"", tier.name)).collect();
    if !arns.is_empty() {
        add("outpost_arns", arns);
    }
    let mut destinations = Vec::new();
    for log in &topology.features.flow_logs {
        let arn = match serde_json::to_value(log.to).unwrap().as_str() {
            Some("s3") => "s3:::records",
            Some("firehose") => "firehose:us-east-1:123456789012:deliverystream/records",
            _ if log.bring_log_group => "logs:us-east-1:123456789012:log-group:records",
            _ => continue,
        };
        destinations.push(format!("{} = \"arn:aws:{arn}\"", log.name));
    }
    if !destinations.is_empty() {
        add("flow_log_destination_arns", destinations);
    }
    arguments
}

/// Returns how many tiers are gone whose blocks nobody has reclaimed: each has left its network ACL.
fn left_behind(topology: &Topology, ledger: &Ledger) -> usize {
    let blocks = ledger.addresses().blocks;
    let recorded: BTreeSet<&String> = blocks.iter().map(|block| &block.tier).collect();
    let is_gone = |name: &&String| {
        topology.tiers.iter().all(|tier| tier.name != **name && !tier.renamed_from.contains(name))
            && !topology.reclaim.contains(name)
    };
    recorded.into_iter().filter(is_gone).count()
}

fn check_plan(plan: &Plan, topology: &Topology, ledger: &Ledger, label: &str) {
    let prefix = format!("module.{label}.");
    let mut planned: BTreeMap<&str, usize> = BTreeMap::new();
    let mut subnets: BTreeMap<&str, Ipv4Net> = BTreeMap::new();
    for change in plan.json()["resource_changes"].as_array().unwrap() {
        let Some(address) = change["address"].as_str().unwrap().strip_prefix(&prefix) else { continue };
        if change["mode"] == "managed" {
            *planned.entry(change["type"].as_str().unwrap()).or_default() += 1;
        }
        if let Some(subnet) = address.strip_prefix("aws_subnet.") {
            let block = change["change"]["after"]["cidr_block"].as_str().unwrap();
            subnets.insert(subnet, block.parse().unwrap());
        }
    }
    let mut counts = counts(topology);
    counts.insert("aws_network_acl", topology.tiers.len() + left_behind(topology, ledger));
    for (ty, count) in counts {
        assert_eq!(planned.get(ty).copied().unwrap_or(0), count, "{ty} of {topology:#?}");
    }
    check_subnet_groups(plan, topology, label);
    for tier in &topology.tiers {
        for letter in letters(topology, tier) {
            let key = format!("{}[\"{letter}\"]", tier.name.replace('-', "_"));
            check_subnet(topology, tier, letter, subnets[key.as_str()]);
        }
    }
    let mut nets: Vec<Ipv4Net> = subnets.into_values().collect();
    nets.sort();
    assert!(nets.windows(2).all(|pair| pair[0].broadcast() < pair[1].network()), "{nets:?} overlap");
}

/// Checks where a subnet lies and how large it is.
fn check_subnet(topology: &Topology, tier: &Tier, letter: &str, subnet: Ipv4Net) {
    let named = |name: &String| topology.secondary.iter().find(|range| range.name == *name);
    let range = tier.range.as_ref().and_then(named).map_or(&topology.base, |range| &range.cidr);
    let range: Ipv4Net = range.parse().unwrap();
    assert!(range.contains(&subnet), "{subnet} of {} is outside {range}", tier.name);
    if let Some(ranges) = &tier.ranges {
        assert_eq!(subnet.to_string(), ranges[letter]);
    } else if let Some(length) = tier.prefix_length {
        assert_eq!(subnet.prefix_len(), length, "{}", tier.name);
    } else {
        // AWS keeps five addresses of each subnet.
        let instances = tier.need.as_ref().and_then(|need| need.instances).unwrap_or(0);
        assert!(subnet.hosts().count() + 2 >= instances as usize + 5, "{subnet} for {instances} instances");
    }
}

/// Checks whose subnets each group takes: the ids are not known before they exist, so by reference.
fn check_subnet_groups(plan: &Plan, topology: &Topology, label: &str) {
    let module = &plan.json()["configuration"]["root_module"]["module_calls"][label]["module"];
    let resources = module["resources"].as_array().unwrap();
    for group in &topology.features.subnet_groups {
        let tier = group.tier.replace('-', "_");
        let found = resources
            .iter()
            .find(|resource| resource["type"] == group_type(&group.kind) && resource["name"] == tier.as_str())
            .unwrap_or_else(|| panic!("no {} group of {tier}", group.kind));
        let references = found["expressions"]["subnet_ids"]["references"].as_array().unwrap();
        assert!(references.iter().any(|to| *to == format!("aws_subnet.{tier}")), "{found:#?}");
    }
}

/// Returns the resource type of a kind of subnet group.
fn group_type(kind: &str) -> &'static str {
    SUBNET_GROUP_KINDS
        .iter()
        .find(|known| known.name == kind)
        .unwrap_or_else(|| panic!("{kind} is a kind of subnet group"))
        .resource_type
}

/// Returns the letters in which a tier has subnets.
fn letters<'a>(topology: &'a Topology, tier: &'a Tier) -> impl Iterator<Item = &'a String> {
    topology.zones.iter().filter(|letter| tier.zones.as_ref().is_none_or(|zones| zones.contains(letter)))
}

/// Returns the tier that holds the NAT gateways.
fn nat_tier(topology: &Topology) -> Option<&Tier> {
    let named = |tier: &&Tier| topology.features.egress.tier.as_ref().is_none_or(|name| tier.name == *name);
    topology.tiers.iter().filter(|tier| tier.access == Access::Public).find(named)
}

/// Returns the access of each route table by name, and how many of it there are.
fn tables(topology: &Topology) -> Vec<(Access, usize)> {
    let name = |tier: &Tier| tier.route_table.clone().unwrap_or_else(|| tier.access.to_string());
    let names: BTreeSet<String> = topology.tiers.iter().map(name).collect();
    let count = |table: &String| {
        let users: Vec<&Tier> = topology.tiers.iter().filter(|tier| name(tier) == *table).collect();
        let access = users[0].access;
        let zones: BTreeSet<&String> = users.iter().flat_map(|tier| letters(topology, tier)).collect();
        let per_zone = users.iter().find_map(|tier| tier.per_zone).unwrap_or(access == Access::Private);
        (access, if per_zone { zones.len() } else { 1 })
    };
    names.iter().map(count).collect()
}

/// Returns how many resources of each type a network must have.
fn counts(topology: &Topology) -> BTreeMap<&'static str, usize> {
    let (zones, tiers) = (topology.zones.len(), topology.tiers.len());
    let subnets = topology.tiers.iter().map(|tier| letters(topology, tier).count()).sum();
    let has = |access| topology.tiers.iter().any(|tier| tier.access == access);
    let one_if = usize::from;
    let nats = match topology.features.egress.nat {
        NatMode::None => 0,
        NatMode::Single => 1,
        NatMode::PerZone => nat_tier(topology).map_or(zones, |tier| letters(topology, tier).count()),
        NatMode::Zones => topology.features.egress.zones.len(),
    };
    let tables = tables(topology);
    let of = |access| tables.iter().filter(|(own, _)| *own == access).map(|(_, count)| count).sum::<usize>();
    let mut counts = BTreeMap::from([
        ("aws_vpc", 1),
        ("aws_vpc_ipv4_cidr_block_association", topology.secondary.len()),
        ("aws_subnet", subnets),
        ("aws_internet_gateway", one_if(has(Access::Public))),
        ("aws_nat_gateway", nats),
        ("aws_eip", if topology.features.egress.bring_elastic_ips { 0 } else { nats }),
        ("aws_route_table", tables.iter().map(|(_, count)| count).sum()),
        ("aws_route", of(Access::Public) + if nats > 0 { of(Access::Private) } else { 0 }),
        ("aws_route_table_association", subnets),
        ("aws_security_group", tiers),
        ("aws_vpc_endpoint", topology.features.endpoints.len()),
        ("aws_default_security_group", one_if(topology.features.close_defaults)),
        ("aws_default_network_acl", one_if(topology.features.close_defaults)),
        ("aws_default_route_table", one_if(topology.features.close_defaults)),
    ]);
    for group in &topology.features.subnet_groups {
        *counts.entry(group_type(&group.kind)).or_default() += 1;
    }
    counts
}
