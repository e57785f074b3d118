use super::{Aadsts, Cloud, FederatedCredential, NearMiss, TOKEN_EXCHANGE_AUDIENCE};
use crate::{hint::Hint, public_host::why_not_public, token::subject_parts};

/// Reason why no federated identity credential matches an assertion.
///
/// ```
/// use issuer::{Aadsts, Assertion, FederatedCredential, Hint};
/// let credentials = [FederatedCredential::new("https://issuer.example.com/", "system:serviceaccount:shop:orders")];
/// let assertion = Assertion::default().issuer("https://issuer.example.com");
/// let mismatch = assertion.find(&credentials).unwrap_err();
/// assert_eq!(mismatch.aadsts(), Some(Aadsts::ISSUER));
/// assert_eq!(
///     mismatch.to_string(),
///     r#"no federated identity credential has the issuer "https://issuer.example.com"; the nearest has "https://issuer.example.com/": they differ by a slash at the end"#
/// );
/// assert!(mismatch.hint().unwrap().starts_with("set the issuer of the federated identity credential to https://issuer.example.com"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialMismatch {
    /// The application or managed identity has no credential.
    #[error("the application or managed identity has no federated identity credential")]
    NoCredential,
    /// No credential has the issuer.
    #[error("no federated identity credential has the issuer {seen:?}{}", near(.nearest.as_deref()))]
    Issuer {
        /// The issuer of the assertion.
        seen: String,
        /// The nearest credential.
        nearest: Option<Box<Nearest>>,
    },
    /// Only flexible credentials have the issuer, and Entra does not allow expressions for it.
    #[error(
        "only flexible federated identity credentials have the issuer {issuer:?}; Entra does not allow expressions for it"
    )]
    Expression {
        /// The issuer of the assertion.
        issuer: String,
    },
    /// A flexible credential has the issuer, and no other credential has the subject. This crate does not evaluate
    /// expressions, so Entra may accept the assertion.
    #[error("a flexible federated identity credential has the issuer {issuer:?}; its expression is not evaluated here")]
    ExpressionNotEvaluated {
        /// The issuer of the assertion.
        issuer: String,
    },
    /// Entra issued the token for a federated identity credential, and accepts it for no other one.
    #[error("the token was itself issued for a federated identity credential (claim xms_ficinfo)")]
    Chained,
    /// No credential with the issuer has the subject.
    #[error("no federated identity credential of this issuer has the subject {seen:?}{}", near(.nearest.as_deref()))]
    Subject {
        /// The subject of the assertion.
        seen: String,
        /// The nearest credential.
        nearest: Option<Box<Nearest>>,
    },
    /// No credential with issuer and subject has the audience.
    #[error("no federated identity credential of this issuer and subject has the audience {:?}{}", .seen.join(", "), near(.nearest.as_deref()))]
    Audience {
        /// The audiences of the assertion.
        seen: Vec<String>,
        /// The nearest credential.
        nearest: Option<Box<Nearest>>,
    },
}

/// The credential that differs least from an assertion.
///
/// ```
/// use issuer::{Assertion, CredentialMismatch, FederatedCredential, NearMiss};
/// let credentials = [FederatedCredential::new("https://issuer.example.com", "system:serviceaccount:shop:Orders")];
/// let assertion = Assertion::default().subject("system:serviceaccount:shop:orders");
/// let Err(CredentialMismatch::Subject { nearest: Some(nearest), .. }) = assertion.find(&credentials) else { panic!() };
/// assert_eq!(nearest.expected, "system:serviceaccount:shop:Orders");
/// assert_eq!(nearest.near_miss, Some(NearMiss::Case));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nearest {
    /// The credential.
    pub credential: FederatedCredential,
    /// The compared value of the credential.
    pub expected: String,
    /// How the values differ, if the difference has a name.
    pub near_miss: Option<NearMiss>,
}

impl Nearest {
    /// The nearest of several credentials: one with a named difference, else one that shares most characters at start and
    /// end.
    pub(super) fn of<'c>(
        credentials: impl Iterator<Item = &'c FederatedCredential>,
        seen: &str,
        compare: impl Fn(&FederatedCredential) -> (String, Option<NearMiss>),
    ) -> Option<Box<Self>> {
        let rated = credentials.map(|credential| {
            let (expected, near_miss) = compare(credential);
            let distance = distance(&expected, seen);
            // The rest of the key makes the choice independent of the order.
            (near_miss.is_none(), near_miss, distance, expected, credential)
        });
        let (_, near_miss, _, expected, credential) = rated.min()?;
        Some(Box::new(Self { credential: credential.clone(), expected, near_miss }))
    }
}

/// The number of bytes between the common start and the common end of two texts.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()) - start - end
}

fn near(nearest: Option<&Nearest>) -> String {
    let Some(Nearest { credential, expected, near_miss }) = nearest else { return String::new() };
    let called =
        credential.name.as_ref().map_or_else(|| "the nearest".to_owned(), |name| format!("the nearest, {name:?},"));
    let miss = near_miss.map(|miss| format!(": {miss}")).unwrap_or_default();
    format!("; {called} has {expected:?}{miss}")
}

impl CredentialMismatch {
    /// The code of Entra's error; `None` if none is known.
    pub fn aadsts(&self) -> Option<Aadsts> {
        Some(match self {
            Self::NoCredential => Aadsts::NO_CREDENTIAL,
            Self::Issuer { .. } => Aadsts::ISSUER,
            Self::Expression { .. } => Aadsts::EXPRESSION_NOT_ALLOWED,
            Self::ExpressionNotEvaluated { .. } => return None,
            Self::Chained => Aadsts::CHAINED,
            Self::Subject { nearest: Some(nearest), .. } if nearest.near_miss == Some(NearMiss::Case) => {
                Aadsts::SUBJECT_CASE
            }
            Self::Subject { .. } => Aadsts::SUBJECT,
            Self::Audience { .. } => Aadsts::AUDIENCE,
        })
    }

    /// The same with the values of the assertion changed, to shorten them.
    pub(crate) fn with_seen(mut self, change: impl Fn(&str) -> String) -> Self {
        match &mut self {
            Self::NoCredential | Self::Chained => {}
            Self::Issuer { seen, .. } | Self::Subject { seen, .. } => *seen = change(seen),
            Self::Expression { issuer } | Self::ExpressionNotEvaluated { issuer } => *issuer = change(issuer),
            Self::Audience { seen, .. } => seen.iter_mut().for_each(|seen| *seen = change(seen)),
        }
        self
    }

    /// The nearest credential, if one was compared.
    pub fn nearest(&self) -> Option<&Nearest> {
        match self {
            Self::Issuer { nearest, .. } | Self::Subject { nearest, .. } | Self::Audience { nearest, .. } => {
                nearest.as_deref()
            }
            Self::NoCredential | Self::Chained | Self::Expression { .. } | Self::ExpressionNotEvaluated { .. } => None,
        }
    }

    /// The value of the nearest credential and the value of the assertion.
    pub fn expected_and_seen(&self) -> Option<(String, String)> {
        let expected = self.nearest()?.expected.clone();
        Some(match self {
            Self::Issuer { seen, .. } | Self::Subject { seen, .. } => (expected, seen.clone()),
            Self::Audience { seen, .. } => (expected, seen.join(", ")),
            Self::NoCredential | Self::Chained | Self::Expression { .. } | Self::ExpressionNotEvaluated { .. } => {
                return None;
            }
        })
    }

    /// Whether Entra rejects the assertion before it fetches a document of the issuer.
    pub fn is_before_fetching(&self) -> bool {
        matches!(self, Self::NoCredential | Self::Chained | Self::Issuer { .. } | Self::Expression { .. })
    }
}

impl Hint for CredentialMismatch {
    fn hint(&self) -> Option<String> {
        let near_miss = self.nearest().and_then(|nearest| nearest.near_miss);
        let expected = self.nearest().map_or("", |nearest| nearest.expected.as_str());
        // `az identity federated-credential update` replaces all three values.
        let update = |member: &str, seen: &str| {
            let credential = self.nearest().map(|nearest| &nearest.credential).cloned().unwrap_or_default();
            let (mut issuer, mut subject) =
                (credential.issuer.as_str(), credential.subject.as_deref().unwrap_or_default());
            let mut audience = credential.audiences.join(" ");
            match member {
                "issuer" => issuer = seen,
                "subject" => subject = seen,
                _ => seen.clone_into(&mut audience),
            }
            format!(
                "set the {member} of the federated identity credential to {}: az identity federated-credential update --name {} --identity-name IDENTITY --resource-group GROUP --issuer {} --subject {} --audiences {}{APPLICATION}",
                word(seen, "the value of the token"),
                word(credential.name.as_deref().unwrap_or_default(), "NAME"),
                word(issuer, "ISSUER"),
                word(subject, "SUBJECT"),
                word(&audience, "AUDIENCE"),
            )
        };
        Some(match (self, near_miss) {
            (Self::NoCredential, _) => {
                "create a federated identity credential with the issuer, subject and audience of the token: az identity federated-credential create --name NAME --identity-name IDENTITY --resource-group GROUP --issuer ISSUER --subject SUBJECT --audiences api://AzureADTokenExchange (for an application: az ad app federated-credential create --id CLIENT_ID --parameters FILE)".to_owned()
            }
            (Self::ExpressionNotEvaluated { .. }, _) => "compare the claims of the token with the expression".to_owned(),
            (Self::Chained, _) => {
                "exchange the projected token of the service account (AZURE_FEDERATED_TOKEN_FILE) with a federated identity credential of the target application, in place of this token".to_owned()
            }
            (_, Some(NearMiss::Length)) => "shorten the value to at most 600 characters".to_owned(),
            (Self::Expression { .. }, _) => {
                "create a federated identity credential with the exact subject instead of an expression".to_owned()
            }
            (Self::Issuer { seen, .. }, _) if is_entra(seen) && !is_entra(expected) => {
                "send the projected token of the service account (AZURE_FEDERATED_TOKEN_FILE), not a token that Entra issued".to_owned()
            }
            (Self::Issuer { seen, .. }, near_miss)
                if near_miss == Some(NearMiss::DefaultIssuer)
                    || (why_not_public(seen).is_some() && why_not_public(expected).is_none()) =>
            {
                format!(
                    "set --service-account-issuer={} on every API server, keep the old issuer as the second value, restart the API servers, then the pods",
                    word(expected, "ISSUER")
                )
            }
            (Self::Issuer { seen, .. }, _) if expected.contains('*') => update("issuer", seen),
            (Self::Issuer { seen, .. }, Some(NearMiss::OtherCluster) | None) => format!(
                "create a federated identity credential with the issuer {}, or use the identity that trusts this cluster",
                word(seen, "ISSUER")
            ),
            (Self::Issuer { seen, .. }, Some(_)) => update("issuer", seen),
            // The nearest credential is for no service account, or the token is not from Kubernetes.
            (Self::Subject { seen, .. }, _) if [expected, seen].into_iter().any(|subject| !is_account(subject)) => {
                update("subject", seen)
            }
            (Self::Subject { seen, .. }, Some(NearMiss::NamespaceOnly | NearMiss::NameOnly) | None) => format!(
                "run the pod as the service account of the federated identity credential, or create a federated identity credential with the subject {}",
                word(seen, "SUBJECT")
            ),
            (Self::Subject { seen, .. }, Some(_)) => update("subject", seen),
            (Self::Audience { .. }, Some(NearMiss::IdentityBinding)) => format!(
                "enable the proxy for identity bindings in the SDK, or project a token for {TOKEN_EXCHANGE_AUDIENCE} (label azure.workload.identity/use: \"true\" on the pod)"
            ),
            (Self::Audience { nearest: Some(nearest), .. }, _) if nearest.credential.audiences.len() != 1 => {
                format!("set exactly one audience in the federated identity credential: {TOKEN_EXCHANGE_AUDIENCE}")
            }
            // The webhook projects each token for this audience by default, in every cloud.
            (Self::Audience { seen, .. }, _) if seen.iter().any(|seen| seen == TOKEN_EXCHANGE_AUDIENCE) => {
                update("audience", TOKEN_EXCHANGE_AUDIENCE)
            }
            (Self::Audience { .. }, _) => {
                format!("project a token for {expected} (audience of the pod's serviceAccountToken volume)")
            }
        })
    }
}

/// The command for a credential of an application, which is in Microsoft Graph.
const APPLICATION: &str = " (for an application: az ad app federated-credential update --id CLIENT_ID --federated-credential-id NAME --parameters FILE)";

/// Whether an issuer is Entra itself.
fn is_entra(issuer: &str) -> bool {
    let hosts = Cloud::ALL.into_iter().map(Cloud::authority_host).chain(["https://sts.windows.net"]);
    hosts.into_iter().any(|host| issuer.strip_prefix(host).is_some_and(|rest| rest.starts_with('/')))
}

/// Whether a subject can be that of one service account.
fn is_account(subject: &str) -> bool {
    subject_parts(subject).is_some() && !subject.contains('*')
}

/// The value, if a command can contain it without quoting, else a placeholder.
fn word<'a>(value: &'a str, placeholder: &'a str) -> &'a str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%@+".contains(&byte);
    if !value.is_empty() && value.len() <= 600 && value.bytes().all(is_plain) { value } else { placeholder }
}
