use std::sync::Arc;

use super::{
    Refusal, RelyingParty, VerifyWarning,
    clipped::{clipped, first_of},
    key_ring::KeyRing,
};
use crate::{
    documents::{Discovery, Documents, FetchError, Fetched, Jwks, Page, PublishedIssuer},
    issuer_url::{IssuerUrl, shown},
    public_host::why_not_public,
};

/// A trusted issuer with its parsed keys.
///
/// A [`Verifier`](super::Verifier) trusts one or more issuers.
///
/// ```
/// use issuer::{Documents, KeySet, TrustedIssuer, Verifier};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let mut trusted = Vec::new();
/// for cluster in ["a", "b"] {
///     let issuer = format!("https://issuers.example.com/{cluster}").parse()?;
///     trusted.push(TrustedIssuer::new(&Documents::new(issuer, &keys))?);
/// }
/// assert_eq!(trusted[0].url().as_str(), "https://issuers.example.com/a");
/// assert_eq!(trusted[0].usable(), Ok(()));
/// // From a JWKS only, or from fetched documents.
/// let jwks = issuer::Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
/// trusted.push(TrustedIssuer::from_jwks("https://issuers.example.com/c".parse()?, &jwks));
/// let issuer = "https://issuers.example.com/d".parse()?;
/// let published = issuer::PublishedIssuer::from_directory(&issuer, "no/such/site".as_ref());
/// trusted.push(TrustedIssuer::from_published(issuer, &published));
/// assert!(trusted[3].usable().is_err());
/// let verifier: Verifier = trusted.into_iter().collect();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TrustedIssuer {
    pub(super) url: IssuerUrl,
    pub(super) discovery: DiscoveryState,
    /// `None` without a trusted discovery document that gives the URL of the JWKS.
    pub(super) keys: Option<Result<Arc<KeyRing>, Refusal>>,
    /// A remark on how the JWKS was served; empty if there is nothing to report.
    pub(super) jwks_remark: String,
    /// Reasons why Entra cannot fetch the documents.
    unreachable: Unreachable,
    /// Properties of the documents, or of how they are served, that a relying party may reject.
    pub(super) warnings: Vec<VerifyWarning>,
}

/// The refusals of an issuer and of a `jwks_uri` that the internet cannot reach.
#[derive(Clone, Default)]
struct Unreachable {
    issuer: Option<Refusal>,
    jwks_uri: Option<Refusal>,
}

impl Unreachable {
    fn new(issuer: &IssuerUrl, jwks_uri: Option<&str>) -> Self {
        let issuer_refusal = |because| Refusal::IssuerNotPublic { issuer: issuer.to_string(), because };
        let jwks_uri = jwks_uri.and_then(|uri| Some((uri, why_not_public(uri)?)));
        Self {
            issuer: why_not_public(issuer.as_str()).map(issuer_refusal),
            jwks_uri: jwks_uri.map(|(uri, because)| Refusal::JwksUriNotPublic { jwks_uri: shown(uri), because }),
        }
    }
}

#[derive(Clone)]
pub(super) enum DiscoveryState {
    /// The document names the trusted issuer; the text describes the document.
    Good(String),
    Bad(Refusal),
    NotAsked,
    /// Nothing was fetched, because it does not matter.
    NotFetched,
}

impl TrustedIssuer {
    /// An issuer with the given documents.
    ///
    /// # Errors
    ///
    /// [`Refusal`] when every token would be refused: the discovery document names another issuer, or the JWKS is not
    /// usable.
    pub fn new(documents: &Documents) -> Result<Self, Refusal> {
        let discovery = judge_issuer(&documents.issuer, &documents.discovery)?;
        let ring = KeyRing::new(&documents.jwks);
        ring.judge(RelyingParty::Oidc)?;
        Ok(Self {
            url: documents.issuer.clone(),
            discovery: DiscoveryState::Good(discovery),
            keys: Some(Ok(Arc::new(ring))),
            jwks_remark: String::new(),
            unreachable: Unreachable::new(&documents.issuer, Some(&documents.discovery.jwks_uri)),
            warnings: Vec::new(),
        })
    }

    /// An issuer with fetched documents. Problems of the documents become part of every report.
    pub fn from_published(issuer: IssuerUrl, published: &PublishedIssuer) -> Self {
        let discovery = match read_discovery(&issuer, &published.discovery) {
            Ok(seen) => DiscoveryState::Good(seen),
            Err(refusal) => DiscoveryState::Bad(refusal),
        };
        let keys = match (&discovery, &published.jwks) {
            // With a trusted discovery document, a missing JWKS is an error.
            (DiscoveryState::Good(_), None) => Some(Err(Refusal::KeySetEmpty)),
            (_, jwks) => jwks.as_ref().map(read_jwks),
        };
        let page = published.jwks.as_ref().and_then(|jwks| jwks.outcome.as_ref().ok());
        let jwks_remark = page.map(remark).unwrap_or_default();
        let warnings = warnings_of(published);
        let named = published.discovery.outcome.as_ref().ok().and_then(|page| Discovery::parse(&page.body).ok());
        let unreachable = Unreachable::new(&issuer, named.as_ref().map(|named| named.jwks_uri.as_str()));
        Self { url: issuer, discovery, keys, jwks_remark, unreachable, warnings }
    }

    /// An issuer with a JWKS, without a discovery document.
    pub fn from_jwks(issuer: IssuerUrl, jwks: &Jwks) -> Self {
        let keys = Some(Ok(Arc::new(KeyRing::new(jwks))));
        let discovery = DiscoveryState::NotAsked;
        let unreachable = Unreachable::new(&issuer, None);
        Self { url: issuer, discovery, keys, jwks_remark: String::new(), unreachable, warnings: Vec::new() }
    }

    /// An issuer whose documents are not fetched, because they do not matter: Entra fetches no document of an issuer that
    /// no federated identity credential has.
    ///
    /// ```
    /// use issuer::{Expectations, TrustedIssuer, Verifier};
    /// let verifier = Verifier::default().trust(TrustedIssuer::not_fetched("https://issuer.example.com".parse()?));
    /// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
    /// let expectations = Expectations::entra().credentials([]);
    /// assert!(verifier.verify(&token, &expectations, "2026-11-22T00:40:00Z".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn not_fetched(issuer: IssuerUrl) -> Self {
        let unreachable = Unreachable::new(&issuer, None);
        let discovery = DiscoveryState::NotFetched;
        Self { url: issuer, discovery, keys: None, jwks_remark: String::new(), unreachable, warnings: Vec::new() }
    }

    /// The issuer URL.
    pub fn url(&self) -> &IssuerUrl {
        &self.url
    }

    /// An issuer whose documents have not been fetched yet.
    #[cfg(feature = "remote")]
    pub(crate) fn unread(issuer: IssuerUrl) -> Self {
        let (url, because) = (issuer.discovery_url(), "the document has not been fetched yet".to_owned());
        let discovery = DiscoveryState::Bad(Refusal::DiscoveryFetch(FetchError::NoAnswer { url, because }));
        let unreachable = Unreachable::new(&issuer, None);
        Self { url: issuer, discovery, keys: None, jwks_remark: String::new(), unreachable, warnings: Vec::new() }
    }

    /// Whether a token of this issuer can pass by the rules of OpenID Connect.
    ///
    /// # Errors
    ///
    /// The errors of [`judge`](Self::judge).
    pub fn usable(&self) -> Result<(), Refusal> {
        self.judge(RelyingParty::Oidc)
    }

    /// Whether a token of this issuer can pass for a relying party: runs the checks of the documents without a token.
    ///
    /// ```
    /// use issuer::{Documents, KeySet, RelyingParty, TrustedIssuer};
    /// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
    /// let trusted = TrustedIssuer::new(&Documents::new("https://issuer.example.com".parse()?, &keys))?;
    /// assert_eq!(trusted.judge(RelyingParty::Entra), Ok(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The [`Refusal`] of every token: the documents cannot be fetched, or they are not usable.
    pub fn judge(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        self.judge_discovery(relying_party)?;
        if matches!(self.discovery, DiscoveryState::NotFetched) {
            let (url, because) = (self.url.discovery_url(), "the document was not fetched".to_owned());
            return Err(Refusal::DiscoveryFetch(FetchError::NoAnswer { url, because }));
        }
        self.judge_key_set(relying_party)
    }

    /// Properties of the documents, or of how they are served, that a relying party may reject, although no check
    /// fails.
    pub fn warnings(&self) -> &[VerifyWarning] {
        &self.warnings
    }

    /// The check of the discovery document.
    pub(super) fn judge_discovery(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        match (&self.unreachable.issuer, &self.discovery) {
            // Entra cannot fetch the documents, so their content does not matter.
            (Some(refusal), _) if relying_party == RelyingParty::Entra => Err(refusal.clone()),
            (_, DiscoveryState::Bad(refusal)) => Err(refusal.clone()),
            (_, DiscoveryState::Good(_) | DiscoveryState::NotAsked | DiscoveryState::NotFetched) => Ok(()),
        }
    }

    /// The check of the JWKS; passes if no trusted discovery document gives its URL.
    pub(super) fn judge_key_set(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        match (&self.unreachable.jwks_uri, &self.keys) {
            (Some(refusal), Some(_)) if relying_party == RelyingParty::Entra => Err(refusal.clone()),
            (_, Some(Ok(ring))) => ring.judge(relying_party),
            (_, Some(Err(refusal))) => Err(refusal.clone()),
            (_, None) => Ok(()),
        }
    }

    /// The reason why the documents cannot be used, if there is one.
    #[cfg(feature = "remote")]
    pub(crate) fn unreadable(&self) -> Option<&Refusal> {
        match (&self.discovery, &self.keys) {
            (DiscoveryState::Bad(refusal), _) | (_, Some(Err(refusal))) => Some(refusal),
            _ => None,
        }
    }

    /// The same issuer after a failed refresh of its documents.
    #[cfg(feature = "remote")]
    pub(crate) fn kept_after(&self, failure: &Refusal) -> Self {
        Self { jwks_remark: format!(", kept because the refresh failed: {failure}"), ..self.clone() }
    }
}

fn read_jwks(fetched: &Fetched) -> Result<Arc<KeyRing>, Refusal> {
    let page = fetched.outcome.as_ref().map_err(|error| Refusal::KeySetFetch(error.clone()))?;
    let jwks = Jwks::parse(&page.body).map_err(Refusal::KeySetContent)?;
    KeyRing::new(&jwks).readable().map(Arc::new)
}

fn read_discovery(issuer: &IssuerUrl, fetched: &Fetched) -> Result<String, Refusal> {
    let page = fetched.outcome.as_ref().map_err(|error| Refusal::DiscoveryFetch(error.clone()))?;
    let discovery = Discovery::parse(&page.body).map_err(Refusal::DiscoveryContent)?;
    let seen = judge_issuer(issuer, &discovery)?;
    let elsewhere = match issuer.rest_below(&discovery.jwks_uri) {
        Some(_) => String::new(),
        None => format!(", its jwks_uri is not below the issuer: {}", shown(&discovery.jwks_uri)),
    };
    Ok(seen + &elsewhere + &remark(page))
}

/// The warnings about the documents; those about the discovery document come first.
fn warnings_of(published: &PublishedIssuer) -> Vec<VerifyWarning> {
    let private = published.private_host.iter().map(|host| VerifyWarning::ResolvesToPrivate { host: clipped(host) });
    let mut warnings: Vec<_> = private.collect();
    for (is_key_set, fetched) in [(false, Some(&published.discovery)), (true, published.jwks.as_ref())] {
        let Some((from, page)) = fetched.and_then(|fetched| Some((&fetched.from, fetched.outcome.as_ref().ok()?)))
        else {
            continue;
        };
        let from = clipped(from);
        if let Some(to) = &page.redirected_to {
            warnings.push(VerifyWarning::Redirected { from: from.clone(), to: clipped(to) });
        }
        if let Some(content_type) = page.content_type.as_deref().filter(|content_type| !is_json(content_type)) {
            let content_type = clipped(content_type);
            warnings.push(if is_key_set {
                VerifyWarning::KeySetContentType { from, content_type }
            } else {
                VerifyWarning::DiscoveryContentType { from, content_type }
            });
        }
        let empty = if is_key_set { Vec::new() } else { Discovery::empty_members(&page.body) };
        if !empty.is_empty() {
            warnings.push(VerifyWarning::EmptyMembers(first_of(&empty)));
        }
    }
    warnings
}

/// A remark on how a document was served; empty if there is nothing to report.
fn remark(page: &Page) -> String {
    let mut remark = String::new();
    if let Some(url) = &page.redirected_to {
        remark = format!(", redirected to {url}");
    }
    match page.content_type.as_deref() {
        Some("") => remark + ", served without a Content-Type",
        Some(other) if !is_json(other) => format!("{remark}, served as {other} instead of application/json"),
        _ => remark,
    }
}

/// Whether a Content-Type is that of a JSON document.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("application/jwk-set+json")
}

fn judge_issuer(issuer: &IssuerUrl, discovery: &Discovery) -> Result<String, Refusal> {
    if discovery.issuer == issuer.as_str() {
        return Ok("issuer identical".to_owned());
    }
    let (expected, seen) = (issuer.as_str().to_owned(), clipped(&discovery.issuer));
    Err(Refusal::DiscoveryIssuer { expected, seen, has_credential: false })
}
