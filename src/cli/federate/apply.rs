//! `--apply`: creates the credential in Azure, or replaces its values.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use issuer::{
    Assertion, CREDENTIALS_MAX, Cloud, CredentialPlan, FederatedCredential, Federation, Token, WorkloadIdentity,
    federate::{CredentialChange, FederateError, Principal},
};
use serde::Serialize;

use super::stored::Values;
use crate::cli::{
    Exit, Failure, Output,
    azure_args::{AzureArgs, Requests},
    clean::printable,
    identity_args::exchange_failure,
    output::{GOOD, STRONG, WARN},
    runtime,
    token_input::TokenInput,
    values,
};

const APPLY: &str = "Apply";

/// The flags of a change in Azure.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Create the credential in Azure
    ///
    /// Without it, nothing is changed in Azure.
    #[arg(long, conflicts_with = "format", help_heading = APPLY)]
    pub(super) apply: bool,
    /// Replace the values of a credential of the same name, or issuer and subject
    #[arg(long, requires = "apply", help_heading = APPLY)]
    replace: bool,
    /// Print the plan and write nothing
    #[arg(long, requires = "apply", conflicts_with = "wait", help_heading = APPLY)]
    dry_run: bool,
    /// Wait up to this time until Entra accepts the token of --token
    #[arg(long, value_name = "TIME", requires_all = ["apply", "token"], help_heading = APPLY)]
    wait: Option<String>,
    /// Use this projected token of the service account for --wait
    #[arg(long, value_name = "FILE", requires = "wait", help_heading = APPLY)]
    token: Option<PathBuf>,
}

/// The credential in Azure, and what was changed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Applied {
    /// The identity: its kind, and its name or client ID.
    identity: String,
    change: Change,
    /// Whether this run changed Azure; false with --dry-run.
    written: bool,
    /// The credential.
    credential: Values,
    /// The values before the change; null unless a credential has other values.
    previous: Option<Values>,
    /// The number of credentials of the identity after the run.
    used: usize,
    /// The maximum number of credentials of an identity.
    limit: usize,
    /// Other credentials that differ only by a slash, by case or in a similar way, each a sentence.
    near_duplicates: Vec<String>,
    /// The seconds until Entra accepted the token; null without --wait.
    accepted_after_seconds: Option<f64>,
}

/// What a run changes, or would change without --dry-run.
///
/// - `unchanged`: an equal credential exists.
/// - `created`: the credential is new.
/// - `replaced`: the values of a credential were replaced.
/// - `different`: a credential has other values, and was not changed.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Change {
    Unchanged,
    Created,
    Replaced,
    Different,
}

impl ApplyArgs {
    pub(super) fn run(
        self,
        azure: &AzureArgs,
        requests: &Requests,
        federation: &Federation,
        output: &mut Output,
    ) -> Result<Exit, Failure> {
        let wanted = &federation.credential;
        let wait = self.wait.as_deref().map(|text| values::seconds("--wait", text)).transpose()?;
        if let Some(path) = &self.token {
            check_token(&TokenInput::read(Some(path.clone()), None)?, wanted)?;
        }
        let steps = output.steps();
        let applied = runtime::block_on(steps.without_warnings(async {
            let identity = azure.identity_with(requests, federation.description.as_deref()).await?;
            let identity =
                identity.ok_or_else(|| Failure::usage("no identity is given", "pass --identity or --app"))?;
            let existing = identity.credentials.list().await?;
            let plan = CredentialPlan::new(&existing, wanted);
            let (change, current) = match &plan {
                CredentialPlan::Unchanged(found) => (Change::Unchanged, Some(found.clone())),
                CredentialPlan::Replace(found) if self.replace => (Change::Replaced, Some(found.clone())),
                CredentialPlan::Replace(found) => (Change::Different, Some(found.clone())),
                _ => (Change::Created, None),
            };
            // A credential that exists keeps its name.
            let name = current.as_ref().map_or(&wanted.name, |current| &current.name);
            let credential = FederatedCredential { name: name.clone(), ..wanted.clone() };
            // A credential that is replaced is no duplicate afterwards.
            let mut kept = existing.clone();
            kept.retain(|found| change != Change::Replaced || current.as_ref() != Some(found));
            let mut applied = Applied {
                identity: identity.credentials.name(),
                change,
                written: false,
                credential: Values::from(&credential),
                previous: current.as_ref().filter(|_| change != Change::Unchanged).map(Values::from),
                used: existing.len(),
                limit: CREDENTIALS_MAX,
                near_duplicates: near_duplicates(&kept, wanted),
                accepted_after_seconds: None,
            };
            if plan == CredentialPlan::Full {
                return Err(FederateError::Full(applied.identity).into());
            }
            if self.dry_run || change == Change::Different {
                return Ok((applied, None, false));
            }
            let replaced = current.filter(|_| change == Change::Replaced);
            // If another program wins the race, the next run shows its values.
            let done = identity.credentials.apply_listed(existing, wanted, replaced.as_ref()).await?;
            applied.change = match done.change {
                CredentialChange::Unchanged => Change::Unchanged,
                CredentialChange::Created => Change::Created,
                CredentialChange::Replaced => Change::Replaced,
            };
            applied.written = done.change != CredentialChange::Unchanged;
            (applied.credential.name, applied.used) = (done.name, done.used);
            let principal = if wait.is_some() { Some(identity.principal().await?) } else { None };
            Ok::<_, Failure>((applied, principal, done.is_overwritten))
        }))??;
        let (mut applied, principal, is_overwritten) = applied;
        for near in &applied.near_duplicates {
            output.warning(near);
        }
        if is_overwritten {
            output.warning(
                "another program created a credential of this name at the same time, and its values were replaced",
            );
        }
        if let (Some(wait), Some(token), Some(principal)) = (wait, &self.token, &principal) {
            let propagation = Propagation { principal, token, wait, cloud: azure.cloud() };
            applied.accepted_after_seconds = Some(propagation.wait(requests, output)?);
        }
        if output.is_json() {
            output.json(&applied);
        } else {
            output.text(&applied.to_text());
        }
        if applied.change == Change::Different {
            let hint = "pass --replace to replace its values, or --name for another name".to_owned();
            let message = "a credential of the identity has other values; nothing was changed";
            return Ok(output.failure(&Failure::new(Exit::No, message, Some(hint))));
        }
        Ok(Exit::Yes)
    }
}

/// Sentences about credentials that differ from the wanted one only in their spelling.
pub(super) fn near_duplicates(existing: &[FederatedCredential], wanted: &FederatedCredential) -> Vec<String> {
    let sentence = |found: &FederatedCredential| {
        let near = wanted.near_duplicate(found)?;
        let name = printable(found.name.as_deref().unwrap_or_default());
        Some(format!("the credential {name} is nearly the same, but Entra compares byte for byte: {near}"))
    };
    existing.iter().filter_map(sentence).collect()
}

/// Checks that the credential is for the token.
fn check_token(input: &TokenInput, wanted: &FederatedCredential) -> Result<(), Failure> {
    let mut buffer = Vec::new();
    let token = Token::parse(&input.text, &mut buffer)
        .map_err(|source| issuer::Error::Token { input: input.name.clone(), source })?;
    let assertion = Assertion::from(&token.claims);
    match assertion.find(std::slice::from_ref(wanted)) {
        Ok(_) => Ok(()),
        Err(mismatch) => {
            let message = format!("the credential is not for the token of --token: {mismatch}");
            Err(Failure::new(Exit::No, message, Some("pass a token of this service account and issuer".to_owned())))
        }
    }
}

/// The wait until Entra accepts a token.
struct Propagation<'a> {
    principal: &'a Principal,
    token: &'a Path,
    wait: Duration,
    cloud: Cloud,
}

impl Propagation<'_> {
    /// Exchanges the token until Entra accepts it. Returns the seconds that it took.
    fn wait(&self, requests: &Requests, output: &mut Output) -> Result<f64, Failure> {
        let Self { principal, token, wait, cloud } = self;
        let tenant = principal.tenant.clone().or_else(|| std::env::var("AZURE_TENANT_ID").ok());
        let Some(tenant) = tenant else {
            return Err(Failure::usage("the tenant of the identity is not known", "set AZURE_TENANT_ID"));
        };
        let mut builder = WorkloadIdentity::builder()
            .fetcher(requests.fetcher.clone())
            .tenant(tenant.parse()?)
            .client_id(principal.client_id.parse()?)
            .token_file(*token)
            .timeout(requests.timeout)
            .wait_for_propagation(*wait);
        if *cloud != Cloud::Public {
            builder = builder.authority_host((*cloud).into());
        }
        let identity = builder.build()?;
        let start = Instant::now();
        let scope = issuer::Resource::Arm.scope(*cloud);
        let exchanged = runtime::block_on(output.steps().without_warnings(identity.refresh(&scope)))?;
        exchanged.map_err(exchange_failure)?;
        Ok(start.elapsed().as_secs_f64())
    }
}

impl Applied {
    fn to_text(&self) -> String {
        let Self { identity, used, limit, .. } = self;
        let (sign, style, verdict) = match self.change {
            Change::Unchanged => ("=", STRONG, "unchanged"),
            Change::Different => ("~", WARN, "not changed"),
            Change::Created if self.written => ("+", GOOD, "created"),
            Change::Replaced if self.written => ("~", WARN, "replaced"),
            Change::Created => ("+", GOOD, "planned: nothing was written"),
            Change::Replaced => ("~", WARN, "planned: nothing was written"),
        };
        let mut lines = vec![
            format!("{STRONG}identity{STRONG:#}  {}, {used} of {limit} credentials", printable(identity)),
            String::new(),
            format!("  {style}{sign}{style:#} {}", printable(&self.credential.name)),
        ];
        lines.extend(self.credential.lines(self.previous.as_ref()));
        lines.extend([String::new(), format!("{style}{verdict}{style:#}")]);
        if let Some(seconds) = self.accepted_after_seconds {
            lines.push(format!("Entra accepted the token after {seconds:.0} s"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}
