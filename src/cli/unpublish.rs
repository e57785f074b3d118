use std::path::PathBuf;

use clap::{ArgGroup, Args};
use issuer::{IssuerUrl, Removal, RemovalGuard, Timestamp, Token, site::Site};
use serde_json::json;

use super::{
    Exit, Failure, Output,
    clean::printable,
    output::{BAD, GOOD, STRONG},
    runtime,
    site::Root,
    site_args::SiteArgs,
    status::unusable_root,
    token_input::TokenInput,
    values,
};

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Remove the documents of an issuer that no cluster uses any more";

#[derive(Debug, Args)]
#[command(about = ABOUT, group = ArgGroup::new("guard").required(true).multiple(true).args(["token", "force"]))]
#[command(after_help = "Example:
  kubectl create token default > fresh.jwt
  issuer unpublish --account acct --token fresh.jwt

One of --token and --force is needed. The discovery document goes first, then the JWKS. Refused while the token names this issuer.")]
pub(crate) struct Unpublish {
    #[command(flatten)]
    site: SiteArgs,
    /// The issuer URL [default: what is published at the root of the site]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A token the cluster gives now, which shows that it names another issuer by now; - for standard input
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Remove them whatever the cluster's tokens name
    #[arg(long)]
    force: bool,
}

impl Unpublish {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let issuer: Option<IssuerUrl> = self.issuer.as_deref().map(values::parse).transpose()?;
        let request = self.site.request()?;
        // Its end does not matter here, so there is no note on it.
        let input = self.token.map(|path| TokenInput::read(Some(path), None)).transpose()?;
        let mut buffer = Vec::new();
        let token = input.as_ref().map(|input| {
            Token::parse(&input.text, &mut buffer)
                .map_err(|error| issuer::Error::Token { input: input.name.clone(), because: error.to_string() })
        });
        let token = token.transpose()?;
        let guard = match &token {
            Some(token) if !self.force => RemovalGuard::Token { token, now: Timestamp::now() },
            _ => RemovalGuard::Force,
        };
        let steps = output.steps();
        let timeout = request.timeout;
        let (issuer, site, outcome) = runtime::block_on(runtime::within(timeout, async {
            let mut site = request.open(&steps).await?;
            if let Some(credential) = site.credential() {
                output.note(format!("credential for {}: {credential}", site.name()));
            }
            let issuer = match issuer {
                Some(issuer) => Some(issuer),
                None => match site.published_issuer().await? {
                    Root::Issuer(issuer) => Some(issuer),
                    Root::Empty => None,
                    Root::Unusable => return Err(unusable_root(&site)),
                },
            };
            let Some(issuer) = issuer else { return Ok((None, site.name(), Ok(Removal::default()))) };
            site.adapt_to(&issuer)?;
            let outcome = issuer::unpublish(&site, &issuer, &guard).await?;
            Ok((Some(issuer), site.name(), outcome))
        }))??;
        let (removed, refusal) = match outcome {
            Ok(removal) => (removal.removed, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        if issuer.is_none() {
            output.note("an issuer with a path is not found by itself: pass --issuer URL");
        }
        let issuer = issuer.as_ref().map(IssuerUrl::as_str);
        if output.is_json() {
            let removed: Vec<_> = removed.iter().map(issuer::DocumentPath::as_str).collect();
            let refusal =
                refusal.as_ref().map(|refusal| json!({ "message": refusal.to_string(), "hint": refusal.hint() }));
            output.json(&json!({ "issuer": issuer, "site": site, "removed": removed, "refusal": refusal }));
        } else {
            let mut lines: Vec<_> =
                issuer.iter().map(|issuer| format!("{STRONG}issuer{STRONG:#}   {issuer}")).collect();
            lines.extend([format!("{STRONG}site{STRONG:#}     {}", printable(&site)), String::new()]);
            lines.extend(removed.iter().map(|path| format!("  {BAD}-{BAD:#} {}", printable(path.as_str()))));
            if !removed.is_empty() {
                lines.push(String::new());
            }
            lines.push(match (&refusal, removed.is_empty()) {
                (Some(_), _) => format!("{BAD}refused{BAD:#}: nothing was removed"),
                (None, true) => format!("{GOOD}done{GOOD:#}: nothing was there"),
                (None, false) => {
                    format!(
                        "{GOOD}removed{GOOD:#}: tokens of this issuer are refused as soon as relying parties notice"
                    )
                }
            });
            lines.push(String::new());
            output.text(&lines.join("\n"));
        }
        Ok(match refusal {
            None => Exit::Yes,
            Some(refusal) => {
                let message = format!("{refusal}; nothing was removed");
                output.failure(&Failure::new(Exit::No, message, Some(refusal.hint().to_owned())))
            }
        })
    }
}
