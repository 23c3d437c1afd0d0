//! Random networks: compiled, formatted, validated, and planned by the real Terraform in one shared root.
//!
//! How many subnets, gateways, and route tables a plan must have, and where its addresses may lie, is computed from the
//! topology alone.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};
use serde_json::Value;
use terrane_compiler::{
    ledger::Ledger,
    topology::{Access, Egress, Flow, NatMode, SubnetGroup, Tier, Topology},
};
use terrane_xtask::{
    Workspace,
    e2e::{self, Call},
    terraform::{Plan, Terraform},
};

/// How many networks share a root: more would only make Terraform slow.
const PER_ROOT: usize = 8;

const TIERS: [&str; 7] = ["edge", "app", "db", "cache", "batch", "mgmt", "queue"];
const SPACES: [&str; 3] = ["10.64.0.0", "172.18.0.0", "192.168.0.0"];

#[test]
fn random_networks_plan_as_their_topology_says() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let config = Config::default();
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = topology();
    let n = terrane_xtask::cases(PER_ROOT as u32, 2_000);
    let topologies: Vec<Topology> =
        (0..n).map(|idx| named(strategy.new_tree(&mut runner).unwrap().current(), idx)).collect();
    for chunk in topologies.chunks(PER_ROOT) {
        check(&terraform, chunk);
    }
}

fn check(terraform: &Terraform, topologies: &[Topology]) {
    let dir = tempfile::tempdir().unwrap();
    let calls: Vec<Call> = topologies.iter().map(|topology| compile(dir.path(), topology)).collect();
    terraform.check_format(&dir.path().join("compiled")).unwrap();
    let root = e2e::write_root(dir.path(), &calls).unwrap();
    std::fs::write(root.join("provider_override.tf"), OFFLINE).unwrap();
    let root = terraform.root(root);
    root.init().unwrap();
    root.validate().unwrap();
    let plan = root.plan_without_refresh().unwrap();
    for (topology, call) in topologies.iter().zip(&calls) {
        check_plan(&plan, topology, &call.label);
    }
}

/// A provider that is never asked anything: all that a plan of new resources needs is known.
pub(crate) const OFFLINE: &str = r#"provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}
"#;

fn compile(dir: &std::path::Path, topology: &Topology) -> Call {
    let version = semver::Version::new(0, 1, 0);
    let compile = || terrane_compiler::compile(topology, &Ledger::default(), &version);
    let compilation = compile().unwrap_or_else(|diagnostics| panic!("{diagnostics}\n{topology:#?}"));
    assert_eq!(compilation.files, compile().unwrap().files, "compiling twice gives other bytes");
    crate::contracts::check(&topology.name, &compilation);
    let source = dir.join("compiled").join(&topology.name);
    for (name, text) in compilation.files.iter() {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Call { label: topology.name.replace('-', "_"), source, arguments: String::new() }
}

fn check_plan(plan: &Plan, topology: &Topology, label: &str) {
    let prefix = format!("module.{label}.");
    let mut planned: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for change in plan.json()["resource_changes"].as_array().unwrap() {
        if change["address"].as_str().unwrap().starts_with(&prefix) && change["mode"] == "managed" {
            planned.entry(change["type"].as_str().unwrap()).or_default().push(&change["change"]["after"]);
        }
    }
    for (ty, count) in counts(topology) {
        assert_eq!(planned.get(ty).map_or(0, Vec::len), count, "{ty} of {topology:#?}");
    }
    check_subnet_groups(plan, topology, label);
    let base: Ipv4Net = topology.base.parse().unwrap();
    let mut nets: Vec<Ipv4Net> = planned["aws_subnet"]
        .iter()
        .map(|subnet| subnet["cidr_block"].as_str().unwrap().parse().unwrap())
        .collect();
    nets.sort();
    assert!(nets.iter().all(|net| base.contains(net)), "{nets:?} in {base}");
    assert!(nets.windows(2).all(|pair| pair[0].broadcast() < pair[1].network()), "{nets:?} overlap");
    let mut found: Vec<u8> = nets.iter().map(Ipv4Net::prefix_len).collect();
    let mut declared: Vec<u8> = topology
        .tiers
        .iter()
        .flat_map(|tier| vec![tier.prefix_length.unwrap(); topology.zones.len()])
        .collect();
    found.sort_unstable();
    declared.sort_unstable();
    assert_eq!(found, declared);
}

/// Checks whose subnets each group takes: the ids are not known before they exist, so by reference.
fn check_subnet_groups(plan: &Plan, topology: &Topology, label: &str) {
    let module = &plan.json()["configuration"]["root_module"]["module_calls"][label]["module"];
    let resources = module["resources"].as_array().unwrap();
    let groups: Vec<&Value> = resources
        .iter()
        .filter(|resource| resource["type"].as_str().unwrap().ends_with("_subnet_group"))
        .collect();
    assert_eq!(groups.len(), topology.subnet_groups.len(), "{groups:#?}");
    for group in groups {
        let references = group["expressions"]["subnet_ids"]["references"].as_array().unwrap();
        let tier = topology.subnet_groups[0].tier.replace('-', "_");
        assert!(references.iter().any(|to| *to == format!("aws_subnet.{tier}")), "{group:#?}");
    }
}

/// Returns how many resources of each type a network must have.
fn counts(topology: &Topology) -> [(&'static str, usize); 17] {
    let (zones, tiers) = (topology.zones.len(), topology.tiers.len());
    let has = |access| topology.tiers.iter().any(|tier| tier.access == access);
    let one_if = usize::from;
    let nats = match topology.egress.nat {
        NatMode::None => 0,
        NatMode::Single => 1,
        NatMode::PerZone => zones,
    };
    let private_routes = if nats > 0 && has(Access::Private) { zones } else { 0 };
    let groups = |kind: &str| topology.subnet_groups.iter().filter(|group| group.kind == kind).count();
    [
        ("aws_vpc", 1),
        ("aws_subnet", tiers * zones),
        ("aws_internet_gateway", one_if(has(Access::Public))),
        ("aws_nat_gateway", nats),
        ("aws_eip", nats),
        (
            "aws_route_table",
            one_if(has(Access::Public))
                + one_if(has(Access::Isolated))
                + if has(Access::Private) { zones } else { 0 },
        ),
        ("aws_route", one_if(has(Access::Public)) + private_routes),
        ("aws_route_table_association", tiers * zones),
        ("aws_network_acl", tiers),
        ("aws_network_acl_association", tiers * zones),
        ("aws_security_group", tiers),
        ("aws_vpc_endpoint", topology.endpoints.len()),
        ("aws_db_subnet_group", groups("rds")),
        ("aws_elasticache_subnet_group", groups("elasticache")),
        ("aws_dax_subnet_group", groups("dax")),
        ("aws_dms_replication_subnet_group", groups("dms")),
        ("aws_default_security_group", one_if(topology.close_defaults)),
    ]
}

fn named(mut topology: Topology, idx: u32) -> Topology {
    topology.name = format!("net-{idx}");
    topology
}

/// Returns valid networks: whatever it gives must compile.
fn topology() -> impl Strategy<Value = Topology> {
    let zones = proptest::sample::subsequence(vec!["a", "b", "c", "d"], 2..=4).prop_shuffle();
    let tiers = (
        proptest::sample::subsequence(TIERS.to_vec(), 1..=5).prop_shuffle(),
        any::<[u8; 7]>(),
        any::<[u8; 7]>(),
    );
    let base = (proptest::sample::select(SPACES.to_vec()), 16..=20_u8);
    let rest = (any::<u8>(), any::<[u16; 6]>(), any::<bool>(), any::<bool>());
    (zones, tiers, base, rest).prop_map(|(zones, (names, access, sizes), (space, length), rest)| {
        let (egress, ports, close_defaults, endpoint) = rest;
        let mut topology =
            Topology::new("net").base(&format!("{space}/{length}")).zones(zones.iter().copied());
        topology.close_defaults = close_defaults;
        for (idx, name) in names.iter().enumerate() {
            let tier = match access[idx] % 3 {
                0 => Tier::public(name),
                1 => Tier::private(name),
                _ => Tier::isolated(name),
            };
            // Five tiers of eight slots each fit from six bits below the base.
            let longest = 28 - (length + 6);
            topology = topology.tier(tier.prefix_length(length + 6 + sizes[idx] % (longest + 1)));
        }
        with_flows(with_egress(topology, egress), ports, endpoint)
    })
}

fn with_egress(topology: Topology, egress: u8) -> Topology {
    let has = |access| topology.tiers.iter().find(|tier| tier.access == access).map(|tier| tier.name.clone());
    let (Some(public), Some(_)) = (has(Access::Public), has(Access::Private)) else { return topology };
    let home = topology.zones[usize::from(egress) % topology.zones.len()].clone();
    match egress % 3 {
        0 => topology,
        1 => topology.egress(Egress::single_nat(&home).in_tier(&public)),
        _ => topology.egress(Egress::nat_per_zone().in_tier(&public)),
    }
}

fn with_flows(mut topology: Topology, ports: [u16; 6], endpoint: bool) -> Topology {
    let tiers = topology.tiers.clone();
    for (idx, pair) in tiers.windows(2).enumerate() {
        let flow = Flow::tcp([i64::from(ports[idx].max(1))]).from(&pair[0].name).to(&pair[1].name);
        topology = topology.flow(flow);
    }
    for tier in &tiers {
        topology = match tier.access {
            Access::Public => topology.flow(Flow::tcp([443]).from("internet").to(&tier.name)),
            Access::Private if topology.egress.nat != NatMode::None => {
                topology.flow(Flow::tcp([443]).from(&tier.name).to("internet"))
            }
            Access::Private | Access::Isolated => topology,
        };
    }
    let inner = tiers.iter().find(|tier| tier.access != Access::Public);
    if let Some(tier) = inner {
        topology = topology
            .subnet_group(SubnetGroup::new("rds", &tier.name))
            .subnet_group(SubnetGroup::new("elasticache", &tier.name))
            .subnet_group(SubnetGroup::new("dax", &tier.name))
            .subnet_group(SubnetGroup::new("dms", &tier.name));
        if endpoint {
            topology = topology.endpoints(["s3"]).flow(Flow::tcp([443]).from(&tier.name).to("s3"));
        }
    }
    topology
}
