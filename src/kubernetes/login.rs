use std::path::PathBuf;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use kube::config::AuthInfo;
use x509_cert::{Certificate, der::Decode};

use super::secrets::token_of;
use crate::{redact::redacted, token::Token};

/// How the user of a kubeconfig logs in, for messages. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// An exec plugin, with the name of its command.
    Exec(String),
    /// A client certificate, with the time when it expires.
    Certificate(Option<Timestamp>),
    /// A token in the kubeconfig, with the time when it expires.
    Token(Option<Timestamp>),
    /// A token file.
    TokenFile(PathBuf),
    /// An auth provider, such as `oidc`.
    Provider(String),
    /// A user name and password.
    Password,
    /// The service account of the pod.
    InCluster,
    /// No credentials.
    None,
}

impl Login {
    /// How a user logs in. The order is that of client-go (`AuthInfo` in `rest/config.go`): the first one is sent.
    pub(super) fn of(user: &AuthInfo) -> Self {
        if let Some(provider) = &user.auth_provider {
            return Self::Provider(redacted(&provider.name).into_owned());
        }
        if user.token.is_some() {
            return Self::Token(token_of(user).as_deref().and_then(expiry_of_token));
        }
        if let Some(path) = &user.token_file {
            return Self::TokenFile(path.into());
        }
        if let Some(exec) = &user.exec {
            let command = exec.command.as_deref().unwrap_or_default();
            let name = command.rsplit('/').next().unwrap_or(command);
            return Self::Exec(redacted(name).into_owned());
        }
        if user.username.is_some() && user.password.is_some() {
            return Self::Password;
        }
        if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
            return Self::Certificate(certificate(user).and_then(|pem| expiry_of_certificate(&pem)));
        }
        Self::None
    }

    /// The time when its credential expired, if it has expired at this time.
    pub(super) fn expired(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Certificate(at) | Self::Token(at) => at.filter(|at| *at <= now),
            _ => None,
        }
    }

    /// The next step after the API server has rejected the credentials.
    pub(super) fn hint(&self, kubectl: &str) -> String {
        match self {
            Self::Exec(command) => format!(
                "log in again with the tool of the exec plugin {command}, then check: {kubectl} get --raw /version"
            ),
            Self::Certificate(_) => format!(
                "get a kubeconfig with a valid client certificate, on kubeadm with `kubeadm certs renew admin.conf`, then check: {kubectl} get --raw /version"
            ),
            Self::Token(_) => format!(
                "replace the token of this user in the kubeconfig (kubectl config set-credentials), then check: {kubectl} get --raw /version"
            ),
            Self::TokenFile(path) => {
                format!("write a valid token to {}, the tokenFile of this user", path.display())
            }
            Self::Provider(name) => format!(
                "log in again with the tool of the auth provider {name}, then check: {kubectl} get --raw /version"
            ),
            Self::Password => "use a client certificate, a token or an exec plugin: the API server accepts no passwords since Kubernetes 1.19".to_owned(),
            Self::InCluster => "create the pod again, so that it gets a token of its service account from this API server".to_owned(),
            Self::None => "the kubeconfig has no credentials for this context; pass --context NAME, or log in with the tool of the cluster".to_owned(),
        }
    }
}

/// The PEM of the client certificate, if it can be read.
fn certificate(user: &AuthInfo) -> Option<Vec<u8>> {
    match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => BASE64_STANDARD.decode(data.trim()).ok(),
        (None, Some(path)) => std::fs::read(path).ok(),
        (None, None) => None,
    }
}

/// The end of validity of the first certificate in a PEM file.
fn expiry_of_certificate(pem: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let der = BASE64_STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
    let certificate = Certificate::from_der(&der).ok()?;
    let not_after = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Timestamp::from_second(i64::try_from(not_after.as_secs()).ok()?).ok()
}

/// The claim `exp` of a token that is a JWT.
fn expiry_of_token(text: &str) -> Option<Timestamp> {
    let mut buffer = Vec::new();
    Token::parse(text.trim(), &mut buffer).ok()?.claims.exp
}
