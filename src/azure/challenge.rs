use azure_core::http::{Url, headers::Headers};

use super::{AuthMethod, retry::header};

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

/// How to sign in to a tenant with a credential.
pub(super) fn hint(method: AuthMethod, tenant: &str) -> String {
    let step = match method {
        AuthMethod::ManagedIdentity => "use an identity of that tenant".to_owned(),
        AuthMethod::AzureCli => {
            format!(
                "sign in to that tenant: az login --tenant {tenant}, and AZURE_TENANT_ID={tenant} or a --subscription of it"
            )
        }
        AuthMethod::AzureDeveloperCli => format!("sign in to that tenant: azd auth login --tenant-id {tenant}"),
        _ => format!("use an application of that tenant, with AZURE_TENANT_ID={tenant}"),
    };
    format!("{step}; if it is that tenant already, check the clock of this machine")
}

/// Whether a service accepts tokens of another tenant than the one that a credential signed in to, as far as that is known.
pub(super) fn is_other(own: Option<&str>, accepted: &str) -> bool {
    own.is_none_or(|own| !own.eq_ignore_ascii_case(accepted))
}
