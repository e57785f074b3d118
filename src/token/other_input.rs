use std::fmt;

use serde_json::Value;

/// The kind of a text that was passed in place of a token; the text completes the sentence "X is not a token: …".
///
/// ```
/// use issuer::{OtherInput, Token, TokenError};
/// let keys = std::fs::read_to_string("fixtures/kubernetes/rotation/sa.pub")?;
/// let error = Token::parse(&keys, &mut Vec::new()).unwrap_err();
/// assert_eq!(error, TokenError::Other(OtherInput::PublicKey));
/// assert_eq!(error.to_string(), "it is a public key");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherInput {
    /// A public key, such as `sa.pub`.
    PublicKey,
    /// A private key, such as `sa.key`.
    PrivateKey,
    /// A certificate.
    Certificate,
    /// Another PEM block.
    Pem,
    /// A JWKS.
    Jwks,
    /// A discovery document.
    Discovery,
    /// The value of an `Authorization` header.
    Bearer,
    /// A token in quotes.
    Quoted,
    /// A base64-encoded token, as in the `data` of a Secret.
    Base64,
    /// The object that `kubectl create token -o json` prints (`authentication.k8s.io/v1`).
    TokenRequest,
    /// The output of a credential plugin (`client.authentication.k8s.io/v1`).
    ExecCredential,
    /// A Secret.
    Secret,
    /// An error of the API server (`kind: Status`).
    Status,
    /// The response of a token endpoint (RFC 6749 section 5.1).
    TokenResponse,
    /// Other JSON.
    Json,
    /// HTML or XML.
    Markup,
}

impl OtherInput {
    /// Recognizes a text that is not a token; `None` for a text that may be a damaged token.
    pub(super) fn recognize(text: &str) -> Option<Self> {
        let text = text.trim();
        let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if let Some(label) = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split("-----").next()) {
            return Some(match label {
                // EC parameters may precede a private key.
                _ if text.contains("PRIVATE KEY-----") => Self::PrivateKey,
                certificate if certificate.contains("CERTIFICATE") => Self::Certificate,
                public if public.ends_with("PUBLIC KEY") => Self::PublicKey,
                _ => Self::Pem,
            });
        }
        let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
        match text.as_bytes().first()? {
            b'{' => serde_json::from_str(text).ok().map(|value| Self::of_json(&value)),
            b'<' => Some(Self::Markup),
            b'"' | b'\'' if is_quoted('"') || is_quoted('\'') => Some(Self::Quoted),
            _ if starts("bearer ") || starts("authorization:") => Some(Self::Bearer),
            _ if starts("ssh-rsa ") || starts("ecdsa-sha2-") => Some(Self::PublicKey),
            // Base64 of `eyJ`, the start of every token.
            _ if text.starts_with("ZXlK") && !text.contains('.') => Some(Self::Base64),
            _ => Self::of_yaml(text),
        }
    }

    fn of_json(value: &Value) -> Self {
        let has = |name: &str| value.get(name).is_some();
        match value.get("kind").and_then(Value::as_str) {
            Some("TokenRequest") => Self::TokenRequest,
            Some("ExecCredential") => Self::ExecCredential,
            Some("Secret") => Self::Secret,
            Some("Status") => Self::Status,
            _ if value.pointer("/status/token").is_some() => Self::TokenRequest,
            _ if has("keys") => Self::Jwks,
            _ if has("jwks_uri") => Self::Discovery,
            _ if has("access_token") || has("id_token") => Self::TokenResponse,
            _ => Self::Json,
        }
    }

    /// The kind of a Kubernetes object in YAML, by its `kind:` line.
    fn of_yaml(text: &str) -> Option<Self> {
        let kind = text.lines().find_map(|line| line.strip_prefix("kind:"))?;
        match kind.trim() {
            "TokenRequest" => Some(Self::TokenRequest),
            "ExecCredential" => Some(Self::ExecCredential),
            "Secret" => Some(Self::Secret),
            "Status" => Some(Self::Status),
            _ => None,
        }
    }

    /// The next step for the user.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::PublicKey | Self::Certificate | Self::Pem | Self::PrivateKey | Self::Jwks => {
                "pass a token, and pass keys with --jwks; create a token with `kubectl create token NAME --audience api://AzureADTokenExchange`"
            }
            Self::Discovery => "pass a token, and pass published documents with --published",
            Self::Bearer => "remove the text before the token",
            Self::Quoted => "remove the quotes; jq -r prints a string without quotes",
            Self::Base64 => "decode the token first: base64 -d",
            Self::TokenRequest | Self::ExecCredential => "pass only the member status.token: jq -r .status.token",
            Self::Secret => "use a projected token: a serviceAccountToken volume, or kubectl create token",
            Self::Status => "read the message of this error: the API server did not issue a token",
            Self::TokenResponse => {
                "pass the projected token of the pod: tokens of Entra are not signed by the API server"
            }
            Self::Json | Self::Markup => "pass the projected token exactly as the kubelet writes it",
        }
    }
}

impl fmt::Display for OtherInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PublicKey => "it is a public key",
            Self::PrivateKey => "it is a private key",
            Self::Certificate => "it is a certificate",
            Self::Pem => "it is a PEM file",
            Self::Jwks => "it is a JWKS",
            Self::Discovery => "it is a discovery document",
            Self::Bearer => "it is an Authorization header; the token is the part after `Bearer `",
            Self::Quoted => "it is in quotes",
            Self::Base64 => "it is base64-encoded a second time",
            Self::TokenRequest => "it is a TokenRequest object; the token is its member status.token",
            Self::ExecCredential => "it is an ExecCredential object; the token is its member status.token",
            Self::Secret => "it is a Secret",
            Self::Status => "it is an error of the API server (kind: Status)",
            Self::TokenResponse => "it is the response of a token endpoint",
            Self::Json => "it is JSON",
            Self::Markup => "it is HTML or XML",
        })
    }
}
