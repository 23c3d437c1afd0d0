//! Networks for tests, resolved by the compiler from declarations written here.

use std::collections::BTreeMap;

use terrane_contract::Admitted;

use crate::address_plan::{AddressPlan, Layout};
use crate::declaration::{Attachment, Declaration, Place, Range, RouteTable, Size, Tier};
use crate::diagnostics::{Diagnostics, Origin};
use crate::features::Declared;
use crate::ledger::Ledger;
use crate::names::{Block, Cidr, Name, PortRange, PrefixLength, Zone};
use crate::network::{Access, Flow, FlowProtocol, Gateways, Nat, Network, Peer, SubnetGroup};
use crate::resolve::resolve;

pub(crate) fn cidr(text: &str) -> Cidr {
    Cidr::parse(text).unwrap()
}

pub(crate) fn zone(letter: &str) -> Zone {
    Zone::parse(letter).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn admitted() -> Admitted {
    Admitted {
        min_prefix_length: 16,
        max_prefix_length: 20,
        within: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
            .map(|space| space.parse().unwrap())
            .to_vec(),
    }
}

fn tier(text: &str, access: Access) -> Tier {
    Tier {
        name: name(text),
        access,
        zones: None,
        site: None,
        route_table: RouteTable { name: name(&access.to_string()), per_zone: access == Access::Private },
        range: 0,
        size: Size::PrefixLength { length: PrefixLength::new(24).unwrap(), need: None },
        generation: 1,
        sized_by_need: false,
        max_length: PrefixLength::MAX,
        renamed_from: Vec::new(),
        client_groups: false,
        public_ips: false,
        tags: BTreeMap::new(),
        origin: Origin::Unknown,
    }
}

/// Returns a TCP flow; `-` stands for the internet.
pub(crate) fn tcp(from: Peer, to: Peer, ports: &[u16]) -> Flow {
    Flow {
        from,
        to,
        protocol: FlowProtocol::Tcp,
        ports: ports.iter().copied().map(PortRange::one).collect(),
        client_addresses: false,
        purpose: String::new(),
        origin: Origin::Unknown,
    }
}

/// Adds a place, and what leads to it unless that is the internet.
pub(super) fn place(declaration: &mut Declaration, own: &str, range: &str, via: Option<&str>) {
    let via = via.map(|via| {
        declaration.attachments.push(Attachment { name: name(via) });
        declaration.attachments.len() - 1
    });
    let ranges = vec![cidr(range)];
    declaration.places.push(Place { name: name(own), ranges, via, origin: Origin::Unknown });
}

fn any(tier: usize) -> Flow {
    Flow {
        protocol: FlowProtocol::Any,
        ports: vec![PortRange::ALL],
        ..tcp(Peer::Tier(tier), Peer::Tier(tier), &[])
    }
}

pub(crate) fn declaration() -> Declaration {
    let all = |from, to| Flow { ports: vec![PortRange::ALL], ..tcp(from, to, &[]) };
    Declaration {
        name: name("reference"),
        description: String::new(),
        terraform: None,
        ranges: vec![Range { name: name("base"), cidr: cidr("10.0.0.0/16"), origin: Origin::Unknown }],
        zones: ["a", "b", "c"].map(zone).to_vec(),
        tiers: vec![tier("pub", Access::Public), tier("app", Access::Private), tier("db", Access::Private)],
        places: Vec::new(),
        attachments: Vec::new(),
        flows: vec![
            tcp(Peer::Internet, Peer::Tier(0), &[80, 443]),
            tcp(Peer::Tier(0), Peer::Tier(1), &[80, 443, 8080]),
            any(1),
            tcp(Peer::Tier(1), Peer::Tier(2), &[5432, 6379]),
            any(2),
            all(Peer::Tier(1), Peer::Internet),
        ],
        features: Declared {
            egress: Some(Nat { tier: 0, gateways: Gateways::EachZone, bring_elastic_ips: false }),
            subnet_groups: ["rds", "elasticache"]
                .map(|kind| SubnetGroup { kind: kind.to_owned(), tier: 2 })
                .to_vec(),
            close_defaults: true,
            ..Declared::default()
        },
        keep_clear: Vec::new(),
        dns: crate::network::Dns::default(),
        tags: BTreeMap::new(),
        reclaim: Vec::new(),
        origin: Origin::Unknown,
        warnings: Diagnostics::default(),
    }
}

/// Resolves a declaration with the blocks of network.md: app 10.0.0.0/18, pub 10.0.64.0/22, db 10.0.68.0/22.
pub(crate) fn resolved(declaration: &Declaration) -> Network {
    let block = |newbits, netnum| Layout::Block(Block { newbits, netnum });
    let plan = AddressPlan {
        tiers: vec![block(6, 16), block(2, 0), block(6, 17)],
        slots: ["a", "b", "c", "d"].into_iter().map(zone).zip(0..).collect(),
        slot_bits: 2,
        admitted: vec![admitted()],
        removed: Vec::new(),
        warnings: Diagnostics::default(),
    };
    resolve(declaration, &plan, &mut Ledger::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The network of the design: private tiers fetch updates through the NAT gateway of their zone.
pub(crate) fn reference() -> Network {
    let mut declaration = declaration();
    declaration.flows.push(tcp(Peer::Tier(2), Peer::Internet, &[80, 443]));
    resolved(&declaration)
}

/// The same, but databases reach nothing outside.
pub(crate) fn databases_without_egress() -> Network {
    resolved(&declaration())
}
