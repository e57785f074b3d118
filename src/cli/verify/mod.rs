mod answer;
pub(super) mod batch;
mod keys;
mod lines;
mod pipeline;
mod progress;
mod tally;
mod text;
pub(super) mod trust;

use std::{path::PathBuf, time::Duration};

pub(super) use answer::Answer;
use answer::{Sources, Verdict};
use clap::Args;
use issuer::{
    Assertion, CredentialMismatch, Expectations, RelyingParty, ServiceAccount, TOKEN_EXCHANGE_AUDIENCE, Timestamp,
    Token, TrustedIssuer, Verifier, kubernetes::TokenRequest,
};
use keys::Keys;
use trust::{Trust, Trusted};

use super::{
    Exit, Failure, Output,
    azure_args::{AksArgs, AzureArgs},
    cluster_args::ClusterArgs,
    credentials::{CredentialInputs, Credentials},
    inputs::{is_stdin, no_token, stdin_twice},
    output::second,
    token_input::{TokenInput, no_list},
    values::{self, For},
};

/// The longest leeway with which a verdict also applies to Entra: the default here and in common JWT libraries.
const LEEWAY_MAX: Duration = Duration::from_mins(1);

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Verify service account tokens against the published documents";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Verify projected service account tokens against the published documents of their issuer.

Each check is listed with its result. The first check that fails decides which AADSTS code Entra will return, and the \
fix. Without --issuer, the issuer that the token names is used, and it must be a public host.",
    after_help = "Examples:
  issuer verify token.jwt --service-account default/workload-identity-sa
  issuer verify token.jwt --credential credentials.json
  issuer verify --from-cluster --service-account default/workload-identity-sa
  issuer verify --batch all.txt --issuer https://issuer.example.com > out"
)]
pub(crate) struct Verify {
    /// Read the token from this file; - means standard input
    ///
    /// The default is the file that AZURE_FEDERATED_TOKEN_FILE names.
    token: Option<PathBuf>,
    /// Verify each line of this file, and print one line of JSON for each
    ///
    /// - means standard input. The results have the order of the tokens. All cores are used.
    #[arg(long, value_name = "FILE", conflicts_with = "token", requires = "trusted")]
    batch: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    credentials: CredentialInputs,
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    aks: AksArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Accept this audience (repeatable) [default: api://AzureADTokenExchange]
    ///
    /// One of the given audiences must be in the token. With --credential, the default is the audience of the credentials.
    /// With --for oidc there is no default.
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// Require this service account as the subject
    ///
    /// With --from-cluster, a fresh token of this service account is requested and verified.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    service_account: Option<String>,
    /// Verify the token as if it were this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Allow this difference between clocks
    ///
    /// A number without a unit means seconds.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    leeway: String,
    /// Select the relying party whose rules apply
    #[arg(long = "for", value_name = "PARTY", default_value = "entra")]
    relying_party: For,
}

impl Verify {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let at = self.at.as_deref().map(|at| values::time("--at", at)).transpose()?;
        let leeway = values::seconds("--leeway", &self.leeway)?;
        let expectations = self.expectations(leeway)?;
        let cluster = match (self.cluster.chosen()?, self.account()?) {
            (Some(options), Some(account)) => Some((options, account)),
            (Some(_), None) => {
                let hint = "pass --service-account NAMESPACE/NAME";
                return Err(Failure::usage("--from-cluster needs a service account", hint));
            }
            (None, _) => None,
        };
        let given = [("a token file", self.token.is_some()), ("--batch", self.batch.is_some())];
        if let Some((what, _)) = given.into_iter().find(|(_, is_given)| cluster.is_some() && *is_given) {
            let message = format!("{what} is not used with --from-cluster, which requests a token");
            return Err(Failure::usage(message, "leave out one of them"));
        }
        let inputs = [self.token.as_ref(), self.batch.as_ref(), self.trust.jwks()];
        if inputs.into_iter().flatten().filter(|path| is_stdin(path)).count() + self.credentials.stdin().count() > 1 {
            return Err(stdin_twice());
        }
        let requests = self.trust.requests()?;
        let mut trust = self.trust;
        if let Some(issuer) = self.aks.read_issuer(&self.azure, &requests, output)? {
            trust.trust(&issuer);
        }
        let trusted = trust.check()?;
        let credentials = self.credentials.read(&self.azure, &requests, output)?;
        if credentials.is_some() && self.relying_party == For::Oidc {
            let hint = "leave out --credential or --for oidc";
            return Err(Failure::usage("--credential applies only to Entra, not with --for oidc", hint));
        }
        let expectations = match &credentials {
            Some(credentials) => expectations.credentials(credentials.list.iter().cloned()),
            None => expectations,
        };
        let note_unchecked_audience = |output: &mut Output| {
            if self.relying_party == For::Oidc && self.audience.is_empty() {
                output.note("the audience is not checked; pass --audience to check it");
            }
        };
        if let Some(path) = &self.batch {
            no_token(path)?;
            let tokens = batch::Tokens::open(path)?;
            let is_refreshed = tokens.is_stream() && trusted.jwks.is_none();
            let keys =
                if is_refreshed { Keys::refreshing(&trusted, at, output)? } else { Keys::fixed(&trusted, at, output)? };
            note_unchecked_audience(output);
            return batch::run(tokens, keys, expectations, self.relying_party.into(), output);
        }
        let input = match cluster {
            Some((options, account)) => {
                let request = token_request(account, &self.audience, self.relying_party, credentials.as_ref());
                self.cluster.request_token(&options, &request, output)?
            }
            None => TokenInput::read(self.token, Some(output))?,
        };
        no_list(&input, &format!("verify all of them: issuer verify --batch {} --issuer URL", input.name))?;
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
        let assertion = token.as_ref().map(|token| Assertion::from(&token.claims)).unwrap_or_default();
        let mismatch = credentials.as_ref().and_then(|credentials| assertion.find(&credentials.list).err());
        let is_fetched = mismatch.as_ref().is_none_or(|mismatch| !mismatch.is_before_fetching());
        let not_evaluated =
            mismatch.filter(|mismatch| matches!(mismatch, CredentialMismatch::ExpressionNotEvaluated { .. }));
        let not_evaluated = not_evaluated.map(|mismatch| mismatch.to_string());
        let verifier: Verifier = if trusted.fetches() && !is_fetched {
            issuers.into_iter().map(TrustedIssuer::not_fetched).collect()
        } else {
            trusted.read(issuers, output)?.into_iter().collect()
        };
        note_unchecked_audience(output);
        let report = verifier.examine(&input.text, &expectations, at.unwrap_or_else(Timestamp::now));
        let relying_party = self.relying_party.into();
        let mut limits = if relying_party == RelyingParty::Entra { limits(&trusted, at, leeway) } else { Vec::new() };
        limits.extend(not_evaluated);
        let sources =
            Sources { keys: trusted.elsewhere(), credentials: credentials.map(|credentials| credentials.from) };
        let answer = Answer::new(token.as_ref(), &report, limits, sources, relying_party);
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
        if let Some(account) = self.account()? {
            expectations = expectations.service_account(account);
        }
        Ok(expectations)
    }

    fn account(&self) -> Result<Option<ServiceAccount>, Failure> {
        self.service_account.as_deref().map(|text| values::service_account("--service-account", text)).transpose()
    }
}

/// The request for a token with the audience that is then expected.
fn token_request(
    account: ServiceAccount,
    audiences: &[String],
    relying_party: For,
    credentials: Option<&Credentials>,
) -> TokenRequest {
    let request = TokenRequest::new(account);
    let of_credentials = credentials.and_then(|credentials| credentials.list.first()?.audiences.first());
    match (audiences, of_credentials, relying_party) {
        ([], Some(audience), _) => request.audience(audience),
        ([], None, For::Entra) => request.audience(TOKEN_EXCHANGE_AUDIENCE),
        // Without an audience, the API server uses its own.
        (audiences, _, _) => audiences.iter().fold(request, TokenRequest::audience),
    }
}

/// How the input differs from what Entra evaluates: Entra fetches the issuer URL with public certificate authorities, at the
/// current time, with its own leeway.
fn limits(trusted: &Trusted, at: Option<Timestamp>, leeway: Duration) -> Vec<String> {
    let mut limits = trusted.limits();
    if let Some(at) = at {
        limits.push(format!("the token was verified as of {}, not as of now", second(at)));
    }
    if leeway > LEEWAY_MAX {
        limits.push(format!("the leeway was {} s; Entra may allow less", leeway.as_secs_f64()));
    }
    limits
}
