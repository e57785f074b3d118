mod answer;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::{ArgGroup, Args};
use issuer::{DocumentPath, IssuerUrl, Removal, RemovalGuard, RemovalRefusal, Timestamp, Token, site::Site};

pub(super) use self::answer::Answer;
use self::answer::End;
use super::{
    Exit, Failure, Output,
    clean::printable,
    layout::{report, stderr_width},
    runtime,
    site_args::SiteArgs,
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
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for the issuer to be typed on a terminal
    #[arg(long)]
    yes: bool,
    /// Remove the snapshots of a blob with it; without it, a blob with snapshots stays
    #[arg(long)]
    delete_snapshots: bool,
}

/// What came of it.
enum Ending {
    Refused(RemovalRefusal),
    Planned(Vec<DocumentPath>),
    /// Somebody was asked, and did not type the issuer.
    Declined,
    Removed(Removal),
}

impl Unpublish {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let issuer: Option<IssuerUrl> = self.issuer.as_deref().map(values::parse).transpose()?;
        let mut request = self.site.request()?;
        if self.delete_snapshots {
            request.delete_snapshots();
        }
        // Its end does not matter here, so there is no note on it.
        let input = self.token.map(|path| TokenInput::read(Some(path), None)).transpose()?;
        let mut buffer = Vec::new();
        let token = input.as_ref().map(|input| {
            Token::parse(&input.text, &mut buffer)
                .map_err(|source| issuer::Error::Token { input: input.name.clone(), source })
        });
        let token = token.transpose()?;
        let guard = match &token {
            Some(token) if !self.force => RemovalGuard::Token { token, now: Timestamp::now() },
            _ => RemovalGuard::Force,
        };
        let timeout = request.timeout;
        let asks = !self.yes && !self.dry_run && io::stdin().is_terminal() && io::stderr().is_terminal();
        let (issuer, site, outcome) = runtime::block_on(async {
            let prepare = async {
                let mut site = request.open(output).await?;
                let issuer = match issuer {
                    Some(issuer) => Some(issuer),
                    None => site.issuer_at_root().await?,
                };
                if let Some(issuer) = &issuer {
                    site.adapt_to(issuer)?;
                }
                let planned = match &issuer {
                    Some(issuer) if asks || self.dry_run => Some(issuer::plan_removal(&site, issuer, &guard).await?),
                    _ => None,
                };
                Ok::<_, Failure>((site, issuer, planned))
            };
            let (site, issuer, planned) = Box::pin(runtime::within(timeout, prepare)).await?;
            let name = site.name();
            let Some(issuer) = issuer else {
                let nothing =
                    if self.dry_run { Ending::Planned(Vec::new()) } else { Ending::Removed(Removal::default()) };
                return Ok((None, name, nothing));
            };
            let outcome = match planned {
                Some(Err(refusal)) => Ending::Refused(refusal),
                Some(Ok(paths)) if self.dry_run => Ending::Planned(paths),
                Some(Ok(paths)) if !paths.is_empty() && !is_typed(&issuer, &paths, &name) => Ending::Declined,
                _ => {
                    let removal = async { Ok(issuer::unpublish(&site, &issuer, &guard).await?) };
                    match Box::pin(runtime::within(timeout, removal)).await? {
                        Ok(removal) => Ending::Removed(removal),
                        Err(refusal) => Ending::Refused(refusal),
                    }
                }
            };
            Ok::<_, Failure>((Some(issuer), name, outcome))
        })??;
        if issuer.is_none() {
            output.note("only an issuer without a path is found by itself; for another one pass --issuer URL");
        }
        let answer = Answer::new(issuer.as_ref().map(ToString::to_string), site, outcome);
        if output.is_json() {
            output.json(&answer);
        } else {
            output.text(&answer.to_text());
        }
        Ok(match &answer.refusal {
            Some(refusal) => {
                let message = format!("{}; nothing was removed", refusal.message);
                output.failure(&Failure::new(Exit::No, message, Some(refusal.hint.clone())))
            }
            None if answer.end == End::Declined => {
                let hint = "type the issuer URL byte for byte, or pass --yes".to_owned();
                output.failure(&Failure::new(Exit::No, "the issuer was not typed; nothing was removed", Some(hint)))
            }
            None => Exit::Yes,
        })
    }
}

/// Asks on the terminal for the issuer to be typed: what is removed is not brought back.
fn is_typed(issuer: &IssuerUrl, paths: &[DocumentPath], site: &str) -> bool {
    let paths: Vec<_> = paths.iter().map(|path| printable(path.as_str())).collect();
    let removes = format!(
        "This removes {} from {}.\nRelying parties then refuse tokens of this issuer. Type the issuer to go on:",
        paths.join(" and "),
        printable(site)
    );
    let removes = stderr_width().map_or_else(|| removes.clone(), |width| report(&removes, width));
    let question = format!("{removes}\n  {issuer}\n> ");
    let mut stderr = io::stderr();
    // With stderr gone nobody was asked.
    if write!(stderr, "{question}").and_then(|()| stderr.flush()).is_err() {
        return false;
    }
    let mut line = String::new();
    let is_read = io::stdin().read_line(&mut line).is_ok();
    if !line.ends_with('\n') {
        let _ = writeln!(stderr);
    }
    is_read && line.trim_end_matches(['\r', '\n']) == issuer.as_str()
}
