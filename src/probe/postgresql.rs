//! A login to PostgreSQL.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::answer::{ProbeAnswer, shortened};
use crate::postgresql::ConnectionString;

/// The port without another one.
const PORT: u16 = 5432;

pub(super) async fn log_in(
    connection: &ConnectionString,
    token: &str,
    ca_files: &[PathBuf],
    timeout: Duration,
) -> ProbeAnswer {
    let no_answer = |because: String| ProbeAnswer::NoAnswer { because };
    let tls = match tls(connection, ca_files) {
        Ok(tls) => tls,
        Err(because) => return no_answer(because),
    };
    let mut config = Config::new();
    for server in connection.servers() {
        let Some(host) = server.host else { return no_answer("the connection string names no host".to_owned()) };
        if host.starts_with('/') {
            return no_answer(
                "the connection string names a Unix domain socket, whose server cannot be verified".to_owned(),
            );
        }
        config.host(host);
        let Ok(port) = server.port.map_or(Ok(PORT), |port| port.parse()) else {
            return no_answer("the connection string has a port that is no number from 0 to 65535".to_owned());
        };
        config.port(port);
    }
    let user = connection.user().unwrap_or("postgres");
    config.user(user).password(token).ssl_mode(SslMode::Require).connect_timeout(timeout);
    config.dbname(connection.database().unwrap_or(user)).application_name(env!("CARGO_PKG_NAME"));
    let (client, connection) = match config.connect(tls).await {
        Ok(connected) => connected,
        Err(error) => return refused(&error),
    };
    let connection = tokio::spawn(connection);
    let answer = match client.simple_query("select 1").await {
        Ok(_) => ProbeAnswer::Accepted { seen: format!("logged in as {user}, and select 1 succeeds") },
        Err(error) => refused(&error),
    };
    drop(client);
    // The server closes the connection after the client; a failure at this point changes nothing.
    let _ = connection.await;
    answer
}

/// Certificates are verified with the authorities of the system, of these files, and of `sslrootcert`.
fn tls(connection: &ConnectionString, ca_files: &[PathBuf]) -> Result<MakeRustlsConnect, String> {
    let own = connection.get("sslrootcert").filter(|name| *name != "system").map(Path::new);
    let mut roots = Vec::new();
    for path in ca_files.iter().map(PathBuf::as_path).chain(own) {
        let unreadable = |error: &dyn Error| format!("cannot read the certificates in {}: {error}", path.display());
        let found = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
        for certificate in found {
            roots.push(certificate.map_err(|error| unreadable(&error))?);
        }
    }
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.map_err(|error| error.to_string())?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

/// The error that the server sent, or the innermost cause.
fn refused(error: &tokio_postgres::Error) -> ProbeAnswer {
    if let Some(error) = error.as_db_error() {
        let hint = error.hint().map(|hint| format!(" HINT: {hint}")).unwrap_or_default();
        let text = format!("{}: {}{hint} ({})", error.severity(), error.message(), error.code().code());
        return ProbeAnswer::refused(&text);
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    ProbeAnswer::NoAnswer { because: shortened(&cause.to_string()) }
}
