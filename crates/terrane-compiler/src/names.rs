//! The words of a network as types: what has been read is valid and stays so.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

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

/// An IPv4 range in canonical form: no address bit is set behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Cidr(Ipv4Net);

impl Cidr {
    /// Reads a range such as `10.0.0.0/16`.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it, as the end of a sentence about it.
    pub fn parse(text: &str) -> Result<Cidr, String> {
        let net: Ipv4Net = text.parse().map_err(|_| "is not an IPv4 range such as 10.0.0.0/16".to_owned())?;
        let canonical = net.trunc();
        if canonical == net {
            Ok(Cidr(net))
        } else {
            Err(format!("has address bits behind its prefix; AWS would make it {canonical}"))
        }
    }

    /// Returns the range that starts at an address; bits behind the prefix are dropped.
    pub fn new(address: Ipv4Addr, prefix_length: u8) -> Option<Cidr> {
        Ipv4Net::new(address, prefix_length).ok().map(|net| Cidr(net.trunc()))
    }

    /// Returns the range as `ipnet` holds it.
    pub fn net(self) -> Ipv4Net {
        self.0
    }

    /// Returns the prefix length.
    pub fn prefix_length(self) -> u8 {
        self.0.prefix_len()
    }

    /// Returns the first address as a number.
    pub fn first(self) -> u32 {
        self.0.network().into()
    }

    /// Returns whether every address of `other` is one of this range.
    pub fn contains(self, other: Cidr) -> bool {
        self.0.contains(&other.0)
    }

    /// Returns whether the two ranges share an address.
    pub fn overlaps(self, other: Cidr) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Returns the part that `cidrsubnet(self, block.newbits, block.netnum)` is; `None` if it is not inside.
    pub fn subnet(self, block: Block) -> Option<Cidr> {
        let length = self.prefix_length().checked_add(block.newbits).filter(|length| *length <= 32)?;
        if u64::from(block.netnum) >> block.newbits != 0 {
            return None;
        }
        let offset = u64::from(block.netnum) << (32 - length);
        Cidr::new(u32::try_from(u64::from(self.first()) + offset).ok()?.into(), length)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        while self.netnum >> (self.newbits - newbits) != other.netnum >> (other.newbits - newbits) {
            newbits -= 1;
        }
        Block { newbits, netnum: self.netnum >> (self.newbits - newbits) }
    }

    /// Returns whether the two blocks of one range share an address.
    pub fn overlaps(self, other: Block) -> bool {
        let shared = self.newbits.min(other.newbits);
        self.netnum >> (self.newbits - shared) == other.netnum >> (other.newbits - shared)
    }
}
