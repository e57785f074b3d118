use std::{sync::Arc, time::Duration};

use super::{AssertionError, ConfigurationError};
use crate::{
    entra::{Aadsts, ClientId, RetryAdvice, Scope, TokenRefusal},
    hint::Hint,
    no_answer,
};

/// The page at which Microsoft explains a code.
const LOOK_UP: &str = "https://login.microsoftonline.com/error?code=";

/// There is no access token. All callers that waited for one token request get a clone of its error.
///
/// ```
/// use issuer::{ExchangeError, Hint, Resource, TokenSource, WorkloadIdentity};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let identity = WorkloadIdentity::builder()
///     .tenant("contoso.com".parse()?)
///     .client_id("11111111-aaaa-4bbb-8ccc-000000000001".parse()?)
///     .token_file("no-such-file")
///     .build()?;
/// let error = identity.token(&Resource::KeyVault.scope(issuer::Cloud::Public)).await.unwrap_err();
/// assert!(matches!(error, ExchangeError::Assertion(_)));
/// assert!(error.to_string().starts_with("cannot read no-such-file: "));
/// assert!(error.hint().unwrap().contains("azure.workload.identity/use"));
/// assert_eq!((error.aadsts(), error.trace_id()), (None, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The settings are incomplete or wrong.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// There is no assertion to send.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// The authority host did not answer.
    #[error("{authority} did not answer the token request: {because}")]
    NoAnswer {
        /// The authority host.
        authority: String,
        /// The cause.
        because: String,
        /// Whether a retry is useless, because the certificate is not trusted or the client cannot be set up.
        is_permanent: bool,
    },
    /// The authority host answered with status 200, but with no access token.
    #[error("the answer of {authority} to the token request is not valid: {because}")]
    Malformed {
        /// The authority host.
        authority: String,
        /// The cause.
        because: &'static str,
    },
    /// Entra, or a gateway in front of it, refused the token request.
    #[error("{}", refused(.scope, .refusal))]
    Refused {
        /// The scope of the request.
        scope: Scope,
        /// The client ID of the request.
        client: ClientId,
        /// The answer.
        refusal: Arc<TokenRefusal>,
        /// The pause that the server requested.
        retry_after: Option<Duration>,
    },
    /// The time limit ended before a request was sent, because the source of assertions did not answer.
    #[error("timed out after {} s: the source of assertions did not answer", (.0.as_secs_f64() * 10.0).round() / 10.0)]
    TimedOut(Duration),
    /// Access tokens expire before they arrive.
    #[error("the access token for {0} had expired when it arrived")]
    Expired(Scope),
    /// The call is outside of a Tokio runtime with time and I/O.
    #[error("a token request needs a Tokio runtime")]
    NoRuntime,
}

/// `Entra refused the token request for SCOPE: CODE: no federated identity credential matches this issuer`.
fn refused(scope: &Scope, refusal: &TokenRefusal) -> String {
    let entry = refusal.aadsts().and_then(Aadsts::entry);
    let because = match (entry, &refusal.error, &refusal.description) {
        (Some(entry), ..) => format!("{}: {}", entry.code, entry.meaning),
        (None, Some(error), Some(description)) => {
            // The message of Entra starts with its code.
            let code = refusal.aadsts().map(|code| code.to_string()).filter(|code| !description.contains(code));
            let code = code.map(|code| format!("{code}: ")).unwrap_or_default();
            format!("{error}: {code}{description}")
        }
        (None, Some(error), None) => error.clone(),
        (None, None, _) => {
            return format!("the token request for {scope} was answered with status {}", refusal.status);
        }
    };
    format!("Entra refused the token request for {scope}: {because}")
}

impl ExchangeError {
    /// The code of Entra, if it refused the request with one.
    pub fn aadsts(&self) -> Option<Aadsts> {
        self.refusal()?.aadsts()
    }

    /// The answer of Entra, if it refused the request.
    pub fn refusal(&self) -> Option<&TokenRefusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// The trace ID for Microsoft support.
    pub fn trace_id(&self) -> Option<&str> {
        self.refusal()?.trace_id.as_deref()
    }

    /// The correlation ID for the sign-in logs of the tenant.
    pub fn correlation_id(&self) -> Option<&str> {
        self.refusal()?.correlation_id.as_deref()
    }

    /// Whether a later call may succeed without a change.
    pub fn retry_advice(&self) -> RetryAdvice {
        match self {
            Self::Refused { refusal, .. } => refusal.retry_advice(),
            Self::Assertion(_) | Self::NoAnswer { is_permanent: false, .. } | Self::TimedOut(_) | Self::Expired(_) => {
                RetryAdvice::Soon
            }
            Self::Configuration(_) | Self::NoAnswer { .. } | Self::Malformed { .. } | Self::NoRuntime => {
                RetryAdvice::Never
            }
        }
    }

    /// The pause that the server requested.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Hint for ExchangeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Configuration(error) => error.hint(),
            Self::Assertion(error) => error.hint(),
            Self::NoAnswer { because, .. } => {
                let hint = no_answer::hint(because);
                Some(hint.unwrap_or("check the network, the proxy and AZURE_AUTHORITY_HOST").to_owned())
            }
            Self::Refused { refusal, .. } if refusal.is_of_entra() => {
                let code = refusal.aadsts()?;
                let fix = code.entry().and_then(|entry| entry.fix.first());
                Some(fix.map_or_else(|| format!("open {LOOK_UP}{}", code.code()), |fix| (*fix).to_owned()))
            }
            Self::Refused { .. } | Self::Malformed { .. } => {
                Some("check AZURE_AUTHORITY_HOST, and that no proxy answers in place of Entra".to_owned())
            }
            Self::Expired(_) => Some("check the clock of this machine".to_owned()),
            Self::TimedOut(_) | Self::NoRuntime => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::TokenAnswer;

    fn refused(status: u16, body: &str) -> ExchangeError {
        let TokenAnswer::Refused(refusal) = TokenAnswer::parse(status, body.as_bytes()) else { panic!("{body}") };
        ExchangeError::Refused {
            scope: "https://vault.azure.net/.default".parse().unwrap(),
            client: "11111111-aaaa-4bbb-8ccc-000000000001".parse().unwrap(),
            refusal: Arc::new(refusal),
            retry_after: None,
        }
    }

    #[test]
    fn refusal_names_code_cause_and_fix() {
        let code = Aadsts::ISSUER;
        let entry = code.entry().unwrap();
        let error = refused(
            401,
            &format!(
                r#"{{"error":"invalid_client","error_description":"{code}: x. Trace ID: 1-a Correlation ID: 2-b","error_codes":[{}]}}"#,
                code.code()
            ),
        );
        let start = "Entra refused the token request for https://vault.azure.net/.default: ";
        assert_eq!(error.to_string(), format!("{start}{code}: {}", entry.meaning));
        assert_eq!(error.hint().as_deref(), Some(entry.fix[0]));
        assert_eq!((error.aadsts(), error.trace_id(), error.correlation_id()), (Some(code), Some("1-a"), Some("2-b")));

        let unknown =
            refused(400, r#"{"error":"invalid_request","error_description":"sentence","error_codes":[4711]}"#);
        assert_eq!(unknown.to_string(), format!("{start}invalid_request: {}: sentence", Aadsts::new(4711)));
        assert_eq!(unknown.hint().unwrap(), "open https://login.microsoftonline.com/error?code=4711");
        let bare = refused(400, r#"{"error":"invalid_request"}"#);
        assert_eq!((bare.to_string(), bare.hint()), (format!("{start}invalid_request"), None));

        let page = refused(404, "<html>");
        assert_eq!(
            page.to_string(),
            "the token request for https://vault.azure.net/.default was answered with status 404"
        );
        assert!(page.hint().unwrap().contains("AZURE_AUTHORITY_HOST"));
    }
}
