use aws_lc_rs::digest;

use crate::{issuer_url::IssuerUrl, token::ServiceAccount};

/// The maximum length of the name of a credential (Microsoft Learn, "Important considerations and restrictions for
/// federated identity credentials").
const NAME_MAX: usize = 120;

/// A name that Entra allows: `NAMESPACE-NAME-` and 8 hexadecimal digits of SHA-256 over issuer, NUL and subject.
///
/// One identity may trust the same service account of several clusters, whose credentials need different names.
pub(super) fn credential_name(issuer: &IssuerUrl, account: &ServiceAccount) -> String {
    let digest = digest::digest(&digest::SHA256, format!("{issuer}\0{account}").as_bytes());
    let hash = format!("{:08x}", digest.as_ref().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes)));
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-' || *letter == '_';
    let readable = format!("{}-{}", account.namespace, account.name);
    let readable: String = readable
        .chars()
        .map(|letter| if is_allowed(&letter) { letter } else { '-' })
        .take(NAME_MAX - hash.len() - 1)
        .collect();
    format!("{}-{hash}", readable.trim_matches(['-', '_']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entra::FederatedCredential;

    fn name(issuer: &str, account: &str) -> String {
        credential_name(&issuer.parse().unwrap(), &account.parse().unwrap())
    }

    #[test]
    fn name_is_readable_and_depends_on_the_issuer() {
        // printf 'https://a.example.com\0system:serviceaccount:shop:orders' | sha256sum
        assert_eq!(name("https://a.example.com", "shop/orders"), "shop-orders-4544e2f5");
        assert_ne!(name("https://a.example.com/", "shop/orders"), name("https://a.example.com", "shop/orders"));
        assert_ne!(name("https://a.example.com", "a/b-c"), name("https://a.example.com", "a-b/c"));
        assert!(name("https://a.example.com", "shop/orders.v1").starts_with("shop-orders-v1-"));
    }

    proptest! {
        #[test]
        fn name_is_allowed(namespace in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label in "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?") {
            let Ok(account) = format!("{namespace}/{label}").parse::<ServiceAccount>() else { return Ok(()) };
            let name = credential_name(&"https://a.example.com".parse().unwrap(), &account);
            let credential = FederatedCredential { name: Some(name), ..FederatedCredential::new("https://a.example.com", "s") };
            prop_assert_eq!(credential.problems(), []);
        }
    }
}
