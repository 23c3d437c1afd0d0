//! The reference network, called with two, three, four, and gapped zones, applied on an emulator.

use std::collections::BTreeSet;

use terrane_xtask::{
    Workspace,
    aws::SecurityGroupRule,
    e2e::{self, Applied, Call, Observed},
    emulator::Emulators,
    terraform::{Action, Change, Terraform},
};

const CALLS: [(&str, &str, &str); 4] = [
    ("two", "ab", "10.1.0.0/16"),
    ("three", "abc", "10.2.0.0/16"),
    ("four", "abcd", "10.3.0.0/16"),
    ("gapped", "ac", "172.21.0.0/16"),
];

#[test]
fn reference_network_holds_for_any_zones() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let calls = CALLS.map(|(label, letters, base)| Call {
        label: label.to_owned(),
        source: workspace.modules().join("kubernetes-network"),
        arguments: arguments(label, letters, base),
    });
    let applied = e2e::apply(&terraform, &Emulators::install(&workspace.cache()).unwrap(), &calls).unwrap();
    let observed = applied.observe().unwrap();
    for (label, ..) in CALLS {
        let problems = problems(label, &observed);
        assert!(problems.is_empty(), "{label}: {problems:#?}");
    }
    reference_is_as_drawn(&observed);
    every_defect_is_found(&observed);

    let state = applied.root.state_pull().unwrap();
    let types: BTreeSet<String> =
        CALLS.iter().map(|(label, ..)| state["outputs"][label]["type"].to_string()).collect();
    assert_eq!(types.len(), 1, "the type of an output depends on the number of zones: {types:#?}");
    assert!(!types.contains("null"), "the state has no outputs");

    assert!(crate::read_back::check(&applied) > 0);

    let plan = applied.root.plan(&[]).unwrap();
    assert!(plan.is_empty(), "{:?}", plan.changes());
    nothing_is_replaced_by_what_is_read_late(&applied);
}

/// A call that waits for something else reads the zones of the region while it is applied, and plans without them.
fn nothing_is_replaced_by_what_is_read_late(applied: &Applied) {
    let path = applied.root.dir().join("main.tf");
    let text = std::fs::read_to_string(&path).unwrap();
    let waiting = text.replace(
        "  source = \"../modules/",
        "  depends_on = [terraform_data.first]\n  source = \"../modules/",
    );
    assert_ne!(text, waiting);
    std::fs::write(&path, waiting + "\nresource \"terraform_data\" \"first\" {}\n").unwrap();
    let changes = applied.root.plan(&[]).unwrap().changes();
    assert!(!changes.is_empty(), "what the calls wait for is made");
    let lost = |change: &&Change| matches!(change.action, Action::Destroy | Action::Replace);
    let lost: Vec<_> = changes.iter().filter(lost).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

fn arguments(label: &str, letters: &str, base: &str) -> String {
    let zones: Vec<String> =
        letters.chars().map(|letter| format!("{letter} = \"{}{letter}\"", e2e::REGION)).collect();
    format!(
        "  name       = \"{label}\"\n  cidr_block = \"{base}\"\n  zones      = {{ {} }}\n",
        zones.join(", ")
    )
}

fn problems(label: &str, observed: &Observed) -> Vec<String> {
    let (_, letters, base) = CALLS.into_iter().find(|(name, ..)| *name == label).unwrap();
    let mut topology = terrane_catalog::kubernetes_network();
    topology.base = base.to_owned();
    let letters: Vec<String> = letters.chars().map(String::from).collect();
    e2e::check(&topology, label, &letters, observed).problems
}

/// The picture of the reference network, said once more without the topology's help.
fn reference_is_as_drawn(observed: &Observed) {
    let vpc = observed.vpcs.iter().find(|vpc| vpc.cidr == "10.2.0.0/16").unwrap();
    let subnets: Vec<_> = observed.subnets.iter().filter(|subnet| subnet.vpc == vpc.id).collect();
    assert_eq!(subnets.len(), 9);
    let subnet =
        |tier: &str, letter: &str| observed.subnet(&vpc.id, &format!("three-{tier}-{letter}")).unwrap();
    let table = |tier: &str, letter: &str| observed.route_table(subnet(tier, letter)).unwrap();
    for letter in ["a", "b", "c"] {
        assert_eq!(table("pub", letter).id, table("pub", "a").id);
        assert_eq!(table("app", letter).id, table("db", letter).id);
        let nat = observed.nat_gateways.iter().find(|nat| nat.subnet == subnet("pub", letter).id).unwrap();
        let default =
            |tier| table(tier, letter).routes.iter().find(|route| route.destination == "0.0.0.0/0").unwrap();
        assert_eq!(default("app").target, nat.id);
        assert!(default("pub").target.starts_with("igw-"));
        assert_eq!(nat.allocations.len(), 1);
    }
    let private: BTreeSet<&str> = ["a", "b", "c"].map(|letter| table("app", letter).id.as_str()).into();
    assert_eq!(private.len(), 3);
    let db: BTreeSet<String> = ["a", "b", "c"].map(|letter| subnet("db", letter).id.clone()).into();
    assert_eq!(observed.subnet_groups.iter().filter(|group| group.subnets == db).count(), 2);
}

/// Makes what exists wrong.
type Defect<'a> = &'a dyn Fn(&mut Observed);

/// The comparison itself is tried: each defect of what exists must be found.
fn every_defect_is_found(observed: &Observed) {
    let vpc = &observed.vpcs.iter().find(|vpc| vpc.cidr == "10.2.0.0/16").unwrap().id;
    let acl = |observed: &Observed, name: &str| {
        observed
            .network_acls
            .iter()
            .position(|acl| acl.vpc == *vpc && acl.tags.get("Name").is_some_and(|found| found == name))
            .unwrap()
    };
    let table = |observed: &Observed, name: &str| {
        observed
            .route_tables
            .iter()
            .position(|table| table.tags.get("Name").is_some_and(|found| found == name))
            .unwrap()
    };
    let defects: [(&str, Defect<'_>); 9] = [
        ("a NAT gateway in the subnet of another zone", &|observed| {
            let nats: Vec<usize> = (0..observed.nat_gateways.len())
                .filter(|idx| observed.nat_gateways[*idx].vpc == *vpc)
                .collect();
            let subnet = observed.nat_gateways[nats[0]].subnet.clone();
            observed.nat_gateways[nats[0]].subnet =
                std::mem::replace(&mut observed.nat_gateways[nats[1]].subnet, subnet);
        }),
        ("a private subnet with a route to the internet gateway", &|observed| {
            let public = table(observed, "three-public");
            let routes = observed.route_tables[public].routes.clone();
            let private = table(observed, "three-private-b");
            observed.route_tables[private].routes = routes;
        }),
        ("an ACL without its guards", &|observed| {
            let acl = acl(observed, "three-db");
            observed.network_acls[acl].entries.retain(|entry| entry.allow);
        }),
        ("an ACL without the replies", &|observed| {
            let acl = acl(observed, "three-app");
            observed.network_acls[acl]
                .entries
                .retain(|entry| entry.egress || entry.number != 100 && entry.number < 900);
        }),
        ("an open default security group", &|observed| {
            let group = observed
                .security_groups
                .iter()
                .find(|group| group.vpc == *vpc && group.name == "default")
                .unwrap()
                .id
                .clone();
            let rule = SecurityGroupRule {
                group,
                egress: true,
                protocol: "-1".to_owned(),
                ports: (-1, -1),
                peer: "0.0.0.0/0".to_owned(),
            };
            observed.security_group_rules.push(rule);
        }),
        ("a security group with a rule too many", &|observed| {
            let group =
                observed.security_groups.iter().find(|group| group.name == "three-db").unwrap().id.clone();
            let rule = SecurityGroupRule {
                group,
                egress: false,
                protocol: "tcp".to_owned(),
                ports: (443, 443),
                peer: "0.0.0.0/0".to_owned(),
            };
            observed.security_group_rules.push(rule);
        }),
        ("a subnet without its role tag", &|observed| {
            let subnet = observed
                .subnets
                .iter_mut()
                .find(|subnet| subnet.tags.get("Name").is_some_and(|name| name == "three-app-b"))
                .unwrap();
            subnet.tags.remove("kubernetes.io/role/internal-elb");
        }),
        ("a subnet group that misses a zone", &|observed| {
            let group = observed.subnet_groups.iter_mut().find(|group| group.vpc == *vpc).unwrap();
            group.subnets.pop_first();
        }),
        ("an elastic IP that nothing uses", &|observed| {
            let nat = observed.nat_gateways.iter().find(|nat| nat.vpc == *vpc).unwrap();
            let address = observed
                .addresses
                .iter_mut()
                .find(|address| nat.allocations.contains(&address.allocation))
                .unwrap();
            address.associated = false;
        }),
    ];
    for (defect, plant) in defects {
        let mut planted = observed.clone();
        plant(&mut planted);
        assert!(!problems("three", &planted).is_empty(), "not found: {defect}");
    }
}
