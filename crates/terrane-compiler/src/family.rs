//! The two families of addresses: their widths, and all that differs with the family.
//!
//! Everything that reckons with addresses is generic in [`Address`], and IPv4 unless it says otherwise.

use std::fmt::Debug;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr, Sub};

/// Addresses of IPv4.
pub type V4 = u32;

/// Addresses of IPv6.
pub type V6 = u128;

/// An address as a number, which says which family it is of.
pub trait Address:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + Hash
    + Ord
    + From<u32>
    + TryInto<u32>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + Shl<u8, Output = Self>
    + Shr<u8, Output = Self>
    + Sub<Output = Self>
    + 'static
{
    /// The name of the family.
    const FAMILY: &'static str;
    /// The bits of an address.
    const WIDTH: u8;
    /// The first address.
    const FIRST: Self;
    /// The last address.
    const LAST: Self;
    /// A range, for messages.
    const EXAMPLE: &'static str;

    /// Ranges that the internet does not route, as first address and prefix length: what a must-reach check leaves out.
    ///
    /// <https://www.iana.org/assignments/iana-ipv4-special-registry> and
    /// <https://www.iana.org/assignments/iana-ipv6-special-registry>; of IPv6 only `2000::/3` is given out:
    /// <https://www.iana.org/assignments/ipv6-address-space>.
    const NOT_INTERNET: &'static [(Self, u8)];
    /// The first address that the internet routes.
    const FIRST_PUBLIC: Self;

    /// The protocol number of the family's ICMP:
    /// <https://www.iana.org/assignments/protocol-numbers>.
    const ICMP: u8;
    /// The type and code of the ICMP message that a packet is too big for its way:
    /// [RFC 1191](https://www.rfc-editor.org/rfc/rfc1191) and [RFC 8201](https://www.rfc-editor.org/rfc/rfc8201).
    const TOO_BIG: (u8, u8);
    /// The ICMP types that ask, each with the type that answers; the first pair is echo.
    ///
    /// Echo, timestamp, information, and address mask ([RFC 792](https://www.rfc-editor.org/rfc/rfc792),
    /// [RFC 950](https://www.rfc-editor.org/rfc/rfc950)); echo ([RFC 4443](https://www.rfc-editor.org/rfc/rfc4443))
    /// and node information ([RFC 4620](https://www.rfc-editor.org/rfc/rfc4620)).
    const ANSWERS: &'static [(u8, u8)];

    /// Returns the address as the standard library holds it.
    fn ip(self) -> IpAddr;

    /// Returns the number of an address; `None` if it is of the other family.
    fn of_ip(address: IpAddr) -> Option<Self>;

    /// Returns how many addresses a prefix of this length has; the most that can be counted for that of all IPv6.
    fn addresses(prefix_length: u8) -> u128;

    /// Returns the address of which the bits behind a prefix of this length are set, and no others.
    fn behind(prefix_length: u8) -> Self;

    /// Returns the length of the longest prefix that holds both.
    fn common_prefix(self, other: Self) -> u8;

    /// Returns the address that comes this many later, if any.
    fn after(self, steps: u32) -> Option<Self>;

    /// Returns the address before, if any.
    fn before(self) -> Option<Self>;

    /// Returns whether the internet routes it.
    fn is_public(self) -> bool {
        !Self::NOT_INTERNET
            .iter()
            .any(|(first, length)| *first <= self && self <= *first | Self::behind(*length))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u128 {}
}

/// What is the same in both families but for the type of the number.
macro_rules! arithmetic {
    ($number:ty) => {
        const WIDTH: u8 = <$number>::BITS as u8;
        const FIRST: $number = 0;
        const LAST: $number = <$number>::MAX;

        fn addresses(prefix_length: u8) -> u128 {
            1_u128.checked_shl(u32::from(Self::WIDTH.saturating_sub(prefix_length))).unwrap_or(u128::MAX)
        }

        fn behind(prefix_length: u8) -> $number {
            <$number>::MAX.checked_shr(prefix_length.into()).unwrap_or(0)
        }

        fn common_prefix(self, other: $number) -> u8 {
            (self ^ other).leading_zeros() as u8
        }

        fn after(self, steps: u32) -> Option<$number> {
            self.checked_add(steps.into())
        }

        fn before(self) -> Option<$number> {
            self.checked_sub(1)
        }
    };
}

impl Address for V4 {
    const FAMILY: &'static str = "IPv4";
    const EXAMPLE: &'static str = "10.0.0.0/16";
    const NOT_INTERNET: &'static [(u32, u8)] = &[
        (0x0000_0000, 8),
        (0x0a00_0000, 8),
        (0x6440_0000, 10),
        (0x7f00_0000, 8),
        (0xa9fe_0000, 16),
        (0xac10_0000, 12),
        (0xc0a8_0000, 16),
        (0xc612_0000, 15),
        (0xe000_0000, 4),
        (0xf000_0000, 4),
    ];
    const FIRST_PUBLIC: u32 = 0x0100_0000;
    const ICMP: u8 = 1;
    const TOO_BIG: (u8, u8) = (3, 4);
    const ANSWERS: &'static [(u8, u8)] = &[(8, 0), (13, 14), (15, 16), (17, 18)];

    arithmetic!(u32);

    fn ip(self) -> IpAddr {
        Ipv4Addr::from(self).into()
    }

    fn of_ip(address: IpAddr) -> Option<u32> {
        match address {
            IpAddr::V4(address) => Some(address.into()),
            IpAddr::V6(_) => None,
        }
    }
}

impl Address for V6 {
    const FAMILY: &'static str = "IPv6";
    const EXAMPLE: &'static str = "2001:db8::/56";
    const NOT_INTERNET: &'static [(u128, u8)] = &[
        (0, 3),
        (0x2001_0002 << 96, 48),
        (0x2001_0db8 << 96, 32),
        (0x3fff << 112, 20),
        (0x4000 << 112, 2),
        (0x8000 << 112, 1),
    ];
    const FIRST_PUBLIC: u128 = 0x2000 << 112;
    const ICMP: u8 = 58;
    const TOO_BIG: (u8, u8) = (2, 0);
    const ANSWERS: &'static [(u8, u8)] = &[(128, 129), (139, 140)];

    arithmetic!(u128);

    fn ip(self) -> IpAddr {
        Ipv6Addr::from(self).into()
    }

    fn of_ip(address: IpAddr) -> Option<u128> {
        match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(address.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address<A: Address>(text: &str) -> A {
        A::of_ip(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn numbers_and_addresses_are_the_same_thing() {
        assert_eq!(address::<V4>("10.0.0.1").ip().to_string(), "10.0.0.1");
        assert_eq!(address::<V6>("2001:db8::1").ip().to_string(), "2001:db8::1");
        assert_eq!(V4::of_ip("2001:db8::1".parse().unwrap()), None);
        assert_eq!(V6::of_ip("10.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn a_prefix_has_as_many_addresses_as_its_width_leaves() {
        let counts = [0, 8, 24, 32, 99].map(V4::addresses);
        assert_eq!(counts, [1 << 32, 1 << 24, 256, 1, 1]);
        let counts = [0, 1, 64, 128].map(V6::addresses);
        assert_eq!(counts, [u128::MAX, 1 << 127, 1 << 64, 1]);
        assert_eq!([0, 24, 32].map(V4::behind), [u32::MAX, 255, 0]);
        assert_eq!([0, 64, 128].map(V6::behind), [u128::MAX, u128::from(u64::MAX), 0]);
    }

    #[test]
    fn nothing_comes_after_the_last_address_or_before_the_first() {
        assert_eq!((V4::LAST.after(1), V4::FIRST.before()), (None, None));
        assert_eq!((V6::LAST.after(1), V6::FIRST.before()), (None, None));
        assert_eq!(V4::LAST.after(0), Some(u32::MAX));
    }

    #[test]
    fn the_internet_is_what_is_given_out() {
        for text in ["1.0.0.0", "8.8.8.8", "172.32.0.0", "223.255.255.255"] {
            assert!(address::<V4>(text).is_public(), "{text}");
        }
        for text in ["0.1.2.3", "10.1.2.3", "100.64.0.1", "169.254.169.254", "255.255.255.255"] {
            assert!(!address::<V4>(text).is_public(), "{text}");
        }
        for text in ["2000::", "2600:1f00::1", "2001:4860:4860::8888", "3ffe::1"] {
            assert!(address::<V6>(text).is_public(), "{text}");
        }
        for text in [
            "::1",
            "64:ff9b::808:808",
            "2001:db8::1",
            "2001:2::1",
            "3fff:1::1",
            "5f00::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(!address::<V6>(text).is_public(), "{text}");
        }
        assert!(V4::FIRST_PUBLIC.is_public() && !V4::FIRST_PUBLIC.before().unwrap().is_public());
        assert!(V6::FIRST_PUBLIC.is_public() && !V6::FIRST_PUBLIC.before().unwrap().is_public());
    }
}
