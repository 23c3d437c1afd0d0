use terrane_contract::Type;

use super::*;
use crate::module::syntax::{Body, expr, string};
use crate::module::{File, Local, Variable};

fn resource(ty: &str, name: &str, arguments: &[(&str, &str)]) -> Resource {
    let body = arguments.iter().fold(Body::new(), |body, (argument, text)| body.hcl(argument, text));
    Resource::new(File::Vpc, ty, name, body)
}

fn variable(name: &str, default: &str) -> Variable {
    Variable {
        name: name.to_owned(),
        ty: Type::String,
        description: String::new(),
        default: Some(string(default)),
        nullable: false,
        validations: Vec::new(),
    }
}

/// A network with a public and a private tier that AWS accepts, for each test to plant a fault in.
fn module() -> Module {
    let blocks = "{ pub = cidrsubnet(var.cidr_block, 4, 0), app = cidrsubnet(var.pods_cidr_block, 4, 1) }";
    let rules = r#"{
      "ingress-100" = { egress = false, number = 100, protocol = "tcp", from = 443, to = 443 }
      "egress-100" = { egress = true, number = 100, protocol = "icmp", from = 3, to = 4 }
    }"#;
    let mut acl_rule = resource(
        "aws_network_acl_rule",
        "app",
        &[
            ("network_acl_id", "aws_network_acl.app.id"),
            ("egress", "each.value.egress"),
            ("rule_number", "each.value.number"),
            ("protocol", "each.value.protocol"),
            ("from_port", r#"each.value.protocol == "icmp" ? null : each.value.from"#),
            ("to_port", r#"each.value.protocol == "icmp" ? null : each.value.to"#),
        ],
    );
    acl_rule.for_each = Some(expr(rules));
    let subnet = |name: &str, vpc_id: &str| {
        let block = format!("cidrsubnet(local.blocks.{name}, 2, 0)");
        resource("aws_subnet", name, &[("vpc_id", vpc_id), ("cidr_block", &block)])
            .for_each(expr("var.zones"))
    };
    Module {
        locals: vec![Local {
            file: File::Vpc,
            name: "blocks".to_owned(),
            value: expr(blocks),
            comment: String::new(),
        }],
        resources: vec![
            resource("aws_vpc", "this", &[("cidr_block", "var.cidr_block")]),
            resource(
                "aws_vpc_ipv4_cidr_block_association",
                "pods",
                &[("vpc_id", "aws_vpc.this.id"), ("cidr_block", "var.pods_cidr_block")],
            ),
            subnet("pub", "aws_vpc.this.id"),
            subnet("app", "aws_vpc_ipv4_cidr_block_association.pods.vpc_id"),
            resource("aws_internet_gateway", "this", &[("vpc_id", "aws_vpc.this.id")]),
            resource("aws_eip", "nat", &[]).depends_on("aws_internet_gateway", "this"),
            resource("aws_nat_gateway", "this", &[("subnet_id", "aws_subnet.pub[\"a\"].id")])
                .depends_on("aws_internet_gateway", "this"),
            resource("aws_route_table", "public", &[]),
            resource(
                "aws_route_table_association",
                "pub",
                &[
                    ("subnet_id", "aws_subnet.pub[each.key].id"),
                    ("route_table_id", "aws_route_table.public.id"),
                ],
            ),
            resource(
                "aws_route",
                "public",
                &[
                    ("route_table_id", "aws_route_table.public.id"),
                    ("destination_cidr_block", "\"0.0.0.0/0\""),
                    ("gateway_id", "aws_internet_gateway.this.id"),
                ],
            ),
            resource("aws_network_acl", "app", &[]),
            acl_rule,
            resource("aws_network_acl_association", "app", &[("network_acl_id", "aws_network_acl.app.id")])
                .depends_on("aws_network_acl_rule", "app"),
            resource(
                "aws_vpc_security_group_ingress_rule",
                "app",
                &[("ip_protocol", "\"icmp\""), ("from_port", "-1"), ("to_port", "-1")],
            ),
            resource(
                "aws_db_subnet_group",
                "app",
                &[("subnet_ids", "[for subnet in aws_subnet.app : subnet.id]")],
            ),
        ],
        ..Module::default()
    }
}

fn find<'m>(module: &'m mut Module, address: &str) -> &'m mut Resource {
    module.resources.iter_mut().find(|resource| resource.address() == address).unwrap()
}

fn set(module: &mut Module, address: &str, argument: &str, value: Expr) {
    let body = &mut find(module, address).body;
    body.items
        .retain(|item| !matches!(item, crate::module::syntax::Item::Argument(name, _) if name == argument));
    *body = std::mem::take(body).arg(argument, value);
}

/// Plants a fault and expects it alone, at its place.
#[track_caller]
fn check_fault(plant: impl FnOnce(&mut Module), place: &str, message: &str) {
    let mut module = module();
    plant(&mut module);
    let faults = check(&module);
    let [fault] = faults.as_slice() else { panic!("one fault expected, found {faults:#?}") };
    assert_eq!(format!("{} {}", fault.address, fault.argument).trim(), place);
    assert!(fault.message.contains(message), "{fault}");
}

#[test]
fn a_network_that_aws_accepts_has_no_faults() {
    assert_eq!(check(&module()), []);
}

#[test]
fn a_second_internet_gateway_is_a_fault() {
    let second = resource("aws_internet_gateway", "other", &[]);
    check_fault(|m| m.resources.push(second), "aws_internet_gateway.other", "one internet gateway");
}

#[test]
fn what_needs_the_internet_gateway_waits_for_it() {
    for address in ["aws_eip.nat", "aws_nat_gateway.this"] {
        check_fault(
            |m| find(m, address).depends_on.clear(),
            &format!("{address} depends_on"),
            "wait for the internet gateway",
        );
    }
    let route = || {
        let arguments = [("destination_cidr_block", "\"0.0.0.0/0\""), ("nat_gateway_id", "\"nat-1\"")];
        resource("aws_route", "private", &arguments)
    };
    check_fault(
        |m| m.resources.push(route()),
        "aws_route.private depends_on",
        "wait for the internet gateway",
    );
}

#[test]
fn associations_wait_for_the_rules_of_their_acl() {
    check_fault(
        |m| find(m, "aws_network_acl_association.app").depends_on.clear(),
        "aws_network_acl_association.app depends_on",
        "before its rules in aws_network_acl_rule.app",
    );
}

#[test]
fn subnets_wait_for_their_secondary_range() {
    check_fault(
        |m| set(m, "aws_subnet.app", "vpc_id", expr("aws_vpc.this.id")),
        "aws_subnet.app vpc_id",
        "wait for its range aws_vpc_ipv4_cidr_block_association.pods",
    );
}

#[test]
fn secondary_ranges_wait_for_those_that_aws_refuses_after_them() {
    let two_ranges = |m: &mut Module, more: &str, pods: &str| {
        let arguments = [("vpc_id", "aws_vpc.this.id"), ("cidr_block", "var.more_cidr_block")];
        m.resources.push(resource("aws_vpc_ipv4_cidr_block_association", "more", &arguments));
        m.variables = vec![variable("more_cidr_block", more), variable("pods_cidr_block", pods)];
    };
    check_fault(
        |m| two_ranges(m, "10.9.0.0/20", "100.64.0.0/16"),
        "aws_vpc_ipv4_cidr_block_association.pods depends_on",
        "AWS refuses aws_vpc_ipv4_cidr_block_association.more (10.9.0.0/20) once 100.64.0.0/16 is there",
    );
    let mut in_order = module();
    two_ranges(&mut in_order, "10.9.0.0/20", "100.64.0.0/16");
    find(&mut in_order, "aws_vpc_ipv4_cidr_block_association.pods")
        .depends_on
        .push(expr("aws_vpc_ipv4_cidr_block_association.more"));
    assert_eq!(check(&in_order), []);
    let mut of_any_order = module();
    two_ranges(&mut of_any_order, "10.9.0.0/20", "10.10.0.0/20");
    assert_eq!(check(&of_any_order), []);
}

#[test]
fn rule_numbers_have_bounds_and_are_unique() {
    for number in [0, 32767] {
        check_fault(
            |m| {
                find(m, "aws_network_acl_rule.app").for_each =
                    Some(expr(&format!("{{ x = {{ number = {number} }} }}")))
            },
            "aws_network_acl_rule.app [\"x\"].rule_number",
            "not within 1 to 32766",
        );
    }
    check_fault(
        |m| {
            find(m, "aws_network_acl_rule.app").for_each =
                Some(expr("{ x = { egress = true, number = 1 }, y = { egress = true, number = 1 } }"));
        },
        "aws_network_acl_rule.app [\"y\"].rule_number",
        "also that of",
    );
}

#[test]
fn ports_have_bounds_and_an_order() {
    let with = |from: i32, to: i32| {
        move |m: &mut Module| {
            let table = format!("{{ x = {{ number = 1, protocol = \"tcp\", from = {from}, to = {to} }} }}");
            find(m, "aws_network_acl_rule.app").for_each = Some(expr(&table));
        }
    };
    check_fault(with(1, 70000), "aws_network_acl_rule.app [\"x\"].to_port", "not within 0 to 65535");
    check_fault(with(-1, 1), "aws_network_acl_rule.app [\"x\"].from_port", "not within 0 to 65535");
    check_fault(with(2, 1), "aws_network_acl_rule.app [\"x\"].from_port", "from 2 down to 1");
    check_fault(
        |m| set(m, "aws_vpc_security_group_ingress_rule.app", "from_port", expr("256")),
        "aws_vpc_security_group_ingress_rule.app from_port",
        "ICMP type or code is 256",
    );
}

#[test]
fn twenty_acl_rules_in_one_direction_are_too_many() {
    let table = |n: usize| {
        let rows: Vec<String> = (1..=n).map(|n| format!("r{n} = {{ number = {n} }}")).collect();
        Some(expr(&format!("{{ {} }}", rows.join(", "))))
    };
    let mut full = module();
    find(&mut full, "aws_network_acl_rule.app").for_each = table(19);
    assert_eq!(check(&full), []);
    check_fault(
        |m| find(m, "aws_network_acl_rule.app").for_each = table(20),
        "aws_network_acl_rule.app for_each",
        "20 ingress rules",
    );
}

#[test]
fn a_nat_gateway_in_a_private_subnet_is_a_fault() {
    check_fault(
        |m| set(m, "aws_nat_gateway.this", "subnet_id", expr("aws_subnet.app[\"a\"].id")),
        "aws_nat_gateway.this subnet_id",
        "aws_subnet.app has no route to the internet gateway",
    );
}

#[test]
fn a_subnet_group_over_one_subnet_is_a_fault() {
    check_fault(
        |m| set(m, "aws_db_subnet_group.app", "subnet_ids", expr("[aws_subnet.app[\"a\"].id]")),
        "aws_db_subnet_group.app subnet_ids",
        "has 1 subnets",
    );
    check_fault(
        |m| find(m, "aws_subnet.app").for_each = Some(expr("{ a = \"eu-central-1a\" }")),
        "aws_db_subnet_group.app subnet_ids",
        "has 1 subnets",
    );
}

#[test]
fn a_route_to_the_gateway_inside_the_vpc_is_a_fault() {
    let arguments =
        [("destination_cidr_block", "var.cidr_block"), ("gateway_id", "aws_internet_gateway.this.id")];
    let route = resource("aws_route", "inside", &arguments);
    check_fault(|m| m.resources.push(route), "aws_route.inside destination_cidr_block", "the VPC itself");
}

#[test]
fn a_second_route_table_for_a_subnet_is_a_fault() {
    let arguments =
        [("subnet_id", "aws_subnet.pub[\"a\"].id"), ("route_table_id", "aws_route_table.public.id")];
    let second = resource("aws_route_table_association", "again", &arguments);
    check_fault(|m| m.resources.push(second), "aws_route_table_association.again subnet_id", "already has");
}

#[test]
fn literal_ranges_that_aws_refuses_are_faults() {
    for (range, message) in [
        ("10.0.0.0/15", "prefix length 15"),
        ("10.0.0.0/29", "prefix length 29"),
        ("10.0.48.1/24", "host bits"),
        ("169.254.0.0/16", "no VPC can use"),
        ("127.0.0.0/16", "no VPC can use"),
        ("ten", "no IPv4 range"),
    ] {
        check_fault(
            |m| set(m, "aws_vpc.this", "cidr_block", string(range)),
            "aws_vpc.this cidr_block",
            message,
        );
    }
}
