use std::{path::Path, sync::Arc, time::Duration};

use azure_core::{
    credentials::TokenCredential,
    http::{ClientOptions, HttpClient, Method, Request, Url},
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use tokio::time::timeout;

use super::{
    Environment, Transport,
    arc::{self, ArcCredential},
};

/// The time limit for detecting the metadata service of a machine.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
const PROBE: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";

/// The source of the tokens of a managed identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IdentitySource {
    /// App Service, Azure Functions and Container Apps: `IDENTITY_ENDPOINT` with `IDENTITY_HEADER`.
    App,
    /// A server in Azure Arc: `IDENTITY_ENDPOINT` with `IMDS_ENDPOINT`, or the program of the agent.
    Arc(String),
    /// The name of a source that is recognised but not supported.
    Unsupported(&'static str),
    /// The metadata service of a virtual machine.
    Machine,
}

impl IdentitySource {
    /// Detects the source by the variables and the Azure Arc agent, in the order of the Azure SDKs.
    pub(super) fn find(environment: &Environment) -> Self {
        let is_set = |name| environment.get(name).is_some();
        if let Some(endpoint) = environment.get("IDENTITY_ENDPOINT") {
            match (is_set("IDENTITY_HEADER"), is_set("IDENTITY_SERVER_THUMBPRINT"), is_set("IMDS_ENDPOINT")) {
                (true, true, _) => return Self::Unsupported("Service Fabric"),
                (true, false, _) => return Self::App,
                (false, _, true) => return Self::Arc(endpoint.to_owned()),
                (false, _, false) => {}
            }
        } else if is_set("MSI_ENDPOINT") {
            return Self::Unsupported(if is_set("MSI_SECRET") { "Azure Machine Learning" } else { "Cloud Shell" });
        } else if !is_set("AZURE_POD_IDENTITY_AUTHORITY_HOST") && Path::new(arc::AGENT).exists() {
            return Self::Arc(arc::ENDPOINT.to_owned());
        }
        Self::Machine
    }

    /// A source of tokens, or the reason why this machine has none.
    pub(super) async fn credential(
        self,
        client_id: Option<String>,
        client_options: ClientOptions,
        transport: Arc<Transport>,
    ) -> Result<Arc<dyn TokenCredential>, String> {
        match self {
            Self::Arc(_) if client_id.is_some() => {
                Err("Azure Arc has no user-assigned identities; omit --client-id and unset AZURE_CLIENT_ID".to_owned())
            }
            Self::Arc(endpoint) => {
                let endpoint = Url::parse(&endpoint).map_err(|_| "IDENTITY_ENDPOINT is not a URL".to_owned())?;
                Ok(Arc::new(ArcCredential { endpoint, key_folder: arc::KEY_FOLDER.into(), transport }))
            }
            Self::Unsupported("Cloud Shell") => {
                Err("managed identities of Cloud Shell are not supported; pass --auth az".to_owned())
            }
            Self::Unsupported(name) => Err(format!("managed identities of {name} are not supported")),
            Self::Machine if !is_in_azure(&transport).await => Err("this machine has no managed identity".to_owned()),
            Self::App | Self::Machine => {
                let user_assigned_id = client_id.map(UserAssignedId::ClientId);
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                match ManagedIdentityCredential::new(Some(options)) {
                    Ok(credential) => Ok(credential),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }
}

/// Whether this machine is in Azure. The metadata service of Azure rejects a request without its header with status 400
/// and a JSON body. Other clouds have other services at this address.
async fn is_in_azure(transport: &Transport) -> bool {
    let Ok(url) = Url::parse(PROBE) else { return false };
    let request = Request::new(url, Method::Get);
    let Ok(Ok(answer)) = timeout(PROBE_TIMEOUT, transport.execute_request(&request)).await else { return false };
    let is_rejected = u16::from(answer.status()) == 400;
    let body = answer.into_body().collect().await.unwrap_or_default();
    is_rejected && serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|body| body.get("error").is_some())
}
