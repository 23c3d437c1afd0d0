//! The verifier: what can cross a network, exactly, for every address and header at once.
//!
//! The addresses of one family are cut into atoms at every bound that any filter, route, or subnet mentions, so that each of them is
//! constant on an atom. A network ACL then is one header set per direction and atom, a route table one hop per atom,
//! and a connection exists between two atoms if a forward packet passes and an answer comes back
//! (see [`HeaderSet::answered_by`]). No solver, no sampling.
//!
//! - `alike`: what no filter and no route tells apart, and is looked at once.
//!
//! [`HeaderSet::answered_by`]: crate::proof::headers::HeaderSet::answered_by

mod alike;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

pub(crate) use crate::proof::engine::alike::Gist;

use crate::family::{Address, V4};
use crate::network::Direction;
use crate::proof::facts::{AclFacts, Facts, GroupPeerFacts, Hop, Span, Table};
use crate::proof::headers::{HeaderSet, Headers, Mix, SetId, Sets};

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A subnet, an index of [`Facts::subnets`].
    Subnet(usize),
    /// Everything outside the VPC that is in no place.
    Internet,
    /// A place, an index of [`Facts::places`].
    Place(usize),
}

/// The layers that are asked; one that is not asked lets everything through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Route tables and gateways.
    pub routes: bool,
    /// Network ACLs.
    pub acls: bool,
    /// Security groups.
    pub groups: bool,
}

impl Layers {
    /// Routes and network ACLs: what holds even if a security group is wrong.
    pub const NETWORK: Layers = Layers { routes: true, acls: true, groups: false };
    /// Every layer.
    pub const EVERY: Layers = Layers { routes: true, acls: true, groups: true };
    /// Route tables and gateways alone.
    pub const ROUTES: Layers = Layers { routes: true, acls: false, groups: false };
    /// Network ACLs alone.
    pub const ACLS: Layers = Layers { routes: false, acls: true, groups: false };
    /// Security groups alone.
    pub const GROUPS: Layers = Layers { routes: false, acls: false, groups: true };
}

/// How packets get from one end to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// By the VPC's own routes.
    Local,
    /// Through the internet gateway.
    Gateway,
    /// Through a NAT gateway and the internet gateway.
    Nat(usize),
    /// Through an attachment.
    Attachment,
    /// Through something that is not known.
    Unknown,
}

/// What can cross between two atoms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// The atom of the end that opens connections.
    pub(crate) from: usize,
    /// The atom of the end that accepts them.
    pub(crate) to: usize,
    /// Headers of packets that arrive.
    pub(crate) forward: SetId,
    /// Headers of packets that come back, with the client's port as destination port.
    pub(crate) reply: SetId,
    /// Headers that the outer side of a NAT gateway receives; every header where there is none.
    pub(crate) outer: SetId,
    /// How.
    pub(crate) via: Via,
    /// Whether everything on the way is known; otherwise the sets are upper bounds.
    pub(crate) known: bool,
}

/// The tables of one network.
pub struct Engine<'a, A: Address = V4> {
    facts: &'a Facts<A>,
    starts: Vec<A>,
    sets: Sets<A>,
    acls: Vec<[Vec<SetId>; 2]>,
    hops: Vec<Vec<Hop>>,
    spans: Vec<Span<A>>,
    homes: Vec<Range<usize>>,
    members: Vec<Vec<End>>,
    /// For each subnet the first one that is like it toward other subnets.
    inward: Vec<usize>,
    /// For each subnet the first one that is like it toward the internet.
    outward: Vec<usize>,
    /// Atoms outside the VPC, one of each kind.
    outside: Vec<usize>,
    /// Those of the internet.
    internet: Vec<usize>,
    /// Those of each place.
    places: Vec<Vec<usize>>,
    public: Vec<usize>,
    unused: Vec<(usize, usize)>,
    brief: bool,
    translated: SetId,
    admitted: HashMap<u64, (SetId, bool), BuildHasherDefault<Mix>>,
}

impl<'a, A: Address> Engine<'a, A> {
    /// Computes the tables of a network.
    pub fn new(facts: &'a Facts<A>) -> Engine<'a, A> {
        Engine::with_sets(facts, Sets::new())
    }

    /// Computes the tables of a network, with the sets that were met in others.
    pub(crate) fn with_sets(facts: &'a Facts<A>, mut sets: Sets<A>) -> Engine<'a, A> {
        let starts = cuts(facts);
        let mut unused = Vec::new();
        let acls: Vec<[Vec<SetId>; 2]> = facts
            .acls
            .iter()
            .enumerate()
            .map(|(idx, acl)| {
                [Direction::Ingress, Direction::Egress]
                    .map(|direction| acl_sets(acl, idx, direction, &starts, &mut sets, &mut unused))
            })
            .collect();
        let hops: Vec<Vec<Hop>> =
            facts.tables.iter().map(|table| table_hops(table, &facts.ranges, &starts)).collect();
        let homes: Vec<Range<usize>> =
            facts.subnets.iter().map(|subnet| atoms_of(&starts, subnet.span)).collect();
        let mut members = vec![Vec::new(); facts.tiers.len()];
        for (subnet, own) in facts.subnets.iter().enumerate() {
            members[own.tier].push(End::Subnet(subnet));
        }
        let translated = sets.id(HeaderSet::of([Headers::TCP, Headers::UDP, Headers::ICMP]));
        let mut engine = Engine {
            facts,
            starts,
            sets,
            acls,
            hops,
            spans: named_spans(facts),
            homes,
            members,
            inward: Vec::new(),
            outward: Vec::new(),
            outside: Vec::new(),
            internet: Vec::new(),
            places: Vec::new(),
            public: Vec::new(),
            unused,
            brief: false,
            translated,
            admitted: HashMap::default(),
        };
        engine.find_alike();
        engine
    }

    /// Returns the sets that were met: what they have in common is the same in every network.
    pub(crate) fn into_sets(self) -> Sets<A> {
        self.sets
    }

    /// Leaves out which rules decide what holds, where only the verdict is asked.
    #[must_use]
    pub(crate) fn brief(self) -> Engine<'a, A> {
        Engine { brief: true, ..self }
    }

    pub(crate) fn is_brief(&self) -> bool {
        self.brief
    }

    /// Returns the network that it knows.
    pub fn facts(&self) -> &'a Facts<A> {
        self.facts
    }

    /// Returns the subnets of a tier.
    pub(crate) fn members(&self, tier: usize) -> &[End] {
        &self.members[tier]
    }

    /// Returns the rules that decide nothing, as indices of [`Facts::acls`] and [`AclFacts::rules`].
    pub fn unused_rules(&self) -> &[(usize, usize)] {
        &self.unused
    }

    /// Returns the headers with which `from` can open a connection to `to`, under these layers.
    ///
    /// What is not known counts as open, so that an empty answer is a proof.
    pub fn open(&mut self, from: End, to: End, layers: Layers) -> HeaderSet {
        let mut paths = Vec::new();
        self.paths(from, to, layers, &mut paths);
        let mut seen: Vec<SetId> = paths.iter().map(|path| self.opened(path)).collect();
        seen.sort_unstable();
        seen.dedup();
        HeaderSet::of(seen.into_iter().flat_map(|id| self.sets.get(id).intervals().to_vec()))
    }

    /// Returns whether `from` can open any connection to `to`, under these layers.
    pub fn is_open(&mut self, from: End, to: End, layers: Layers) -> bool {
        let mut paths = Vec::new();
        self.paths(from, to, layers, &mut paths);
        paths.iter().any(|path| self.opened(path) != SetId::EMPTY)
    }

    /// Returns the headers with which one host can open a connection to another, and nothing if one is in no subnet.
    pub fn open_between(&mut self, source: A, destination: A, layers: Layers) -> HeaderSet {
        let end = |address: A| {
            let subnet = self.facts.subnets.iter().position(|subnet| subnet.span.contains(address));
            match subnet {
                Some(subnet) => Some(End::Subnet(subnet)),
                None if self.facts.ranges.iter().any(|range| range.contains(address)) => None,
                None => {
                    let place = self.facts.places.iter().position(|place| place.contains(address));
                    Some(place.map_or(End::Internet, End::Place))
                }
            }
        };
        let (Some(from), Some(to)) = (end(source), end(destination)) else { return HeaderSet::default() };
        let stands = |end: End, atom: usize| match end {
            End::Subnet(_) => Some(atom),
            End::Internet | End::Place(_) => {
                self.outside.iter().copied().find(|first| self.atoms_alike(*first, atom))
            }
        };
        let (a, b) = (stands(from, self.atom(source)), stands(to, self.atom(destination)));
        let mut paths = Vec::new();
        self.paths(from, to, layers, &mut paths);
        match paths.iter().find(|path| Some(path.from) == a && Some(path.to) == b) {
            Some(path) => {
                let id = self.opened(path);
                self.sets.get(id).clone()
            }
            None => HeaderSet::default(),
        }
    }

    pub(crate) fn set(&self, id: SetId) -> &HeaderSet {
        self.sets.get(id)
    }

    pub(crate) fn atom(&self, address: A) -> usize {
        self.starts.partition_point(|start| *start <= address) - 1
    }

    pub(crate) fn start(&self, atom: usize) -> A {
        self.starts[atom]
    }

    /// Returns atoms of addresses that the internet routes, which stand for all of them.
    pub(crate) fn public_atoms(&self) -> &[usize] {
        &self.public
    }

    /// Returns the atoms of an end outside, one of each kind.
    pub(crate) fn beyond(&self, end: End) -> &[usize] {
        match end {
            End::Internet => &self.internet,
            End::Place(place) => &self.places[place],
            End::Subnet(_) => &[],
        }
    }

    pub(crate) fn home(&self, subnet: usize) -> Range<usize> {
        self.homes[subnet].clone()
    }

    pub(crate) fn hop(&self, table: usize, atom: usize) -> Hop {
        self.hops[table][atom]
    }

    pub(crate) fn hops(&self, table: usize) -> &[Hop] {
        &self.hops[table]
    }

    /// Returns the headers of a path with which a connection can be opened.
    pub(crate) fn opened(&mut self, path: &Path) -> SetId {
        if path.forward == SetId::EMPTY || path.reply == SetId::EMPTY {
            return SetId::EMPTY;
        }
        let outer = match path.via {
            Via::Nat(_) => {
                let dynamic = self.sets.id(nat_ports());
                self.sets.meet(path.outer, dynamic)
            }
            Via::Local | Via::Gateway | Via::Attachment | Via::Unknown => SetId::ALL,
        };
        let leg = self.sets.answered(path.forward, outer);
        self.sets.answered(leg, path.reply)
    }

    /// Returns whether any packet gets from one end to the other under these layers, answered or not.
    pub(crate) fn arrives(&mut self, from: End, to: End, layers: Layers) -> bool {
        let mut paths = Vec::new();
        self.paths(from, to, layers, &mut paths);
        paths.iter().any(|path| path.forward != SetId::EMPTY)
    }

    /// Adds every way from one end to another under these layers.
    ///
    /// Private space behind what is not modelled is no part of the internet, and nothing is said of it.
    pub(crate) fn paths(&mut self, from: End, to: End, layers: Layers, paths: &mut Vec<Path>) {
        match (from, to) {
            (End::Subnet(from), End::Subnet(to)) => self.local(from, to, layers, paths),
            (outside, End::Subnet(to)) => self.inbound(outside, to, layers, paths),
            (End::Subnet(from), outside) => self.outbound(from, outside, layers, paths),
            // What passes between two ends outside passes nothing of the network.
            (End::Internet | End::Place(_), End::Internet | End::Place(_)) => {}
        }
    }

    fn local(&mut self, from: usize, to: usize, layers: Layers, paths: &mut Vec<Path>) {
        let same = from == to;
        for a in self.home(from) {
            for b in self.home(to) {
                let there = self.next(from, b, layers);
                let back = self.next(to, a, layers);
                let delivered = |hop: Option<Hop>| {
                    matches!(hop, None | Some(Hop::Local | Hop::Unmodelled(_))) || same || !layers.routes
                };
                if !delivered(there) {
                    continue;
                }
                let unknown = |hop: Option<Hop>| {
                    matches!(hop, None | Some(Hop::Unmodelled(_))) && !same && layers.routes
                };
                let known = !unknown(there) && !unknown(back);
                let acls = layers.acls && !same;
                let mut path = Path {
                    from: a,
                    to: b,
                    forward: SetId::ALL,
                    reply: SetId::ALL,
                    outer: SetId::ALL,
                    via: if known { Via::Local } else { Via::Unknown },
                    known,
                };
                if acls {
                    path.forward = self.filter(&mut path.known, from, Direction::Egress, b, to, a);
                    path.reply = self.filter(&mut path.known, to, Direction::Egress, a, from, b);
                }
                if layers.groups {
                    let out = self.group(&mut path.known, from, Direction::Egress, b, Some(to));
                    let into = self.group(&mut path.known, to, Direction::Ingress, a, Some(from));
                    path.forward = self.sets.meet(path.forward, out);
                    path.forward = self.sets.meet(path.forward, into);
                }
                if !delivered(back) {
                    path.reply = SetId::EMPTY;
                }
                paths.push(path);
            }
        }
    }

    /// Returns what passes the ACL of `out` in `direction` toward atom `far`, and then the ACL of `into` coming from atom `near`.
    fn filter(
        &mut self,
        known: &mut bool,
        out: usize,
        direction: Direction,
        far: usize,
        into: usize,
        near: usize,
    ) -> SetId {
        let first = self.acl(known, out, direction, far);
        let second = self.acl(known, into, Direction::Ingress, near);
        self.sets.meet(first, second)
    }

    fn acl(&self, known: &mut bool, subnet: usize, direction: Direction, atom: usize) -> SetId {
        match self.facts.subnets[subnet].acl {
            Some(acl) => self.acls[acl][direction as usize][atom],
            None => {
                *known = false;
                SetId::ALL
            }
        }
    }

    /// Returns what the ACL of a subnet passes to or from an atom; `None` if the ACL is not known.
    pub(crate) fn passes(&self, subnet: usize, direction: Direction, atom: usize) -> Option<&HeaderSet> {
        let acl = self.facts.subnets[subnet].acl?;
        Some(self.sets.get(self.acls[acl][direction as usize][atom]))
    }

    /// Returns where a subnet's route table leads an atom; `None` if the table is not known.
    fn next(&self, subnet: usize, atom: usize, layers: Layers) -> Option<Hop> {
        if !layers.routes {
            return Some(Hop::Local);
        }
        self.facts.subnets[subnet].table.map(|table| self.hops[table][atom])
    }

    fn inbound(&mut self, from: End, to: usize, layers: Layers, paths: &mut Vec<Path>) {
        for idx in 0..self.beyond(from).len() {
            let outside = self.beyond(from)[idx];
            let hop = self.facts.subnets[to].table.map(|table| self.hops[table][outside]);
            let (via, mut known) = match hop {
                _ if !layers.routes => (Via::Gateway, true),
                Some(Hop::Internet) => (Via::Gateway, true),
                Some(Hop::Attachment(_)) => (Via::Attachment, is_told(from)),
                None | Some(Hop::Unmodelled(_)) if is_private_space(from, self.starts[outside]) => continue,
                None | Some(Hop::Unmodelled(_)) => (Via::Unknown, false),
                Some(Hop::None | Hop::Blackhole | Hop::Local | Hop::Nat(_)) => continue,
            };
            for b in self.home(to) {
                let (mut forward, mut reply) = (SetId::ALL, SetId::ALL);
                if layers.acls {
                    forward = self.acl(&mut known, to, Direction::Ingress, outside);
                    reply = self.acl(&mut known, to, Direction::Egress, outside);
                }
                if layers.groups {
                    let group = self.group(&mut known, to, Direction::Ingress, outside, None);
                    forward = self.sets.meet(forward, group);
                }
                paths.push(Path { from: outside, to: b, forward, reply, outer: SetId::ALL, via, known });
            }
        }
    }

    fn outbound(&mut self, from: usize, to: End, layers: Layers, paths: &mut Vec<Path>) {
        for idx in 0..self.beyond(to).len() {
            let outside = self.beyond(to)[idx];
            let hop = self.facts.subnets[from].table.map(|table| self.hops[table][outside]);
            for a in self.home(from) {
                let path = match hop {
                    _ if !layers.routes => self.direct(from, a, outside, Via::Gateway, layers),
                    Some(Hop::Internet) => self.direct(from, a, outside, Via::Gateway, layers),
                    Some(Hop::Attachment(_)) => {
                        let path = self.direct(from, a, outside, Via::Attachment, layers);
                        Path { known: path.known && is_told(to), ..path }
                    }
                    None | Some(Hop::Unmodelled(_)) if is_private_space(to, self.starts[outside]) => continue,
                    None | Some(Hop::Unmodelled(_)) => self.direct(from, a, outside, Via::Unknown, layers),
                    Some(Hop::Nat(nat)) => match self.through_nat(from, a, outside, nat, layers) {
                        Some(path) => path,
                        None => continue,
                    },
                    Some(Hop::None | Hop::Blackhole | Hop::Local) => continue,
                };
                paths.push(path);
            }
        }
    }

    fn direct(&mut self, from: usize, a: usize, outside: usize, via: Via, layers: Layers) -> Path {
        let (mut forward, mut reply, mut known) = (SetId::ALL, SetId::ALL, via != Via::Unknown);
        if layers.acls {
            forward = self.acl(&mut known, from, Direction::Egress, outside);
            reply = self.acl(&mut known, from, Direction::Ingress, outside);
        }
        if layers.groups {
            let group = self.group(&mut known, from, Direction::Egress, outside, None);
            forward = self.sets.meet(forward, group);
        }
        Path { from: a, to: outside, forward, reply, outer: SetId::ALL, via, known }
    }

    /// Returns the way through a NAT gateway: its subnet's ACL sees every packet twice in each direction.
    fn through_nat(
        &mut self,
        from: usize,
        a: usize,
        outside: usize,
        nat: usize,
        layers: Layers,
    ) -> Option<Path> {
        let gateway = &self.facts.nats[nat];
        let Some(home) = gateway.subnet else {
            return Some(self.direct(from, a, outside, Via::Unknown, layers));
        };
        let mut known = true;
        let (out, back) = match self.facts.subnets[home].table {
            Some(table) => (self.hops[table][outside], self.hops[table][a]),
            None => (Hop::Unmodelled(0), Hop::Local),
        };
        match out {
            Hop::Internet if gateway.public => {}
            // A chain of gateways is not followed.
            Hop::Unmodelled(_) | Hop::Nat(_) => known = false,
            _ => return None,
        }
        known &= !matches!(back, Hop::Unmodelled(_));
        let mut path = self.direct(from, a, outside, Via::Gateway, layers);
        if !matches!(back, Hop::Local | Hop::Unmodelled(_)) {
            path.reply = SetId::EMPTY;
        }
        if layers.acls {
            let mut inner = (SetId::ALL, SetId::ALL);
            if home != from {
                inner.0 = self.acl(&mut known, home, Direction::Ingress, a);
                inner.1 = self.acl(&mut known, home, Direction::Egress, a);
            }
            let out = self.acl(&mut known, home, Direction::Egress, outside);
            path.outer = self.acl(&mut known, home, Direction::Ingress, outside);
            path.forward = self.sets.meet(path.forward, inner.0);
            path.forward = self.sets.meet(path.forward, out);
            path.reply = self.sets.meet(path.reply, inner.1);
        }
        path.forward = self.sets.meet(path.forward, self.translated);
        path.known &= known;
        path.via = Via::Nat(nat);
        Some(path)
    }

    /// Returns what the security group of a subnet's interfaces admits to or from an atom, whose subnet may be known.
    fn group(
        &mut self,
        known: &mut bool,
        subnet: usize,
        direction: Direction,
        atom: usize,
        other: Option<usize>,
    ) -> SetId {
        let Some(group) = self.facts.subnets[subnet].group else { return SetId::ALL };
        let member = other.map(|other| self.facts.subnets[other].group);
        let peer = match member {
            Some(Some(group)) => group as u64 + 2,
            Some(None) => 1,
            None => 0,
        };
        let key = ((group as u64) << 49) | ((direction as u64) << 48) | (peer << 32) | atom as u64;
        if let Some((id, exact)) = self.admitted.get(&key) {
            *known &= exact;
            return *id;
        }
        let address = self.starts[atom];
        let matches = |rule: &GroupPeerFacts<A>| match rule {
            GroupPeerFacts::Span(span) => span.contains(address),
            GroupPeerFacts::Group(group) => member.is_some_and(|member| member.is_none_or(|m| m == *group)),
            GroupPeerFacts::Service(_) => member.is_none() && address.is_public(),
            GroupPeerFacts::Clients => false,
            GroupPeerFacts::Anybody => true,
        };
        let rules = self.facts.groups[group].rules.iter();
        let rules = rules.filter(|rule| rule.direction == direction && matches(&rule.peer));
        let sure = HeaderSet::of(
            rules.clone().filter(|rule| rule.peer != GroupPeerFacts::Anybody).map(|rule| rule.headers),
        );
        let set = HeaderSet::of(rules.map(|rule| rule.headers));
        let exact = set == sure;
        let id = self.sets.id(set);
        self.admitted.insert(key, (id, exact));
        *known &= exact;
        id
    }
}

/// Returns whether an address that the internet does not route is asked for as a part of it.
fn is_private_space<A: Address>(end: End, address: A) -> bool {
    end == End::Internet && !address.is_public()
}

/// Returns whether an attachment is said to lead to an end: to places it is, and what else lies behind it is not known.
fn is_told(end: End) -> bool {
    matches!(end, End::Place(_))
}

/// Returns the headers on which the outer side of a NAT gateway gets answers:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html>.
pub(crate) fn nat_ports() -> HeaderSet {
    use crate::names::PortRange;
    HeaderSet::of([Headers::tcp(PortRange::EPHEMERAL), Headers::udp(PortRange::EPHEMERAL), Headers::ICMP])
}

fn cuts<A: Address>(facts: &Facts<A>) -> Vec<A> {
    let mut starts = vec![A::FIRST];
    let mut cut = |span: Span<A>| {
        starts.push(span.first);
        starts.extend(span.last.after(1));
    };
    facts.ranges.iter().for_each(|span| cut(*span));
    facts.subnets.iter().for_each(|subnet| cut(subnet.span));
    facts.places.iter().flat_map(|place| &place.spans).for_each(|span| cut(*span));
    facts.tables.iter().flat_map(|table| &table.routes).for_each(|route| cut(route.destination.into()));
    facts.acls.iter().flat_map(|acl| &acl.rules).for_each(|rule| cut(rule.peer));
    for rule in facts.groups.iter().flat_map(|group| &group.rules) {
        if let GroupPeerFacts::Span(span) = &rule.peer {
            cut(*span);
        }
    }
    for (first, length) in A::NOT_INTERNET {
        cut(Span { first: *first, last: *first | A::behind(*length) });
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Returns the parts of the address space that security groups or places name.
fn named_spans<A: Address>(facts: &Facts<A>) -> Vec<Span<A>> {
    let rules = facts.groups.iter().flat_map(|group| &group.rules);
    let named = rules.filter_map(|rule| match rule.peer {
        GroupPeerFacts::Span(span) if span != Span::ALL => Some(span),
        _ => None,
    });
    let mut spans: Vec<Span<A>> = named.collect();
    spans.extend(facts.places.iter().flat_map(|place| &place.spans));
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn atoms_of<A: Address>(starts: &[A], span: Span<A>) -> Range<usize> {
    starts.partition_point(|start| *start < span.first)..starts.partition_point(|start| *start <= span.last)
}

/// Returns the header set of one direction of an ACL for each atom, computed once for each stretch between its own bounds.
fn acl_sets<A: Address>(
    acl: &AclFacts<A>,
    idx: usize,
    direction: Direction,
    starts: &[A],
    sets: &mut Sets<A>,
    unused: &mut Vec<(usize, usize)>,
) -> Vec<SetId> {
    let rules: Vec<usize> =
        (0..acl.rules.len()).filter(|rule| acl.rules[*rule].direction == direction).collect();
    let mut own = Vec::with_capacity(1 + 2 * rules.len());
    own.push(A::FIRST);
    for rule in &rules {
        let peer = acl.rules[*rule].peer;
        own.push(peer.first);
        own.extend(peer.last.after(1));
    }
    own.sort_unstable();
    own.dedup();
    let mut own = own.into_iter().peekable();
    let (mut hit, mut walk, mut passes) = (vec![false; rules.len()], Walk::default(), SetId::EMPTY);
    let pass = |start: &A| {
        if own.next_if_eq(start).is_some() {
            passes = walk.run(acl, &rules, *start, &mut hit, sets);
        }
        passes
    };
    let per_atom = starts.iter().map(pass).collect();
    unused.extend(rules.iter().zip(&hit).filter(|(_, hit)| !**hit).map(|(rule, _)| (idx, *rule)));
    per_atom
}

/// The first-match walk over the rules of an ACL, with its buffers.
#[derive(Default)]
struct Walk {
    left: Vec<Headers>,
    next: Vec<Headers>,
    allowed: Vec<Headers>,
}

impl Walk {
    fn run<A: Address>(
        &mut self,
        acl: &AclFacts<A>,
        rules: &[usize],
        address: A,
        hit: &mut [bool],
        sets: &mut Sets<A>,
    ) -> SetId {
        self.left.clear();
        self.left.push(Headers::ALL);
        self.allowed.clear();
        for (rule, hit) in rules.iter().zip(hit) {
            let rule = &acl.rules[*rule];
            if !rule.peer.contains(address) {
                continue;
            }
            self.next.clear();
            for part in &self.left {
                let (first, last) = (part.first.max(rule.headers.first), part.last.min(rule.headers.last));
                if first > last {
                    self.next.push(*part);
                    continue;
                }
                *hit = true;
                if rule.allow {
                    self.allowed.push(Headers { first, last });
                }
                if part.first < first {
                    self.next.push(Headers { first: part.first, last: first - 1 });
                }
                if last < part.last {
                    self.next.push(Headers { first: last + 1, last: part.last });
                }
            }
            std::mem::swap(&mut self.left, &mut self.next);
            if self.left.is_empty() {
                break;
            }
        }
        sets.id(HeaderSet::of(self.allowed.iter().copied()))
    }
}

/// Returns the hop of each atom: routes are painted from the shortest prefix to the longest.
fn table_hops<A: Address>(table: &Table<A>, ranges: &[Span<A>], starts: &[A]) -> Vec<Hop> {
    let mut routes: Vec<(Span<A>, Hop)> =
        table.routes.iter().map(|route| (route.destination.into(), route.hop)).collect();
    routes.extend(ranges.iter().map(|range| (*range, Hop::Local)));
    routes.sort_by_key(|(span, _)| std::cmp::Reverse(span.last - span.first));
    let mut hops = vec![Hop::None; starts.len()];
    for (span, hop) in routes {
        hops[atoms_of(starts, span)].fill(hop);
    }
    for route in &table.open {
        for (hop, start) in hops.iter_mut().zip(starts) {
            let inside = ranges.iter().any(|range| range.contains(*start));
            if *hop != route.hop && (!inside || route.inside) {
                *hop = Hop::Unmodelled(route.what);
            }
        }
    }
    hops
}
