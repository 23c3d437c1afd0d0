//! A network written by hand, applied on an emulator and read back from its API.

use std::collections::BTreeSet;

use terrane_xtask::{
    Workspace,
    aws::{Aws, SubnetGroupKind},
    emulator::{Emulators, Kind},
    terraform::Terraform,
};

const FIXTURE: &str = include_str!("fixture/main.tf");

#[test]
fn applied_network_is_read_back_from_the_emulator() {
    let cache = Workspace::find().unwrap().cache();
    let Some(terraform) = Terraform::find_or_skip(&cache).unwrap() else { return };
    let emulator = Emulators::install(&cache).unwrap().start(Kind::Moto).unwrap();
    emulator.create_bucket("states").unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.tf"), FIXTURE).unwrap();
    std::fs::write(dir.path().join("emulator_override.tf"), emulator.provider_override()).unwrap();
    std::fs::write(dir.path().join("backend.tf"), emulator.s3_backend("states", "fixture.tfstate")).unwrap();

    let root = terraform.root(dir.path());
    root.init().unwrap();
    root.apply(&[]).unwrap();
    let plan = root.plan_without_refresh().unwrap();
    assert!(plan.is_empty(), "{:?}", plan.changes());
    assert!(root.state_list().unwrap().contains(&"aws_nat_gateway.this".to_owned()));

    observe(&Aws::new(emulator.endpoint(), "us-west-2"));
}

fn observe(aws: &Aws) {
    let vpc = aws
        .vpcs()
        .unwrap()
        .into_iter()
        .find(|vpc| vpc.tags.get("Name").is_some_and(|name| name == "fixture"))
        .unwrap();
    assert_eq!(vpc.cidrs, BTreeSet::from(["10.0.0.0/16".to_owned()]));
    assert!(aws.vpc_attribute(&vpc.id, "enableDnsHostnames").unwrap());

    let subnets: Vec<_> = aws.subnets().unwrap().into_iter().filter(|subnet| subnet.vpc == vpc.id).collect();
    let of = |prefix: &str| -> BTreeSet<String> {
        subnets
            .iter()
            .filter(|subnet| subnet.cidr.starts_with(prefix))
            .map(|subnet| subnet.id.clone())
            .collect()
    };
    let db = &of("10.0.1.") | &of("10.0.2.");
    assert_eq!((subnets.len(), db.len()), (3, 2));

    let tables = aws.route_tables().unwrap();
    let table = tables.iter().find(|table| table.subnets == db).unwrap();
    let nat = &aws.nat_gateways().unwrap()[0];
    assert!(
        table
            .routes
            .iter()
            .any(|route| route.destination == "0.0.0.0/0" && route.target == nat.id && route.active)
    );
    assert!(tables.iter().any(|table| table.main && table.vpc == vpc.id));
    assert_eq!(of("10.0.0."), BTreeSet::from([nat.subnet.clone()]));
    let addresses = aws.addresses().unwrap();
    assert_eq!(nat.allocations, addresses.iter().map(|address| address.allocation.clone()).collect());
    assert!(addresses[0].associated);
    assert!(aws.internet_gateways().unwrap().iter().any(|gateway| gateway.vpcs.contains(&vpc.id)));

    let acl = aws.network_acls().unwrap().into_iter().find(|acl| acl.subnets == db).unwrap();
    let verdict = |peer: &str, port| acl.allows(false, 6, peer.parse().unwrap(), port);
    assert!(verdict("10.0.0.1", 5432) && verdict("10.0.0.1", 5433) && verdict("10.0.0.200", 5433));
    assert!(!verdict("10.0.0.200", 5432) && !verdict("10.0.0.1", 5434) && !verdict("10.0.1.1", 5432));
    assert!(
        !acl.allows(true, 6, "10.0.0.1".parse().unwrap(), 5432)
            && !acl.allows(false, 17, "10.0.0.1".parse().unwrap(), 5432)
    );

    let group = aws.security_groups().unwrap().into_iter().find(|group| group.name == "db").unwrap();
    let rules = aws.security_group_rules().unwrap();
    let rule = rules.iter().find(|rule| rule.group == group.id && !rule.egress).unwrap();
    assert_eq!((rule.protocol.as_str(), rule.ports, &rule.peer), ("tcp", (5432, 5432), &group.id));

    let endpoint = &aws.vpc_endpoints().unwrap()[0];
    assert_eq!(
        (endpoint.kind.as_str(), &endpoint.route_tables),
        ("Gateway", &BTreeSet::from([table.id.clone()]))
    );

    let groups = aws.subnet_groups().unwrap();
    let kinds: Vec<SubnetGroupKind> =
        groups.iter().filter(|group| group.subnets == db).map(|group| group.kind).collect();
    assert_eq!(
        kinds,
        [
            SubnetGroupKind::Rds,
            SubnetGroupKind::Elasticache,
            SubnetGroupKind::Redshift,
            SubnetGroupKind::Memorydb
        ]
    );
}
