use std::{fmt, str::FromStr, sync::Arc};

use crate::{hint::Hint, redact::redacted_start};

/// The end of a scope in the client credentials flow.
const DEFAULT: &str = "/.default";
/// The longest scope that is sent, in bytes.
const LENGTH_MAX: usize = 600;
/// The longest scope in an error, in characters.
const SHOWN_MAX: usize = 200;
/// The scopes of OpenID Connect and OAuth, which apply to users only.
const OF_USERS: [&str; 5] = ["openid", "profile", "email", "offline_access", "user_impersonation"];

/// The scope of an access token in the client credentials flow: one resource, followed by `/.default`.
///
/// The resource is an application ID URI or a GUID. Microsoft Learn, "OAuth 2.0 client credentials flow on the Microsoft
/// identity platform". Clones share the text.
///
/// ```
/// use issuer::{Hint, Scope, ScopeError};
/// let scope: Scope = "https://vault.azure.net/.default".parse()?;
/// assert_eq!(scope.resource(), "https://vault.azure.net");
/// assert_eq!(scope.to_string(), "https://vault.azure.net/.default");
///
/// let error = "https://vault.azure.net".parse::<Scope>().unwrap_err();
/// assert_eq!(error, ScopeError::NoDefault("https://vault.azure.net".to_owned()));
/// assert_eq!(error.hint().unwrap(), "pass https://vault.azure.net/.default");
/// # Ok::<(), ScopeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Arc<str>);

impl Scope {
    /// The scope of a resource of this crate.
    pub(super) fn of(resource: &str) -> Self {
        Self(format!("{resource}{DEFAULT}").into())
    }

    /// The text, as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource: the text without `/.default`.
    pub fn resource(&self) -> &str {
        self.0.strip_suffix(DEFAULT).unwrap_or(&self.0)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let shown = || redacted_start(text, SHOWN_MAX);
        let words: Vec<_> = text.split_whitespace().collect();
        // RFC 6749 section 3.3 has the characters of a scope.
        let is_of_scope = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        match words[..] {
            [] => Err(ScopeError::Empty),
            [_, _, ..] => Err(ScopeError::Several(words.len())),
            [word] if word != text => Err(ScopeError::WhiteSpace(redacted_start(word, SHOWN_MAX))),
            _ if text.len() > LENGTH_MAX => Err(ScopeError::TooLong(text.len())),
            _ if !text.bytes().all(is_of_scope) => Err(ScopeError::Character(shown())),
            _ => match text.strip_suffix(DEFAULT) {
                Some("") => Err(ScopeError::NoResource),
                Some(_) => Ok(Self(text.into())),
                None if is_of_user(text) => Err(ScopeError::OfUser(shown())),
                None => Err(ScopeError::NoDefault(shown())),
            },
        }
    }
}

/// Whether a scope without `/.default` is a permission of a user, such as `https://graph.microsoft.com/User.Read`.
fn is_of_user(text: &str) -> bool {
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let permission = after_scheme.rsplit_once('/').map_or(text, |(_, last)| last);
    let is_graph = permission.split('.').count() >= 2
        && permission.split('.').all(|word| word.starts_with(|first: char| first.is_ascii_uppercase()));
    OF_USERS.contains(&permission) || is_graph
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A text is not a scope of the client credentials flow.
///
/// ```
/// use issuer::{Scope, ScopeError};
/// let error = "https://vault.azure.net/.default https://storage.azure.com/.default".parse::<Scope>().unwrap_err();
/// assert_eq!(error, ScopeError::Several(2));
/// assert_eq!(error.to_string(), "the scope names 2 resources; expected one resource");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The text is empty.
    #[error("the scope is empty")]
    Empty,
    /// The text names several resources, separated by white space.
    #[error("the scope names {0} resources; expected one resource")]
    Several(usize),
    /// White space surrounds the scope.
    #[error("the scope {0:?} has white space around it")]
    WhiteSpace(String),
    /// The text is longer than 600 bytes.
    #[error("the scope has {0} bytes; at most {LENGTH_MAX} are accepted")]
    TooLong(usize),
    /// The text has a character that RFC 6749 section 3.3 does not allow.
    #[error("the scope {0:?} has a character that RFC 6749 does not allow in a scope")]
    Character(String),
    /// The text is `/.default` only.
    #[error("the scope {DEFAULT} names no resource")]
    NoResource,
    /// The text is a permission of a user. A workload has the roles that it was assigned.
    #[error("the scope {0:?} is a permission of a user; a workload requests RESOURCE{DEFAULT}")]
    OfUser(String),
    /// The text does not end with `/.default`.
    #[error("the scope {0:?} does not end with {DEFAULT}")]
    NoDefault(String),
}

impl Hint for ScopeError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoDefault(text) if text.contains('…') => return None,
            Self::NoDefault(text) if text.contains(".default") => {
                "pass one resource, followed by /.default, such as https://vault.azure.net/.default".to_owned()
            }
            Self::NoDefault(text) => format!("pass {text}{DEFAULT}"),
            Self::WhiteSpace(text) => format!("pass {text}"),
            Self::Several(_) => "request one token for each resource".to_owned(),
            Self::OfUser(text) => match text.rsplit_once('/') {
                Some((resource, _)) if resource.contains("://") && !resource.ends_with('/') => {
                    format!("pass {resource}{DEFAULT}, and assign the role to the application")
                }
                _ => "pass the application ID URI of the resource with /.default at its end".to_owned(),
            },
            Self::Empty | Self::NoResource | Self::TooLong(_) | Self::Character(_) => {
                "pass one resource with /.default at its end, such as https://vault.azure.net/.default".to_owned()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_is_one_resource_with_default() {
        for text in [
            "https://vault.azure.net/.default",
            "https://management.core.windows.net//.default",
            "api://11111111-aaaa-4bbb-8ccc-000000000001/.default",
            "6dae42f8-4368-4678-94ff-3960e28e3630/.default",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().as_str(), text);
        }
        let long = format!("https://{}/.default", "x".repeat(600));
        let text = str::to_owned;
        for (scope, error, hint) in [
            ("", ScopeError::Empty, "such as https://vault.azure.net/.default"),
            (" \n", ScopeError::Empty, "such as"),
            ("a/.default b/.default", ScopeError::Several(2), "one token for each"),
            ("a/.default\tb", ScopeError::Several(2), "one token for each"),
            (" a/.default\n", ScopeError::WhiteSpace(text("a/.default")), "pass a/.default"),
            ("/.default", ScopeError::NoResource, "pass one resource"),
            (&long, ScopeError::TooLong(617), "pass one resource"),
            ("a\"/.default", ScopeError::Character(text("a\"/.default")), "pass one resource"),
            ("ä/.default", ScopeError::Character(text("ä/.default")), "pass one resource"),
            ("https://vault.azure.net", ScopeError::NoDefault(text("https://vault.azure.net")), "azure.net/.default"),
            ("https://a/.Default", ScopeError::NoDefault(text("https://a/.Default")), "pass"),
            ("openid", ScopeError::OfUser(text("openid")), "application ID URI"),
            (
                "https://graph.microsoft.com/User.Read",
                ScopeError::OfUser(text("https://graph.microsoft.com/User.Read")),
                "pass https://graph.microsoft.com/.default, and",
            ),
        ] {
            let found = scope.parse::<Scope>().unwrap_err();
            assert_eq!(found, error);
            let given = found.hint().unwrap();
            assert!(given.contains(hint), "{scope}: {given}");
        }
    }

    #[test]
    fn token_in_place_of_a_scope_is_not_shown() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl";
        let error = token.parse::<Scope>().unwrap_err();
        assert!(!error.to_string().contains("eyJ") && error.hint().is_none(), "{error}");
    }
}
