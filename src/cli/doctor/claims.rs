//! The claims of a pod's token, compared with the variables of the pod.

use issuer::{Claims, Cloud, Token};

use super::{answer::Check, pod::is_guid, token_file::FILE, variables::Variables};

/// The longest host name of a pod: a longer name is cut off (Kubernetes, `pkg/kubelet/kubelet_pods.go`).
const HOST_NAME_MAX: usize = 63;
/// The suffixes of hosts whose issuers have the tenant as the first segment of the path: AKS and Azure Arc.
const HOSTED: [&str; 2] = [".oic.prod-aks.azure.com", ".oic.prod-arc.azure.com"];

/// Compares the claims of the token in the file with the variables. A token that cannot be parsed has no finding here.
pub(super) fn check(token: &str, variables: &Variables) -> Vec<Check> {
    let mut buffer = Vec::new();
    let Ok(Token { claims, .. }) = Token::parse(token, &mut buffer) else { return Vec::new() };
    let cloud = cloud(&claims, variables.get("AZURE_AUTHORITY_HOST"));
    let tenant = tenant(&claims, variables.get("AZURE_TENANT_ID"));
    cloud.into_iter().chain(tenant).chain(pod(&claims, variables.get("HOSTNAME"))).collect()
}

/// Whether the token is for the cloud whose authority host the variables name. The webhook projects tokens for the
/// audience of the public cloud by default, in every cloud.
fn cloud(claims: &Claims<'_>, authority: Option<&str>) -> Option<Check> {
    let audiences = claims.aud.as_ref()?;
    let others = || Cloud::ALL.into_iter().filter(|cloud| *cloud != Cloud::Public);
    let cloud = others().find(|cloud| audiences.iter().any(|seen| seen == cloud.token_exchange_audience()))?;
    let (expected, seen) = (cloud.authority_host(), authority.unwrap_or(Cloud::Public.authority_host()));
    let is_other = seen.trim_end_matches('/') != expected;
    is_other.then(|| {
        let message = "the token is for another cloud than the authority host";
        let fix = format!("set AZURE_AUTHORITY_HOST to {expected}/, or project a token for the other cloud");
        Check::warning("cloud", FILE, message).compared(seen, expected).fix(fix)
    })
}

/// Whether the issuer of AKS or Azure Arc, whose path starts with the tenant of the cluster, is in the tenant of the
/// variable. An identity of another tenant can trust it, so this is a warning.
fn tenant(claims: &Claims<'_>, variable: Option<&str>) -> Option<Check> {
    let (host, path) = claims.iss.as_deref()?.strip_prefix("https://")?.split_once('/')?;
    let of_cluster = path.split('/').next().filter(|_| HOSTED.iter().any(|suffix| host.ends_with(suffix)))?;
    let seen = variable.filter(|seen| is_guid(seen) && is_guid(of_cluster))?;
    (!of_cluster.eq_ignore_ascii_case(seen)).then(|| {
        let message = "AZURE_TENANT_ID is another tenant than that of the cluster, which the issuer of the token names";
        let fix = "check that the identity is in the tenant of AZURE_TENANT_ID, else correct the annotation azure.workload.identity/tenant-id";
        Check::warning("tenant_id", FILE, message).compared(seen, of_cluster).fix(fix)
    })
}

/// Whether the token belongs to this pod. `HOSTNAME` is the name of the pod, unless the pod template sets another.
fn pod(claims: &Claims<'_>, host_name: Option<&str>) -> Option<Check> {
    let pod = claims.kubernetes.as_ref()?.pod.as_ref()?;
    let seen =
        host_name.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)))?;
    let end = pod.name.len().min(HOST_NAME_MAX);
    let expected = pod.name.get(..end).unwrap_or_default().trim_end_matches(['-', '.']);
    (!expected.eq_ignore_ascii_case(seen)).then(|| {
        let message = "the token belongs to another pod than the host name of this machine tells";
        let fix = "mount the token volume of this pod, not a copy of its file; a pod with hostNetwork or its own hostname can ignore this";
        Check::warning("pod", FILE, message).compared(seen, expected).fix(fix)
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::{super::answer::Outcome, *};

    const TENANT: &str = "33333333-aaaa-4bbb-8ccc-000000000003";

    #[test]
    fn claims_are_compared_with_variables() {
        let government = "https://login.microsoftonline.us/";
        let aks = format!(r#"{{"iss":"https://eastus.oic.prod-aks.azure.com/{TENANT}/0d4b5f1e/"}}"#);
        let other = "44444444-aaaa-4bbb-8ccc-000000000004";
        let pod = |name: &str| format!(r#"{{"kubernetes.io":{{"pod":{{"name":"{name}"}}}}}}"#);
        let audience = |cloud: Cloud| format!(r#"{{"aud":["{}"]}}"#, cloud.token_exchange_audience());
        let long = "a".repeat(62) + "-1234";
        let cases = [
            (audience(Cloud::UsGov), "AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/", Some("cloud")),
            (audience(Cloud::UsGov), "HOSTNAME", "orders-1", Some("cloud")),
            (audience(Cloud::UsGov), "AZURE_AUTHORITY_HOST", government, None),
            (audience(Cloud::Public), "AZURE_AUTHORITY_HOST", government, None),
            (aks.clone(), "AZURE_TENANT_ID", other, Some("tenant_id")),
            (aks.clone(), "AZURE_TENANT_ID", TENANT, None),
            (aks.clone(), "AZURE_TENANT_ID", "contoso.onmicrosoft.com", None),
            (aks.replace("prod-aks", "example"), "AZURE_TENANT_ID", other, None),
            (pod("orders-1"), "HOSTNAME", "orders-2", Some("pod")),
            (pod("orders-1"), "HOSTNAME", "orders-1", None),
            (pod(&long), "HOSTNAME", &long[..62], None),
            (pod("orders-1"), "HOSTNAME", "", None),
            ("{}".to_owned(), "HOSTNAME", "orders-2", None),
        ];
        for (claims, name, value, expected) in cases {
            let claims = BASE64_URL_SAFE_NO_PAD.encode(&claims);
            let token = format!("{}.{claims}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#));
            let name = super::super::variables::NAMES.into_iter().find(|known| *known == name).unwrap();
            let checks = check(&token, &Variables::of(&[(name, value)]));
            let found: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{name}={value}");
            assert!(checks.iter().all(|check| check.outcome == Outcome::Warning && check.fix.is_some()));
        }
        assert!(check("no token", &Variables::default()).is_empty());
    }
}
