//! Packet headers as sets: protocol and destination port, or ICMP type and code, on one line of numbers.
//!
//! TCP ports come first, then UDP ports, then ICMP as `type * 256 + code`, then the numbers of all other protocols.
//! ICMP is that of the address family: the protocol of the other family's is one of the others.
//! No filter of AWS matches a source port, so the header that a filter sees is one number,
//! and what a rule matches is one interval.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;

use crate::family::{Address, V4};
use crate::names::PortRange;
use crate::network::Traffic;

const UDP: u32 = 1 << 16;
const ICMP: u32 = 2 << 16;
const OTHER: u32 = 3 << 16;
const LAST: u32 = OTHER + 255;

/// An interval of headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Headers {
    /// The first header.
    pub first: u32,
    /// The last header, not below the first.
    pub last: u32,
}

impl Headers {
    /// Every packet.
    pub const ALL: Headers = Headers { first: 0, last: LAST };
    /// Every TCP packet.
    pub const TCP: Headers = Headers { first: 0, last: UDP - 1 };
    /// Every UDP packet.
    pub const UDP: Headers = Headers { first: UDP, last: ICMP - 1 };
    /// Every ICMP message.
    pub const ICMP: Headers = Headers { first: ICMP, last: OTHER - 1 };
    /// Every packet of a protocol that is none of these.
    pub const OTHER: Headers = Headers { first: OTHER, last: LAST };

    /// Returns the TCP packets to these ports.
    pub fn tcp(ports: PortRange) -> Headers {
        Headers { first: ports.from.into(), last: ports.to.into() }
    }

    /// Returns the UDP packets to these ports.
    pub fn udp(ports: PortRange) -> Headers {
        Headers { first: UDP + u32::from(ports.from), last: UDP + u32::from(ports.to) }
    }

    /// Returns the ICMP messages of a type and code; `None` stands for all.
    pub fn icmp(ty: Option<u8>, code: Option<u8>) -> Headers {
        let Some(ty) = ty else { return Headers::ICMP };
        let first = ICMP + (u32::from(ty) << 8);
        match code {
            Some(code) => Headers { first: first + u32::from(code), last: first + u32::from(code) },
            None => Headers { first, last: first + 255 },
        }
    }

    /// Returns the ICMP message that a packet is too big for its way.
    pub fn too_big<A: Address>() -> Headers {
        let (ty, code) = A::TOO_BIG;
        Headers::icmp(Some(ty), Some(code))
    }

    /// Returns all packets of the protocol with this number.
    pub fn protocol<A: Address>(number: u8) -> Headers {
        match number {
            6 => Headers::TCP,
            17 => Headers::UDP,
            icmp if icmp == A::ICMP => Headers::ICMP,
            other => Headers { first: OTHER + u32::from(other), last: OTHER + u32::from(other) },
        }
    }

    /// Returns what a rule of a [`crate::network::Network`] matches.
    pub fn of<A: Address>(traffic: Traffic) -> Headers {
        match traffic {
            Traffic::Tcp(ports) => Headers::tcp(ports),
            Traffic::Udp(ports) => Headers::udp(ports),
            Traffic::Icmp => Headers::ICMP,
            Traffic::FragmentationNeeded => Headers::too_big::<A>(),
            Traffic::Any => Headers::ALL,
        }
    }

    /// Returns whether it holds a header.
    pub fn contains(self, header: u32) -> bool {
        self.first <= header && header <= self.last
    }

    fn meet(self, other: Headers) -> Option<Headers> {
        let both = Headers { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }

    /// Returns the port of a TCP or UDP header.
    pub(crate) fn port(header: u32) -> Option<u16> {
        (header < ICMP).then_some((header & 0xffff) as u16)
    }

    /// Returns the name of a header's protocol.
    pub(crate) fn protocol_name(header: u32) -> &'static str {
        match header >> 16 {
            0 => "tcp",
            1 => "udp",
            2 => "icmp",
            _ => "other",
        }
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Headers::ALL {
            return f.write_str("all");
        }
        let mut separator = "";
        for class in [Headers::TCP, Headers::UDP, Headers::ICMP, Headers::OTHER] {
            let Some(part) = self.meet(class) else { continue };
            f.write_str(separator)?;
            separator = ", ";
            let name = Headers::protocol_name(part.first);
            let (from, to) = (part.first & 0xffff, part.last & 0xffff);
            if part == class {
                f.write_str(name)?;
            } else if name == "icmp" && from == to {
                write!(f, "icmp {}/{}", from >> 8, from & 255)?;
            } else if name == "icmp" {
                write!(f, "icmp {}/{} to {}/{}", from >> 8, from & 255, to >> 8, to & 255)?;
            } else if name == "other" {
                write!(f, "protocol {from}")?;
                if from != to {
                    write!(f, "-{to}")?;
                }
            } else {
                write!(f, "{name} {}", PortRange { from: from as u16, to: to as u16 })?;
            }
        }
        Ok(())
    }
}

/// A set of headers: sorted, disjoint intervals that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderSet(Vec<Headers>);

impl HeaderSet {
    /// Returns the set of these intervals.
    pub fn of(intervals: impl IntoIterator<Item = Headers>) -> HeaderSet {
        let mut intervals: Vec<Headers> = intervals.into_iter().collect();
        intervals.sort_unstable();
        intervals.dedup_by(|next, last| {
            let touch = next.first <= last.last.saturating_add(1);
            if touch {
                last.last = last.last.max(next.last);
            }
            touch
        });
        HeaderSet(intervals)
    }

    /// Returns what is in any of these.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a HeaderSet>) -> HeaderSet {
        HeaderSet::of(sets.into_iter().flat_map(HeaderSet::intervals).copied())
    }

    /// Returns whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns its intervals.
    pub fn intervals(&self) -> &[Headers] {
        &self.0
    }

    /// Returns whether it holds a header.
    pub fn contains(&self, header: u32) -> bool {
        self.0.iter().any(|part| part.contains(header))
    }

    /// Returns the lowest header, if any.
    pub fn lowest(&self) -> Option<u32> {
        self.0.first().map(|part| part.first)
    }

    /// Returns what is in both.
    #[must_use]
    pub fn meet(&self, other: &HeaderSet) -> HeaderSet {
        let (mut i, mut j, mut both) = (0, 0, Vec::new());
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            both.extend(a.meet(*b));
            if a.last < b.last { i += 1 } else { j += 1 }
        }
        HeaderSet(both)
    }

    /// Returns what is in this and not in the other.
    #[must_use]
    pub fn minus(&self, other: &HeaderSet) -> HeaderSet {
        let mut rest = Vec::new();
        for part in &self.0 {
            let mut first = part.first;
            for cut in other.0.iter().filter(|cut| cut.last >= part.first && cut.first <= part.last) {
                if cut.first > first {
                    rest.push(Headers { first, last: cut.first - 1 });
                }
                first = cut.last.saturating_add(1);
            }
            if first <= part.last {
                rest.push(Headers { first, last: part.last });
            }
        }
        HeaderSet(rest)
    }

    /// Returns what is in either.
    #[must_use]
    pub fn join(&self, other: &HeaderSet) -> HeaderSet {
        HeaderSet::union([self, other])
    }

    /// Returns the part of `self` to which an answer exists when `replies` are the headers that can come back.
    ///
    /// - TCP and UDP: any port can be a client's.
    /// - ICMP: the requests whose reply type comes back, such as those of echo ([`Address::ANSWERS`]);
    ///   every other message is one-way and opens nothing.
    /// - Others: the same protocol must come back.
    #[must_use]
    pub fn answered_by<A: Address>(&self, replies: &HeaderSet) -> HeaderSet {
        let mut open = Vec::new();
        for class in [Headers::TCP, Headers::UDP] {
            if replies.0.iter().any(|part| part.meet(class).is_some()) {
                open.extend(self.0.iter().filter_map(|part| part.meet(class)));
            }
        }
        for (request, reply) in A::ANSWERS {
            let request = Headers::icmp(Some(*request), Some(0));
            let reply = Headers::icmp(Some(*reply), Some(0));
            if self.contains(request.first) && replies.contains(reply.first) {
                open.push(request);
            }
        }
        let others = self.0.iter().filter_map(|part| part.meet(Headers::OTHER));
        open.extend(others.flat_map(|part| replies.0.iter().filter_map(move |reply| reply.meet(part))));
        HeaderSet::of(open)
    }
}

impl fmt::Display for HeaderSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (idx, part) in self.0.iter().enumerate() {
            if idx > 0 {
                f.write_str(", ")?;
            }
            part.fmt(f)?;
        }
        Ok(())
    }
}

/// The number of a set among [`Sets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SetId(u32);

impl SetId {
    /// The empty set.
    pub(crate) const EMPTY: SetId = SetId(0);
    /// Every header.
    pub(crate) const ALL: SetId = SetId(1);
}

/// Every set met so far in one address family, each once, so that sets compare and meet as numbers.
pub(crate) struct Sets<A: Address = V4> {
    list: Vec<HeaderSet>,
    index: HashMap<HeaderSet, SetId, BuildHasherDefault<Mix>>,
    meets: HashMap<u64, SetId, BuildHasherDefault<Mix>>,
    answers: HashMap<u64, SetId, BuildHasherDefault<Mix>>,
    family: PhantomData<A>,
}

impl<A: Address> Sets<A> {
    pub(crate) fn new() -> Sets<A> {
        let mut sets = Sets {
            list: Vec::new(),
            index: HashMap::default(),
            meets: HashMap::default(),
            answers: HashMap::default(),
            family: PhantomData,
        };
        sets.id(HeaderSet::default());
        sets.id(HeaderSet(vec![Headers::ALL]));
        sets
    }

    pub(crate) fn id(&mut self, set: HeaderSet) -> SetId {
        if let Some(id) = self.index.get(&set) {
            return *id;
        }
        let id = SetId(self.list.len() as u32);
        self.list.push(set.clone());
        self.index.insert(set, id);
        id
    }

    pub(crate) fn get(&self, id: SetId) -> &HeaderSet {
        &self.list[id.0 as usize]
    }

    pub(crate) fn meet(&mut self, a: SetId, b: SetId) -> SetId {
        match (a, b) {
            (SetId::ALL, other) | (other, SetId::ALL) => return other,
            (SetId::EMPTY, _) | (_, SetId::EMPTY) => return SetId::EMPTY,
            _ if a == b => return a,
            _ => {}
        }
        let key = (u64::from(a.0.min(b.0)) << 32) | u64::from(a.0.max(b.0));
        if let Some(id) = self.meets.get(&key) {
            return *id;
        }
        let both = self.get(a).meet(self.get(b));
        let id = self.id(both);
        self.meets.insert(key, id);
        id
    }

    /// Returns the part of `forward` to which `reply` holds an answer; see [`HeaderSet::answered_by`].
    pub(crate) fn answered(&mut self, forward: SetId, reply: SetId) -> SetId {
        if forward == SetId::EMPTY || reply == SetId::EMPTY {
            return SetId::EMPTY;
        }
        let key = (u64::from(forward.0) << 32) | u64::from(reply.0);
        if let Some(id) = self.answers.get(&key) {
            return *id;
        }
        let open = self.get(forward).answered_by::<A>(self.get(reply));
        let id = self.id(open);
        self.answers.insert(key, id);
        id
    }
}

/// A hash for small integer keys; nothing here comes from an adversary, and no order depends on it.
#[derive(Default)]
pub(crate) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::V6;

    fn set(parts: &[(u32, u32)]) -> HeaderSet {
        HeaderSet::of(parts.iter().map(|(first, last)| Headers { first: *first, last: *last }))
    }

    #[test]
    fn set_operations_agree_with_membership() {
        let a = set(&[(1, 5), (7, 9), (20, 30)]);
        let b = set(&[(0, 1), (4, 8), (22, 23), (29, 40)]);
        for header in 0..50 {
            assert_eq!(a.meet(&b).contains(header), a.contains(header) && b.contains(header), "{header}");
            assert_eq!(a.minus(&b).contains(header), a.contains(header) && !b.contains(header), "{header}");
            assert_eq!(a.join(&b).contains(header), a.contains(header) || b.contains(header), "{header}");
        }
    }

    #[test]
    fn touching_intervals_become_one() {
        assert_eq!(set(&[(5, 6), (1, 4)]).intervals(), set(&[(1, 6)]).intervals());
    }

    fn echo_needs_its_reply_and_too_big_opens_nothing<A: Address>() {
        let (request, reply) = A::ANSWERS[0];
        let echo = HeaderSet::of([Headers::icmp(Some(request), Some(0))]);
        let reply = HeaderSet::of([Headers::icmp(Some(reply), None)]);
        let one_way = HeaderSet::of([Headers::too_big::<A>()]);
        assert_eq!(echo.answered_by::<A>(&reply), echo);
        assert!(echo.answered_by::<A>(&echo).is_empty());
        assert!(one_way.answered_by::<A>(&HeaderSet::of([Headers::ALL])).is_empty());
    }

    #[test]
    fn echo_needs_its_reply_and_too_big_opens_nothing_in_either_family() {
        echo_needs_its_reply_and_too_big_opens_nothing::<V4>();
        echo_needs_its_reply_and_too_big_opens_nothing::<V6>();
        let echo = HeaderSet::of([Headers::icmp(Some(8), Some(0))]);
        assert!(echo.answered_by::<V6>(&HeaderSet::of([Headers::ALL])).is_empty());
    }

    #[test]
    fn each_family_has_its_own_icmp() {
        assert_eq!(Headers::protocol::<V4>(1), Headers::ICMP);
        assert_eq!(Headers::protocol::<V6>(58), Headers::ICMP);
        assert_eq!(Headers::protocol::<V4>(58).to_string(), "protocol 58");
        assert_eq!(Headers::protocol::<V6>(1).to_string(), "protocol 1");
        assert_eq!(Headers::of::<V4>(Traffic::FragmentationNeeded).to_string(), "icmp 3/4");
        assert_eq!(Headers::of::<V6>(Traffic::FragmentationNeeded).to_string(), "icmp 2/0");
    }

    #[test]
    fn headers_print_as_people_write_them() {
        let text = HeaderSet::of([
            Headers::tcp(PortRange::one(443)),
            Headers::tcp(PortRange::EPHEMERAL),
            Headers::too_big::<V4>(),
            Headers::protocol::<V4>(47),
        ])
        .to_string();
        assert_eq!(text, "tcp 443, tcp 1024-65535, icmp 3/4, protocol 47");
        assert_eq!(Headers::ALL.to_string(), "all");
    }
}
