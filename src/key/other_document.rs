//! Documents that are often passed by mistake and hold no service account keys, each with a hint.

use std::fmt;

use serde_json::Value;

/// A kind of document from which no service account key can be read.
///
/// ```
/// use issuer::{Hint, KeyError, KeySet, OtherDocument};
/// let error = KeySet::from_bytes(&std::fs::read("fixtures/field/api-server-says-no/status-403.json")?).unwrap_err();
/// let KeyError::OtherDocument { document, .. } = &error else { panic!("{error}") };
/// assert!(matches!(document, OtherDocument::Status { code: Some(403), .. }));
/// assert!(error.hint().unwrap().contains("system:service-account-issuer-discovery"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtherDocument {
    /// An error response of the API server (`kind: Status`).
    Status {
        /// The HTTP status.
        code: Option<u16>,
        /// The error message.
        message: String,
    },
    /// A manifest with values encrypted by SOPS.
    Sops,
    /// A `SealedSecret` of Bitnami's controller.
    SealedSecret,
    /// An `ExternalSecret`, which names the source of a Secret.
    ExternalSecret,
    /// A kubeconfig.
    Kubeconfig,
    /// A `TokenRequest` or a `TokenReview`.
    TokenRequest,
    /// A token.
    Token,
    /// A kubeadm configuration.
    Kubeadm,
    /// The key of a Google Cloud service account, which is unrelated to Kubernetes.
    GoogleServiceAccount,
    /// A kops Keyset with other keys than service account keys, by its name.
    Keyset(String),
    /// A discovery document, with its `jwks_uri`.
    Discovery(Option<String>),
    /// An HTML page, such as a login.
    Html,
    /// An XML document, such as an error of Azure Storage, with its code.
    Xml(Option<String>),
    /// A manifest of another kind.
    Manifest(String),
}

impl OtherDocument {
    /// The kind of a text that is neither JSON nor YAML.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let lower: String = text.chars().take(64).collect::<String>().to_ascii_lowercase();
        if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
            return Some(Self::Html);
        }
        if lower.starts_with("<?xml") || lower.starts_with("<error>") {
            let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
            let code = code.map(|(code, _)| code).filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            return Some(Self::Xml(code.map(str::to_owned)));
        }
        let token = text.strip_prefix("Bearer ").unwrap_or(text);
        (token.starts_with("eyJ") && token.matches('.').count() >= 2).then_some(Self::Token)
    }

    /// The kind of an object that, by its `kind` or members, holds no keys; `None` for an object that may hold keys.
    pub(super) fn of_object(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if is_encrypted_by_sops(value) {
            return Some(Self::Sops);
        }
        Some(match text("kind") {
            None if value.get("jwks_uri").is_some() && value.get("keys").is_none() => {
                Self::Discovery(text("jwks_uri").map(str::to_owned))
            }
            None if text("type") == Some("service_account")
                && (value.get("client_email").is_some() || value.get("private_key_id").is_some()) =>
            {
                Self::GoogleServiceAccount
            }
            Some("Status") => Self::Status {
                code: value.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()),
                message: text("message").or_else(|| text("reason")).unwrap_or("no message").to_owned(),
            },
            Some("SealedSecret") => Self::SealedSecret,
            Some("ExternalSecret") => Self::ExternalSecret,
            Some("TokenRequest" | "TokenReview") => Self::TokenRequest,
            Some("Config") if value.get("clusters").is_some() || text("apiVersion") == Some("v1") => Self::Kubeconfig,
            Some("ClusterConfiguration" | "InitConfiguration" | "JoinConfiguration") => Self::Kubeadm,
            None | Some("Secret" | "ConfigMap" | "Keyset") => return None,
            Some(kind) if kind.ends_with("List") => return None,
            Some(kind) => Self::Manifest(kind.to_owned()),
        })
    }

    /// One next step for the user.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Status { code: Some(401), .. } => {
                "check the credentials of your kubeconfig: kubectl auth whoami".to_owned()
            }
            Self::Status { code: Some(403), .. } => {
                "grant the ClusterRole system:service-account-issuer-discovery: kubectl create clusterrolebinding issuer-discovery --clusterrole=system:service-account-issuer-discovery --user=USER (for a service account: --serviceaccount=NAMESPACE:NAME)".to_owned()
            }
            Self::Status { code: Some(404), .. } => {
                "fetch /openid/v1/jwks; the API server serves this path only if --service-account-issuer is an https URL".to_owned()
            }
            Self::Status { .. } => "fetch the keys again: kubectl get --raw /openid/v1/jwks".to_owned(),
            Self::Sops => "decrypt the file first: sops -d FILE | issuer jwks -".to_owned(),
            Self::SealedSecret | Self::ExternalSecret => {
                "read the Secret that the controller creates: kubectl get secret NAME -o yaml | issuer jwks -".to_owned()
            }
            Self::Kubeconfig => {
                "fetch the keys from the API server with this kubeconfig: kubectl get --raw /openid/v1/jwks --kubeconfig FILE | issuer jwks -".to_owned()
            }
            Self::TokenRequest | Self::Token => {
                "pass the public keys of the API server, or check the token with issuer verify".to_owned()
            }
            Self::Kubeadm | Self::GoogleServiceAccount => "pass /etc/kubernetes/pki/sa.pub from a control plane node".to_owned(),
            Self::Keyset(_) => "pass the Keyset service-account: kops get keypairs service-account -o yaml".to_owned(),
            // The URL is not trusted, so only one that needs no quoting goes into the command.
            Self::Discovery(Some(uri)) if is_plain(uri) => format!("pass the JWKS from the jwks_uri: curl {uri} | issuer jwks -"),
            Self::Discovery(_) => "pass the JWKS: kubectl get --raw /openid/v1/jwks | issuer jwks -".to_owned(),
            Self::Html => {
                "fetch the keys directly from the API server, without a login page or proxy: kubectl get --raw /openid/v1/jwks".to_owned()
            }
            Self::Xml(_) => "check the URL, and check that the document is public".to_owned(),
            Self::Manifest(_) => "pass the Secret or ConfigMap with the service account keys, or sa.pub".to_owned(),
        }
    }
}

/// The text completes the sentence "the input holds no key: it is …".
impl fmt::Display for OtherDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { code: Some(code), message } => {
                write!(f, "an error of the API server, status {code}: {message}")
            }
            Self::Status { code: None, message } => write!(f, "an error of the API server: {message}"),
            Self::Sops => f.write_str("encrypted by SOPS"),
            Self::SealedSecret => f.write_str("a SealedSecret, which only its controller can decrypt"),
            Self::ExternalSecret => f.write_str("an ExternalSecret, which does not contain the keys"),
            Self::Kubeconfig => f.write_str("a kubeconfig"),
            Self::TokenRequest => f.write_str("a response of the TokenRequest API"),
            Self::Token => f.write_str("a token"),
            Self::Kubeadm => f.write_str("a kubeadm configuration"),
            Self::GoogleServiceAccount => f.write_str("the key of a Google Cloud service account"),
            Self::Keyset(name) => write!(f, "the Keyset {name:?}, which holds no service account keys"),
            Self::Discovery(_) => f.write_str("a discovery document, which holds the URL of the JWKS and no keys"),
            Self::Html => f.write_str("an HTML page"),
            Self::Xml(Some(code)) => write!(f, "an error of Azure Storage ({code})"),
            Self::Xml(None) => f.write_str("an XML document"),
            Self::Manifest(kind) => write!(f, "a manifest of kind {kind:?}"),
        }
    }
}

/// Whether a URL needs no quoting in a shell.
fn is_plain(uri: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/._~%-".contains(&byte);
    uri.starts_with("https://") && uri.len() <= 600 && uri.bytes().all(is_plain)
}

/// SOPS adds a member `sops`, and replaces values with `ENC[AES256_GCM,…]`.
fn is_encrypted_by_sops(value: &Value) -> bool {
    let is_encrypted = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("ENC[AES256_GCM,"));
    let members = ["data", "stringData"].into_iter().filter_map(|name| value.get(name)?.as_object());
    value.get("sops").is_some_and(Value::is_object) || members.flat_map(|data| data.values()).any(is_encrypted)
}
