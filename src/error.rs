use std::io;

#[cfg(feature = "azure")]
use crate::azure::AzureError;
#[cfg(feature = "remote")]
use crate::exchange::{ConfigurationError, ExchangeError};
#[cfg(feature = "azure")]
use crate::federate::FederateError;
#[cfg(feature = "remote")]
use crate::http_clients::ClientError;
#[cfg(feature = "kubernetes")]
use crate::kubernetes::ClusterError;
#[cfg(feature = "probe")]
use crate::probe::ProbeTargetError;
#[cfg(feature = "serve")]
use crate::serve::ServeError;
use crate::{
    documents::DocumentError,
    entra::{CredentialError, IdentityError, ScopeError},
    federation::FederationError,
    file_error::FileError,
    hint::Hint,
    issuer_url::UrlError,
    key::{KeyError, KeyProblem},
    plan::OwnerError,
    postgresql::{ConnectionStringError, PasswordFileError},
    publish::{PublishError, RemovalRefusal},
    secret_file::SecretFileError,
    site::SiteError,
    token::{ServiceAccountError, TokenError},
};

/// Any error of this crate: each variant wraps the error of one module and adds nothing to its text.
///
/// ```
/// use issuer::{Error, Hint, KeyError, KeySet};
/// fn keys() -> Result<KeySet, Error> {
///     Ok(KeySet::from_bytes(b"no key")?)
/// }
/// let error = keys().unwrap_err();
/// assert!(matches!(error, Error::Key(KeyError::NoKey { .. })));
/// assert!(error.hint().unwrap().starts_with("pass the file of the API server's flag --service-account-key-file"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A string is not an issuer URL or a `jwks_uri`.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// An input cannot be read as keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// One key is not usable.
    #[error(transparent)]
    KeyProblem(#[from] KeyProblem),
    /// Bytes are not a discovery document or a JWKS.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An input is not a token.
    #[error("{input} is not a token: {source}")]
    Token {
        /// The name of the input.
        input: String,
        /// Why the input is not a token.
        source: TokenError,
    },
    /// An input cannot be read as federated identity credentials.
    #[error("cannot read credentials from {input}: {source}")]
    Credential {
        /// The name of the input.
        input: String,
        /// Why the input cannot be read.
        source: CredentialError,
    },
    /// A text is not a Kubernetes service account.
    #[error(transparent)]
    ServiceAccount(#[from] ServiceAccountError),
    /// A text is not the name of an owner of keys.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// A text is not a scope.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A text is not an authority host, a tenant or a client ID.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A federated identity credential cannot be created.
    #[error(transparent)]
    Federation(#[from] FederationError),
    /// There is no access token.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A file or directory cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file with a secret cannot be replaced or removed.
    #[error(transparent)]
    SecretFile(#[from] SecretFileError),
    /// A text is not a connection string of PostgreSQL.
    #[error(transparent)]
    ConnectionString(#[from] ConnectionStringError),
    /// A value cannot be in a password file.
    #[error(transparent)]
    PasswordFile(#[from] PasswordFileError),
    /// A text is not a resource to probe.
    #[cfg(feature = "probe")]
    #[error(transparent)]
    ProbeTarget(#[from] ProbeTargetError),
    /// A site cannot be read or written.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Documents were not published or removed.
    #[error(transparent)]
    Publish(PublishError),
    /// The removal of documents was refused.
    #[error(transparent)]
    Removal(#[from] RemovalRefusal),
    /// A federated identity credential was not created, replaced or deleted.
    #[cfg(feature = "azure")]
    #[error(transparent)]
    Federate(FederateError),
    /// A request to the API server of a cluster failed.
    #[cfg(feature = "kubernetes")]
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The HTTP client cannot be set up.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The HTTP server cannot start, or stopped.
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The asynchronous runtime cannot start.
    #[error("cannot start the HTTP client: {0}")]
    Runtime(#[source] io::Error),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Url(error) => error.hint(),
            Self::Key(error) => error.hint(),
            Self::Token { .. } => {
                Some("pass the token file of a projected volume, or the output of `kubectl create token`".to_owned())
            }
            Self::Credential { source, .. } => source.hint(),
            Self::ServiceAccount(error) => error.hint(),
            Self::Owner(error) => error.hint(),
            Self::Scope(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::Federation(error) => error.hint(),
            #[cfg(feature = "remote")]
            Self::Exchange(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::SecretFile(error) => error.hint(),
            Self::ConnectionString(error) => error.hint(),
            Self::PasswordFile(error) => error.hint(),
            #[cfg(feature = "probe")]
            Self::ProbeTarget(error) => error.hint(),
            Self::Site(error) => error.hint(),
            Self::Publish(error) => error.hint(),
            Self::Removal(error) => error.hint(),
            #[cfg(feature = "azure")]
            Self::Federate(error) => error.hint(),
            #[cfg(feature = "kubernetes")]
            Self::Cluster(error) => error.hint(),
            #[cfg(feature = "remote")]
            Self::Client(error) => error.hint(),
            #[cfg(feature = "serve")]
            Self::Serve(error) => error.hint(),
            Self::KeyProblem(_) | Self::Document(_) | Self::Runtime(_) => None,
        }
    }
}

/// An error of a site becomes [`Error::Site`], also when it occurred while publishing.
impl From<PublishError> for Error {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Site(error) => Self::Site(error),
            error => Self::Publish(error),
        }
    }
}

/// A wrong setting becomes [`Error::Exchange`].
#[cfg(feature = "remote")]
impl From<ConfigurationError> for Error {
    fn from(error: ConfigurationError) -> Self {
        Self::Exchange(error.into())
    }
}

/// A failed request becomes the error of Azure.
#[cfg(feature = "azure")]
impl From<FederateError> for Error {
    fn from(error: FederateError) -> Self {
        match error {
            FederateError::Azure(error) => (*error).into(),
            error => Self::Federate(error),
        }
    }
}

/// An error of Azure becomes an error of its site.
#[cfg(feature = "azure")]
impl From<AzureError> for Error {
    fn from(error: AzureError) -> Self {
        Self::Site(error.into())
    }
}
