use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    time::{Duration, OffsetDateTime},
};
use tokio::sync::Mutex;

/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::minutes(5);

/// Keeps the tokens of a credential while they are good: `az` and `azd` are started anew for each one they give.
pub(super) struct KeptToken {
    inner: Arc<dyn TokenCredential>,
    tokens: Mutex<HashMap<String, AccessToken>>,
}

impl KeptToken {
    pub(super) fn new(inner: Arc<dyn TokenCredential>) -> Self {
        Self { inner, tokens: Mutex::default() }
    }
}

#[async_trait]
impl TokenCredential for KeptToken {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        // Held while a token is fetched, so that those who ask meanwhile get the same one.
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

impl fmt::Debug for KeptToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptToken").field(&self.inner).finish()
    }
}
