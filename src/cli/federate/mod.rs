//! Prints the federated identity credential of a service account, as a command, a template or a manifest.

mod answer;
mod format;

pub(super) use answer::Answer;
use clap::Args;
use format::{FederateFormat, Values};
use issuer::{
    ClientId, Cloud, CredentialParent, Federation, Hint, IssuerUrl, TOKEN_EXCHANGE_AUDIENCE, UserAssignedIdentity,
};

use super::{Exit, Failure, Output, site_args::CloudArg, values};

const IDENTITY: &str = "Identity";
const CREDENTIAL: &str = "Credential";

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Print a federated identity credential as a command, template or manifest";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Print a federated identity credential, which lets a Kubernetes service account act as a managed identity or an \
app registration.

The command sends no request. It refuses an issuer that Entra cannot reach, values that Entra rejects, and names that \
Kubernetes rejects. The name of the credential is NAMESPACE-NAME- and a hash of issuer and subject, so two clusters with the \
same service account have different credentials.",
    after_help = "Examples:
  issuer federate --identity orders --resource-group shop --service-account shop/orders --issuer https://issuer.example.com
  issuer federate --app 11111111-aaaa-4bbb-8ccc-000000000001 --service-account shop/orders --issuer https://issuer.example.com --format terraform"
)]
pub(crate) struct Federate {
    /// Use this user-assigned managed identity, by name or resource ID
    ///
    /// A name needs --resource-group. A resource ID contains the resource group and the subscription.
    #[arg(long, value_name = "NAME|ID", conflicts_with = "app", help_heading = IDENTITY)]
    identity: Option<String>,
    /// Set the resource group of the managed identity
    #[arg(long, value_name = "NAME", conflicts_with = "app", help_heading = IDENTITY)]
    resource_group: Option<String>,
    /// Set the subscription of the managed identity [default: that of the Azure CLI]
    #[arg(long, value_name = "ID", conflicts_with = "app", help_heading = IDENTITY)]
    subscription: Option<String>,
    /// Use the app registration with this client ID
    #[arg(long, value_name = "CLIENT_ID", help_heading = IDENTITY)]
    app: Option<String>,
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
    /// Select the cloud, which sets the default of --audience
    #[arg(long, value_name = "CLOUD", default_value = "public", help_heading = CREDENTIAL)]
    cloud: CloudArg,
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
}

impl Federate {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let federation = self.federation()?;
        let text = self.format.render(&federation, &self.values(&federation)?)?;
        self.warn(&federation, output);
        if output.is_json() {
            output.json_whole(&Answer::new(&federation, self.format.name(), text));
        } else {
            output.write(text.as_bytes());
        }
        if let Some(note) = self.format.note(&federation) {
            output.note(note);
        }
        Ok(Exit::Yes)
    }

    /// The credential, which breaks no rule of Kubernetes, Azure and Entra.
    fn federation(&self) -> Result<Federation, Failure> {
        let parent = self.parent()?;
        let Some(account) = &self.service_account else {
            return Err(Failure::usage("no service account is given", "pass --service-account NAMESPACE/NAME"));
        };
        let account = values::service_account("--service-account", account)?;
        let Some(issuer) = &self.issuer else {
            return Err(Failure::usage("no issuer is given", "pass --issuer URL, the claim iss of the tokens"));
        };
        let issuer: IssuerUrl = values::parse(issuer)?;
        let CloudArg(cloud) = self.cloud;
        let audience = self.audience.as_deref().unwrap_or(cloud.token_exchange_audience());
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

    fn parent(&self) -> Result<CredentialParent, Failure> {
        if let Some(app) = &self.app {
            return client_id("--app", app).map(CredentialParent::Application);
        }
        let Some(identity) = &self.identity else {
            let hint = "pass --identity NAME and --resource-group NAME, or --app CLIENT_ID";
            return Err(Failure::usage("no identity is given", hint));
        };
        if identity.contains('/') {
            let parts = [("--resource-group", &self.resource_group), ("--subscription", &self.subscription)];
            if let Some((flag, _)) = parts.into_iter().find(|(_, value)| value.is_some()) {
                let message = format!("the resource ID of --identity has a value for {flag}");
                return Err(Failure::usage(message, format!("leave out {flag}")));
            }
            return Ok(CredentialParent::Identity(identity.parse()?));
        }
        let Some(group) = &self.resource_group else {
            let hint = "pass --resource-group NAME, or the resource ID of the identity";
            return Err(Failure::usage("no resource group is given", hint));
        };
        let identity = UserAssignedIdentity::new(group, identity);
        Ok(CredentialParent::Identity(UserAssignedIdentity { subscription: self.subscription.clone(), ..identity }))
    }

    /// The values that only some formats need. Flags of another format are usage errors.
    fn values(&self, federation: &Federation) -> Result<Values<'_>, Failure> {
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
        let client_id = match (&federation.parent, &self.client_id) {
            (CredentialParent::Application(client), _) => Some(client.clone()),
            (_, given) => given.as_deref().map(|given| client_id("--client-id", given)).transpose()?,
        };
        let (object_id, role, database) = (self.object_id.as_deref(), self.role.as_deref(), self.database.as_deref());
        Ok(Values { client_id, object_id, role, database })
    }

    fn warn(&self, federation: &Federation, output: &mut Output) {
        let audience = federation.credential.audiences.first().map_or("", String::as_str);
        if audience != TOKEN_EXCHANGE_AUDIENCE {
            output.warning(format!(
                "tokens must have the audience {audience}; the webhook requests {TOKEN_EXCHANGE_AUDIENCE} unless its flag --audience is set"
            ));
        }
        let CloudArg(cloud) = self.cloud;
        let is_application = matches!(federation.parent, CredentialParent::Application(_));
        if self.format == FederateFormat::Bicep && is_application && cloud != Cloud::Public {
            output.warning(
                "the Bicep extension for Microsoft Graph supports only the public cloud; use --format az or terraform",
            );
        }
    }
}

/// A client ID of a flag, which the error names.
fn client_id(flag: &str, text: &str) -> Result<ClientId, Failure> {
    text.parse().map_err(|error: issuer::IdentityError| {
        let hint = match flag {
            "--app" => Some(
                "pass the client ID: az ad app list --display-name NAME --query '[].appId' --output tsv".to_owned(),
            ),
            _ => error.hint(),
        };
        Failure::new(Exit::Usage, format!("{flag}: {error}"), hint)
    })
}
