//! Broken plans and states: no mutant that may let a packet in stays PROVED.
//!
//! Attributes are drawn from the names of the provider's schema, and not from what the reading knows:
//! as many mutants of each type. Whether a packet may arrive, the independent evaluator says.

use serde_json::{Value, json};

use super::evaluator::Reality;
use super::{State, acl_row, examined};
use crate::proof::Status;

const NAMES: &str = include_str!("../../../../schema/vpc-names.txt");

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn pick(&mut self, items: &[Value]) -> Value {
        items[self.roll(items.len())].clone()
    }
}

/// Returns something that an attribute with this name could be set to.
fn plausible(dice: &mut Dice, name: &str) -> Value {
    let last = name.rsplit('.').next().unwrap_or(name);
    let has = |part: &str| last.contains(part);
    let list = |value: Value| if last.ends_with('s') && !has("class") { json!([value]) } else { value };
    match last {
        "id" => return json!(format!("x-{}", dice.roll(1000))),
        "ingress" | "egress" if dice.roll(4) > 0 => return json!([random_row(dice)]),
        "route" => return json!([random_route(dice, "cidr_block")]),
        "egress" | "self" | "enabled" => return json!(dice.roll(2) == 0),
        "protocol" | "ip_protocol" => {
            return dice.pick(
                &["-1", "6", "06", "tcp", "TCP", "17", "udp", "icmp", "1", "50", "esp", "all", "x"]
                    .map(|p| json!(p)),
            );
        }
        "action" | "rule_action" => {
            return dice.pick(&["allow", "deny", "ALLOW", "Deny"].map(|action| json!(action)));
        }
        "rule_no" | "rule_number" => return dice.pick(&[json!(1), json!(50), json!(100), json!(200)]),
        "type" => return dice.pick(&[json!("ingress"), json!("egress")]),
        "vpc_endpoint_type" => {
            return dice.pick(&["Gateway", "Interface", "GatewayLoadBalancer"].map(|ty| json!(ty)));
        }
        "connectivity_type" => return dice.pick(&[json!("public"), json!("private")]),
        "ipv6_native" => return json!(true),
        _ => {}
    }
    let text = |dice: &mut Dice, items: &[&str]| json!(items[dice.roll(items.len())]);
    if has("port") || has("icmp_") {
        return dice.pick(&[json!(-1), json!(0), json!(22), json!(443), json!(65535), Value::Null]);
    }
    if has("ipv6_cidr") {
        return list(text(dice, &["::/0", "2a05:d018:1:2::/64"]));
    }
    if has("cidr") {
        return list(text(
            dice,
            &["0.0.0.0/0", "0.0.0.0/1", "8.8.8.0/24", "10.0.2.0/24", "10.0.0.0/16", "10.0.2.9/32"],
        ));
    }
    if has("vpc_id") || has("vpc_identifier") {
        return list(text(dice, &["vpc-1", "vpc-1", "vpc-2"]));
    }
    if has("subnet") {
        return list(text(dice, &["subnet-db", "subnet-db", "subnet-pub"]));
    }
    if has("route_table") {
        return list(text(dice, &["rtb-db", "rtb-db", "rtb-pub"]));
    }
    if has("network_acl") {
        return list(text(dice, &["acl-db"]));
    }
    if has("prefix_list") {
        return list(text(dice, &["pl-1"]));
    }
    if has("nat_gateway") {
        return text(dice, &["nat-1", "nat-2"]);
    }
    if last == "gateway_id" {
        return text(dice, &["igw-1", "vgw-1", "local", "vpce-1"]);
    }
    if has("vgw") || has("gateway") {
        return list(text(dice, &["vgw-1", "igw-1", "tgw-1"]));
    }
    if has("security_group") {
        return list(text(dice, &["sg-1"]));
    }
    let any = [
        json!("x"),
        json!(true),
        json!(7),
        json!(["x"]),
        json!([{"x": "y"}]),
        json!("vpc-1"),
        json!("subnet-db"),
    ];
    dice.pick(&any)
}

fn random_row(dice: &mut Dice) -> Value {
    let mut row = acl_row(1, "allow", "-1", "0.0.0.0/0");
    for field in
        ["rule_no", "action", "protocol", "cidr_block", "from_port", "to_port", "icmp_type", "icmp_code"]
    {
        if dice.roll(2) == 0 {
            row[field] = plausible(dice, field);
        }
    }
    row
}

/// Returns a route that names one destination and one target of those that the schema has.
fn random_route(dice: &mut Dice, range: &str) -> Value {
    let names: Vec<&str> = names_of("aws_route");
    let targets: Vec<&&str> = names
        .iter()
        .filter(|name| name.ends_with("_id") || name.ends_with("_arn"))
        .filter(|name| {
            !["id", "route_table_id", "destination_prefix_list_id", "instance_owner_id"].contains(*name)
        })
        .collect();
    let target = targets[dice.roll(targets.len())];
    let destination = if dice.roll(3) == 0 { "destination_prefix_list_id" } else { range };
    json!({destination: plausible(dice, destination), *target: plausible(dice, target)})
}

fn names_of(ty: &str) -> Vec<&'static str> {
    let line = NAMES.lines().find_map(|line| line.strip_prefix(ty)?.strip_prefix(": "));
    let mut names: Vec<&str> =
        line.unwrap_or_default().split(' ').filter_map(|name| name.split('.').next()).collect();
    names.dedup();
    names
}

fn types() -> Vec<&'static str> {
    NAMES.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect()
}

/// Changes a state once: a resource of this type has something set that it had not, or a new one comes.
fn mutate(dice: &mut Dice, state: &mut State, ty: &str, serial: usize) {
    let names = names_of(ty);
    let own: Vec<usize> = (0..state.0.len()).filter(|idx| state.0[*idx].0 == ty).collect();
    if !own.is_empty() && dice.roll(2) == 0 {
        let name = names[dice.roll(names.len())];
        let value = plausible(dice, name);
        state.0[own[dice.roll(own.len())]].2[name] = value;
        return;
    }
    let mut attributes = json!({"id": format!("new-{serial}")});
    for _ in 0..2 + dice.roll(4) {
        let name = names[dice.roll(names.len())];
        if name != "id" {
            attributes[name] = plausible(dice, name);
        }
    }
    if ty == "aws_route" {
        let route = random_route(dice, "destination_cidr_block");
        attributes.as_object_mut().unwrap().extend(route.as_object().unwrap().clone());
        attributes["route_table_id"] = plausible(dice, "route_table_id");
    }
    if ty == "aws_network_acl_rule" {
        for (name, value) in random_row(dice).as_object().unwrap() {
            let name = match name.as_str() {
                "rule_no" => "rule_number",
                "action" => "rule_action",
                name => name,
            };
            attributes[name] = value.clone();
        }
        attributes["network_acl_id"] = json!("acl-db");
        attributes["egress"] = json!(dice.roll(3) == 0);
    }
    state.0.push((ty.to_owned(), format!("new_{serial}"), attributes));
}

fn bases() -> Vec<State> {
    let nat = |state: State| {
        state
            .with(
                "aws_nat_gateway",
                "nat",
                json!({"id": "nat-1", "subnet_id": "subnet-pub", "connectivity_type": "public"}),
            )
            .with(
                "aws_route",
                "out",
                json!({
                    "id": "r-out", "route_table_id": "rtb-db",
                    "destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-1",
                }),
            )
    };
    vec![State::two_subnets(), State::by_routes_alone(), nat(State::by_routes_alone())]
}

/// What is claimed of these states, and whether a packet may break it.
fn broken(state: &Value) -> [(&'static str, bool); 2] {
    let reality = Reality::of(state);
    let neighbour =
        reality.may_be_public("subnet-pub") && reality.neighbour_arrives("subnet-pub", "subnet-db");
    [("P1 internet ↛ db", reality.internet_arrives("subnet-db")), ("P1 pub ↛ db", neighbour)]
}

#[derive(Default)]
struct Score {
    mutants: usize,
    opening: usize,
    unknown: usize,
    refuted: usize,
    taken_back: usize,
    kept: usize,
    missed: Vec<String>,
}

impl Score {
    fn judge(&mut self, what: &str, before: &Value, document: &Value, ways: &[(&'static str, bool)]) {
        self.mutants += 1;
        let old = examined(before, &["db"]).unwrap();
        // A question that a document cannot be asked has no verdict that could be wrong.
        let found = examined(document, &["db"]).unwrap_or_default();
        for (claim, opens) in ways {
            let Some(was) = old.get(*claim) else { continue };
            let status = found.get(*claim).map(|finding| finding.status);
            if *opens {
                self.opening += 1;
                match status {
                    Some(Status::Proved) => self.missed.push(format!("{claim}: {what}")),
                    Some(Status::Unknown) => self.unknown += 1,
                    _ => self.refuted += 1,
                }
            } else if was.status == Status::Proved {
                match status {
                    Some(Status::Unknown) => self.taken_back += 1,
                    _ => self.kept += 1,
                }
            }
        }
    }

    #[expect(clippy::disallowed_macros, reason = "the score is for people")]
    fn print(&self, what: &str) {
        println!(
            "{what}: {} mutants; {} claims that a packet may break: {} not known, {} refuted or named, {} missed; of true verdicts, {} stay and {} become UNKNOWN",
            self.mutants,
            self.opening,
            self.unknown,
            self.refuted,
            self.missed.len(),
            self.kept,
            self.taken_back
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's size may come from outside")]
fn rounds(short: usize, long: usize) -> usize {
    if std::env::var("TERRANE_LONG").is_ok_and(|value| value != "0") { long } else { short }
}

#[test]
fn no_state_that_may_let_a_packet_in_stays_proved() {
    let (bases, types) = (bases(), types());
    let mut score = Score::default();
    let shapes = [
        "aws_route",
        "aws_route_table",
        "aws_network_acl",
        "aws_network_acl_rule",
        "aws_subnet",
        "aws_route_table_association",
        "aws_network_acl_association",
        "aws_nat_gateway",
        "aws_vpc",
    ];
    for round in 0..rounds(1, 40) {
        for (idx, ty) in types.iter().enumerate() {
            let dice = &mut Dice((round * types.len() + idx) as u64);
            let base = &bases[dice.roll(bases.len())];
            let mut mutant = base.clone();
            mutate(dice, &mut mutant, ty, 0);
            // Half of them are changed a second time, where the VPC itself is.
            if dice.roll(2) == 0 {
                let shape = shapes[dice.roll(shapes.len())];
                mutate(dice, &mut mutant, shape, 1);
            }
            let (before, document) = (base.document(), mutant.document());
            let changed: Vec<&(String, String, Value)> =
                mutant.0.iter().filter(|resource| !base.0.contains(resource)).collect();
            score.judge(&format!("{changed:?}"), &before, &document, &broken(&document));
        }
    }
    score.print("states");
    assert!(score.opening * 20 > score.mutants, "{} of {}", score.opening, score.mutants);
    assert!(score.missed.is_empty(), "{:#?}", score.missed.iter().take(8).collect::<Vec<_>>());
    assert!(score.kept > score.taken_back * 4, "{} stay, {} do not", score.kept, score.taken_back);
}

/// Returns values that an attribute could have once it is known.
fn completions(name: &str) -> Vec<Value> {
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect();
    match name {
        "gateway_id" => texts(&["igw-1", "vgw-1"]),
        "nat_gateway_id" => texts(&["nat-1", "nat-2"]),
        "destination_cidr_block" | "cidr_block" => {
            texts(&["0.0.0.0/0", "8.8.8.0/24", "10.0.2.0/24", "192.0.2.0/24"])
        }
        "route_table_id" => texts(&["rtb-db", "rtb-pub"]),
        "subnet_id" => texts(&["subnet-db", "subnet-pub"]),
        "network_acl_id" => texts(&["acl-db", "acl-other"]),
        "vpc_id" => texts(&["vpc-1", "vpc-2"]),
        "protocol" => texts(&["-1", "6", "17"]),
        "rule_action" => texts(&["allow", "deny"]),
        "rule_number" => vec![json!(1), json!(50), json!(200)],
        "egress" => vec![json!(true), json!(false)],
        "from_port" | "to_port" | "icmp_type" | "icmp_code" => vec![json!(0), json!(22), json!(65535)],
        "subnet_ids" => vec![json!([]), json!(["subnet-pub"]), json!(["subnet-db"])],
        "ingress" | "route" => vec![
            json!([]),
            json!([acl_row(1, "allow", "-1", "0.0.0.0/0")]),
            json!([{"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}]),
        ],
        "propagating_vgws" => vec![json!(["vgw-1"])],
        "ipv6_cidr_block" => vec![json!("2a05::/64")],
        _ => Vec::new(),
    }
}

/// Returns a plan in which everything stands already but one attribute, which is known only after it is applied.
fn plan(state: &State, hole: usize, attribute: &str) -> Value {
    let (mut planned, mut configured) = (Vec::new(), Vec::new());
    for (idx, (ty, name, attributes)) in state.0.iter().enumerate() {
        let mut values = attributes.clone();
        let mut expressions = json!({});
        for (field, _) in attributes.as_object().unwrap().iter().filter(|(field, _)| *field != "id") {
            expressions[field] = json!({});
        }
        if idx == hole {
            values.as_object_mut().unwrap().remove(attribute);
            expressions[attribute] = json!({"references": ["local.unknown"]});
        }
        planned.push(json!({"mode": "managed", "type": ty, "name": name, "values": values}));
        configured.push(json!({"mode": "managed", "type": ty, "name": name, "expressions": expressions}));
    }
    json!({
        "planned_values": {"root_module": {"resources": planned}},
        "configuration": {"root_module": {"resources": configured}},
    })
}

#[test]
fn no_plan_that_may_let_a_packet_in_stays_proved() {
    let rule = json!({
        "id": "nacl-1", "network_acl_id": "acl-db", "egress": false, "rule_number": 1, "rule_action": "deny",
        "protocol": "-1", "cidr_block": "0.0.0.0/0", "ipv6_cidr_block": null, "from_port": 0, "to_port": 0,
        "icmp_type": 0, "icmp_code": 0,
    });
    let mut bases = bases();
    bases.push(State::two_subnets().with("aws_network_acl_rule", "r", rule));
    let mut score = Score::default();
    for base in &bases {
        for hole in 0..base.0.len() {
            for name in names_of(&base.0[hole].0) {
                let completions = completions(name);
                let mut ways = [("P1 internet ↛ db", false), ("P1 pub ↛ db", false)];
                for value in &completions {
                    let mut known = base.clone();
                    known.0[hole].2[name] = value.clone();
                    // A subnet has one association: no apply makes a second.
                    let associated = |resource: &&(String, String, Value)| {
                        resource.0 == "aws_route_table_association" && resource.2["subnet_id"] == *value
                    };
                    if name == "subnet_id" && known.0.iter().filter(associated).count() > 1 {
                        continue;
                    }
                    for (way, (_, opens)) in ways.iter_mut().zip(broken(&known.document())) {
                        way.1 |= opens;
                    }
                }
                if !completions.is_empty() {
                    let what = format!("{}.{name} is not known", base.0[hole].0);
                    score.judge(&what, &base.document(), &plan(base, hole, name), &ways);
                }
            }
        }
    }
    score.print("plans");
    assert!(score.opening > 20, "{}", score.opening);
    assert!(score.missed.is_empty(), "{:#?}", score.missed);
}
