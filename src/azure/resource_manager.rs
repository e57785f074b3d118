use azure_core::{error::ErrorKind, http::RawResponse};
use futures_util::future::join_all;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;

use super::{
    AzureError, AzureProblem, RESERVED, challenge, known_code::KnownCode, rest::Rest, retry::header,
    sign_in_failure::SignInFailure,
};
use crate::no_answer;

const STORAGE_VERSION: &str = "2023-05-01";
/// The number of subscriptions that are read concurrently.
const AT_ONCE: usize = 8;

/// The scope in which Azure Resource Manager searches for an account.
///
/// ```
/// use issuer::ResourceScope;
/// let scope = ResourceScope { resource_group: Some("clusters".to_owned()), ..ResourceScope::default() };
/// assert_eq!(scope.subscription, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceScope {
    /// The ID of the only subscription to search. Without it, all subscriptions that the credential can read.
    pub subscription: Option<String>,
    /// The resource group of the account. If the subscription is also given, the account is read without a search.
    pub resource_group: Option<String>,
}

/// A client of Azure Resource Manager that reads the web endpoint of a storage account.
///
/// Microsoft Learn, "Subscriptions - List" and "Storage Accounts - List, Get Properties".
pub(crate) struct ResourceManager(pub(crate) Rest);

#[derive(Deserialize)]
struct AccountResource {
    id: String,
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "primaryEndpoints", default)]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    web: Option<String>,
}

impl ResourceManager {
    /// The web endpoint of an account as returned by Azure, with a trailing slash.
    pub(crate) async fn web_endpoint(&self, account: &str, scope: &ResourceScope) -> Result<String, AzureError> {
        let found = match self.find(account, scope).await {
            Ok(found) => found,
            Err(error) => return Err(self.explain(account, &error)),
        };
        found.and_then(|account| account.properties.endpoints.web).ok_or_else(|| {
            let group = scope.resource_group.as_ref().map(|group| format!(" and group {group}")).unwrap_or_default();
            let place = match &scope.subscription {
                Some(subscription) => format!("subscription {subscription}{group}"),
                None => format!("the subscriptions that the credential can read{group}"),
            };
            let because = format!("no account of this name with a web endpoint exists in {place}");
            AzureProblem::WebEndpoint { account: account.to_owned(), because, hint: None }
                .during("cannot derive the issuer")
        })
    }

    /// The error of a failed request, with the error code of Azure Resource Manager or of the sign-in.
    fn explain(&self, account: &str, error: &azure_core::Error) -> AzureError {
        let with = |because, hint| {
            AzureProblem::WebEndpoint { account: account.to_owned(), because, hint }.during("cannot derive the issuer")
        };
        match error.kind() {
            ErrorKind::Credential => {
                let SignInFailure { because, status, code, trace_id, .. } = SignInFailure::of(error);
                let hint = KnownCode::sign_in_hint(self.0.method, code.as_deref(), &because).to_owned();
                AzureError { status, code, request_id: trace_id, ..with(because, Some(hint)) }
            }
            ErrorKind::HttpResponse { status, error_code, raw_response } => {
                let headers = raw_response.as_deref().map(RawResponse::headers);
                let request_id = headers.and_then(|headers| header(headers, "x-ms-request-id"));
                let status = u16::from(*status);
                let code = error_code.as_deref().unwrap_or("without an error code");
                let mut because = format!("Azure Resource Manager returned {status} {code}");
                let tenant = headers.and_then(challenge::tenant).filter(|_| status == 401);
                let tenant = tenant.filter(|tenant| challenge::is_other(self.0.tenant.as_deref(), tenant));
                let hint = if let Some(tenant) = tenant {
                    because = format!("{because}: it accepts tokens of tenant {tenant}");
                    Some(challenge::hint(self.0.method, &tenant))
                } else {
                    KnownCode::of_resource_manager(code).map(|known| known.hint.to_owned())
                };
                if let Some(id) = request_id.as_ref().filter(|_| hint.is_none()) {
                    because = format!("{because}; request ID {id}");
                }
                AzureError { status: Some(status), code: error_code.clone(), request_id, ..with(because, hint) }
            }
            _ => {
                let because = format!("the request to Azure Resource Manager failed: {error}");
                let hint = no_answer::hint(&because).map(ToOwned::to_owned);
                with(because, hint)
            }
        }
    }

    async fn find(&self, account: &str, scope: &ResourceScope) -> azure_core::Result<Option<AccountResource>> {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let accounts = |subscription: &str| {
            format!("{}/subscriptions/{}/providers/Microsoft.Storage/storageAccounts", self.0.url, encode(subscription))
        };
        let subscriptions = match (&scope.subscription, &scope.resource_group) {
            (Some(subscription), Some(group)) => {
                let url = format!(
                    "{}/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{account}?api-version={STORAGE_VERSION}",
                    self.0.url,
                    encode(subscription),
                    encode(group)
                );
                return self.0.get(&url).await.map(Some);
            }
            (Some(subscription), None) => vec![subscription.clone()],
            (None, _) => self.0.subscriptions().await?.into_iter().map(|subscription| subscription.id).collect(),
        };
        let mut failure = None;
        for some in subscriptions.chunks(AT_ONCE) {
            let lists = some.iter().map(|subscription| {
                self.0.list::<AccountResource>(format!("{}?api-version={STORAGE_VERSION}", accounts(subscription)))
            });
            for list in join_all(lists).await {
                let in_group = |found: &AccountResource| {
                    let group = scope.resource_group.as_ref().map(|group| format!("/resourcegroups/{group}/"));
                    group.is_none_or(|group| found.id.to_lowercase().contains(&group.to_lowercase()))
                };
                match list.map(|list| list.into_iter().find(|found| found.name == account && in_group(found))) {
                    Ok(Some(found)) => return Ok(Some(found)),
                    Ok(None) => {}
                    Err(error) => failure = Some(error),
                }
            }
        }
        // The account may be in the subscription that could not be read.
        failure.map_or(Ok(None), Err)
    }
}
