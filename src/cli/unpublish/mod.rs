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

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Remove the documents of an issuer that no cluster uses any more";

#[derive(Debug, Args)]
#[command(about = ABOUT, group = ArgGroup::new("guard").required(true).multiple(true).args(["token", "force"]))]
#[command(
    long_about = "Remove the discovery document, then the JWKS, of an issuer that no cluster uses any more.

Pass a current token of the cluster with --token: the command refuses to remove an issuer that the token names. \
--force skips this check.",
    after_help = "Example:
  kubectl create token default > fresh.jwt
  issuer unpublish --account acct --token fresh.jwt
"
)]
pub(crate) struct Unpublish {
    #[command(flatten)]
    site: SiteArgs,
    /// Set the issuer URL [default: the issuer at the root of the site]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Read a current token of the cluster, which must name another issuer
    ///
    /// - means standard input.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Remove the documents without checking a token of the cluster
    #[arg(long)]
    force: bool,
    /// Print the documents that would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Skip the confirmation on a terminal
    #[arg(long)]
    yes: bool,
    /// Remove the snapshots of the blobs too
    ///
    /// Without this flag a blob with snapshots is not removed.
    #[arg(long)]
    delete_snapshots: bool,
}

/// The result of a run.
enum Ending {
    Refused(RemovalRefusal),
    Planned(Vec<DocumentPath>),
    /// The user did not confirm the removal.
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
        // A newline at its end is harmless here, so there is no note about it.
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
            output.note("only an issuer without a path can be found; for another issuer pass --issuer URL");
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

/// Asks the user on the terminal to type the issuer, because a removal cannot be undone.
fn is_typed(issuer: &IssuerUrl, paths: &[DocumentPath], site: &str) -> bool {
    let paths: Vec<_> = paths.iter().map(|path| printable(path.as_str())).collect();
    let removes = format!(
        "This removes {} from {}.\nRelying parties then reject tokens of this issuer. Type the issuer to continue:",
        paths.join(" and "),
        printable(site)
    );
    let removes = stderr_width().map_or_else(|| removes.clone(), |width| report(&removes, width));
    let question = format!("{removes}\n  {issuer}\n> ");
    let mut stderr = io::stderr();
    // Without standard error the user cannot confirm.
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
