//! The flags of the commands that exchange a token: which identity, where, and for how long.

use std::{env, path::PathBuf, str::FromStr};

use clap::Args;
use issuer::{
    AuthorityHost, Cloud, ExchangeError, Hint, HttpFetcher, IdentityError, WorkloadIdentity, WorkloadIdentityBuilder,
};

use super::{Exit, Failure, site_args::CloudArg, values};

const IDENTITY: &str = "Identity";
const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Which identity to exchange the projected token for.
#[derive(Debug, Args)]
pub(super) struct IdentityArgs {
    /// Use this tenant [default: AZURE_TENANT_ID]
    #[arg(long, help_heading = IDENTITY, value_name = "ID")]
    tenant: Option<String>,
    /// Use the identity with this client ID [default: AZURE_CLIENT_ID]
    ///
    /// An application or a managed identity.
    #[arg(long, help_heading = IDENTITY, value_name = "ID")]
    client_id: Option<String>,
    /// Use this authority host [default: AZURE_AUTHORITY_HOST, else that of --cloud]
    #[arg(long, help_heading = IDENTITY, value_name = "URL")]
    authority_host: Option<String>,
    /// Read the projected token from this file [default: AZURE_FEDERATED_TOKEN_FILE]
    ///
    /// The file is read again whenever it has changed.
    #[arg(long, help_heading = IDENTITY, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Select the cloud of scopes and authority host [default: that of the host]
    #[arg(long, help_heading = IDENTITY, value_name = "NAME")]
    cloud: Option<CloudArg>,
    /// Trust the certificate authorities in this PEM file, too (repeatable)
    #[arg(long, help_heading = IDENTITY, value_name = "FILE")]
    pub(super) ca_file: Vec<PathBuf>,
    /// Set the time limit of an exchange, including its retries
    #[arg(long, help_heading = IDENTITY, value_name = "TIME", default_value = "30s")]
    pub(super) timeout: String,
    /// Wait up to this time for a new credential to reach all servers of Entra
    ///
    /// Without it, the answer that no federated identity credential matches is final.
    #[arg(long, help_heading = IDENTITY, value_name = "TIME")]
    wait: Option<String>,
}

impl IdentityArgs {
    /// The cloud that decides scopes: that of the flag, else that of the authority host, else the public cloud.
    pub(super) fn cloud(&self) -> Result<Cloud, Failure> {
        if let Some(CloudArg(cloud)) = self.cloud {
            return Ok(cloud);
        }
        let host = self.authority()?;
        Ok(host.and_then(|host| host.cloud()).unwrap_or_default())
    }

    /// The authority host of the flag or of the variable.
    fn authority(&self) -> Result<Option<AuthorityHost>, Failure> {
        if let Some(text) = &self.authority_host {
            return parsed("--authority-host", text).map(Some);
        }
        let text = env::var(AUTHORITY_HOST).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() || self.cloud.is_some() {
            return Ok(None);
        }
        parsed(AUTHORITY_HOST, text).map(Some)
    }

    /// The file with the projected token, of the flag or of the variable.
    pub(super) fn token_file(&self) -> Option<PathBuf> {
        let of_variable = || env::var(TOKEN_FILE).ok().map(|path| path.trim().to_owned());
        self.token_file.clone().or_else(|| of_variable().filter(|path| !path.is_empty()).map(PathBuf::from))
    }

    /// Whether the flag names the file with the projected token.
    pub(super) fn has_token_file(&self) -> bool {
        self.token_file.is_some()
    }

    /// The identity of the flags and variables. No request is sent yet.
    pub(super) fn build(&self) -> Result<WorkloadIdentity, Failure> {
        Ok(self.builder()?.build()?)
    }

    /// The same, for a command that changes more.
    pub(super) fn builder(&self) -> Result<WorkloadIdentityBuilder, Failure> {
        let mut builder = WorkloadIdentity::builder().fetcher(HttpFetcher::new(&self.ca_file)?);
        if let Some(CloudArg(cloud)) = self.cloud {
            builder = builder.authority_host(cloud.into());
        }
        if let Some(host) = self.authority()? {
            builder = builder.authority_host(host);
        }
        if let Some(text) = &self.tenant {
            builder = builder.tenant(parsed("--tenant", text)?);
        }
        if let Some(text) = &self.client_id {
            builder = builder.client_id(parsed("--client-id", text)?);
        }
        if let Some(path) = &self.token_file {
            builder = builder.token_file(path);
        }
        let limit = values::seconds("--timeout", &self.timeout)?;
        if limit.is_zero() {
            return Err(Failure::usage("--timeout 0 leaves no time for a request", "pass a time such as 30s"));
        }
        builder = builder.timeout(limit);
        if let Some(text) = &self.wait {
            builder = builder.wait_for_propagation(values::seconds("--wait", text)?);
        }
        Ok(builder)
    }
}

/// A value of a flag or variable, which the error names.
fn parsed<T: FromStr<Err = IdentityError>>(name: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: IdentityError| Failure::new(Exit::Usage, format!("{name}: {error}"), error.hint()))
}

/// A failed exchange. The hint names the fix and the IDs for Microsoft support.
pub(super) fn exchange_failure(error: ExchangeError) -> Failure {
    let ids = [("trace ID", error.trace_id()), ("correlation ID", error.correlation_id())];
    let ids: Vec<_> = ids.into_iter().filter_map(|(name, id)| Some(format!("{name} {}", id?))).collect();
    let mut message = error.to_string();
    if !ids.is_empty() {
        message = format!("{message} ({})", ids.join(", "));
    }
    Failure { message, ..Failure::from(error) }
}
