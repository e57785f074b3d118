use std::str::FromStr;

use super::FederationError;
use crate::entra::{ClientId, is_guid};

/// The identity that gets a federated identity credential.
///
/// ```
/// use issuer::CredentialParent;
/// let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/\
///     Microsoft.ManagedIdentity/userAssignedIdentities/orders-identity";
/// let parent = CredentialParent::Identity(id.parse()?);
/// assert!(matches!(&parent, CredentialParent::Identity(identity) if identity.name == "orders-identity"));
/// # Ok::<(), issuer::FederationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialParent {
    /// A user-assigned managed identity.
    Identity(UserAssignedIdentity),
    /// An app registration, by its client ID.
    Application(ClientId),
}

impl CredentialParent {
    pub(super) fn problems(&self) -> Vec<FederationError> {
        match self {
            Self::Identity(identity) => identity.problems(),
            Self::Application(_) => Vec::new(),
        }
    }
}

/// A user-assigned managed identity, by its place in Azure.
///
/// It is parsed from its resource ID.
///
/// ```
/// use issuer::UserAssignedIdentity;
/// let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/\
///     Microsoft.ManagedIdentity/userAssignedIdentities/orders-identity";
/// let identity: UserAssignedIdentity = id.parse()?;
/// assert_eq!((&*identity.resource_group, &*identity.name), ("shop", "orders-identity"));
/// assert_eq!(identity.resource_id().as_deref(), Some(id));
/// # Ok::<(), issuer::FederationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAssignedIdentity {
    /// The subscription ID; `None` for the subscription of the tool that creates the credential.
    pub subscription: Option<String>,
    /// The resource group.
    pub resource_group: String,
    /// The name.
    pub name: String,
}

/// The segments of a resource ID, without their values. Azure compares them without case.
const SEGMENTS: [&str; 4] = ["subscriptions", "resourceGroups", "providers", "userAssignedIdentities"];
const PROVIDER: &str = "Microsoft.ManagedIdentity";

impl UserAssignedIdentity {
    /// An identity in the subscription of the tool that creates the credential.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self { subscription: None, resource_group: resource_group.into(), name: name.into() }
    }

    /// The resource ID; `None` if the subscription is not known.
    pub fn resource_id(&self) -> Option<String> {
        let [subscriptions, groups, providers, identities] = SEGMENTS;
        let (subscription, group, name) = (self.subscription.as_ref()?, &self.resource_group, &self.name);
        Some(format!("/{subscriptions}/{subscription}/{groups}/{group}/{providers}/{PROVIDER}/{identities}/{name}"))
    }

    /// Microsoft Learn, "Naming rules and restrictions for Azure resources".
    fn problems(&self) -> Vec<FederationError> {
        let mut problems = Vec::new();
        if let Some(subscription) = self.subscription.as_deref().filter(|subscription| !is_guid(subscription)) {
            problems.push(FederationError::Subscription(subscription.to_owned()));
        }
        let is_of_group = |letter: char| letter.is_alphanumeric() || "_-.()".contains(letter);
        let group = &self.resource_group;
        if !(1..=90).contains(&group.chars().count()) || !group.chars().all(is_of_group) || group.ends_with('.') {
            problems.push(FederationError::ResourceGroup(group.clone()));
        }
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let starts_well = self.name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !(3..=128).contains(&self.name.len()) || !self.name.bytes().all(is_of_name) || !starts_well {
            problems.push(FederationError::IdentityName(self.name.clone()));
        }
        problems
    }
}

impl FromStr for UserAssignedIdentity {
    type Err = FederationError;

    fn from_str(text: &str) -> Result<Self, FederationError> {
        let segments: Vec<_> = text.split('/').collect();
        let ["", subscriptions, subscription, groups, group, providers, provider, identities, name] = segments[..]
        else {
            return Err(FederationError::ResourceId(text.to_owned()));
        };
        let given = [subscriptions, groups, providers, identities];
        let is_known = given.iter().zip(SEGMENTS).all(|(given, known)| given.eq_ignore_ascii_case(known));
        if !is_known || !provider.eq_ignore_ascii_case(PROVIDER) {
            return Err(FederationError::ResourceId(text.to_owned()));
        }
        Ok(Self { subscription: Some(subscription.to_owned()), ..Self::new(group, name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

    #[test]
    fn resource_id_is_read_without_case() {
        let id = format!(
            "/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/orders"
        );
        let identity: UserAssignedIdentity = id.parse().unwrap();
        let expected = UserAssignedIdentity {
            subscription: Some(SUBSCRIPTION.to_owned()),
            ..UserAssignedIdentity::new("rg", "orders")
        };
        assert_eq!(identity, expected);
        assert_eq!(identity.problems(), []);
        assert_eq!(identity.resource_id().unwrap().parse(), Ok(identity));
        for wrong in [
            "orders",
            "/subscriptions/x",
            "subscriptions/x/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders",
            "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/orders",
            "/subscriptions/x/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders/federatedIdentityCredentials/a",
        ] {
            assert!(matches!(wrong.parse::<UserAssignedIdentity>(), Err(FederationError::ResourceId(_))), "{wrong}");
        }
    }

    #[test]
    fn names_follow_the_rules_of_azure() {
        let (longest_group, long_group) = ("g".repeat(90), "g".repeat(91));
        for group in ["rg", "a.b(c)_d-e", "größe", &longest_group] {
            assert_eq!(UserAssignedIdentity::new(group, "orders").problems(), [], "{group}");
        }
        for group in ["", "rg.", "a b", "a/b", "a'b", &long_group] {
            let problems = UserAssignedIdentity::new(group, "orders").problems();
            assert_eq!(problems, [FederationError::ResourceGroup(group.to_owned())]);
        }
        let long_name = "n".repeat(129);
        for name in ["", "ab", "-abc", "a.bc", "a bc", "größe", &long_name] {
            let problems = UserAssignedIdentity::new("rg", name).problems();
            assert_eq!(problems, [FederationError::IdentityName(name.to_owned())]);
        }
    }
}
