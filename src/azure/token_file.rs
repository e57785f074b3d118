use std::{fmt, fs, path::PathBuf};

use async_trait::async_trait;
use azure_core::{error::ErrorKind, http::ClientMethodOptions};
use azure_identity::ClientAssertion;

/// Reads the federated token of a workload from its file on each call, because the kubelet rotates the token.
///
/// Trailing white space is removed: Entra rejects a token with a newline as
/// [malformed](crate::entra::Aadsts::MALFORMED).
pub(super) struct TokenFile(pub(super) PathBuf);

#[async_trait]
impl ClientAssertion for TokenFile {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let text = fs::read_to_string(&self.0).map_err(|error| {
            let because = format!("cannot read the file in AZURE_FEDERATED_TOKEN_FILE: {error}");
            azure_core::Error::with_message(ErrorKind::Credential, because)
        })?;
        Ok(text.trim_end().to_owned())
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenFile").finish_non_exhaustive()
    }
}
