use std::{fmt::Debug, sync::Arc};

use super::TokenFuture;
use crate::entra::Scope;

/// A source of access tokens, such as a [`WorkloadIdentity`](super::WorkloadIdentity).
///
/// Call it for each connection or request, and do not keep the token: the source caches it.
///
/// ```
/// use issuer::{ExchangeError, Scope, TokenFuture, TokenSource};
/// /// The password of a connection to PostgreSQL.
/// async fn password(tokens: &dyn TokenSource, scope: &Scope) -> Result<String, ExchangeError> {
///     Ok(tokens.token(scope).await?.secret().to_owned())
/// }
///
/// /// A source without tokens, for a test.
/// #[derive(Debug)]
/// struct Unavailable;
///
/// impl TokenSource for Unavailable {
///     fn token<'a>(&'a self, scope: &'a Scope) -> TokenFuture<'a> {
///         TokenFuture::ready(Err(ExchangeError::Expired(scope.clone())))
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync + Debug {
    /// A token for a scope that has not expired.
    fn token<'a>(&'a self, scope: &'a Scope) -> TokenFuture<'a>;
}

impl<T: TokenSource + ?Sized> TokenSource for Arc<T> {
    fn token<'a>(&'a self, scope: &'a Scope) -> TokenFuture<'a> {
        (**self).token(scope)
    }
}
