//! How long a response may be kept, as its server says (RFC 9111).

use std::time::Duration;

/// The freshness lifetime of a response in a private cache, less its age; `None` where the server says nothing.
///
/// Sections 4.2.1 and 5.2.2: `max-age` counts; `no-store` and `no-cache`, a number that is none and one given twice
/// leave no time at all.
pub(super) fn fresh_for<'a>(cache_control: impl Iterator<Item = &'a str>, age: Option<&str>) -> Option<Duration> {
    let mut seconds: Option<u64> = None;
    for directive in cache_control.flat_map(|line| line.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                let digits = value.trim().trim_matches('"');
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                // Section 1.2.2: a number too large to keep is as large as can be.
                let number = if is_number { digits.parse().unwrap_or(u64::MAX) } else { 0 };
                seconds = Some(seconds.map_or(number, |known| if known == number { number } else { 0 }));
            }
            _ => {}
        }
    }
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or_default();
    seconds.map(|seconds| Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::fresh_for;

    #[test]
    fn a_response_is_fresh_as_long_as_its_server_says() {
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
}
