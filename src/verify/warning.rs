use super::{RelyingParty, refusal::listed};
use crate::{
    entra::{Aadsts, CredentialProblem},
    hint::Hint,
};

/// A property of a token or its published issuer that a relying party may reject, although no check fails.
///
/// ```
/// use issuer::{Aadsts, Documents, Expectations, Hint, KeySet, Verifier, VerifyWarning};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let verifier = Verifier::new(&Documents::new(issuer, &keys))?;
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/two-audiences.jwt")?;
/// let report = verifier.examine(&token, &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// let warning = &report.warnings[0];
/// assert_eq!(warning, &VerifyWarning::Audiences(2));
/// assert_eq!(warning.to_string(), "the token has 2 audiences");
/// assert_eq!(warning.aadsts(), Some(Aadsts::AUDIENCES));
/// assert_eq!(warning.hint().unwrap(), "project a token with one audience");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyWarning {
    /// A document was fetched through a redirect.
    #[error("{from} redirects to {to}")]
    Redirected {
        /// The requested URL.
        from: String,
        /// The final URL.
        to: String,
    },
    /// The discovery document is not served as JSON.
    #[error("{from} is served {}, not as application/json", as_type(.content_type))]
    DiscoveryContentType {
        /// The URL.
        from: String,
        /// The Content-Type; empty if the response has none.
        content_type: String,
    },
    /// The JWKS is not served as JSON.
    #[error("{from} is served {}, not as application/json", as_type(.content_type))]
    KeySetContentType {
        /// The URL.
        from: String,
        /// The Content-Type; empty if the response has none.
        content_type: String,
    },
    /// The discovery document has empty members, which OpenID Connect Discovery 1.0 section 4.2 forbids.
    #[error("the discovery document has empty members: {}", listed(.0))]
    EmptyMembers(Vec<String>),
    /// This machine resolves the host of the issuer to private addresses only. With split DNS, Entra may resolve other
    /// addresses.
    #[error("{host} resolves to private addresses only on this machine")]
    ResolvesToPrivate {
        /// The host.
        host: String,
    },
    /// A federated identity credential breaks a rule of Entra, so it matches no token or cannot exist.
    #[error("federated identity credential {}: {problem}", called(.name.as_deref()))]
    Credential {
        /// The name of the credential, if it is known.
        name: Option<String>,
        /// The rule that it breaks.
        problem: CredentialProblem,
    },
    /// The token has several audiences.
    #[error("the token has {0} audiences")]
    Audiences(usize),
}

impl VerifyWarning {
    /// The code of Entra's error if Entra rejects the token for this reason.
    ///
    /// Microsoft does not document whether Entra rejects it. A rejection was observed once for empty members and once
    /// for several audiences.
    pub fn aadsts(&self) -> Option<Aadsts> {
        Some(match self {
            Self::Redirected { .. } | Self::ResolvesToPrivate { .. } => Aadsts::UNREACHABLE,
            Self::DiscoveryContentType { .. } | Self::EmptyMembers(_) => Aadsts::DISCOVERY,
            Self::KeySetContentType { .. } => Aadsts::KEY_SET,
            Self::Audiences(_) => Aadsts::AUDIENCES,
            Self::Credential { .. } => return None,
        })
    }

    /// Whether the warning applies to this relying party.
    pub(super) fn concerns(&self, relying_party: RelyingParty) -> bool {
        match self {
            Self::Audiences(_) | Self::ResolvesToPrivate { .. } | Self::Credential { .. } => {
                relying_party == RelyingParty::Entra
            }
            _ => true,
        }
    }
}

impl Hint for VerifyWarning {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Redirected { .. } => "serve the documents at the issuer URL itself",
            Self::DiscoveryContentType { .. } | Self::KeySetContentType { .. } => {
                "configure the server to send Content-Type: application/json for both documents"
            }
            Self::EmptyMembers(_) => "publish the discovery document with issuer publish, or remove these members",
            Self::ResolvesToPrivate { .. } => "check that the name has a public address on the internet",
            Self::Audiences(_) => "project a token with one audience",
            Self::Credential { .. } => "correct the federated identity credential",
        };
        Some(hint.to_owned())
    }
}

fn called(name: Option<&str>) -> String {
    name.map_or_else(|| "without a name".to_owned(), |name| format!("{name:?}"))
}

fn as_type(content_type: &str) -> String {
    if content_type.is_empty() { "without a Content-Type".to_owned() } else { format!("as {content_type}") }
}
