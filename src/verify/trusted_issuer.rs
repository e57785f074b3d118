use std::sync::Arc;

use super::{
    Refusal, RelyingParty, VerifyWarning,
    clipped::{clipped, first_of},
    key_ring::KeyRing,
};
#[cfg(feature = "remote")]
use crate::documents::FetchError;
use crate::{
    documents::{Discovery, Documents, Fetched, Jwks, Page, PublishedIssuer},
    issuer_url::{IssuerUrl, shown},
    public_host::why_not_public,
};

/// An issuer whose tokens are believed, with its keys parsed.
///
/// A [`Verifier`](super::Verifier) trusts one or many.
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
/// // Keys alone, and documents as they were read, make one too.
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
    /// `None` when no trusted discovery document says where the JWKS is.
    pub(super) keys: Option<Result<Arc<KeyRing>, Refusal>>,
    /// How the JWKS was served, where that is remarkable.
    pub(super) jwks_remark: String,
    /// Why Entra cannot read the documents, whatever is in them.
    unreachable: Unreachable,
    /// What a relying party may reject in the documents or in how they are served.
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
    /// Names the trusted issuer; the text is for people.
    Good(String),
    Bad(Refusal),
    NotAsked,
}

impl TrustedIssuer {
    /// An issuer with its documents at hand.
    ///
    /// # Errors
    ///
    /// [`Refusal`] when no token can ever pass: the discovery document names another issuer, or the JWKS is not usable.
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

    /// An issuer with its documents as they were read; what is wrong with them becomes part of every report.
    pub fn from_published(issuer: IssuerUrl, published: &PublishedIssuer) -> Self {
        let discovery = match read_discovery(&issuer, &published.discovery) {
            Ok(seen) => DiscoveryState::Good(seen),
            Err(refusal) => DiscoveryState::Bad(refusal),
        };
        let keys = match (&discovery, &published.jwks) {
            // A trusted discovery document without a JWKS never passes for one that was not asked.
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

    /// An issuer with a JWKS alone, without a discovery document.
    pub fn from_jwks(issuer: IssuerUrl, jwks: &Jwks) -> Self {
        let keys = Some(Ok(Arc::new(KeyRing::new(jwks))));
        let discovery = DiscoveryState::NotAsked;
        let unreachable = Unreachable::new(&issuer, None);
        Self { url: issuer, discovery, keys, jwks_remark: String::new(), unreachable, warnings: Vec::new() }
    }

    /// The issuer URL.
    pub fn url(&self) -> &IssuerUrl {
        &self.url
    }

    /// An issuer nobody has asked for its documents yet.
    #[cfg(feature = "remote")]
    pub(crate) fn unread(issuer: IssuerUrl) -> Self {
        let (url, because) = (issuer.discovery_url(), "nobody has asked for it yet".to_owned());
        let discovery = DiscoveryState::Bad(Refusal::DiscoveryFetch(FetchError::NoAnswer { url, because }));
        let unreachable = Unreachable::new(&issuer, None);
        Self { url: issuer, discovery, keys: None, jwks_remark: String::new(), unreachable, warnings: Vec::new() }
    }

    /// Whether any token of it can pass by the rules of OpenID Connect.
    ///
    /// # Errors
    ///
    /// As [`judge`](Self::judge).
    pub fn usable(&self) -> Result<(), Refusal> {
        self.judge(RelyingParty::Oidc)
    }

    /// Whether any token of it can pass for a relying party: the checks of the issuer's documents without a token.
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
    /// The first [`Refusal`] of every token: the documents could not be read, or they are not usable.
    pub fn judge(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        self.judge_discovery(relying_party)?;
        self.judge_key_set(relying_party)
    }

    /// What a relying party may reject in the documents or in how they are served; no check fails for it.
    pub fn warnings(&self) -> &[VerifyWarning] {
        &self.warnings
    }

    /// The check of the discovery document.
    pub(super) fn judge_discovery(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        match (&self.unreachable.issuer, &self.discovery) {
            // Entra reads nothing there, so what is there does not matter.
            (Some(refusal), _) if relying_party == RelyingParty::Entra => Err(refusal.clone()),
            (_, DiscoveryState::Bad(refusal)) => Err(refusal.clone()),
            (_, DiscoveryState::Good(_) | DiscoveryState::NotAsked) => Ok(()),
        }
    }

    /// The check of the JWKS; passes where no trusted discovery document says where it is.
    pub(super) fn judge_key_set(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        match (&self.unreachable.jwks_uri, &self.keys) {
            (Some(refusal), Some(_)) if relying_party == RelyingParty::Entra => Err(refusal.clone()),
            (_, Some(Ok(ring))) => ring.judge(relying_party),
            (_, Some(Err(refusal))) => Err(refusal.clone()),
            (_, None) => Ok(()),
        }
    }

    /// Why its documents could not be read, where they could not.
    #[cfg(feature = "remote")]
    pub(crate) fn unreadable(&self) -> Option<&Refusal> {
        match (&self.discovery, &self.keys) {
            (DiscoveryState::Bad(refusal), _) | (_, Some(Err(refusal))) => Some(refusal),
            _ => None,
        }
    }

    /// The same, where reading its documents again has failed.
    #[cfg(feature = "remote")]
    pub(crate) fn kept_after(&self, failure: &Refusal) -> Self {
        Self { jwks_remark: format!(", kept although {failure}"), ..self.clone() }
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

/// The warnings about documents, the discovery document's first.
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

/// How a document was served, where that is not as it should be.
fn remark(page: &Page) -> String {
    let mut remark = String::new();
    if let Some(url) = &page.redirected_to {
        remark = format!(", redirected to {url}");
    }
    match page.content_type.as_deref() {
        Some("") => remark + ", served without a Content-Type",
        Some(other) if !is_json(other) => format!("{remark}, served as {other} and not as application/json"),
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
    Err(Refusal::DiscoveryIssuer { expected: issuer.as_str().to_owned(), seen: clipped(&discovery.issuer) })
}
