//! The ranges that rules for the internet must not match, since they are nearer.

use crate::names::{Cidr, PRIVATE_SPACE};
use crate::network::{AclPeer, Place};

/// Returns what an ACL with rules for the internet denies before them, each with the reason: the VPC's own ranges, the
/// ranges of places that something else than the internet leads to, and private space.
///
/// What is declared of any of these stands before the guards. A place inside private space needs no guard of its own.
pub(super) fn guards(n_ranges: usize, places: &[Place]) -> Vec<(AclPeer, &'static str)> {
    let space =
        PRIVATE_SPACE.map(|space| Cidr::parse(space).expect("private space is written in canonical form"));
    let own = (0..n_ranges).map(|range| (AclPeer::Range(range), "what is not declared above"));
    let elsewhere = places.iter().enumerate().filter(|(_, place)| place.via.is_some());
    let elsewhere = elsewhere.flat_map(|(idx, place)| {
        let bare = move |range: &usize| !space.iter().any(|space| space.contains(place.ranges[*range]));
        (0..place.ranges.len()).filter(bare).map(move |range| AclPeer::Place(idx, range))
    });
    let elsewhere = elsewhere.map(|peer| (peer, "a place is not the internet"));
    let private = space.into_iter().map(|space| (AclPeer::Cidr(space), "private space is not the internet"));
    own.chain(elsewhere).chain(private).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Origin;
    use crate::names::Name;

    fn place(range: &str, via: Option<usize>) -> Place {
        Place {
            name: Name::parse("office").unwrap(),
            ranges: vec![Cidr::parse(range).unwrap()],
            via,
            origin: Origin::Unknown,
        }
    }

    fn guarded(places: &[Place]) -> Vec<AclPeer> {
        guards(2, places).into_iter().map(|(peer, _)| peer).collect()
    }

    #[test]
    fn own_ranges_come_first_and_private_space_last() {
        let found = guarded(&[]);
        assert_eq!(found[..2], [AclPeer::Range(0), AclPeer::Range(1)]);
        assert_eq!(found.len(), 2 + PRIVATE_SPACE.len());
    }

    #[test]
    fn a_place_is_guarded_where_neither_private_space_nor_the_internet_holds_it() {
        assert_eq!(guarded(&[place("192.168.0.0/24", Some(0))]), guarded(&[]));
        assert_eq!(guarded(&[place("203.0.113.0/24", None)]), guarded(&[]));
        assert_eq!(guarded(&[place("203.0.113.0/24", Some(0))])[2], AclPeer::Place(0, 0));
    }
}
