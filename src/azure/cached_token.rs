use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    time::{Duration, OffsetDateTime},
};
use tokio::sync::Mutex;

/// The time before its expiry from which a token is no longer used.
const MARGIN: Duration = Duration::minutes(5);

/// Caches the tokens of a credential until they expire: `az` and `azd` start a process for each token.
pub(super) struct CachedToken {
    inner: Arc<dyn TokenCredential>,
    tokens: Mutex<HashMap<String, AccessToken>>,
}

impl CachedToken {
    pub(super) fn new(inner: Arc<dyn TokenCredential>) -> Self {
        Self { inner, tokens: Mutex::default() }
    }
}

#[async_trait]
impl TokenCredential for CachedToken {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        // Single-flight: the lock is held during the fetch, so that concurrent callers share one token.
        let mut tokens = self.tokens.lock().await;
        let scope = scopes.join(" ");
        if let Some(token) = tokens.get(&scope).filter(|token| token.expires_on > OffsetDateTime::now_utc() + MARGIN) {
            return Ok(token.clone());
        }
        let token = self.inner.get_token(scopes, options).await?;
        tokens.insert(scope, token.clone());
        Ok(token)
    }
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedToken").field(&self.inner).finish()
    }
}
