use std::{error::Error, fmt, io, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use crate::{
    file_error::shown,
    hint::Hint,
    token::{Token, TokenError},
};

/// A token that proves the identity of a workload to Entra: the `client_assertion` of a token request (RFC 7521 section
/// 4.2). It is a secret; the `Debug` output omits it.
///
/// ```
/// use issuer::{AssertionProblem, ClientAssertion, TokenError};
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let assertion = ClientAssertion::new(&format!("{text}\n"))?;
/// assert_eq!(assertion.secret(), text.trim());
/// assert_eq!(ClientAssertion::new(" \n"), Err(AssertionProblem::Token(TokenError::Empty)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientAssertion(Arc<str>);

impl ClientAssertion {
    /// The assertion in a text, without white space around it.
    ///
    /// # Errors
    ///
    /// [`AssertionProblem`] for a text that is not a whole JWT, which Entra would refuse.
    pub fn new(text: &str) -> Result<Self, AssertionProblem> {
        let text = text.trim();
        let mut buffer = Vec::new();
        let token = Token::parse(text, &mut buffer)?;
        if token.signature().is_empty() {
            return Err(AssertionProblem::Unsigned);
        }
        Ok(Self(text.into()))
    }

    /// The token itself, a secret.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAssertion").finish_non_exhaustive()
    }
}

/// A source of assertions, such as an [`AssertionFile`](super::AssertionFile). Each token request calls it once.
///
/// ```
/// use issuer::{AssertionError, AssertionSource, ClientAssertion, site::async_trait};
/// #[derive(Debug)]
/// struct Fixed(ClientAssertion);
///
/// #[async_trait]
/// impl AssertionSource for Fixed {
///     async fn assertion(&self) -> Result<ClientAssertion, AssertionError> {
///         Ok(self.0.clone())
///     }
/// }
/// ```
#[async_trait]
pub trait AssertionSource: Send + Sync + fmt::Debug {
    /// The current assertion.
    ///
    /// # Errors
    ///
    /// [`AssertionError`] if there is none; [`AssertionError::other`] for the errors of other sources.
    async fn assertion(&self) -> Result<ClientAssertion, AssertionError>;
}

/// Reason why a text is not an assertion; the text completes the sentence "X is not a token: …".
///
/// ```
/// use issuer::{AssertionProblem, ClientAssertion};
/// let problem = ClientAssertion::new("eyJhbGciOiJSUzI1NiJ9.e30.").unwrap_err();
/// assert_eq!(problem, AssertionProblem::Unsigned);
/// assert_eq!(problem.to_string(), "its signature is empty");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionProblem {
    /// The text is empty, or not three segments of base64url with JSON objects in the first two.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token has no signature.
    #[error("its signature is empty")]
    Unsigned,
    /// Another process changes the file again and again.
    #[error("it changes while it is read")]
    Changing,
}

/// There is no assertion to send.
///
/// ```
/// use issuer::{AssertionError, Hint};
/// let error = AssertionError::other(std::io::Error::other("the API server did not answer"));
/// assert_eq!(error.to_string(), "the API server did not answer");
/// assert_eq!(error.hint(), None);
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// The token file cannot be read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: Arc<io::Error>,
    },
    /// The token file does not contain a token.
    #[error("{} does not contain a token: {source}", shown(path))]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: AssertionProblem,
    },
    /// A text of another source is not a token.
    #[error("the assertion is not a token: {0}")]
    Invalid(#[from] AssertionProblem),
    /// An error of another source.
    #[error("{0}")]
    Other(Arc<dyn Error + Send + Sync>),
}

impl AssertionError {
    /// The error of another source.
    pub fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(Arc::new(error))
    }
}

impl Hint for AssertionError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    "set the label azure.workload.identity/use: \"true\" on the pod template and create the pod again, or correct the path"
                }
                io::ErrorKind::PermissionDenied => {
                    "set fsGroup in the securityContext of the pod, so that its user may read the token file"
                }
                io::ErrorKind::IsADirectory => "pass the token file in this directory",
                _ => return None,
            },
            Self::File { .. } => {
                "pass the file of a projected volume with a serviceAccountToken; the webhook sets AZURE_FEDERATED_TOKEN_FILE to its path"
            }
            Self::Invalid(_) | Self::Other(_) => return None,
        };
        Some(hint.to_owned())
    }
}
