//! The variables of a container.

use issuer::{Aadsts, ClientId, Cloud, IssuerUrl, TenantId};

use super::{answer::Check, variables::Variables};

/// The variables that the webhook sets. It sets AZURE_CLIENT_ID only for an annotated service account.
const INJECTED: [&str; 4] =
    ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];
/// Other credentials, which `EnvironmentCredential` uses; it comes before the token in `DefaultAzureCredential`.
const BEFORE_THE_TOKEN: [&str; 2] = ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"];

/// The identity that the variables must name, where it is known.
#[derive(Default)]
pub(super) struct Expected<'a> {
    pub(super) object_id: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
}

/// Whether the webhook or the pod template has set a variable.
pub(super) fn has_any(variables: &Variables) -> bool {
    INJECTED.iter().any(|name| variables.get(name).is_some())
}

/// Checks the variables. Their values are public; a value of another form may be a secret, and is not shown.
pub(super) fn check(variables: &Variables, expected: &Expected<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    if !has_any(variables) {
        let message = "no variable of workload identity is set: this is no pod that the webhook has changed";
        let fix = "set the label azure.workload.identity/use: \"true\" on the pod template and create the pod again; to check it at a desk: issuer doctor --manifest FILE";
        return vec![Check::failed("variables", "pod", message).fix(fix)];
    }
    checks.push(client_id(variables, expected));
    checks.push(tenant(variables, expected));
    checks.push(token_file(variables));
    checks.push(authority(variables));
    for name in BEFORE_THE_TOKEN.into_iter().filter(|name| variables.get(name).is_some()) {
        let message = "it is set, and DefaultAzureCredential uses it before the token";
        let fix = format!("remove {name} from the pod template, or select WorkloadIdentityCredential in the program");
        checks.push(Check::warning("variables", &object(name), message).fix(fix));
    }
    checks
}

fn object(name: &str) -> String {
    format!("variable {name}")
}

fn client_id(variables: &Variables, expected: &Expected<'_>) -> Check {
    let object = object("AZURE_CLIENT_ID");
    let fix = "annotate the service account and create the pod again: kubectl annotate serviceaccount NAME --overwrite azure.workload.identity/client-id=CLIENT-ID";
    let failed = |message: &str| Check::failed("client_id", &object, message).fix(fix);
    match variables.get("AZURE_CLIENT_ID") {
        None => failed("it is not set: the service account has no annotation azure.workload.identity/client-id"),
        Some(text) if !is_guid(text) => failed("it is not a GUID").compared(described(text), "a GUID"),
        Some(text) if expected.object_id.is_some_and(|id| id.eq_ignore_ascii_case(text)) => {
            failed("it is the object ID of the identity; Entra expects its client ID")
                .compared(text, "the client ID")
                .aadsts(Some(Aadsts::APPLICATION_NOT_FOUND))
        }
        Some(text) => Check::passed("client_id", &object, text),
    }
}

fn tenant(variables: &Variables, expected: &Expected<'_>) -> Check {
    let object = object("AZURE_TENANT_ID");
    let fix = "annotate the service account with azure.workload.identity/tenant-id, or set the tenant of the webhook, and create the pod again";
    match variables.get("AZURE_TENANT_ID") {
        None => Check::failed("tenant_id", &object, "it is not set").fix(fix),
        Some(text) if !is_tenant(text) => {
            let check = Check::failed("tenant_id", &object, "it is neither a GUID nor a domain name").fix(fix);
            check.compared(described(text), "a GUID")
        }
        Some(text) => match expected.tenant.filter(|tenant| is_guid(text) && !tenant.eq_ignore_ascii_case(text)) {
            Some(tenant) => {
                Check::warning("tenant_id", &object, "it names another tenant").compared(text, tenant).fix(fix)
            }
            None => Check::passed("tenant_id", &object, text),
        },
    }
}

fn token_file(variables: &Variables) -> Check {
    let object = object("AZURE_FEDERATED_TOKEN_FILE");
    let fix = "set the label azure.workload.identity/use: \"true\" on the pod template and create the pod again";
    match variables.get("AZURE_FEDERATED_TOKEN_FILE") {
        None if variables.get("AZURE_CLIENT_ID").is_some() => {
            let message = "it is not set, so an SDK that finds AZURE_CLIENT_ID requests a token of a managed identity";
            Check::failed("token_path", &object, message).fix(fix)
        }
        None => Check::failed("token_path", &object, "it is not set").fix(fix),
        Some(path) if !is_path(path) => {
            let fix = "set it to the path of the token file, or remove it, so that the webhook sets it";
            let check = Check::failed("token_path", &object, "it is not an absolute path").fix(fix);
            check.compared(described(path), "a path that starts with /")
        }
        Some(path) => Check::passed("token_path", &object, path),
    }
}

fn authority(variables: &Variables) -> Check {
    let object = object("AZURE_AUTHORITY_HOST");
    let default = Cloud::Public.authority_host();
    let Some(text) = variables.get("AZURE_AUTHORITY_HOST") else {
        return Check::passed("authority", &object, format!("not set; the SDKs use {default}"));
    };
    let known = Cloud::ALL.iter().any(|cloud| cloud.authority_host() == text.trim_end_matches('/'));
    if known {
        return Check::passed("authority", &object, text);
    }
    let fix = format!("remove it, so that the webhook sets it, or set it to {default}/");
    // An issuer URL has the same form: https, or http on loopback.
    match text.parse::<IssuerUrl>() {
        Ok(url) => {
            let message = "it is not an authority host of a cloud that this program knows";
            Check::warning("authority", &object, message).compared(url.to_string(), format!("{default}/")).fix(fix)
        }
        Err(_) => Check::failed("authority", &object, "it is not an https URL").fix(fix),
    }
}

/// Whether a text is a GUID, such as a client ID.
pub(super) fn is_guid(text: &str) -> bool {
    text.parse::<ClientId>().is_ok()
}

/// Whether a text is a tenant: a GUID, or a domain name such as `contoso.onmicrosoft.com`.
pub(super) fn is_tenant(text: &str) -> bool {
    text.parse::<TenantId>().is_ok()
}

/// Whether a text is an absolute path of plain characters, and no token.
pub(super) fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@~".contains(&byte);
    text.starts_with('/') && text.len() <= 300 && text.bytes().all(is_plain) && !text.contains("eyJ")
}

/// A value of another form, which may be a secret.
fn described(text: &str) -> String {
    let count = text.chars().count();
    format!("a value of {count} character{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{super::answer::Outcome, *};
    use Outcome::{Failed, Passed, Warning};

    const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
    const OBJECT: &str = "22222222-aaaa-4bbb-8ccc-000000000002";
    const TENANT: &str = "33333333-aaaa-4bbb-8ccc-000000000003";
    const FILE: &str = "/var/run/secrets/azure/wi/token/azure-identity-token";

    #[test]
    fn each_variable_has_its_outcome() {
        let sound = [
            ("AZURE_CLIENT_ID", CLIENT),
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_FEDERATED_TOKEN_FILE", FILE),
            ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"),
        ];
        let secret = "Xy38Q~AbCdEfGhIjKlMnOpQrStUvWxYz01234567";
        let token = "/eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln";
        let cases = [
            ("sound", "AZURE_CLIENT_ID", CLIENT, "client_id", Passed),
            ("upper case", "AZURE_CLIENT_ID", "AAAAAAAA-AAAA-4BBB-8CCC-000000000001", "client_id", Passed),
            ("unset", "AZURE_CLIENT_ID", "", "client_id", Failed),
            ("no GUID", "AZURE_CLIENT_ID", secret, "client_id", Failed),
            ("object ID", "AZURE_CLIENT_ID", OBJECT, "client_id", Failed),
            ("unset", "AZURE_TENANT_ID", "", "tenant_id", Failed),
            ("domain", "AZURE_TENANT_ID", "contoso.onmicrosoft.com", "tenant_id", Passed),
            ("another tenant", "AZURE_TENANT_ID", OBJECT, "tenant_id", Warning),
            ("no tenant", "AZURE_TENANT_ID", secret, "tenant_id", Failed),
            ("unset", "AZURE_FEDERATED_TOKEN_FILE", "", "token_path", Failed),
            ("a token", "AZURE_FEDERATED_TOKEN_FILE", token, "token_path", Failed),
            ("relative", "AZURE_FEDERATED_TOKEN_FILE", "token", "token_path", Failed),
            ("unset", "AZURE_AUTHORITY_HOST", "", "authority", Passed),
            ("no slash", "AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us", "authority", Passed),
            ("unknown", "AZURE_AUTHORITY_HOST", "https://login.example.com/", "authority", Warning),
            ("loopback", "AZURE_AUTHORITY_HOST", "http://127.0.0.1:8080/", "authority", Warning),
            ("http", "AZURE_AUTHORITY_HOST", "http://login.example.com/", "authority", Failed),
            ("a secret", "AZURE_CLIENT_SECRET", secret, "variables", Warning),
        ];
        for (what, name, value, check, outcome) in cases {
            let mut values: Vec<_> = sound.into_iter().filter(|(known, _)| *known != name).collect();
            values.push((super::super::variables::NAMES.into_iter().find(|known| *known == name).unwrap(), value));
            let expected = Expected { object_id: Some(OBJECT), tenant: Some(TENANT) };
            let checks = super::check(&Variables::of(&values), &expected);
            let found = checks.iter().find(|found| found.name == check).unwrap();
            assert_eq!((found.outcome, found.object.as_str()), (outcome, object(name).as_str()), "{name}, {what}");
            assert_eq!(found.fix.is_some(), outcome != Passed, "{name}, {what}");
            let others = checks.iter().filter(|found| found.object != object(name));
            others.for_each(|other| assert_eq!(other.outcome, Passed, "{name}, {what}: {}", other.object));
            let json = serde_json::to_string(&checks).unwrap();
            assert!(!json.contains("Xy38Q") && !json.contains("eyJ"), "{json}");
        }
    }

    #[test]
    fn pod_without_variables_has_one_finding() {
        let checks = check(&Variables::default(), &Expected::default());
        assert_eq!(checks.len(), 1);
        assert_eq!((checks[0].name.as_str(), checks[0].outcome), ("variables", Failed));
    }

    #[test]
    fn client_id_without_a_token_file_leads_to_managed_identity() {
        let checks = check(&Variables::of(&[("AZURE_CLIENT_ID", CLIENT)]), &Expected::default());
        let found = checks.iter().find(|check| check.name == "token_path").unwrap();
        assert!(found.message.contains("managed identity"), "{}", found.message);
    }
}
