//! Plans: what is not known until it is applied.

use serde_json::{Value, json};

use super::check;
use crate::proof::Status::{Proved, Refuted, Unknown};

const DB: &[&str] = &["db"];

/// A plan of new resources in the root module, and the configuration of other modules.
struct Plan {
    resources: Vec<(String, Value, Value)>,
    modules: Value,
    children: Vec<Value>,
}

fn refers(to: &str) -> Value {
    let resource = to.split('.').take(2).collect::<Vec<_>>().join(".");
    json!({"references": [to, resource]})
}

impl Plan {
    fn two_subnets() -> Plan {
        let vpc = || refers("aws_vpc.main.id");
        let all = super::acl_row(1, "allow", "-1", "0.0.0.0/0");
        let plan = Plan { resources: Vec::new(), modules: json!({}), children: Vec::new() };
        plan.with("aws_vpc.main", json!({"cidr_block": "10.0.0.0/16"}), json!({"cidr_block": {}}))
            .with("aws_internet_gateway.main", json!({}), json!({"vpc_id": vpc()}))
            .with("aws_subnet.db", json!({"cidr_block": "10.0.1.0/24"}), json!({"vpc_id": vpc(), "cidr_block": {}}))
            .with("aws_subnet.pub", json!({"cidr_block": "10.0.2.0/24"}), json!({"vpc_id": vpc(), "cidr_block": {}}))
            .with("aws_route_table.db", json!({}), json!({"vpc_id": vpc()}))
            .with("aws_route_table.pub", json!({}), json!({"vpc_id": vpc()}))
            .with(
                "aws_route_table_association.db",
                json!({}),
                json!({"subnet_id": refers("aws_subnet.db.id"), "route_table_id": refers("aws_route_table.db.id")}),
            )
            .with(
                "aws_route_table_association.pub",
                json!({}),
                json!({"subnet_id": refers("aws_subnet.pub.id"), "route_table_id": refers("aws_route_table.pub.id")}),
            )
            .with(
                "aws_network_acl.db",
                json!({"ingress": [all], "egress": [all]}),
                json!({
                    "vpc_id": vpc(), "subnet_ids": refers("aws_subnet.db.id"), "ingress": {}, "egress": {},
                }),
            )
            .route("pub", refers("aws_internet_gateway.main.id"))
    }

    fn with(mut self, address: &str, values: Value, expressions: Value) -> Plan {
        self.resources.push((address.to_owned(), values, expressions));
        self
    }

    fn route(self, table: &str, gateway: Value) -> Plan {
        self.with(
            &format!("aws_route.{table}"),
            json!({"destination_cidr_block": "0.0.0.0/0"}),
            json!({
                "route_table_id": refers(&format!("aws_route_table.{table}.id")),
                "destination_cidr_block": {"constant_value": "0.0.0.0/0"},
                "gateway_id": gateway,
            }),
        )
    }

    /// Adds a module with an internet gateway, which it gives as output `id`.
    fn with_gateway_module(mut self, output: Value) -> Plan {
        self.modules["gw"] = json!({
            "expressions": {"vpc_id": refers("aws_vpc.main.id")},
            "module": {
                "outputs": {"id": {"expression": output}},
                "resources": [{
                    "mode": "managed", "type": "aws_internet_gateway", "name": "this",
                    "expressions": {"vpc_id": {"references": ["var.vpc_id"]}},
                }],
            },
        });
        self.children.push(json!({
            "address": "module.gw",
            "resources": [{"mode": "managed", "type": "aws_internet_gateway", "name": "this", "values": {}}],
        }));
        self
    }

    fn document(&self) -> Value {
        let split = |address: &str| {
            address.split_once('.').map(|(ty, name)| (ty.to_owned(), name.to_owned())).unwrap()
        };
        let planned = self.resources.iter().map(|(address, values, _)| {
            let (ty, name) = split(address);
            json!({"mode": "managed", "type": ty, "name": name, "values": values})
        });
        let configured = self.resources.iter().map(|(address, _, expressions)| {
            let (ty, name) = split(address);
            json!({"mode": "managed", "type": ty, "name": name, "expressions": expressions})
        });
        let planned: Vec<Value> = planned.collect();
        json!({
            "planned_values": {"root_module": {"resources": planned, "child_modules": self.children}},
            "configuration": {"root_module": {
                "resources": configured.collect::<Vec<_>>(),
                "module_calls": self.modules,
            }},
        })
    }
}

#[test]
fn the_two_subnets_are_apart() {
    let plan = Plan::two_subnets().document();
    check(&plan, DB, "P1 internet ↛ db", Proved, "the routes alone keep it out");
    check(&plan, DB, "P4 db", Proved, "");
}

#[test]
fn an_internet_gateway_in_a_child_module_is_found_or_not_known() {
    let gateway = || refers("module.gw.id");
    let known = Plan::two_subnets()
        .with_gateway_module(refers("aws_internet_gateway.this.id"))
        .route("db", gateway());
    check(&known.document(), DB, "P4 db", Refuted, "internet gateway");
    check(&known.document(), DB, "P1 internet ↛ db", Refuted, "");
    let through_local =
        Plan::two_subnets().with_gateway_module(json!({"references": ["local.id"]})).route("db", gateway());
    check(&through_local.document(), DB, "P4 db", Unknown, "aws_route.db");
    check(&through_local.document(), DB, "P1 internet ↛ db", Unknown, "aws_route.db");
    for reference in ["var.gateway", "local.gateway", "data.aws_internet_gateway.x.id"] {
        let plan = Plan::two_subnets().route("db", json!({"references": [reference]})).document();
        check(&plan, DB, "P4 db", Unknown, reference);
        check(&plan, DB, "P1 internet ↛ db", Unknown, reference);
    }
}

#[test]
fn a_public_subnet_whose_gateway_is_not_known_stays_a_source() {
    let mut plan = Plan::two_subnets();
    plan.resources.retain(|(address, _, _)| address != "aws_route.pub");
    let plan = plan.route("pub", json!({"references": ["var.gateway"]})).document();
    check(&plan, DB, "P1 pub ↛ db", Unknown, "whether pub is public is not known");
}

#[test]
fn what_is_unknown_until_it_is_applied_is_set() {
    let propagating = |plan: Plan| {
        let mut plan = plan;
        let table =
            plan.resources.iter_mut().find(|(address, _, _)| address == "aws_route_table.db").unwrap();
        table.2["propagating_vgws"] = refers("aws_vpn_gateway.v.id");
        plan.document()
    };
    check(&propagating(Plan::two_subnets()), DB, "P1 internet ↛ db", Unknown, "propagating_vgws");
    let rule = |attribute: &str| {
        let mut values = json!({
            "egress": false, "rule_number": 5, "rule_action": "deny", "protocol": "tcp", "cidr_block": "10.0.2.0/24",
            "from_port": 1, "to_port": 2, "icmp_type": null, "icmp_code": null, "ipv6_cidr_block": null,
        });
        values.as_object_mut().unwrap().remove(attribute);
        let expressions = json!({
            "network_acl_id": refers("aws_network_acl.db.id"), attribute: {"references": ["local.x"]},
        });
        Plan::two_subnets().with("aws_network_acl_rule.r", values, expressions).document()
    };
    for attribute in
        ["egress", "rule_number", "rule_action", "protocol", "cidr_block", "from_port", "icmp_type"]
    {
        check(&rule(attribute), DB, "P1 pub ↛ db", Unknown, "aws_network_acl_rule.r");
    }
}

#[test]
fn an_ipv6_range_that_is_generated_is_not_examined() {
    let mut plan = Plan::two_subnets();
    plan.resources[0].1["assign_generated_ipv6_cidr_block"] = json!(true);
    let db = plan.resources.iter_mut().find(|(address, _, _)| address == "aws_subnet.db").unwrap();
    db.2["ipv6_cidr_block"] = refers("aws_vpc.main.ipv6_cidr_block");
    check(&plan.document(), DB, "P1 internet ↛ db", Unknown, "IPv6");
}

#[test]
fn what_a_plan_removes_is_not_counted_though_it_was_read() {
    let denial = json!({
        "network_acl_id": "acl-db", "egress": false, "rule_number": 1, "rule_action": "deny", "protocol": "-1",
        "cidr_block": "10.0.2.0/24", "from_port": 0, "to_port": 0, "icmp_type": 0, "icmp_code": 0,
    });
    let mut plan = Plan::two_subnets();
    let acl = plan.resources.iter_mut().find(|(address, _, _)| address == "aws_network_acl.db").unwrap();
    acl.1 = json!({
        "id": "acl-db",
        "ingress": [super::acl_row(1, "deny", "-1", "10.0.2.0/24"), super::acl_row(2, "allow", "-1", "0.0.0.0/0")],
        "egress": [super::acl_row(2, "allow", "-1", "0.0.0.0/0")],
    });
    acl.2.as_object_mut().unwrap().retain(|name, _| name != "ingress" && name != "egress");
    let rule = |egress: bool| {
        json!({
            "network_acl_id": "acl-db", "egress": egress, "rule_number": 2, "rule_action": "allow", "protocol": "-1",
            "cidr_block": "0.0.0.0/0", "from_port": 0, "to_port": 0, "icmp_type": 0, "icmp_code": 0,
        })
    };
    let plan = plan.with("aws_network_acl_rule.in", rule(false), json!({})).with(
        "aws_network_acl_rule.out",
        rule(true),
        json!({}),
    );
    let mut document = plan.document();
    check(&document, DB, "P1 pub ↛ db", Unknown, "rule 1");
    document["resource_changes"] = json!([{
        "mode": "managed", "type": "aws_network_acl_rule",
        "change": {"actions": ["delete"], "before": denial},
    }]);
    check(&document, DB, "P1 pub ↛ db", Refuted, "");
}
