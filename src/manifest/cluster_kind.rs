use std::{collections::BTreeMap, fmt};

/// A kind of objects whose absence from a cluster is a fault, or decides whether a check can be made.
///
/// It is displayed as Kubernetes names it.
///
/// ```
/// use issuer::ClusterKind;
/// assert_eq!(ClusterKind::Namespace.to_string(), "Namespace");
/// assert_eq!(ClusterKind::Namespace.resource(), "namespaces");
/// assert_eq!(ClusterKind::ALL.len(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ClusterKind {
    /// The registrations of mutating webhooks, which belong to no namespace.
    MutatingWebhookConfiguration,
    /// The namespaces, with their labels.
    Namespace,
    /// The pods.
    Pod,
    /// The service accounts.
    ServiceAccount,
}

impl ClusterKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::MutatingWebhookConfiguration, Self::Namespace, Self::Pod, Self::ServiceAccount];

    /// The name of the resource, as a rule of a role contains it.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::MutatingWebhookConfiguration => "mutatingwebhookconfigurations",
            Self::Namespace => "namespaces",
            Self::Pod => "pods",
            Self::ServiceAccount => "serviceaccounts",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::MutatingWebhookConfiguration => "MutatingWebhookConfiguration",
            Self::Namespace => "Namespace",
            Self::Pod => "Pod",
            Self::ServiceAccount => "ServiceAccount",
        }
    }
}

impl fmt::Display for ClusterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.kind())
    }
}

/// The kinds that were not read from a cluster, each with the reason if it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NotRead(pub(super) BTreeMap<ClusterKind, Option<String>>);

impl NotRead {
    pub(super) fn has(&self, kind: ClusterKind) -> bool {
        self.0.contains_key(&kind)
    }

    /// What was not read, and why, as a clause.
    pub(super) fn clause(&self, kind: ClusterKind) -> String {
        let reason = self.0.get(&kind).and_then(Option::as_ref);
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{} were not read{reason}", kind.resource())
    }

    /// The command that tells whether the kind may be read.
    pub(super) fn fix(kind: ClusterKind) -> String {
        let scope = match kind {
            ClusterKind::Pod | ClusterKind::ServiceAccount => " --all-namespaces",
            ClusterKind::MutatingWebhookConfiguration | ClusterKind::Namespace => "",
        };
        let resource = kind.resource();
        format!("allow the user to list {resource}; check it: kubectl auth can-i list {resource}{scope}")
    }
}
