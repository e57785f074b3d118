use std::{fmt, str::FromStr};

use crate::hint::Hint;

/// The owner of published keys: a cluster, or another publisher of the issuer.
///
/// The owner of publishers that name none is [`Owner::NONE`], which is the default. Names are compared byte for byte.
///
/// ```
/// use issuer::Owner;
/// let owner: Owner = "prod-1".parse()?;
/// assert_eq!(owner.to_string(), "prod-1");
/// assert!("2f1c4b6e-6d0e-4c57-9a41-0d6c2f2a7f11".parse::<Owner>().is_ok());
/// assert_eq!(Owner::default(), Owner::NONE.parse()?);
/// # Ok::<(), issuer::OwnerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

impl Owner {
    /// The name of the owner of publishers that name none.
    pub const NONE: &str = "none";
    /// The maximum length of a name. Fifty names and their keys must fit into the metadata of a blob.
    pub const LENGTH_MAX: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the owner of publishers that name none.
    pub fn is_none(&self) -> bool {
        self.0 == Self::NONE
    }

    /// An owner of a retention record. A later version may allow other names, so every name is kept.
    pub(super) fn of_record(name: String) -> Self {
        Self(name)
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self(Self::NONE.to_owned())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(name: &str) -> Result<Self, OwnerError> {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/@+".contains(letter);
        match name.chars().find(|letter| !is_allowed(*letter)) {
            _ if name.is_empty() => Err(OwnerError::Empty),
            _ if name.len() > Self::LENGTH_MAX => Err(OwnerError::TooLong(name.len())),
            Some(letter) => Err(OwnerError::Character(letter)),
            None => Ok(Self(name.to_owned())),
        }
    }
}

/// Reason why a text is not the name of an owner.
///
/// ```
/// use issuer::{Hint, Owner, OwnerError};
/// let error = "prod 1".parse::<Owner>().unwrap_err();
/// assert_eq!(error, OwnerError::Character(' '));
/// assert_eq!(error.to_string(), "the name of an owner cannot have the character ' '");
/// assert!(error.hint().unwrap().starts_with("use letters"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The name is empty.
    #[error("the name of an owner is empty")]
    Empty,
    /// The name is longer than [`Owner::LENGTH_MAX`].
    #[error("the name of an owner has {0} bytes; at most {max} are accepted", max = Owner::LENGTH_MAX)]
    TooLong(usize),
    /// The name has a character that is not accepted.
    #[error("the name of an owner cannot have the character {0:?}")]
    Character(char),
}

impl Hint for OwnerError {
    fn hint(&self) -> Option<String> {
        Some("use letters, digits and -_.:/@+, such as prod-1 or the UID of the namespace kube-system".to_owned())
    }
}

/// The first owners of a list and the number of the others, for a message.
pub(crate) fn owners_text<'a>(owners: impl IntoIterator<Item = &'a Owner>) -> String {
    const SHOWN: usize = 3;
    // A record may hold any name.
    let name = |owner: &Owner| owner.0.escape_debug().to_string();
    let names: Vec<_> = owners.into_iter().map(name).collect();
    match names.split_at_checked(SHOWN) {
        Some((shown, rest)) if rest.len() > 1 => format!("{} and {} more", shown.join(", "), rest.len()),
        _ => names.join(", "),
    }
}
