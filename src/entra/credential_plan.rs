use super::{FederatedCredential, NearMiss};

/// The maximum number of federated identity credentials of an application or managed identity (Microsoft Learn,
/// "Important considerations and restrictions for federated identity credentials").
///
/// ```
/// assert_eq!(issuer::CREDENTIALS_MAX, 20);
/// ```
pub const CREDENTIALS_MAX: usize = 20;

/// What creating a federated identity credential changes among the credentials of an identity.
///
/// ```
/// use issuer::{CredentialPlan, FederatedCredential};
/// let named = |name: &str, subject: &str| FederatedCredential {
///     name: Some(name.to_owned()),
///     ..FederatedCredential::new("https://issuer.example.com", subject)
/// };
/// let orders = named("orders", "system:serviceaccount:shop:orders");
/// assert_eq!(CredentialPlan::new(&[], &orders), CredentialPlan::Create);
/// // An equal credential, also under another name, needs no change.
/// let other = named("by-hand", "system:serviceaccount:shop:orders");
/// assert_eq!(CredentialPlan::new(std::slice::from_ref(&other), &orders), CredentialPlan::Unchanged(other));
/// // A name that has other values is replaced only on request.
/// let taken = named("orders", "system:serviceaccount:shop:old");
/// assert_eq!(CredentialPlan::new(std::slice::from_ref(&taken), &orders), CredentialPlan::Replace(taken));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialPlan {
    /// This credential has the same issuer, subject and audience.
    Unchanged(FederatedCredential),
    /// No credential has the name, or the issuer and subject.
    Create,
    /// This credential has the name, or the issuer and subject, and other values. It keeps its name.
    Replace(FederatedCredential),
    /// The identity has the maximum number of credentials.
    Full,
}

impl CredentialPlan {
    /// The plan for a credential with a name. Issuer and subject are unique in an identity, so a credential with both is
    /// found before one with the name.
    pub fn new(existing: &[FederatedCredential], wanted: &FederatedCredential) -> Self {
        let same = |found: &&FederatedCredential| found.issuer == wanted.issuer && found.subject == wanted.subject;
        if let Some(found) = existing.iter().find(same) {
            let is_equal = found.audiences == wanted.audiences && found.expression == wanted.expression;
            return if is_equal { Self::Unchanged(found.clone()) } else { Self::Replace(found.clone()) };
        }
        // Azure compares the names of resources without upper and lower case.
        let has_name = |found: &&FederatedCredential| {
            found
                .name
                .as_deref()
                .zip(wanted.name.as_deref())
                .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        match existing.iter().find(has_name) {
            Some(found) => Self::Replace(found.clone()),
            None if existing.len() >= CREDENTIALS_MAX => Self::Full,
            None => Self::Create,
        }
    }
}

impl FederatedCredential {
    /// How another credential differs if it differs only by a slash, by case or in a similar way, in the issuer or in the
    /// subject; `None` if it is equal or for another workload.
    ///
    /// ```
    /// use issuer::{FederatedCredential, NearMiss};
    /// let subject = "system:serviceaccount:shop:orders";
    /// let one = FederatedCredential::new("https://issuer.example.com", subject);
    /// let other = FederatedCredential::new("https://issuer.example.com/", subject);
    /// assert_eq!(one.near_duplicate(&other), Some(NearMiss::TrailingSlash));
    /// assert_eq!(one.near_duplicate(&one), None);
    /// ```
    pub fn near_duplicate(&self, other: &Self) -> Option<NearMiss> {
        let (one, two) = (self.subject.as_deref()?, other.subject.as_deref()?);
        let of_text = |one: &str, two: &str| {
            NearMiss::between(one, two).filter(|near| {
                use NearMiss::{Case, Several, TrailingSlash, UrlEncoded, WhiteSpace};
                matches!(near, TrailingSlash | WhiteSpace | Case | UrlEncoded | Several)
            })
        };
        match (self.issuer == other.issuer, one == two) {
            (true, true) => None,
            (true, false) => of_text(one, two),
            (false, true) => of_text(&self.issuer, &other.issuer),
            (false, false) => of_text(&self.issuer, &other.issuer).and(of_text(one, two)).map(|_| NearMiss::Several),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(name: &str, issuer: &str, subject: &str, audience: &str) -> FederatedCredential {
        FederatedCredential {
            name: Some(name.to_owned()),
            audiences: vec![audience.to_owned()],
            ..FederatedCredential::new(issuer, subject)
        }
    }

    #[test]
    fn issuer_and_subject_are_found_before_the_name() {
        let wanted = credential("a", "https://i", "s", "x");
        let (named, same) = (credential("a", "https://j", "s", "x"), credential("b", "https://i", "s", "x"));
        let existing = [named.clone(), same.clone()];
        assert_eq!(CredentialPlan::new(&existing, &wanted), CredentialPlan::Unchanged(same));
        assert_eq!(CredentialPlan::new(&existing[..1], &wanted), CredentialPlan::Replace(named));
        let audience = credential("b", "https://i", "s", "y");
        assert_eq!(CredentialPlan::new(std::slice::from_ref(&audience), &wanted), CredentialPlan::Replace(audience));
        let upper = credential("A", "https://j", "s", "x");
        assert_eq!(CredentialPlan::new(std::slice::from_ref(&upper), &wanted), CredentialPlan::Replace(upper));
    }

    #[test]
    fn twenty_credentials_are_the_limit() {
        let one = |number: usize| credential(&format!("c{number}"), "https://i", &format!("s{number}"), "x");
        let existing: Vec<_> = (0..20).map(one).collect();
        assert_eq!(CredentialPlan::new(&existing[..19], &one(20)), CredentialPlan::Create);
        assert_eq!(CredentialPlan::new(&existing, &one(20)), CredentialPlan::Full);
        assert_eq!(CredentialPlan::new(&existing, &one(3)), CredentialPlan::Unchanged(one(3)));
    }

    #[test]
    fn near_duplicates_differ_by_spelling_only() {
        use NearMiss::{Case, Several, TrailingSlash};
        let of = |issuer: &str, subject: &str| credential("n", issuer, subject, "x");
        let first = of("https://i.example", "system:serviceaccount:a:b");
        for (issuer, subject, expected) in [
            ("https://i.example", "system:serviceaccount:a:b", None),
            ("https://i.example/", "system:serviceaccount:a:b", Some(TrailingSlash)),
            ("https://i.example", "system:serviceaccount:a:B", Some(Case)),
            ("https://i.example/", "system:serviceaccount:a:B", Some(Several)),
            ("https://i.example", "system:serviceaccount:b:a", None),
            ("https://j.example", "system:serviceaccount:a:b", None),
            ("https://j.example", "system:serviceaccount:a:B", None),
        ] {
            assert_eq!(first.near_duplicate(&of(issuer, subject)), expected, "{issuer} {subject}");
        }
    }
}
