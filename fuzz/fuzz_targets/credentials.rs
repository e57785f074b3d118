//! Arbitrary bytes as a file of credentials, and as a credential on the command line.
//!
//! - A credential that was read matches its own issuer, subject and audience, unless it breaks a rule.
//! - The order of the credentials does not change the answer.
#![no_main]

use issuer::{Assertion, FederatedCredential, Hint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let given = String::from_utf8_lossy(bytes).parse::<FederatedCredential>();
    let read = FederatedCredential::read(bytes);
    for error in [given.as_ref().err(), read.as_ref().err()].into_iter().flatten() {
        assert!(error.hint().is_some() && !error.to_string().is_empty());
    }
    let credentials: Vec<_> = read.unwrap_or_default().into_iter().chain(given).collect();
    let mut reversed = credentials.clone();
    reversed.reverse();
    for credential in &credentials {
        let subject = credential.subject.clone().unwrap_or_default();
        let assertion = Assertion::default().issuer(&credential.issuer).subject(&subject);
        let assertion = credential.audiences.iter().fold(assertion, |assertion, audience| assertion.audience(audience));
        assert_eq!(assertion.find(&credentials), assertion.find(&reversed));
        if credential.problems().is_empty() && credential.subject.is_some() {
            assert_eq!(assertion.find(std::slice::from_ref(credential)), Ok(credential));
        }
    }
});
