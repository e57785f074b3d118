use super::{
    super::{
        finding::{
            ManifestCheck::{HostNetwork, Namespace},
            ManifestFinding,
        },
        setting::PROXY,
    },
    Case,
};

/// The domain of the issuers of AKS.
pub(super) const AKS_ISSUERS: &str = ".oic.prod-aks.azure.com/";

/// Checks the network and the namespace. Returns whether the webhook can change pods in the namespace.
pub(super) fn check(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) -> bool {
    let pod = &case.workload.pod;
    let has_proxy = pod.metadata.annotations.text(PROXY) == Some("true");
    if pod.is_on_host_network && has_proxy {
        let message = format!("the webhook rejects pods with hostNetwork and the annotation {PROXY}");
        let fix = format!("remove hostNetwork, or remove the annotation {PROXY} and use an SDK with workload identity");
        findings.push(ManifestFinding::failed(HostNetwork, case.object(), message).fix(fix));
    } else if pod.is_on_host_network {
        let message = "the pod uses the network of its node, so an SDK without a token gets the identity of the node";
        let fix =
            "remove hostNetwork if the pod does not need it, and select WorkloadIdentityCredential in the program";
        findings.push(ManifestFinding::warning(HostNetwork, case.object(), message).fix(fix));
    }
    // "Known issues" of Azure/azure-workload-identity: the admissions enforcer of AKS excludes kube-system from webhooks.
    let may_be_aks = case.context.issuer.as_ref().is_none_or(|issuer| issuer.contains(AKS_ISSUERS));
    // A pod that the webhook has changed proves the opposite.
    let is_excluded = case.namespace == "kube-system" && may_be_aks && !case.workload.is_changed();
    if is_excluded {
        let message = "on AKS the webhook does not change pods in the namespace kube-system";
        let fix = "deploy the workload to another namespace, and use that namespace in the subject of its federated credential (in another cluster than AKS, pass --issuer)";
        findings.push(ManifestFinding::failed(Namespace, case.object(), message).fix(fix));
    }
    !is_excluded
}
