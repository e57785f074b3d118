use std::{fmt, str::FromStr};

use crate::hint::Hint;

/// A Kubernetes service account: its namespace and name.
///
/// It is displayed as the subject of its tokens, and parsed from `NAMESPACE/NAME` or a subject.
///
/// ```
/// use issuer::ServiceAccount;
/// let account: ServiceAccount = "default/workload-identity-sa".parse()?;
/// assert_eq!(account.to_string(), "system:serviceaccount:default:workload-identity-sa");
/// assert_eq!(ServiceAccount::from_subject(&account.to_string()), Some(account));
/// # Ok::<(), issuer::ServiceAccountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    /// The namespace, a DNS label.
    pub namespace: String,
    /// The name, a DNS subdomain.
    pub name: String,
}

const SUBJECT: &str = "system:serviceaccount:";
/// The longest DNS label (RFC 1123 section 2.1, RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;
/// The longest DNS subdomain (Kubernetes, "Object Names and IDs").
const SUBDOMAIN_MAX: usize = 253;

impl ServiceAccount {
    /// The service account of a subject `system:serviceaccount:NAMESPACE:NAME`; `None` for any other subject.
    pub fn from_subject(subject: &str) -> Option<Self> {
        let (namespace, name) = parts(subject)?;
        Some(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

/// The subject of the tokens of a service account.
pub(crate) fn subject(namespace: &str, name: &str) -> String {
    format!("{SUBJECT}{namespace}:{name}")
}

/// The namespace and name of a subject, without a copy; `None` for a subject that is not a service account.
pub(crate) fn parts(subject: &str) -> Option<(&str, &str)> {
    let (namespace, name) = subject.strip_prefix(SUBJECT)?.split_once(':')?;
    (label(namespace).is_none() && subdomain(name).is_none()).then_some((namespace, name))
}

/// The rule of a DNS label that a namespace breaks.
fn label(text: &str) -> Option<NameRule> {
    match NameRule::of_length(text, LABEL_MAX) {
        None if text.contains('.') => Some(NameRule::Character('.')),
        None => NameRule::of_label(text),
        rule => rule,
    }
}

/// The rule of a DNS subdomain, labels with dots between them, that a name breaks. Its labels have no limit of their own
/// (Kubernetes `IsDNS1123Subdomain`).
fn subdomain(text: &str) -> Option<NameRule> {
    NameRule::of_length(text, SUBDOMAIN_MAX).or_else(|| text.split('.').find_map(NameRule::of_label))
}

/// A rule that a namespace or name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameRule {
    Empty,
    Length(usize),
    Character(char),
    Edge,
}

impl NameRule {
    fn of_length(text: &str, maximum: usize) -> Option<Self> {
        match text.len() {
            0 => Some(Self::Empty),
            length if length > maximum => Some(Self::Length(maximum)),
            _ => None,
        }
    }

    fn of_label(label: &str) -> Option<Self> {
        let is_plain = |letter: &char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '-';
        match label.chars().find(|letter| !is_plain(letter)) {
            Some(other) => Some(Self::Character(other)),
            None if label.is_empty() || label.starts_with('-') || label.ends_with('-') => Some(Self::Edge),
            None => None,
        }
    }
}

impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Length(maximum) => write!(f, "is longer than {maximum} characters"),
            Self::Character(other) => write!(f, "contains {other:?}"),
            Self::Edge => f.write_str("has a part that does not start and end with a letter or digit"),
        }
    }
}

impl FromStr for ServiceAccount {
    type Err = ServiceAccountError;

    fn from_str(text: &str) -> Result<Self, ServiceAccountError> {
        let parts = match text.strip_prefix(SUBJECT) {
            Some(rest) => rest.split_once(':'),
            None => text.split_once('/'),
        };
        let (namespace, name) = parts.ok_or_else(|| ServiceAccountError::Form { given: text.to_owned() })?;
        if let Some(rule) = label(namespace) {
            return Err(ServiceAccountError::Namespace { given: namespace.to_owned(), because: rule.to_string() });
        }
        if let Some(rule) = subdomain(name) {
            return Err(ServiceAccountError::Name { given: name.to_owned(), because: rule.to_string() });
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SUBJECT}{}:{}", self.namespace, self.name)
    }
}

/// Reason why a text is not a Kubernetes service account.
///
/// Kubernetes, "Object Names and IDs": a namespace is a DNS label, the name of a service account a DNS subdomain.
///
/// ```
/// use issuer::{Hint, ServiceAccount};
/// let error = "shop/Orders".parse::<ServiceAccount>().unwrap_err();
/// assert_eq!(error.to_string(), "the service account name \"Orders\" contains 'O'");
/// assert_eq!(error.hint().unwrap(), "use lower-case letters, digits, - and . with a letter or digit at each end");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceAccountError {
    /// The text has another form.
    #[error("{given:?} is not a service account")]
    Form {
        /// The text.
        given: String,
    },
    /// The namespace is not a DNS label.
    #[error("the namespace {given:?} {because}")]
    Namespace {
        /// The namespace.
        given: String,
        /// The rule that it breaks.
        because: String,
    },
    /// The name is not a DNS subdomain.
    #[error("the service account name {given:?} {because}")]
    Name {
        /// The name.
        given: String,
        /// The rule that it breaks.
        because: String,
    },
}

impl Hint for ServiceAccountError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Form { .. } => "pass NAMESPACE/NAME, such as shop/orders",
            Self::Namespace { given, .. } | Self::Name { given, .. } if given.contains('*') => {
                "pass one service account; Entra supports no wildcards for the tokens of Kubernetes"
            }
            Self::Namespace { given, .. } if given.len() > LABEL_MAX => return None,
            Self::Name { given, .. } if given.len() > SUBDOMAIN_MAX => return None,
            Self::Namespace { .. } => "use lower-case letters, digits and - with a letter or digit at each end",
            Self::Name { .. } => "use lower-case letters, digits, - and . with a letter or digit at each end",
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_and_name_are_parsed_from_both_forms() {
        let longest = format!("{}/{}", "n".repeat(63), "a".repeat(253));
        for text in ["shop/orders", "system:serviceaccount:shop:orders", "a/b.c", "1/2", "a-b/c-d.e-f", &longest] {
            let account: ServiceAccount = text.parse().unwrap();
            assert_eq!(account.to_string().parse(), Ok(account.clone()), "{text}");
            assert_eq!(ServiceAccount::from_subject(&account.to_string()), Some(account));
        }
    }

    #[test]
    fn broken_rule_is_named() {
        let long_namespace = format!("{}/orders", "n".repeat(64));
        let long_name = format!("shop/{}", "a".repeat(254));
        for (text, because) in [
            ("", "\"\" is not a service account"),
            ("orders", "\"orders\" is not a service account"),
            ("system:serviceaccount:shop", "is not a service account"),
            ("/orders", "the namespace \"\" is empty"),
            ("shop/", "the service account name \"\" is empty"),
            (&long_namespace, "is longer than 63 characters"),
            (&long_name, "is longer than 253 characters"),
            ("a.b/orders", "the namespace \"a.b\" contains '.'"),
            ("Shop/orders", "the namespace \"Shop\" contains 'S'"),
            ("shop/or_ders", "contains '_'"),
            ("shop/a/b", "contains '/'"),
            ("shop/é", "contains 'é'"),
            ("-shop/orders", "does not start and end with a letter or digit"),
            ("shop/orders-", "does not start and end with a letter or digit"),
            ("shop/a..b", "does not start and end with a letter or digit"),
            ("shop/.a", "does not start and end with a letter or digit"),
            ("shop/a-.b", "does not start and end with a letter or digit"),
        ] {
            let error = text.parse::<ServiceAccount>().unwrap_err();
            assert!(error.to_string().contains(because), "{text:?}: {error}");
            assert_eq!(error.hint().is_none(), because.starts_with("is longer"), "{text:?}");
        }
        let error = "shop/*".parse::<ServiceAccount>().unwrap_err();
        assert!(error.hint().unwrap().contains("no wildcards"));
    }
}
