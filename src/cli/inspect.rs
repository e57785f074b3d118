use std::{fmt::Write, path::PathBuf};

use clap::Args;
use issuer::{Error, Inspection, Timestamp, TokenError};
use serde_json::{Map, Value, json};

use super::{
    Exit, Failure, Output,
    clean::visible,
    output::{FAINT, STRONG},
    token_input::{TokenInput, no_list},
};

/// The widest column of names: a longer name stands out of it.
const WIDTH_MAX: usize = 40;

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Show the header and claims of a token, without judging it";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Example:\n  issuer inspect token.jwt")]
pub(crate) struct Inspect {
    /// A file with the token, or - for standard input [default: $AZURE_FEDERATED_TOKEN_FILE]
    token: Option<PathBuf>,
}

impl Inspect {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let input = TokenInput::read(self.token, &output.steps(), Some(output))?;
        no_list(&input, "take out the one to show: head -1")?;
        let inspection = Inspection::parse(&input.text).map_err(|because| {
            let hint = match &because {
                TokenError::Other(other) => Some(other.fix().to_owned()),
                _ => None,
            };
            let failure = Failure::from(Error::Token { input: input.name.clone(), source: because });
            Failure { hint: hint.or(failure.hint), ..failure }
        })?;
        let Inspection { header, claims } = &inspection;
        let times = ["iat", "nbf", "exp"].map(|name| (name, inspection.time(name)));
        if output.is_json() {
            let times: Map<_, _> = times
                .into_iter()
                .filter_map(|(name, time)| Some((name.to_owned(), json!(time?.to_string()))))
                .collect();
            output.json_whole(&json!({ "header": header, "claims": claims, "times": times }));
            return Ok(Exit::Yes);
        }
        let mut text = format!("{STRONG}header{STRONG:#}\n");
        show(&mut text, header, |_| None);
        let _ = writeln!(text, "\n{STRONG}claims{STRONG:#}");
        show(&mut text, claims, |name| {
            let time = times.into_iter().find(|(known, _)| *known == name)?.1?;
            Some(moment(name, time, inspection.time("iat")))
        });
        output.text(&text);
        Ok(Exit::Yes)
    }
}

/// A time for people; an expiry also as how long the token lives.
fn moment(name: &str, time: Timestamp, issued: Option<Timestamp>) -> String {
    let lives = issued
        .filter(|_| name == "exp")
        .map(|issued| format!(", lives {:#}", time.duration_since(issued)))
        .unwrap_or_default();
    format!("{}{lives}", time.strftime("%Y-%m-%d %H:%M:%SZ"))
}

/// One line a member; members of members are set in below it.
fn show(text: &mut String, members: &Map<String, Value>, time: impl Fn(&str) -> Option<String>) {
    let mut lines = Vec::new();
    members.iter().for_each(|(name, value)| flatten(&mut lines, name.clone(), value));
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default().min(WIDTH_MAX);
    for (name, value) in lines {
        let time = time(&name).map(|time| format!("  {FAINT}{time}{FAINT:#}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:width$}  {}{time}", visible(&name), visible(&value));
    }
}

/// A name that would be repeated for every member below it, cut where it gets long.
fn shortened(name: &str) -> String {
    name.chars().take(2 * WIDTH_MAX).collect()
}

fn flatten(lines: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(member, value)| flatten(lines, format!("{} {member}", shortened(&name)), value));
        }
        Value::Array(values) if values.iter().all(Value::is_string) && !values.is_empty() => {
            let texts: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            lines.push((name, texts.join(", ")));
        }
        Value::String(text) => lines.push((name, text.clone())),
        other => lines.push((name, other.to_string())),
    }
}
