use super::Fetched;

/// Both documents of an issuer after an attempt to fetch them.
///
/// ```
/// use issuer::{Expectations, PublishedIssuer, Verifier};
/// let issuer: issuer::IssuerUrl = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "no/such/site".as_ref());
/// assert!(published.discovery.outcome.is_err() && published.jwks.is_none());
///
/// let verifier = Verifier::from_published(issuer, &published);
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let report = verifier.examine(&token, &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// assert_eq!(report.checks[2].name.to_string(), "discovery");
/// assert!(matches!(&report.checks[2].outcome, issuer::Outcome::Failed(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Over HTTPS, with the feature `remote`:
///
/// ```no_run
/// use issuer::{HttpFetcher, Location, PublishedIssuer};
/// # async fn read() -> Result<(), issuer::Error> {
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::fetch(&issuer, &Location::Issuer, &HttpFetcher::default()).await;
/// // Fetch both at once, if the JWKS is at the path that `publish` uses.
/// let same = PublishedIssuer::fetch_expected(&issuer, &Location::Issuer, &HttpFetcher::default()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedIssuer {
    /// The discovery document.
    pub discovery: Fetched,
    /// The JWKS; `None` without a trusted discovery document that gives its URL.
    pub jwks: Option<Fetched>,
    /// The host of the issuer, if this machine resolves it to private addresses only. With split DNS, other machines
    /// may resolve it to public addresses.
    pub private_host: Option<String>,
}
