use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{
    CheckName, Checked, Expectations, Outcome, Refusal, Report, TrustedIssuer, VerifiedToken,
    checks::{CHECKS, Case, Verdict},
    scratch,
};
use crate::{
    documents::{Documents, Jwks, PublishedIssuer},
    issuer_url::IssuerUrl,
    token::Token,
};

/// Verifies tokens of trusted issuers against their published keys.
///
/// Keys are parsed once, when the verifier is created. A verifier does no I/O and has no clock. The caller chooses the
/// trusted issuers; the issuer in a token only selects one of them. Any number of threads can share a verifier.
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
/// assert_eq!(verified.name(), "workload-identity-sa");
///
/// // The same with keys only.
/// let jwks = issuer::Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
/// let verifier = Verifier::from_jwks(verified.issuer().parse()?, &jwks);
///
/// // For a report: every check, not only the first that fails.
/// let report = verifier.examine(&token, &Expectations::oidc().audience("vault"), now);
/// assert_eq!(report.refusal().unwrap().check().to_string(), "audience");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Verifier {
    issuers: HashMap<String, Arc<TrustedIssuer>>,
}

impl Verifier {
    /// A verifier for one issuer with the given documents.
    ///
    /// # Errors
    ///
    /// [`Refusal`] when every token would be refused: the discovery document names another issuer, or the JWKS is not
    /// usable.
    pub fn new(documents: &Documents) -> Result<Self, Refusal> {
        Ok(Self::default().trust(TrustedIssuer::new(documents)?))
    }

    /// A verifier for one issuer with fetched documents. Problems of the documents become part of every report.
    pub fn from_published(issuer: IssuerUrl, published: &PublishedIssuer) -> Self {
        Self::default().trust(TrustedIssuer::from_published(issuer, published))
    }

    /// A verifier for one issuer with a JWKS, without a discovery document.
    pub fn from_jwks(issuer: IssuerUrl, jwks: &Jwks) -> Self {
        Self::default().trust(TrustedIssuer::from_jwks(issuer, jwks))
    }

    /// Trusts an issuer, in place of one with the same URL. A verifier without issuers is [`Verifier::default`]: it
    /// refuses every token, and its reports say what else is wrong with a token.
    ///
    /// ```
    /// use issuer::{Jwks, TrustedIssuer, Verifier};
    /// let jwks = Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
    /// let issuer = |url: &str| Ok::<_, issuer::UrlError>(TrustedIssuer::from_jwks(url.parse()?, &jwks));
    /// let verifier = Verifier::default()
    ///     .trust(issuer("https://issuers.example.com/a")?)
    ///     .trust(issuer("https://issuers.example.com/b")?);
    /// assert_eq!(verifier.issuers().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.replace(Arc::new(issuer));
        self
    }

    pub(crate) fn replace(&mut self, issuer: Arc<TrustedIssuer>) {
        self.issuers.insert(issuer.url.as_str().to_owned(), issuer);
    }

    /// The trusted issuers, in no order.
    pub fn issuers(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.issuers.values().map(AsRef::as_ref)
    }

    /// The trusted issuer of a URL.
    ///
    /// ```
    /// use issuer::{IssuerUrl, Jwks, Verifier};
    /// let url: IssuerUrl = "https://issuer.example.com".parse()?;
    /// let verifier = Verifier::from_jwks(url.clone(), &Jwks::default());
    /// // Without a key no token can pass.
    /// assert!(verifier.issuer(&url).is_some_and(|issuer| issuer.usable().is_err()));
    /// assert!(verifier.issuer(&"https://issuer.example.com/".parse()?).is_none());
    /// # Ok::<(), issuer::Error>(())
    /// ```
    pub fn issuer(&self, url: &IssuerUrl) -> Option<&TrustedIssuer> {
        self.issuers.get(url.as_str()).map(AsRef::as_ref)
    }

    /// Verifies a token; the first check that fails refuses it.
    ///
    /// # Errors
    ///
    /// [`Refusal`], the same that [`examine`](Self::examine) reports first.
    pub fn verify(&self, token: &str, expectations: &Expectations, now: Timestamp) -> Result<VerifiedToken, Refusal> {
        scratch::with(|buffer| {
            let case = Case::new(self, Token::parse(token, buffer), expectations, now);
            let mut signed = false;
            for check in &CHECKS {
                match (check.judge)(&case) {
                    Verdict::Failed(refusal) => return Err(refusal),
                    Verdict::Passed => signed |= check.name == CheckName::Signature,
                    Verdict::Skipped(_) | Verdict::Omitted => {}
                }
            }
            if !signed {
                return Err(Refusal::Signature);
            }
            VerifiedToken::new(case.token.map_err(Refusal::Malformed)?)
        })
    }

    /// Runs every check on a token and reports each result.
    pub fn examine(&self, token: &str, expectations: &Expectations, now: Timestamp) -> Report {
        scratch::with(|buffer| {
            let case = Case::new(self, Token::parse(token, buffer), expectations, now);
            let checks = CHECKS.iter().filter_map(|check| {
                let outcome = match (check.judge)(&case) {
                    Verdict::Passed => Outcome::Passed((check.seen)(&case)),
                    Verdict::Failed(refusal) => Outcome::Failed(refusal),
                    Verdict::Skipped(because) => Outcome::Skipped(because.to_owned()),
                    Verdict::Omitted => return None,
                };
                Some(Checked { name: check.name, outcome })
            });
            Report { checks: checks.collect(), warnings: case.warnings() }
        })
    }

    /// The trusted issuer that a token names. If only one issuer is trusted, it is selected for every token, so that a
    /// report covers its documents; a separate check compares the issuers.
    pub(super) fn select(&self, named: Option<&str>) -> Option<&TrustedIssuer> {
        let named = named.and_then(|named| self.issuers.get(named));
        named.or_else(|| self.issuers.values().next().filter(|_| self.issuers.len() == 1)).map(AsRef::as_ref)
    }

    /// A trusted issuer that differs from the named issuer only by slashes at the end.
    pub(super) fn near(&self, named: &str) -> Option<&TrustedIssuer> {
        let stripped = named.trim_end_matches('/');
        let near = self.issuers.get(stripped).or_else(|| self.issuers.get(&format!("{stripped}/")));
        near.map(AsRef::as_ref)
    }

    /// The number of trusted issuers.
    pub(super) fn trusted(&self) -> usize {
        self.issuers.len()
    }
}

impl FromIterator<TrustedIssuer> for Verifier {
    /// Trusts each issuer; of two with the same URL the later one.
    fn from_iter<I: IntoIterator<Item = TrustedIssuer>>(issuers: I) -> Self {
        issuers.into_iter().fold(Self::default(), Self::trust)
    }
}
