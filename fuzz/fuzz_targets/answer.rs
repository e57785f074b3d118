//! Arbitrary bytes as the answer of Entra's token endpoint, and as a scope, authority host, tenant and client ID.
//!
//! - An access token is visible ASCII, has a lifetime, and is not in the debug output.
//! - A refusal has short texts, its advice does not depend on them, and the token in the bytes is in none of them.
//! - A scope, authority host, tenant or client ID that was parsed is parsed again from its own text.
#![no_main]

use std::str::FromStr;

use arbitrary::Arbitrary;
use issuer::{AuthorityHost, ClientId, Hint, RetryAdvice, Scope, TenantId, TokenAnswer};
use libfuzzer_sys::fuzz_target;

const SIGNATURE: &str = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LXNlZXM";
/// The longest description, in characters, with `…` at its end.
const TEXT_MAX: usize = 2001;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    status: u16,
    body: &'a [u8],
}

/// Text that was parsed is parsed again from its display form.
fn round_trip<T>(text: &str)
where
    T: FromStr<Err: Hint + ToString> + ToString + PartialEq + std::fmt::Debug,
{
    match text.parse::<T>() {
        Ok(value) => assert_eq!(value.to_string().parse::<T>().ok().as_ref(), Some(&value)),
        Err(error) => {
            assert!(!error.to_string().contains(SIGNATURE), "{}", error.to_string());
            assert!(!error.hint().is_some_and(|hint| hint.contains(SIGNATURE)));
        }
    }
}

fuzz_target!(|input: Input| {
    let status = if input.status.is_multiple_of(3) { 200 } else { input.status };
    let token = format!(" eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.{SIGNATURE} ");
    let text = String::from_utf8_lossy(input.body);
    // Only a whole token is recognised as a secret.
    if text.contains(SIGNATURE) {
        return;
    }
    let text = text.replace("$TOKEN", &token);
    match TokenAnswer::parse(status, text.as_bytes()) {
        TokenAnswer::Issued(issued) => {
            assert!(!issued.access_token.is_empty() && issued.access_token.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(!issued.expires_in.is_zero());
            assert!(!format!("{issued:?}").contains(SIGNATURE));
        }
        TokenAnswer::Refused(refusal) => {
            let advice = RetryAdvice::of(status, refusal.error.as_deref(), &refusal.codes);
            assert_eq!(refusal.retry_advice(), advice);
            let texts = [&refusal.error, &refusal.description, &refusal.suberror, &refusal.claims, &refusal.trace_id];
            for text in texts.into_iter().chain([&refusal.correlation_id, &refusal.timestamp]).flatten() {
                assert!(text.chars().count() <= TEXT_MAX && !text.contains(SIGNATURE), "{text}");
            }
        }
        other => assert!(status == 200, "{other:?}"),
    }
    round_trip::<Scope>(&text);
    round_trip::<AuthorityHost>(&text);
    round_trip::<TenantId>(&text);
    round_trip::<ClientId>(&text);
});
