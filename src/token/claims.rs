use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};

use super::numeric_date;

/// The claims of a service account token (RFC 7519 section 4.1, Kubernetes `pkg/serviceaccount/claims.go`).
///
/// A claim given twice, or of another type, makes the token unreadable; unknown claims are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Claims {
    /// The issuer.
    pub iss: Option<String>,
    /// The subject, `system:serviceaccount:NAMESPACE:NAME`.
    pub sub: Option<String>,
    /// The audiences; `None` when the claim is absent.
    #[serde(default, deserialize_with = "audiences")]
    pub aud: Option<Vec<String>>,
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
    pub jti: Option<String>,
    /// What Kubernetes says of the service account and what the token is bound to.
    #[serde(rename = "kubernetes.io")]
    pub kubernetes: Option<KubernetesClaims>,
    /// The namespace in a token from a Secret, the kind that came before projected tokens.
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    pub legacy_namespace: Option<String>,
}

/// The claim `kubernetes.io`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct KubernetesClaims {
    /// The namespace of the service account.
    pub namespace: Option<String>,
    /// The service account.
    pub serviceaccount: Option<ObjectReference>,
    /// The pod the token is bound to.
    pub pod: Option<ObjectReference>,
    /// The Secret the token is bound to.
    pub secret: Option<ObjectReference>,
    /// The node the pod runs on, or the token is bound to.
    pub node: Option<ObjectReference>,
}

/// The name and UID of a Kubernetes object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ObjectReference {
    /// The name.
    pub name: String,
    /// The UID, which a new object of the same name does not share.
    pub uid: Option<String>,
}

/// One string or a list of strings (RFC 7519 section 4.1.3).
fn audiences<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    struct Audiences;

    impl<'de> de::Visitor<'de> for Audiences {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: de::Error>(self, one: &str) -> Result<Vec<String>, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut audiences = Vec::new();
            while let Some(audience) = list.next_element()? {
                audiences.push(audience);
            }
            Ok(audiences)
        }
    }

    deserializer.deserialize_any(Audiences).map(Some)
}
