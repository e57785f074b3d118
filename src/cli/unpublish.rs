use std::path::PathBuf;

use clap::Args;
use issuer::{IssuerUrl, RemovalGuard, Timestamp, Token, site::Site};
use serde_json::json;

use super::{
    Exit, Failure, Output,
    output::{BAD, GOOD, STRONG, printable},
    runtime,
    site_args::SiteArgs,
    status::published_issuer,
    token_input::TokenInput,
    values,
};

/// Remove the documents of an issuer that no cluster uses any more
#[derive(Debug, Args)]
#[command(after_help = "Example:
  kubectl create token default > fresh.jwt
  issuer unpublish --account acct --token fresh.jwt

The discovery document goes first, then the JWKS. Refused while the token names this issuer.")]
pub(crate) struct Unpublish {
    #[command(flatten)]
    site: SiteArgs,
    /// The issuer URL [default: what is published at the root of the site]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A token the cluster gives now, which shows that it names another issuer by now; - for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "force")]
    token: Option<PathBuf>,
    /// Remove them whatever the cluster's tokens name
    #[arg(long)]
    force: bool,
}

impl Unpublish {
    #[inline(never)]
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let issuer: Option<IssuerUrl> = self.issuer.as_deref().map(values::parse).transpose()?;
        let request = self.site.request()?;
        let input = self.token.map(|path| TokenInput::read(Some(path), output)).transpose()?;
        let token = input.as_ref().map(|input| {
            Token::parse(&input.text)
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
                Some(issuer) => issuer,
                None => published_issuer(&mut site).await?,
            };
            site.serve(&issuer)?;
            let outcome = issuer::unpublish(&site, &issuer, &guard).await?;
            Ok((issuer, site.name(), outcome))
        }))??;
        let (removed, refusal) = match outcome {
            Ok(removal) => (removal.removed, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        if output.is_json() {
            let removed: Vec<_> = removed.iter().map(issuer::DocumentPath::as_str).collect();
            let refusal =
                refusal.as_ref().map(|refusal| json!({ "message": refusal.to_string(), "hint": refusal.hint() }));
            output.json(&json!({ "issuer": issuer.as_str(), "site": site, "removed": removed, "refusal": refusal }));
        } else {
            let mut lines = vec![
                format!("{STRONG}issuer{STRONG:#}   {issuer}"),
                format!("{STRONG}site{STRONG:#}     {}", printable(&site)),
                String::new(),
            ];
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
