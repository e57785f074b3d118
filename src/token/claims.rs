use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use super::{numeric_date, object, text};

/// The claims of a service account token (RFC 7519 section 4.1, Kubernetes `pkg/serviceaccount/claims.go`).
///
/// A known claim that is given twice, is null or has another type makes the token unreadable. The API server leaves out
/// what it has no value for (`omitempty`), and never writes null. An unknown claim only has to be well-formed JSON.
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
    /// When the token stops being valid.
    #[serde(default, deserialize_with = "numeric_date::deserialize")]
    pub exp: Option<Timestamp>,
    /// When the token starts being valid.
    #[serde(default, deserialize_with = "numeric_date::deserialize")]
    pub nbf: Option<Timestamp>,
    /// When the token was issued.
    #[serde(default, deserialize_with = "numeric_date::deserialize")]
    pub iat: Option<Timestamp>,
    /// The token's own ID, from Kubernetes 1.30 on.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub jti: Option<Cow<'a, str>>,
    /// What Kubernetes says of the service account and what the token is bound to.
    #[serde(borrow, default, rename = "kubernetes.io", deserialize_with = "object::optional")]
    pub kubernetes: Option<KubernetesClaims<'a>>,
    /// The namespace in a token from a Secret, the kind that came before projected tokens.
    #[serde(borrow, default, rename = "kubernetes.io/serviceaccount/namespace", deserialize_with = "text::optional")]
    pub legacy_namespace: Option<Cow<'a, str>>,
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
    /// The pod the token is bound to.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub pod: Option<ObjectReference<'a>>,
    /// The Secret the token is bound to.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub secret: Option<ObjectReference<'a>>,
    /// The node the pod runs on, or the token is bound to.
    #[serde(borrow, default, deserialize_with = "object::optional")]
    pub node: Option<ObjectReference<'a>>,
    /// From when on the API server reports use of the token, where it extended the token's lifetime
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
    /// The UID, which a new object of the same name does not share.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub uid: Option<Cow<'a, str>>,
}
