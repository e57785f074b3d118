//! The mutating webhook of Azure workload identity.

use super::{
    super::KnownFailure,
    steps::{SHOW_ANNOTATIONS, SHOW_WEBHOOK},
};
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "azwi webhook";

const WEBHOOK: &str = "Azure/azure-workload-identity v1.6.0, pkg/webhook";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "webhook-token-expiration",
        service: SERVICE,
        patterns: &["token expiration {seconds} not valid. Expected value to be between 3600 and 86400"],
        meaning: "the webhook rejects the pod, because the lifetime of its token is out of range",
        causes: &[
            "the annotation azure.workload.identity/service-account-token-expiration of the pod or of the service account is below 3600 or above 86400",
        ],
        confirm: &[
            SHOW_ANNOTATIONS,
            "`kubectl get deployment NAME -o jsonpath={.spec.template.metadata.annotations}` shows the annotations of the pod template, which have precedence",
        ],
        fix: &["set the annotation to a number of seconds from 3600 to 86400, or remove it for the default of 3600"],
        waiting: Waiting::No,
        source: WEBHOOK,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "webhook-host-network",
        service: SERVICE,
        patterns: &["hostNetwork is set to true, cannot inject proxy sidecar"],
        meaning: "the webhook rejects the pod, because the proxy sidecar cannot run in the network of the node",
        causes: &["the pod has hostNetwork: true and the annotation azure.workload.identity/inject-proxy-sidecar"],
        confirm: &["`kubectl get deployment NAME -o jsonpath={.spec.template}` shows hostNetwork and the annotations"],
        fix: &[
            "remove the annotation, and use an SDK with workload identity instead of the proxy",
            "or remove hostNetwork from the pod",
        ],
        waiting: Waiting::No,
        source: WEBHOOK,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "webhook-service-account-missing",
        service: SERVICE,
        patterns: &[
            "admission webhook \"mutation.azure-workload-identity.io\" denied the request: serviceaccounts \"{name}\" not found",
            "admission webhook \"mutation.azure-workload-identity.io\" denied the request: ServiceAccount \"{name}\" not found",
        ],
        meaning: "the webhook rejects the pod, because its service account does not exist",
        causes: &[
            "the service account is created after the pod, or in another namespace",
            "the name of the service account is misspelled in the pod",
        ],
        confirm: &["`kubectl get serviceaccount NAME --namespace NAMESPACE` shows whether the service account exists"],
        fix: &["create the service account in the namespace of the pod, before the pod"],
        waiting: Waiting::No,
        source: WEBHOOK,
        evidence: Evidence::Inferred,
    },
    KnownFailure {
        id: "webhook-unreachable",
        service: SERVICE,
        patterns: &[
            "failed calling webhook \"mutation.azure-workload-identity.io\"",
            "failed calling webhook mutation.azure-workload-identity.io",
            "no endpoints available for service \"azure-wi-webhook-webhook-service\"",
        ],
        meaning: "the API server cannot call the webhook, so that no pod with the label can be created",
        causes: &[
            "the pods of the webhook do not run, or are not ready yet",
            "a network policy or a firewall blocks the way from the API server to the webhook",
            "the certificate of the webhook is not that of its configuration",
        ],
        confirm: &[
            SHOW_WEBHOOK,
            "`kubectl get endpointslices --all-namespaces -l kubernetes.io/service-name=azure-wi-webhook-webhook-service` shows whether the service has endpoints",
        ],
        fix: &[
            "start the pods of the webhook, then restart the workload: `kubectl rollout restart deployment NAME`",
            "allow the API server to reach the webhook: port 9443 of its pods",
        ],
        waiting: Waiting::Transient,
        source: "public reports; Kubernetes, \"Dynamic Admission Control\"",
        evidence: Evidence::Observed,
    },
];
