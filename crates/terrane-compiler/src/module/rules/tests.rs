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
      "100" = { protocol = "6", from = 443, to = 443 }
      "110" = { protocol = "1", from = 3, to = 4 }
    }"#;
    let ingress = r#"[for number, rule in local.app_ingress : {
      rule_no = number, protocol = rule.protocol,
      from_port = rule.protocol == "1" ? 0 : rule.from, to_port = rule.protocol == "1" ? 0 : rule.to,
      icmp_type = rule.protocol == "1" ? rule.from : 0, icmp_code = rule.protocol == "1" ? rule.to : 0
    }]"#;
    let subnet = |name: &str, vpc_id: &str| {
        let block = format!("cidrsubnet(local.blocks.{name}, 2, 0)");
        resource("aws_subnet", name, &[("vpc_id", vpc_id), ("cidr_block", &block)])
            .for_each(expr("var.zones"))
    };
    Module {
        locals: [("blocks", blocks), ("app_ingress", rules)]
            .map(|(name, value)| Local {
                file: File::Vpc,
                name: name.to_owned(),
                value: expr(value),
                comment: String::new(),
            })
            .into(),
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
            resource(
                "aws_network_acl",
                "app",
                &[("subnet_ids", "[]"), ("ingress", ingress), ("egress", "[]")],
            ),
            resource("aws_default_network_acl", "this", &[]).depends_on("aws_network_acl", "app"),
            resource("aws_default_route_table", "this", &[]).depends_on("aws_route_table_association", "pub"),
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

fn unset(module: &mut Module, address: &str, argument: &str) {
    let items = &mut find(module, address).body.items;
    items.retain(|item| !matches!(item, crate::module::syntax::Item::Argument(name, _) if name == argument));
}

fn set(module: &mut Module, address: &str, argument: &str, value: Expr) {
    unset(module, address, argument);
    let body = &mut find(module, address).body;
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
fn an_acl_says_all_that_it_has() {
    for argument in ["ingress", "egress", "subnet_ids"] {
        check_fault(
            |m| unset(m, "aws_network_acl.app", argument),
            &format!("aws_network_acl.app {argument}"),
            "whatever is there stays",
        );
    }
    let mut left_behind = module();
    unset(&mut left_behind, "aws_network_acl.app", "egress");
    find(&mut left_behind, "aws_network_acl.app").ignore_changes.push("egress".to_owned());
    assert_eq!(check(&left_behind), []);
    for ty in ["aws_network_acl_rule", "aws_network_acl_association"] {
        let beside = resource(ty, "app", &[("network_acl_id", "aws_network_acl.app.id")]);
        check_fault(|m| m.resources.push(beside), &format!("{ty}.app network_acl_id"), "takes this away");
    }
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
fn defaults_wait_until_subnets_have_their_own() {
    for (default, first) in [
        ("aws_default_network_acl.this", "aws_network_acl.app"),
        ("aws_default_route_table.this", "aws_route_table_association.pub"),
    ] {
        check_fault(
            |m| find(m, default).depends_on.clear(),
            &format!("{default} depends_on"),
            &format!("before {first} takes subnets off it"),
        );
    }
}

#[test]
fn rule_numbers_have_bounds_and_are_unique() {
    for number in [0, 32767] {
        check_fault(
            |m| {
                let rules = format!("[{{ rule_no = {number} }}]");
                set(m, "aws_network_acl.app", "egress", expr(&rules));
            },
            "aws_network_acl.app egress[0].rule_no",
            "not within 1 to 32766",
        );
    }
    check_fault(
        |m| set(m, "aws_network_acl.app", "egress", expr("[{ rule_no = 1 }, { rule_no = 1 }]")),
        "aws_network_acl.app egress[1].rule_no",
        "also that of",
    );
}

#[test]
fn ports_have_bounds_and_an_order() {
    let with = |protocol: i32, from: i32, to: i32| {
        move |m: &mut Module| {
            let row = format!("{{ \"7\" = {{ protocol = \"{protocol}\", from = {from}, to = {to} }} }}");
            m.locals[1].value = expr(&row);
        }
    };
    let place = |column: &str| format!("aws_network_acl.app ingress[\"7\"].{column}");
    check_fault(with(6, 1, 70000), &place("to_port"), "not within 0 to 65535");
    check_fault(with(6, -1, 1), &place("from_port"), "not within 0 to 65535");
    check_fault(with(6, 2, 1), &place("from_port"), "from 2 down to 1");
    check_fault(with(1, 3, 256), &place("icmp_code"), "ICMP type or code is 256");
    check_fault(
        |m| set(m, "aws_vpc_security_group_ingress_rule.app", "from_port", expr("256")),
        "aws_vpc_security_group_ingress_rule.app from_port",
        "ICMP type or code is 256",
    );
}

#[test]
fn twenty_acl_rules_in_one_direction_are_too_many() {
    let table = |n: usize| {
        let rows: Vec<String> =
            (1..=n).map(|n| format!("\"{n}\" = {{ protocol = \"6\", from = 1, to = 1 }}")).collect();
        expr(&format!("{{ {} }}", rows.join(", ")))
    };
    let mut full = module();
    full.locals[1].value = table(19);
    assert_eq!(check(&full), []);
    check_fault(|m| m.locals[1].value = table(20), "aws_network_acl.app ingress", "20 ingress rules");
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
    let plant = |m: &mut Module| {
        m.resources.push(second);
        let first = expr("aws_route_table_association.again");
        find(m, "aws_default_route_table.this").depends_on.push(first);
    };
    check_fault(plant, "aws_route_table_association.again subnet_id", "already has");
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
