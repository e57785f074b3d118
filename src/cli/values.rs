//! Parsers of argument values, whose errors have a hint.

use std::{path::Path, str::FromStr, time::Duration};

use clap::CommandFactory;
use issuer::{Hint, Location, RelyingParty, ServiceAccount, ServiceAccountError, Timestamp, UrlError};
use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::{Cli, Exit, Failure};

/// The relying party whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum For {
    /// Microsoft Entra ID
    Entra,
    /// Any OpenID Connect relying party
    Oidc,
}

impl From<For> for RelyingParty {
    fn from(value: For) -> Self {
        match value {
            For::Entra => Self::Entra,
            For::Oidc => Self::Oidc,
        }
    }
}

/// Parses a value with the library. Its error is a usage error.
pub(super) fn parse<T: FromStr<Err = UrlError>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: UrlError| Failure { exit: Exit::Usage, ..Failure::from(error) })
}

/// The longest rejected value that an error shows, in bytes.
const GIVEN_MAX: usize = 40;

/// A rejected value as errors show it. Only a short value of plain characters is shown, because another may be a secret.
pub(super) fn given(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:+,/ $-[]".contains(&byte);
    if text.len() <= GIVEN_MAX && text.bytes().all(is_plain) {
        format!("{text:?}")
    } else {
        "the given value".to_owned()
    }
}

/// Checks the name of an environment variable.
pub(super) fn variable_name(name: &str) -> Result<(), Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.bytes().all(is_plain) && !name.as_bytes()[0].is_ascii_digit() {
        return Ok(());
    }
    let hint = "pass a name of letters, digits and underscores, such as PGPASSWORD";
    Err(Failure::usage(format!("{} is no name of a variable", given(name)), hint))
}

/// Parses a duration such as `48h`, `2d` or `90s`. A number without a unit is rejected, except 0.
pub(super) fn duration(flag: &str, text: &str) -> Result<Duration, Failure> {
    let span: Result<Span, _> = if text == "0" { Ok(Span::new()) } else { text.parse() };
    let duration: Option<SignedDuration> =
        span.ok().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.and_then(|duration| Duration::try_from(duration).ok()).ok_or_else(|| {
        Failure::usage(
            format!("{flag} {} is not a duration", given(text)),
            "pass a number with a unit: 90s, 5m, 48h or 2d",
        )
    })
}

/// Parses a duration. A number without a unit means seconds.
pub(super) fn seconds(flag: &str, text: &str) -> Result<Duration, Failure> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => duration(flag, text),
    }
}

/// Parses a time of RFC 3339.
pub(super) fn time(flag: &str, text: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| {
        let hint = "pass for example 2026-11-22T00:10:22Z, with an offset or Z";
        Failure::usage(format!("{flag} {} is not an RFC 3339 time", given(text)), hint)
    })
}

/// Parses a service account.
pub(super) fn service_account(flag: &str, text: &str) -> Result<ServiceAccount, Failure> {
    text.parse()
        .map_err(|error: ServiceAccountError| Failure::new(Exit::Usage, format!("{flag}: {error}"), error.hint()))
}

/// Parses the place that documents are read from. A directory must exist, except one that this run creates.
pub(super) fn location(flag: &str, text: &str, made: Option<&Path>) -> Result<Location, Failure> {
    let location: Location = parse(text)?;
    match &location {
        Location::Directory(directory) if !directory.is_dir() && made != Some(directory) => {
            let hint = "pass an existing directory, or a URL that starts with https:// (http:// on loopback)";
            let message = format!("{flag} {text:?} is not a directory");
            Err(Failure::new(Exit::Incomplete, message, Some(hint.to_owned())))
        }
        _ => Ok(location),
    }
}

/// Checks that key IDs, which may start with a hyphen, are not flags whose key ID was forgotten.
pub(super) fn key_ids(flag: &str, kids: &[String]) -> Result<(), Failure> {
    // The flags of all commands are built only if a key ID could be one.
    let Some(kid) = kids.iter().find(|kid| kid.starts_with('-') && is_flag(kid)) else { return Ok(()) };
    let message = format!("{flag} requires a key ID, but the next argument is the flag {kid}");
    Err(Failure::usage(message, format!("pass {flag} KID; issuer status lists the key IDs")))
}

/// Whether a text is a flag of `publish`.
fn is_flag(text: &str) -> bool {
    let mut command = Cli::command();
    command.build();
    let publish = command.find_subcommand("publish").into_iter().flat_map(clap::Command::get_arguments);
    publish.into_iter().any(|argument| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        [long, short].iter().flatten().any(|flag| text == flag)
    })
}

/// Checks the value of a header: visible ASCII and spaces (RFC 9110 section 5.5).
pub(super) fn header(flag: &str, text: String) -> Result<String, Failure> {
    if !text.is_empty() && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == text {
        return Ok(text);
    }
    Err(Failure::usage(
        format!("{flag} {} is not a valid header value", given(&text)),
        "pass for example: public, max-age=300",
    ))
}
