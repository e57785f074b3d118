//! Whether the internet can reach a host, judged only by its name or address.

mod address;

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr},
};

pub(crate) use address::why_address_not_public;
use percent_encoding::percent_decode_str;

/// Reason why the internet cannot reach a host, by its name or address; the text completes the sentence "its host …".
///
/// ```
/// use issuer::{KeySet, CurrentState, NotPublic, Plan, PlanRefusal, Timestamp, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://kubernetes.default.svc.cluster.local".parse()?, keys);
/// let plan = Plan::new(&CurrentState::default(), &desired, Timestamp::now());
/// let [PlanRefusal::IssuerNotPublic { because, .. }] = plan.refusals.as_slice() else { panic!("{plan:?}") };
/// assert_eq!(because, &NotPublic::Cluster);
/// assert_eq!(because.to_string(), "is a name inside a Kubernetes cluster");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotPublic {
    /// An address of 127.0.0.0/8, or `::1`.
    Loopback,
    /// An address of a private network (RFC 1918, RFC 4193).
    PrivateAddress,
    /// A link-local address (RFC 3927, RFC 4291), which metadata services also have.
    LinkLocal,
    /// Another address of the IANA special-purpose address registries, or multicast.
    SpecialAddress,
    /// A number that is not an IP address.
    NoAddress,
    /// `localhost` and names below it (RFC 6761).
    Localhost,
    /// A name without a dot.
    SingleLabel,
    /// A name of a service in a Kubernetes cluster: `.svc`, `.cluster.local`, `kubernetes.default.svc.…`.
    Cluster,
    /// A name of the local network (multicast DNS, RFC 6762).
    Local,
    /// A name of a private network (`.internal`, reserved by ICANN; `.home.arpa`, RFC 8375).
    Internal,
    /// A top-level domain that does not exist in the public DNS (RFC 6761, RFC 7686, RFC 9476).
    Reserved,
}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "is a loopback address",
            Self::PrivateAddress => "is an address of a private network",
            Self::LinkLocal => "is a link-local address",
            Self::SpecialAddress => "is a special-purpose address",
            Self::NoAddress => "is a number, but not an IP address",
            Self::Localhost => "is a name of the local machine",
            Self::SingleLabel => "is a name without a domain",
            Self::Cluster => "is a name inside a Kubernetes cluster",
            Self::Local => "is a name of the local network (.local)",
            Self::Internal => "is a name of a private network",
            Self::Reserved => "is under a top-level domain that does not exist in the public DNS",
        })
    }
}

/// Reason why the internet cannot reach a bare host or the host of a URL; `None` if the name or address gives no
/// reason.
///
/// Names are not resolved. Addresses are recognised in every spelling that a URL parser accepts:
///
/// - decimal, octal and hexadecimal numbers, also fewer than four (WHATWG URL section 3.5)
/// - percent-encoded, full-width, or with a trailing dot
/// - IPv4 inside IPv6, and IPv6 with a zone
///
/// Names are recognised in upper and lower case, percent-encoded, and with a trailing dot.
pub(crate) fn why_not_public(url_or_host: &str) -> Option<NotPublic> {
    let host = plain(&host_of(url_or_host));
    if host.is_empty() {
        return None;
    }
    match address(&host) {
        Some(Ok(address)) => why_address_not_public(address),
        Some(Err(why)) => Some(why),
        None => judge_name(&host),
    }
}

fn judge_name(name: &str) -> Option<NotPublic> {
    let is_below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let below_any = |domains: &[&str]| domains.iter().any(|domain| is_below(domain));
    if below_any(&["localhost", "localhost.localdomain"]) {
        Some(NotPublic::Localhost)
    } else if below_any(&["svc", "cluster.local"]) || name.starts_with("kubernetes.default.svc.") {
        // The Service of the API server also has this name in a cluster with another domain (kubelet --cluster-domain).
        Some(NotPublic::Cluster)
    } else if is_below("local") {
        Some(NotPublic::Local)
    } else if below_any(&["internal", "home.arpa"]) {
        Some(NotPublic::Internal)
    } else if !name.contains('.') {
        Some(NotPublic::SingleLabel)
    } else if below_any(&["test", "invalid", "onion", "alt"]) {
        Some(NotPublic::Reserved)
    } else {
        None
    }
}

/// The host that a URL parser finds in a URL (WHATWG URL section 4.4), which is more lenient than RFC 3986. A text
/// without a scheme is a host, with or without a port.
fn host_of(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|character: char| character <= ' ');
    let text = if text.contains(['\t', '\n', '\r']) {
        Cow::Owned(text.replace(['\t', '\n', '\r'], ""))
    } else {
        Cow::Borrowed(text)
    };
    let scheme = ["https:", "http:"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let rest = match (scheme, text.split_once("://")) {
        (Some(scheme), _) => text[scheme.len()..].trim_start_matches(['/', '\\']),
        (None, Some((_, rest))) => rest,
        (None, None) => &text,
    };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host_and_port.rsplit_once(':') {
        // A host with two colons outside brackets is a bare IPv6 address.
        Some((host, _)) if host.ends_with(']') || !host.contains(':') => host,
        _ => host_and_port,
    };
    Cow::Owned(host.to_owned())
}

/// Normalises a host: percent-decoded, mapped to ASCII where UTS #46 does so, in lower case, without trailing dots.
fn plain(host: &str) -> String {
    let decoded = percent_decode_str(host).decode_utf8_lossy();
    let folded = decoded.chars().filter_map(|character| match character {
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => None,
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => Some('.'),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xff01 + 0x21),
        other => Some(other),
    });
    // Convert to upper case first: this maps the long s and the Kelvin sign to ASCII letters.
    let lower = folded.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect::<String>();
    lower.trim_end_matches('.').to_owned()
}

/// The address in a host: `None` for a name, an error for a malformed address.
fn address(host: &str) -> Option<Result<IpAddr, NotPublic>> {
    if host.contains([':', '[', ']']) {
        let literal = host.trim_matches(['[', ']']);
        let without_zone = literal.split_once('%').map_or(literal, |(address, _)| address);
        return Some(without_zone.parse().map(IpAddr::V6).map_err(|_| NotPublic::NoAddress));
    }
    let parts: Vec<_> = host.split('.').collect();
    let last = parts.last().copied().unwrap_or_default();
    let ends_in_a_number = match last.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    };
    (ends_in_a_number && !last.is_empty()).then(|| ipv4(&parts).map(IpAddr::V4).ok_or(NotPublic::NoAddress))
}

/// An IPv4 address as `inet_aton` and URL parsers read it: the last number fills all remaining bytes.
fn ipv4(parts: &[&str]) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = parts.iter().map(|part| number(part)).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|number| *number > 255) {
        return None;
    }
    let left = 32 - 8 * u32::try_from(first.len()).ok()?;
    if u64::from(*last) >= 1 << left {
        return None;
    }
    let high = first.iter().fold(0_u64, |bits, number| bits << 8 | u64::from(*number)) << left;
    u32::try_from(high | u64::from(*last)).ok().map(Ipv4Addr::from_bits)
}

/// A number in decimal, in octal after `0`, or in hexadecimal after `0x`.
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    match digits {
        "" if radix == 16 => Some(0),
        digits if digits.starts_with('+') => None,
        digits => u32::from_str_radix(digits, radix).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_found_in_every_spelling() {
        use NotPublic::{LinkLocal, Loopback, NoAddress, PrivateAddress, SpecialAddress};
        let cases: [(NotPublic, &[&str]); 5] = [
            (
                Loopback,
                &[
                    "127.0.0.1",
                    "127.255.255.254",
                    "0x7f000001",
                    "0X7F000001",
                    "0x7f.1",
                    "2130706433",
                    "017700000001",
                    "127.1",
                    "127.0.1",
                    "0177.0.0.01",
                    "%31%32%37.0.0.1",
                    "127%2e0%2E0.1",
                    "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
                    "127\u{3002}0\u{3002}0\u{3002}1",
                    "127.0.0.\u{ad}1",
                    "127.0.0.1.",
                    "[::1]",
                    "[0:0:0:0:0:0:0:1]",
                    "[::ffff:127.0.0.1]",
                    "[::FFFF:7f00:1]",
                    "[2002:7f00:1::]",
                ],
            ),
            (
                PrivateAddress,
                &[
                    "10.0.0.0",
                    "10.255.255.255",
                    "172.16.0.0",
                    "172.31.255.255",
                    "192.168.0.1",
                    "0300.0250.0.1",
                    "192.168.257",
                    "[fc00::1]",
                    "[FDFF::1]",
                    "[::ffff:10.0.0.1]",
                    "[64:ff9b::10.0.0.1]",
                    "[2002:a00:1::1]",
                ],
            ),
            (
                LinkLocal,
                &[
                    "169.254.169.254",
                    "0xa9fea9fe",
                    "[fe80::1]",
                    "[febf::1]",
                    "[fe80::1%25eth0]",
                    "[::ffff:169.254.169.254]",
                    "[64:ff9b::a9fe:a9fe]",
                ],
            ),
            (
                SpecialAddress,
                &[
                    "100.64.0.0",
                    "100.127.255.255",
                    "0.0.0.0",
                    "0",
                    "0x",
                    "0.1.2.3",
                    "224.0.0.1",
                    "239.255.255.255",
                    "240.0.0.1",
                    "255.255.255.255",
                    "192.0.0.1",
                    "192.0.2.1",
                    "192.88.99.1",
                    "198.18.0.1",
                    "198.19.255.255",
                    "198.51.100.1",
                    "203.0.113.1",
                    "[::]",
                    "[fec0::1]",
                    "[ff02::1]",
                    "[ff0e::1]",
                    "[100::1]",
                    "[4000::1]",
                    "[2001:db8::1]",
                    "[3fff::1]",
                    "[2001:2::1]",
                    "[2001::1]",
                    "[::10.0.0.1]",
                    "[::127.0.0.1]",
                    "[::ffff:0:10.0.0.1]",
                    "[64:ff9b:1::8.8.8.8]",
                ],
            ),
            (
                NoAddress,
                &[
                    "256.0.0.1",
                    "1.2.3.4.5",
                    "4294967296",
                    "1.2.3.08",
                    "a.0x100000000",
                    "example.com.9",
                    "[::g]",
                    "[v1.x]",
                    "1..2",
                ],
            ),
        ];
        for (why, hosts) in cases {
            for host in hosts {
                assert_eq!(why_not_public(host), Some(why), "{host}");
                for url in [
                    format!("https://{host}/a?b#c"),
                    format!("HTTP://{host}:8443"),
                    format!(" https:\\\\{host}\\@example.com"),
                    format!("https:{host}"),
                    format!("ht\ntps:/\t/user:1.1.1.1@{host}"),
                ] {
                    assert_eq!(why_not_public(&url), Some(why), "{url:?}");
                }
            }
        }
        assert_eq!(why_not_public("::1"), Some(Loopback));
        assert_eq!(why_not_public("127.0.0.1:80"), Some(Loopback));
    }

    #[test]
    fn names_outside_the_public_dns_are_found() {
        use NotPublic::{Cluster, Internal, Local, Localhost, Reserved, SingleLabel};
        for (why, hosts) in [
            (Localhost, &["localhost", "LOCALHOST.", "l%6Fcalhost", "a.localhost", "localho\u{17f}t"][..]),
            (
                Cluster,
                &[
                    "kubernetes.default.svc",
                    "kubernetes.default.svc.cluster.local",
                    "Kubernetes.Default.SVC.",
                    "kubernetes.default.svc.k8s.example.com",
                    "cluster.local",
                    "node.cluster.local",
                ],
            ),
            (Local, &["nas.local", "a.b.local."]),
            (Internal, &["metadata.google.internal", "oidc.corp.internal", "router.home.arpa"]),
            (SingleLabel, &["kubernetes", "oidc.", "xn--x"]),
            (Reserved, &["a.test", "a.invalid", "abc.onion", "a.alt"]),
        ] {
            for host in hosts {
                assert_eq!(why_not_public(host), Some(why), "{host}");
                assert_eq!(why_not_public(&format!("https://{host}:443/x")), Some(why), "{host}");
            }
        }
    }

    #[test]
    fn public_addresses_and_names_are_accepted() {
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
            "issuer.example.com",
            "acct.z6.web.core.windows.net",
            "oidc.svc.example.com",
            "mylocalhost.example",
            "notlocal.example",
            "svc.example",
            "0x7g.example",
            "10.example",
            "thelocal.com",
            "internal.example.com",
        ] {
            assert_eq!(why_not_public(host), None, "{host}");
            assert_eq!(why_not_public(&format!("https://{host}/127.0.0.1@localhost")), None, "{host}");
        }
        assert_eq!(why_not_public(""), None);
        // The user information and the path of a URL are not part of its host.
        assert_eq!(why_not_public("https://localhost@example.com/"), None);
        assert_eq!(why_not_public("https://127.0.0.1:80@example.com#@10.0.0.1"), None);
    }
}
