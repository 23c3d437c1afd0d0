//! Network ACLs and security groups of a document.

use serde_json::Value;

use super::document::{Document, Target};
use super::routes::{service, unresolved};
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
    let mut maybe = None;
    for association in document.of("aws_network_acl_association") {
        match document.target(association, "subnet_id", &["aws_subnet"]) {
            Target::One(own) if own == subnet => {
                return match document.target(association, "network_acl_id", &ACLS) {
                    Target::One(acl) => Ok(Some(acl)),
                    Target::Absent => Err(format!("{} names none", document.address(association))),
                    Target::Unknown(why) => Err(format!("{}: {why}", document.address(association))),
                };
            }
            Target::One(_) | Target::Absent => {}
            Target::Unknown(_) if document.excludes(association, "subnet_id", &["aws_subnet"], subnet) => {}
            Target::Unknown(why) => {
                maybe.get_or_insert_with(|| {
                    format!("{} may be about it: {why}", document.address(association))
                });
            }
        }
    }
    for acl in document.of("aws_network_acl") {
        for target in document.targets(acl, "subnet_ids", &["aws_subnet"]) {
            match target {
                Target::One(own) if own == subnet => return Ok(Some(acl)),
                Target::One(_) | Target::Absent => {}
                Target::Unknown(_) if document.excludes(acl, "subnet_ids", &["aws_subnet"], subnet) => {}
                Target::Unknown(why) if document.is_open(acl, "subnet_ids") => {
                    maybe.get_or_insert_with(|| format!("subnet_ids of {}: {why}", document.address(acl)));
                }
                Target::Unknown(_) => {}
            }
        }
    }
    match maybe {
        Some(why) => Err(why),
        None => {
            let own = |acl: &usize| document.vpc_of(*acl) == Target::One(vpc);
            Ok(document.of("aws_default_network_acl").into_iter().find(own))
        }
    }
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

/// Returns an ACL, and why not all of its rules are known.
fn read_acl(document: &Document<'_>, acl: usize) -> (AclFacts, Option<String>) {
    let name = document.address(acl);
    let (mut rules, mut unknown): (Vec<Rule>, Option<String>) = (Vec::new(), None);
    let mut add = |read: Result<Option<Rule>, String>| match read {
        Ok(Some(rule)) => {
            let same = |other: &Rule| (other.direction, other.number) == (rule.direction, rule.number);
            if !rules.iter().any(same) {
                rules.push(rule);
            }
        }
        Ok(None) => {}
        Err(why) => unknown = Some(why),
    };
    for row in document.of("aws_network_acl_rule") {
        let address = document.address(row);
        match document.target(row, "network_acl_id", &ACLS) {
            Target::One(own) if own == acl => {
                let values = document.values(row);
                let direction = if values["egress"] == true { Direction::Egress } else { Direction::Ingress };
                add(acl_rule(values, direction, ["rule_number", "rule_action"], &address));
            }
            Target::One(_) | Target::Absent => {}
            Target::Unknown(_) if document.excludes(row, "network_acl_id", &ACLS, acl) => {}
            Target::Unknown(why) => add(Err(format!("which network ACL {address} is of: {why}"))),
        }
    }
    for (attribute, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
        if document.is_open(acl, attribute) {
            add(Err(format!("the {attribute} rules of {name}")));
        }
        for row in document.values(acl)[attribute].as_array().into_iter().flatten() {
            add(acl_rule(row, direction, ["rule_no", "action"], &name));
        }
    }
    rules.sort_by_key(|rule| (rule.direction, rule.number));
    (AclFacts { name, rules }, unknown)
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
            allow: text(names[1])?.eq_ignore_ascii_case("allow"),
            headers: headers(text("protocol")?, row, ["icmp_type", "icmp_code"])?,
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

/// Returns what a rule matches; `None` for what no rule can say, such as ports that end before they begin.
fn headers(protocol: &str, row: &Value, icmp: [&str; 2]) -> Option<Headers> {
    let port = |field: &str| integer(row, field).and_then(|port| u16::try_from(port).ok());
    let ports = || {
        let ports = PortRange { from: port("from_port")?, to: port("to_port")? };
        (ports.from <= ports.to).then_some(ports)
    };
    let byte = |field: &str| integer(row, field).and_then(|value| u8::try_from(value).ok());
    Some(match protocol.to_ascii_lowercase().as_str() {
        "-1" | "all" => Headers::ALL,
        "tcp" | "6" => Headers::tcp(ports()?),
        "udp" | "17" => Headers::udp(ports()?),
        "icmp" | "1" => Headers::icmp(byte(icmp[0]), byte(icmp[1])),
        other => Headers::protocol::<V4>(other.parse().ok()?),
    })
}

/// Reads the security groups of a VPC.
pub(super) fn read_groups(document: &Document<'_>, vpc: usize, facts: &mut Facts) {
    let own = |group: &usize| document.vpc_of(*group) == Target::One(vpc);
    let groups: Vec<usize> = document.of("aws_security_group").into_iter().filter(own).collect();
    facts.groups = groups.iter().map(|group| read_group(document, *group, &groups)).collect();
}

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
        for row in document.values(group)[attribute].as_array().into_iter().flatten() {
            rules.several(group, row, direction);
        }
    }
    let Rules { rules, known, .. } = rules;
    GroupFacts { name: document.name(group).to_owned(), rules, known }
}

/// The rules of one group while they are read.
struct Rules<'a> {
    document: &'a Document<'a>,
    group: usize,
    groups: &'a [usize],
    rules: Vec<GroupRuleFacts>,
    known: bool,
}

impl Rules<'_> {
    fn of_group(&mut self, ty: &str) -> Vec<usize> {
        let mut own = Vec::new();
        for row in self.document.of(ty) {
            match self.document.target(row, "security_group_id", &GROUPS) {
                Target::One(group) if group == self.group => own.push(row),
                Target::One(_) | Target::Absent => {}
                Target::Unknown(_)
                    if self.document.excludes(row, "security_group_id", &GROUPS, self.group) => {}
                Target::Unknown(_) => self.known = false,
            }
        }
        own
    }

    fn add(&mut self, direction: Direction, headers: Headers, peer: GroupPeerFacts, why: String) {
        self.rules.push(GroupRuleFacts { direction, headers, peer, why });
    }

    fn peer_group(&self, target: &Target) -> Option<GroupPeerFacts> {
        let Target::One(group) = target else { return None };
        self.groups.iter().position(|other| other == group).map(GroupPeerFacts::Group)
    }

    /// Reads a rule with one peer.
    fn single(&mut self, row: usize, direction: Direction) {
        let document = self.document;
        let values = document.values(row);
        if document.text(row, "cidr_ipv6").is_some() {
            return;
        }
        let protocol = document.text(row, "ip_protocol");
        let headers = protocol.and_then(|protocol| headers(protocol, values, ["from_port", "to_port"]));
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
            return match document.with_id(id, &GROUPS) {
                own @ Target::One(_) => self.peer_group(&own),
                Target::Absent | Target::Unknown(_) => Some(GroupPeerFacts::Elsewhere),
            };
        }
        match document.target(row, "referenced_security_group_id", &GROUPS) {
            Target::Absent => {}
            target => return self.peer_group(&target),
        }
        match document.text(row, "prefix_list_id") {
            Some(id) => Some(self.service_of(id)),
            None => match document.target(row, "prefix_list_id", &["aws_vpc_endpoint"]) {
                Target::One(endpoint) => service(document, endpoint).map(GroupPeerFacts::Service),
                Target::Absent | Target::Unknown(_) => None,
            },
        }
    }

    fn service_of(&self, id: &str) -> GroupPeerFacts {
        let endpoints = self.document.of("aws_vpc_endpoint");
        let named = endpoints
            .into_iter()
            .find(|endpoint| self.document.text(*endpoint, "prefix_list_id") == Some(id))
            .and_then(|endpoint| service(self.document, endpoint));
        GroupPeerFacts::Service(named.unwrap_or_else(|| id.to_owned()))
    }

    /// Reads a rule with several peers: an inline one, or an `aws_security_group_rule`.
    fn several(&mut self, instance: usize, row: &Value, direction: Direction) {
        let Some(headers) = row["protocol"].as_str().and_then(|p| headers(p, row, ["from_port", "to_port"]))
        else {
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
        peers.extend(
            list("security_groups").map(|id| self.peer_group(&document.with_id(id.as_str()?, &GROUPS))),
        );
        if row["self"] == true {
            peers.push(self.peer_group(&Target::One(self.group)));
        }
        if document.ty(instance) == "aws_security_group_rule" {
            match document.target(instance, "source_security_group_id", &GROUPS) {
                Target::Absent => {}
                target => peers.push(self.peer_group(&target)),
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
    let own = |ty: &str| document.of(ty).into_iter().find(|idx| document.vpc_of(*idx) == Target::One(vpc));
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
        let read = |from: i64, to: i64| headers("tcp", &json!({"from_port": from, "to_port": to}), ["", ""]);
        assert_eq!(read(5, 9), Some(Headers::tcp(PortRange { from: 5, to: 9 })));
        assert_eq!(read(9, 5), None);
    }
}
