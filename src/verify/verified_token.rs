use std::{fmt, ops::Range};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Refusal;
use crate::token::{Claims, KubernetesClaims, ObjectReference, ServiceAccount, Token, subject_parts};

/// The claims of a verified token, which passed every check of a [`Verifier`](super::Verifier).
///
/// All strings are slices of one copy of the signed JSON, so that a token needs little memory.
///
/// ```
/// use issuer::{Documents, Expectations, KeySet, TOKEN_EXCHANGE_AUDIENCE, Verifier};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let verifier = Verifier::new(&Documents::new(issuer, &keys))?;
///
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/pod-bound.jwt")?;
/// let expectations = Expectations::oidc().audience(TOKEN_EXCHANGE_AUDIENCE);
/// let token = verifier.verify(&text, &expectations, "2026-11-22T00:40:00Z".parse()?)?;
/// assert_eq!(token.issuer(), "https://oidcissuera67fb168.z6.web.core.windows.net/");
/// assert_eq!((token.namespace(), token.name()), ("default", "workload-identity-sa"));
/// assert_eq!(token.subject(), token.service_account().to_string());
/// assert_eq!(token.service_account_uid().map(str::len), Some(36));
/// assert_eq!(token.audiences().collect::<Vec<_>>(), ["api://AzureADTokenExchange"]);
/// assert_eq!(token.expires().to_string(), "2036-11-19T00:33:42Z");
/// assert_eq!(token.issued_at(), token.not_before());
/// assert_eq!(token.pod().unwrap().name, "quick-start");
/// assert!(token.node().is_none() && token.secret().is_none() && token.jti().is_none());
/// assert_eq!(token.claim("exp"), Some(token.expires().as_second().into()));
/// assert!(token.claims_json().starts_with("{\"aud\":"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The signed JSON of the claims, followed by the decoded strings that contain escapes.
    text: Box<str>,
    json: Span,
    issuer: Span,
    subject: Span,
    namespace: Span,
    name: Span,
    audiences: Box<[Span]>,
    expires: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    jti: Option<Span>,
    service_account: Option<Object>,
    pod: Option<Object>,
    node: Option<Object>,
    secret: Option<Object>,
}

/// The position of a string in the text.
type Span = Range<usize>;

/// The positions of the name and UID of an object.
#[derive(Clone, PartialEq, Eq)]
struct Object {
    name: Span,
    uid: Option<Span>,
}

impl VerifiedToken {
    /// Keeps the claims of a token after every check has passed.
    pub(super) fn new(token: Token<'_>) -> Result<Self, Refusal> {
        let json = token.claims_json();
        let Claims { iss, sub, aud, exp, nbf, iat, jti, kubernetes, .. } = token.claims;
        let mut text = Text { json, kept: json.to_owned() };
        let subject = sub.ok_or(Refusal::SubjectMissing)?;
        let (namespace, name) = subject_parts(&subject).ok_or_else(|| Refusal::SubjectForm(subject.to_string()))?;
        let subject = text.keep(&subject);
        let end = subject.end;
        let name = end - name.len()..end;
        let namespace = name.start - 1 - namespace.len()..name.start - 1;
        let KubernetesClaims { serviceaccount, pod, node, secret, .. } = kubernetes.unwrap_or_default();
        let mut object = |object: Option<ObjectReference<'_>>| {
            object.map(|object| Object { name: text.keep(&object.name), uid: object.uid.map(|uid| text.keep(&uid)) })
        };
        let (service_account, pod, node, secret) = (object(serviceaccount), object(pod), object(node), object(secret));
        Ok(Self {
            json: 0..json.len(),
            issuer: text.keep(&iss.ok_or(Refusal::IssuerMissing)?),
            subject,
            namespace,
            name,
            audiences: aud.unwrap_or_default().iter().map(|audience| text.keep(audience)).collect(),
            expires: exp.ok_or(Refusal::ExpiryMissing)?,
            not_before: nbf,
            issued_at: iat,
            jti: jti.map(|jti| text.keep(&jti)),
            service_account,
            pod,
            node,
            secret,
            text: text.kept.into_boxed_str(),
        })
    }

    /// The issuer, identical to a trusted issuer byte for byte.
    pub fn issuer(&self) -> &str {
        self.at(&self.issuer)
    }

    /// The subject, `system:serviceaccount:NAMESPACE:NAME`.
    pub fn subject(&self) -> &str {
        self.at(&self.subject)
    }

    /// The namespace of the service account.
    pub fn namespace(&self) -> &str {
        self.at(&self.namespace)
    }

    /// The name of the service account.
    pub fn name(&self) -> &str {
        self.at(&self.name)
    }

    /// The service account as an owned value.
    pub fn service_account(&self) -> ServiceAccount {
        ServiceAccount { namespace: self.namespace().to_owned(), name: self.name().to_owned() }
    }

    /// The UID of the service account, which differs from that of a later service account with the same name.
    pub fn service_account_uid(&self) -> Option<&str> {
        self.service_account.as_ref()?.uid.as_ref().map(|uid| self.at(uid))
    }

    /// The audiences of the token.
    pub fn audiences(&self) -> impl ExactSizeIterator<Item = &str> {
        self.audiences.iter().map(|audience| self.at(audience))
    }

    /// The time at which the token expires.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The time before which the token is not valid, if the token has the claim `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// The time at which the token was issued, if the token has the claim `iat`.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// The ID of the token, since Kubernetes 1.30.
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_ref().map(|jti| self.at(jti))
    }

    /// The pod to which the token is bound.
    pub fn pod(&self) -> Option<ObjectReference<'_>> {
        self.object(self.pod.as_ref())
    }

    /// The node of the pod, or the node to which the token is bound, since Kubernetes 1.30.
    pub fn node(&self) -> Option<ObjectReference<'_>> {
        self.object(self.node.as_ref())
    }

    /// The Secret to which the token is bound.
    pub fn secret(&self) -> Option<ObjectReference<'_>> {
        self.object(self.secret.as_ref())
    }

    /// Any claim by its name. Each call parses the JSON.
    pub fn claim(&self, name: &str) -> Option<Value> {
        serde_json::from_str::<Map<String, Value>>(self.claims_json()).ok()?.remove(name)
    }

    /// All claims as JSON, byte for byte as signed.
    pub fn claims_json(&self) -> &str {
        self.at(&self.json)
    }

    fn at(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn object(&self, object: Option<&Object>) -> Option<ObjectReference<'_>> {
        let Object { name, uid } = object?;
        Some(ObjectReference { name: self.at(name).into(), uid: uid.as_ref().map(|uid| self.at(uid).into()) })
    }
}

/// Shows the signed claims.
impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedToken").field(&self.claims_json()).finish()
    }
}

/// Text to which a string is added unless the text already contains the string.
struct Text<'a> {
    json: &'a str,
    kept: String,
}

impl Text<'_> {
    fn keep(&mut self, string: &str) -> Span {
        // A string without escapes is borrowed from the JSON, so its address gives its position.
        let start = string.as_ptr().addr().wrapping_sub(self.json.as_ptr().addr());
        let span = start..start.wrapping_add(string.len());
        if self.json.get(span.clone()) == Some(string) {
            return span;
        }
        let start = self.kept.len();
        self.kept.push_str(string);
        start..self.kept.len()
    }
}
