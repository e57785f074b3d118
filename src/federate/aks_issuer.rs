use crate::{
    azure::{AzureError, AzureProblem, AzureSession, ResourceScope, ResourceType, Subject, SubjectKind},
    issuer_url::IssuerUrl,
};

const CLUSTERS: ResourceType =
    ResourceType { path: "Microsoft.ContainerService/managedClusters", version: "2024-05-01" };

/// The issuer URL of an AKS cluster, from Azure Resource Manager, with the slash that it ends with.
///
/// Azure REST API reference, "Managed Clusters - Get", `oidcIssuerProfile`.
///
/// ```no_run
/// use issuer::{ResourceScope, federate::{AzureSession, aks_issuer}, site::AzureOptions};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = AzureSession::resource_manager(AzureOptions::new(None)).await?;
/// let scope = ResourceScope { resource_group: Some("clusters".to_owned()), ..ResourceScope::default() };
/// let issuer = aks_issuer(&session, "prod", &scope).await?;
/// assert!(issuer.as_str().ends_with('/'));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`AzureError`] if the cluster cannot be read, does not exist, has several matches, or has no OIDC issuer.
pub async fn aks_issuer(session: &AzureSession, name: &str, scope: &ResourceScope) -> Result<IssuerUrl, AzureError> {
    const OPERATION: &str = "cannot read the issuer of the AKS cluster";
    let rest = session.rest();
    let cluster = format!("AKS cluster {name}");
    let subject = Subject::new(SubjectKind::Cluster, &cluster);
    let refused = |sentence: String, hint: String| AzureProblem::Refused { sentence, hint }.during(OPERATION);
    let found = rest.find(&CLUSTERS, name, scope).await;
    let found = found.map_err(|error| rest.explain(OPERATION, &subject, &error))?;
    let [only] = &found[..] else {
        let ids: Vec<_> = found.iter().filter_map(|item| item["id"].as_str()).collect();
        return Err(if ids.is_empty() {
            let hint = "check --aks, --resource-group and --subscription, or pass the resource ID of the cluster: az aks list --query '[].id' --output tsv";
            refused(format!("{cluster} does not exist in the scope of the credential"), hint.to_owned())
        } else {
            let sentence = format!("{} clusters have the name {name}: {}", ids.len(), ids.join(", "));
            refused(sentence, "pass the resource ID to --aks".to_owned())
        });
    };
    let issuer = only["properties"]["oidcIssuerProfile"]["issuerURL"].as_str().filter(|url| !url.is_empty());
    let issuer = issuer.ok_or_else(|| {
        let hint = "enable the issuer: az aks update --name NAME --resource-group GROUP --enable-oidc-issuer --enable-workload-identity";
        refused(format!("{cluster} has no OIDC issuer"), hint.to_owned())
    })?;
    issuer.parse().map_err(|error| AzureProblem::UnusableAnswer(format!("{error}")).during(OPERATION))
}
