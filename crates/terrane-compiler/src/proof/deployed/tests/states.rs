//! States.

use serde_json::{Value, json};

use super::{State, acl_row, check, findings};
use crate::proof::Status::{Proved, Refuted, Residual, Unknown};

const DB: &[&str] = &["db"];

#[test]
fn the_two_subnets_are_apart() {
    for state in [State::two_subnets(), State::by_routes_alone()] {
        let state = state.document();
        check(&state, DB, "P1 internet ↛ db", Proved, "no packet arrives");
        check(&state, DB, "P4 db", Proved, "");
    }
    check(&State::two_subnets().document(), DB, "P1 pub ↛ db", Proved, "the network ACLs alone keep it out");
    check(
        &State::by_routes_alone().document(),
        DB,
        "P1 internet ↛ db",
        Proved,
        "the routes alone keep it out",
    );
}

fn route(attributes: Value) -> Value {
    let mut route = json!({"id": "r-db", "route_table_id": "rtb-db"});
    for (name, value) in attributes.as_object().unwrap() {
        route[name] = value.clone();
    }
    State::by_routes_alone().with("aws_route", "db", route).document()
}

#[test]
fn a_route_to_the_internet_gateway_is_refuted_whatever_its_destination() {
    let list = route(json!({"destination_prefix_list_id": "pl-1", "gateway_id": "igw-1"}));
    check(&list, DB, "P4 db", Refuted, "internet gateway");
    check(&list, DB, "P1 internet ↛ db", Unknown, "aws_route.db");
    let v6 = route(json!({"destination_ipv6_cidr_block": "::/0", "gateway_id": "igw-1"}));
    check(&v6, DB, "P4 db", Refuted, "IPv6");
    let inline = State::by_routes_alone()
        .set(
            "aws_route_table",
            "db",
            "route",
            json!([{"cidr_block": "", "destination_prefix_list_id": "pl-1", "gateway_id": "igw-1"}]),
        )
        .document();
    check(&inline, DB, "P4 db", Refuted, "internet gateway");
}

#[test]
fn what_a_route_leads_to_and_is_not_modelled_is_unknown() {
    for (attribute, value) in [
        ("transit_gateway_id", "tgw-1"),
        ("vpc_peering_connection_id", "pcx-1"),
        ("gateway_id", "vgw-1"),
        ("network_interface_id", "eni-1"),
        ("instance_id", "i-1"),
        ("vpc_endpoint_id", "vpce-1"),
        ("local_gateway_id", "lgw-1"),
        ("carrier_gateway_id", "cagw-1"),
        ("core_network_arn", "arn:aws:networkmanager::1:core-network/c"),
        ("nat_gateway_id", "nat-elsewhere"),
        ("odb_network_arn", "arn:aws:odb::1:network/n"),
    ] {
        let state = route(json!({"destination_cidr_block": "0.0.0.0/0", attribute: value}));
        check(&state, DB, "P1 internet ↛ db", Unknown, "aws_route.db");
        check(&state, DB, "P1 db ↛ internet", Unknown, "aws_route.db");
    }
    // An attribute that is not known may be a gateway of any kind; the others are no internet gateways.
    let brought = route(json!({"destination_cidr_block": "0.0.0.0/0", "odb_network_arn": "arn"}));
    check(&brought, DB, "P4 db", Unknown, "odb_network_arn");
    let transit = route(json!({"destination_cidr_block": "0.0.0.0/0", "transit_gateway_id": "tgw-1"}));
    check(&transit, DB, "P4 db", Proved, "");
}

#[test]
fn private_space_behind_what_is_not_modelled_is_no_internet() {
    let office = route(json!({"destination_cidr_block": "10.100.0.0/16", "transit_gateway_id": "tgw-1"}));
    check(&office, DB, "P1 internet ↛ db", Proved, "");
    check(&office, DB, "P1 db ↛ internet", Proved, "");
    check(&office, DB, "P1 10.100.0.0/16 beyond the VPC", Residual, "transit_gateway_id");
}

#[test]
fn a_prefix_list_may_hold_any_address_though_longer_routes_stand_beside_it() {
    let mut state = State::by_routes_alone();
    for (idx, half) in ["0.0.0.0/1", "128.0.0.0/1"].into_iter().enumerate() {
        let route = json!({
            "id": format!("r-{idx}"), "route_table_id": "rtb-db",
            "destination_cidr_block": half, "nat_gateway_id": "nat-1",
        });
        state = state.with("aws_route", &format!("half_{idx}"), route);
    }
    let nat = json!({"id": "nat-1", "subnet_id": "subnet-pub", "connectivity_type": "public"});
    let state = state.with("aws_nat_gateway", "nat", nat);
    check(&state.document(), DB, "P1 internet ↛ db", Proved, "");
    let list = json!({
        "id": "r-list", "route_table_id": "rtb-db",
        "destination_prefix_list_id": "pl-1", "transit_gateway_id": "tgw-1",
    });
    check(
        &state.with("aws_route", "list", list).document(),
        DB,
        "P1 internet ↛ db",
        Unknown,
        "aws_route.list",
    );
}

#[test]
fn only_a_gateway_endpoint_is_the_way_to_its_own_prefix_list() {
    let endpoint = |ty: &str| {
        let list = json!({
            "id": "r-list", "route_table_id": "rtb-db",
            "destination_prefix_list_id": "pl-1", "vpc_endpoint_id": "vpce-1",
        });
        let endpoint = json!({
            "id": "vpce-1", "vpc_id": "vpc-1", "vpc_endpoint_type": ty, "service_name": "com.amazonaws.eu-west-1.s3",
        });
        State::by_routes_alone()
            .with("aws_vpc_endpoint", "e", endpoint)
            .with("aws_route", "list", list)
            .document()
    };
    check(&endpoint("Gateway"), DB, "P1 internet ↛ db", Proved, "");
    for ty in ["GatewayLoadBalancer", "Interface", "Resource"] {
        check(&endpoint(ty), DB, "P1 internet ↛ db", Unknown, "aws_route.list");
    }
    let elsewhere = route(json!({"destination_prefix_list_id": "pl-1", "vpc_endpoint_id": "vpce-1"}));
    check(&elsewhere, DB, "P1 internet ↛ db", Unknown, "aws_route.db");
}

#[test]
fn routes_that_gateways_propagate_are_not_known() {
    let inline = State::by_routes_alone()
        .set("aws_route_table", "db", "propagating_vgws", json!(["vgw-1"]))
        .document();
    check(&inline, DB, "P1 internet ↛ db", Unknown, "propagating_vgws");
    check(&inline, DB, "P1 db ↛ internet", Unknown, "propagating_vgws");
    // Neither a VPN gateway nor a route server is an internet gateway, and no propagated route is inside the VPC.
    check(&inline, DB, "P4 db", Proved, "");
    for ty in ["aws_vpn_gateway_route_propagation", "aws_vpc_route_server_propagation"] {
        let state =
            State::by_routes_alone().with(ty, "p", json!({"id": "p", "route_table_id": "rtb-db"})).document();
        check(&state, DB, "P1 internet ↛ db", Unknown, ty);
        let other = State::by_routes_alone().with(ty, "p", json!({"id": "p", "route_table_id": "rtb-pub"}));
        check(&other.document(), DB, "P1 internet ↛ db", Proved, "");
    }
}

#[test]
fn a_private_nat_gateway_behind_which_another_stands_is_not_followed() {
    let state = State::by_routes_alone()
        .with(
            "aws_subnet",
            "mid",
            json!({"id": "subnet-mid", "vpc_id": "vpc-1", "cidr_block": "10.0.3.0/24"}),
        )
        .with("aws_route_table", "mid", json!({"id": "rtb-mid", "vpc_id": "vpc-1", "route": []}))
        .with(
            "aws_route_table_association",
            "mid",
            json!({"id": "a-mid", "subnet_id": "subnet-mid", "route_table_id": "rtb-mid"}),
        )
        .with(
            "aws_nat_gateway",
            "out",
            json!({"id": "nat-out", "subnet_id": "subnet-pub", "connectivity_type": "public"}),
        )
        .with(
            "aws_nat_gateway",
            "in",
            json!({"id": "nat-in", "subnet_id": "subnet-mid", "connectivity_type": "private"}),
        )
        .with(
            "aws_route",
            "mid",
            json!({
                "id": "r-mid", "route_table_id": "rtb-mid",
                "destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-out",
            }),
        )
        .with(
            "aws_route",
            "db",
            json!({
                "id": "r-db", "route_table_id": "rtb-db",
                "destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-in",
            }),
        )
        .document();
    check(&state, DB, "P1 db ↛ internet", Unknown, "aws_nat_gateway.in");
    check(&state, DB, "P1 internet ↛ db", Proved, "");
}

fn with_acl(ingress: Value, egress: Value) -> State {
    let state = State::two_subnets().set("aws_network_acl", "db", "ingress", ingress);
    state.set("aws_network_acl", "db", "egress", egress)
}

#[test]
fn a_rule_without_icmp_type_denies_one_type_alone() {
    let mut deny = acl_row(1, "deny", "icmp", "0.0.0.0/0");
    (deny["icmp_type"], deny["icmp_code"]) = (Value::Null, Value::Null);
    let mut allow = acl_row(2, "allow", "icmp", "0.0.0.0/0");
    (allow["icmp_type"], allow["icmp_code"]) = (json!(-1), json!(-1));
    let both = json!([deny, allow]);
    let state = with_acl(both.clone(), both).document();
    check(&state, DB, "P1 pub ↛ db", Refuted, "icmp");
}

#[test]
fn a_protocol_is_what_the_provider_takes_it_for() {
    for spelling in ["06", "6", "TCP", "tcp"] {
        let row = |number, action: &str, from, to| {
            let mut row = acl_row(number, action, spelling, "0.0.0.0/0");
            (row["from_port"], row["to_port"]) = (json!(from), json!(to));
            row
        };
        let rows = json!([row(1, "deny", 22, 22), row(2, "allow", 0, 65535)]);
        let state = with_acl(rows.clone(), rows).document();
        check(&state, DB, "P1 pub ↛ db", Refuted, "tcp 0-21, tcp 23-65535");
    }
    let odd = json!([acl_row(1, "deny", "sctpx", "0.0.0.0/0")]);
    check(&with_acl(odd.clone(), odd).document(), DB, "P1 pub ↛ db", Unknown, "aws_network_acl.db");
}

#[test]
fn datagrams_that_arrive_and_are_not_answered_break_isolation() {
    let mut datagrams = acl_row(1, "allow", "17", "0.0.0.0/0");
    datagrams["to_port"] = json!(65535);
    let state = with_acl(json!([datagrams]), json!([]))
        .with(
            "aws_route",
            "db",
            json!({
                "id": "r-db", "route_table_id": "rtb-db",
                "destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1",
            }),
        )
        .document();
    check(&state, DB, "P1 internet ↛ db", Refuted, "no answer comes back");
    check(
        &state,
        DB,
        "P1 pub ↛ db",
        Refuted,
        "no answer comes back: network ACL aws_network_acl.db egress * deny",
    );
}

#[test]
fn a_way_back_that_is_missing_keeps_no_packet_out() {
    let blackhole =
        json!({"id": "r-db", "route_table_id": "rtb-db", "destination_cidr_block": "10.0.2.0/24"});
    let state = State::by_routes_alone().with("aws_route", "db", blackhole).document();
    check(&state, DB, "P1 pub ↛ db", Refuted, "no answer comes back");
}

#[test]
fn a_document_that_contradicts_itself_is_not_believed() {
    let says = |state: State, claim: &str| check(&state.document(), DB, claim, Unknown, "contradicts itself");
    let association = json!({"id": "a-2", "subnet_id": "subnet-db", "route_table_id": "rtb-pub"});
    says(
        State::by_routes_alone().with("aws_route_table_association", "second", association),
        "P1 internet ↛ db",
    );
    let acl = json!({
        "id": "acl-2", "vpc_id": "vpc-1", "subnet_ids": ["subnet-db"],
        "ingress": [acl_row(100, "allow", "-1", "0.0.0.0/0")], "egress": [],
    });
    says(State::two_subnets().with("aws_network_acl", "second", acl), "P1 pub ↛ db");
    let association = json!({"id": "a-3", "subnet_id": "subnet-db", "network_acl_id": "acl-2"});
    let acl = json!({"id": "acl-2", "vpc_id": "vpc-1", "subnet_ids": [], "ingress": [], "egress": []});
    says(
        State::two_subnets().with("aws_network_acl", "second", acl).with(
            "aws_network_acl_association",
            "a",
            association,
        ),
        "P1 pub ↛ db",
    );
    let rule = json!({
        "id": "nacl-1", "network_acl_id": "acl-db", "egress": false, "rule_number": 100, "rule_action": "allow",
        "protocol": "-1", "cidr_block": "0.0.0.0/0",
    });
    says(State::two_subnets().with("aws_network_acl_rule", "r", rule), "P1 pub ↛ db");
    let route = |to: &str, id: &str| {
        json!({
            "id": "r-db", "route_table_id": "rtb-db", "destination_cidr_block": "0.0.0.0/0", to: id,
        })
    };
    says(
        State::by_routes_alone().with("aws_route", "one", route("gateway_id", "igw-1")).with(
            "aws_route",
            "two",
            route("network_interface_id", "eni-1"),
        ),
        "P1 internet ↛ db",
    );
    let inline = json!([{"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}]);
    says(
        State::by_routes_alone().set("aws_route_table", "db", "route", inline).with(
            "aws_route",
            "one",
            route("transit_gateway_id", "tgw-1"),
        ),
        "P1 internet ↛ db",
    );
}

#[test]
fn rules_and_routes_told_twice_are_one() {
    let row = |number, direction: bool| {
        json!({
            "id": format!("nacl-{number}"), "network_acl_id": "acl-db", "egress": direction, "rule_number": number,
            "rule_action": "allow", "protocol": "all", "cidr_block": "10.0.1.0/24",
        })
    };
    let state = State::two_subnets()
        .with("aws_network_acl_rule", "in", row(100, false))
        .with("aws_network_acl_rule", "out", row(100, true))
        .set(
            "aws_route_table",
            "pub",
            "route",
            json!([{"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1", "nat_gateway_id": ""}]),
        )
        .document();
    check(&state, DB, "P1 pub ↛ db", Proved, "");
    check(&state, DB, "P1 internet ↛ db", Proved, "");
}

#[test]
fn a_denial_that_only_the_acl_remembers_is_not_believed() {
    let rule = json!({
        "id": "nacl-1", "network_acl_id": "acl-db", "egress": false, "rule_number": 200, "rule_action": "allow",
        "protocol": "-1", "cidr_block": "0.0.0.0/0",
    });
    let denial = json!([acl_row(100, "deny", "-1", "10.0.2.0/24"), acl_row(200, "allow", "-1", "0.0.0.0/0")]);
    let state = State::two_subnets().set("aws_network_acl", "db", "ingress", denial).with(
        "aws_network_acl_rule",
        "r",
        rule,
    );
    check(&state.document(), DB, "P1 pub ↛ db", Unknown, "rule 100");
}

#[test]
fn a_subnet_whose_table_is_not_known_may_be_public_and_may_be_private() {
    let mut state = State::by_routes_alone();
    state.0.retain(|(ty, name, _)| (ty.as_str(), name.as_str()) != ("aws_route_table_association", "pub"));
    let found = findings(&state.document(), DB);
    assert_eq!(found["P1 pub ↛ db"].status, Unknown, "{:#?}", found["P1 pub ↛ db"]);
    assert_eq!(found["P1 internet ↛ pub"].status, Unknown);
    assert_eq!(found["P4 pub"].status, Unknown);
    // An ACL that keeps it out does so whatever the table.
    let mut apart = State::two_subnets();
    apart.0.retain(|(ty, name, _)| (ty.as_str(), name.as_str()) != ("aws_route_table_association", "pub"));
    check(&apart.document(), DB, "P1 pub ↛ db", Proved, "");
}

#[test]
fn a_claim_about_subnets_is_about_all_of_them() {
    let subnet = json!({"id": "subnet-2", "vpc_id": "vpc-1", "cidr_block": "10.0.7.0/24"});
    let mut document = State::by_routes_alone()
        .with(
            "aws_route_table_association",
            "second",
            json!({"id": "a-2", "subnet_id": "subnet-2", "route_table_id": "rtb-pub"}),
        )
        .document();
    let db = document["resources"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|resource| resource["type"] == "aws_subnet" && resource["name"] == "db");
    db.unwrap()["instances"].as_array_mut().unwrap().push(json!({"index_key": 1, "attributes": subnet}));
    check(&document, DB, "P1 internet ↛ db with an internet gateway", Refuted, "");
    check(&document, DB, "P1 internet ↛ db", Proved, "");
}

#[test]
fn addresses_of_version_6_are_not_examined() {
    let subnet = |state: State| state.set("aws_subnet", "db", "ipv6_cidr_block", json!("2a05::/64"));
    for (attribute, value) in
        [("ipv6_cidr_block", json!("2a05::/56")), ("assign_generated_ipv6_cidr_block", json!(true))]
    {
        let state = subnet(State::two_subnets().set("aws_vpc", "main", attribute, value)).document();
        check(&state, DB, "P1 internet ↛ db", Unknown, "IPv6");
        check(&state, DB, "P1 pub ↛ db", Unknown, "IPv6");
        check(&state, DB, "P4 db", Unknown, "IPv6");
    }
    let associated = json!({"id": "a-6", "vpc_id": "vpc-1", "ipv6_pool": "pool-1"});
    let state = subnet(State::two_subnets().with("aws_vpc_ipv6_cidr_block_association", "six", associated));
    check(&state.document(), DB, "P1 internet ↛ db", Unknown, "IPv6");
    let native = State::two_subnets().set("aws_subnet", "db", "ipv6_native", json!(true)).document();
    check(&native, DB, "P1 internet ↛ db", Unknown, "IPv6");
}

#[test]
fn what_lets_somebody_in_past_the_routes_is_unknown_for_what_it_touches() {
    let touched = |ty: &str, attributes: Value| {
        let state = State::two_subnets().with(ty, "x", attributes).document();
        check(&state, DB, "P1 internet ↛ db", Unknown, &format!("{ty}.x"));
    };
    touched("aws_ec2_client_vpn_network_association", json!({"id": "x", "subnet_id": "subnet-db"}));
    touched("aws_ec2_instance_connect_endpoint", json!({"id": "x", "subnet_id": "subnet-db"}));
    touched("aws_vpclattice_service_network_vpc_association", json!({"id": "x", "vpc_identifier": "vpc-1"}));
    touched(
        "aws_globalaccelerator_endpoint_group",
        json!({"id": "x", "endpoint_configuration": [{"endpoint_id": "subnet-db"}]}),
    );
    touched(
        "aws_route_table_association",
        json!({"id": "x", "gateway_id": "igw-1", "route_table_id": "rtb-db"}),
    );
    touched(
        "aws_fms_policy",
        json!({"id": "x", "security_service_policy_data": [{"type": "NETWORK_ACL_COMMON"}]}),
    );
    touched("aws_odb_network_peering", json!({"id": "x", "vpc_id": "vpc-1"}));
    touched("awscc_ec2_route", json!({"id": "x", "route_table_id": "rtb-db", "gateway_id": "igw-1"}));
    let apart = |ty: &str, attributes: Value| {
        let state = State::two_subnets().with(ty, "x", attributes).document();
        check(&state, DB, "P1 internet ↛ db", Proved, "");
    };
    apart("aws_odb_network_peering", json!({"id": "x", "vpc_id": "vpc-2"}));
    apart("aws_ec2_instance_connect_endpoint", json!({"id": "x", "subnet_id": "subnet-pub"}));
    apart("aws_instance", json!({"id": "x", "subnet_id": "subnet-db", "vpc_security_group_ids": ["sg-1"]}));
    apart("aws_lb", json!({"id": "x", "subnets": ["subnet-db"], "internal": false}));
    apart("aws_vpc_peering_connection", json!({"id": "x", "vpc_id": "vpc-1", "peer_vpc_id": "vpc-2"}));
    apart("aws_s3_bucket", json!({"id": "x"}));
    apart("random_id", json!({"id": "x"}));
}

#[test]
fn a_default_vpc_is_named_as_not_examined() {
    let vpc = json!({"id": "vpc-0", "cidr_block": "172.31.0.0/16"});
    let state = State::two_subnets().with("aws_default_vpc", "d", vpc).document();
    check(&state, DB, "P8 aws_default_vpc.d", Residual, "not examined");
}

#[test]
fn subnets_of_a_vpc_that_is_not_in_the_document_change_nothing() {
    let subnet = json!({"id": "subnet-x", "vpc_id": "vpc-other", "cidr_block": "172.16.0.0/24"});
    let state = State::two_subnets().with("aws_subnet", "x", subnet).document();
    check(&state, DB, "P1 internet ↛ db", Proved, "");
}
