use std::fmt;

use serde_json::Value;

/// What a text is that was given in place of a token; reads as the end of "X is not a token: …".
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
    /// A token in base64, as in a Secret's `data`.
    Base64,
    /// The object that `kubectl create token -o json` prints (`authentication.k8s.io/v1`).
    TokenRequest,
    /// What a credential plugin prints (`client.authentication.k8s.io/v1`).
    ExecCredential,
    /// A Secret.
    Secret,
    /// An error of the API server (`kind: Status`).
    Status,
    /// The answer of a token endpoint (RFC 6749 section 5.1).
    TokenResponse,
    /// Other JSON.
    Json,
    /// A page of HTML, or XML.
    Markup,
}

impl OtherInput {
    /// Recognizes a text that is not a token; `None` for what may be a damaged one.
    pub(super) fn recognize(text: &str) -> Option<Self> {
        let text = text.trim();
        let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if let Some(label) = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split("-----").next()) {
            return Some(match label {
                // Its parameters may stand before a private key.
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
            // Base64 of `eyJ`, with which every token starts.
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

    /// The kind of a Kubernetes object in YAML, by its line alone.
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

    /// The next step.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::PublicKey | Self::Certificate | Self::Pem | Self::PrivateKey | Self::Jwks => {
                "pass the token of a pod, and the keys as --jwks; `kubectl create token NAME --audience api://AzureADTokenExchange` makes a token"
            }
            Self::Discovery => "pass the token of a pod; the documents of an issuer go to --published",
            Self::Bearer => "leave out the words before the token",
            Self::Quoted => "leave out the quotes; jq prints a string without them with -r",
            Self::Base64 => "decode it first: base64 -d",
            Self::TokenRequest | Self::ExecCredential => "pass its member status.token alone: jq -r .status.token",
            Self::Secret => "use a projected token: a serviceAccountToken volume, or kubectl create token",
            Self::Status => "read its message: the API server refused to make a token",
            Self::TokenResponse => {
                "pass the projected token of the pod: Entra's own tokens are not signed by the API server"
            }
            Self::Json | Self::Markup => "pass the projected token itself, as the kubelet wrote it",
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
            Self::Bearer => "it is an Authorization header; the token is what follows `Bearer `",
            Self::Quoted => "it stands in quotes",
            Self::Base64 => "it is in base64 once more",
            Self::TokenRequest => "it is a TokenRequest object; the token is its member status.token",
            Self::ExecCredential => "it is an ExecCredential object; the token is its member status.token",
            Self::Secret => "it is a Secret",
            Self::Status => "it is an error of the API server (kind: Status)",
            Self::TokenResponse => "it is the answer of a token endpoint",
            Self::Json => "it is JSON",
            Self::Markup => "it is a page of HTML or XML",
        })
    }
}
