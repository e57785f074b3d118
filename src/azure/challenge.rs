use azure_core::http::{Url, headers::Headers};

use super::{AuthMethod, retry::header};

/// The tenant whose tokens a service accepts, from the challenge of a response with status 401:
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

/// The next step to sign in to a tenant with a credential.
pub(super) fn hint(method: AuthMethod, tenant: &str) -> String {
    let step = match method {
        AuthMethod::ManagedIdentity => "use an identity of that tenant".to_owned(),
        AuthMethod::AzureCli => {
            format!(
                "sign in to that tenant with `az login --tenant {tenant}`, and set AZURE_TENANT_ID={tenant} or pass --subscription"
            )
        }
        AuthMethod::AzureDeveloperCli => format!("sign in to that tenant with `azd auth login --tenant-id {tenant}`"),
        _ => format!("use an application of that tenant, and set AZURE_TENANT_ID={tenant}"),
    };
    format!("{step}; if the credential already belongs to that tenant, check the clock of this machine")
}

/// Whether a service accepts tokens of another tenant than that of the credential; `true` if the tenant of the
/// credential is unknown.
pub(super) fn is_other(own: Option<&str>, accepted: &str) -> bool {
    own.is_none_or(|own| !own.eq_ignore_ascii_case(accepted))
}
