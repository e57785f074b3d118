use std::{fmt::Write, path::PathBuf};

use clap::Args;
use issuer::{Error, Inspection, Timestamp, TokenError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Exit, Failure, Output,
    clean::visible,
    output::{FAINT, STRONG},
    token_input::{TokenInput, no_list},
};

/// The maximum width of the column of names. A longer name pushes its value to the right.
const WIDTH_MAX: usize = 40;

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Show the header and claims of a token, without verifying it";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Show the header and claims of a token. Nothing is verified, so the claims prove nothing.",
    after_help = "Example:\n  issuer inspect token.jwt"
)]
pub(crate) struct Inspect {
    /// Read the token from this file; - means standard input
    ///
    /// The default is the file that AZURE_FEDERATED_TOKEN_FILE names.
    token: Option<PathBuf>,
}

/// The parts of a token.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Answer {
    /// The members of the JOSE header, in their order.
    header: Map<String, Value>,
    /// The claims, in their order.
    claims: Map<String, Value>,
    /// The times among the claims, in RFC 3339; a claim that is absent, or is not a number of seconds, is left out.
    times: Times,
}

/// The times of a token.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Times {
    /// When the token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<Timestamp>,
    /// When the token becomes valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<Timestamp>,
    /// When the token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<Timestamp>,
}

impl From<Inspection> for Answer {
    fn from(inspection: Inspection) -> Self {
        let [iat, nbf, exp] = ["iat", "nbf", "exp"].map(|name| inspection.time(name));
        Self { header: inspection.header, claims: inspection.claims, times: Times { iat, nbf, exp } }
    }
}

impl Times {
    /// The text of a claim that is a time. An expiry also shows the lifetime of the token.
    fn text(&self, claim: &str) -> Option<String> {
        let second = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        match claim {
            "iat" => self.iat.map(second),
            "nbf" => self.nbf.map(second),
            "exp" => {
                let exp = self.exp?;
                let lives = self.iat.map(|issued| format!(", lifetime {:#}", exp.duration_since(issued)));
                Some(format!("{}{}", second(exp), lives.unwrap_or_default()))
            }
            _ => None,
        }
    }
}

impl Inspect {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let input = TokenInput::read(self.token, Some(output))?;
        no_list(&input, "pass a file with one token, such as the first line: head -1")?;
        let inspection = Inspection::parse(&input.text).map_err(|because| {
            let hint = match &because {
                TokenError::Other(other) => Some(other.fix().to_owned()),
                _ => None,
            };
            let failure = Failure::from(Error::Token { input: input.name.clone(), source: because });
            Failure { hint: hint.or(failure.hint), ..failure }
        })?;
        let answer = Answer::from(inspection);
        if output.is_json() {
            output.json_whole(&answer);
        } else {
            output.text(&answer.to_text());
        }
        Ok(Exit::Yes)
    }
}

impl Answer {
    fn to_text(&self) -> String {
        let mut text = format!("{STRONG}header{STRONG:#}\n");
        show(&mut text, &self.header, |_| None);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{STRONG}claims{STRONG:#}");
        show(&mut text, &self.claims, |name| self.times.text(name));
        text
    }
}

/// Adds one line for each member. The name of a nested member starts with the names of the objects around it.
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

/// The start of a name that is repeated for every nested member.
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
