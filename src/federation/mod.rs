//! Federated identity credentials for service accounts, as commands, templates and manifests that create them.

mod arm;
mod az;
mod bicep;
mod credential_name;
mod federation_error;
mod kubernetes;
mod parent;
mod sql;
mod terraform;

pub use federation_error::FederationError;
pub use parent::{CredentialParent, UserAssignedIdentity};

use credential_name::credential_name;

use crate::{entra::FederatedCredential, issuer_url::IssuerUrl, public_host::why_not_public, token::ServiceAccount};

/// The maximum length of a description, in characters (Microsoft Learn, "Important considerations and restrictions for
/// federated identity credentials").
const DESCRIPTION_MAX: usize = 600;

/// A federated identity credential that lets a Kubernetes service account act as an identity of Microsoft Entra ID.
///
/// ```
/// use issuer::{CredentialParent, Federation, UserAssignedIdentity};
/// let parent = CredentialParent::Identity(UserAssignedIdentity::new("shop", "orders-identity"));
/// let issuer = "https://issuer.example.com".parse()?;
/// let federation = Federation::new(parent, "shop/orders".parse()?, &issuer);
/// assert!(federation.problems().is_empty());
/// assert_eq!(federation.credential.name.as_deref(), Some("shop-orders-3c09ede0"));
/// assert!(federation.az_command().starts_with("az identity federated-credential create"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Federation {
    /// The identity that gets the credential.
    pub parent: CredentialParent,
    /// The service account.
    pub service_account: ServiceAccount,
    /// The credential.
    pub credential: FederatedCredential,
    /// The description, which only the credential of an application can have.
    pub description: Option<String>,
}

impl Federation {
    /// A credential with the default audience, and a name from the service account and the issuer.
    ///
    /// The name ends in a hash of issuer and subject: two clusters with the same service account have different names.
    pub fn new(parent: CredentialParent, service_account: ServiceAccount, issuer: &IssuerUrl) -> Self {
        let credential = FederatedCredential {
            name: Some(credential_name(issuer, &service_account)),
            ..FederatedCredential::new(issuer.as_str(), service_account.to_string())
        };
        Self { parent, service_account, credential, description: None }
    }

    /// Sets the name of the credential.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.credential.name = Some(name.into());
        self
    }

    /// Sets the audience of the tokens.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.credential.audiences = vec![audience.into()];
        self
    }

    /// Sets the description.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// The rules of Azure and Microsoft Entra ID that the values break.
    ///
    /// ```
    /// use issuer::{CredentialParent, Federation, FederationError, UserAssignedIdentity};
    /// let parent = CredentialParent::Identity(UserAssignedIdentity::new("shop", "orders-identity"));
    /// let issuer = "https://kubernetes.default.svc.cluster.local".parse()?;
    /// let problems = Federation::new(parent, "shop/orders".parse()?, &issuer).problems();
    /// assert!(matches!(problems[..], [FederationError::IssuerNotPublic { .. }]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn problems(&self) -> Vec<FederationError> {
        let mut problems = self.parent.problems();
        let issuer = &self.credential.issuer;
        if let Some(because) = why_not_public(issuer) {
            problems.push(FederationError::IssuerNotPublic { issuer: issuer.clone(), because });
        }
        problems.extend(self.credential.problems().into_iter().map(FederationError::Credential));
        for audience in &self.credential.audiences {
            if has_control(audience) {
                problems.push(FederationError::ControlCharacter("audience"));
            } else if !audience.starts_with(|first: char| first.is_ascii_alphanumeric()) {
                problems.push(FederationError::Audience(audience.clone()));
            }
        }
        if let Some(description) = &self.description {
            let length = description.chars().count();
            if matches!(self.parent, CredentialParent::Identity(_)) {
                problems.push(FederationError::DescriptionOfIdentity);
            } else if length > DESCRIPTION_MAX {
                problems.push(FederationError::Description(length));
            } else if has_control(description) {
                problems.push(FederationError::ControlCharacter("description"));
            }
        }
        problems
    }

    /// The name of the credential. Only an embedder can remove it.
    fn name_or_empty(&self) -> &str {
        self.credential.name.as_deref().unwrap_or_default()
    }

    /// The subject of the credential. Only an embedder can remove it.
    fn subject_or_empty(&self) -> &str {
        self.credential.subject.as_deref().unwrap_or_default()
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hint::Hint, public_host::NotPublic};

    fn federation(issuer: &str) -> Federation {
        let identity = UserAssignedIdentity::new("rg", "orders-identity");
        let parent = CredentialParent::Identity(identity);
        Federation::new(parent, "shop/orders".parse().unwrap(), &issuer.parse().unwrap())
    }

    fn of_application() -> Federation {
        let parent = CredentialParent::Application("11111111-aaaa-4bbb-8ccc-000000000001".parse().unwrap());
        Federation { parent, ..federation("https://issuer.example.com") }
    }

    fn problem(federation: &Federation) -> String {
        let problems = federation.problems();
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        problem.to_string()
    }

    #[test]
    fn issuer_must_be_public() {
        for issuer in ["https://issuer.example.com", "https://oidc.prod-aks.azure.com/00000000/"] {
            assert_eq!(federation(issuer).problems(), []);
        }
        for issuer in ["https://kubernetes.default.svc", "https://10.0.0.1:6443", "http://127.0.0.1:8080"] {
            let problems = federation(issuer).problems();
            assert!(matches!(problems[..], [FederationError::IssuerNotPublic { .. }]), "{problems:?}");
            assert!(problems[0].hint().is_some());
        }
        let problems = federation("https://kubernetes.default.svc").problems();
        let because = NotPublic::Cluster;
        let issuer = "https://kubernetes.default.svc".to_owned();
        assert_eq!(problems, [FederationError::IssuerNotPublic { issuer, because }]);
    }

    #[test]
    fn rules_of_the_credential_apply() {
        let federation = || federation("https://issuer.example.com");
        for name in ["ab", "-ab", "_ab", "a b", "a.b", "é12", &"a".repeat(121)] {
            assert!(problem(&federation().name(name)).contains("is not 3 to 120 letters"), "{name}");
        }
        assert_eq!(federation().name("a".repeat(120)).problems(), []);
        let long = "a".repeat(601);
        for (audience, because) in [
            ("", "does not start with a letter or digit"),
            ("-x", "does not start with a letter or digit"),
            ("@file", "does not start with a letter or digit"),
            ("[x]", "does not start with a letter or digit"),
            ("api://x ", "white space"),
            ("api://*", "no wildcards"),
            ("api://\u{1b}x", "control character"),
            (&long, "601 characters"),
        ] {
            assert!(problem(&federation().audience(audience)).contains(because), "{audience:?}");
        }
    }

    #[test]
    fn only_an_application_has_a_description() {
        let long = "ä".repeat(601);
        assert!(problem(&federation("https://issuer.example.com").description("x")).contains("no description"));
        assert!(problem(&of_application().description(long)).contains("has 601 characters"));
        assert!(problem(&of_application().description("a\nb")).contains("control character"));
        assert_eq!(of_application().description("ä".repeat(600)).problems(), []);
    }
}
