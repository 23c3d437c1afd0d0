//! The words of a network as types: what has been read is valid and stays so.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::family::{Address, V4};

/// The name of a network or a tier.
///
/// - 1 to 32 lower-case letters, digits, and hyphens.
/// - Starts with a letter; has no hyphen at its end and no two together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// The most characters a name may have.
    pub const MAX_LENGTH: usize = 32;

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it, as the end of a sentence about it.
    pub fn parse(text: &str) -> Result<Name, String> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() {
            Err("is empty".to_owned())
        } else if text.len() > Name::MAX_LENGTH {
            Err(format!("has {} characters, more than {}", text.len(), Name::MAX_LENGTH))
        } else if let Some(found) = text.chars().find(|c| !valid(*c)) {
            Err(format!("has {found:?}, which is not a lower-case letter, a digit, or a hyphen"))
        } else if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            Err("does not start with a letter".to_owned())
        } else if text.ends_with('-') || text.contains("--") {
            Err("has a hyphen at its end or two together".to_owned())
        } else {
            Ok(Name(text.to_owned()))
        }
    }

    /// Returns the name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as a Terraform identifier, with underscores for hyphens.
    pub fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A zone letter, `a` to `z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(u8);

impl Zone {
    /// Reads a zone letter.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it, as the end of a sentence about it.
    pub fn parse(text: &str) -> Result<Zone, String> {
        match text.as_bytes() {
            [letter @ b'a'..=b'z'] => Ok(Zone(*letter)),
            _ => Err("is not one letter from a to z".to_owned()),
        }
    }

    /// Returns every zone letter in order.
    pub fn all() -> impl Iterator<Item = Zone> {
        (b'a'..=b'z').map(Zone)
    }

    /// Returns the letter.
    pub fn letter(self) -> char {
        char::from(self.0)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A range of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The first port.
    pub from: u16,
    /// The last port, not below the first.
    pub to: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: PortRange = PortRange { from: 0, to: u16::MAX };

    /// The ports that clients, load balancers, and NAT gateways receive replies on:
    /// <https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports>.
    pub const EPHEMERAL: PortRange = PortRange { from: 1024, to: u16::MAX };

    /// Returns the range of one port.
    pub fn one(port: u16) -> PortRange {
        PortRange { from: port, to: port }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

/// The prefix length of a subnet: 16 to 28, as AWS takes it.
///
/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixLength(u8);

impl PrefixLength {
    /// That of the largest subnet.
    pub const MIN: PrefixLength = PrefixLength(16);

    /// That of the smallest subnet.
    pub const MAX: PrefixLength = PrefixLength(28);

    /// Takes a number; `None` if AWS has no subnets of this prefix length.
    pub fn new(length: u8) -> Option<PrefixLength> {
        Some(PrefixLength(length)).filter(|length| (PrefixLength::MIN..=PrefixLength::MAX).contains(length))
    }

    /// Returns the number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PrefixLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A range of addresses in canonical form: no address bit is set behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr<A: Address = V4> {
    first: A,
    prefix_length: u8,
}

impl<A: Address> Cidr<A> {
    /// Every address of the family.
    pub const EVERYWHERE: Cidr<A> = Cidr { first: A::FIRST, prefix_length: 0 };

    /// Returns the range of this prefix length that holds an address; `None` if an address has fewer bits.
    pub fn around(address: A, prefix_length: u8) -> Option<Cidr<A>> {
        (prefix_length <= A::WIDTH)
            .then(|| Cidr { first: address & !A::behind(prefix_length), prefix_length })
    }

    /// Returns the range that `ipnet` holds, without bits behind its prefix; `None` if it is of the other family.
    pub fn of_net(net: IpNet) -> Option<Cidr<A>> {
        Cidr::around(A::of_ip(net.addr())?, net.prefix_len())
    }

    /// Returns the range as `ipnet` holds it.
    pub fn net(self) -> IpNet {
        IpNet::new_assert(self.first.ip(), self.prefix_length)
    }

    /// Returns the prefix length.
    pub fn prefix_length(self) -> u8 {
        self.prefix_length
    }

    /// Returns the first address as a number.
    pub fn first(self) -> A {
        self.first
    }

    /// Returns the last address as a number.
    pub fn last(self) -> A {
        self.first | A::behind(self.prefix_length)
    }

    /// Returns whether every address of `other` is one of this range.
    pub fn contains(self, other: Cidr<A>) -> bool {
        self.prefix_length <= other.prefix_length
            && other.first & !A::behind(self.prefix_length) == self.first
    }

    /// Returns whether the two ranges share an address.
    pub fn overlaps(self, other: Cidr<A>) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Returns the other half of the range that is one bit shorter; `None` for every address.
    pub fn sibling(self) -> Option<Cidr<A>> {
        let both = self.prefix_length.checked_sub(1)?;
        let bit = A::behind(both) & !A::behind(self.prefix_length);
        Some(Cidr { first: self.first ^ bit, ..self })
    }

    /// Returns the part that `cidrsubnet(self, block.newbits, block.netnum)` is; `None` if it is not inside.
    pub fn subnet(self, block: Block) -> Option<Cidr<A>> {
        let prefix_length = self.prefix_length.checked_add(block.newbits)?;
        if prefix_length > A::WIDTH || block.netnum.checked_shr(block.newbits.into()).unwrap_or(0) != 0 {
            return None;
        }
        if block.newbits == 0 {
            return Some(self);
        }
        let offset = A::from(block.netnum) << (A::WIDTH - prefix_length);
        Some(Cidr { first: self.first | offset, prefix_length })
    }

    /// Returns where in this range a part of it lies; `None` if it is not inside, or counts beyond a [`Block`].
    pub fn block(self, part: Cidr<A>) -> Option<Block> {
        if !self.contains(part) {
            return None;
        }
        let newbits = part.prefix_length - self.prefix_length;
        if newbits == 0 {
            return Some(Block { newbits, netnum: 0 });
        }
        let netnum = (part.first - self.first) >> (A::WIDTH - part.prefix_length);
        Some(Block { newbits, netnum: netnum.try_into().ok()? })
    }
}

impl Cidr {
    /// Reads an IPv4 range such as `10.0.0.0/16`.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it, as the end of a sentence about it.
    pub fn parse(text: &str) -> Result<Cidr, String> {
        text.parse()
    }

    /// Returns the range that starts at an address; bits behind the prefix are dropped.
    pub fn new(address: Ipv4Addr, prefix_length: u8) -> Option<Cidr> {
        Cidr::around(address.into(), prefix_length)
    }
}

impl<A: Address> FromStr for Cidr<A> {
    type Err = String;

    /// Reads a range of the family; what is wrong with one is the end of a sentence about it.
    fn from_str(text: &str) -> Result<Cidr<A>, String> {
        let net: Option<IpNet> = text.parse().ok();
        let canonical = net.and_then(Cidr::of_net);
        let (Some(net), Some(canonical)) = (net, canonical) else {
            return Err(format!("is not an {} range such as {}", A::FAMILY, A::EXAMPLE));
        };
        if A::of_ip(net.addr()) == Some(canonical.first) {
            Ok(canonical)
        } else {
            Err(format!("has address bits behind its prefix; AWS would make it {canonical}"))
        }
    }
}

impl<A: Address> fmt::Display for Cidr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first.ip(), self.prefix_length)
    }
}

impl<A: Address> Serialize for Cidr<A> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Private IPv4 space, in canonical form: RFC 1918, and the shared space of RFC 6598.
pub const PRIVATE_SPACE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/// A part of a range that is independent of where the range starts:
/// the arguments of Terraform's `cidrsubnet(range, newbits, netnum)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Block {
    /// How many bits longer its prefix is than the range's.
    pub newbits: u8,
    /// Which of the `2^newbits` parts it is, counted from 0.
    pub netnum: u32,
}

impl Block {
    /// Returns a part of this block, as a part of the same range.
    pub fn subnet(self, newbits: u8, netnum: u32) -> Block {
        Block { newbits: self.newbits + newbits, netnum: (self.netnum << newbits) | netnum }
    }

    /// Returns the smallest block of the same range that holds both.
    #[must_use]
    pub fn join(self, other: Block) -> Block {
        let mut newbits = self.newbits.min(other.newbits);
        while self.around(newbits) != other.around(newbits) {
            newbits -= 1;
        }
        self.around(newbits)
    }

    /// Returns whether the two blocks of one range share an address.
    pub fn overlaps(self, other: Block) -> bool {
        let shared = self.newbits.min(other.newbits);
        self.around(shared) == other.around(shared)
    }

    /// Returns the block with this many bits, not more than its own, that holds it.
    fn around(self, newbits: u8) -> Block {
        let netnum = self.netnum.checked_shr(u32::from(self.newbits - newbits)).unwrap_or(0);
        Block { newbits, netnum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::V6;

    fn cidr<A: Address>(text: &str) -> Cidr<A> {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_of_either_family_are_read_as_they_print() {
        for text in ["0.0.0.0/0", "10.0.0.0/16", "10.0.0.1/32"] {
            assert_eq!(cidr::<V4>(text).to_string(), text);
        }
        for text in ["::/0", "2001:db8::/56", "2001:db8::1/128"] {
            assert_eq!(cidr::<V6>(text).to_string(), text);
        }
        let problem = |text: &str| (text.parse::<Cidr<V4>>().err(), text.parse::<Cidr<V6>>().err());
        let (ipv4, ipv6) = problem("10.0.0.0");
        assert_eq!(ipv4.unwrap(), "is not an IPv4 range such as 10.0.0.0/16");
        assert_eq!(ipv6.unwrap(), "is not an IPv6 range such as 2001:db8::/56");
        assert!(problem("2001:db8::/56").0.is_some() && problem("10.0.0.0/16").1.is_some());
        let host = "has address bits behind its prefix; AWS would make it 2001:db8::/56";
        assert_eq!(problem("2001:db8::1/56").1.unwrap(), host);
    }

    /// The same steps at 32 and at 128 bits: `widen` is a prefix length of IPv4 as one of IPv6.
    fn nesting<A: Address>(range: Cidr<A>) {
        let widen = |newbits: u8| range.prefix_length() + newbits;
        let parts: Vec<Cidr<A>> =
            (0..4).map(|netnum| range.subnet(Block { newbits: 2, netnum }).unwrap()).collect();
        assert_eq!((parts[0].first(), parts[3].last()), (range.first(), range.last()));
        for (netnum, part) in (0..).zip(&parts) {
            assert_eq!(part.prefix_length(), widen(2));
            assert!(range.contains(*part) && !part.contains(range) && range.overlaps(*part));
            assert_eq!(range.block(*part), Some(Block { newbits: 2, netnum }));
            assert_eq!(part.block(range), None);
        }
        for pair in parts.windows(2) {
            assert_eq!(pair[0].last().after(1), Some(pair[1].first()));
            assert!(!pair[0].overlaps(pair[1]));
        }
        assert_eq!(parts[0].sibling(), Some(parts[1]));
        assert_eq!(parts[1].sibling(), Some(parts[0]));
        assert_eq!(range.subnet(Block { newbits: 2, netnum: 4 }), None);
        assert_eq!(range.subnet(Block { newbits: 0, netnum: 0 }), Some(range));
        assert_eq!(range.subnet(Block { newbits: A::WIDTH - range.prefix_length() + 1, netnum: 0 }), None);
        assert_eq!(range.block(range), Some(Block { newbits: 0, netnum: 0 }));
    }

    #[test]
    fn parts_of_a_range_nest_at_either_width() {
        nesting::<V4>(cidr("10.0.0.0/16"));
        nesting::<V4>(Cidr::EVERYWHERE);
        nesting::<V6>(cidr("2001:db8:ffff:ff00::/56"));
        nesting::<V6>(cidr("2001:db8::/62"));
        nesting::<V6>(Cidr::EVERYWHERE);
        assert_eq!(Cidr::<V6>::EVERYWHERE.sibling(), None);
        let host = cidr::<V6>("2001:db8::1/128");
        assert_eq!(Cidr::<V6>::EVERYWHERE.block(host), None, "a block counts to 2^32");
    }

    #[test]
    fn blocks_of_many_bits_are_compared_without_overflow() {
        let whole = Block { newbits: 0, netnum: 0 };
        let last = Block { newbits: 32, netnum: u32::MAX };
        assert!(whole.overlaps(last) && last.overlaps(whole));
        assert_eq!(whole.join(last), whole);
    }
}
