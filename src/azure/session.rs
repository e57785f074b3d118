use std::{fmt, sync::Arc};

use tracing::instrument;

use super::{AzureError, AzureOptions, Credential, Rest, Retry, Transport, find::Search};
use crate::{
    entra::{Cloud, Resource},
    published::HttpFetcher,
};

/// The failed operation if there is no credential.
const SIGNING_IN: &str = "cannot sign in to Azure";

/// A sign-in to the services that manage Azure: Azure Resource Manager and Microsoft Graph.
///
/// Of the options, those of a storage account are not used.
///
/// ```no_run
/// use issuer::{federate::AzureSession, site::AzureOptions};
/// # async fn example() -> Result<(), issuer::Error> {
/// let session = AzureSession::resource_manager(AzureOptions::new(None)).await?;
/// println!("signed in as {}", session.credential());
/// # Ok(())
/// # }
/// ```
pub struct AzureSession {
    credential: Credential,
    rest: Rest,
    cloud: Cloud,
}

impl AzureSession {
    /// Signs in to Azure Resource Manager.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if no credential is found, or the configured credential does not work.
    pub async fn resource_manager(options: AzureOptions) -> Result<Self, AzureError> {
        let cloud = options.cloud;
        let scope = Resource::Arm.scope(cloud).to_string();
        let private = options.resource_manager.clone();
        let url = private.clone().unwrap_or_else(|| cloud.resource_manager().to_owned());
        // The metadata of a private cloud names the scope, which needs no token.
        Self::open(options, "Azure Resource Manager", url, scope, private.is_some()).await
    }

    /// Signs in to Microsoft Graph.
    ///
    /// # Errors
    ///
    /// As for [`resource_manager`](AzureSession::resource_manager).
    pub async fn graph(options: AzureOptions) -> Result<Self, AzureError> {
        let scope = Resource::Graph.scope(options.cloud).to_string();
        let url = options.graph.clone().unwrap_or_else(|| scope.trim_end_matches("/.default").to_owned());
        Self::open(options, "Microsoft Graph", url, scope, false).await
    }

    #[instrument(name = "find a credential", skip_all)]
    async fn open(
        options: AzureOptions,
        service: &'static str,
        url: String,
        scope: String,
        is_private: bool,
    ) -> Result<Self, AzureError> {
        let AzureOptions { cloud, auth, client_id, subscription, audience, environment, fetcher, .. } = options;
        let retry = Retry { timeout: options.timeout, first_pause: options.first_pause };
        let search = Search {
            environment,
            method: auth,
            account: None,
            endpoint: None,
            cloud,
            client_id,
            subscription,
            audience,
            clients: fetcher.clients(),
            retry: retry.clone(),
        };
        let credential = search.sign_in(&scope, SIGNING_IN).await?;
        let tokens = credential.tokens().ok_or_else(|| {
            let because = "this credential gives access to Azure Storage only".to_owned();
            super::AzureProblem::Setting(because).during(SIGNING_IN)
        })?;
        let rest = Rest {
            service,
            url: url.trim_end_matches('/').to_owned(),
            scope: (!is_private).then_some(scope),
            tokens,
            transport: transport(&fetcher, &retry),
            retry,
            method: credential.method,
            tenant: credential.tenant.clone(),
        };
        Ok(Self { credential, rest, cloud })
    }

    /// The credential, for example `workload identity 1c2d8f30-…`. Contains no secret.
    pub fn credential(&self) -> String {
        self.credential.to_string()
    }

    /// The cloud of the services.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    pub(crate) fn rest(&self) -> &Rest {
        &self.rest
    }
}

fn transport(fetcher: &HttpFetcher, retry: &Retry) -> Arc<Transport> {
    Arc::new(Transport::new(fetcher.clients(), None).within(retry.timeout))
}

impl fmt::Debug for AzureSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureSession").field("credential", &self.credential).finish_non_exhaustive()
    }
}
