//! Which addresses are public: those that anybody on the internet reaches, and not just this machine or its network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// What is not public of IPv4 (IANA IPv4 Special-Purpose Address Registry, and multicast).
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What is public of IPv6, and what is not of that (IANA IPv6 Special-Purpose Address Registry).
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Where an IPv6 address holds the IPv4 address that packets go to in the end, and where in it the last bit of that is:
/// mapped (RFC 4291 section 2.5.5.2), NAT64 (RFC 6052), 6to4 (RFC 3056).
const HOLDS_V4: [(Ipv6Addr, u32, u32); 3] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 0),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 0),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 80),
];

/// Whether the host of a URL is public, by all the addresses it has; one without any is left to the client to tell of.
pub(super) async fn is_public_host(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let addresses = tokio::net::lookup_host((host, 0)).await;
    addresses.map_or(true, |mut addresses| addresses.all(|address| is_public(address.ip())))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(network, length): (Ipv4Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0;
    !NOT_PUBLIC_V4.into_iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |(network, length): (Ipv6Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0;
    #[expect(clippy::cast_possible_truncation, reason = "the last 32 bits are what is asked for")]
    let held = |shift: u32| Ipv4Addr::from_bits((address.to_bits() >> shift) as u32);
    match HOLDS_V4.into_iter().find(|&(network, length, _)| within((network, length))) {
        Some((_, _, shift)) => is_public_v4(held(shift)),
        None => within(PUBLIC_V6) && !NOT_PUBLIC_V6.into_iter().any(within),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_public_url(url: &str) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(is_public_host(&Url::parse(url).unwrap()))
    }

    #[test]
    fn an_address_of_this_machine_or_its_network_is_not_public_however_it_is_spelled() {
        for host in [
            // loopback
            "127.0.0.1",
            "127.255.255.254",
            "localhost",
            "LOCALHOST",
            "0x7f000001",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "127.1",
            "%31%32%37.0.0.1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "127.0.0.1.",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            // private
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "0300.0250.0.1",
            "[fc00::1]",
            "[fdff::1]",
            "[fec0::1]",
            // link-local
            "169.254.169.254",
            "0xa9fea9fe",
            "[fe80::1]",
            "[febf::1]",
            // shared by the customers of a carrier
            "100.64.0.0",
            "100.127.255.255",
            // unspecified, multicast, broadcast, reserved
            "0.0.0.0",
            "0",
            "0.1.2.3",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[ff02::1]",
            "[ff0e::1]",
            "[100::1]",
            "[4000::1]",
            // documentation, benchmarking, protocols
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "[2001:db8::1]",
            "[3fff::1]",
            "[2001:2::1]",
            "[2001::1]",
            // IPv4 within IPv6: mapped, compatible, translated, NAT64, 6to4
            "[::ffff:10.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:169.254.169.254]",
            "[::10.0.0.1]",
            "[::127.0.0.1]",
            "[::ffff:0:10.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::8.8.8.8]",
            "[2002:a00:1::1]",
            "[2002:7f00:1::]",
        ] {
            assert!(!is_public_url(&format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn an_address_on_the_internet_is_public() {
        for host in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[2606:4700::1]",
            "[2001:200::1]",
            "[::ffff:1.1.1.1]",
            "[64:ff9b::1.1.1.1]",
            "[2002:101:101::1]",
        ] {
            assert!(is_public_url(&format!("https://{host}/")), "{host}");
        }
    }
}
