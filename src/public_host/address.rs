//! Classifies addresses: public, or not reachable from the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::NotPublic;

/// The IPv4 networks that are not public (IANA IPv4 Special-Purpose Address Registry, and multicast).
const NOT_PUBLIC_V4: [(Ipv4Addr, u32, NotPublic); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8, NotPublic::SpecialAddress),
    (Ipv4Addr::new(10, 0, 0, 0), 8, NotPublic::PrivateAddress),
    (Ipv4Addr::new(100, 64, 0, 0), 10, NotPublic::SpecialAddress),
    (Ipv4Addr::new(127, 0, 0, 0), 8, NotPublic::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, NotPublic::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, NotPublic::PrivateAddress),
    (Ipv4Addr::new(192, 0, 0, 0), 24, NotPublic::SpecialAddress),
    (Ipv4Addr::new(192, 0, 2, 0), 24, NotPublic::SpecialAddress),
    (Ipv4Addr::new(192, 88, 99, 0), 24, NotPublic::SpecialAddress),
    (Ipv4Addr::new(192, 168, 0, 0), 16, NotPublic::PrivateAddress),
    (Ipv4Addr::new(198, 18, 0, 0), 15, NotPublic::SpecialAddress),
    (Ipv4Addr::new(198, 51, 100, 0), 24, NotPublic::SpecialAddress),
    (Ipv4Addr::new(203, 0, 113, 0), 24, NotPublic::SpecialAddress),
    (Ipv4Addr::new(224, 0, 0, 0), 4, NotPublic::SpecialAddress),
    (Ipv4Addr::new(240, 0, 0, 0), 4, NotPublic::SpecialAddress),
];

/// The public IPv6 network. All other addresses are not public (IANA IPv6 Special-Purpose Address Registry).
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// The networks inside [`PUBLIC_V6`] that are not public, and the networks outside it with a reason of their own.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32, NotPublic); 6] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, NotPublic::SpecialAddress),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, NotPublic::SpecialAddress),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, NotPublic::SpecialAddress),
    (Ipv6Addr::LOCALHOST, 128, NotPublic::Loopback),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, NotPublic::PrivateAddress),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, NotPublic::LinkLocal),
];

/// The IPv6 networks whose addresses embed the IPv4 address of the destination, and the position of its last bit:
/// mapped (RFC 4291 section 2.5.5.2), NAT64 (RFC 6052), 6to4 (RFC 3056).
const HOLDS_V4: [(Ipv6Addr, u32, u32); 3] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 0),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 0),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 80),
];

/// Reason why an address is not public; `None` for a public address.
pub(crate) fn why_address_not_public(address: IpAddr) -> Option<NotPublic> {
    match address {
        IpAddr::V4(address) => why_not_public_v4(address),
        IpAddr::V6(address) => why_not_public_v6(address),
    }
}

fn why_not_public_v4(address: Ipv4Addr) -> Option<NotPublic> {
    let within = |network: Ipv4Addr, length: u32| (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0;
    NOT_PUBLIC_V4.into_iter().find(|&(network, length, _)| within(network, length)).map(|(_, _, why)| why)
}

fn why_not_public_v6(address: Ipv6Addr) -> Option<NotPublic> {
    let within = |network: Ipv6Addr, length: u32| (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0;
    #[expect(clippy::cast_possible_truncation, reason = "the last 32 bits are the address")]
    let held = |shift: u32| Ipv4Addr::from_bits((address.to_bits() >> shift) as u32);
    if let Some((_, _, shift)) = HOLDS_V4.into_iter().find(|&(network, length, _)| within(network, length)) {
        return why_not_public_v4(held(shift));
    }
    let named = NOT_PUBLIC_V6.into_iter().find(|&(network, length, _)| within(network, length));
    let (network, length) = PUBLIC_V6;
    named.map(|(_, _, why)| why).or_else(|| (!within(network, length)).then_some(NotPublic::SpecialAddress))
}
