//! What people pass in place of keys and is a document of another kind, and how to get keys instead.

use std::fmt;

use serde_json::Value;

/// A document that holds no service account keys that can be read.
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
    /// An error of the API server (`kind: Status`).
    Status {
        /// Its HTTP status.
        code: Option<u16>,
        /// What it says.
        message: String,
    },
    /// A manifest whose values SOPS has encrypted.
    Sops,
    /// A `SealedSecret` of Bitnami's controller.
    SealedSecret,
    /// An `ExternalSecret`, which names where a Secret comes from.
    ExternalSecret,
    /// A kubeconfig.
    Kubeconfig,
    /// An answer of the TokenRequest API, or a review of a token.
    TokenRequest,
    /// A token.
    Token,
    /// A configuration of kubeadm.
    Kubeadm,
    /// The key of a service account of Google Cloud, which has nothing to do with Kubernetes.
    GoogleServiceAccount,
    /// A kops Keyset of something else than service accounts, by its name.
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
    /// What a text is that is neither JSON nor YAML.
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

    /// What an object is that holds no keys by its kind or its members; `None` for one that may hold some.
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

    /// The next step.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Status { code: Some(401), .. } => {
                "check the credentials of your kubeconfig: kubectl auth whoami".to_owned()
            }
            Self::Status { code: Some(403), .. } => {
                "the user lacks the ClusterRole system:service-account-issuer-discovery: kubectl create clusterrolebinding issuer-discovery --clusterrole=system:service-account-issuer-discovery --user=USER; or --serviceaccount=NAMESPACE:NAME in place of --user".to_owned()
            }
            Self::Status { code: Some(404), .. } => {
                "ask for /openid/v1/jwks; it is served only if --service-account-issuer is an https URL".to_owned()
            }
            Self::Status { .. } => "fetch the keys again: kubectl get --raw /openid/v1/jwks".to_owned(),
            Self::Sops => "decrypt it first: sops -d FILE | issuer jwks -".to_owned(),
            Self::SealedSecret | Self::ExternalSecret => {
                "read the Secret that the controller makes of it: kubectl get secret NAME -o yaml | issuer jwks -".to_owned()
            }
            Self::Kubeconfig => {
                "read the keys from the API server with it: kubectl get --raw /openid/v1/jwks --kubeconfig FILE | issuer jwks -".to_owned()
            }
            Self::TokenRequest | Self::Token => {
                "pass the public keys of the API server; to judge a token use issuer verify".to_owned()
            }
            Self::Kubeadm | Self::GoogleServiceAccount => "pass /etc/kubernetes/pki/sa.pub of a control plane node".to_owned(),
            Self::Keyset(_) => "pass the Keyset service-account: kops get keypairs service-account -o yaml".to_owned(),
            // Strangers choose the text, and it would stand in a command.
            Self::Discovery(Some(uri)) if is_plain(uri) => format!("pass the document at its jwks_uri: curl {uri} | issuer jwks -"),
            Self::Discovery(_) => "pass the JWKS: kubectl get --raw /openid/v1/jwks | issuer jwks -".to_owned(),
            Self::Html => {
                "fetch the keys without a login page or proxy in between: kubectl get --raw /openid/v1/jwks".to_owned()
            }
            Self::Xml(_) => "check the URL; a document that is not public gets such an answer".to_owned(),
            Self::Manifest(_) => "pass the Secret or ConfigMap with the service account keys, or sa.pub itself".to_owned(),
        }
    }
}

/// Reads as the end of "the input holds no key: it is …".
impl fmt::Display for OtherDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { code: Some(code), message } => {
                write!(f, "an error of the API server, {code}: {message}")
            }
            Self::Status { code: None, message } => write!(f, "an error of the API server: {message}"),
            Self::Sops => f.write_str("encrypted by SOPS"),
            Self::SealedSecret => f.write_str("a SealedSecret, which only its controller can decrypt"),
            Self::ExternalSecret => f.write_str("an ExternalSecret, which holds no keys itself"),
            Self::Kubeconfig => f.write_str("a kubeconfig"),
            Self::TokenRequest => f.write_str("an answer of the TokenRequest API"),
            Self::Token => f.write_str("a token"),
            Self::Kubeadm => f.write_str("a configuration of kubeadm"),
            Self::GoogleServiceAccount => f.write_str("the key of a service account of Google Cloud"),
            Self::Keyset(name) => write!(f, "the Keyset {name:?}, not that of service accounts"),
            Self::Discovery(_) => f.write_str("a discovery document, which names the JWKS and does not hold it"),
            Self::Html => f.write_str("an HTML page"),
            Self::Xml(Some(code)) => write!(f, "an error of Azure Storage ({code})"),
            Self::Xml(None) => f.write_str("an XML document"),
            Self::Manifest(kind) => write!(f, "a manifest of kind {kind:?}"),
        }
    }
}

/// Whether a shell reads a URL as one word.
fn is_plain(uri: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/._~%-".contains(&byte);
    uri.starts_with("https://") && uri.len() <= 600 && uri.bytes().all(is_plain)
}

/// SOPS adds a member of its name, and encrypts values to `ENC[AES256_GCM,…]`.
fn is_encrypted_by_sops(value: &Value) -> bool {
    let is_encrypted = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("ENC[AES256_GCM,"));
    let members = ["data", "stringData"].into_iter().filter_map(|name| value.get(name)?.as_object());
    value.get("sops").is_some_and(Value::is_object) || members.flat_map(|data| data.values()).any(is_encrypted)
}
