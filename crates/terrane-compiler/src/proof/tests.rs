//! What is proved of the reference network, and what is found in broken ones.

mod alike;
mod families;
mod lasting;
mod mutants;
mod naive;
pub(crate) mod networks;
mod places;

use crate::names::PortRange;
use crate::network::{AclPeer, AclRule, Direction, Network, Peer, Target, Traffic};
use crate::proof::{Finding, Proof, Property, Status, prove};
use networks::{cidr, databases_without_egress, reference};

fn finding<'a>(proof: &'a Proof, property: Property, subject: &str) -> &'a Finding {
    proof
        .findings
        .iter()
        .find(|finding| finding.property == property && finding.subject == subject)
        .unwrap_or_else(|| panic!("no {} about {subject}:\n{proof}", property.code()))
}

#[track_caller]
pub(crate) fn check(network: &Network, property: Property, subject: &str, status: Status) -> Finding {
    let proof = prove(network);
    let finding = finding(&proof, property, subject);
    assert_eq!(finding.status, status, "{proof}");
    finding.clone()
}

#[test]
fn every_claim_of_the_reference_network_holds() {
    let proof = prove(&reference());
    assert!(!proof.has_refuted(), "{proof}");
    assert_eq!(proof.with_status(Status::Unknown).count(), 0, "{proof}");
    assert!(!proof.diagnostics().has_errors());
    for property in [
        Property::P1,
        Property::P2,
        Property::P3,
        Property::P4,
        Property::P5,
        Property::P6,
        Property::P7,
        Property::P8,
        Property::P10,
        Property::P11,
    ] {
        assert!(proof.findings.iter().any(|finding| finding.property == property), "{property:?}:\n{proof}");
    }
}

#[test]
fn databases_are_out_of_reach_of_public_subnets_by_acls_alone() {
    let found = check(&reference(), Property::P1, "pub ↛ db", Status::Proved);
    assert!(found.held_by.contains(&"network ACLs"), "{found}");
    assert!(found.decided_by.iter().any(|step| step.layer == "network ACL"), "{found}");
}

#[test]
fn databases_with_egress_are_out_of_reach_of_the_internet_by_routes_and_acls() {
    let found = check(&reference(), Property::P1, "internet ↛ db", Status::Proved);
    assert!(!found.held_by.contains(&"network ACLs"), "{found}");
    assert!(found.held_by.contains(&"routes"), "{found}");
    assert!(found.residuals[0].contains("tcp 1024-65535"), "{found}");
    assert!(found.residuals[0].contains("db ingress #"), "{found}");
}

#[test]
fn databases_without_egress_are_out_of_reach_by_acls_alone() {
    let network = databases_without_egress();
    for subject in ["internet ↛ db", "pub ↛ db"] {
        let found = check(&network, Property::P1, subject, Status::Proved);
        assert!(found.held_by.contains(&"network ACLs"), "{found}");
        assert!(found.residuals.is_empty(), "{found}");
    }
}

#[test]
fn replies_of_databases_are_a_residual_that_security_groups_close() {
    let found = check(&databases_without_egress(), Property::P3, "db → app", Status::Residual);
    assert!(found.detail.contains("tcp 1024-65535"), "{found}");
    assert!(found.detail.contains("source port is one of"), "{found}");
    assert!(found.residuals[0].contains("security group"), "{found}");
}

/// A private tier that asks a public one: its ACL must let answers in, and cannot see who asked.
fn private_asks_public() -> Network {
    let mut declaration = networks::declaration();
    declaration.flows.push(networks::tcp(Peer::Tier(2), Peer::Tier(0), &[9092]));
    networks::resolved(&declaration)
}

#[test]
fn answers_to_what_a_private_tier_asks_are_a_residual_that_security_groups_close() {
    let found = check(&private_asks_public(), Property::P1, "pub ↛ db", Status::Residual);
    assert!(found.detail.contains("tcp 1024-65535"), "{found}");
    assert!(found.detail.contains("source port is one of tcp 9092"), "{found}");
    assert!(found.residuals[0].contains("closed by security group pub and db"), "{found}");
    assert_eq!(found.held_by, ["security groups"], "{found}");
}

#[test]
fn answers_are_no_excuse_for_what_security_groups_leave_open() {
    let mut network = private_asks_public();
    let rule = |direction, tier| crate::network::GroupRule {
        direction,
        key: "planted".to_owned(),
        traffic: Traffic::Tcp(PortRange::one(5432)),
        peer: crate::network::GroupPeer::Group(tier),
        why: String::new(),
    };
    network.security_groups[0].rules.push(rule(Direction::Egress, 2));
    network.security_groups[2].rules.push(rule(Direction::Ingress, 0));
    check(&network, Property::P1, "pub ↛ db", Status::Refuted);
}

#[test]
fn an_acl_that_lets_back_more_than_answers_is_refuted() {
    let planted = |tier: usize, direction, peer, ports| {
        let mut network = private_asks_public();
        let rules = &mut network.acls[tier].rules;
        let traffic = Traffic::Tcp(ports);
        let peer = AclPeer::Tier(peer, 0);
        rules.insert(0, AclRule { direction, number: 1, allow: true, traffic, peer, why: String::new() });
        rules.sort_by_key(|rule| (rule.direction, rule.number));
        network
    };
    // Answers from a port that is not declared: anyone in `pub` could use it.
    let mut wider = planted(2, Direction::Egress, 0, PortRange::EPHEMERAL);
    let rule = wider.acls[2].rules.iter().find(|rule| rule.number == 1).unwrap().clone();
    wider.acls[0]
        .rules
        .insert(0, AclRule { direction: Direction::Ingress, peer: AclPeer::Tier(2, 0), ..rule });
    check(&wider, Property::P1, "pub ↛ db", Status::Refuted);
    // A port that no client has.
    let mut lower = planted(2, Direction::Ingress, 0, PortRange::one(22));
    let rule = lower.acls[2].rules.iter().find(|rule| rule.number == 1).unwrap().clone();
    lower.acls[0].rules.push(AclRule { direction: Direction::Egress, peer: AclPeer::Tier(2, 0), ..rule });
    lower.acls[0].rules.sort_by_key(|rule| (rule.direction, rule.number));
    check(&lower, Property::P1, "pub ↛ db", Status::Refuted);
}

/// The rules that people write: replies from everywhere, and no guard before them.
fn naive_ephemeral() -> Network {
    let mut network = databases_without_egress();
    let rule = |direction, number, traffic| AclRule {
        direction,
        number,
        allow: true,
        traffic,
        peer: AclPeer::Cidr(cidr("0.0.0.0/0")),
        why: "db.egress = internet".to_owned(),
    };
    let db = &mut network.acls[2].rules;
    db.push(rule(Direction::Ingress, 900, Traffic::Tcp(PortRange::EPHEMERAL)));
    db.push(rule(Direction::Egress, 900, Traffic::Tcp(PortRange::one(443))));
    db.sort_by_key(|rule| (rule.direction, rule.number));
    let public = &mut network.acls[0].rules;
    for (direction, traffic) in [
        (Direction::Egress, Traffic::Tcp(PortRange::EPHEMERAL)),
        (Direction::Ingress, Traffic::Tcp(PortRange::one(443))),
    ] {
        public.push(AclRule { peer: AclPeer::Tier(2, 0), ..rule(direction, 90, traffic) });
    }
    public.sort_by_key(|rule| (rule.direction, rule.number));
    network
}

#[test]
fn the_naive_ephemeral_rule_is_refuted_with_its_witness() {
    let found = check(&naive_ephemeral(), Property::P1, "pub ↛ db", Status::Refuted);
    let witness = found.witness.as_ref().unwrap();
    assert_eq!(witness.ends, "pub-a → db-a", "{found}");
    assert!(witness.packet.starts_with("tcp 10.0.64.4:443 → 10.0.68.4:5432"), "{found}");
    let rules: Vec<String> = witness.forward.iter().chain(&witness.reply).map(ToString::to_string).collect();
    assert_eq!(
        rules,
        [
            "route public 10.0.0.0/16 local",
            "network ACL pub egress #90 allow tcp 1024-65535 to db",
            "network ACL db ingress #900 allow tcp 1024-65535 from 0.0.0.0/0",
            "route private-a 10.0.0.0/16 local",
            "network ACL db egress #900 allow tcp 443 to 0.0.0.0/0",
            "network ACL pub ingress #90 allow tcp 443 from db",
        ]
    );
    assert!(!found.fix.is_empty());
}

#[test]
fn a_nat_gateway_of_another_zone_is_refuted() {
    let mut network = reference();
    let table = network.route_tables.iter_mut().find(|table| table.name.as_str() == "private").unwrap();
    table.routes[0].target = Target::NatOfHome(networks::zone("a"));
    let found = check(&network, Property::P5, "app", Status::Refuted);
    assert!(found.detail.contains("app-b → pub-a"), "{found}");
}

#[test]
fn neighbours_that_are_open_to_everybody_are_a_residual_and_nothing_more() {
    // Answers to everything are everything, so the ACLs of `app` and `pub` are open both ways.
    let mut declaration = networks::declaration();
    let everything = networks::tcp(Peer::Tier(0), Peer::Tier(1), &[]);
    declaration
        .flows
        .push(crate::declaration::Flow { protocol: crate::declaration::FlowProtocol::Any, ..everything });
    let mut network = networks::resolved(&declaration);
    let found = check(&network, Property::P3, "app → pub", Status::Residual);
    let unclosed = "tcp 80, tcp 443: closed by no layer; both ends are open to every address there";
    assert!(found.residuals.iter().any(|residual| residual == unclosed), "{found}");

    network.security_groups[0].rules.push(crate::network::GroupRule {
        direction: Direction::Ingress,
        key: "planted".to_owned(),
        traffic: Traffic::Tcp(PortRange::one(22)),
        peer: crate::network::GroupPeer::Group(1),
        why: String::new(),
    });
    check(&network, Property::P3, "app → pub", Status::Refuted);
}

#[test]
fn one_declared_nat_gateway_is_a_residual_of_zone_independence() {
    let mut declaration = networks::declaration();
    let gateways = crate::network::Gateways::Home(networks::zone("a"));
    declaration.features.egress = Some(crate::network::Nat { tier: 0, gateways, bring_elastic_ips: false });
    let found = check(&networks::resolved(&declaration), Property::P5, "app", Status::Residual);
    assert!(found.detail.contains("app-b → pub-a"), "{found}");
}

/// The reference network with NAT gateways in two of its three zones.
fn with_two_nat_gateways() -> Network {
    let mut declaration = networks::declaration();
    let [a, b, c] = ["a", "b", "c"].map(networks::zone);
    let gateways = crate::network::Gateways::Zones { own: vec![a, b], fallback: [(c, b)].into() };
    declaration.features.egress = Some(crate::network::Nat { tier: 0, gateways, bring_elastic_ips: false });
    networks::resolved(&declaration)
}

#[test]
fn a_declared_fallback_is_a_residual_that_names_who_depends_on_whom() {
    let network = with_two_nat_gateways();
    let found = check(&network, Property::P5, "app", Status::Residual);
    assert!(found.detail.ends_with("as declared: app-c → pub-b, app-d → pub-a"), "{found}");
    let proof = prove(&network);
    assert!(!proof.has_refuted() && proof.with_status(Status::Unknown).count() == 0, "{proof}");
    let cut_off: Vec<usize> = proof.zone_loss.iter().map(|loss| loss.cut_off.len()).collect();
    assert_eq!(cut_off, [0, 2, 0], "zone b takes app and db of zone c with it: {:?}", proof.zone_loss);
}

#[test]
fn a_zone_that_passes_by_its_own_nat_gateway_is_refuted_beside_a_fallback() {
    let mut network = with_two_nat_gateways();
    let table = network.route_tables.iter_mut().find(|table| table.name.as_str() == "private").unwrap();
    table.routes[0].target = Target::NatOfHome(networks::zone("b"));
    let found = check(&network, Property::P5, "app", Status::Refuted);
    assert!(found.detail.contains("app-a → pub-b") && !found.detail.contains("app-c"), "{found}");
}

#[test]
fn a_tier_in_some_zones_has_no_subnets_tables_or_ends_elsewhere() {
    let mut declaration = networks::declaration();
    declaration.tiers[2].zones = Some(["a", "b"].map(networks::zone).to_vec());
    let network = networks::resolved(&declaration);
    let facts = crate::proof::placement::facts(&network, &[network.ranges[0].default]);
    let of_db: Vec<&str> =
        facts.subnets.iter().filter(|own| own.tier == 2).map(|own| own.zone.as_str()).collect();
    assert_eq!(of_db, ["a", "b"], "not in c, nor in the spare d");
    assert!(!prove(&network).has_refuted());
}

#[test]
fn an_internet_route_in_a_private_table_is_refuted() {
    let mut network = reference();
    let table = network.route_tables.iter_mut().find(|table| table.name.as_str() == "private").unwrap();
    table.routes[0].target = Target::InternetGateway;
    let found = check(&network, Property::P4, "db", Status::Refuted);
    assert_eq!(found.decided_by[0].rule, "0.0.0.0/0 internet gateway");
    check(&network, Property::P1, "internet ↛ db", Status::Refuted);
}

#[test]
fn a_missing_reply_rule_refutes_the_flow_that_needs_it() {
    let mut network = databases_without_egress();
    network.acls[2].rules.retain(|rule| {
        rule.direction == Direction::Ingress || rule.traffic != Traffic::Tcp(PortRange::EPHEMERAL)
    });
    let found = check(&network, Property::P2, "app → db tcp 5432, tcp 6379", Status::Refuted);
    assert!(found.detail.contains("answers on tcp 1024-65535 do not come back"), "{found}");
    assert!(found.decided_by.iter().any(|step| step.rule.contains("egress * deny")), "{found}");
}

#[test]
fn every_class_of_base_is_examined() {
    let proof = prove(&reference());
    assert!(proof.placements.len() >= 4, "{:?}", proof.placements);
    assert_eq!(proof.placements[0], "10.0.0.0/16");
}

#[test]
fn a_guard_for_one_class_of_base_alone_is_found_out() {
    let mut network = reference();
    for acl in &mut network.acls {
        acl.rules.retain(|rule| rule.peer != AclPeer::Range(0));
        acl.rules.retain(|rule| rule.peer != AclPeer::Cidr(cidr("172.16.0.0/12")));
    }
    let found = check(&network, Property::P1, "pub ↛ db", Status::Refuted);
    assert!(found.detail.contains("with the VPC at 172.16.0.0/16"), "{found}");
}

#[test]
fn a_rule_behind_a_wider_one_is_without_effect() {
    let mut network = databases_without_egress();
    let mut rule = network.acls[2].rules[0].clone();
    rule.number += 1;
    let at = network.acls[2].rules.iter().rposition(|rule| rule.direction == Direction::Ingress).unwrap();
    network.acls[2].rules.insert(at + 1, rule.clone());
    check(&network, Property::P10, &format!("db ingress #{}", rule.number), Status::Residual);
}

#[test]
fn an_unknown_table_leaves_isolation_undecided() {
    let network = reference();
    let placement = [network.ranges[0].default];
    let mut facts = crate::proof::placement::facts(&network, &placement);
    let db = facts.subnets.iter().position(|subnet| subnet.name == "db-a").unwrap();
    facts.subnets[db].table = None;
    let intent = crate::proof::placement::Intent::of(&network);
    let proof = crate::proof::prove_facts("reference", &facts, &intent);
    let found = finding(&proof, Property::P1, "internet ↛ db");
    assert_eq!(found.status, Status::Unknown, "{proof}");
    assert!(found.detail.contains("the route table of db-a is not known"), "{found}");
}

#[test]
fn a_large_network_gives_the_same_answer_twice() {
    let facts = crate::proof::testing::large(20, 5, 12);
    let open = crate::proof::testing::open_pairs(&facts);
    assert!(open > 0 && open < 380, "{open}");
    assert_eq!(open, crate::proof::testing::open_pairs(&facts));
}

#[test]
fn a_new_flow_is_the_only_difference() {
    let old = databases_without_egress();
    let changes = crate::proof::diff(&old, &reference());
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((changes[0].from.as_str(), changes[0].to.as_str()), ("db", "internet"));
    assert_eq!((changes[0].permitted.as_str(), changes[0].denied.as_str()), ("tcp 80, tcp 443", ""));
    assert_eq!(crate::proof::diff(&reference(), &old)[0].denied, "tcp 80, tcp 443");
    assert!(crate::proof::diff(&old, &old).is_empty());
}

#[test]
fn annotations_and_json_carry_the_witness() {
    let proof = prove(&naive_ephemeral());
    let run = crate::proof::sarif(std::slice::from_ref(&proof), &Default::default());
    let results = run["runs"][0]["results"].as_array().unwrap();
    let refuted = results.iter().find(|result| result["level"] == "error").unwrap();
    assert!(refuted["message"]["text"].as_str().unwrap().contains(":5432"), "{refuted}");
    let json = serde_json::to_value(&proof).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert!(json["findings"].as_array().unwrap().iter().any(|finding| finding["status"] == "REFUTED"));
}

#[test]
fn markdown_has_a_row_for_each_finding() {
    let proof = prove(&reference());
    let rows = crate::proof::markdown(&proof).lines().filter(|line| line.starts_with("| P")).count();
    assert_eq!(rows, proof.findings.len());
}

#[test]
fn targets_of_load_balancers_that_pass_on_addresses_need_rules_for_clients() {
    let balanced = |client_addresses| {
        let mut declaration = networks::declaration();
        declaration.flows[1].client_addresses = client_addresses;
        networks::resolved(&declaration)
    };
    let subject = "pub → app tcp 80, tcp 443, tcp 8080";
    let network = balanced(true);
    check(&network, Property::P2, subject, Status::Proved);
    let found = check(&network, Property::P1, "internet ↛ app", Status::Proved);
    assert!(found.residuals[0].contains("for clients of load balancers"), "{found}");
    // The same rules as without: clients' packets stop at the targets.
    let mut forgotten = balanced(false);
    forgotten.flows.clone_from(&network.flows);
    let found = check(&forgotten, Property::P2, subject, Status::Refuted);
    assert!(found.detail.contains("packets from clients at 1.0.0.0"), "{found}");
    let mut mute = network;
    mute.acls[1].rules.retain(|rule| rule.direction == Direction::Ingress || rule.number < 900);
    let found = check(&mute, Property::P2, subject, Status::Refuted);
    assert!(found.detail.contains("answers to clients"), "{found}");
}

#[test]
fn findings_name_where_their_subject_was_declared() {
    let line = line!() + 1;
    let topology = crate::topology::Topology::new("placed")
        .base("10.0.0.0/16")
        .zones(["a"])
        .tier(crate::topology::Tier::public("pub").prefix_length(24))
        .tier(crate::topology::Tier::isolated("db").prefix_length(24))
        .flow(crate::topology::Flow::tcp([443]).from("internet").to("pub"));
    let version = semver::Version::new(0, 1, 0);
    let compilation = crate::compile(&topology, &crate::ledger::Ledger::default(), &version)
        .unwrap_or_else(|found| panic!("{found}"));
    let place = |property, subject: &str| finding(&compilation.proof, property, subject).origin.to_string();
    let at = |offset: u32| format!("src/proof/tests.rs:{}:", line + offset);
    assert!(
        place(Property::P8, "default security group, network ACL, and main route table").contains(&at(0))
    );
    assert!(place(Property::P1, "pub ↛ db").contains(&at(4)), "{}", place(Property::P1, "pub ↛ db"));
    assert!(place(Property::P4, "db").contains(&at(4)));
    assert!(place(Property::P2, "internet → pub tcp 443").contains(&at(5)));
    let unplaced: Vec<_> =
        compilation.proof.findings.iter().filter(|finding| finding.origin.is_unknown()).collect();
    assert!(unplaced.is_empty(), "{unplaced:?}");
    let log = crate::proof::sarif(std::slice::from_ref(&compilation.proof), &Default::default());
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(
        !results.is_empty() && results.iter().all(|result| result["locations"][0].is_object()),
        "{log:#}"
    );
    for (name, text) in compilation.files.iter() {
        assert!(!text.contains("proof/tests.rs"), "{name} names a source file");
    }
}

#[test]
fn routes_to_nothing_and_answers_that_go_astray_are_refuted() {
    use crate::proof::facts::{Hop, Route};
    let network = reference();
    let whole = crate::proof::placement::facts(&network, &[network.ranges[0].default]);
    let intent = crate::proof::placement::Intent::of(&network);
    let about = |facts: &crate::proof::facts::Facts, property| {
        let proof = crate::proof::prove_facts("broken", facts, &intent);
        let found = proof.findings.iter().filter(|finding| finding.property == property);
        found.map(|finding| (finding.status, finding.detail.clone())).collect::<Vec<_>>()
    };
    assert!(about(&whole, Property::P6).iter().all(|(status, _)| *status == Status::Proved));
    assert!(about(&whole, Property::P7).iter().all(|(status, _)| *status == Status::Proved));

    let mut nowhere = whole.clone();
    let private =
        nowhere.subnets.iter().find(|subnet| subnet.name == "app-a").and_then(|own| own.table).unwrap();
    nowhere.tables[private].routes[0].hop = Hop::Blackhole;
    let found = about(&nowhere, Property::P6);
    assert!(found[0].0 == Status::Refuted && found[0].1.contains("app-a"), "{found:?}");

    let mut astray = whole;
    let public =
        astray.subnets.iter().find(|subnet| subnet.name == "pub-a").and_then(|own| own.table).unwrap();
    astray.tables[public].routes.push(Route { destination: cidr("10.0.0.0/20"), hop: Hop::Blackhole });
    let found = about(&astray, Property::P7);
    assert!(found[0].0 == Status::Refuted && found[0].1.contains("answers to app-a"), "{found:?}");
}

#[test]
fn open_defaults_and_unproved_spare_zones_are_not_called_proved() {
    let defaults = "default security group, network ACL, and main route table";
    check(&reference(), Property::P8, defaults, Status::Proved);
    let mut open = reference();
    open.close_defaults = false;
    check(&open, Property::P8, defaults, Status::Residual);
    check(&reference(), Property::P11, "spare zones d", Status::Proved);
    check(&naive_ephemeral(), Property::P11, "spare zones d", Status::Unknown);
}
