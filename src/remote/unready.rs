use crate::{issuer_url::IssuerUrl, verify::Refusal};

/// An issuer whose documents cannot verify any token.
///
/// ```
/// use issuer::{Location, RemoteVerifier};
/// let issuer = "https://issuer.example.com".parse()?;
/// let nowhere = Location::Directory("no-such-site".into());
/// let verifier = RemoteVerifier::builder().trust_published_at(issuer, nowhere).build();
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let unready = runtime.block_on(verifier.ready()).unwrap_err();
/// assert_eq!(unready.issuer.as_str(), "https://issuer.example.com");
/// assert_eq!(unready.to_string(), format!("https://issuer.example.com: {}", unready.refusal));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{issuer}: {refusal}")]
pub struct NotReady {
    /// The issuer.
    pub issuer: IssuerUrl,
    /// The refusal of every token of this issuer.
    pub refusal: Refusal,
}
