//! Network ACLs and security groups of a document.

use serde_json::Value;

use super::closed_world::ClosedWorld;
use super::document::{Document, Target};
use super::routes::{contradiction, service, unresolved};
use crate::family::V4;
use crate::names::{Cidr, PortRange};
use crate::network::Direction;
use crate::proof::facts::{AclFacts, Facts, GroupFacts, GroupPeerFacts, GroupRuleFacts, Rule, Span};
use crate::proof::headers::Headers;

const ACLS: [&str; 2] = ["aws_network_acl", "aws_default_network_acl"];
const GROUPS: [&str; 2] = ["aws_security_group", "aws_default_security_group"];

/// Reads the ACLs of a VPC's subnets, given as instances in the order of [`Facts::subnets`].
pub(super) fn read_acls(document: &Document<'_>, vpc: usize, subnets: &[usize], facts: &mut Facts) {
    let mut acls: Vec<Option<usize>> = Vec::new();
    for (idx, subnet) in subnets.iter().enumerate() {
        let found = acl_of(document, vpc, *subnet);
        let acl = match found {
            Ok(acl) => acl,
            Err(why) => {
                unresolved(facts, idx, format!("its network ACL: {why}"));
                continue;
            }
        };
        let position = acls.iter().position(|other| *other == acl).unwrap_or_else(|| {
            acls.push(acl);
            acls.len() - 1
        });
        facts.subnets[idx].acl = Some(position);
    }
    let read: Vec<(AclFacts, Option<String>)> = acls
        .iter()
        .map(|acl| acl.map_or_else(|| (default_acl(document, vpc), None), |acl| read_acl(document, acl)))
        .collect();
    for idx in 0..facts.subnets.len() {
        if let Some(why) = facts.subnets[idx].acl.and_then(|acl| read[acl].1.clone()) {
            facts.subnets[idx].acl = None;
            unresolved(facts, idx, why);
        }
    }
    facts.acls = read.into_iter().map(|(acl, _)| acl).collect();
}

/// Returns the ACL of a subnet, `None` for the VPC's default one where the document does not manage it.
fn acl_of(document: &Document<'_>, vpc: usize, subnet: usize) -> Result<Option<usize>, String> {
    let associations = document.rows("aws_network_acl_association", "subnet_id", &["aws_subnet"]);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for association in associations.of(subnet) {
        let acl = match document.target(*association, "network_acl_id", &ACLS) {
            Target::One(acl) => acl,
            Target::Absent => return Err(format!("{} names none", document.address(*association))),
            Target::Unknown(why) => return Err(format!("{}: {why}", document.address(*association))),
        };
        found.push((*association, acl));
    }
    let by_acl = document.rows("aws_network_acl", "subnet_ids", &["aws_subnet"]);
    found.extend(by_acl.of(subnet).iter().map(|acl| (*acl, *acl)));
    if let [(first, acl), rest @ ..] = found.as_slice() {
        return match rest.iter().find(|(_, other)| other != acl) {
            Some((second, _)) => Err(contradiction(document, *first, *second)),
            None => Ok(Some(*acl)),
        };
    }
    if let Some((association, why)) = associations.maybe(subnet).next() {
        return Err(format!("{} may be about it: {why}", document.address(*association)));
    }
    if let Some((acl, why)) = by_acl.maybe(subnet).find(|(acl, _)| document.is_open(*acl, "subnet_ids")) {
        return Err(format!("subnet_ids of {}: {why}", document.address(*acl)));
    }
    let mut defaults = document.of("aws_default_network_acl").iter().copied();
    if let Some((unknown, why)) = defaults.clone().find_map(|acl| Some((acl, document.may_be_in(acl, vpc)?)))
    {
        return Err(format!("{} may be of its VPC: {why}", document.address(unknown)));
    }
    Ok(defaults.find(|acl| document.vpc_of(*acl) == Target::One(vpc)))
}

/// Returns the ACL that AWS makes with a VPC, which lets everything through:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html>.
fn default_acl(document: &Document<'_>, vpc: usize) -> AclFacts {
    let rule = |direction| Rule {
        direction,
        number: 100,
        allow: true,
        headers: Headers::ALL,
        peer: Span::ALL,
        peer_name: "0.0.0.0/0".to_owned(),
        why: "as AWS makes it; no network ACL is declared for these subnets".to_owned(),
    };
    AclFacts {
        name: format!("default of {}", document.address(vpc)),
        rules: vec![rule(Direction::Ingress), rule(Direction::Egress)],
    }
}

/// What a row of an ACL says; a plan leaves out what is not known yet.
const ACL_ROW: [&str; 9] = [
    "rule_no",
    "action",
    "protocol",
    "cidr_block",
    "ipv6_cidr_block",
    "from_port",
    "to_port",
    "icmp_type",
    "icmp_code",
];

/// A rule that stands in the ACL itself, with whether it may be out of date.
struct InlineRule<'a> {
    row: &'a Value,
    direction: Direction,
    beside: bool,
}

/// Returns an ACL, and why not all of its rules are known.
fn read_acl(document: &Document<'_>, acl: usize) -> (AclFacts, Option<String>) {
    let name = document.address(acl);
    let mut unknown: Vec<String> = ClosedWorld::get().unknown_of(document, acl);
    let mut rules: Vec<Rule> = Vec::new();
    let mut inline: Vec<InlineRule<'_>> = Vec::new();
    let separate = document.rows("aws_network_acl_rule", "network_acl_id", &ACLS);
    for row in separate.of(acl) {
        let address = document.address(*row);
        unknown.extend(ClosedWorld::get().unknown_of(document, *row));
        match separate_rule(document, *row, &address) {
            Ok(Some(rule)) => match rules.iter().find(|other| is_same_place(other, &rule)) {
                Some(other) if !is_same_rule(other, &rule) => {
                    unknown.push(format!("the document contradicts itself: {} and {address}", other.why));
                }
                Some(_) => {}
                None => rules.push(rule),
            },
            Ok(None) => {}
            Err(why) => unknown.push(why),
        }
    }
    for (row, why) in separate.maybe(acl) {
        unknown.push(format!("which network ACL {} is of: {why}", document.address(*row)));
    }
    for (attribute, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
        if document.is_open(acl, attribute) {
            unknown.push(format!("the {attribute} rules of {name} are not known"));
        }
        let beside = !separate.of(acl).is_empty() && !document.is_given(acl, attribute);
        let rows = document.values(acl)[attribute].as_array().into_iter().flatten();
        let open = |row: &&Value| document.is_plan() && ACL_ROW.iter().any(|field| row.get(field).is_none());
        if rows.clone().any(|row| open(&row)) {
            unknown.push(format!("a rule of {name} is not known"));
        }
        inline.extend(rows.map(|row| InlineRule { row, direction, beside }));
    }
    let superseded: Vec<Rule> = document
        .superseded("aws_network_acl_rule")
        .iter()
        .filter_map(|before| {
            acl_rule(before, direction_of(before), ["rule_number", "rule_action"], "").ok()?
        })
        .collect();
    for InlineRule { row, direction, beside } in inline {
        match acl_rule(row, direction, ["rule_no", "action"], &name) {
            Ok(Some(rule)) => {
                let known = rules.iter().find(|other| is_same_place(other, &rule));
                let stale = beside && superseded.iter().any(|before| is_same_rule(before, &rule));
                let untyped = |other: &Rule| {
                    beside && lacks_type(row) && (other.allow, other.peer) == (rule.allow, rule.peer)
                };
                match known {
                    Some(other) if is_same_rule(other, &rule) || stale || untyped(other) => {}
                    Some(other) => unknown.push(format!(
                        "the document contradicts itself about {direction} rule {} of {name}: {}",
                        rule.number, other.why
                    )),
                    None if stale => {}
                    // What was read with the ACL may be gone; a rule that allows is counted, one that denies is not.
                    None if beside && !rule.allow => unknown.push(format!(
                        "{direction} rule {} of {name} denies, and no resource of the document makes it",
                        rule.number
                    )),
                    None => rules.push(rule),
                }
            }
            Ok(None) => {}
            Err(why) => unknown.push(why),
        }
    }
    rules.sort_by_key(|rule| (rule.direction, rule.number));
    (AclFacts { name, rules }, unknown.into_iter().next())
}

fn direction_of(values: &Value) -> Direction {
    if values["egress"] == true { Direction::Egress } else { Direction::Ingress }
}

fn separate_rule(document: &Document<'_>, row: usize, address: &str) -> Result<Option<Rule>, String> {
    let attributes =
        ["egress", "rule_number", "rule_action", "protocol", "cidr_block", "ipv6_cidr_block", "from_port"];
    let ports = ["to_port", "icmp_type", "icmp_code"];
    if let Some(open) = attributes.iter().chain(&ports).find(|attribute| document.is_open(row, attribute)) {
        return Err(format!("{open} of {address} is not known"));
    }
    let values = document.values(row);
    acl_rule(values, direction_of(values), ["rule_number", "rule_action"], address)
}

/// Returns whether an entry of ICMP has no type: what repeats a rule of its own may have lost it.
fn lacks_type(row: &Value) -> bool {
    let zero = |field: &str| row[field].is_null() || row[field] == 0;
    matches!(row["protocol"].as_str(), Some("1" | "icmp")) && zero("icmp_type") && zero("icmp_code")
}

fn is_same_place(one: &Rule, other: &Rule) -> bool {
    (one.direction, one.number) == (other.direction, other.number)
}

fn is_same_rule(one: &Rule, other: &Rule) -> bool {
    is_same_place(one, other)
        && (one.allow, one.headers, one.peer) == (other.allow, other.headers, other.peer)
}

/// Returns a rule of an ACL; `None` for one of IPv6.
fn acl_rule(
    row: &Value,
    direction: Direction,
    names: [&str; 2],
    address: &str,
) -> Result<Option<Rule>, String> {
    let text = |field: &str| row[field].as_str().filter(|text| !text.is_empty());
    if text("cidr_block").is_none() && text("ipv6_cidr_block").is_some() {
        return Ok(None);
    }
    let read = || {
        let cidr = Cidr::parse(text("cidr_block")?).ok()?;
        let number = integer(row, names[0])?;
        Some(Rule {
            direction,
            number: u16::try_from(number).ok()?,
            allow: match text(names[1])?.to_ascii_lowercase().as_str() {
                "allow" => true,
                "deny" => false,
                _ => return None,
            },
            headers: acl_headers(text("protocol")?, row)?,
            peer: Span::from(cidr),
            peer_name: cidr.to_string(),
            why: address.to_owned(),
        })
    };
    read().map(Some).ok_or_else(|| format!("a rule of {address} is not known"))
}

fn integer(row: &Value, field: &str) -> Option<i64> {
    row[field].as_i64().or_else(|| row[field].as_str()?.parse().ok())
}

/// Returns the number of a protocol in each spelling that the provider takes; 256 stands for every protocol.
///
/// Names are those of <https://www.iana.org/assignments/protocol-numbers>.
fn protocol_number(text: &str) -> Option<u16> {
    let text = text.trim().to_ascii_lowercase();
    if let Ok(number) = text.parse::<i64>() {
        return match number {
            -1 => Some(EVERY_PROTOCOL),
            number => u8::try_from(number).ok().map(u16::from),
        };
    }
    let named = PROTOCOLS.iter().find(|(name, _)| *name == text);
    named.map(|(_, number)| *number)
}

const EVERY_PROTOCOL: u16 = 256;

const PROTOCOLS: [(&str, u16); 14] = [
    ("all", EVERY_PROTOCOL),
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("egp", 8),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("ospf", 89),
    ("sctp", 132),
    ("udplite", 136),
];

/// Returns the ports of a rule; `None` for what no rule can say, such as ports that end before they begin.
fn ports(row: &Value, missing: Option<u16>) -> Option<PortRange> {
    let port = |field: &str| match &row[field] {
        Value::Null => missing,
        _ => integer(row, field).and_then(|port| u16::try_from(port).ok()),
    };
    let ports = PortRange { from: port("from_port")?, to: port("to_port")? };
    (ports.from <= ports.to).then_some(ports)
}

/// Returns what a rule of an ACL matches. The provider sends 0 for ports, types, and codes that are not given.
fn acl_headers(protocol: &str, row: &Value) -> Option<Headers> {
    let number = protocol_number(protocol)?;
    // -1 stands for every type or code.
    let byte = |field: &str| match &row[field] {
        Value::Null => Some(Some(0)),
        _ => match integer(row, field)? {
            -1 => Some(None),
            value => u8::try_from(value).ok().map(Some),
        },
    };
    Some(match number {
        EVERY_PROTOCOL => Headers::ALL,
        6 => Headers::tcp(ports(row, Some(0))?),
        17 => Headers::udp(ports(row, Some(0))?),
        1 => match (byte("icmp_type")?, byte("icmp_code")?) {
            // What AWS makes of every type with one code is nowhere said.
            (None, Some(_)) => return None,
            (ty, code) => Headers::icmp(ty, code),
        },
        other => Headers::protocol::<V4>(u8::try_from(other).ok()?),
    })
}

/// Returns what a rule of a security group matches: for ICMP, ports are type and code, and -1 is every one.
fn group_headers(protocol: &str, row: &Value) -> Option<Headers> {
    let byte = |field: &str| match &row[field] {
        Value::Null => Some(None),
        _ => match integer(row, field)? {
            -1 => Some(None),
            value => u8::try_from(value).ok().map(Some),
        },
    };
    Some(match protocol_number(protocol)? {
        EVERY_PROTOCOL => Headers::ALL,
        6 => Headers::tcp(ports(row, None)?),
        17 => Headers::udp(ports(row, None)?),
        1 => Headers::icmp(byte("from_port")?, byte("to_port")?),
        other => Headers::protocol::<V4>(u8::try_from(other).ok()?),
    })
}

/// Reads the security groups of a VPC.
pub(super) fn read_groups(document: &Document<'_>, vpc: usize, facts: &mut Facts) {
    let own = |group: &usize| document.vpc_of(*group) == Target::One(vpc);
    let groups: Vec<usize> = document.of("aws_security_group").iter().copied().filter(own).collect();
    facts.groups = groups.iter().map(|group| read_group(document, *group, &groups)).collect();
}

/// What a row of a security group says; a plan leaves out what is not known yet.
const GROUP_ROW: [&str; 7] =
    ["protocol", "from_port", "to_port", "cidr_blocks", "prefix_list_ids", "security_groups", "self"];

fn read_group(document: &Document<'_>, group: usize, groups: &[usize]) -> GroupFacts {
    let mut rules = Rules { document, group, groups, rules: Vec::new(), known: true };
    for (ty, direction) in [
        ("aws_vpc_security_group_ingress_rule", Direction::Ingress),
        ("aws_vpc_security_group_egress_rule", Direction::Egress),
    ] {
        for row in rules.of_group(ty) {
            rules.single(row, direction);
        }
    }
    for row in rules.of_group("aws_security_group_rule") {
        let egress = document.values(row)["type"] == "egress";
        let direction = if egress { Direction::Egress } else { Direction::Ingress };
        rules.several(row, document.values(row), direction);
    }
    for (attribute, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
        rules.known &= !document.is_open(group, attribute);
        rules.known &= ClosedWorld::get().unknown_of(document, group).is_empty();
        for row in document.values(group)[attribute].as_array().into_iter().flatten() {
            rules.known &= !document.is_plan() || GROUP_ROW.iter().all(|field| row.get(field).is_some());
            rules.several(group, row, direction);
        }
    }
    rules.known &= !ClosedWorld::get().is_written(document, group);
    let Rules { rules, known, .. } = rules;
    GroupFacts { name: document.name(group).to_owned(), rules, known }
}

/// The rules of one group while they are read.
struct Rules<'a, 'd> {
    document: &'a Document<'d>,
    group: usize,
    groups: &'a [usize],
    rules: Vec<GroupRuleFacts>,
    known: bool,
}

impl Rules<'_, '_> {
    fn of_group(&mut self, ty: &'static str) -> Vec<usize> {
        let rows = self.document.rows(ty, "security_group_id", &GROUPS);
        self.known &= rows.maybe(self.group).next().is_none();
        let own = rows.of(self.group).to_vec();
        let unknown = |row: &usize| ClosedWorld::get().unknown_attribute(self.document, *row).is_some();
        self.known &= !own.iter().any(unknown);
        own
    }

    fn add(&mut self, direction: Direction, headers: Headers, peer: GroupPeerFacts, why: String) {
        self.rules.push(GroupRuleFacts { direction, headers, peer, why });
    }

    /// Returns the group that a rule names; anybody, where its members are not known.
    fn peer_group(&self, target: &Target) -> GroupPeerFacts {
        let own = match target {
            Target::One(group) => self.groups.iter().position(|other| other == group),
            Target::Absent | Target::Unknown(_) => None,
        };
        own.map_or(GroupPeerFacts::Anybody, GroupPeerFacts::Group)
    }

    /// Reads a rule with one peer.
    fn single(&mut self, row: usize, direction: Direction) {
        let document = self.document;
        let values = document.values(row);
        if document.text(row, "cidr_ipv6").is_some() {
            return;
        }
        let protocol = document.text(row, "ip_protocol");
        let headers = protocol.and_then(|protocol| group_headers(protocol, values));
        let peer = match document.cidr(row, "cidr_ipv4") {
            Some(cidr) => Some(GroupPeerFacts::Span(cidr.into())),
            None => self.single_peer(row),
        };
        match headers.zip(peer) {
            Some((headers, peer)) => self.add(direction, headers, peer, document.address(row)),
            None => self.known = false,
        }
    }

    fn single_peer(&self, row: usize) -> Option<GroupPeerFacts> {
        let document = self.document;
        if let Some(id) = document.text(row, "referenced_security_group_id") {
            // A group of another account has its account in front.
            let id = id.rsplit('/').next().unwrap_or(id);
            return Some(self.peer_group(&document.with_id(id, &GROUPS)));
        }
        match document.target(row, "referenced_security_group_id", &GROUPS) {
            Target::Absent => {}
            target => return Some(self.peer_group(&target)),
        }
        match document.text(row, "prefix_list_id") {
            Some(id) => Some(self.service_of(id)),
            None => match document.target(row, "prefix_list_id", &["aws_vpc_endpoint"]) {
                Target::One(endpoint) => service(document, endpoint).map(GroupPeerFacts::Service),
                Target::Unknown(_) => Some(GroupPeerFacts::Anybody),
                Target::Absent => None,
            },
        }
    }

    /// Returns the service that a prefix list is of; anybody, if it is not that of an endpoint in the document.
    fn service_of(&self, id: &str) -> GroupPeerFacts {
        let endpoints = self.document.of("aws_vpc_endpoint");
        let named = endpoints
            .iter()
            .find(|endpoint| self.document.text(**endpoint, "prefix_list_id") == Some(id))
            .and_then(|endpoint| service(self.document, *endpoint));
        named.map_or(GroupPeerFacts::Anybody, GroupPeerFacts::Service)
    }

    /// Reads a rule with several peers: an inline one, or an `aws_security_group_rule`.
    fn several(&mut self, instance: usize, row: &Value, direction: Direction) {
        let Some(headers) = row["protocol"].as_str().and_then(|protocol| group_headers(protocol, row)) else {
            self.known = false;
            return;
        };
        let (document, why) = (self.document, self.document.address(instance));
        let list = |field: &str| row[field].as_array().into_iter().flatten();
        let mut peers: Vec<Option<GroupPeerFacts>> = Vec::new();
        peers.extend(list("cidr_blocks").map(|cidr| {
            let cidr = Cidr::parse(cidr.as_str()?).ok()?;
            Some(GroupPeerFacts::Span(cidr.into()))
        }));
        peers.extend(list("prefix_list_ids").map(|id| Some(self.service_of(id.as_str()?))));
        peers.extend(list("security_groups").map(|id| {
            let id = id.as_str()?;
            let id = id.rsplit('/').next().unwrap_or(id);
            Some(self.peer_group(&document.with_id(id, &GROUPS)))
        }));
        if row["self"] == true {
            peers.push(Some(self.peer_group(&Target::One(self.group))));
        }
        if document.ty(instance) == "aws_security_group_rule" {
            match document.target(instance, "source_security_group_id", &GROUPS) {
                Target::Absent => {}
                target => peers.push(Some(self.peer_group(&target))),
            }
            let open =
                ["cidr_blocks", "prefix_list_ids"].into_iter().any(|list| document.is_open(instance, list));
            self.known &= !open;
        }
        for peer in peers {
            match peer {
                Some(peer) => self.add(direction, headers, peer, why.clone()),
                None => self.known = false,
            }
        }
    }
}

/// Returns whether what AWS makes with a VPC is adopted and emptied; `None` if the document does not manage it.
pub(super) fn defaults_closed(document: &Document<'_>, vpc: usize) -> Option<bool> {
    let own =
        |ty: &str| document.of(ty).iter().copied().find(|idx| document.vpc_of(*idx) == Target::One(vpc));
    let group = own("aws_default_security_group")?;
    let acl = own("aws_default_network_acl")?;
    let table = own("aws_default_route_table")?;
    let empty = |idx: usize, attribute: &str| {
        let value = &document.values(idx)[attribute];
        value.as_array().is_none_or(Vec::is_empty) && !document.is_open(idx, attribute)
    };
    let filters = [group, acl].into_iter().all(|idx| empty(idx, "ingress") && empty(idx, "egress"));
    Some(filters && empty(table, "route"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_that_end_before_they_begin_are_not_known() {
        let read = |from: i64, to: i64| group_headers("tcp", &json!({"from_port": from, "to_port": to}));
        assert_eq!(read(5, 9), Some(Headers::tcp(PortRange { from: 5, to: 9 })));
        assert_eq!(read(9, 5), None);
    }

    #[test]
    fn a_number_is_a_protocol_in_every_spelling() {
        let ports = json!({"from_port": 22, "to_port": 22});
        let ssh = Some(Headers::tcp(PortRange::one(22)));
        for spelling in ["6", "06", "006", "tcp", "TCP", "+6"] {
            assert_eq!(acl_headers(spelling, &ports), ssh, "{spelling}");
        }
        assert_eq!(acl_headers("esp", &ports), Some(Headers::protocol::<V4>(50)));
        assert_eq!(acl_headers("-1", &ports), Some(Headers::ALL));
        for nonsense in ["", "256", "-2", "tcp6", "no-such-protocol"] {
            assert_eq!(acl_headers(nonsense, &ports), None, "{nonsense}");
        }
    }

    #[test]
    fn icmp_without_type_is_type_0_and_minus_1_is_every_type() {
        let read = |ty: Value, code: Value| acl_headers("icmp", &json!({"icmp_type": ty, "icmp_code": code}));
        assert_eq!(read(Value::Null, Value::Null), Some(Headers::icmp(Some(0), Some(0))));
        assert_eq!(read(json!(-1), json!(-1)), Some(Headers::ICMP));
        assert_eq!(read(json!(3), json!(-1)), Some(Headers::icmp(Some(3), None)));
        assert_eq!(read(json!("8"), json!(0)), Some(Headers::icmp(Some(8), Some(0))));
        for (ty, code) in [(json!(256), json!(0)), (json!(-2), json!(0)), (json!(-1), json!(0))] {
            assert_eq!(read(ty.clone(), code), None, "{ty}");
        }
    }
}
