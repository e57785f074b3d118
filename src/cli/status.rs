use clap::Args;
use issuer::{
    Documents, HttpFetcher, IssuerUrl, Jwk, KeyStatus, Location, Mismatch, PublishedIssuer, Refusal, RelyingParty,
    SiteFault, SiteStatus, SystemClock, Timestamp, TrustedIssuer, VerifyWarning, compare, published_documents,
    site::{Hosting, Site, SiteWarning},
};
use serde_json::{Value, json};

use super::{
    Exit, Failure, Output,
    clean::printable,
    output::{BAD, FAINT, GOOD, STRONG, WARN, minute},
    runtime,
    site::{OpenSite, Root},
    site_args::SiteArgs,
    steps::Steps,
    values::{self, For},
};

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Show what is published, as it is stored and as the public reads it";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Examples:
  issuer status --account acct
  issuer status https://acct.z6.web.core.windows.net

Exits 1 when the two differ, the documents cannot be used, or a published key is not in the retention record.")]
pub(crate) struct Status {
    /// The issuer URL; without a site (flags or variables), only the public side is shown
    #[arg(value_name = "ISSUER")]
    url: Option<String>,
    /// The issuer URL, as a flag
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    issuer: Option<String>,
    #[command(flatten)]
    site: SiteArgs,
    /// How long a key is to stay after it was first missing from the input
    #[arg(long, value_name = "DURATION", default_value = "48h")]
    retain: String,
    /// Where the public reads the documents [default: the issuer URL, but for --directory]
    #[arg(long, value_name = "URL|DIR")]
    published: Option<String>,
    /// Relying party whose rules apply
    #[arg(long = "for", value_name = "PARTY", default_value = "entra")]
    relying_party: For,
}

/// What was found on either side.
struct Found {
    issuer: IssuerUrl,
    site: Option<StoredSide>,
    public: Option<PublicSide>,
    relying_party: RelyingParty,
}

struct StoredSide {
    name: String,
    credential: Option<String>,
    status: SiteStatus,
    /// Why no token can pass with the documents, although they are there and can be read.
    refusal: Option<Refusal>,
    /// What lets others change the documents.
    warnings: Vec<SiteWarning>,
}

/// What the public reads.
struct PublicSide {
    /// A URL or directory.
    from: String,
    keys: Result<Vec<Jwk>, Mismatch>,
    warnings: Vec<VerifyWarning>,
}

impl StoredSide {
    fn new(site: &OpenSite, issuer: &IssuerUrl, status: SiteStatus, relying_party: RelyingParty) -> Self {
        let judge = |documents| TrustedIssuer::new(documents).and_then(|trusted| trusted.judge(relying_party));
        let refusal = status.documents.as_ref().and_then(|documents| judge(documents).err());
        let warnings = site.warnings(&[issuer.jwks_path(), issuer.discovery_path()]);
        Self { name: site.name(), credential: site.credential(), status, refusal, warnings }
    }

    fn faults(&self) -> Vec<String> {
        // What makes relying parties fail comes first.
        let (recorded, documents): (Vec<_>, Vec<_>) = self.status.faults.iter().partition(|fault| is_of_record(fault));
        let text = |faults: Vec<&SiteFault>| faults.into_iter().map(ToString::to_string).collect::<Vec<_>>();
        let refusal = self.refusal.iter().map(ToString::to_string).collect();
        [text(documents), refusal, text(recorded)].concat()
    }

    fn fix(&self) -> String {
        if let Some(refusal) = &self.refusal {
            return refusal.fix();
        }
        let other = |fault: &SiteFault| match fault {
            SiteFault::Issuer { seen, .. } => Some(seen.clone()),
            _ => None,
        };
        if let Some(seen) = self.status.faults.iter().find_map(other) {
            // Whoever writes the document must not write a command line: a shell reads it.
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte);
            let is_shown = seen.parse::<IssuerUrl>().is_ok() && seen.bytes().all(is_plain);
            let seen = if is_shown { seen } else { "URL".to_owned() };
            return format!(
                "pass the issuer that is published there, --issuer {seen}, or publish the other one beside it"
            );
        }
        let has_unknown = self.status.faults.iter().any(|fault| matches!(fault, SiteFault::UnknownKey(_)));
        if has_unknown && self.status.faults.iter().all(is_of_record) {
            return "publish the API server's keys, which records them: issuer publish sa.pub; for each key that stays unknown add --adopt KID if it is yours, or --remove-unknown".to_owned();
        }
        let is_unreadable = |fault: &SiteFault| matches!(fault, SiteFault::Unreadable { .. });
        let replace = if self.status.faults.iter().any(is_unreadable) { " --replace-unreadable" } else { "" };
        format!("publish them again, to the same site and issuer: issuer publish sa.pub{replace}")
    }
}

/// Whether a fault is of the retention record alone, which relying parties do not read.
fn is_of_record(fault: &SiteFault) -> bool {
    matches!(fault, SiteFault::RecordUnreadable(_) | SiteFault::RecordTimes | SiteFault::UnknownKey(_))
}

impl PublicSide {
    /// Judges what was read, and compares it with what is stored.
    fn new(
        issuer: &IssuerUrl,
        location: &Location,
        published: &PublishedIssuer,
        stored: Option<&Documents>,
        relying_party: RelyingParty,
    ) -> Self {
        let from = if *location == Location::Issuer { issuer.to_string() } else { location.to_string() };
        let same = stored.map_or(Ok(()), |documents| compare(documents, published, relying_party));
        let read = published_documents(issuer, published, relying_party);
        let keys = same.and(read).map(|documents| documents.jwks.keys);
        let warnings = TrustedIssuer::from_published(issuer.clone(), published).warnings().to_vec();
        Self { from, keys, warnings }
    }
}

impl Status {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let retain = values::duration("--retain", &self.retain)?;
        let relying_party = self.relying_party.into();
        let url = self.url.or(self.issuer);
        let issuer: Option<IssuerUrl> = url.as_deref().map(values::parse).transpose()?;
        let location = |text: &String| values::location("--published", text, None);
        let location = self.published.as_ref().map(location).transpose()?;
        let steps = output.steps();
        // An issuer alone, without a site in flags or variables: there is only the public side.
        let looks_inside = self.site.is_explicit() || self.site.is_given() || issuer.is_none();
        if !looks_inside {
            let fetcher = self.site.fetcher()?;
            let issuer =
                issuer.ok_or_else(|| Failure::usage("no issuer was given", "pass its URL, or --account NAME"))?;
            let location = location.unwrap_or(Location::Issuer);
            let fetcher = self.site.deadline()?.map_or(fetcher.clone(), |deadline| fetcher.until(deadline));
            let published = runtime::block_on(look_from_outside(&issuer, &location, &fetcher, &steps))?;
            let public = Some(PublicSide::new(&issuer, &location, &published, None, relying_party));
            return Ok(Found { issuer, site: None, public, relying_party }.report(output));
        }
        let is_from_variables = issuer.is_some() && !self.site.is_explicit();
        let deadline = self.site.deadline()?;
        let request = self.site.request()?;
        let location = location.or_else(|| request.is_azure().then_some(Location::Issuer));
        let (timeout, fetcher) = (request.timeout, request.fetcher.clone());
        let found = runtime::block_on(async {
            let look_inside = async {
                let mut site = request.open(&steps).await?;
                if let Some(credential) = site.credential() {
                    output.note(format!("credential for {}: {credential}", site.name()));
                }
                let is_given = issuer.is_some();
                let issuer = match issuer {
                    Some(issuer) => issuer,
                    None => published_issuer(&mut site).await?,
                };
                let is_at_the_account = site.adapt_to(&issuer)?;
                // A host that only a stored document names must be public. The account's own endpoint is the caller's word.
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
                    failure.hint = Some(format!("{hint}unset AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_CONNECTION_STRING to look at the public side alone"));
                }
                failure
            })?;
            let public = match &location {
                None => None,
                Some(location) => {
                    let published = look_from_outside(&issuer, location, &fetcher, &steps).await;
                    let documents = stored.status.documents.as_ref();
                    Some(PublicSide::new(&issuer, location, &published, documents, relying_party))
                }
            };
            Ok::<_, Failure>(Found { issuer, site: Some(stored), public, relying_party })
        })??;
        Ok(found.report(output))
    }
}

async fn look_from_outside(
    issuer: &IssuerUrl,
    location: &Location,
    fetcher: &HttpFetcher,
    steps: &Steps,
) -> PublishedIssuer {
    let fetch = PublishedIssuer::fetch_expected(issuer, location, fetcher);
    steps.run(format!("read from {location}"), fetch).await
}

/// The issuer that is published at the root of a site.
async fn published_issuer(site: &mut OpenSite) -> Result<IssuerUrl, Failure> {
    match site.published_issuer().await? {
        Root::Issuer(issuer) => Ok(issuer),
        Root::Empty => {
            let hint = "for an issuer with a path pass --issuer URL; if nothing is published yet, run issuer publish sa.pub with this site";
            let message = format!("no issuer is published at the root of {}", site.name());
            Err(Failure::new(Exit::No, message, Some(hint.to_owned())))
        }
        Root::Unusable => Err(unusable_root(site)),
    }
}

/// The answer to documents at the root that do not tell whose they are.
pub(super) fn unusable_root(site: &OpenSite) -> Failure {
    let hint = "pass --issuer URL, byte for byte as in --service-account-issuer".to_owned();
    let message = format!("the documents at the root of {} do not name an issuer that is published there", site.name());
    Failure::new(Exit::No, message, Some(hint))
}

impl Found {
    fn report(&self, output: &mut Output) -> Exit {
        if output.is_json() {
            output.json(&self.to_json());
        } else {
            output.text(&self.to_text());
        }
        self.site.iter().flat_map(|site| &site.warnings).for_each(|warning| output.warning(warning));
        if let Some(Hosting::Unknown(because)) = self.site.as_ref().map(|site| &site.status.hosting) {
            output.note(because);
        }
        let faults = self.site.as_ref().map(StoredSide::faults).unwrap_or_default();
        if let Some(site) = self.site.as_ref().filter(|_| !faults.is_empty()) {
            output.failure(&Failure::new(Exit::No, faults.join(", and "), Some(site.fix())));
        }
        if let Some(clocks) = self.site.as_ref().and_then(|site| site.status.clocks) {
            output.warning(clocks);
        }
        if self.website_is_off() {
            let hint = "issuer publish switches it on".to_owned();
            output.failure(&Failure::new(Exit::No, "the static website is off", Some(hint)));
        }
        if let Some(Err(mismatch)) = self.public.as_ref().map(|public| &public.keys) {
            let message =
                format!("what the public reads: {mismatch}{}", values::prediction(mismatch, self.relying_party));
            output.failure(&Failure::new(Exit::No, message, Some(mismatch.fix())));
        }
        for warning in self.public.iter().flat_map(|public| &public.warnings) {
            output.warning(values::caution(warning, self.relying_party));
        }
        match self.public.as_ref().map(|public| &public.keys) {
            // A fault that is known is the answer, whatever could not be read.
            _ if self.website_is_off() || !faults.is_empty() => Exit::No,
            Some(Err(mismatch)) if mismatch.is_inconclusive() => Exit::Incomplete,
            Some(Err(_)) => Exit::No,
            _ => Exit::Yes,
        }
    }

    fn website_is_off(&self) -> bool {
        self.site.as_ref().is_some_and(|site| site.status.hosting == Hosting::Off)
    }

    /// What is known of the static website, where the site has one.
    fn website(&self) -> Option<&'static str> {
        values::website(&self.site.as_ref()?.status.hosting)
    }

    fn to_text(&self) -> String {
        let mut lines = vec![format!("{STRONG}issuer{STRONG:#}   {}", self.issuer)];
        if let Some(site) = &self.site {
            let who = site.credential.as_ref().map(|who| format!(", as {}", printable(who))).unwrap_or_default();
            lines.push(format!("{STRONG}site{STRONG:#}     {}{who}", printable(&site.name)));
        }
        if let Some(website) = self.website() {
            let style = if website == "off" { BAD } else { anstyle::Style::new() };
            lines.push(format!("{STRONG}website{STRONG:#}  {style}{website}{style:#}"));
        }
        lines.push(String::new());
        match (&self.site, &self.public) {
            (Some(site), _) => lines.extend(site.status.keys.iter().map(stored_key_line)),
            (None, Some(PublicSide { keys: Ok(keys), .. })) => {
                lines.extend(keys.iter().map(|jwk| key_line(jwk, "")));
            }
            _ => {}
        }
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        lines.push(format!("{STRONG}public{STRONG:#}   {}", self.public_line()));
        lines.push(String::new());
        lines.join("\n")
    }

    fn public_line(&self) -> String {
        let Some(PublicSide { from, keys, .. }) = &self.public else {
            return "not looked at: pass --published URL".to_owned();
        };
        let from = printable(from);
        match keys {
            Ok(keys) => {
                let count = if keys.len() == 1 { "1 key".to_owned() } else { format!("{} keys", keys.len()) };
                let same = match &self.site {
                    Some(site) if site.status.documents.is_some() => "the same as what is stored, ",
                    _ => "",
                };
                format!("{GOOD}ok{GOOD:#}, {same}{count} at {from}")
            }
            Err(mismatch) if mismatch.is_inconclusive() => format!("{WARN}cannot be read{WARN:#} at {from}"),
            Err(Mismatch::Refusal(_)) => format!("{BAD}not usable{BAD:#} at {from}"),
            Err(_) => format!("{BAD}not what is stored{BAD:#} at {from}"),
        }
    }

    fn to_json(&self) -> Value {
        let stored = self.site.as_ref().map(|site| {
            let clocks = site.status.clocks.iter().map(ToString::to_string);
            json!({
                "site": site.name,
                "credential": site.credential,
                "static_website": self.website(),
                "keys": site.status.keys.iter().map(stored_key_json).collect::<Vec<_>>(),
                "faults": site.faults(),
                "warnings": clocks.chain(site.warnings.iter().map(ToString::to_string)).collect::<Vec<_>>(),
            })
        });
        let public = self.public.as_ref().map(|public| {
            let mismatch =
                public.keys.as_ref().err().map(|mismatch| values::mismatch_json(mismatch, self.relying_party));
            let keys = public.keys.as_ref().ok().map(|keys| keys.iter().map(key_json).collect::<Vec<_>>());
            let warnings: Vec<_> =
                public.warnings.iter().map(|warning| values::caution_json(warning, self.relying_party)).collect();
            json!({ "from": public.from, "keys": keys, "mismatch": mismatch, "warnings": warnings })
        });
        json!({ "issuer": self.issuer.as_str(), "stored": stored, "public": public })
    }
}

fn stored_key_line(key: &KeyStatus) -> String {
    let published = match key.published {
        Some(since) => format!("published {}", minute(since)),
        None if !key.known => format!("{WARN}unknown{WARN:#}: not in the retention record"),
        None => "published by something else".to_owned(),
    };
    let retired = match key.retired {
        Some((since, due)) => {
            let may = if due <= Timestamp::now() { "due since" } else { "may go from" };
            format!(", {WARN}retired {}{WARN:#}, {may} {} (--prune)", minute(since), minute(due))
        }
        None => String::new(),
    };
    key_line(&key.jwk, &format!("{published}{retired}"))
}

fn key_line(jwk: &Jwk, rest: &str) -> String {
    let kid = jwk.kid().filter(|kid| !kid.is_empty()).unwrap_or("(no kid)");
    let kind = jwk.key().map_or_else(|_| format!("{FAINT}unknown{FAINT:#}"), ToString::to_string);
    format!("  {:43}  {kind:8}  {rest}", printable(kid)).trim_end().to_owned()
}

fn key_json(jwk: &Jwk) -> Value {
    let mut value = json!({ "kid": jwk.kid() });
    if let Ok(public) = jwk.key() {
        value["type"] = json!(public.to_string());
        value["alg"] = json!(public.algorithm().name());
    }
    value
}

fn stored_key_json(key: &KeyStatus) -> Value {
    let mut value = key_json(&key.jwk);
    value["known"] = json!(key.known);
    value["published_since"] = json!(key.published.map(|time| time.to_string()));
    value["retired_since"] = json!(key.retired.map(|(since, _)| since.to_string()));
    value["due"] = json!(key.retired.map(|(_, due)| due.to_string()));
    value
}
