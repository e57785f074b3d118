//! The federated identity credential of a service account: printed, created in Azure, listed and deleted.

mod answer;
mod apply;
mod delete;
mod format;
mod list;
mod stored;

use std::path::PathBuf;

#[cfg(test)]
pub(super) use answer::Answer;
use answer::Printed;
use apply::ApplyArgs;
use clap::{Args, Subcommand};
#[cfg(test)]
pub(super) use delete::Deleted;
use format::{FederateFormat, Values};
use issuer::{
    Cloud, CredentialParent, Federation, HttpFetcher, IssuerUrl, ServiceAccount, TOKEN_EXCHANGE_AUDIENCE,
    federate::Principal,
};
#[cfg(test)]
pub(super) use list::Listed;

use super::{
    Exit, Failure, Output,
    api_server::ApiServer,
    azure_args::{AksArgs, AzureArgs, Named, Requests, client_id},
    cluster_args::ClusterArgs,
    runtime, values,
};

const CREDENTIAL: &str = "Credential";

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Print or create the federated credential of a service account";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    args_conflicts_with_subcommands = true,
    long_about = "Print a federated identity credential, which lets a Kubernetes service account act as a managed identity or an \
app registration.

With --apply the credential is created in Azure. Without it nothing is changed, and Azure is asked only for an ID that the \
format needs. The command refuses an issuer that Entra cannot reach, values that Entra rejects, and names that \
Kubernetes rejects. The name of the credential is NAMESPACE-NAME- and a hash of issuer and subject, so two clusters with the \
same service account have different credentials.",
    after_help = "Examples:
  issuer federate --identity orders --resource-group shop \\
    --service-account shop/orders --issuer https://issuer.example.com
  issuer federate --app 11111111-aaaa-4bbb-8ccc-000000000001 \\
    --service-account shop/orders --issuer https://issuer.example.com \\
    --format terraform
  issuer federate --identity orders --service-account shop/orders \\
    --issuer https://issuer.example.com --apply --wait 10m --token token.jwt
  issuer federate --identity orders --resource-group shop \\
    --service-account shop/orders --aks prod --apply
  issuer federate --identity orders --service-account shop/orders \\
    --from-cluster --context prod-1 --apply"
)]
pub(crate) struct Federate {
    #[command(subcommand)]
    command: Option<FederateCommand>,
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    aks: AksArgs,
    /// Set the service account, as NAMESPACE/NAME
    #[arg(long, value_name = "NS/NAME", help_heading = CREDENTIAL)]
    service_account: Option<String>,
    /// Set the issuer URL, byte for byte as in the tokens
    ///
    /// A slash at the end belongs to the issuer: those of AKS have one.
    #[arg(long, value_name = "URL", help_heading = CREDENTIAL)]
    issuer: Option<String>,
    /// Set the audience of the tokens [default: that of --cloud]
    ///
    /// api://AzureADTokenExchange in the public cloud.
    #[arg(long, value_name = "AUDIENCE", help_heading = CREDENTIAL)]
    audience: Option<String>,
    /// Set the name of the credential, which cannot be changed later
    ///
    /// The default consists of the service account and a hash of issuer and subject.
    #[arg(long, value_name = "NAME", help_heading = CREDENTIAL)]
    name: Option<String>,
    /// Set the description of the credential of an app registration
    #[arg(long, value_name = "TEXT", help_heading = CREDENTIAL)]
    description: Option<String>,
    /// Select the format
    #[arg(long, value_name = "FORMAT", default_value = "az")]
    format: FederateFormat,
    /// Set the client ID of the managed identity, for --format kubernetes
    #[arg(long, value_name = "ID", conflicts_with = "app")]
    client_id: Option<String>,
    /// Set the object ID of the identity, for --format sql
    ///
    /// The principal ID of a managed identity, or the object ID of the service principal of an app registration.
    #[arg(long, value_name = "ID")]
    object_id: Option<String>,
    /// Set the role, for --format sql [default: name of the managed identity]
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Set the database that the role may use, for --format sql
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    apply: ApplyArgs,
    /// Trust the PEM certificates of this file too (repeatable)
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
    /// Set the total time limit for requests to Azure, including retries
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    timeout: String,
}

/// The commands below `federate`.
#[derive(Debug, Subcommand)]
enum FederateCommand {
    #[command(about = list::ABOUT)]
    List(Box<list::List>),
    #[command(about = delete::ABOUT)]
    Delete(Box<delete::Delete>),
}

/// The issuer of an API server, which must be the one that is given.
fn issuer_of(ApiServer { server, issuer, .. }: ApiServer, given: Option<&str>) -> Result<String, Failure> {
    match given {
        Some(given) if given != issuer => {
            let message = format!("the API server {server} has the issuer {issuer}, not {given}");
            let hint = "leave out --issuer, or pass this issuer byte for byte".to_owned();
            Err(Failure::new(Exit::No, message, Some(hint)))
        }
        _ => Ok(issuer),
    }
}

impl Federate {
    pub(super) fn run(mut self, output: &mut Output) -> Result<Exit, Failure> {
        match self.command.take() {
            Some(FederateCommand::List(list)) => return list.run(output),
            Some(FederateCommand::Delete(delete)) => return delete.run(output),
            None => {}
        }
        let requests = Requests {
            fetcher: HttpFetcher::new(&self.ca_file)?,
            timeout: values::seconds("--timeout", &self.timeout)?,
        };
        // Usage errors come before the first request.
        let parent = self.parent()?;
        let account = self.account()?;
        if self.cluster.from_cluster && self.aks.is_given() {
            let hint = "leave out --aks or --from-cluster";
            return Err(Failure::usage("--aks and --from-cluster both name a cluster", hint));
        }
        if self.issuer.is_none()
            && let Some(issuer) = self.aks.read_issuer(&self.azure, &requests, output)?
        {
            self.issuer = Some(issuer.to_string());
        }
        if let Some(api_server) = self.cluster.read(false, output)? {
            self.issuer = Some(issuer_of(api_server, self.issuer.as_deref())?);
        }
        let federation = self.federation(parent, account)?;
        if self.apply.apply {
            let of_formats = [
                ("--client-id", self.client_id.is_some()),
                ("--object-id", self.object_id.is_some()),
                ("--role", self.role.is_some()),
                ("--database", self.database.is_some()),
            ];
            if let Some((flag, _)) = of_formats.into_iter().find(|(_, is_given)| *is_given) {
                let message = format!("{flag} is not used with --apply");
                return Err(Failure::usage(
                    message,
                    format!("leave out {flag}, or leave out --apply and pass --format"),
                ));
            }
            self.warn(&federation, output);
            return self.apply.run(&self.azure, &requests, &federation, output);
        }
        let values = self.values(&federation, &requests, output)?;
        let text = self.format.render(&federation, &values)?;
        self.warn(&federation, output);
        if output.is_json() {
            output.json_whole(&Printed::new(&federation, self.format.name(), text));
        } else {
            output.write(text.as_bytes());
        }
        if let Some(note) = self.format.note(&federation) {
            output.note(note);
        }
        Ok(Exit::Yes)
    }

    /// The credential, which breaks no rule of Kubernetes, Azure and Entra.
    fn federation(&self, parent: CredentialParent, account: ServiceAccount) -> Result<Federation, Failure> {
        let Some(issuer) = &self.issuer else {
            return Err(Failure::usage(
                "no issuer is given",
                "pass --issuer URL, the claim iss of the tokens, or --from-cluster",
            ));
        };
        let issuer: IssuerUrl = values::parse(issuer)?;
        let audience = self.audience.as_deref().unwrap_or(self.azure.cloud().token_exchange_audience());
        let mut federation = Federation::new(parent, account, &issuer).audience(audience);
        if let Some(name) = &self.name {
            federation = federation.name(name);
        }
        if let Some(description) = &self.description {
            federation = federation.description(description);
        }
        match federation.problems().into_iter().next() {
            Some(problem) => Err(problem.into()),
            None => Ok(federation),
        }
    }

    fn account(&self) -> Result<ServiceAccount, Failure> {
        let Some(account) = &self.service_account else {
            return Err(Failure::usage("no service account is given", "pass --service-account NAMESPACE/NAME"));
        };
        values::service_account("--service-account", account)
    }

    fn parent(&self) -> Result<CredentialParent, Failure> {
        match self.azure.parent()? {
            None => {
                let hint = "pass --identity NAME and --resource-group NAME, or --app CLIENT_ID";
                Err(Failure::usage("no identity is given", hint))
            }
            Some(Named::Application(client)) => Ok(CredentialParent::Application(client)),
            Some(Named::Identity(mut identity)) => {
                if identity.resource_group.is_empty() && !self.apply.apply {
                    let hint = "pass --resource-group NAME, or the resource ID of the identity";
                    return Err(Failure::usage("no resource group is given", hint));
                }
                if identity.resource_group.is_empty() {
                    // The identity is found by its name. The group is in no value that is sent.
                    "unknown".clone_into(&mut identity.resource_group);
                }
                Ok(CredentialParent::Identity(identity))
            }
        }
    }

    /// The values that only some formats need. Flags of another format are usage errors.
    fn values(&self, federation: &Federation, requests: &Requests, output: &mut Output) -> Result<Values, Failure> {
        let of_others = [
            ("--client-id", self.client_id.is_some(), FederateFormat::Kubernetes),
            ("--object-id", self.object_id.is_some(), FederateFormat::Sql),
            ("--role", self.role.is_some(), FederateFormat::Sql),
            ("--database", self.database.is_some(), FederateFormat::Sql),
        ];
        if let Some((flag, _, owner)) = of_others.into_iter().find(|(_, given, owner)| *given && *owner != self.format)
        {
            let message = format!("{flag} is not used by --format {}", self.format.name());
            return Err(Failure::usage(message, format!("leave out {flag}, or pass --format {}", owner.name())));
        }
        let mut values = Values {
            client_id: match (&federation.parent, &self.client_id) {
                (CredentialParent::Application(client), _) => Some(client.clone()),
                (_, given) => given.as_deref().map(|given| client_id("--client-id", given)).transpose()?,
            },
            object_id: self.object_id.clone(),
            role: self.role.clone(),
            database: self.database.clone(),
        };
        let is_missing = match self.format {
            FederateFormat::Kubernetes => values.client_id.is_none(),
            FederateFormat::Sql => values.object_id.is_none(),
            _ => false,
        };
        if is_missing {
            let Principal { client_id: client, object_id, .. } = self.principal(federation, requests, output)?;
            values.client_id = Some(client.parse()?);
            values.object_id = values.object_id.or(object_id);
        }
        Ok(values)
    }

    /// The IDs of the identity, read from Azure.
    fn principal(
        &self,
        federation: &Federation,
        requests: &Requests,
        output: &mut Output,
    ) -> Result<Principal, Failure> {
        let read = runtime::block_on(output.steps().without_warnings(async {
            let identity = self.azure.identity(requests).await?;
            let identity =
                identity.ok_or_else(|| Failure::usage("no identity is given", "pass --identity or --app"))?;
            identity.principal().await
        }))?;
        read.map_err(|failure| self.format.without_id(federation, failure))
    }

    fn warn(&self, federation: &Federation, output: &mut Output) {
        let audience = federation.credential.audiences.first().map_or("", String::as_str);
        if audience != TOKEN_EXCHANGE_AUDIENCE {
            output.warning(format!(
                "tokens must have the audience {audience}; the webhook requests {TOKEN_EXCHANGE_AUDIENCE} unless its flag --audience is set"
            ));
        }
        let cloud = self.azure.cloud();
        let is_application = matches!(federation.parent, CredentialParent::Application(_));
        if self.format == FederateFormat::Bicep && is_application && cloud != Cloud::Public {
            output.warning(
                "the Bicep extension for Microsoft Graph supports only the public cloud; use --format az or terraform",
            );
        }
    }
}
