use azure_core::http::{Url, headers::Headers};

use super::retry::header;

/// The tenant whose tokens a service accepts, as the challenge of a 401 names it:
/// `Bearer authorization_uri="https://login.microsoftonline.com/TENANT/oauth2/authorize"`.
///
/// Microsoft Learn, "Authorize with Microsoft Entra ID" (Azure Storage), "Bearer challenge".
pub(super) fn tenant(headers: &Headers) -> Option<String> {
    let challenge = header(headers, "www-authenticate")?;
    let (_, uri) = challenge.split_once("authorization_uri=")?;
    let uri = uri.trim_start_matches('"').split(['"', ',', ' ']).next()?;
    let url = Url::parse(uri).ok()?;
    let tenant = url.path_segments()?.next()?;
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (!tenant.is_empty() && tenant.len() <= 100 && is_name(tenant) && tenant != "common").then(|| tenant.to_owned())
}
