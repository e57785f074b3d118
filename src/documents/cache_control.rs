//! The `Cache-Control` header of a document (RFC 9111).

use std::time::Duration;

/// The directives of a header, in lower case, each with its value without quotes.
fn directives(header: &str) -> impl Iterator<Item = (String, &str)> {
    header.split(',').map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'))
    })
}

/// The value of a directive in seconds; `None` if the value is not a number. A number that overflows becomes the
/// maximum (section 1.2.2).
fn seconds(value: &str) -> Option<u64> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

/// The longest time that a private or shared cache may keep a document; `None` if the header gives no time.
pub(crate) fn longest_lifetime(header: &str) -> Option<Duration> {
    let lifetimes = directives(header).filter(|(name, _)| matches!(name.as_str(), "max-age" | "s-maxage"));
    lifetimes.filter_map(|(_, value)| seconds(value)).max().map(Duration::from_secs)
}

/// The remaining freshness lifetime of a response in a private cache; `None` if the header gives no time.
///
/// Sections 4.2.1 and 5.2.2: `max-age` sets the lifetime. The lifetime is zero for `no-store`, `no-cache`, a value that
/// is not a number, and two different values.
#[cfg(feature = "remote")]
pub(crate) fn fresh_for<'a>(headers: impl Iterator<Item = &'a str>, age: Option<&str>) -> Option<Duration> {
    let mut lifetime: Option<u64> = None;
    for (name, value) in headers.flat_map(directives) {
        match name.as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                let number = seconds(value).unwrap_or_default();
                lifetime = Some(lifetime.map_or(number, |known| if known == number { number } else { 0 }));
            }
            _ => {}
        }
    }
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or_default();
    lifetime.map(|lifetime| Duration::from_secs(lifetime.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "remote")]
    #[test]
    fn freshness_lifetime_follows_max_age() {
        let cases: [(&[&str], Option<&str>, Option<u64>); 13] = [
            (&[], None, None),
            (&["public"], None, None),
            (&["public, max-age=3600"], None, Some(3600)),
            (&["public", "Max-Age=3600"], None, Some(3600)),
            (&["max-age=\"60\""], None, Some(60)),
            (&["max-age=3600"], Some("600"), Some(3000)),
            (&["max-age=60"], Some("600"), Some(0)),
            (&["max-age=60, s-maxage=600"], None, Some(60)),
            (&["no-cache"], None, Some(0)),
            (&["max-age=60, no-store"], None, Some(0)),
            (&["max-age=-1"], None, Some(0)),
            (&["max-age=99999999999999999999"], None, Some(u64::MAX)),
            (&["max-age=60, max-age=600"], None, Some(0)),
        ];
        for (lines, age, seconds) in cases {
            let found = fresh_for(lines.iter().copied(), age);
            assert_eq!(found, seconds.map(Duration::from_secs), "{lines:?} {age:?}");
        }
    }

    #[test]
    fn longest_lifetime_covers_shared_caches() {
        for (header, expected) in [
            ("", None),
            ("no-store", None),
            ("public, max-age=300", Some(300)),
            ("max-age=60, s-maxage=600", Some(600)),
            ("S-MaxAge = \"7\", max-age=5", Some(7)),
            ("max-age=soon", None),
        ] {
            assert_eq!(longest_lifetime(header), expected.map(Duration::from_secs), "{header}");
        }
    }
}
