use std::time::Duration;

use azure_core::http::Method;
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::{info, instrument};

use super::{
    AccountName, AzureError, AzureProblem, AzureSession, RESERVED, ResourceScope, ResourceType, Subject, SubjectKind,
    find_resource::is_missing, rest_error::retry_after,
};
use crate::{backoff::Backoff, redact::redacted};

const VERSION: &str = "2023-05-01";
const ACCOUNTS: ResourceType = ResourceType { path: "Microsoft.Storage/storageAccounts", version: VERSION };
/// The time limit until a new account can be used.
const TIMEOUT: Duration = Duration::from_mins(5);
/// A new account takes some seconds, so the first pause is this many times that of other requests: two seconds.
const PAUSE_FACTOR: u32 = 10;
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const OPERATION: &str = "cannot create the storage account";

/// A storage account to create: `StorageV2`, HTTPS with TLS 1.2 only, without shared keys and without public access to
/// blobs. The static website is public nevertheless.
///
/// Azure REST API reference, "Storage Accounts - Create".
///
/// ```
/// use issuer::site::NewAccount;
/// let account = NewAccount::new("acct", "clusters", "westeurope");
/// assert_eq!(account.sku, "Standard_LRS");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The name, which is unique in all of Azure: 3 to 24 lower-case letters and digits.
    pub name: String,
    /// The resource group, which exists.
    pub resource_group: String,
    /// The region, such as `westeurope`.
    pub location: String,
    /// The redundancy, such as `Standard_LRS` or `Standard_ZRS`.
    pub sku: String,
    /// The ID of the subscription. Without it, the only subscription with the resource group.
    pub subscription: Option<String>,
}

/// The storage account after [`NewAccount::create`].
///
/// ```
/// use issuer::site::ExistingAccount;
/// let account = ExistingAccount { id: "/subscriptions/1".to_owned(), is_new: true };
/// assert!(account.is_new);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingAccount {
    /// The resource ID, which is the scope of role assignments.
    pub id: String,
    /// Whether it was created now. An account that existed is not changed.
    pub is_new: bool,
}

impl NewAccount {
    /// An account with locally redundant storage.
    pub fn new(name: impl Into<String>, resource_group: impl Into<String>, location: impl Into<String>) -> Self {
        let (name, resource_group, location) = (name.into(), resource_group.into(), location.into());
        Self { name, resource_group, location, sku: "Standard_LRS".to_owned(), subscription: None }
    }

    /// Creates the account and waits until it can be used. An account of this name in a subscription of the credential is
    /// left as it is.
    ///
    /// ```no_run
    /// use issuer::{federate::AzureSession, site::{AzureOptions, NewAccount}};
    /// # async fn example() -> Result<(), issuer::Error> {
    /// let session = AzureSession::resource_manager(AzureOptions::new(None)).await?;
    /// let account = NewAccount::new("acct", "clusters", "westeurope").create(&session).await?;
    /// println!("{}", account.id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the name is not valid or taken, the resource group is in no or in several subscriptions, or a
    /// request fails.
    #[instrument(name = "create the storage account", skip_all)]
    pub async fn create(&self, session: &AzureSession) -> Result<ExistingAccount, AzureError> {
        let _: AccountName = self.name.parse().map_err(|problem: AzureProblem| problem.during(OPERATION))?;
        let subject = self.subject();
        let rest = session.rest();
        let explain = |error: &azure_core::Error| rest.explain(OPERATION, &subject, error);
        let everywhere = ResourceScope { subscription: self.subscription.clone(), resource_group: None };
        let found = rest.find(&ACCOUNTS, &self.name, &everywhere).await.map_err(|error| explain(&error))?;
        let mut is_new = false;
        let id = match found.first().and_then(id) {
            Some(id) if is_ready(&found[0]) => return Ok(ExistingAccount { id, is_new }),
            Some(id) => id,
            None => {
                let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
                let (subscription, group) = (self.subscription(session).await?, encode(&self.resource_group));
                format!(
                    "/subscriptions/{}/resourceGroups/{group}/providers/{}/{}",
                    encode(&subscription),
                    ACCOUNTS.path,
                    self.name
                )
            }
        };
        let url = format!("{}{id}?api-version={VERSION}", rest.url);
        let limit = Instant::now() + TIMEOUT;
        let backoff = Backoff { first: rest.retry.first_pause * PAUSE_FACTOR, longest: LONGEST_PAUSE };
        let mut attempts = 0;
        // Reads the account before each write: an answer may be lost, and creation takes some seconds.
        loop {
            let error = match rest.once().get::<Value>(&url).await {
                Ok(account) if is_ready(&account) => return Ok(ExistingAccount { id, is_new }),
                Ok(_) => None,
                Err(error) if is_missing(&error) => {
                    let sent = rest.send(Method::Put, &url, Some(&self.body())).await;
                    is_new = true;
                    sent.err()
                }
                Err(error) => Some(error),
            };
            let requested = match &error {
                // Every other conflict is an operation in progress.
                Some(error) if is_taken(error) => return Err(explain(error)),
                Some(error) => retry_after(error).ok_or_else(|| explain(error))?,
                None => Duration::ZERO,
            };
            attempts += 1;
            let pause = requested.max(backoff.without_jitter(attempts));
            if limit.saturating_duration_since(Instant::now()) <= pause {
                let unready = || AzureProblem::Busy("the account is still being created".to_owned());
                return Err(error.map_or_else(|| unready().during(OPERATION), |error| explain(&error)));
            }
            let cause = error.as_ref().map_or_else(|| "the account is being created".to_owned(), ToString::to_string);
            info!(cause = %redacted(&cause), "retry in {:.1} s", pause.as_secs_f64());
            sleep(pause).await;
        }
    }

    /// The only subscription with the resource group.
    async fn subscription(&self, session: &AzureSession) -> Result<String, AzureError> {
        if let Some(subscription) = &self.subscription {
            return Ok(subscription.clone());
        }
        let rest = session.rest();
        let explain = |error: &azure_core::Error| rest.explain(OPERATION, &self.subject(), error);
        let all = rest.subscriptions().await.map_err(|error| explain(&error))?;
        let group = utf8_percent_encode(&self.resource_group, RESERVED);
        let mut with_group = Vec::new();
        for subscription in all {
            let path = format!("/subscriptions/{}/resourceGroups/{group}/providers/{}", subscription.id, ACCOUNTS.path);
            match rest.list::<Value>(format!("{}{path}?api-version={VERSION}", rest.url)).await {
                Ok(_) => with_group.push(subscription.id),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(explain(&error)),
            }
        }
        let group = &self.resource_group;
        let (sentence, hint) = match &with_group[..] {
            [only] => return Ok(only.clone()),
            [] => (
                format!("no subscription of the credential has the resource group {group}"),
                format!("create it: az group create --name {group} --location {}", self.location),
            ),
            several => (
                format!("{} subscriptions have a resource group {group}: {}", several.len(), several.join(", ")),
                "pass --subscription".to_owned(),
            ),
        };
        Err(AzureProblem::Refused { sentence, hint }.during(OPERATION))
    }

    fn subject(&self) -> Subject {
        Subject::new(SubjectKind::Account, format!("storage account {}", self.name))
    }

    fn body(&self) -> Value {
        json!({
            "sku": { "name": self.sku },
            "kind": "StorageV2",
            "location": self.location,
            "properties": {
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": true,
                "allowSharedKeyAccess": false,
                "allowBlobPublicAccess": false,
            },
        })
    }
}

fn id(account: &Value) -> Option<String> {
    account["id"].as_str().map(str::to_owned)
}

fn is_ready(account: &Value) -> bool {
    account["properties"]["provisioningState"].as_str() == Some("Succeeded")
}

fn is_taken(error: &azure_core::Error) -> bool {
    let code = match error.kind() {
        azure_core::error::ErrorKind::HttpResponse { error_code, .. } => error_code.as_deref(),
        _ => None,
    };
    code == Some("StorageAccountAlreadyTaken")
}
