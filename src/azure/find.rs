use std::{path::Path, sync::Arc, time::Duration};

use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::{Secret, TokenCredential},
    http::{ClientOptions, RetryOptions, Url},
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential, AzureDeveloperCliCredentialOptions,
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions,
};
use tokio::time::timeout;

use super::{
    Account, AccountName, AuthMethod, AzureError, AzureProblem, Credential, Environment, Retry, Transport,
    cached_token::CachedToken,
    certificate::CertificateAssertion,
    connection_string::{ConnectionString, Proof},
    credential::Access,
    github::GitHubAssertion,
    known_code::KnownCode,
    managed_identity::IdentitySource,
    sas::SasSigner,
    sign_in_failure::SignInFailure,
    token_file::TokenFile,
};
use crate::{entra::Cloud, http_clients::HttpClients};

/// The token scope for blobs, the same for every account and cloud.
const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";
/// The time limit for a token from a credential that was not configured explicitly.
const GUESS_TIMEOUT: Duration = Duration::from_secs(30);

/// The input of the search for a credential.
pub(crate) struct Search {
    pub(crate) environment: Environment,
    /// The only method to try. Without it, the first available method is used.
    pub(crate) method: Option<AuthMethod>,
    pub(crate) account: Option<AccountName>,
    pub(crate) endpoint: Option<String>,
    pub(crate) cloud: Cloud,
    pub(crate) client_id: Option<String>,
    /// The subscription whose tenant issues the token of the Azure CLI.
    pub(crate) subscription: Option<String>,
    /// The audience of the GitHub token, if it is not the default of the cloud.
    pub(crate) audience: Option<String>,
    pub(crate) clients: Arc<HttpClients>,
    pub(crate) retry: Retry,
}

/// A credential and its account.
pub(crate) struct OpenedAccount {
    pub(crate) credential: Credential,
    pub(crate) account: Account,
}

type Tokens = Arc<dyn TokenCredential>;

/// The service that a credential is for.
struct Service<'a> {
    /// The scope of its tokens.
    scope: &'a str,
    /// What fails without a credential.
    operation: &'static str,
    /// Whether account keys and SAS are credentials for it.
    is_storage: bool,
}

impl Service<'static> {
    const STORAGE: Self = Self { scope: STORAGE_SCOPE, operation: AzureError::OPENING, is_storage: true };
}

/// The result of a search.
enum Found {
    /// A connection string, SAS or account key, with its account.
    Account(OpenedAccount),
    Credential(Credential),
}

impl Search {
    /// Searches for a credential for a storage account.
    pub(crate) async fn run(self) -> Result<OpenedAccount, AzureError> {
        let credential = self.search(&Service::STORAGE).await?;
        match credential {
            Found::Account(account) => Ok(account),
            Found::Credential(credential) => {
                let account = self.account(None).map_err(|problem| problem.during(AzureError::OPENING))?;
                Ok(OpenedAccount { credential, account })
            }
        }
    }

    /// Searches for a credential for another service, whose tokens have this scope.
    pub(crate) async fn sign_in(self, scope: &str, operation: &'static str) -> Result<Credential, AzureError> {
        match self.search(&Service { scope, operation, is_storage: false }).await? {
            Found::Credential(credential) | Found::Account(OpenedAccount { credential, .. }) => Ok(credential),
        }
    }

    /// Searches for a credential in the order of [`AuthMethod::ALL`].
    ///
    /// If the variables of a method are set, that method is used and its failure is returned. A fallback to another
    /// identity would hide the failure. Managed identities, `az` and `azd` have no variables. The first of them that
    /// returns a token is used.
    async fn search(&self, service: &Service<'_>) -> Result<Found, AzureError> {
        let fail = |problem: AzureProblem| problem.during(service.operation);
        let mut tried = Vec::new();
        if let Some(method) = self.skipped_method().filter(|_| service.is_storage) {
            tried.push(format!("{}: skipped (AZURE_STORAGE_AUTH_MODE is login)", method.title()));
        }
        for method in self.methods().map_err(fail)? {
            if method.is_storage_only() && !service.is_storage {
                if self.method.is_some() {
                    let because = format!("--auth {} gives access to Azure Storage only", method.name());
                    return Err(fail(AzureProblem::Setting(because)));
                }
                continue;
            }
            if let Some(found) = self.storage_only(method).map_err(fail)? {
                return Ok(Found::Account(found));
            }
            let Candidate { tokens, identity, tenant } = match self.candidate(method).await {
                Ok(Some(candidate)) => candidate,
                Ok(None) if self.method.is_some() => return Err(fail(AzureProblem::Variables(method))),
                Ok(None) => continue,
                Err(Miss::Fatal(problem)) => return Err(fail(problem)),
                Err(Miss::Unavailable(because)) => {
                    tried.push(format!("{}: {because}", method.title()));
                    continue;
                }
            };
            if service.is_storage {
                // A name that is not valid is an error before the sign-in.
                self.account(None).map_err(fail)?;
            }
            let tokens: Tokens = Arc::new(CachedToken::new(tokens));
            let credential = Credential { method, identity, tenant, access: Access::Token(Arc::clone(&tokens)) };
            let scopes = [service.scope];
            let first = self.retry.run(method.title(), || tokens.get_token(&scopes, None));
            // The SDK retries requests to a metadata service for more than a minute, whatever the response is. A
            // credential that was not configured explicitly must leave time for the next one.
            let is_guess = self.method.is_none() && is_guess(method);
            let limit = if is_guess { GUESS_TIMEOUT.min(self.retry.timeout / 3) } else { self.retry.timeout };
            let failure = match timeout(limit, first).await {
                Ok(Ok(_)) => return Ok(Found::Credential(credential)),
                Ok(Err(error)) => SignInFailure::of(&error),
                Err(_) => SignInFailure::new(format!("timed out after {} s", limit.as_secs_f64())),
            };
            if !is_guess {
                return Err(failure.into_error(method, credential.to_string(), service.operation));
            }
            tried.push(format!("{}: {}", method.title(), failure.because));
        }
        Err(fail(match self.method {
            Some(method) => {
                let (credential, because) = (method.title().to_owned(), tried.join("; "));
                let hint = KnownCode::sign_in_hint(method, None, &because);
                AzureProblem::SignIn { credential, because, hint }
            }
            None => AzureProblem::NoCredential(tried),
        }))
    }

    /// The connection string, SAS or account key that is skipped because of `AZURE_STORAGE_AUTH_MODE`.
    fn skipped_method(&self) -> Option<AuthMethod> {
        let storage_only = AuthMethod::ALL.into_iter().filter(|method| method.is_storage_only());
        let is_set = |method: &AuthMethod| self.environment.get(method.variables()).is_some();
        storage_only.filter(|_| self.method.is_none() && self.is_login()).find(is_set)
    }

    /// Whether `AZURE_STORAGE_AUTH_MODE` selects an identity instead of keys.
    fn is_login(&self) -> bool {
        self.environment.get("AZURE_STORAGE_AUTH_MODE").is_some_and(|mode| mode.eq_ignore_ascii_case("login"))
    }

    /// The methods to try: the given one, else all that the variables of the Azure CLI and SDKs allow.
    fn methods(&self) -> Result<Vec<AuthMethod>, AzureProblem> {
        if let Some(method) = self.method {
            return Ok(vec![method]);
        }
        let chosen = self.environment.get("AZURE_TOKEN_CREDENTIALS").unwrap_or_default();
        let allowed: fn(AuthMethod) -> bool = match chosen.to_ascii_lowercase().as_str() {
            "" => |_| true,
            "dev" => AuthMethod::is_developer,
            "prod" => |method| !method.is_developer(),
            "environmentcredential" => {
                |method| matches!(method, AuthMethod::ClientSecret | AuthMethod::ClientCertificate)
            }
            "workloadidentitycredential" => |method| method == AuthMethod::WorkloadIdentity,
            "managedidentitycredential" => |method| method == AuthMethod::ManagedIdentity,
            "azureclicredential" => |method| method == AuthMethod::AzureCli,
            "azuredeveloperclicredential" => |method| method == AuthMethod::AzureDeveloperCli,
            _ => {
                let because =
                    "AZURE_TOKEN_CREDENTIALS is neither dev, prod nor a credential name of the Azure SDK".to_owned();
                return Err(AzureProblem::Setting(because));
            }
        };
        let fits = |method: &AuthMethod| {
            // A client ID selects an identity, so keys and the logins of developer tools do not apply.
            if self.client_id.is_some() && (method.is_storage_only() || method.is_developer()) {
                return false;
            }
            if method.is_storage_only() { !self.is_login() } else { allowed(*method) }
        };
        Ok(AuthMethod::ALL.into_iter().filter(fits).collect())
    }

    /// The account with a connection string, SAS or account key, which need no token; `None` if its variable is not
    /// set.
    fn storage_only(&self, method: AuthMethod) -> Result<Option<OpenedAccount>, AzureProblem> {
        let secret = |name| self.environment.get(name).map(|value| Secret::new(value.to_owned()));
        let access = |account: &Account, proof| {
            Ok(match proof {
                Proof::Key(key) => Access::Key(Arc::new(SasSigner::new(account, &key)?)),
                Proof::Sas(sas) => Access::Sas(sas),
            })
        };
        let (account, proof) = match method {
            AuthMethod::ConnectionString => {
                let Some(text) = self.environment.get("AZURE_STORAGE_CONNECTION_STRING") else { return Ok(None) };
                let ConnectionString { account, proof } =
                    ConnectionString::parse(text, self.cloud, self.endpoint.as_deref())?;
                (self.account(Some(account))?, proof)
            }
            AuthMethod::Sas => {
                let Some(text) = self.environment.get("AZURE_STORAGE_SAS_TOKEN") else { return Ok(None) };
                let account = self.account(None)?;
                let sas = sas_of(text, &account)?;
                (account, Proof::Sas(sas))
            }
            AuthMethod::AccountKey => {
                let Some(key) = secret("AZURE_STORAGE_KEY") else { return Ok(None) };
                (self.account(None)?, Proof::Key(key))
            }
            _ => return Ok(None),
        };
        let access = access(&account, proof)?;
        Ok(Some(OpenedAccount { credential: Credential { method, identity: None, tenant: None, access }, account }))
    }

    /// The given account, or the account of a connection string. Two different accounts are an error.
    fn account(&self, found: Option<Account>) -> Result<Account, AzureProblem> {
        match (&self.account, found) {
            (None, None) => Err(AzureProblem::NoAccount),
            (Some(given), Some(found)) if *given != found.name => {
                Err(AzureProblem::OtherAccount { asked: given.to_string(), found: found.name.to_string() })
            }
            (_, Some(found)) => Ok(found),
            (Some(given), None) => {
                let endpoint = self.endpoint.as_deref().or(self.environment.get("AZURE_STORAGE_SERVICE_ENDPOINT"));
                Account::new(given.clone(), self.cloud, endpoint)
            }
        }
    }

    /// A source of tokens and its identity; `None` if its variables are not set.
    async fn candidate(&self, method: AuthMethod) -> Result<Option<Candidate>, Miss> {
        let get = |name| self.environment.get(name).map(ToOwned::to_owned);
        let client_id = self.client_id.clone().or_else(|| get("AZURE_CLIENT_ID"));
        let tenant = get("AZURE_TENANT_ID");
        // Entra and the SDK repeat these values in their errors, and a value may be a secret by mistake.
        if !client_id.as_deref().is_none_or(is_id) {
            let of = if self.client_id.is_some() { "--client-id" } else { "AZURE_CLIENT_ID" };
            let because = format!("{of} is not the client ID of an application or managed identity");
            return Err(Miss::Fatal(AzureProblem::Setting(because)));
        }
        if !tenant.as_deref().is_none_or(is_id) {
            let because = "AZURE_TENANT_ID is neither the ID nor the domain name of a tenant".to_owned();
            return Err(Miss::Fatal(AzureProblem::Setting(because)));
        }
        // Without a tenant, no request is sent to the authority host.
        if tenant.is_some() && !is_plain_url(self.authority_host()) {
            let because =
                "AZURE_AUTHORITY_HOST is not the URL of an authority, such as https://login.microsoftonline.com";
            return Err(Miss::Fatal(AzureProblem::Setting(because.to_owned())));
        }
        let principal = client_id.clone().zip(tenant.clone());
        // A secret, certificate or token file without client ID or tenant is an error. Skipping the method would hide
        // the mistake.
        let whole = |name| match (get(name), &principal) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(Miss::Fatal(AzureProblem::Variables(method))),
            (Some(value), Some((client_id, tenant))) => Ok(Some((client_id.clone(), tenant.clone(), value))),
        };
        let sdk = |error: azure_core::Error| Miss::Fatal(AzureProblem::Setting(SignInFailure::of(&error).because));
        let tokens: Tokens = match method {
            AuthMethod::ClientSecret => {
                let Some((client_id, tenant, secret)) = whole("AZURE_CLIENT_SECRET")? else { return Ok(None) };
                let options = ClientSecretCredentialOptions { client_options: self.client_options() };
                ClientSecretCredential::new(&tenant, client_id, Secret::new(secret), Some(options)).map_err(sdk)?
            }
            AuthMethod::ClientCertificate => {
                let Some((client_id, tenant, path)) = whole("AZURE_CLIENT_CERTIFICATE_PATH")? else { return Ok(None) };
                let audience = format!("{}/{tenant}/oauth2/v2.0/token", self.authority_host());
                let path = Path::new(&path);
                let assertion = CertificateAssertion::read(path, audience, client_id.clone()).map_err(Miss::Fatal)?;
                self.assertion_credential(tenant, client_id, assertion).map_err(sdk)?
            }
            AuthMethod::WorkloadIdentity => {
                let Some((client_id, tenant, path)) = whole("AZURE_FEDERATED_TOKEN_FILE")? else {
                    return self.not_set(method, principal.is_some(), "AZURE_FEDERATED_TOKEN_FILE is not set");
                };
                if let Err(error) = std::fs::File::open(&path) {
                    let because = format!("cannot read the file in AZURE_FEDERATED_TOKEN_FILE: {error}");
                    return Err(Miss::Fatal(AzureProblem::Setting(because)));
                }
                self.assertion_credential(tenant, client_id, TokenFile(path.into())).map_err(sdk)?
            }
            AuthMethod::GitHubActions => {
                let request = get("ACTIONS_ID_TOKEN_REQUEST_URL").zip(get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
                let Some(((client_id, tenant), (url, token))) = principal.clone().zip(request) else {
                    let is_job = principal.is_some() && get("GITHUB_ACTIONS").is_some();
                    let because =
                        "ACTIONS_ID_TOKEN_REQUEST_URL is not set (the job needs permissions: id-token: write)";
                    return self.not_set(method, is_job, because);
                };
                let url = Url::parse(&url).map_err(|_| {
                    Miss::Fatal(AzureProblem::Setting("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL".to_owned()))
                })?;
                let audience = self.audience.as_deref().unwrap_or(self.cloud.token_exchange_audience()).to_owned();
                let assertion =
                    GitHubAssertion { url, token: Secret::new(token), audience, transport: self.transport() };
                self.assertion_credential(tenant, client_id, assertion).map_err(sdk)?
            }
            AuthMethod::ManagedIdentity => {
                for name in ["IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"] {
                    if get(name).is_some_and(|url| !is_plain_url(&url)) {
                        let because = format!("{name} is not the URL of an identity endpoint");
                        return Err(Miss::Fatal(AzureProblem::Setting(because)));
                    }
                }
                let source = IdentitySource::find(&self.environment);
                let (options, transport) = (self.client_options(), self.transport());
                source.credential(client_id.clone(), options, transport).await.map_err(Miss::Unavailable)?
            }
            AuthMethod::AzureCli => {
                // `az` accepts a subscription or a tenant, not both. The subscription was given for this command, and
                // has one tenant.
                let subscription = self.subscription.clone();
                let tenant_id = tenant.clone().filter(|_| subscription.is_none());
                let options =
                    AzureCliCredentialOptions { subscription, tenant_id, ..AzureCliCredentialOptions::default() };
                AzureCliCredential::new(Some(options)).map_err(sdk)?
            }
            AuthMethod::AzureDeveloperCli => {
                let tenant_id = tenant.clone();
                let options =
                    AzureDeveloperCliCredentialOptions { tenant_id, ..AzureDeveloperCliCredentialOptions::default() };
                AzureDeveloperCliCredential::new(Some(options)).map_err(sdk)?
            }
            AuthMethod::ConnectionString | AuthMethod::Sas | AuthMethod::AccountKey => return Ok(None),
        };
        // The user of a developer tool has no client ID. The tenant of a managed identity is that of its machine.
        let is_elsewhere =
            method == AuthMethod::ManagedIdentity || (method == AuthMethod::AzureCli && self.subscription.is_some());
        let tenant = tenant.filter(|_| !is_elsewhere);
        Ok(Some(Candidate { tokens, identity: client_id.filter(|_| !method.is_developer()), tenant }))
    }

    /// The result for a method whose variables are not set. The method is reported if other variables indicate its use.
    fn not_set<T>(&self, method: AuthMethod, is_indicated: bool, because: &str) -> Result<Option<T>, Miss> {
        if is_indicated && self.method != Some(method) { Err(Miss::Unavailable(because.to_owned())) } else { Ok(None) }
    }

    fn assertion_credential<A: ClientAssertion + 'static>(
        &self,
        tenant: String,
        client_id: String,
        assertion: A,
    ) -> azure_core::Result<Tokens> {
        let options = ClientAssertionCredentialOptions { client_options: self.client_options() };
        Ok(ClientAssertionCredential::new(tenant, client_id, assertion, Some(options))?)
    }

    fn client_options(&self) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        self.authority_host().clone_into(&mut cloud.authority_host);
        ClientOptions {
            transport: Some(self.transport().for_sdk()),
            // `Retry` retries instead of the SDK: with a deadline, and with an event for each retry.
            retry: RetryOptions::none(),
            cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
            ..ClientOptions::default()
        }
    }

    /// The authority host of Entra without a trailing slash. Workload identity sets the variable with a trailing slash.
    fn authority_host(&self) -> &str {
        // A given cloud takes precedence over the variable, unless the cloud is the default.
        let host = self.environment.get("AZURE_AUTHORITY_HOST").filter(|_| self.cloud == Cloud::Public);
        host.unwrap_or(self.cloud.authority_host()).trim_end_matches('/')
    }

    fn transport(&self) -> Arc<Transport> {
        let url = |name| self.environment.get(name).and_then(|url| Url::parse(url).ok());
        let transport = Transport::new(Arc::clone(&self.clients), url("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
        // The identity endpoint of App Service and Container Apps is at a private address of the container's host.
        let is_app = IdentitySource::find(&self.environment) == IdentitySource::App;
        Arc::new(transport.within(self.retry.timeout).trusting(url("IDENTITY_ENDPOINT").filter(|_| is_app)))
    }
}

/// A source of tokens with its identity.
struct Candidate {
    tokens: Tokens,
    /// The client ID, if there is one.
    identity: Option<String>,
    tenant: Option<String>,
}

/// Reason why a method has no candidate.
enum Miss {
    /// The configuration of the method is invalid.
    Fatal(AzureProblem),
    /// The method is not available on this machine.
    Unavailable(String),
}

/// The SAS in a text, which may be a URL of the account that contains the SAS.
fn sas_of(text: &str, account: &Account) -> Result<Secret, AzureProblem> {
    let refuse = |because: String| AzureProblem::Setting(format!("AZURE_STORAGE_SAS_TOKEN {because}"));
    let (url, sas) = text.split_once('?').unwrap_or(("", text));
    if !url.is_empty() {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        let url = url.ok_or_else(|| refuse("is neither a SAS nor a URL with a SAS".to_owned()))?;
        if account.is_other_than(&url) {
            return Err(refuse(format!("is a URL of another account; expected account {}", account.name)));
        }
    }
    Ok(Secret::new(sas.to_owned()))
}

/// Whether a text is an http or https URL without credentials, query and fragment.
fn is_plain_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_http
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// Whether a text may be an ID: a GUID or a domain name. Its labels must be shorter than a key.
fn is_id(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=42).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether a method is tried although no variable configures it.
fn is_guess(method: AuthMethod) -> bool {
    method == AuthMethod::ManagedIdentity || method.is_developer()
}
