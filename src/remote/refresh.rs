use std::time::Duration;

use crate::{issuer_url::IssuerUrl, verify::Refusal};

/// What became of one attempt to read the documents of an issuer, for logs and metrics.
///
/// ```no_run
/// use issuer::RemoteVerifier;
/// let verifier = RemoteVerifier::builder()
///     .trust("https://issuer.example.com".parse()?)
///     .on_refresh(|refresh| match &refresh.outcome {
///         Ok(kept_for) => println!("{} read, kept for {} s", refresh.issuer, kept_for.as_secs()),
///         Err(refusal) if refresh.keeps_keys => println!("{} not read, old keys stay: {refusal}", refresh.issuer),
///         Err(refusal) => println!("{} not read: {refusal}", refresh.issuer),
///     })
///     .build();
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refresh {
    /// The issuer.
    pub issuer: IssuerUrl,
    /// How long the JWKS is kept that was read, or why it was not read, or why no token can pass with it.
    pub outcome: Result<Duration, Refusal>,
    /// Whether tokens go on to be verified with keys that were read before.
    pub keeps_keys: bool,
}
