mod answer;
mod api_server;
mod difference;
mod observed;
mod text;

use clap::Args;
use issuer::{
    DocumentPath, Hint, HttpFetcher, IssuerUrl, Location, Owner, OwnerError, PublishedIssuer, SystemClock,
    site::{Hosting, Site},
};
use tracing::{Instrument, info_span};

pub(super) use self::answer::Answer;
use self::observed::{Observed, PublicSide, StoredSide};
use super::{
    Exit, Failure, Output,
    answers::StaticWebsite,
    cluster_args::{CLUSTER, ClusterArgs},
    runtime,
    site::OpenSite,
    site_args::SiteArgs,
    values::{self, For},
};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Show the published documents, as stored and as relying parties fetch them";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Show the documents of an issuer, as the site stores them and as relying parties fetch them.

The command exits with 1 if the two differ, if the documents cannot be used, or if a published key is not in the \
retention record.",
    after_help = "Examples:
  issuer status --account acct
  issuer status https://acct.z6.web.core.windows.net
  issuer status --from-cluster --account acct
"
)]
pub(crate) struct Status {
    /// Show this issuer; without a site, only the documents that relying parties fetch
    ///
    /// The site is given by flags or by environment variables.
    #[arg(value_name = "ISSUER")]
    url: Option<String>,
    /// Set the issuer URL, instead of the argument ISSUER
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    issuer: Option<String>,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Set the owner whose keys the API server must have
    ///
    /// Several clusters may share an issuer. Keys of other owners are no drift.
    #[arg(long, value_name = "NAME", default_value = Owner::NONE, requires = "from_cluster", help_heading = CLUSTER)]
    owner: String,
    /// Use the UID of the cluster as the owner: that of its namespace kube-system
    #[arg(long, requires = "from_cluster", conflicts_with = "owner", help_heading = CLUSTER)]
    owner_from_cluster: bool,
    /// Set how long retired keys are kept
    #[arg(long, value_name = "DURATION", default_value = "48h")]
    retain: String,
    /// Read the documents from this URL or directory, as relying parties do
    ///
    /// The default is the issuer URL. With --directory nothing is fetched by default.
    #[arg(long, value_name = "URL|DIR")]
    published: Option<String>,
    /// Select the relying party whose rules apply
    #[arg(long = "for", value_name = "PARTY", default_value = "entra")]
    relying_party: For,
}

impl Status {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let retain = values::duration("--retain", &self.retain)?;
        let relying_party = self.relying_party.into();
        let url = self.url.or(self.issuer);
        let issuer: Option<IssuerUrl> = url.as_deref().map(values::parse).transpose()?;
        let location = |text: &String| values::location("--published", text, None);
        let location = self.published.as_ref().map(location).transpose()?;
        let failure = |error: OwnerError| Failure::new(Exit::Usage, format!("--owner: {error}"), error.hint());
        let owner: Owner = self.owner.parse().map_err(failure)?;
        let api_server = match self.cluster.read_with_keys(self.owner_from_cluster, output)? {
            Some(read) => {
                let owner = read.api_server.uid.as_deref().map_or(Ok(owner), |uid| uid.parse().map_err(failure))?;
                Some((read, owner))
            }
            None => None,
        };
        let of_api_server: Option<IssuerUrl> =
            api_server.as_ref().and_then(|(read, _)| read.api_server.issuer.parse().ok());
        let issuer = if self.site.is_given() { issuer } else { issuer.or_else(|| of_api_server.clone()) };
        // Without a site in flags or variables, only the fetched documents are shown.
        let looks_inside = self.site.is_explicit() || self.site.is_given() || issuer.is_none();
        if !looks_inside {
            let fetcher = self.site.fetcher()?;
            let issuer =
                issuer.ok_or_else(|| Failure::usage("no issuer was given", "pass its URL, or --account NAME"))?;
            let location = location.unwrap_or(Location::Issuer);
            let fetcher = self.site.deadline()?.map_or(fetcher.clone(), |deadline| fetcher.until(deadline));
            let published = runtime::block_on(look_from_outside(&issuer, &location, &fetcher))?;
            let public = Some(PublicSide::new(&issuer, &location, &published, None, relying_party));
            return Ok(report(&Observed { issuer, site: None, public, relying_party, api_server }, output));
        }
        let is_from_variables = issuer.is_some() && !self.site.is_explicit();
        let deadline = self.site.deadline()?;
        if !self.site.is_given() {
            return Err(Failure::usage("no site was given", "pass the issuer URL, --account NAME or --directory DIR"));
        }
        let request = self.site.request()?;
        let location = location.or_else(|| request.is_azure().then_some(Location::Issuer));
        let (timeout, fetcher) = (request.timeout, request.fetcher.clone());
        let found = runtime::block_on(async {
            let look_inside = async {
                let mut site = request.open(output).await?;
                let is_given = issuer.is_some();
                let issuer = match (issuer, of_api_server) {
                    (Some(issuer), _) => issuer,
                    (None, Some(issuer)) => issuer_of_site(&mut site, issuer).await?,
                    (None, None) => published_issuer(&mut site).await?,
                };
                let is_at_the_account = site.adapt_to(&issuer)?;
                // A host that only a stored document names must be public (SSRF). The caller named the account's endpoint.
                let fetcher = if is_given || is_at_the_account { fetcher } else { fetcher.only_public() };
                let fetcher = deadline.map_or(fetcher.clone(), |deadline| fetcher.until(deadline));
                let status = issuer::status(&site, &issuer, retain, &SystemClock).await?;
                let stored = StoredSide::new(&site, &issuer, status, relying_party);
                Ok((issuer, fetcher, stored))
            };
            let looked = runtime::within(timeout, look_inside).await;
            let (issuer, fetcher, stored) = looked.map_err(|mut failure| {
                if is_from_variables {
                    let hint = failure.hint.map(|hint| format!("{hint}; or ")).unwrap_or_default();
                    failure.hint = Some(format!("{hint}unset AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_CONNECTION_STRING to show only the documents that relying parties fetch"));
                }
                failure
            })?;
            let public = match &location {
                None => None,
                Some(location) => {
                    let published = look_from_outside(&issuer, location, &fetcher).await;
                    let documents = stored.status.documents.as_ref();
                    Some(PublicSide::new(&issuer, location, &published, documents, relying_party))
                }
            };
            Ok::<_, Failure>(Observed { issuer, site: Some(stored), public, relying_party, api_server })
        })??;
        Ok(report(&found, output))
    }
}

async fn look_from_outside(issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> PublishedIssuer {
    PublishedIssuer::fetch_expected(issuer, location, fetcher).instrument(info_span!("read from", %location)).await
}

/// The issuer of an API server if the site has a document of it, else the one at the root of the site.
async fn issuer_of_site(site: &mut OpenSite, of_api_server: IssuerUrl) -> Result<IssuerUrl, Failure> {
    if site.read(&of_api_server.jwks_path()).await?.is_some() && of_api_server.jwks_path() != root_path()? {
        return Ok(of_api_server);
    }
    Ok(site.issuer_at_root().await?.unwrap_or(of_api_server))
}

/// The path of the JWKS of an issuer without a path.
fn root_path() -> Result<DocumentPath, Failure> {
    Ok("https://localhost".parse::<IssuerUrl>()?.jwks_path())
}

/// The issuer that is published at the root of a site.
async fn published_issuer(site: &mut OpenSite) -> Result<IssuerUrl, Failure> {
    if let Some(issuer) = site.issuer_at_root().await? {
        return Ok(issuer);
    }
    let hint = "for an issuer with a path, pass --issuer URL; if nothing is published yet, run issuer publish sa.pub with this site";
    let message = format!("no issuer is published at the root of {}", site.name());
    Err(Failure::new(Exit::No, message, Some(hint.to_owned())))
}

/// Prints the documents, and their faults on standard error.
fn report(found: &Observed, output: &mut Output) -> Exit {
    let answer = Answer::from(found);
    if output.is_json() {
        output.json(&answer);
    } else {
        output.text(&answer.to_text());
    }
    found.site.iter().flat_map(|site| &site.warnings).for_each(|warning| output.warning(warning));
    if let Some(Hosting::Unknown(because)) = found.site.as_ref().map(|site| &site.status.hosting) {
        output.note(because);
    }
    let faults = answer.stored.as_ref().map(|stored| &stored.faults[..]).unwrap_or_default();
    if let Some(site) = found.site.as_ref().filter(|_| !faults.is_empty()) {
        output.failure(&Failure::new(Exit::No, faults.join(", and "), Some(site.fix())));
    }
    if let Some(clocks) = found.site.as_ref().and_then(|site| site.status.clocks) {
        output.warning(clocks);
    }
    let is_off = answer.website() == Some(StaticWebsite::Off);
    if is_off {
        let hint = "run issuer publish, which switches it on".to_owned();
        output.failure(&Failure::new(Exit::No, "the static website is off", Some(hint)));
    }
    let mismatch = answer.public.as_ref().and_then(|public| public.mismatch.as_ref());
    if let Some(mismatch) = mismatch {
        let message = format!("the documents that relying parties fetch: {}", mismatch.prediction());
        output.failure(&Failure::new(Exit::No, message, Some(mismatch.fix.clone())));
    }
    answer.public.iter().flat_map(|public| &public.warnings).for_each(|warning| output.warning(warning));
    let drift = answer.api_server.as_ref().map(|api_server| &api_server.drift[..]).unwrap_or_default();
    for difference in drift {
        output.failure(&Failure::new(Exit::No, difference.message.clone(), Some(difference.fix.clone())));
    }
    match mismatch {
        _ if !drift.is_empty() => Exit::No,
        // A known fault decides the exit code, even if something else could not be read.
        _ if is_off || !faults.is_empty() => Exit::No,
        Some(mismatch) if mismatch.is_inconclusive() => Exit::Incomplete,
        Some(_) => Exit::No,
        None => Exit::Yes,
    }
}
