use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use super::{
    AssertionFile, AssertionSource, ConfigurationError, RetryPolicy, WorkloadIdentity,
    configuration_error::{AUTHORITY_HOST, CLIENT_ID, TENANT_ID, TOKEN_FILE},
    endpoint::{Endpoint, HttpEndpoint},
    request::Requests,
};
use crate::{
    backoff::random,
    clock::{Clock, SystemClock},
    entra::{AuthorityHost, ClientId, Cloud, IdentityError, TenantId},
    published::HttpFetcher,
};

/// The time limit of one token request, with its retries.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Configures a [`WorkloadIdentity`]. Settings that are not given come from the variables of the process.
///
/// ```
/// use issuer::{Cloud, WorkloadIdentity};
/// use std::time::Duration;
/// let identity = WorkloadIdentity::builder()
///     .cloud(Cloud::Public)
///     .tenant("72f988bf-86f1-41af-91ab-2d7cd011db47".parse()?)
///     .client_id("11111111-aaaa-4bbb-8ccc-000000000001".parse()?)
///     .token_file("/var/run/secrets/azure/tokens/azure-identity-token")
///     .timeout(Duration::from_secs(20))
///     .variables(|_| None)
///     .build()?;
/// assert_eq!(identity.authority_host().as_str(), "https://login.microsoftonline.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WorkloadIdentityBuilder {
    variable: Box<dyn Fn(&'static str) -> Option<String>>,
    authority: Option<AuthorityHost>,
    cloud: Cloud,
    tenant: Option<TenantId>,
    client: Option<ClientId>,
    source: Option<Arc<dyn AssertionSource>>,
    fetcher: HttpFetcher,
    endpoint: Option<Box<dyn Endpoint>>,
    clock: Arc<dyn Clock + Send + Sync>,
    timeout: Duration,
    propagation: Duration,
    retry: RetryPolicy,
    random: fn() -> u8,
}

impl Default for WorkloadIdentityBuilder {
    fn default() -> Self {
        Self {
            variable: Box::new(|name| std::env::var(name).ok()),
            authority: None,
            cloud: Cloud::default(),
            tenant: None,
            client: None,
            source: None,
            fetcher: HttpFetcher::default(),
            endpoint: None,
            clock: Arc::new(SystemClock),
            timeout: TIMEOUT,
            propagation: Duration::ZERO,
            retry: RetryPolicy::default(),
            random,
        }
    }
}

impl WorkloadIdentityBuilder {
    /// Replaces the variables of the process. An empty value counts as not set.
    #[must_use]
    pub fn variables(mut self, variable: impl Fn(&'static str) -> Option<String> + 'static) -> Self {
        self.variable = Box::new(variable);
        self
    }

    /// Sets the authority host; by default `AZURE_AUTHORITY_HOST`, else that of the cloud.
    #[must_use]
    pub fn authority_host(mut self, authority: AuthorityHost) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Sets the cloud, whose authority host is used if `AZURE_AUTHORITY_HOST` is not set; by default the public one.
    #[must_use]
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// Sets the tenant; by default `AZURE_TENANT_ID`.
    #[must_use]
    pub fn tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Sets the client ID; by default `AZURE_CLIENT_ID`.
    #[must_use]
    pub fn client_id(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the token file; by default `AZURE_FEDERATED_TOKEN_FILE`.
    #[must_use]
    pub fn token_file(self, path: impl Into<PathBuf>) -> Self {
        self.assertion_source(AssertionFile::new(path))
    }

    /// Sets another source of assertions than a token file.
    #[must_use]
    pub fn assertion_source(mut self, source: impl AssertionSource + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Sets the fetcher whose connections and certificate authorities are used; by default the system's are trusted.
    #[must_use]
    pub fn fetcher(mut self, fetcher: HttpFetcher) -> Self {
        self.fetcher = fetcher;
        self
    }

    /// Sets the clock for the expiry of tokens; by default the clock of this machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + Send + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the time limit of one exchange, with its retries; by default one minute. `Duration::MAX` means no limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long an exchange is retried while Entra does not know a new credential or key yet; by default it is not
    /// retried. It may be longer than the time limit.
    #[must_use]
    pub fn wait_for_propagation(mut self, wait: Duration) -> Self {
        self.propagation = wait;
        self
    }

    /// Sets the pauses between retries.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Replaces the token endpoint and the random numbers.
    #[cfg(test)]
    pub(super) fn scripted(mut self, endpoint: impl Endpoint + 'static, random: fn() -> u8) -> Self {
        self.endpoint = Some(Box::new(endpoint));
        self.random = random;
        self
    }

    /// Builds the identity. It sends no request yet.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError::Missing`] with all settings that are missing, and [`ConfigurationError::Variable`] for a variable
    /// with an invalid value.
    pub fn build(self) -> Result<WorkloadIdentity, ConfigurationError> {
        let variable =
            |name| (self.variable)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let client = self.client.clone().map_or_else(|| parsed(CLIENT_ID, variable(CLIENT_ID)), |id| Ok(Some(id)))?;
        let tenant = self.tenant.clone().map_or_else(|| parsed(TENANT_ID, variable(TENANT_ID)), |id| Ok(Some(id)))?;
        let authority = match self.authority.clone() {
            Some(authority) => authority,
            None => parsed(AUTHORITY_HOST, variable(AUTHORITY_HOST))?.unwrap_or_else(|| self.cloud.into()),
        };
        let of_file =
            || variable(TOKEN_FILE).map(|path| Arc::new(AssertionFile::new(path)) as Arc<dyn AssertionSource>);
        let source = self.source.clone().or_else(of_file);
        let missing = [(CLIENT_ID, client.is_none()), (TENANT_ID, tenant.is_none()), (TOKEN_FILE, source.is_none())];
        let missing = missing.into_iter().filter_map(|(name, is_missing)| is_missing.then_some(name)).collect();
        let (Some(client), Some(tenant), Some(source)) = (client, tenant, source) else {
            return Err(ConfigurationError::Missing(missing));
        };
        let Self { fetcher, endpoint, clock, timeout, propagation, retry, random, .. } = self;
        let endpoint = endpoint.unwrap_or_else(|| Box::new(HttpEndpoint(fetcher.clients())));
        let requests = Requests { source, endpoint, clock, timeout, propagation, retry, random };
        Ok(WorkloadIdentity::assemble(authority, tenant, client, requests))
    }
}

/// The value of a variable.
fn parsed<T: std::str::FromStr<Err = IdentityError>>(
    variable: &'static str,
    value: Option<String>,
) -> Result<Option<T>, ConfigurationError> {
    let parsed = value.map(|value| value.parse()).transpose();
    parsed.map_err(|source| ConfigurationError::Variable { variable, source })
}

impl fmt::Debug for WorkloadIdentityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadIdentityBuilder")
            .field("authority", &self.authority)
            .field("tenant", &self.tenant)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;

    const SECRET: &str = "Xy38Q~AbCdEfGhIjKlMnOpQrStUvWxYz01234567";

    fn build(values: &[(&'static str, &str)]) -> Result<WorkloadIdentity, ConfigurationError> {
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let variable = move |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        WorkloadIdentity::builder().variables(variable).build()
    }

    fn injected<'a>() -> [(&'static str, &'a str); 4] {
        [
            (CLIENT_ID, "11111111-aaaa-4bbb-8ccc-000000000001"),
            (TENANT_ID, "72f988bf-86f1-41af-91ab-2d7cd011db47"),
            (TOKEN_FILE, "/var/run/secrets/azure/wi/token/azure-identity-token"),
            (AUTHORITY_HOST, "https://login.microsoftonline.us/"),
        ]
    }

    #[test]
    fn injected_variables_are_enough() {
        let identity = build(&injected()).unwrap();
        assert_eq!(identity.authority_host().as_str(), "https://login.microsoftonline.us");
        assert_eq!(identity.client_id().as_str(), injected()[0].1);
        assert_eq!(identity.tenant().as_str(), injected()[1].1);
        let identity = build(&injected()[..3]).unwrap();
        assert_eq!(identity.authority_host(), &AuthorityHost::from(Cloud::Public));
    }

    #[test]
    fn missing_and_wrong_variables_are_named_with_a_fix() {
        for (change, value, text, fix) in [
            (CLIENT_ID, "", "AZURE_CLIENT_ID is not set", "azure.workload.identity/client-id"),
            (TENANT_ID, " ", "AZURE_TENANT_ID is not set", "azure.workload.identity/tenant-id"),
            (TOKEN_FILE, "", "AZURE_FEDERATED_TOKEN_FILE is not set", "azure.workload.identity/use"),
            (CLIENT_ID, SECRET, "AZURE_CLIENT_ID is invalid: the client ID is a value of 40 characters", "clientId"),
            (TENANT_ID, "common", "AZURE_TENANT_ID is invalid: the tenant is common", "az account show"),
            (TENANT_ID, SECRET, "AZURE_TENANT_ID is invalid: the tenant is a value of 40 characters", "az account"),
            (AUTHORITY_HOST, "http://login.example.com", "AZURE_AUTHORITY_HOST is invalid", "https://login.microsoft"),
            (AUTHORITY_HOST, SECRET, "AZURE_AUTHORITY_HOST is invalid", "https://login.microsoft"),
        ] {
            let values = injected().map(|(name, sound)| (name, if name == change { value } else { sound }));
            let error = build(&values).unwrap_err();
            assert!(error.to_string().contains(text) && !error.to_string().contains("Xy38Q"), "{error}");
            let hint = error.hint().unwrap();
            assert!(hint.contains(fix), "{hint}");
        }
    }

    #[test]
    fn settings_win_over_variables() {
        let values = injected().map(|(name, _)| (name, SECRET));
        let variable =
            move |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let identity = WorkloadIdentity::builder()
            .variables(variable)
            .authority_host(Cloud::China.into())
            .tenant("contoso.com".parse().unwrap())
            .client_id(injected()[0].1.parse().unwrap())
            .token_file("token")
            .build()
            .unwrap();
        assert_eq!(identity.tenant().as_str(), "contoso.com");
        assert!(!format!("{identity:?}").contains("Xy38Q"));
    }
}
