use clap::Args;
use issuer::{
    HttpFetcher, IssuerUrl, Jwk, KeyStatus, Location, Mismatch, PublishedIssuer, SiteStatus, Timestamp, compare,
    published_documents,
    site::{Hosting, Site},
};
use serde_json::{Value, json};

use super::{
    Exit, Failure, Output,
    output::{BAD, FAINT, GOOD, STRONG, WARN, minute, printable},
    runtime,
    site::{OpenSite, Root},
    site_args::SiteArgs,
    steps::Steps,
    values,
};

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Show what is published, as it is stored and as the public reads it";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Examples:
  issuer status --account acct
  issuer status https://acct.z6.web.core.windows.net

Exits 1 when the two differ, or the documents cannot be used.")]
pub(crate) struct Status {
    /// The issuer URL; without a site, only what the public reads is shown
    #[arg(value_name = "ISSUER")]
    url: Option<String>,
    /// The same as a flag
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
}

/// What was found on either side.
struct Found {
    issuer: IssuerUrl,
    site: Option<StoredSide>,
    /// What the public reads; `None` where it was not looked at.
    public: Option<Result<Vec<Jwk>, Mismatch>>,
    from: String,
}

struct StoredSide {
    name: String,
    credential: Option<String>,
    status: SiteStatus,
}

impl Status {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let retain = values::duration("--retain", &self.retain)?;
        let url = self.url.or(self.issuer);
        let issuer: Option<IssuerUrl> = url.as_deref().map(values::parse).transpose()?;
        let location = |text: &String| values::location("--published", text, None);
        let location = self.published.as_ref().map(location).transpose()?;
        let steps = output.steps();
        // An issuer alone asks for the public side, whatever the environment names.
        let looks_inside = self.site.is_explicit() || issuer.is_none();
        if !looks_inside {
            let fetcher = self.site.fetcher()?;
            let issuer =
                issuer.ok_or_else(|| Failure::usage("no issuer was given", "pass its URL, or --account NAME"))?;
            let location = location.unwrap_or(Location::Issuer);
            let published = runtime::block_on(look_from_outside(&issuer, &location, &fetcher, &steps))?;
            let public = published_documents(&issuer, &published).map(|documents| documents.jwks.keys);
            let found = Found { issuer, site: None, public: Some(public), from: location.to_string() };
            return Ok(found.report(output));
        }
        let request = self.site.request()?;
        let location = location.or_else(|| request.is_azure().then_some(Location::Issuer));
        let (timeout, fetcher) = (request.timeout, request.fetcher.clone());
        let found = runtime::block_on(async {
            let look_inside = async {
                let mut site = request.open(&steps).await?;
                if let Some(credential) = site.credential() {
                    output.note(format!("credential for {}: {credential}", site.name()));
                }
                let issuer = match issuer {
                    Some(issuer) => issuer,
                    None => published_issuer(&mut site).await?,
                };
                site.adapt_to(&issuer)?;
                let status = issuer::status(&site, &issuer, retain).await?;
                Ok((issuer, StoredSide { name: site.name(), credential: site.credential(), status }))
            };
            let (issuer, stored) = runtime::within(timeout, look_inside).await?;
            let from = location.as_ref().map(ToString::to_string).unwrap_or_default();
            let public = match (&location, &stored.status.documents) {
                (None, _) => None,
                (Some(location), stored) => {
                    let published = look_from_outside(&issuer, location, &fetcher, &steps).await;
                    let read = published_documents(&issuer, &published).map(|documents| documents.jwks.keys);
                    Some(match stored {
                        Some(documents) => compare(documents, &published).and(read),
                        None => read,
                    })
                }
            };
            Ok::<_, Failure>(Found { issuer, site: Some(stored), public, from })
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
            let hint = "publish it: issuer publish; an issuer with a path is not found by itself: pass --issuer URL";
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
        if let Some(Hosting::Unknown(because)) = self.site.as_ref().map(|site| &site.status.hosting) {
            output.note(because);
        }
        let faults: Vec<_> = self.site.iter().flat_map(|site| &site.status.faults).map(ToString::to_string).collect();
        if !faults.is_empty() {
            let hint = Some("publish them: issuer publish".to_owned());
            output.failure(&Failure::new(Exit::No, faults.join(", and "), hint));
        }
        if self.website_is_off() {
            let hint = "issuer publish switches it on".to_owned();
            output.failure(&Failure::new(Exit::No, "the static website is off", Some(hint)));
        }
        if let Some(Err(mismatch)) = &self.public {
            let message = format!("what the public reads: {mismatch}{}", values::prediction(mismatch));
            output.failure(&Failure::new(Exit::No, message, Some(mismatch.fix())));
        }
        match &self.public {
            Some(Err(mismatch)) if mismatch.is_inconclusive() => Exit::Incomplete,
            Some(Err(_)) => Exit::No,
            _ if self.website_is_off() => Exit::No,
            _ if self.site.as_ref().is_some_and(|site| !site.status.faults.is_empty()) => Exit::No,
            _ => Exit::Yes,
        }
    }

    /// Where the public side was read, as a URL or directory.
    fn address(&self) -> &str {
        if self.from == Location::Issuer.to_string() { self.issuer.as_str() } else { &self.from }
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
            (None, Some(Ok(keys))) => lines.extend(keys.iter().map(|jwk| key_line(jwk, ""))),
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
        let from = printable(&self.from);
        match &self.public {
            None => "not looked at: pass --published URL".to_owned(),
            Some(Ok(keys)) => {
                let count = if keys.len() == 1 { "1 key".to_owned() } else { format!("{} keys", keys.len()) };
                let same = match &self.site {
                    Some(site) if site.status.documents.is_some() => "the same as what is stored, ",
                    _ => "",
                };
                format!("{GOOD}ok{GOOD:#}, {same}{count} at {from}")
            }
            Some(Err(mismatch)) if mismatch.is_inconclusive() => format!("{WARN}cannot be read{WARN:#} at {from}"),
            Some(Err(Mismatch::Refusal(_))) => format!("{BAD}of no use{BAD:#}, at {from}"),
            Some(Err(_)) => match &self.site {
                Some(site) if site.status.documents.is_some() => format!("{BAD}not what is stored{BAD:#}, at {from}"),
                _ => format!("{BAD}of no use{BAD:#}, at {from}"),
            },
        }
    }

    fn to_json(&self) -> Value {
        let stored = self.site.as_ref().map(|site| {
            json!({
                "site": site.name,
                "credential": site.credential,
                "static_website": self.website(),
                "keys": site.status.keys.iter().map(stored_key_json).collect::<Vec<_>>(),
                "faults": site.status.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        });
        let public = self.public.as_ref().map(|public| {
            let mismatch = public.as_ref().err().map(values::mismatch_json);
            let keys = public.as_ref().ok().map(|keys| keys.iter().map(key_json).collect::<Vec<_>>());
            json!({ "from": self.address(), "keys": keys, "mismatch": mismatch })
        });
        json!({ "issuer": self.issuer.as_str(), "stored": stored, "public": public })
    }
}

fn stored_key_line(key: &KeyStatus) -> String {
    let published = match key.published {
        Some(since) => format!("published {}", minute(since)),
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
    value["published_since"] = json!(key.published.map(|time| time.to_string()));
    value["retired_since"] = json!(key.retired.map(|(since, _)| since.to_string()));
    value["due"] = json!(key.retired.map(|(_, due)| due.to_string()));
    value
}
