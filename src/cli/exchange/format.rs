//! The formats of an access token: for a shell, a request, a file of libpq, and `kubectl`.

use std::env;

use clap::ValueEnum;
use issuer::{AccessToken, PasswordFile};
use serde_json::{Value, json};

use super::super::{Failure, output::rfc3339, values::given};

/// The variable with the request of a client of Kubernetes, as JSON.
const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
/// The API group of credential plugins (Kubernetes, "client-go credential plugins").
const GROUP: &str = "client.authentication.k8s.io";
/// The versions of the API group that still exist. Without a request, the first one is printed.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// A value of `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TokenFormat {
    /// The token alone
    Token,
    /// NAME=TOKEN, for a shell or an environment file
    Env,
    /// The header of a request: curl -H @-
    Header,
    /// A password file of libpq for PostgreSQL
    Pgpass,
    /// An ExecCredential for kubectl
    ExecCredential,
}

impl TokenFormat {
    /// The name on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A format with the values that it needs.
#[derive(Clone, Debug)]
pub(super) enum Rendering {
    Token,
    /// The name of the variable.
    Env(String),
    Header,
    Pgpass(PasswordFile),
    /// The version of the API.
    ExecCredential(String),
}

impl Rendering {
    /// The token in this format, with a line break at its end.
    pub(super) fn of(&self, token: &AccessToken) -> String {
        let secret = token.secret();
        match self {
            Self::Token => format!("{secret}\n"),
            Self::Env(name) => format!("{name}={}\n", quoted(secret)),
            Self::Header => format!("Authorization: Bearer {secret}\n"),
            Self::Pgpass(file) => file.with_token(secret),
            Self::ExecCredential(version) => {
                let credential = json!({
                    "kind": "ExecCredential",
                    "apiVersion": version,
                    "spec": { "interactive": false },
                    "status": { "expirationTimestamp": rfc3339(token.expires_at()), "token": secret },
                });
                format!("{credential}\n")
            }
        }
    }
}

/// A value of a shell. An access token is plain, so that tools without quotes, such as Docker, can read the line.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:@,%".contains(&byte);
    if text.bytes().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The version of the API that the client of Kubernetes asks for.
pub(super) fn exec_credential_version() -> Result<String, Failure> {
    requested_version(&env::var(EXEC_INFO).unwrap_or_default())
}

fn requested_version(request: &str) -> Result<String, Failure> {
    if request.trim().is_empty() {
        return Ok(format!("{GROUP}/{}", VERSIONS[0]));
    }
    let hint = "set apiVersion in the exec section of the kubeconfig to client.authentication.k8s.io/v1";
    let request: Value = serde_json::from_str(request)
        .map_err(|_| Failure::usage(format!("the value of {EXEC_INFO} is not JSON"), "leave the variable unset"))?;
    let version = request["apiVersion"].as_str().unwrap_or_default();
    let is_known = version
        .strip_prefix(GROUP)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|version| VERSIONS.contains(&version));
    if is_known {
        return Ok(version.to_owned());
    }
    Err(Failure::usage(format!("{EXEC_INFO} asks for an ExecCredential of the version {}", given(version)), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_the_requested_one() {
        let cases = [
            ("", Ok("client.authentication.k8s.io/v1")),
            (
                r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential"}"#,
                Ok("client.authentication.k8s.io/v1beta1"),
            ),
            (
                r#"{"apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true}}"#,
                Ok("client.authentication.k8s.io/v1"),
            ),
            (
                r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
                Err("asks for an ExecCredential of the version \"client.authentication.k8s.io/v1alpha1\""),
            ),
            (r#"{"kind":"ExecCredential"}"#, Err("asks for an ExecCredential of the version \"\"")),
            ("v1", Err("is not JSON")),
        ];
        for (request, expected) in cases {
            match (requested_version(request), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.message.contains(expected), "{}", found.message),
                (found, _) => panic!("{request}: {found:?}"),
            }
        }
    }

    #[test]
    fn only_an_unusual_token_is_quoted() {
        assert_eq!(quoted("eyJ0.eyJh_-b.c2ln"), "eyJ0.eyJh_-b.c2ln");
        assert_eq!(quoted("a$(b)'c"), r"'a$(b)'\''c'");
    }
}
