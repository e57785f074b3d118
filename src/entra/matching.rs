//! Matches an assertion with federated identity credentials, as Entra does.

use super::{
    CredentialMismatch, FederatedCredential, NearMiss,
    credential::{fits, supports_expressions},
    credential_mismatch::Nearest,
};
use crate::token::Claims;

/// The values of a token that Entra compares with federated identity credentials. A value that is not set is not
/// compared.
///
/// Entra compares exactly, with upper and lower case (Microsoft Graph, "federatedIdentityCredential resource type"):
/// first the issuer, then the subject, then the audience.
///
/// ```
/// use issuer::{Aadsts, Assertion, FederatedCredential};
/// let credentials = [FederatedCredential::new("https://issuer.example.com", "system:serviceaccount:shop:orders")];
///
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let mut buffer = Vec::new();
/// let token = issuer::Token::parse(&text, &mut buffer)?;
/// let mismatch = Assertion::from(&token.claims).find(&credentials).unwrap_err();
/// assert_eq!(mismatch.aadsts(), Some(Aadsts::ISSUER));
///
/// // A pod that does not run yet has a subject, but no token.
/// let planned = Assertion::default().subject("system:serviceaccount:orders:shop");
/// let mismatch = planned.find(&credentials).unwrap_err();
/// assert_eq!(mismatch.aadsts(), Some(Aadsts::SUBJECT));
/// assert!(mismatch.to_string().ends_with("namespace and name of the service account are swapped"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assertion<'a> {
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audiences: Vec<&'a str>,
    is_chained: bool,
}

impl<'a> Assertion<'a> {
    /// Sets the issuer.
    #[must_use]
    pub fn issuer(mut self, issuer: &'a str) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(mut self, subject: &'a str) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Adds an audience. A credential matches if it has one of the audiences.
    #[must_use]
    pub fn audience(mut self, audience: &'a str) -> Self {
        self.audiences.push(audience);
        self
    }

    /// The credential that matches. If several match, the order of the credentials does not decide which is returned.
    ///
    /// # Errors
    ///
    /// [`CredentialMismatch`], which names the first value that no credential has, and the nearest credential.
    pub fn find<'c>(
        &self,
        credentials: &'c [FederatedCredential],
    ) -> Result<&'c FederatedCredential, CredentialMismatch> {
        let of_issuer = self.with_issuer(credentials)?;
        let of_subject = self.with_subject(of_issuer)?;
        self.with_audience(&of_subject)
    }

    /// The credentials with the issuer. Entra needs no document of the issuer to reject an assertion here.
    pub(crate) fn with_issuer<'c>(
        &self,
        credentials: &'c [FederatedCredential],
    ) -> Result<Vec<&'c FederatedCredential>, CredentialMismatch> {
        if credentials.is_empty() {
            return Err(CredentialMismatch::NoCredential);
        }
        let Some(issuer) = self.issuer else { return Ok(credentials.iter().collect()) };
        let same: Vec<_> =
            credentials.iter().filter(|credential| credential.issuer == issuer && fits(issuer)).collect();
        if same.is_empty() {
            let near = |credential: &FederatedCredential| {
                (credential.issuer.clone(), NearMiss::of_issuers(&credential.issuer, issuer))
            };
            return Err(CredentialMismatch::Issuer {
                seen: issuer.to_owned(),
                nearest: Nearest::of(credentials.iter(), issuer, near),
            });
        }
        // Reports show such a token refused for its issuer and as a chain, so the issuer comes first.
        if self.is_chained {
            return Err(CredentialMismatch::Chained);
        }
        if same.iter().all(|credential| credential.expression.is_some()) {
            let issuer = issuer.to_owned();
            if !supports_expressions(&issuer) {
                return Err(CredentialMismatch::Expression { issuer });
            }
        }
        Ok(same)
    }

    fn with_subject<'c>(
        &self,
        credentials: Vec<&'c FederatedCredential>,
    ) -> Result<Vec<&'c FederatedCredential>, CredentialMismatch> {
        let Some(subject) = self.subject else { return Ok(credentials) };
        let has = |credential: &&FederatedCredential| credential.subject.as_deref() == Some(subject) && fits(subject);
        let same: Vec<_> = credentials.iter().copied().filter(has).collect();
        if !same.is_empty() {
            return Ok(same);
        }
        if let Some(flexible) = credentials.iter().find(|credential| credential.expression.is_some())
            && supports_expressions(&flexible.issuer)
        {
            return Err(CredentialMismatch::ExpressionNotEvaluated { issuer: flexible.issuer.clone() });
        }
        let near = |credential: &FederatedCredential| {
            let expected = credential.subject.clone().unwrap_or_default();
            let miss = NearMiss::of_subjects(&expected, subject);
            (expected, miss)
        };
        let exact = credentials.into_iter().filter(|credential| credential.subject.is_some());
        Err(CredentialMismatch::Subject { seen: subject.to_owned(), nearest: Nearest::of(exact, subject, near) })
    }

    fn with_audience<'c>(
        &self,
        credentials: &[&'c FederatedCredential],
    ) -> Result<&'c FederatedCredential, CredentialMismatch> {
        let has = |credential: &&FederatedCredential| {
            self.audiences.is_empty() || self.audiences.iter().any(|audience| credential.has_audience(audience))
        };
        let seen = self.audiences.join(", ");
        credentials.iter().copied().filter(has).min().ok_or_else(|| {
            let near = |credential: &FederatedCredential| {
                let expected = credential.audiences.join(", ");
                let miss = self.audiences.iter().find_map(|seen| NearMiss::of_audiences(&expected, seen, self.issuer));
                (expected, miss)
            };
            let nearest = Nearest::of(credentials.iter().copied(), &seen, near);
            CredentialMismatch::Audience { seen: self.audiences.iter().map(ToString::to_string).collect(), nearest }
        })
    }
}

/// The values of a token. A claim that the token does not have is not compared.
impl<'a> From<&'a Claims<'_>> for Assertion<'a> {
    fn from(claims: &'a Claims<'_>) -> Self {
        Self {
            issuer: claims.iss.as_deref(),
            subject: claims.sub.as_deref(),
            audiences: claims.aud.iter().flatten().map(AsRef::as_ref).collect(),
            is_chained: claims.is_from_federated_credential,
        }
    }
}
