use std::path::PathBuf;

use clap::Args;
use issuer::{
    Change, DropReason, Error, HttpFetcher, IssuerUrl, KeyState, Mismatch, Plan, PlannedDocument, PlannedKey,
    Publication, RelyingParty, SystemClock, TOKEN_EXCHANGE_AUDIENCE, Timestamp, Wanted,
    site::{Directory, Site},
};
use serde_json::{Value, json};

use super::{
    Exit, Failure, Output,
    inputs::KeyInputs,
    output::{BAD, FAINT, GOOD, STRONG, WARN, printable},
    runtime,
    values::{self, For},
};

/// Publish the discovery document and the JWKS, keeping every key that is already published
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  issuer publish sa.pub --issuer https://issuer.example.com --directory site/")]
pub(crate) struct Publish {
    #[command(flatten)]
    keys: KeyInputs,
    /// The issuer URL, byte for byte as in --service-account-issuer; its path is the place on the site
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Publish to a directory, made if it is not there
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// Print what would change, and write nothing
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    /// Write nothing, and exit 1 if anything would change
    #[arg(long)]
    check: bool,
    /// Drop keys that have been missing from the input for --retain or longer
    #[arg(long)]
    prune: bool,
    /// How long a key stays after it was first missing from the input
    #[arg(long, value_name = "DURATION", default_value = "48h")]
    retain: String,
    /// Drop a key that is no longer in the input at once (repeatable)
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    remove: Vec<String>,
    /// Let the issuer that is published here change to another string
    #[arg(long)]
    allow_issuer_change: bool,
    /// Let a jwks_uri that is published here and is not below the issuer change
    #[arg(long)]
    allow_jwks_uri_change: bool,
    /// Let a published document that cannot be read be made anew, and lose what was in it
    #[arg(long)]
    replace_unreadable: bool,
    /// Whose rules the keys must meet
    #[arg(long = "for", value_name = "WHOM", default_value = "entra")]
    relying_party: For,
    /// Read the documents back from where they are served, and fail if they are not what was written
    #[arg(long, value_name = "URL|DIR")]
    published: Option<String>,
    /// How long to wait for --published to show what was written
    #[arg(long, value_name = "DURATION", default_value = "10s", requires = "published")]
    wait: String,
    /// PEM certificates to trust beside the system's when reading back
    #[arg(long, value_name = "PEM", requires = "published")]
    ca_file: Vec<PathBuf>,
}

/// What became of the documents.
enum Stage {
    /// Refused; nothing was written, unless before another publisher came in between.
    Refused { written: bool },
    /// Asked for by --dry-run or --check; nothing was written.
    Planned { proof: Proof },
    /// Written, or found as they should be.
    Published { proof: Proof },
}

/// From where the documents were read back, or how they differ there; `None` where it was not asked for.
type Proof = Option<Result<String, Mismatch>>;

impl Publish {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let wait = values::seconds("--wait", &self.wait)?;
        let location = |text: &String| values::location("--published", text, Some(&self.directory));
        let location = self.published.as_ref().map(location).transpose()?;
        let issuer: IssuerUrl = values::parse(&self.issuer)?;
        let retain = values::duration("--retain", &self.retain)?;
        let keys = self.keys.read(output)?;
        let fetcher = HttpFetcher::new(&self.ca_file)?;
        let site = Directory::open(&self.directory)?;
        let wanted = Wanted {
            relying_party: self.relying_party.into(),
            prune: self.prune,
            retain,
            remove: self.remove,
            allow_issuer_change: self.allow_issuer_change,
            allow_jwks_uri_change: self.allow_jwks_uri_change,
            replace_unreadable: self.replace_unreadable,
            ..Wanted::new(issuer, keys)
        };
        let (plan, stage) = runtime::block_on(async {
            let only_plan = self.dry_run || self.check;
            let publication = if only_plan {
                let plan = issuer::plan(&site, &wanted, &SystemClock).await?;
                if !plan.refusals.is_empty() {
                    return Ok((plan, Stage::Refused { written: false }));
                }
                Publication { documents: plan.documents.clone(), plan, attempts: 0 }
            } else {
                match issuer::publish(&site, &wanted, &SystemClock).await {
                    Ok(publication) => publication,
                    Err(Error::Refused { plan, written, .. }) => return Ok((*plan, Stage::Refused { written })),
                    Err(error) => return Err(error),
                }
            };
            // What is only planned cannot be read back yet; what is unchanged must be there.
            let proof = match &location {
                Some(location) if !only_plan || publication.plan.is_unchanged() => {
                    let proof = issuer::read_back(&site, &wanted, &publication, location, &fetcher, wait).await?;
                    Some(proof.map(|()| location.to_string()))
                }
                _ => None,
            };
            let stage = if only_plan { Stage::Planned { proof } } else { Stage::Published { proof } };
            Ok::<_, Error>((publication.plan, stage))
        })??;
        if plan.jwks.change == Change::Created && plan.discovery.change == Change::Created && plan.refusals.is_empty() {
            output.note(format!(
                "nothing was published in {} yet; if this issuer is published elsewhere already, add that JWKS to the input, so that no key is lost",
                site.name()
            ));
        }
        plan.warnings.iter().for_each(|warning| output.warning(warning));
        let answer = Answer { site: site.name(), wanted, plan, stage };
        if output.is_json() {
            output.json(&answer.to_json());
        } else {
            output.text(&answer.to_text());
        }
        for refusal in &answer.plan.refusals {
            let hint = Some(refusal.hint());
            let written = if answer.was_written() { "" } else { "; nothing was written" };
            output.failure(&Failure { message: format!("{refusal}{written}"), hint, exit: Exit::No });
        }
        if let Some(Err(mismatch)) = answer.proof() {
            let entra = match mismatch.aadsts() {
                Some(code) if mismatch.is_inconclusive() => {
                    format!("; if Entra cannot read it either, it will answer {code}")
                }
                Some(code) => format!("; Entra will answer {code}"),
                None => String::new(),
            };
            let what = if mismatch.is_inconclusive() { "could not be read back" } else { "is not what is read back" };
            let message = format!("what {} {what}: {mismatch}{entra}", answer.deed());
            output.failure(&Failure { message, hint: Some(mismatch.fix()), exit: Exit::No });
        }
        Ok(answer.exit(self.check))
    }
}

/// The plan, what became of it, and how both print.
struct Answer {
    site: String,
    wanted: Wanted,
    plan: Plan,
    stage: Stage,
}

impl Answer {
    fn exit(&self, check: bool) -> Exit {
        match (&self.stage, self.proof()) {
            (_, Some(Err(mismatch))) if mismatch.is_inconclusive() => Exit::Incomplete,
            (Stage::Refused { .. }, _) | (_, Some(Err(_))) => Exit::No,
            (Stage::Planned { .. }, _) if check && !self.plan.is_unchanged() => Exit::No,
            _ => Exit::Yes,
        }
    }

    fn proof(&self) -> Option<&Result<String, Mismatch>> {
        match &self.stage {
            Stage::Refused { .. } => None,
            Stage::Planned { proof } | Stage::Published { proof } => proof.as_ref(),
        }
    }

    /// Whether this run changed the site.
    fn was_written(&self) -> bool {
        match &self.stage {
            Stage::Refused { written } => *written,
            Stage::Planned { .. } => false,
            Stage::Published { .. } => !self.plan.is_unchanged(),
        }
    }

    /// What happened to the documents, after `what` or `the documents`.
    fn deed(&self) -> &'static str {
        if self.was_written() { "was written" } else { "is on the site" }
    }

    fn to_text(&self) -> String {
        let mut lines = vec![
            format!("{STRONG}issuer{STRONG:#}   {}", self.wanted.issuer),
            format!("{STRONG}site{STRONG:#}     {}", printable(&self.site)),
            String::new(),
        ];
        lines.extend(self.plan.keys.iter().map(key_line));
        lines.push(String::new());
        lines.extend([&self.plan.jwks, &self.plan.discovery].map(|document| self.document_line(document)));
        lines.push(String::new());
        lines.push(self.verdict());
        if matches!(self.stage, Stage::Published { .. }) {
            let issuer = self.wanted.issuer.as_str();
            lines.extend([
                String::new(),
                format!("{STRONG}kube-apiserver{STRONG:#}         --service-account-issuer={issuer}"),
                format!("                       --service-account-jwks-uri={}", self.wanted.issuer.jwks_uri()),
            ]);
            if self.wanted.relying_party == RelyingParty::Entra {
                lines.push(format!(
                    "{STRONG}federated credential{STRONG:#}   issuer {issuer}, audience {TOKEN_EXCHANGE_AUDIENCE}"
                ));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn document_line(&self, document: &PlannedDocument) -> String {
        let (sign, style, change) = match document.change {
            Change::Created => ("+", GOOD, "new"),
            Change::Changed => ("~", WARN, "changed"),
            Change::Recorded => ("=", FAINT, "unchanged, its record is updated"),
            Change::Unchanged => ("=", FAINT, "unchanged"),
        };
        let keys = |count: usize| if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        let is_key_set = document.path == self.plan.jwks.path;
        let change = match document.change {
            Change::Created if is_key_set => keys(self.plan.documents.jwks.keys.len()),
            Change::Changed if is_key_set => {
                let before = self.plan.keys.iter().filter(|key| key.state != KeyState::Added).count();
                let after = self.plan.documents.jwks.keys.len();
                let counts = format!("{} → {}", keys(before), keys(after));
                if before == after { "changed".to_owned() } else { counts }
            }
            _ => change.to_owned(),
        };
        let width = self.plan.jwks.path.as_str().len().max(self.plan.discovery.path.as_str().len());
        format!("  {style}{sign}{style:#} {:width$}  {change}", printable(document.path.as_str()))
    }

    fn verdict(&self) -> String {
        let unchanged = self.plan.is_unchanged();
        let done = match &self.stage {
            Stage::Refused { written: false } => return format!("{BAD}refused{BAD:#}: nothing was written"),
            Stage::Refused { written: true } => return format!("{BAD}refused{BAD:#}: others published meanwhile"),
            Stage::Planned { .. } if !unchanged => return format!("{WARN}planned{WARN:#}: nothing was written"),
            _ if unchanged => "unchanged",
            _ => "published",
        };
        match self.proof() {
            None => {
                format!("{GOOD}{done}{GOOD:#}; nothing was proven from outside: pass --published URL to read it back")
            }
            Some(Ok(place)) => {
                let count = self.plan.documents.jwks.keys.len();
                let keys = if count == 1 { "key" } else { "keys" };
                let place = printable(place);
                format!("{GOOD}{done}{GOOD:#}, and read back from {place}: {count} {keys}, issuer identical")
            }
            Some(Err(mismatch)) if mismatch.is_inconclusive() => {
                format!("{WARN}{done}{WARN:#}, and it could not be read back")
            }
            Some(Err(_)) => format!("{BAD}{done}{BAD:#}, and what is read back is something else"),
        }
    }

    fn to_json(&self) -> Value {
        let (read_back_from, mismatch) = match self.proof() {
            Some(Ok(place)) => (Some(place), None),
            Some(Err(mismatch)) => (None, Some(mismatch)),
            None => (None, None),
        };
        let federated_credential = (self.wanted.relying_party == RelyingParty::Entra)
            .then(|| json!({ "issuer": self.wanted.issuer.as_str(), "audience": TOKEN_EXCHANGE_AUDIENCE }));
        let issuer = self.wanted.issuer.as_str();
        json!({
            "issuer": issuer,
            "site": self.site,
            "changed": !self.plan.is_unchanged(),
            "written": self.was_written(),
            "read_back_from": read_back_from,
            "mismatch": mismatch.map(|mismatch| json!({
                "message": mismatch.to_string(),
                "aadsts": mismatch.aadsts().map(issuer::Aadsts::code),
                "fix": mismatch.fix(),
            })),
            "keys": self.plan.keys.iter().map(key_json).collect::<Vec<_>>(),
            "documents": [document_json(&self.plan.jwks), document_json(&self.plan.discovery)],
            "refusals": self.plan.refusals.iter().map(|refusal| json!({
                "message": refusal.to_string(),
                "hint": refusal.hint(),
            })).collect::<Vec<_>>(),
            "warnings": self.plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "kube_apiserver": {
                "service-account-issuer": issuer,
                "service-account-jwks-uri": self.wanted.issuer.jwks_uri().as_str(),
            },
            "federated_credential": federated_credential,
        })
    }
}

fn key_line(key: &PlannedKey) -> String {
    let (sign, style, state) = match key.state {
        KeyState::Added => ("+", GOOD, "new".to_owned()),
        KeyState::Kept => ("=", FAINT, "published".to_owned()),
        KeyState::Returned => ("=", FAINT, "published, no longer retired".to_owned()),
        KeyState::Retired { since, due } => {
            let (since, when) = (minute(since), minute(due));
            let may = if due <= Timestamp::now() { "due since" } else { "may go from" };
            ("=", WARN, format!("retired {since}, {may} {when} (--prune)"))
        }
        KeyState::Dropped(DropReason::Removed) => ("-", BAD, "dropped, as --remove asks".to_owned()),
        KeyState::Dropped(DropReason::Pruned { since }) => ("-", BAD, format!("dropped, retired {}", minute(since))),
    };
    let kid = printable(if key.kid().is_empty() { "(no kid)" } else { key.kid() });
    let kind = key.jwk.key().map_or_else(|_| "unknown".to_owned(), ToString::to_string);
    format!("  {style}{sign}{style:#} {kid:43}  {kind:8}  {state}")
}

fn key_json(key: &PlannedKey) -> Value {
    let mut value = json!({ "kid": key.kid() });
    if let Ok(public) = key.jwk.key() {
        value["type"] = json!(public.to_string());
        value["alg"] = json!(public.algorithm().name());
    }
    let (state, since) = match key.state {
        KeyState::Added => ("added", None),
        KeyState::Kept => ("kept", None),
        KeyState::Returned => ("returned", None),
        KeyState::Retired { since, due } => {
            value["due"] = json!(due.to_string());
            ("retired", Some(since))
        }
        KeyState::Dropped(DropReason::Removed) => ("removed", None),
        KeyState::Dropped(DropReason::Pruned { since }) => ("pruned", Some(since)),
    };
    value["state"] = json!(state);
    if let Some(since) = since {
        value["retired_since"] = json!(since.to_string());
    }
    value
}

fn document_json(document: &PlannedDocument) -> Value {
    let change = match document.change {
        Change::Created => "created",
        Change::Changed => "changed",
        Change::Recorded => "recorded",
        Change::Unchanged => "unchanged",
    };
    json!({ "path": document.path.as_str(), "change": change })
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%MZ").to_string()
}
