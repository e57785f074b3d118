//! Sends one read-only request with an access token to a resource, to see whether the resource accepts the token.

mod answer;
mod https;
mod postgresql;
mod target;

use std::{path::PathBuf, time::Duration};

pub use answer::ProbeAnswer;
use target::Kind;
pub use target::{ProbeTarget, ProbeTargetError};

use crate::http_clients::{ClientError, HttpClients};

/// Sends one read-only request to a resource.
///
/// An https resource is read with `GET`, without following redirects; its content is not kept. A login to PostgreSQL verifies
/// certificate and host name of the server, whatever `sslmode` says, and runs `select 1`.
///
/// ```no_run
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use issuer::{Probe, ProbeAnswer};
/// let target = "https://shop.vault.azure.net/secrets/db-password".parse()?;
/// match Probe::default().send(&target, "an access token").await? {
///     ProbeAnswer::Accepted { seen } => println!("{seen}"),
///     ProbeAnswer::Refused { text, findings } => println!("{text}: {} known failures", findings.len()),
///     ProbeAnswer::NoAnswer { because } => println!("{because}"),
///     _ => {}
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Probe {
    ca_files: Vec<PathBuf>,
    timeout: Duration,
}

/// With the certificate authorities of the system, and a timeout of 10 s.
impl Default for Probe {
    fn default() -> Self {
        Self { ca_files: Vec::new(), timeout: Duration::from_secs(10) }
    }
}

impl Probe {
    /// Trusts the certificate authorities of these PEM files, too.
    #[must_use]
    pub fn ca_files(self, ca_files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { ca_files: ca_files.into_iter().collect(), ..self }
    }

    /// Sets the timeout of the whole request.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends the request with an access token.
    ///
    /// # Errors
    ///
    /// [`ClientError`] for a file of certificate authorities that cannot be used. A resource that does not answer is a
    /// [`ProbeAnswer`].
    pub async fn send(&self, target: &ProbeTarget, token: &str) -> Result<ProbeAnswer, ClientError> {
        let clients = HttpClients::new(&self.ca_files)?;
        let request = async {
            match &target.0 {
                Kind::Https(url) => https::get(&clients, url, token).await,
                Kind::PostgreSql(connection) => {
                    postgresql::log_in(connection, token, &self.ca_files, self.timeout).await
                }
            }
        };
        Ok(tokio::time::timeout(self.timeout, request).await.unwrap_or_else(|_| ProbeAnswer::NoAnswer {
            because: format!("no answer within {} s", self.timeout.as_secs_f64()),
        }))
    }
}
