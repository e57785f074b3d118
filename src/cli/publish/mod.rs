mod answer;
mod create;
mod interrupted;
mod owner_args;
mod run;
mod text;

use std::time::{Duration, Instant};

use clap::{Args, builder::NonEmptyStringValueParser};
use issuer::{
    Change, DesiredState, Error, HttpFetcher, IssuerUrl, Location, Plan, PlanWarning, PlannedKey, Publication,
    PublishError, RelyingParty, SystemClock, UrlError,
    site::{Hosting, Site},
};

pub(super) use self::answer::Answer;
use self::{
    create::{CreateArgs, create},
    interrupted::interrupted,
    owner_args::{OwnerArgs, note_of_none},
    run::{ReadBack, Run, Stage},
};
use super::{
    Exit, Failure, Output,
    answers::Warning,
    api_server::ApiServer,
    inputs::{KeyInputs, KeysRead},
    runtime::{self, Signals},
    site::{OpenSite, Root},
    site_args::SiteArgs,
    values::{self, For},
};

/// The default of --wait. The web endpoint of a storage account serves a new document after some seconds.
const WAIT_AZURE: Duration = Duration::from_mins(1);
const WAIT: Duration = Duration::from_secs(10);

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Publish the discovery document and the JWKS, and keep all published keys";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    mut_arg("keys", |keys| keys.required(false).required_unless_present("leave")),
    long_about = "Publish the discovery document and the JWKS of a cluster to a site.

The command reads the site, prints a plan, writes the documents that change, and reads them back. Published keys are kept: \
a key that is missing from the input is retired, and stays until --prune or --remove. Each write is conditional, so \
concurrent publishers never overwrite each other.",
    after_help = "Examples:
  issuer publish sa.pub --account acct
  issuer publish sa.pub --account acct --issuer https://issuers.example.com/a
  issuer publish sa.pub --issuer https://issuer.example.com --directory site/
  issuer publish --from-cluster --account acct
  issuer publish --secret org-acme/prod-1-sa --context mc --account acct \\
    --issuer https://issuers.example.com/prod-1
  issuer publish sa.pub --account acct --create --resource-group clusters \\
    --location westeurope
  issuer publish sa.pub --account acct --owner prod-1
  issuer publish --account acct --owner prod-1 --leave

Credentials for --account, the first that is found:
  AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_KEY
  AZURE_CLIENT_ID and AZURE_TENANT_ID, with AZURE_CLIENT_SECRET,
    AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE or the OIDC token
    of a GitHub Actions job
  a managed identity
  the Azure CLI (az), the Azure Developer CLI (azd)"
)]
pub(crate) struct Publish {
    #[command(flatten)]
    keys: KeyInputs,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    create: CreateArgs,
    #[command(flatten)]
    owner: OwnerArgs,
    /// Set the issuer URL, byte for byte as in --service-account-issuer
    ///
    /// The path of the URL is the path of the documents on the site. The default is the issuer of the API server with
    /// --from-cluster, else the one that is published at the root of the site, else the web endpoint of the account.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Print the plan and write nothing
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    /// Print the plan, write nothing, and exit with 1 if anything would change
    #[arg(long)]
    check: bool,
    /// Remove keys that have been retired for --retain or longer
    #[arg(long)]
    prune: bool,
    /// Set how long retired keys are kept
    ///
    /// A key is retired when it is first missing from the input. The duration must cover the lifetime of the tokens.
    #[arg(long, value_name = "DURATION", default_value = "48h")]
    retain: String,
    /// Remove this retired key now (repeatable)
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    remove: Vec<String>,
    /// Add this published key to the retention record (repeatable)
    ///
    /// The key is one that the record does not list, because another tool published it. Its retention starts now.
    #[arg(long, value_name = "KID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    adopt: Vec<String>,
    /// Remove published keys that the retention record does not list
    #[arg(long)]
    remove_unknown: bool,
    /// Allow a change of the issuer that is published at this path
    #[arg(long)]
    allow_issuer_change: bool,
    /// Allow a change of a published jwks_uri that is not below the issuer URL
    #[arg(long)]
    allow_jwks_uri_change: bool,
    /// Allow an issuer that Entra cannot reach
    ///
    /// Relying parties in the same network can use such an issuer.
    #[arg(long)]
    allow_private_issuer: bool,
    /// Overwrite published documents that cannot be parsed
    #[arg(long)]
    replace_unreadable: bool,
    /// Select the relying party whose rules apply
    #[arg(long = "for", value_name = "PARTY", default_value = "entra")]
    relying_party: For,
    /// Set the Cache-Control header of both documents
    #[arg(long, value_name = "VALUE", default_value = "public, max-age=300")]
    cache_control: String,
    /// Read the documents back from this URL or directory
    ///
    /// The command fails if the documents differ from those written. With --account the default is the issuer URL.
    #[arg(long, value_name = "URL|DIR")]
    published: Option<String>,
    /// Skip reading the documents back
    #[arg(long, conflicts_with_all = ["published", "wait"])]
    no_fetch_back: bool,
    /// Wait this long for the new documents [default: 60s with --account, else 10s]
    #[arg(long, value_name = "DURATION")]
    wait: Option<String>,
}

impl Publish {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let location = |text: &String| values::location("--published", text, self.site.directory.as_deref());
        let location = self.published.as_ref().map(location).transpose()?;
        let wait = self.wait.as_deref().map(|wait| values::seconds("--wait", wait)).transpose()?;
        let issuer: Option<IssuerUrl> = self.issuer.as_deref().map(values::parse).transpose()?;
        values::key_ids("--remove", &self.remove)?;
        values::key_ids("--adopt", &self.adopt)?;
        let retain = values::duration("--retain", &self.retain)?;
        let cache_control = values::header("--cache-control", self.cache_control)?;
        let options = self.site.account_options()?;
        let new_account = self.create.account(options.as_ref(), self.site.resource_group.as_deref())?;
        let request = self.site.request()?;
        // Usage errors come before the first request.
        let owner = self.owner.owner(None)?;
        let (keys, api_server) = if self.owner.leave {
            // No keys are read; the UID of the cluster may be the owner.
            if self.keys.cluster.from_cluster && !self.owner.owner_from_cluster {
                let hint = "leave out --from-cluster, or pass --owner-from-cluster";
                return Err(Failure::usage("--leave reads no keys from a cluster", hint));
            }
            (None, self.keys.cluster.read(true, output)?)
        } else {
            let KeysRead { keys, api_server } = self.keys.read_with_issuer(self.owner.owner_from_cluster, output)?;
            (Some(keys), api_server)
        };
        let owner = match api_server.as_ref().and_then(|api_server| api_server.uid.as_deref()) {
            Some(uid) => self.owner.owner(Some(uid))?,
            None => owner,
        };
        // A cluster that leaves has another issuer, or will have one.
        let api_server = api_server.filter(|_| !self.owner.leave);
        let issuer = match (issuer, &api_server) {
            (None, Some(api_server)) => Some(issuer_of(api_server)?),
            (issuer, _) => issuer,
        };
        let default = (request.is_azure() && !self.no_fetch_back).then_some(Location::Issuer);
        let location = location.or(default);
        if location.is_none() && wait.is_some() {
            return Err(Failure::usage(
                "--wait needs documents to be read back, and no place to read them from is given",
                "pass --published URL",
            ));
        }
        let wait = wait.unwrap_or(if request.is_azure() { WAIT_AZURE } else { WAIT });
        let desired = |issuer: IssuerUrl| {
            match &keys {
                Some(keys) => DesiredState::new(issuer, keys.clone()).owner(owner.clone()),
                None => DesiredState::leaving(issuer, owner.clone()),
            }
            .force(self.owner.force)
            .relying_party(self.relying_party.into())
            .prune(self.prune)
            .retain(retain)
            .remove(self.remove.clone())
            .adopt(self.adopt.clone())
            .remove_unknown(self.remove_unknown)
            .allow_issuer_change(self.allow_issuer_change)
            .allow_jwks_uri_change(self.allow_jwks_uri_change)
            .allow_private_issuer(self.allow_private_issuer)
            .replace_unreadable(self.replace_unreadable)
            .cache_control(cache_control.clone())
        };
        let only_plan = self.dry_run || self.check;
        output.watch();
        let fetcher = request.fetcher.clone();
        let timeout = request.timeout;
        let run = runtime::block_on(async {
            let created_account = match (&new_account, options) {
                (Some(account), Some(options)) => Box::pin(create(account, options, output)).await?,
                _ => None,
            };
            let start = Instant::now();
            let prepare = async {
                let mut site = request.open(output).await?;
                let (issuer, is_named) = match issuer {
                    Some(issuer) => (issuer, true),
                    None => find_issuer(&mut site).await?,
                };
                let is_at_the_account = site.adapt_to(&issuer)?;
                // A host that only a stored document names must be public (SSRF). The caller named the account's endpoint.
                let fetcher = if is_named || is_at_the_account { fetcher } else { fetcher.only_public() };
                let desired = desired(issuer);
                let plan = site.plan(&desired).await?;
                Ok::<_, Failure>((site, desired, plan, fetcher))
            };
            let (site, desired, plan, fetcher) = Box::pin(runtime::within(timeout, prepare)).await?;
            let is_refused = !plan.refusals.is_empty();
            let stage = if is_refused {
                Stage::Refused { written: false }
            } else if only_plan {
                Stage::Planned { proof: None, check: self.check }
            } else {
                Stage::Published { proof: None }
            };
            let (name, credential) = (site.name(), site.credential());
            let mut run = Run {
                desired,
                site: name,
                credential,
                created_account,
                api_server,
                site_warnings: Vec::new(),
                plan,
                stage,
            };
            tell_plan(&run, output);
            tell_api_server(&run, output);
            if is_refused {
                return Ok::<_, Failure>(run);
            }
            let mut signals = Signals::listen().map_err(Error::Runtime)?;
            if !only_plan {
                let left = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
                let publish = carry_out(&site, &run.desired);
                let carried_out = signals.or(runtime::within(left, Box::pin(publish))).await;
                let carried_out = carried_out.ok_or_else(|| interrupted(&run.plan, &site.made()))?;
                let planned = std::mem::replace(&mut run.plan, carried_out?);
                if !run.plan.refusals.is_empty() {
                    run.stage = Stage::Refused { written: !site.made().written.is_empty() };
                }
                if !is_same_plan(&planned, &run.plan) {
                    output.note("another publisher changed the site; this is the new plan");
                    tell_plan(&run, output);
                }
                if matches!(run.stage, Stage::Refused { .. }) {
                    return Ok(run);
                }
                tell_written(&run, output);
            }
            let paths: Vec<_> = run.plan.documents.iter().map(|document| document.path.clone()).collect();
            run.site_warnings = site.warnings(&paths);
            // Planned changes cannot be read back. Unchanged documents can.
            if let Some(location) = &location
                && (!only_plan || run.plan.is_unchanged())
            {
                let read = prove(&site, &run, location, &fetcher, wait);
                let proof = signals.or(Box::pin(read)).await;
                let proof = proof.ok_or_else(|| interrupted(&run.plan, &site.made()))?;
                match &mut run.stage {
                    Stage::Planned { proof: of_stage, .. } | Stage::Published { proof: of_stage } => {
                        *of_stage = Some(proof);
                    }
                    Stage::Refused { .. } => {}
                }
            }
            Ok(run)
        })??;
        Ok(report(&run, output))
    }
}

/// Reads the documents back.
async fn prove(
    site: &OpenSite,
    run: &Run,
    location: &Location,
    fetcher: &HttpFetcher,
    wait: Duration,
) -> Result<ReadBack, issuer::Mismatch> {
    let documents = run.plan.result.clone();
    let publication = Publication { documents, plan: run.plan.clone(), attempts: 0 };
    let read = issuer::read_back(site, &run.desired, &publication, location, fetcher, wait);
    let read = Box::pin(read).await;
    read.map(|warnings| ReadBack { place: location.to_string(), warnings })
}

/// The issuer that is published at the root of the site, or else the web endpoint of the account, and whether it is the latter.
async fn find_issuer(site: &mut OpenSite) -> Result<(IssuerUrl, bool), Failure> {
    // The plan judges documents that cannot be used.
    if let Root::Issuer(published) = site.published_issuer().await? {
        return Ok((published, false));
    }
    let none = || {
        Failure::usage(format!("no issuer was given, and none is published in {}", site.name()), "pass --issuer URL")
    };
    site.own_issuer().await?.map(|issuer| (issuer, true)).ok_or_else(none)
}

/// Publishes. A refused plan is a result, not an error.
async fn carry_out(site: &OpenSite, desired: &DesiredState) -> Result<Plan, Failure> {
    match issuer::publish(site, desired, &SystemClock).await {
        Ok(publication) => Ok(publication.plan),
        Err(PublishError::Refused { plan, .. }) => Ok(*plan),
        Err(error) => Err(error.into()),
    }
}

/// Whether two plans treat the same keys in the same way. Their times may differ, because they were made at different times.
fn is_same_plan(first: &Plan, second: &Plan) -> bool {
    let does_same = |(first, second): (&PlannedKey, &PlannedKey)| {
        first.jwk == second.jwk
            && first.owners == second.owners
            && std::mem::discriminant(&first.state) == std::mem::discriminant(&second.state)
    };
    first.keys.len() == second.keys.len() && first.keys.iter().zip(&second.keys).all(does_same)
}

/// The issuer of an API server, which is published unless another one is given.
fn issuer_of(api_server: &ApiServer) -> Result<IssuerUrl, Failure> {
    api_server.issuer.parse().map_err(|error: UrlError| {
        let ApiServer { server, issuer, .. } = api_server;
        let message = format!("the API server {server} has the issuer {issuer:?}, which cannot be published: {error}");
        let hint = "pass --issuer URL to publish the keys for another issuer, then set it on the API server";
        Failure::new(Exit::No, message, Some(hint.to_owned()))
    })
}

/// Prints the issuer and the jwks_uri of the API server, if they differ from the published ones.
fn tell_api_server(run: &Run, output: &mut Output) {
    let Some(ApiServer { server, issuer, jwks_uri, .. }) = &run.api_server else { return };
    let published = &run.desired.issuer;
    if issuer != published.as_str() {
        output.warning(format!(
            "tokens of the API server {server} have the issuer {issuer}, not {published}: until it is changed, no token matches the published documents"
        ));
    }
    if *jwks_uri != published.jwks_uri().to_string() {
        output.note(format!("the API server itself names the jwks_uri {jwks_uri}, which is not published; its flag --service-account-jwks-uri changes it"));
    }
}

/// Prints the plan, and its notes and warnings on standard error.
fn tell_plan(run: &Run, output: &mut Output) {
    let plan = &run.plan;
    let is_new = plan.documents.iter().all(|document| document.change == Change::Created);
    if is_new && plan.refusals.is_empty() {
        output.note(format!(
            "nothing is published in {} yet; if this issuer is already published elsewhere, add that JWKS to the input to keep its keys",
            run.site
        ));
    }
    if plan.adopted > 0 && plan.refusals.is_empty() {
        let (keys, them, their) = match plan.adopted {
            1 => ("1 published key outside the input has".to_owned(), "it", "its"),
            count => (format!("{count} published keys outside the input have"), "them", "their"),
        };
        let effect = if run.desired.owner.is_none() {
            format!(", and {their} retention starts now")
        } else {
            " with the owner none".to_owned()
        };
        output.note(format!("{keys} no retention record: publishing records {them}{effect}"));
    }
    if let Some(note) = note_of_none(plan, &run.desired.owner) {
        output.note(note);
    }
    for warning in &plan.warnings {
        match warning {
            PlanWarning::IssuerNotPublic { .. } if run.desired.relying_party == RelyingParty::Oidc => {
                output.note(warning);
            }
            _ => output.warning(warning),
        }
    }
    if !output.is_json() {
        output.text(&Answer::from(run).plan_text());
    }
}

/// Prints which documents were written.
fn tell_written(run: &Run, output: &mut Output) {
    if !output.is_json()
        && let Some(text) = Answer::from(run).written_text()
    {
        output.text(&text);
    }
}

/// Prints the result, and on standard error every reason for exit code 1.
fn report(run: &Run, output: &mut Output) -> Exit {
    let answer = Answer::from(run);
    if let Hosting::Unknown(because) = &run.plan.hosting
        && answer.read_back_from.is_none()
    {
        output.note(because);
    }
    run.site_warnings.iter().for_each(|warning| output.warning(warning));
    for warning in run.read_back().into_iter().flat_map(|read_back| &read_back.warnings) {
        output.warning(Warning::new(warning, run.desired.relying_party));
    }
    if output.is_json() {
        output.json(&answer);
    } else {
        output.text(&answer.end_text(output.is_verbose(), output.is_talkative()));
    }
    for refusal in &answer.refusals {
        let written = if answer.written { "" } else { "; nothing was written" };
        let message = format!("{}{written}", refusal.message);
        output.failure(&Failure::new(Exit::No, message, Some(refusal.hint.clone())));
    }
    if let Some(mismatch) = &answer.mismatch {
        let documents = if answer.written { "the written documents" } else { "the documents on the site" };
        let differ = if mismatch.is_inconclusive() { "could not be read back" } else { "differ from those read back" };
        let message = format!("{documents} {differ}: {}", mismatch.prediction());
        output.failure(&Failure::new(Exit::No, message, Some(mismatch.fix.clone())));
    }
    answer.exit()
}
