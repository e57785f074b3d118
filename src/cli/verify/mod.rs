mod answer;
pub(super) mod batch;
mod keys;
mod lines;
mod pipeline;
mod progress;
mod tally;
mod text;
mod trust;

use std::{path::PathBuf, time::Duration};

pub(super) use answer::Answer;
use answer::Verdict;
use clap::Args;
use issuer::{Expectations, RelyingParty, ServiceAccount, Timestamp, Token, Verifier};
use keys::Keys;
use trust::{Trust, Trusted};

use super::{
    Exit, Failure, Output,
    inputs::{is_stdin, no_token, stdin_twice},
    output::second,
    token_input::{TokenInput, no_list},
    values::{self, For},
};

/// The longest leeway of a verdict that is also said of Entra: the default here and of the usual libraries.
const LEEWAY_MAX: Duration = Duration::from_mins(1);

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Verify that projected service account tokens validate against what is published";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Examples:
  issuer verify token.jwt --service-account default/workload-identity-sa
  issuer verify --batch all.txt --issuer https://issuer.example.com > out")]
pub(crate) struct Verify {
    /// A file with the token, or - for standard input [default: $AZURE_FEDERATED_TOKEN_FILE]
    token: Option<PathBuf>,
    /// A file of tokens, one a line, or - for standard input: one line of JSON for each, in their order
    #[arg(long, value_name = "FILE", conflicts_with = "token", requires = "issuer")]
    batch: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// An audience the token may be for (repeatable, one is enough) [default: api://AzureADTokenExchange]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// The service account the token must be of
    #[arg(long, value_name = "NAMESPACE/NAME")]
    service_account: Option<String>,
    /// Judge the token as of another time, in RFC 3339
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Accepted difference between clocks, in seconds or as 2m
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    leeway: String,
    /// Relying party whose rules apply
    #[arg(long = "for", value_name = "PARTY", default_value = "entra")]
    relying_party: For,
}

impl Verify {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let at = self.at.as_deref().map(|at| values::time("--at", at)).transpose()?;
        let leeway = values::seconds("--leeway", &self.leeway)?;
        let expectations = self.expectations(leeway)?;
        let trusted = self.trust.check()?;
        let inputs = [&self.token, &self.batch, &trusted.jwks];
        if inputs.into_iter().flatten().filter(|path| is_stdin(path)).count() > 1 {
            return Err(stdin_twice());
        }
        let tell_of_audience = |output: &mut Output| {
            if self.relying_party == For::Oidc && self.audience.is_empty() {
                output.note("the audience is not checked; pass --audience to ask for yours");
            }
        };
        if let Some(path) = &self.batch {
            no_token(path)?;
            let tokens = batch::Tokens::open(path)?;
            let is_refreshed = tokens.is_stream() && trusted.jwks.is_none();
            let keys =
                if is_refreshed { Keys::refreshing(&trusted, at, output)? } else { Keys::fixed(&trusted, at, output)? };
            tell_of_audience(output);
            return batch::run(tokens, keys, expectations, self.relying_party.into(), output);
        }
        let input = TokenInput::read(self.token, Some(output))?;
        no_list(&input, &format!("verify them all: issuer verify --batch {} --issuer URL", input.name))?;
        let mut buffer = Vec::new();
        let token = Token::parse(&input.text, &mut buffer).ok();
        let named = token.as_ref().and_then(|token| token.claims.iss.as_deref());
        if trusted.issuers.is_empty() && trusted.jwks.is_some() && named.is_some() {
            output.note("the issuer was taken from the token; pass --issuer to check it");
        }
        let issuers = match &trusted.issuers[..] {
            [] => named.and_then(|text| text.parse().ok()).into_iter().collect(),
            issuers => issuers.to_vec(),
        };
        let verifier: Verifier = trusted.read(issuers, output)?.into_iter().collect();
        tell_of_audience(output);
        let report = verifier.examine(&input.text, &expectations, at.unwrap_or_else(Timestamp::now));
        let relying_party = self.relying_party.into();
        let limits = if relying_party == RelyingParty::Entra { limits(&trusted, at, leeway) } else { Vec::new() };
        let answer = Answer::new(token.as_ref(), &report, limits, trusted.elsewhere(), relying_party);
        answer.warnings.iter().for_each(|warning| output.warning(warning));
        if output.is_json() {
            output.json(&answer);
        } else {
            output.text(&answer.to_text());
        }
        Ok(match answer.verdict {
            Verdict::Accepted => Exit::Yes,
            Verdict::Undecided => Exit::Incomplete,
            Verdict::Refused => Exit::No,
        })
    }

    fn expectations(&self, leeway: Duration) -> Result<Expectations, Failure> {
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

/// What differs from what Entra judges: it reads the issuer URL over public trust, now, with a leeway of its own.
fn limits(trusted: &Trusted, at: Option<Timestamp>, leeway: Duration) -> Vec<String> {
    let mut limits = trusted.limits();
    if let Some(at) = at {
        limits.push(format!("the token was judged as of {}, not of now", second(at)));
    }
    if leeway > LEEWAY_MAX {
        limits.push(format!("the leeway was {} s; Entra may allow less", leeway.as_secs_f64()));
    }
    limits
}
