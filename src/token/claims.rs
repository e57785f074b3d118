use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::{numeric_date, object, sound::Sound, text};

/// The claims of a service account token (RFC 7519 section 4.1, Kubernetes `pkg/serviceaccount/claims.go`).
///
/// A token is malformed if a known claim occurs twice, is null or has another type. The API server omits empty claims
/// (`omitempty`) and never writes null. An unknown claim must only be well-formed JSON.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/pod-bound.jwt")?;
/// let mut buffer = Vec::new();
/// let claims = issuer::Token::parse(&text, &mut buffer)?.claims;
/// assert_eq!(claims.sub.as_deref(), Some("system:serviceaccount:default:workload-identity-sa"));
/// assert_eq!(claims.exp, Some("2036-11-19T00:33:42Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Claims<'a> {
    /// The issuer.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub iss: Option<Cow<'a, str>>,
    /// The subject, `system:serviceaccount:NAMESPACE:NAME`.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub sub: Option<Cow<'a, str>>,
    /// The audiences; `None` when the claim is absent.
    #[serde(borrow, default, deserialize_with = "text::one_or_list")]
    pub aud: Option<Vec<Cow<'a, str>>>,
    /// The time at which the token expires.
    #[serde(default, deserialize_with = "numeric_date::deserialize")]
    pub exp: Option<Timestamp>,
    /// The time before which the token is not valid.
    #[serde(default, deserialize_with = "numeric_date::deserialize")]
    pub nbf: Option<Timestamp>,
    /// The time at which the token was issued.
    #[serde(default, deserialize_with = "numeric_date::deserialize")]
    pub iat: Option<Timestamp>,
    /// The ID of the token, since Kubernetes 1.30.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub jti: Option<Cow<'a, str>>,
    /// The service account, and the objects to which the token is bound.
    #[serde(borrow, default, rename = "kubernetes.io", deserialize_with = "object::optional")]
    pub kubernetes: Option<KubernetesClaims<'a>>,
    /// The namespace in a legacy token from a Secret, which projected tokens replace.
    #[serde(borrow, default, rename = "kubernetes.io/serviceaccount/namespace", deserialize_with = "text::optional")]
    pub legacy_namespace: Option<Cow<'a, str>>,
    /// Whether the claim `xms_ficinfo` is present: Entra issued the token for a federated identity credential.
    #[serde(default, rename = "xms_ficinfo", deserialize_with = "presence")]
    pub is_from_federated_credential: bool,
}

/// Whether a member is present, with any value.
fn presence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Sound::deserialize(deserializer).map(|_| true)
}

/// The claim `kubernetes.io`.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/pod-bound.jwt")?;
/// let mut buffer = Vec::new();
/// let kubernetes = issuer::Token::parse(&text, &mut buffer)?.claims.kubernetes.unwrap();
/// assert_eq!(kubernetes.namespace.as_deref(), Some("default"));
/// assert!(kubernetes.pod.is_some() && kubernetes.secret.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct KubernetesClaims<'a> {
    /// The namespace of the service account.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub namespace: Option<Cow<'a, str>>,
    /// The service account.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub serviceaccount: Option<ObjectReference<'a>>,
    /// The pod to which the token is bound.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub pod: Option<ObjectReference<'a>>,
    /// The Secret to which the token is bound.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub secret: Option<ObjectReference<'a>>,
    /// The node of the pod, or the node to which the token is bound.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub node: Option<ObjectReference<'a>>,
    /// The time after which the API server reports use of a token with an extended lifetime
    /// (`--service-account-extend-token-expiration`).
    #[serde(default, rename = "warnafter", deserialize_with = "numeric_date::deserialize")]
    pub warn_after: Option<Timestamp>,
}

/// The name and UID of a Kubernetes object.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/pod-bound.jwt")?;
/// let mut buffer = Vec::new();
/// let kubernetes = issuer::Token::parse(&text, &mut buffer)?.claims.kubernetes.unwrap();
/// let account = kubernetes.serviceaccount.unwrap();
/// assert_eq!(account.name, "workload-identity-sa");
/// assert_eq!(account.uid.unwrap().len(), 36);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ObjectReference<'a> {
    /// The name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The UID, which differs from that of a later object with the same name.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub uid: Option<Cow<'a, str>>,
}
