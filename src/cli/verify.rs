use std::path::{Path, PathBuf};

use clap::Args;
use issuer::{
    CheckName, Expectations, HttpFetcher, IssuerUrl, Jwks, Location, Outcome, PublishedIssuer, Refusal, RelyingParty,
    Report, ServiceAccount, Timestamp, Token, Verifier,
};
use serde_json::{Value, json};

use super::{
    Exit, Failure, Output,
    inputs::{self, is_stdin, name, stdin_twice},
    output::{BAD, FAINT, GOOD, STRONG, WARN, printable},
    runtime,
    token_input::TokenInput,
    values::{self, For},
};

/// The longest file that is read as a JWKS, in bytes: as long as a published one may be.
const JWKS_FILE_MAX: usize = 1 << 20;

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Verify that a projected service account token validates against what is published";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Example:\n  issuer verify token.jwt --service-account default/workload-identity-sa")]
pub(crate) struct Verify {
    /// A file with the token, or - for standard input [default: $AZURE_FEDERATED_TOKEN_FILE]
    token: Option<PathBuf>,
    /// The issuer to trust [default: the one the token names]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Read the documents from another place instead of the issuer URL
    #[arg(long, value_name = "URL|DIR", conflicts_with = "jwks")]
    published: Option<String>,
    /// Take the keys from a JWKS file, and ask nobody
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// An audience the token may be for (repeatable, one is enough) [default: api://AzureADTokenExchange]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// The service account the token must be of
    #[arg(long, value_name = "NAMESPACE/NAME")]
    service_account: Option<String>,
    /// Judge it as of another time, in RFC 3339
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How far clocks may be apart, in seconds or as 2m
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    leeway: String,
    /// Whose rules apply
    #[arg(long = "for", value_name = "WHOM", default_value = "entra")]
    relying_party: For,
    /// PEM certificates to trust beside the system's
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let now = match &self.at {
            Some(at) => values::time("--at", at)?,
            None => Timestamp::now(),
        };
        let expectations = self.expectations()?;
        let trusted: Option<IssuerUrl> = self.issuer.as_deref().map(values::parse).transpose()?;
        let location = self.published.as_deref().map(|text| values::location("--published", text, None)).transpose()?;
        let location = location.unwrap_or(Location::Issuer);
        let fetcher = HttpFetcher::new(&self.ca_file)?;
        if [&self.token, &self.jwks].into_iter().flatten().filter(|path| is_stdin(path)).count() > 1 {
            return Err(stdin_twice());
        }
        let input = TokenInput::read(self.token, Some(output))?;
        let mut buffer = Vec::new();
        let token = Token::parse(&input.text, &mut buffer).ok();
        let named = token.as_ref().and_then(|token| token.claims.iss.as_deref());
        if trusted.is_none() && self.jwks.is_some() && named.is_some() {
            output.note("the issuer is the token's own word; pass --issuer to hold it to yours");
        }
        let issuer = trusted.or_else(|| named.and_then(|text| text.parse().ok()));
        let verifier = verifier(issuer, self.jwks.as_deref(), &location, &fetcher)?;
        if self.relying_party == For::Oidc && self.audience.is_empty() {
            output.note("the audience is not checked; pass --audience to ask for yours");
        }
        let report = verifier.examine(&input.text, &expectations, now);
        let jwks = self.jwks.as_deref().map(name);
        let answer = Answer { token, report, jwks, relying_party: self.relying_party.into() };
        if output.is_json() {
            output.json(&answer.to_json());
        } else {
            output.text(&answer.to_text());
        }
        Ok(match answer.report.refusal() {
            None => Exit::Yes,
            Some(refusal) if refusal.is_inconclusive() => Exit::Incomplete,
            Some(_) => Exit::No,
        })
    }

    fn expectations(&self) -> Result<Expectations, Failure> {
        let leeway = values::seconds("--leeway", &self.leeway)?;
        let mut expectations = Expectations::of(self.relying_party.into()).leeway(leeway);
        for audience in &self.audience {
            expectations = expectations.audience(audience);
        }
        if let Some(text) = &self.service_account {
            let account: ServiceAccount = text.parse().map_err(|hint: String| {
                Failure::usage(format!("--service-account {text:?} is not a service account"), hint)
            })?;
            expectations = expectations.service_account(account);
        }
        Ok(expectations)
    }
}

/// The verifier for what is published; a runtime and a client are started only where a URL is asked.
fn verifier(
    issuer: Option<IssuerUrl>,
    jwks: Option<&Path>,
    location: &Location,
    fetcher: &HttpFetcher,
) -> Result<Verifier, Failure> {
    let Some(issuer) = issuer else { return Ok(Verifier::without_issuer()) };
    if let Some(path) = jwks {
        let refuse = |because: String| {
            let hint = "pass a JWKS; `issuer jwks` makes one of public keys".to_owned();
            Failure::new(Exit::Incomplete, format!("{} cannot be read: {because}", name(path)), Some(hint))
        };
        let bytes = inputs::read(path, JWKS_FILE_MAX)?;
        if bytes.len() > JWKS_FILE_MAX {
            return Err(refuse(format!("it is longer than {JWKS_FILE_MAX} bytes")));
        }
        let jwks = Jwks::parse(&bytes).map_err(|error| refuse(format!("it is not a JWKS: {error}")))?;
        return Ok(Verifier::from_jwks(issuer, &jwks));
    }
    let published = if let Location::Directory(directory) = location {
        PublishedIssuer::from_directory(&issuer, directory)
    } else {
        runtime::block_on(PublishedIssuer::fetch(&issuer, location, fetcher))?
    };
    Ok(Verifier::from_published(issuer, &published))
}

/// A report and the token it is about, and how both print.
struct Answer<'t> {
    token: Option<Token<'t>>,
    report: Report,
    /// The JWKS file that was given, in place of what is published.
    jwks: Option<String>,
    relying_party: RelyingParty,
}

impl Answer<'_> {
    fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(token) = &self.token {
            let pod = token.claims.kubernetes.as_ref().and_then(|kubernetes| kubernetes.pod.as_ref());
            let pod = pod.map(|pod| format!(", pod {}", printable(&pod.name))).unwrap_or_default();
            let or_none = |text: Option<&str>| printable(text.unwrap_or("(none)"));
            lines.push(format!("{STRONG}token{STRONG:#}    {}{pod}", or_none(token.claims.sub.as_deref())));
            lines.push(format!("{STRONG}issuer{STRONG:#}   {}", or_none(token.claims.iss.as_deref())));
            lines.push(String::new());
        }
        for checked in &self.report.checks {
            let name = checked.name;
            match &checked.outcome {
                Outcome::Passed(seen) => lines.push(format!("  {GOOD}ok{GOOD:#}       {name:9}  {}", printable(seen))),
                // A token that cannot be read leaves nothing else to look at.
                Outcome::Skipped(_) if self.token.is_none() => {}
                Outcome::Skipped(because) => {
                    lines.push(format!("  {FAINT}skipped  {name:9}  {}{FAINT:#}", printable(because)));
                }
                Outcome::Failed(refusal) => {
                    if let Some((expected, seen)) = refusal.expected_and_seen() {
                        let (expected, seen) = (printable(&expected), printable(&seen));
                        lines.push(format!("  {BAD}failed{BAD:#}   {name:9}  expected {expected}"));
                        lines.push(format!("                      seen     {seen}"));
                    } else {
                        let message = printable(&refusal.to_string());
                        lines.push(format!("  {BAD}failed{BAD:#}   {name:9}  {message}"));
                    }
                }
            }
        }
        lines.push(String::new());
        lines.extend(self.verdict());
        lines.push(String::new());
        lines.join("\n")
    }

    fn verdict(&self) -> Vec<String> {
        let Some(refusal) = self.report.refusal() else {
            let seen = |name| {
                self.report.checks.iter().find(|checked| checked.name == name).and_then(|checked| {
                    match &checked.outcome {
                        Outcome::Passed(seen) => Some(seen.as_str()),
                        _ => None,
                    }
                })
            };
            let key = seen(CheckName::Signature).unwrap_or_default();
            let accepted = match &self.jwks {
                None => format!("{GOOD}accepted{GOOD:#}: signed with a published key, {key}"),
                Some(file) => format!(
                    "{GOOD}accepted{GOOD:#}: signed with a key of {}, {key}; whether it is published was not checked",
                    printable(file)
                ),
            };
            let entra = "takes it where a federated credential has this issuer, subject and audience";
            return match self.relying_party {
                RelyingParty::Entra => vec![accepted, format!("{STRONG}Entra{STRONG:#} {entra}")],
                _ => vec![accepted],
            };
        };
        let word = if refusal.is_inconclusive() { "undecided" } else { "refused" };
        let because = match (self.relying_party, refusal.aadsts()) {
            (RelyingParty::Entra, Some(code)) if refusal.is_inconclusive() => {
                format!("a document could not be read; if Entra cannot read it either, it will answer {code}")
            }
            (RelyingParty::Entra, Some(code)) => format!("Entra will answer {code}, {}", code.meaning()),
            (RelyingParty::Entra, None) => format!("{refusal}, though Entra may take it"),
            _ => refusal.to_string(),
        };
        let style = if refusal.is_inconclusive() { WARN } else { BAD };
        vec![
            format!("{style}{word}{style:#}: {}", printable(&because)),
            format!("{STRONG}fix{STRONG:#}: {}", printable(&refusal.fix())),
        ]
    }

    fn to_json(&self) -> Value {
        let refusal = self.report.refusal();
        let verdict = match refusal {
            None => "accepted",
            Some(refusal) if refusal.is_inconclusive() => "undecided",
            Some(_) => "refused",
        };
        let claims = self.token.as_ref().map(|token| &token.claims);
        json!({
            "verdict": verdict,
            "issuer": claims.and_then(|claims| claims.iss.as_ref()),
            "subject": claims.and_then(|claims| claims.sub.as_ref()),
            "checks": self.report.checks.iter().map(check_json).collect::<Vec<_>>(),
            "refusal": refusal.map(|refusal| self.refusal_json(refusal)),
        })
    }

    fn refusal_json(&self, refusal: &Refusal) -> Value {
        let code = refusal.aadsts().filter(|_| self.relying_party == RelyingParty::Entra);
        json!({
            "check": id(refusal.check()),
            "message": refusal.to_string(),
            "aadsts": code.map(issuer::Aadsts::code),
            "meaning": code.map(issuer::Aadsts::meaning),
            "fix": refusal.fix(),
        })
    }
}

fn check_json(checked: &issuer::Checked) -> Value {
    let name = id(checked.name);
    match &checked.outcome {
        Outcome::Passed(seen) => json!({ "check": name, "outcome": "passed", "seen": seen }),
        Outcome::Failed(refusal) => {
            let mut value = json!({ "check": name, "outcome": "failed", "message": refusal.to_string() });
            if let Some((expected, seen)) = refusal.expected_and_seen() {
                value["expected"] = json!(expected);
                value["seen"] = json!(seen);
            }
            value
        }
        Outcome::Skipped(because) => json!({ "check": name, "outcome": "skipped", "because": because }),
    }
}

/// The name of a check in JSON.
fn id(name: CheckName) -> String {
    name.to_string().replace(' ', "_")
}
