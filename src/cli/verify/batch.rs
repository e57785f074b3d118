//! Many tokens: read in chunks, verified on all cores, printed in their order.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    path::{Path, PathBuf},
    time::Instant,
};

use issuer::{Expectations, FileError, Refusal, RelyingParty, Timestamp, TokenError};
use serde::Serialize;

use super::{
    super::{
        Exit, Failure, Output,
        clean::escaped,
        inputs::{is_stdin, name},
    },
    answer::TokenRefusal,
    keys::Keys,
    lines::{Chunk, Lines},
    pipeline,
    progress::Progress,
    tally::Tally,
};

/// A file of tokens, open.
pub(super) struct Tokens {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    /// Its length in bytes, if it is known.
    length: Option<u64>,
}

impl Tokens {
    /// Opens the file before any key is fetched, so that a missing file is reported first.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |source| Failure::from(FileError::Read { path: PathBuf::from(name(path)), source });
        let (reader, length): (Box<dyn Read + Send>, _) = if is_stdin(path) {
            (Box::new(io::stdin()), stdin_length())
        } else {
            let file = File::open(path).map_err(unreadable)?;
            let metadata = file.metadata().map_err(unreadable)?;
            if metadata.is_dir() {
                return Err(unreadable(rustix::io::Errno::ISDIR.into()));
            }
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        };
        Ok(Self { path: path.to_owned(), reader, length })
    }

    /// Whether the input is a pipe or terminal, which may stay open for days.
    pub(super) fn is_stream(&self) -> bool {
        self.length.is_none()
    }
}

/// The length of standard input if it is a file.
fn stdin_length() -> Option<u64> {
    let metadata = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
    metadata.is_file().then_some(metadata.len())
}

/// Verifies the tokens of a file, one a line.
pub(super) fn run(
    tokens: Tokens,
    keys: Keys,
    expectations: Expectations,
    relying_party: RelyingParty,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let Tokens { path, reader, length } = tokens;
    let unreadable = |source| Failure::from(FileError::Read { path: PathBuf::from(name(&path)), source });
    if is_stdin(&path) {
        output.waits_for_stdin();
    }
    let judge = Judge { keys, expectations, relying_party };
    let start = Instant::now();
    let mut tally = Tally::default();
    let progress = Progress::start(length, output.is_talkative());
    output.show_progress(progress.bar());
    let mut lines = Lines::new(reader);
    let print = |answered: Answered| {
        tally.add(&answered.tally);
        progress.advance(answered.bytes, || tally.to_string());
        output.lines(&answered.text)
    };
    let ended = pipeline::run(move || lines.next(), move |chunk| judge.answer(&chunk), print).map_err(|error| {
        let hint = "raise the limit of processes and threads: ulimit -u";
        Failure::new(Exit::Incomplete, format!("cannot start a thread: {error}"), Some(hint.to_owned()))
    })?;
    drop(progress);
    let seconds = start.elapsed().as_secs_f64();
    let rate = (tally.total() as f64 / seconds.max(1e-3)).round();
    if ended.is_ok() || tally.total() > 0 {
        output.summary(format!("{tally}, in {seconds:.1} s ({rate}/s)"));
    }
    ended.map_err(unreadable)?;
    Ok(if tally.total() == tally.accepted { Exit::Yes } else { Exit::No })
}

/// The keys and expectations that every token is verified with.
struct Judge {
    keys: Keys,
    expectations: Expectations,
    relying_party: RelyingParty,
}

/// The verdicts of one chunk.
struct Answered {
    text: Vec<u8>,
    tally: Tally,
    bytes: u64,
}

/// The verdict on one token of a batch.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct LineAnswer<'a> {
    /// The number of the line in the input, from 1.
    line: u64,
    /// Whether the token is accepted.
    #[cfg_attr(test, schemars(extend("enum" = ["accepted", "refused"])))]
    verdict: &'static str,
    /// The issuer of the token; absent if the token is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    /// The subject of the token; absent if the token is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// When the token expires (RFC 3339); absent if the token is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    /// Why the token is refused; absent if the token is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<TokenRefusal>,
}

impl Judge {
    fn answer(&self, chunk: &Chunk) -> Answered {
        let mut answered = Answered { text: Vec::with_capacity(32 << 10), tally: Tally::default(), bytes: chunk.bytes };
        for (line, text) in chunk.lines() {
            let verdict = match text {
                Ok(text) => self.keys.verify(&text_of(text), &self.expectations),
                Err(length) => Err(Refusal::Malformed(TokenError::TooLong(length))),
            };
            let printed = match &verdict {
                Ok(token) => LineAnswer {
                    line,
                    verdict: "accepted",
                    issuer: Some(token.issuer()),
                    subject: Some(token.subject()),
                    expires: Some(token.expires()),
                    refusal: None,
                },
                Err(refusal) => LineAnswer {
                    line,
                    verdict: "refused",
                    issuer: None,
                    subject: None,
                    expires: None,
                    refusal: Some(TokenRefusal::new(refusal, self.relying_party).without_secrets()),
                },
            };
            printed.write(&mut answered.text);
            answered.tally.count(verdict.err().map(|refusal| refusal.check()));
        }
        answered
    }
}

/// A line as text of the same length. Bytes that are not ASCII become `?` in a line that is not UTF-8, which is not a token.
fn text_of(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) => text.into(),
        Err(_) => line.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect(),
    }
}

impl LineAnswer<'_> {
    /// Adds the line.
    fn write(&self, text: &mut Vec<u8>) {
        let start = text.len();
        // Serialising strings and numbers into memory cannot fail.
        let _ = serde_json::to_writer(&mut *text, self);
        if !text[start..].is_ascii() || text[start..].contains(&0x7f) {
            let escaped = escaped(&String::from_utf8_lossy(&text[start..]));
            text.splice(start.., escaped.into_bytes());
        }
        text.push(b'\n');
    }
}
