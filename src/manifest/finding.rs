use std::fmt;

use crate::entra::Aadsts;

/// The checks of a manifest.
///
/// ```
/// use issuer::ManifestCheck;
/// assert_eq!(ManifestCheck::ClientId.to_string(), "client ID");
/// assert_eq!(ManifestCheck::ClientId.id(), "client_id");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ManifestCheck {
    /// The document can be parsed.
    Document,
    /// A custom resource that mentions workload identity has a known pod template.
    PodTemplate,
    /// The label `azure.workload.identity/use` is on the pod template, with the string `true`.
    Label,
    /// The webhook has changed a running pod.
    Injection,
    /// The service account is in the input.
    ServiceAccount,
    /// The annotation `client-id` of the service account is the client ID of an application or managed identity.
    ClientId,
    /// The annotation `tenant-id` agrees with the variables.
    TenantId,
    /// The annotation `service-account-token-expiration` is within the range of the webhook.
    Expiration,
    /// The annotation `skip-containers` leaves the containers to the webhook.
    SkipContainers,
    /// Variables in the pod template agree with the annotations.
    Variables,
    /// A projected token in the pod template has the audience and the lifetime that Entra accepts, and is refreshed.
    ProjectedToken,
    /// The token is not one for an identity binding.
    Audience,
    /// The path of the token is not fixed in the pod template.
    TokenPath,
    /// The Azure SDK of the images supports workload identity.
    Sdk,
    /// The pod has a network of its own.
    HostNetwork,
    /// The webhook changes pods in the namespace.
    Namespace,
    /// The webhook is installed in the cluster.
    Webhook,
    /// The webhook rejects pods that it cannot change.
    FailurePolicy,
    /// The API server can verify the certificate of the webhook.
    CaBundle,
    /// The webhook selects a running pod by its labels.
    Selector,
    /// A federated identity credential has the subject of the service account.
    Credential,
}

impl ManifestCheck {
    /// The name in JSON.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::PodTemplate => "pod_template",
            Self::Label => "label",
            Self::Injection => "injection",
            Self::ServiceAccount => "service_account",
            Self::ClientId => "client_id",
            Self::TenantId => "tenant_id",
            Self::Expiration => "expiration",
            Self::SkipContainers => "skip_containers",
            Self::Variables => "variables",
            Self::ProjectedToken => "projected_token",
            Self::Audience => "audience",
            Self::TokenPath => "token_path",
            Self::Sdk => "sdk",
            Self::HostNetwork => "host_network",
            Self::Namespace => "namespace",
            Self::Webhook => "webhook",
            Self::FailurePolicy => "failure_policy",
            Self::CaBundle => "ca_bundle",
            Self::Selector => "selector",
            Self::Credential => "credential",
        }
    }
}

/// The name in text.
impl fmt::Display for ManifestCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::ClientId => "client ID",
            Self::TenantId => "tenant ID",
            Self::Sdk => "SDK",
            Self::CaBundle => "CA bundle",
            other => return f.pad(&other.id().replace('_', " ")),
        };
        f.pad(name)
    }
}

/// The outcome of a check of a manifest.
///
/// ```
/// use issuer::ManifestOutcome;
/// assert!(ManifestOutcome::Failed > ManifestOutcome::Warning);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestOutcome {
    /// The check was not made.
    Skipped,
    /// The check passed.
    Passed,
    /// The setup may work, but may also fail.
    Warning,
    /// The setup does not work.
    Failed,
}

/// The result of one check of a manifest, with the object that it is about.
///
/// ```
/// use issuer::{ManifestOutcome, Manifest, ManifestCheck, ManifestContext};
/// let yaml = "
/// kind: ServiceAccount
/// metadata: { name: orders, annotations: { azure.workload.identity/client-id: orders-identity } }";
/// let mut manifest = Manifest::default();
/// manifest.add("sa.yaml", yaml.as_bytes());
/// let findings = manifest.examine(&ManifestContext::default()).findings;
/// let finding = &findings[0];
/// assert_eq!((finding.check, finding.outcome), (ManifestCheck::ClientId, ManifestOutcome::Failed));
/// assert_eq!(finding.object, "ServiceAccount default/orders");
/// assert!(finding.fix.as_ref().unwrap().contains("kubectl annotate"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestFinding {
    /// The check.
    pub check: ManifestCheck,
    /// The object, such as `Deployment shop/orders, container app`.
    pub object: String,
    /// The outcome.
    pub outcome: ManifestOutcome,
    /// The result, as a clause.
    pub message: String,
    /// The value that was seen, if the check compares values.
    pub seen: Option<String>,
    /// The value that was expected, if the check compares values.
    pub expected: Option<String>,
    /// The fix, as an instruction; `None` if nothing has to be done.
    pub fix: Option<String>,
    /// The code that Entra returns, if one is known.
    pub aadsts: Option<Aadsts>,
}

impl ManifestFinding {
    fn new(check: ManifestCheck, object: String, outcome: ManifestOutcome, message: String) -> Self {
        Self { check, object, outcome, message, seen: None, expected: None, fix: None, aadsts: None }
    }

    pub(super) fn passed(check: ManifestCheck, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, object.into(), ManifestOutcome::Passed, message.into())
    }

    pub(super) fn skipped(check: ManifestCheck, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, object.into(), ManifestOutcome::Skipped, message.into())
    }

    pub(super) fn warning(check: ManifestCheck, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, object.into(), ManifestOutcome::Warning, message.into())
    }

    pub(super) fn failed(check: ManifestCheck, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, object.into(), ManifestOutcome::Failed, message.into())
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    pub(super) fn compared(mut self, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        (self.seen, self.expected) = (Some(seen.into()), Some(expected.into()));
        self
    }

    pub(super) fn aadsts(mut self, code: Aadsts) -> Self {
        self.aadsts = Some(code);
        self
    }
}
