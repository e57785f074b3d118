//! Clusters of Azure Kubernetes Service in Azure Resource Manager.
//!
//! "Managed Clusters - Get", "- List" and "- List By Resource Group" in the REST API reference:
//! `properties.oidcIssuerProfile` has `enabled` and `issuerURL`, `properties.securityProfile.workloadIdentity` has
//! `enabled`.

use serde_json::{Value, json};

use super::{
    arm_answer::{Call, no_resource},
    azure_directory::{AzureDirectory, Cluster},
    stand_in::Response,
};

const TYPE: &str = "Microsoft.ContainerService/managedClusters";

/// `GET .../managedClusters/{name}`.
pub(super) fn get(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let (subscription, group, name) = (&call.segments[1], &call.segments[3], &call.segments[7]);
    call.authorize(azure.controls_ref(), &format!("{TYPE}/read"), &call.request.path)?;
    let state = azure.state();
    let is = |cluster: &&Cluster| {
        cluster.subscription.eq_ignore_ascii_case(subscription)
            && cluster.group.eq_ignore_ascii_case(group)
            && cluster.name.eq_ignore_ascii_case(name)
    };
    let cluster = state.clusters.iter().find(is).ok_or_else(|| no_resource(TYPE, name, group))?;
    Ok(Response::json(200, to_json(cluster)))
}

/// `GET .../managedClusters` of a subscription or a resource group.
pub(super) fn list(azure: &AzureDirectory, call: &Call<'_>, group: Option<&str>) -> Result<Response, Response> {
    let subscription = &call.segments[1];
    let scope = group.map_or(String::new(), |group| format!("/resourceGroups/{group}"));
    call.authorize(azure.controls_ref(), &format!("{TYPE}/read"), &format!("/subscriptions/{subscription}{scope}"))?;
    let state = azure.state();
    let is_listed = |cluster: &&Cluster| {
        cluster.subscription.eq_ignore_ascii_case(subscription)
            && group.is_none_or(|group| cluster.group.eq_ignore_ascii_case(group))
    };
    let clusters = state.clusters.iter().filter(is_listed).map(to_json).collect();
    call.page(clusters, azure.controls_ref().state().page)
}

fn to_json(cluster: &Cluster) -> Value {
    let Cluster { subscription, group, name, issuer, has_workload_identity } = cluster;
    let mut profile = json!({ "enabled": issuer.is_some() });
    if let Some(issuer) = issuer {
        profile["issuerURL"] = Value::from(issuer.as_str());
    }
    json!({
        "id": format!("/subscriptions/{subscription}/resourcegroups/{group}/providers/{TYPE}/{name}"),
        "name": name,
        "type": TYPE,
        "location": "westeurope",
        "sku": { "name": "Base", "tier": "Free" },
        "properties": {
            "provisioningState": "Succeeded",
            "powerState": { "code": "Running" },
            "kubernetesVersion": "1.36.1",
            "oidcIssuerProfile": profile,
            "securityProfile": { "workloadIdentity": { "enabled": has_workload_identity } },
        },
    })
}
