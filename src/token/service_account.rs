use std::{fmt, str::FromStr};

/// A Kubernetes service account: its namespace and name.
///
/// It is displayed as the subject of its tokens, and parsed from `NAMESPACE/NAME` or a subject.
///
/// ```
/// use issuer::ServiceAccount;
/// let account: ServiceAccount = "default/workload-identity-sa".parse()?;
/// assert_eq!(account.to_string(), "system:serviceaccount:default:workload-identity-sa");
/// assert_eq!(ServiceAccount::from_subject(&account.to_string()), Some(account));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    /// The namespace, a DNS label.
    pub namespace: String,
    /// The name, a DNS subdomain.
    pub name: String,
}

const SUBJECT: &str = "system:serviceaccount:";

impl ServiceAccount {
    /// The service account of a subject `system:serviceaccount:NAMESPACE:NAME`; `None` for any other subject.
    pub fn from_subject(subject: &str) -> Option<Self> {
        let (namespace, name) = parts(subject)?;
        Some(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    fn new(namespace: &str, name: &str) -> Option<Self> {
        are_names(namespace, name).then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

/// The namespace and name of a subject, without a copy; `None` for a subject that is not a service account.
pub(crate) fn parts(subject: &str) -> Option<(&str, &str)> {
    let (namespace, name) = subject.strip_prefix(SUBJECT)?.split_once(':')?;
    are_names(namespace, name).then_some((namespace, name))
}

/// Kubernetes' rules: the namespace is a DNS label of up to 63 characters, the name a DNS subdomain of up to 253
/// characters.
fn are_names(namespace: &str, name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |text: &str| (1..=63).contains(&text.len()) && text.bytes().all(plain);
    let subdomain =
        |text: &str| (1..=253).contains(&text.len()) && text.bytes().all(|byte| plain(byte) || byte == b'.');
    label(namespace) && subdomain(name)
}

impl FromStr for ServiceAccount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(namespace, name)| Self::new(namespace, name));
        parts
            .or_else(|| Self::from_subject(text))
            .ok_or_else(|| "pass NAMESPACE/NAME; both consist of lower-case letters, digits, - and .".to_owned())
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SUBJECT}{}:{}", self.namespace, self.name)
    }
}
