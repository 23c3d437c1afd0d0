//! What no filter and no route tells apart is looked at once: addresses outside, pairs of subnets, whole networks.
//!
//! One atom stands for all outside that are alike, one pair of subnets for all such pairs, and one placement of a
//! network for all of which the tables say the same.

use std::collections::BTreeSet;

use super::{End, Engine};
use crate::family::Address;
use crate::proof::facts::Hop;
use crate::proof::headers::SetId;

/// What the tables of a network say, wherever its ranges lie.
pub(crate) struct Gist {
    subnets: Vec<Vec<Said>>,
    outside: BTreeSet<Said>,
    idle: BTreeSet<Said>,
    unused: Vec<(usize, usize)>,
}

/// What is said of one atom: by each ACL, by each route table, and whether security groups and the internet know it.
type Said = (Vec<SetId>, Vec<Hop>, Vec<bool>);

impl Gist {
    /// Returns whether the verdicts on a network are those on the same network elsewhere:
    /// the tables say the same, and what decides nothing here decides nothing there.
    pub(crate) fn stands_for(&self, other: &Gist) -> bool {
        self.subnets == other.subnets
            && (&self.outside, &self.idle) == (&other.outside, &other.idle)
            && self.unused.iter().all(|rule| other.unused.contains(rule))
    }
}

impl<A: Address> Engine<'_, A> {
    /// Returns what the tables say; to be compared with what those of engines with the same sets say.
    pub(crate) fn gist(&self) -> Gist {
        let is_home = |atom: &usize| self.homes.iter().any(|home| home.contains(atom));
        let idle = (0..self.starts.len()).filter(|atom| !self.is_outside(*atom) && !is_home(atom));
        Gist {
            subnets: self
                .homes
                .iter()
                .map(|home| home.clone().map(|atom| self.said(atom)).collect())
                .collect(),
            outside: self.outside.iter().map(|atom| self.said(*atom)).collect(),
            idle: idle.map(|atom| self.said(atom)).collect(),
            unused: self.unused.clone(),
        }
    }

    fn said(&self, atom: usize) -> Said {
        let address = self.starts[atom];
        let known = self.spans.iter().map(|span| span.contains(address)).chain([address.is_public()]);
        (
            self.acls.iter().flatten().map(|sets| sets[atom]).collect(),
            self.hops.iter().map(|hops| hops[atom]).collect(),
            known.collect(),
        )
    }

    fn is_outside(&self, atom: usize) -> bool {
        !self.facts.ranges.iter().any(|range| range.contains(self.starts[atom]))
    }

    /// Finds the atoms outside and the subnets that stand for all that are like them: the first of each kind.
    pub(super) fn find_alike(&mut self) {
        let outside = (0..self.starts.len()).filter(|atom| self.is_outside(*atom));
        let mut outside = first_alike(outside, |a, b| self.atoms_alike(a, b));
        outside.sort_unstable();
        outside.dedup();
        let place_of =
            |atom: &usize| self.facts.places.iter().position(|place| place.contains(self.starts[*atom]));
        let of = |end| outside.iter().copied().filter(|atom| place_of(atom) == end).collect();
        let (internet, places): (Vec<usize>, _) =
            (of(None), (0..self.facts.places.len()).map(|place| of(Some(place))).collect());
        self.public = internet.iter().copied().filter(|atom| self.starts[*atom].is_public()).collect();
        (self.outside, self.internet, self.places) = (outside, internet, places);
        let homes: Vec<usize> = self.homes.iter().cloned().flatten().collect();
        let subnets = || 0..self.facts.subnets.len();
        let inward = first_alike(subnets(), |a, b| self.subnets_alike(a, b, &homes));
        let is_home = |subnet: usize| self.facts.nats.iter().any(|nat| nat.subnet == Some(subnet));
        let outward = first_alike(subnets(), |a, b| {
            inward[a] == inward[b] && self.routed_alike(a, b, &self.outside) && !is_home(a) && !is_home(b)
        });
        (self.inward, self.outward) = (inward, outward);
    }

    /// Returns whether every filter and every route table says the same of two atoms.
    pub(super) fn atoms_alike(&self, a: usize, b: usize) -> bool {
        let (first, second) = (self.starts[a], self.starts[b]);
        self.acls.iter().flatten().all(|sets| sets[a] == sets[b])
            && self.hops.iter().all(|hops| hops[a] == hops[b])
            && self.spans.iter().all(|span| span.contains(first) == span.contains(second))
            && first.is_public() == second.is_public()
    }

    /// Returns whether two subnets are the same to every filter, and to every route to these atoms.
    fn subnets_alike(&self, a: usize, b: usize, atoms: &[usize]) -> bool {
        let (first, second) = (&self.facts.subnets[a], &self.facts.subnets[b]);
        let mut homes = self.home(a).zip(self.home(b));
        (first.acl, first.group) == (second.acl, second.group)
            && self.routed_alike(a, b, atoms)
            && self.home(a).len() == self.home(b).len()
            && homes.all(|(a, b)| self.atoms_alike(a, b))
    }

    /// Returns whether the route tables of two subnets lead these atoms alike.
    fn routed_alike(&self, a: usize, b: usize, atoms: &[usize]) -> bool {
        match (self.facts.subnets[a].table, self.facts.subnets[b].table) {
            (Some(a), Some(b)) => {
                let lead_alike = |atom: &usize| self.hops_alike(self.hops[a][*atom], self.hops[b][*atom]);
                a == b || atoms.iter().all(lead_alike)
            }
            (a, b) => a == b,
        }
    }

    /// Returns whether the same happens by two hops; NAT gateways are alike behind the same table and ACL.
    fn hops_alike(&self, a: Hop, b: Hop) -> bool {
        let (Hop::Nat(first), Hop::Nat(second)) = (a, b) else { return a == b };
        let behind = |nat: usize| {
            let nat = &self.facts.nats[nat];
            let home = nat.subnet.map(|home| &self.facts.subnets[home]);
            (nat.public, home.map(|home| (home.table, home.acl)))
        };
        behind(first) == behind(second)
    }

    /// Returns the pairs of these ends, without those that no filter and no route tells from an earlier one.
    pub(crate) fn pairs(&self, sources: &[End], targets: &[End]) -> Vec<(End, End)> {
        let kind = |end: End, other: End| match (end, other) {
            (End::Subnet(subnet), End::Subnet(_)) => self.inward[subnet],
            (End::Subnet(subnet), End::Internet | End::Place(_)) => self.outward[subnet],
            (End::Internet, _) => usize::MAX,
            (End::Place(place), _) => usize::MAX - 1 - place,
        };
        let kinds = |from: End, to: End| (kind(from, to), kind(to, from), from == to);
        let mut pairs: Vec<(End, End)> = Vec::new();
        for source in sources {
            for target in targets {
                let own = kinds(*source, *target);
                if !pairs.iter().any(|(from, to)| kinds(*from, *to) == own) {
                    pairs.push((*source, *target));
                }
            }
        }
        pairs
    }
}

/// Returns for each of these the first one that is like it.
fn first_alike(all: impl Iterator<Item = usize>, alike: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut kinds: Vec<usize> = Vec::new();
    let first = |own: usize| {
        kinds.iter().copied().find(|first| alike(*first, own)).unwrap_or_else(|| {
            kinds.push(own);
            own
        })
    };
    all.map(first).collect()
}
