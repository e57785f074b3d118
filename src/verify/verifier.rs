use jiff::Timestamp;

use super::{
    CheckName, Checked, Expectations, Outcome, Refusal, RelyingParty, Report, VerifiedToken,
    checks::{CHECKS, Case, Verdict},
    key_ring::KeyRing,
};
use crate::{
    Documents, IssuerUrl, ServiceAccount, Token,
    documents::{Discovery, Jwks},
    published::{Fetched, Page, PublishedIssuer},
};

/// Verifies tokens of one trusted issuer against its published keys.
///
/// Keys are parsed once, when the verifier is made. It does no I/O and has no clock; the trusted issuer comes from the
/// caller, never from a token.
///
/// ```
/// use issuer::{Documents, Expectations, KeySet, Verifier};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let verifier = Verifier::new(&Documents::new(issuer, &keys))?;
///
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let now = "2026-11-22T00:40:00Z".parse()?;
/// let verified = verifier.verify(&token, &Expectations::entra(), now)?;
/// assert_eq!(verified.service_account().name, "workload-identity-sa");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Verifier {
    pub(super) issuer: Option<IssuerUrl>,
    pub(super) discovery: DiscoveryState,
    /// `None` when no trusted discovery document says where the JWKS is.
    pub(super) keys: Option<Result<KeyRing, Refusal>>,
    /// How the JWKS was served, where that is remarkable.
    pub(super) jwks_remark: String,
}

pub(super) enum DiscoveryState {
    /// Names the trusted issuer; the text is for people.
    Good(String),
    Bad(Refusal),
    NotAsked,
    NoIssuer,
}

impl Verifier {
    /// A verifier for documents at hand.
    ///
    /// # Errors
    ///
    /// [`Refusal`] when no token can ever pass: the discovery document names another issuer, or the JWKS is not usable.
    pub fn new(documents: &Documents) -> Result<Self, Refusal> {
        let discovery = judge_issuer(&documents.issuer, &documents.discovery)?;
        let ring = KeyRing::new(&documents.jwks);
        ring.judge(RelyingParty::Oidc)?;
        let discovery = DiscoveryState::Good(discovery);
        Ok(Self { issuer: Some(documents.issuer.clone()), discovery, keys: Some(Ok(ring)), jwks_remark: String::new() })
    }

    /// A verifier for documents as they were read; what is wrong with them becomes part of every report.
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
        Self { issuer: Some(issuer), discovery, keys, jwks_remark: page.map(remark).unwrap_or_default() }
    }

    /// A verifier for a JWKS alone, without a discovery document.
    pub fn from_jwks(issuer: IssuerUrl, jwks: &Jwks) -> Self {
        let keys = Some(Ok(KeyRing::new(jwks)));
        Self { issuer: Some(issuer), discovery: DiscoveryState::NotAsked, keys, jwks_remark: String::new() }
    }

    /// A verifier that trusts no issuer and refuses every token, to report what else is wrong with one that names no
    /// usable issuer.
    pub fn without_issuer() -> Self {
        Self { issuer: None, discovery: DiscoveryState::NoIssuer, keys: None, jwks_remark: String::new() }
    }

    /// Verifies a token; the first check that fails refuses it.
    ///
    /// # Errors
    ///
    /// [`Refusal`], the same that [`examine`](Self::examine) reports first.
    pub fn verify(&self, token: &str, expectations: &Expectations, now: Timestamp) -> Result<VerifiedToken, Refusal> {
        let case = Case { verifier: self, token: Token::parse(token), expectations, now };
        let mut signed = false;
        for check in &CHECKS {
            match (check.judge)(&case) {
                Verdict::Failed(refusal) => return Err(refusal),
                Verdict::Passed => signed |= check.name == CheckName::Signature,
                Verdict::Skipped(_) => {}
            }
        }
        if !signed {
            return Err(Refusal::Signature);
        }
        let claims = case.token.map_err(Refusal::Malformed)?.claims;
        let issuer = claims.iss.clone().ok_or(Refusal::IssuerMissing)?;
        let subject = claims.sub.as_deref().ok_or(Refusal::SubjectMissing)?;
        let service_account =
            ServiceAccount::from_subject(subject).ok_or_else(|| Refusal::SubjectForm(subject.to_owned()))?;
        let expires = claims.exp.ok_or(Refusal::ExpiryMissing)?;
        Ok(VerifiedToken { issuer, service_account, expires, claims })
    }

    /// Goes through every check of a token and reports each.
    pub fn examine(&self, token: &str, expectations: &Expectations, now: Timestamp) -> Report {
        let case = Case { verifier: self, token: Token::parse(token), expectations, now };
        let checks = CHECKS.iter().map(|check| {
            let outcome = match (check.judge)(&case) {
                Verdict::Passed => Outcome::Passed((check.seen)(&case)),
                Verdict::Failed(refusal) => Outcome::Failed(refusal),
                Verdict::Skipped(because) => Outcome::Skipped(because.to_owned()),
            };
            Checked { name: check.name, outcome }
        });
        Report { checks: checks.collect() }
    }
}

fn read_jwks(fetched: &Fetched) -> Result<KeyRing, Refusal> {
    let page = fetched.outcome.as_ref().map_err(|error| Refusal::KeySetFetch(error.clone()))?;
    Jwks::parse(&page.body).map(|jwks| KeyRing::new(&jwks)).map_err(Refusal::KeySetContent)
}

fn read_discovery(issuer: &IssuerUrl, fetched: &Fetched) -> Result<String, Refusal> {
    let page = fetched.outcome.as_ref().map_err(|error| Refusal::DiscoveryFetch(error.clone()))?;
    let discovery = Discovery::parse(&page.body).map_err(Refusal::DiscoveryContent)?;
    Ok(judge_issuer(issuer, &discovery)? + &remark(page))
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
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("application/jwk-set+json")
}

fn judge_issuer(issuer: &IssuerUrl, discovery: &Discovery) -> Result<String, Refusal> {
    if discovery.issuer == issuer.as_str() {
        return Ok("issuer identical".to_owned());
    }
    Err(Refusal::DiscoveryIssuer { expected: issuer.as_str().to_owned(), seen: discovery.issuer.clone() })
}
