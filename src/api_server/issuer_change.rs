/// The change of a running API server from one issuer to another, in an order in which no token fails.
///
/// The API server writes the first `--service-account-issuer` into new tokens and accepts tokens of all of them. Its
/// default for `--api-audiences` is the issuer, so audiences change with it. Source: Kubernetes,
/// `pkg/kubeapiserver/options/authentication.go`; kops, "Service account issuer migration".
///
/// ```
/// use issuer::IssuerChange;
/// let change = IssuerChange::new("https://kubernetes.default.svc.cluster.local", "https://issuer.example.com");
/// let flags: Vec<_> = change.steps().into_iter().flat_map(|step| step.flags).collect();
/// assert_eq!(flags[0], "--service-account-issuer=https://kubernetes.default.svc.cluster.local");
/// assert_eq!(flags[1], "--service-account-issuer=https://issuer.example.com");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerChange {
    /// The issuer of the API server.
    pub old: String,
    /// The published issuer.
    pub new: String,
}

/// A step of an [`IssuerChange`].
///
/// ```
/// let change = issuer::IssuerChange::new("https://a.example.com", "https://b.example.com");
/// assert!(change.steps()[0].text.starts_with("Publish the new issuer"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerChangeStep {
    /// What to do, as a sentence.
    pub text: String,
    /// The flags of every API server after this step.
    pub flags: Vec<String>,
}

impl IssuerChange {
    /// The change from an issuer to another.
    pub fn new(old: impl Into<String>, new: impl Into<String>) -> Self {
        Self { old: old.into(), new: new.into() }
    }

    /// The steps in their order. Those with flags end with a restart of the API servers, one after another.
    pub fn steps(&self) -> Vec<IssuerChangeStep> {
        let Self { old, new } = self;
        let issuer = |issuer: &str| format!("--service-account-issuer={issuer}");
        let audiences = format!("--api-audiences={old},{new}");
        let jwks_uri = format!("--service-account-jwks-uri={}/openid/v1/jwks", new.trim_end_matches('/'));
        let step = |text: &str, flags: Vec<String>| IssuerChangeStep { text: text.to_owned(), flags };
        vec![
            step("Publish the new issuer, and create federated credentials for it.", Vec::new()),
            step(
                "Accept the new issuer as the second one, and both as audiences.",
                vec![issuer(old), issuer(new), audiences.clone()],
            ),
            step(
                "Issue tokens with the new issuer: make it the first one.",
                vec![issuer(new), issuer(old), audiences, jwks_uri.clone()],
            ),
            step(
                "Wait a day, until old tokens have expired. Then remove the old issuer.",
                vec![issuer(new), format!("--api-audiences={new}"), jwks_uri],
            ),
            step("Delete the federated credentials of the old issuer.", Vec::new()),
        ]
    }
}
