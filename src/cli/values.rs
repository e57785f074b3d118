//! Values of arguments that need more than clap's own checks, each error a sentence and a hint.

use std::{path::Path, str::FromStr, time::Duration};

use issuer::{Location, RelyingParty, Timestamp, UrlError};
use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::{Exit, Failure};

/// Whose rules apply.
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

/// A value that the library parses; its error is one of the command line.
pub(super) fn parse<T: FromStr<Err = UrlError>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: UrlError| Failure { exit: Exit::Usage, ..Failure::from(error) })
}

/// The longest value that is shown where it should be a number, a time, an address or one of some words.
const GIVEN_MAX: usize = 40;

/// A value that is refused, where it is short and of plain characters; what else stands there may be a secret.
pub(super) fn given(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:+,/ $-[]".contains(&byte);
    if text.len() <= GIVEN_MAX && text.bytes().all(is_plain) {
        format!("{text:?}")
    } else {
        "the given text".to_owned()
    }
}

/// A duration such as `48h`, `2d` or `90s`. A number alone names no unit, and is refused unless it is 0.
pub(super) fn duration(flag: &str, text: &str) -> Result<Duration, Failure> {
    let span: Result<Span, _> = if text == "0" { Ok(Span::new()) } else { text.parse() };
    let duration: Option<SignedDuration> =
        span.ok().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.and_then(|duration| Duration::try_from(duration).ok()).ok_or_else(|| {
        Failure::usage(
            format!("{flag} {} is not a duration", given(text)),
            "write a number and its unit: 90s, 5m, 48h or 2d",
        )
    })
}

/// A duration where a number alone means seconds.
pub(super) fn seconds(flag: &str, text: &str) -> Result<Duration, Failure> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => duration(flag, text),
    }
}

/// A time of RFC 3339.
pub(super) fn time(flag: &str, text: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| {
        let hint = "write it as 2026-11-22T00:10:22Z, with its offset or Z";
        Failure::usage(format!("{flag} {} is not a time of RFC 3339", given(text)), hint)
    })
}

/// Where documents are read from; a directory must be there, unless it is the one that is about to be made.
pub(super) fn location(flag: &str, text: &str, made: Option<&Path>) -> Result<Location, Failure> {
    let location: Location = parse(text)?;
    match &location {
        Location::Directory(directory) if !directory.is_dir() && made != Some(directory) => {
            let hint = "pass a directory that is there, or a URL with its https:// (http:// on this machine)";
            let message = format!("{flag} {text:?} is not a directory");
            Err(Failure::new(Exit::Incomplete, message, Some(hint.to_owned())))
        }
        _ => Ok(location),
    }
}

/// The value of a header: visible ASCII and spaces (RFC 9110 section 5.5).
pub(super) fn header(flag: &str, text: String) -> Result<String, Failure> {
    if !text.is_empty() && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == text {
        return Ok(text);
    }
    Err(Failure::usage(
        format!("{flag} {} is not the value of a header", given(&text)),
        "write it as public, max-age=300",
    ))
}
