//! Finds a resource by its name in the subscriptions that a credential can read.

use futures_util::future::join_all;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::Value;

use super::{RESERVED, ResourceScope, Rest};

pub(super) const SUBSCRIPTIONS_VERSION: &str = "2022-12-01";
/// The number of subscriptions that are read concurrently.
const AT_ONCE: usize = 8;

/// A type of resources, and the API version that reads it.
pub(crate) struct ResourceType {
    /// The provider and the type, such as `Microsoft.Storage/storageAccounts`.
    pub(crate) path: &'static str,
    pub(crate) version: &'static str,
}

/// A subscription that the credential can read.
#[derive(Deserialize)]
pub(crate) struct Subscription {
    #[serde(rename = "subscriptionId")]
    pub(crate) id: String,
}

impl Rest {
    /// The subscriptions that the credential can read.
    pub(crate) async fn subscriptions(&self) -> azure_core::Result<Vec<Subscription>> {
        self.list(format!("{}/subscriptions?api-version={SUBSCRIPTIONS_VERSION}", self.url)).await
    }

    /// The resources with this name in a scope. Azure compares names without upper and lower case. A subscription that
    /// cannot be read is an error only if nothing is found.
    pub(crate) async fn find(
        &self,
        resource: &ResourceType,
        name: &str,
        scope: &ResourceScope,
    ) -> azure_core::Result<Vec<Value>> {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let subscriptions = match &scope.subscription {
            Some(subscription) => vec![subscription.clone()],
            None => self.subscriptions().await?.into_iter().map(|subscription| subscription.id).collect(),
        };
        let group = scope.resource_group.as_ref();
        let group = group.map(|group| format!("/resourceGroups/{}", encode(group))).unwrap_or_default();
        let has_name = |item: &Value| item["name"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name));
        let (mut found, mut failed) = (Vec::new(), None);
        for some in subscriptions.chunks(AT_ONCE) {
            let lists = some.iter().map(|subscription| {
                let ResourceType { path, version } = resource;
                let subscription = encode(subscription);
                self.list::<Value>(format!(
                    "{}/subscriptions/{subscription}{group}/providers/{path}?api-version={version}",
                    self.url
                ))
            });
            for list in join_all(lists).await {
                match list {
                    Ok(list) => found.extend(list.into_iter().filter(has_name)),
                    // The resource group is in another subscription.
                    Err(error) if scope.subscription.is_none() && is_missing(&error) => {}
                    Err(error) => failed = Some(error),
                }
            }
        }
        match failed {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

/// Whether a resource was not found.
pub(crate) fn is_missing(error: &azure_core::Error) -> bool {
    error.http_status().map(u16::from) == Some(404)
}
