//! Many tokens: read in chunks, verified on all cores, answered in their order.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read},
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Instant,
};

use issuer::{CheckName, Error, Expectations, Refusal, RelyingParty, Timestamp, TokenError, TrustedIssuer, Verifier};
use serde::Serialize;
use serde_json::Value;

use super::{
    answer::refusal_json,
    lines::{Chunk, Lines},
    progress::Progress,
};
use crate::cli::{
    Exit, Failure, Output,
    inputs::{is_stdin, name},
    output::escaped,
};

/// How many chunks may be read and not printed yet, for each thread: one that takes long must not have the others pile up.
const AHEAD: usize = 4;

/// Verifies the tokens of a file, one a line.
pub(super) fn run(
    path: &Path,
    issuers: Vec<TrustedIssuer>,
    expectations: Expectations,
    relying_party: RelyingParty,
    at: Option<Timestamp>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    for issuer in &issuers {
        match issuer.usable() {
            Err(refusal) if refusal.is_inconclusive() => {
                return Err(Failure::new(Exit::Incomplete, refusal.to_string(), Some(refusal.fix())));
            }
            Err(refusal) => output.warning(format!("no token of {} can pass: {refusal}", issuer.url())),
            Ok(()) => {}
        }
    }
    let unreadable = |source| Failure::from(Error::Read { path: PathBuf::from(name(path)), source });
    let (reader, length): (Box<dyn Read + Send>, _) = if is_stdin(path) {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        (Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    let judge = Judge { verifier: Verifier::trusting(issuers), expectations, relying_party, at };
    let start = Instant::now();
    let mut tally = Tally::default();
    let progress = Progress::start(length, output.is_talkative());
    let ended = verify_all(Lines::new(reader), judge, |answered| {
        tally.add(&answered.tally);
        progress.advance(answered.bytes, || tally.to_string());
        output.lines(answered.text.as_bytes())
    });
    drop(progress);
    let seconds = start.elapsed().as_secs_f64();
    let rate = (tally.total() as f64 / seconds.max(1e-3)).round();
    output.summary(format!("{tally}, in {seconds:.1} s ({rate}/s)"));
    ended.map_err(unreadable)?;
    Ok(if tally.total() == tally.accepted { Exit::Yes } else { Exit::No })
}

/// What every token is held to.
struct Judge {
    verifier: Verifier,
    expectations: Expectations,
    relying_party: RelyingParty,
    at: Option<Timestamp>,
}

/// The verdicts of one chunk.
struct Answered {
    text: String,
    tally: Tally,
    bytes: u64,
}

/// One line of output.
#[derive(Serialize)]
struct Printed<'a> {
    line: u64,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Value>,
}

impl Judge {
    fn answer(&self, chunk: &Chunk) -> Answered {
        let now = self.at.unwrap_or_else(Timestamp::now);
        let mut answered = Answered { text: String::new(), tally: Tally::default(), bytes: chunk.bytes };
        for (line, text) in chunk.lines() {
            let verdict = match text {
                Ok(text) => self.verifier.verify(&text_of(text), &self.expectations, now),
                Err(length) => Err(Refusal::Malformed(TokenError::TooLong(length))),
            };
            let json = match &verdict {
                Ok(token) => to_line(&Printed {
                    line,
                    verdict: "accepted",
                    issuer: Some(token.issuer()),
                    subject: Some(token.subject()),
                    expires: Some(token.expires()),
                    refusal: None,
                }),
                Err(refusal) => to_line(&Printed {
                    line,
                    verdict: "refused",
                    issuer: None,
                    subject: None,
                    expires: None,
                    refusal: Some(refusal_json(refusal, self.relying_party)),
                }),
            };
            answered.text.push_str(&json);
            answered.text.push('\n');
            answered.tally.count(verdict.err().map(|refusal| refusal.check()));
        }
        answered
    }
}

/// A line as text; what is not UTF-8 is no token, and as long as it is.
fn text_of(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) => text.into(),
        Err(_) => line.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect(),
    }
}

fn to_line(printed: &Printed<'_>) -> String {
    // Serialising strings and numbers into memory cannot fail.
    let json = serde_json::to_string(printed).unwrap_or_default();
    if json.is_ascii() && !json.contains('\x7f') { json } else { escaped(&json) }
}

/// How many tokens were accepted, and how many each check refused.
#[derive(Default)]
struct Tally {
    accepted: u64,
    refused: BTreeMap<CheckName, u64>,
}

impl Tally {
    fn count(&mut self, refused_by: Option<CheckName>) {
        match refused_by {
            None => self.accepted += 1,
            Some(check) => *self.refused.entry(check).or_default() += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        for (check, count) in &other.refused {
            *self.refused.entry(*check).or_default() += count;
        }
    }

    fn total(&self) -> u64 {
        self.accepted + self.refused.values().sum::<u64>()
    }
}

/// `3 tokens: 1 accepted, 2 refused (signature 1, time 1)`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (total, refused) = (self.total(), self.total() - self.accepted);
        let tokens = if total == 1 { "token" } else { "tokens" };
        write!(f, "{total} {tokens}: {} accepted, {refused} refused", self.accepted)?;
        let checks: Vec<_> = self.refused.iter().map(|(check, count)| format!("{check} {count}")).collect();
        if checks.is_empty() { Ok(()) } else { write!(f, " ({})", checks.join(", ")) }
    }
}

/// How many chunks are on their way.
#[derive(Default)]
struct Flow {
    /// How many were printed.
    printed: Mutex<usize>,
    turn: Condvar,
}

impl Flow {
    fn printed(&self) -> MutexGuard<'_, usize> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a chunk may be read without too many being on their way.
    fn admit(&self, number: usize, ahead: usize) {
        let printed = self.turn.wait_while(self.printed(), |printed| number >= *printed + ahead);
        drop(printed.unwrap_or_else(PoisonError::into_inner));
    }

    fn advance(&self) {
        *self.printed() += 1;
        self.turn.notify_all();
    }
}

/// Gives the verdicts to `print` in the order of their lines, until it says that nobody reads on.
///
/// One thread reads, which may wait for its input as long as it likes: it holds nothing that others need, and ends with the
/// process.
fn verify_all<R: Read + Send + 'static>(
    mut lines: Lines<R>,
    judge: Judge,
    mut print: impl FnMut(&Answered) -> bool,
) -> io::Result<()> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (judge, flow) = (Arc::new(judge), Arc::new(Flow::default()));
    let (read, chunks) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let reader_flow = Arc::clone(&flow);
    thread::Builder::new().spawn(move || {
        for number in 0.. {
            reader_flow.admit(number, threads * AHEAD);
            let chunk = lines.next().transpose();
            let ended = !matches!(chunk, Some(Ok(_)));
            if chunk.is_some_and(|chunk| read.send((number, chunk)).is_err()) || ended {
                return;
            }
        }
    })?;
    let chunks = Arc::new(Mutex::new(chunks));
    for thread in 0..threads {
        let (judge, chunks, answer) = (Arc::clone(&judge), Arc::clone(&chunks), answer.clone());
        let take = move || chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let work = move || {
            while let Ok((number, chunk)) = take() {
                if answer.send((number, chunk.map(|chunk| judge.answer(&chunk)))).is_err() {
                    return;
                }
            }
        };
        // Where there are no more threads to have, those that there are do it.
        match thread::Builder::new().spawn(work) {
            Err(error) if thread == 0 => return Err(error),
            _ => {}
        }
    }
    drop(answer);
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, answered) in answers {
        waiting.insert(number, answered);
        while let Some(answered) = waiting.remove(&next) {
            if !print(&answered?) {
                return Ok(());
            }
            next += 1;
            flow.advance();
        }
    }
    Ok(())
}
