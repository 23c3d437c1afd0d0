//! Networks to measure the verifier with.

use crate::diagnostics::Origin;
use crate::names::{Cidr, PortRange};
use crate::network::{Access, Direction};
use crate::proof::facts::{AclFacts, Facts, Hop, NatFacts, Route, Rule, Span, Subnet, Table, TierFacts};
use crate::proof::headers::Headers;

/// Returns a VPC with this many subnets, ACLs, and rules in each ACL; the same for the same numbers.
///
/// Every fourth subnet is public and holds a NAT gateway that the next three leave through.
pub fn large(subnets: u32, acls: u32, rules_per_acl: u32) -> Facts {
    let base = Span { first: 0x0a00_0000, last: 0x0a00_ffff };
    let mut facts = Facts {
        ranges: vec![base],
        tiers: vec![
            TierFacts { name: "public".to_owned(), access: Access::Public, origin: Origin::Unknown },
            TierFacts { name: "private".to_owned(), access: Access::Private, origin: Origin::Unknown },
        ],
        defaults_closed: Some(true),
        ..Facts::default()
    };
    let span = |subnet: u32| {
        let first = base.first + (subnet << 8);
        Span { first, last: first + 255 }
    };
    for subnet in 0..subnets {
        let public = subnet % 4 == 0;
        if public {
            facts.nats.push(NatFacts {
                name: format!("nat-{subnet}"),
                subnet: Some(subnet as usize),
                public: true,
            });
        }
        let hop = if public { Hop::Internet } else { Hop::Nat(facts.nats.len() - 1) };
        facts.tables.push(Table {
            name: format!("table-{subnet}"),
            routes: vec![Route { destination: Cidr::EVERYWHERE, hop }],
            endpoints: Vec::new(),
            open: Vec::new(),
            v6: None,
        });
        facts.subnets.push(Subnet {
            name: format!("subnet-{subnet}"),
            tier: usize::from(!public),
            zone: (subnet / 4 % 4).to_string(),
            spare: false,
            span: span(subnet),
            table: Some(subnet as usize),
            acl: Some((subnet % acls) as usize),
            group: None,
        });
    }
    facts.acls = (0..acls).map(|acl| large_acl(acl, rules_per_acl, subnets, span)).collect();
    facts
}

fn large_acl(acl: u32, rules: u32, subnets: u32, span: impl Fn(u32) -> Span) -> AclFacts {
    let rules = (0..rules).map(|idx| {
        let seed = acl.wrapping_mul(7919).wrapping_add(idx.wrapping_mul(104_729));
        let direction = if idx % 2 == 0 { Direction::Ingress } else { Direction::Egress };
        let low = (seed % 60_000) as u16;
        let (headers, peer) = if idx + 2 >= rules {
            (Headers::tcp(PortRange::EPHEMERAL), Span::ALL)
        } else {
            (Headers::tcp(PortRange { from: low, to: low + (seed % 4000) as u16 }), span(seed % subnets))
        };
        Rule {
            direction,
            number: (idx + 1) as u16 * 10,
            allow: seed % 5 != 0,
            headers,
            peer,
            peer_name: peer.to_string(),
            why: String::new(),
        }
    });
    let mut rules: Vec<Rule> = rules.collect();
    rules.sort_by_key(|rule| (rule.direction, rule.number));
    AclFacts { name: format!("acl-{acl}"), rules }
}

/// Returns how many ordered pairs of subnets can open a connection at routes and network ACLs: the work to measure.
pub fn open_pairs(facts: &Facts) -> usize {
    use crate::proof::engine::{End, Engine, Layers};
    let mut engine = Engine::new(facts);
    let count = facts.subnets.len();
    (0..count)
        .flat_map(|from| (0..count).map(move |to| (from, to)))
        .filter(|(from, to)| {
            from != to && engine.is_open(End::Subnet(*from), End::Subnet(*to), Layers::NETWORK)
        })
        .count()
}
