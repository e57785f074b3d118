use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum, builder::PossibleValue};
use issuer::{
    AuthMethod, Cloud, Environment, HttpFetcher, ResourceScope,
    site::{Azure, AzureOptions, Directory, Site},
};

use super::{
    Failure, Output,
    site::{AzureRequest, OpenSite},
    values,
};

const AZURE: &str = "Azure Storage";

/// The flags that name the site.
#[derive(Debug, Args)]
pub(super) struct SiteArgs {
    /// Use this directory as the site
    ///
    /// The first publish creates the directory.
    #[arg(long, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Use this storage account as the site [env: AZURE_STORAGE_ACCOUNT]
    #[arg(long, value_name = "NAME", conflicts_with = "directory", help_heading = AZURE)]
    account: Option<String>,
    /// Use this container of the account
    ///
    /// $web is the container that the static website serves.
    #[arg(long, value_name = "NAME", default_value = Azure::WEB, conflicts_with = "directory", help_heading = AZURE)]
    container: String,
    /// Set the blob endpoint [env: AZURE_STORAGE_SERVICE_ENDPOINT]
    ///
    /// The flag is needed for a private cloud or the emulator.
    #[arg(long, value_name = "URL", conflicts_with = "directory", help_heading = AZURE)]
    endpoint: Option<String>,
    /// Select the cloud of the account
    #[arg(long, value_name = "CLOUD", default_value = "public", conflicts_with = "directory", help_heading = AZURE)]
    cloud: CloudArg,
    /// Select the credential, instead of the first that is found
    #[arg(long, value_name = "METHOD", conflicts_with = "directory", help_heading = AZURE)]
    auth: Option<AuthArg>,
    /// Use the managed identity or app with this client ID [env: AZURE_CLIENT_ID]
    #[arg(long, value_name = "ID", conflicts_with = "directory", help_heading = AZURE)]
    client_id: Option<String>,
    /// Set the audience of the OIDC token of a GitHub Actions job
    ///
    /// The default depends on --cloud: api://AzureADTokenExchange in the public cloud.
    #[arg(long, value_name = "AUDIENCE", conflicts_with = "directory", help_heading = AZURE)]
    audience: Option<String>,
    /// Set the subscription in which the account is searched
    ///
    /// The account is searched only to find its web endpoint.
    #[arg(long, value_name = "ID", conflicts_with = "directory", help_heading = AZURE)]
    subscription: Option<String>,
    /// Set the resource group of the account
    #[arg(long, value_name = "NAME", conflicts_with = "directory", help_heading = AZURE)]
    pub(super) resource_group: Option<String>,
    /// Set the Azure Resource Manager endpoint of a private cloud
    #[arg(long, value_name = "URL", conflicts_with = "directory", help_heading = AZURE)]
    resource_manager: Option<String>,
    /// Set the total time limit for storage requests, including retries
    #[arg(long, value_name = "DURATION", default_value = "60s", conflicts_with = "directory", help_heading = AZURE)]
    timeout: String,
    /// Trust the PEM certificates of this file too (repeatable)
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
}

/// A site whose flags are valid, not opened yet.
pub(super) struct SiteRequest {
    kind: SiteKind,
    pub(super) scope: ResourceScope,
    pub(super) fetcher: HttpFetcher,
    /// The total time limit for storage requests; `None` for a directory.
    pub(super) timeout: Option<Duration>,
}

enum SiteKind {
    Directory(PathBuf),
    Azure(Box<AzureRequest>),
}

impl SiteArgs {
    /// Whether flags name an account or directory.
    pub(super) fn is_explicit(&self) -> bool {
        let azure = [&self.account, &self.endpoint, &self.client_id, &self.subscription, &self.resource_group];
        self.directory.is_some()
            || azure.iter().any(|flag| flag.is_some())
            || self.auth.is_some()
            || self.resource_manager.is_some()
            || self.container != Azure::WEB
    }

    /// When the time limit ends.
    pub(super) fn deadline(&self) -> Result<Option<Instant>, Failure> {
        Ok(Instant::now().checked_add(values::seconds("--timeout", &self.timeout)?))
    }

    /// The fetcher of documents, which needs no site.
    pub(super) fn fetcher(&self) -> Result<HttpFetcher, Failure> {
        Ok(HttpFetcher::new(&self.ca_file)?)
    }

    /// Whether flags or variables name an account or directory.
    pub(super) fn is_given(&self) -> bool {
        self.directory.is_some() || self.account().is_some() || variable("AZURE_STORAGE_CONNECTION_STRING").is_some()
    }

    pub(super) fn request(self) -> Result<SiteRequest, Failure> {
        let fetcher = self.fetcher()?;
        if !self.is_given() {
            return Err(Failure::usage("no site was given", "pass --account NAME or --directory DIR"));
        }
        if let Some(directory) = self.directory {
            return Ok(SiteRequest {
                kind: SiteKind::Directory(directory),
                scope: ResourceScope::default(),
                fetcher,
                timeout: None,
            });
        }
        let timeout = values::seconds("--timeout", &self.timeout)?;
        let options = self.options(&fetcher, timeout);
        let scope = ResourceScope { subscription: self.subscription, resource_group: self.resource_group };
        let request = AzureRequest { options, container: self.container, deletes_snapshots: false };
        Ok(SiteRequest { kind: SiteKind::Azure(Box::new(request)), scope, fetcher, timeout: Some(timeout) })
    }

    /// The options of the storage account; `None` for a directory.
    pub(super) fn account_options(&self) -> Result<Option<AzureOptions>, Failure> {
        if self.directory.is_some() {
            return Ok(None);
        }
        Ok(Some(self.options(&self.fetcher()?, values::seconds("--timeout", &self.timeout)?)))
    }

    fn options(&self, fetcher: &HttpFetcher, timeout: Duration) -> AzureOptions {
        AzureOptions {
            endpoint: self.endpoint.clone(),
            cloud: self.cloud.0,
            auth: self.auth.map(|auth| auth.0),
            client_id: self.client_id.clone(),
            subscription: self.subscription.clone(),
            audience: self.audience.clone(),
            environment: Environment::of_process(),
            // The rest is for the last attempt, whose error says more than a timeout.
            timeout: timeout.mul_f64(0.75),
            fetcher: fetcher.clone(),
            resource_manager: self.resource_manager.clone(),
            ..AzureOptions::new(self.account())
        }
    }

    fn account(&self) -> Option<String> {
        self.account.clone().or_else(|| variable("AZURE_STORAGE_ACCOUNT"))
    }
}

impl SiteRequest {
    /// Removes the snapshots of a blob with it. A directory has no snapshots.
    pub(super) fn delete_snapshots(&mut self) {
        if let SiteKind::Azure(request) = &mut self.kind {
            request.deletes_snapshots = true;
        }
    }

    /// Whether the site is an account, whose documents can be read back through the issuer URL.
    pub(super) fn is_azure(&self) -> bool {
        matches!(self.kind, SiteKind::Azure(_))
    }

    /// Opens the site, and prints a note with the chosen credential.
    pub(super) async fn open(self, output: &mut Output) -> Result<OpenSite, Failure> {
        let site = match self.kind {
            SiteKind::Directory(path) => OpenSite::directory(Directory::open(path)?),
            SiteKind::Azure(request) => OpenSite::azure(*request, self.scope).await?,
        };
        if let Some(credential) = site.credential() {
            output.note(format!("credential for {}: {credential}", site.name()));
        }
        Ok(site)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A cloud by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloudArg(pub(super) Cloud);

impl ValueEnum for CloudArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [CloudArg; 3] = [CloudArg(Cloud::ALL[0]), CloudArg(Cloud::ALL[1]), CloudArg(Cloud::ALL[2])];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// A credential by its name.
#[derive(Clone, Copy, Debug)]
struct AuthArg(AuthMethod);

impl ValueEnum for AuthArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [AuthArg; 10] = {
            let mut all = [AuthArg(AuthMethod::ConnectionString); 10];
            let mut index = 0;
            while index < all.len() {
                all[index] = AuthArg(AuthMethod::ALL[index]);
                index += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// A credential with an identity, by its name. Keys of storage accounts have none.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdentityAuthArg(pub(super) AuthMethod);

impl ValueEnum for IdentityAuthArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [IdentityAuthArg; 7] = [
            IdentityAuthArg(AuthMethod::ClientSecret),
            IdentityAuthArg(AuthMethod::ClientCertificate),
            IdentityAuthArg(AuthMethod::WorkloadIdentity),
            IdentityAuthArg(AuthMethod::GitHubActions),
            IdentityAuthArg(AuthMethod::ManagedIdentity),
            IdentityAuthArg(AuthMethod::AzureCli),
            IdentityAuthArg(AuthMethod::AzureDeveloperCli),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}
