use std::{fmt, str::FromStr};

use crate::hint::Hint;

/// The ID of the resource of a user-assigned managed identity.
///
/// ```
/// use issuer::federate::ManagedIdentityId;
/// let text = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders";
/// let id: ManagedIdentityId = text.parse()?;
/// assert_eq!((id.resource_group(), id.name()), ("identities", "orders"));
/// assert_eq!(id.to_string(), text);
/// assert!("/subscriptions/1/resourceGroups/g".parse::<ManagedIdentityId>().is_err());
/// # Ok::<(), issuer::federate::ManagedIdentityIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagedIdentityId {
    subscription: String,
    resource_group: String,
    name: String,
}

/// A text that is no ID of a user-assigned managed identity.
///
/// ```
/// use issuer::{Hint, federate::ManagedIdentityId};
/// let error = "orders".parse::<ManagedIdentityId>().unwrap_err();
/// assert!(error.hint().unwrap().contains("az identity show"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not the resource ID of a user-assigned managed identity")]
pub struct ManagedIdentityIdError(());

impl Hint for ManagedIdentityIdError {
    fn hint(&self) -> Option<String> {
        Some(
            "copy the ID again: az identity show --name NAME --resource-group GROUP --query id --output tsv".to_owned(),
        )
    }
}

impl ManagedIdentityId {
    /// The ID of an identity by its subscription, resource group and name.
    ///
    /// # Errors
    ///
    /// [`ManagedIdentityIdError`] if a part is empty, or has a character that Azure does not allow in it.
    pub fn new(subscription: &str, resource_group: &str, name: &str) -> Result<Self, ManagedIdentityIdError> {
        // Azure's rules are stricter. These characters would change the path of a request.
        let is_part = |text: &str| {
            let is_plain = |character: char| character.is_alphanumeric() || "-_.()".contains(character);
            !text.is_empty() && text.len() <= 128 && text.chars().all(is_plain) && !text.chars().all(|c| c == '.')
        };
        if ![subscription, resource_group, name].into_iter().all(is_part) {
            return Err(ManagedIdentityIdError(()));
        }
        Ok(Self {
            subscription: subscription.to_owned(),
            resource_group: resource_group.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The ID of the subscription.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The name of the resource group.
    pub fn resource_group(&self) -> &str {
        &self.resource_group
    }

    /// The name of the identity.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Upper and lower case of the words between the values do not matter, as in Azure.
impl FromStr for ManagedIdentityId {
    type Err = ManagedIdentityIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let ["", subscriptions, subscription, groups, group, providers, provider, kind, name] = parts[..] else {
            return Err(ManagedIdentityIdError(()));
        };
        let words = [
            (subscriptions, "subscriptions"),
            (groups, "resourceGroups"),
            (providers, "providers"),
            (provider, "Microsoft.ManagedIdentity"),
            (kind, "userAssignedIdentities"),
        ];
        if words.into_iter().all(|(word, expected)| word.eq_ignore_ascii_case(expected)) {
            Self::new(subscription, group, name)
        } else {
            Err(ManagedIdentityIdError(()))
        }
    }
}

impl fmt::Display for ManagedIdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscription, resource_group, name } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        )
    }
}
