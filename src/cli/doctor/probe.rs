//! The last link of the chain: whether a resource accepts an access token of the pod's identity.

use std::{path::PathBuf, time::Duration};

use issuer::{
    AccessToken, AccessTokenClaims, AuthorityHost, Cloud, Finding, Hint, HttpFetcher, Probe, ProbeAnswer, ProbeTarget,
    Resource, SslMode, TokenSource, WorkloadIdentity,
};

use super::{
    super::{Failure, output::minute, runtime, values::given},
    answer::Check,
    variables::Variables,
};

/// The name of the checks of the access token and of the resource.
const EXCHANGE: &str = "exchange";
const RESOURCE: &str = "resource";

/// Resources to probe, and how.
pub(super) struct Probes {
    pub(super) targets: Vec<String>,
    pub(super) is_any_host: bool,
    pub(super) ca_files: Vec<PathBuf>,
    pub(super) timeout: Duration,
}

impl Probes {
    /// Gets an access token for each resource and sends one request with it.
    pub(super) fn check(&self, variables: &Variables) -> Result<Vec<Check>, Failure> {
        let authority = variables.get("AZURE_AUTHORITY_HOST").and_then(|host| host.parse::<AuthorityHost>().ok());
        let cloud = authority.and_then(|host| host.cloud()).unwrap_or_default();
        let mut resources = Vec::new();
        for text in &self.targets {
            let target: ProbeTarget = text.parse()?;
            let resource = self.resource(&target, cloud)?;
            resources.push((target, resource));
        }
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        let fetcher = HttpFetcher::new(&self.ca_files)?;
        let identity = match WorkloadIdentity::builder().fetcher(fetcher).timeout(self.timeout).build() {
            Ok(identity) => identity,
            Err(error) => {
                let check = Check::failed(EXCHANGE, "access token", error.to_string());
                return Ok(vec![Check { fix: error.hint(), ..check }]);
            }
        };
        let probe = Probe::default().ca_files(self.ca_files.iter().cloned()).timeout(self.timeout);
        runtime::block_on(async {
            let mut checks = Vec::new();
            for (target, resource) in resources {
                match resource {
                    Ok(resource) => checks.extend(check(&identity, &probe, &target, resource, cloud).await?),
                    Err(check) => checks.push(check),
                }
            }
            Ok(checks)
        })?
    }

    /// The resource that a host belongs to. The error is the failed check for a host of another cloud.
    fn resource(&self, target: &ProbeTarget, cloud: Cloud) -> Result<Result<Resource, Check>, Failure> {
        let is_database = target.connection().is_some();
        let of_kind = |resource: &Resource| (*resource == Resource::Postgres) == is_database;
        let find = |cloud: Cloud| {
            let owns_all = |resource: &Resource| target.hosts().iter().all(|host| owns(*resource, cloud, host));
            Resource::ALL.into_iter().filter(of_kind).find(owns_all)
        };
        if let Some(resource) = find(cloud) {
            return Ok(Ok(resource));
        }
        if self.is_any_host {
            return Ok(Ok(if is_database { Resource::Postgres } else { Resource::KeyVault }));
        }
        if let Some(other) = Cloud::ALL.into_iter().find(|other| find(*other).is_some()) {
            let message = "the resource is in another cloud than the authority host";
            let fix = format!(
                "use a resource of this cloud, or set AZURE_AUTHORITY_HOST to {}/ for an identity of the other cloud",
                other.authority_host()
            );
            let check = Check::failed(RESOURCE, &target.to_string(), message);
            return Ok(Err(check.compared(other.name(), cloud.name()).fix(fix)));
        }
        let host = target.host().unwrap_or_default();
        let message = format!("the host {} belongs to no service of the cloud {}", given(host), cloud.name());
        let hint = "check the host; pass --probe-any-host to send an access token to it";
        Err(Failure::usage(message, hint))
    }
}

/// Whether a host belongs to a resource of a cloud.
fn owns(resource: Resource, cloud: Cloud, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match resource.host_suffix(cloud) {
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|name| !name.is_empty()),
        None => resource.scope(cloud).resource().strip_prefix("https://") == Some(host.as_str()),
    }
}

async fn check(
    identity: &WorkloadIdentity,
    probe: &Probe,
    target: &ProbeTarget,
    resource: Resource,
    cloud: Cloud,
) -> Result<Vec<Check>, Failure> {
    let scope = resource.scope(cloud);
    let object = format!("access token for {scope}");
    let token = match identity.token(&scope).await {
        Ok(token) => token,
        Err(error) => {
            let ids = [("trace ID", error.trace_id()), ("correlation ID", error.correlation_id())];
            let ids = ids.into_iter().filter_map(|(name, id)| Some(format!("; {name} {}", id?))).collect::<String>();
            let check = Check::failed(EXCHANGE, &object, format!("{error}{ids}")).aadsts(error.aadsts());
            let skipped = Check::skipped(RESOURCE, &target.to_string(), "there is no access token");
            return Ok(vec![Check { fix: error.hint(), ..check }, skipped]);
        }
    };
    let claims = token.claims().unwrap_or_default();
    let expiry = minute(token.expires_at());
    let mut checks = vec![Check::passed(EXCHANGE, &object, format!("expires {expiry}, {claims}"))];
    checks.extend(tls(target));
    checks.push(answer(probe, target, &token, &claims).await?);
    Ok(checks)
}

/// A connection string that would send the token to a server that was not verified.
fn tls(target: &ProbeTarget) -> Option<Check> {
    let seen = target.connection()?.ssl_mode();
    (seen < SslMode::VerifyFull).then(|| {
        let message = "with this sslmode, a client may send the token to a server that was not verified";
        let check = Check::warning("sslmode", &target.to_string(), message);
        check.compared(seen.name(), SslMode::VerifyFull.name()).fix("set sslmode=verify-full and sslrootcert")
    })
}

async fn answer(
    probe: &Probe,
    target: &ProbeTarget,
    token: &AccessToken,
    claims: &AccessTokenClaims,
) -> Result<Check, Failure> {
    let object = target.to_string();
    Ok(match probe.send(target, token.secret()).await? {
        ProbeAnswer::Accepted { seen } => Check::passed(RESOURCE, &object, format!("it accepts the token: {seen}")),
        ProbeAnswer::NotFound { text } => {
            let message = format!("it accepts the token, but the object does not exist: {text}");
            Check::warning(RESOURCE, &object, message).fix("check the name of the secret, key or file in the URL")
        }
        ProbeAnswer::Refused { text, findings } => refused(target, &text, &findings, claims),
        ProbeAnswer::NotJudged { text } => {
            let message = format!("the answer does not tell whether it accepts the token: {text}");
            Check::failed(RESOURCE, &object, message).fix("check the URL and its query, or retry later after a fault")
        }
        ProbeAnswer::NoAnswer { because } => {
            let fix = "check the host name, the network policy and the firewall; pass --ca-file for a private certificate authority";
            Check::failed(RESOURCE, &object, format!("no answer: {because}")).fix(fix)
        }
        _ => Check::skipped(RESOURCE, &object, "the answer is not known"),
    })
}

/// A refusal with its meaning and fixes, in which the values of this case are filled in.
fn refused(target: &ProbeTarget, text: &str, findings: &[Finding], claims: &AccessTokenClaims) -> Check {
    let object = target.to_string();
    let Some(finding) = findings.first() else {
        let fix =
            "look for the message in the documentation of the resource; issuer inspect shows the claims of a token";
        return Check::failed(RESOURCE, &object, format!("it refuses the token: {text}")).fix(fix);
    };
    let user = target.connection().and_then(issuer::ConnectionString::user);
    let vault = target.host().and_then(|host| host.split('.').next()).filter(|_| target.connection().is_none());
    let of_case = [
        ("principal_id", claims.object_id.as_deref()),
        ("client_id", claims.client_id.as_deref()),
        ("role", user),
        ("vault", vault),
    ];
    let values: Vec<_> = of_case.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let fixes: Vec<_> = finding.failure.fix().iter().map(|step| finding.filled(step, &values)).collect();
    let message = format!("{}: {text}", finding.failure.meaning());
    let check = Check::failed(RESOURCE, &object, message).aadsts(finding.failure.code());
    if fixes.is_empty() { check } else { check.fix(fixes.join("; or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(is_any_host: bool) -> Probes {
        Probes { targets: Vec::new(), is_any_host, ca_files: Vec::new(), timeout: Duration::from_secs(1) }
    }

    #[test]
    fn host_decides_the_resource() {
        let cases = [
            ("https://shop.vault.azure.net/secrets/s", Cloud::Public, Resource::KeyVault),
            ("https://Shop.Vault.Azure.NET./secrets/s", Cloud::Public, Resource::KeyVault),
            ("https://shop.vault.usgovcloudapi.net/secrets/s", Cloud::UsGov, Resource::KeyVault),
            ("https://acct.blob.core.windows.net/c/b", Cloud::Public, Resource::Storage),
            ("https://management.azure.com/subscriptions?api-version=2022-12-01", Cloud::Public, Resource::Arm),
            ("https://graph.microsoft.com/v1.0/organization", Cloud::Public, Resource::Graph),
            ("postgresql://o@db.postgres.database.azure.com/x", Cloud::Public, Resource::Postgres),
            ("host=db.postgres.database.azure.com user=o", Cloud::Public, Resource::Postgres),
        ];
        for (text, cloud, expected) in cases {
            let found = probes(false).resource(&text.parse().unwrap(), cloud).unwrap();
            assert_eq!(found.ok(), Some(expected), "{text}");
        }
        for (text, expected) in
            [("https://localhost:1/secrets/s", Resource::KeyVault), ("host=localhost user=o", Resource::Postgres)]
        {
            let target = text.parse().unwrap();
            assert!(probes(false).resource(&target, Cloud::Public).is_err(), "{text}");
            assert_eq!(probes(true).resource(&target, Cloud::Public).unwrap().ok(), Some(expected));
        }
    }

    #[test]
    fn token_is_not_sent_to_a_host_that_looks_like_a_service() {
        let hosts = [
            "https://vault.azure.net/secrets/s",
            "https://.vault.azure.net/secrets/s",
            "https://shop.vault.azure.net.example.com/secrets/s",
            "https://shopvault.azure.net/secrets/s",
            "https://graph.microsoft.com.example.com/",
            "https://db.postgres.database.azure.com/",
            "host=db.postgres.database.azure.com,db.example.com user=o",
            "host=shop.vault.azure.net user=o",
        ];
        for text in hosts {
            let Ok(target) = text.parse() else { continue };
            assert!(probes(false).resource(&target, Cloud::Public).is_err(), "{text}");
        }
    }

    #[test]
    fn word_without_a_scheme_has_the_hint_of_a_url() {
        for text in ["", "foo", "shop.vault.azure.net/secrets/s"] {
            let error = text.parse::<ProbeTarget>().unwrap_err();
            assert!(error.hint().unwrap().starts_with("pass https://"), "{text}");
        }
    }

    #[test]
    fn resource_of_another_cloud_is_a_failed_check() {
        let target = "https://shop.vault.azure.cn/secrets/s".parse().unwrap();
        let check = probes(false).resource(&target, Cloud::Public).unwrap().unwrap_err();
        assert_eq!((check.seen.as_deref(), check.expected.as_deref()), (Some("china"), Some("public")));
        assert!(check.fix.unwrap().contains("login.partner.microsoftonline.cn"));
    }
}
