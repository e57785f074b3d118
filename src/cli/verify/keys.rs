//! The keys that the tokens of a batch are verified with.

use issuer::{Expectations, Hint, Refusal, RemoteVerifier, Timestamp, VerifiedToken, Verifier};
use tokio::runtime::Handle;
use tracing::{Instrument, info_span};

use super::{
    super::{Exit, Failure, Output, runtime},
    trust::Trusted,
};

/// The keys, fetched once or refreshed.
pub(super) enum Keys {
    /// Fetched once, because the input or the source of the keys is a file.
    Fixed { verifier: Verifier, at: Option<Timestamp> },
    /// Refreshed as their Cache-Control requires, and for an unknown `kid`, because the input may last for days.
    Refreshing { verifier: RemoteVerifier, runtime: Handle, at: Option<Timestamp> },
}

impl Keys {
    /// Reads the documents of every issuer once.
    pub(super) fn fixed(trusted: &Trusted, at: Option<Timestamp>, output: &mut Output) -> Result<Self, Failure> {
        let issuers = trusted.read(trusted.issuers.clone(), output)?;
        for issuer in &issuers {
            if let Err(refusal) = issuer.usable() {
                unusable(issuer.url().as_str(), &refusal, output)?;
            }
        }
        Ok(Self::Fixed { verifier: issuers.into_iter().collect(), at })
    }

    /// Reads the documents of every issuer, and refreshes them from then on.
    pub(super) fn refreshing(trusted: &Trusted, at: Option<Timestamp>, output: &mut Output) -> Result<Self, Failure> {
        let verifier = trusted.builder().build();
        let runtime = runtime::in_background()?;
        let names: Vec<_> = trusted.issuers.iter().map(ToString::to_string).collect();
        let limit_s = trusted.timeout.as_secs_f64();
        let span = info_span!("read the documents of", issuers = names.join(", "), limit_s);
        // Every refusal is reported below.
        let ready = output.watch().without_warnings(verifier.ready()).instrument(span);
        let in_time = runtime.block_on(async { tokio::time::timeout(trusted.timeout, ready).await.is_ok() });
        if !in_time {
            let seconds = trusted.timeout.as_secs_f64();
            let message = format!("no answer within {seconds} s (--timeout) from {}", names.join(", "));
            let hint = "check the name and the network, or pass a longer --timeout".to_owned();
            return Err(Failure::new(Exit::Incomplete, message, Some(hint)));
        }
        let snapshot = verifier.snapshot();
        for issuer in &trusted.issuers {
            if let Some(refusal) = snapshot.issuer(issuer).and_then(|issuer| issuer.usable().err()) {
                unusable(issuer.as_str(), &refusal, output)?;
            }
        }
        Ok(Self::Refreshing { verifier, runtime, at })
    }

    pub(super) fn verify(&self, token: &str, expectations: &Expectations) -> Result<VerifiedToken, Refusal> {
        match self {
            Self::Fixed { verifier, at } => verifier.verify(token, expectations, at.unwrap_or_else(Timestamp::now)),
            Self::Refreshing { verifier, runtime, at: None } => runtime.block_on(verifier.verify(token, expectations)),
            Self::Refreshing { verifier, runtime, at: Some(at) } => {
                runtime.block_on(verifier.verify_at(token, expectations, *at))
            }
        }
    }
}

/// Reports an issuer whose tokens are all refused. It is an error if its documents could not be read.
fn unusable(issuer: &str, refusal: &Refusal, output: &mut Output) -> Result<(), Failure> {
    if refusal.is_inconclusive() {
        return Err(Failure::new(Exit::Incomplete, refusal.to_string(), refusal.hint()));
    }
    output.warning(format!("cannot verify any token of {issuer}: {refusal}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use issuer::{Clock, Jwks, Location};

    use super::*;

    const ISSUER: &str = "https://issuers.example.com/clusters/prod-1";

    /// A clock that a test sets, in seconds after the time of the recording.
    #[derive(Clone, Default)]
    struct Set(Arc<AtomicI64>);

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            let start: Timestamp = "2026-11-22T00:40:00Z".parse().unwrap();
            Timestamp::from_second(start.as_second() + self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    #[test]
    fn rotated_key_verifies_and_revoked_key_stops() {
        let run = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/path-issuer");
        let read = |name: &str| std::fs::read_to_string(format!("{run}/{name}")).unwrap();
        let site = tempfile::tempdir().unwrap();
        let issuer: issuer::IssuerUrl = ISSUER.parse().unwrap();
        let place = |path: &str| {
            let file = site.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            file
        };
        let keys = issuer::KeySet::from_bytes(read("sa.pub").as_bytes()).unwrap();
        let other = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/rotation/sa.pub")).unwrap();
        let other = issuer::KeySet::from_bytes(&other).unwrap();
        let publish = |keys: &issuer::KeySet| {
            let documents = issuer::Documents::new(issuer.clone(), keys);
            std::fs::write(place(".well-known/openid-configuration"), documents.discovery.to_bytes()).unwrap();
            std::fs::write(place("openid/v1/jwks"), Jwks::from_keys(keys.iter()).to_bytes()).unwrap();
        };
        let clock = Set::default();
        let location = Location::Directory(site.path().to_owned());
        let builder = RemoteVerifier::builder().trust_published_at(issuer.clone(), location).clock(clock.clone());
        let (verifier, runtime) = (builder.build(), runtime::in_background().unwrap());
        let keys_of_batch = Keys::Refreshing { verifier, runtime, at: None };
        let token = read("entra-1h.jwt");
        let is_accepted = || keys_of_batch.verify(token.trim(), &Expectations::entra()).is_ok();
        publish(&other);
        assert!(!is_accepted(), "not published yet");
        publish(&keys);
        assert!(!is_accepted(), "an unknown key leads to one request in 30 s");
        clock.0.store(31, Ordering::SeqCst);
        assert!(is_accepted(), "rotated");
        publish(&other);
        assert!(is_accepted(), "kept for a while");
        clock.0.store(31 + 601, Ordering::SeqCst);
        assert!(!is_accepted(), "revoked");
    }
}
