//! The `TokenRequest` API of Kubernetes, which issues the projected token.

use super::super::KnownFailure;
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "Kubernetes";

const VALIDATION: &str = "Kubernetes, pkg/apis/authentication/validation";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "token-request-too-short",
        service: SERVICE,
        patterns: &["may not specify a duration less than 10 minutes"],
        meaning: "the requested lifetime of the token is below 600 seconds",
        causes: &[
            "expirationSeconds of the projected volume or of the TokenRequest is below 600",
            "`kubectl create token` has a --duration below 10m",
        ],
        confirm: &["`kubectl get pod POD -o jsonpath={.spec.volumes}` shows expirationSeconds of the projected volume"],
        fix: &["set expirationSeconds to a value from 3600 to 86400"],
        waiting: Waiting::No,
        source: VALIDATION,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "token-request-too-long",
        service: SERVICE,
        patterns: &["may not specify a duration larger than 2^32 seconds"],
        meaning: "the requested lifetime of the token is above 2^32 seconds",
        causes: &["expirationSeconds of the projected volume or of the TokenRequest is above 2^32"],
        confirm: &["`kubectl get pod POD -o jsonpath={.spec.volumes}` shows expirationSeconds of the projected volume"],
        fix: &["set expirationSeconds to a value from 3600 to 86400"],
        waiting: Waiting::No,
        source: VALIDATION,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "token-request-forbidden",
        service: SERVICE,
        patterns: &[
            "serviceaccounts \"{name}\" is forbidden: User \"{user}\" cannot create resource \"serviceaccounts/token\"",
            "cannot create resource \"serviceaccounts/token\"",
        ],
        meaning: "the user may not create tokens for this service account",
        causes: &["no role allows the user to create the subresource token of the service account"],
        confirm: &[
            "`kubectl auth can-i create serviceaccounts/NAME --subresource=token --namespace NAMESPACE --as USER` shows whether the user is allowed",
        ],
        fix: &[
            "bind the user to a role with the verb create on serviceaccounts/token, limited by resourceNames to this service account",
        ],
        waiting: Waiting::No,
        source: "Kubernetes, \"Using RBAC Authorization\"; public reports",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "token-request-node",
        service: SERVICE,
        patterns: &[
            "serviceaccounts \"{name}\" is forbidden: User \"{user}\" cannot create resource \"serviceaccounts/token\" in API group \"\" in the namespace \"{namespace}\": no relationship found between node '{node}' and this object",
            "node requested token bound to a pod scheduled on a different node",
        ],
        meaning: "the API server does not know yet that a pod with this service account runs on the node",
        causes: &[
            "the pod was just scheduled or deleted",
            "the node is registered under another name than the one in its certificate",
        ],
        confirm: &[
            "`kubectl get pods --all-namespaces --field-selector spec.nodeName=NODE` lists the pods of the node",
        ],
        fix: &["wait until the kubelet retries; if it continues, compare the name of the node with its certificate"],
        waiting: Waiting::Transient,
        source: "Kubernetes, \"Using Node Authorization\"; public reports",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "token-request-service-account-missing",
        service: SERVICE,
        patterns: &[
            "failed to fetch token: serviceaccounts \"{name}\" not found",
            "failed to create token: serviceaccounts \"{name}\" not found",
        ],
        meaning: "the service account does not exist in this namespace",
        causes: &[
            "the service account was deleted, or is created after the pod",
            "the namespace of the command or of the pod is another one",
        ],
        confirm: &["`kubectl get serviceaccounts --namespace NAMESPACE` lists the service accounts"],
        fix: &["create the service account, or name the namespace: `kubectl create token NAME --namespace NAMESPACE`"],
        waiting: Waiting::No,
        source: "public reports",
        evidence: Evidence::Observed,
    },
];
