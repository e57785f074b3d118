//! Text with keys in several encodings: PEM blocks, SSH keys and JSON, in any order and with other text around them.

use serde_json::Value;

use super::{
    KeyError, KeyProblem, KeyReader, OtherFormat, Place, PublicKey, SkipReason, der_key,
    key_reader::Skipped,
    pem_block::{self, PemBlock},
    place::Step,
    ssh,
};

impl KeyReader {
    /// Reads every key of a text, and reports the parts that cannot be read.
    ///
    /// A text with PEM may hold any other text. Without PEM, a line that is not a key is an error, because it may be a
    /// truncated key.
    pub(super) fn read_text(&mut self, at: &Place, text: &[u8], skipped: &mut Skipped) -> Result<(), KeyError> {
        let is_strict = pem_block::find_begin(text).is_none();
        let mut blocks = 0;
        for part in Parts::new(text) {
            let place = |line| at.step(Step::Line(line));
            match part {
                Part::Pem(block) => {
                    blocks += 1;
                    self.read_block(at, blocks, block, skipped)?;
                }
                Part::Ssh(line, Ok(key)) => self.keep(key, false, place(line)),
                Part::Ssh(line, Err(reason @ KeyProblem::Type(_))) if !is_strict => {
                    self.skip(place(line), SkipReason::Key(reason), ("line", line.to_string()), skipped);
                }
                Part::Ssh(line, Err(reason)) => return Err(KeyError::Key { place: place(line), problem: reason }),
                Part::Json(line, value) => {
                    if !self.read_json_value(&place(line), value, skipped)? {
                        self.skip(place(line), SkipReason::NoKey, ("line", line.to_string()), skipped);
                    }
                }
                Part::BrokenJson(line) => {
                    let because = "it looks like a JWK or a JWKS, but its JSON is malformed".to_owned();
                    return Err(KeyError::Input { input: place(line).to_string(), because });
                }
                Part::Other(line, format) => {
                    let reason = SkipReason::Key(KeyProblem::Format(format));
                    self.skip(place(line), reason, ("line", line.to_string()), skipped);
                }
                Part::Text(line) if is_strict => {
                    return Err(KeyError::Key { place: place(line), problem: KeyProblem::Ssh });
                }
                Part::Text(_) => {}
            }
        }
        Ok(())
    }

    fn read_block(
        &mut self,
        at: &Place,
        number: usize,
        block: PemBlock,
        skipped: &mut Skipped,
    ) -> Result<(), KeyError> {
        let is_public = block.announces_public_key;
        let what = ("block", block.label.clone());
        let place = at.step(Step::Block(number, block.label));
        let unusable = match block.contents {
            Ok(der) => match der_key::read(&der) {
                // Two numbers are a PKCS#1 key only under that label, because Diffie-Hellman parameters have the same
                // structure.
                Ok(_) if !is_public && der_key::is_two_numbers(&der) => KeyProblem::Structure,
                Ok(found) => {
                    self.keep_der(found, place);
                    return Ok(());
                }
                Err(KeyProblem::Format(format)) => KeyProblem::Format(format),
                Err(_) if block.is_encrypted => KeyProblem::Encrypted,
                Err(reason) => OtherFormat::of_bytes(&der).map_or(reason, KeyProblem::Format),
            },
            Err(_) if block.is_encrypted => KeyProblem::Encrypted,
            Err(reason) => reason,
        };
        match (unusable, block.format) {
            (reason @ KeyProblem::Format(_), _) => self.skip(place, SkipReason::Key(reason), what, skipped),
            (_, Some(format)) => self.skip(place, SkipReason::Key(KeyProblem::Format(format)), what, skipped),
            (reason, None) if block.announces_key => return Err(KeyError::Key { place, problem: reason }),
            (KeyProblem::Structure | KeyProblem::Der(_), None) => self.skip(place, SkipReason::Label, what, skipped),
            (reason, None) => self.skip(place, SkipReason::Key(reason), what, skipped),
        }
        Ok(())
    }
}

pub(super) enum Part {
    /// A PEM block.
    Pem(PemBlock),
    /// An SSH key and its first line, from 1.
    Ssh(usize, Result<PublicKey, KeyProblem>),
    /// A JSON object and its first line.
    Json(usize, Value),
    /// The first line of text that looks like a JWK or a JWK Set and is not valid JSON.
    BrokenJson(usize),
    /// The line of the start of a file in another format.
    Other(usize, OtherFormat),
    /// A line of any other text.
    Text(usize),
}

/// Whether the text has a part that holds a key, other than JSON on its own.
pub(super) fn looks_like(text: &[u8]) -> bool {
    pem_block::find_begin(text).is_some() || {
        let text = String::from_utf8_lossy(text);
        text.lines().any(|line| ssh::looks_like(line) || ssh::is_rfc4716(line))
    }
}

/// Whether text that starts like JSON holds keys in another encoding: after the first JSON value, or in a PEM block at
/// the start of a line, where a JSON string cannot have one.
pub(super) fn is_more_than_json(text: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<serde::de::IgnoredAny>();
    let is_json = values.next().is_some_and(|value| value.is_ok());
    let rest = text[values.byte_offset()..].trim_ascii_start();
    is_json && (rest.starts_with(b"{") || looks_like(rest)) || memchr::memmem::find(text, b"\n-----BEGIN ").is_some()
}

/// Iterates over the parts of a text; blank lines and comments are omitted.
pub(super) struct Parts<'a> {
    text: &'a [u8],
    at: usize,
    /// The line of the offset `at`, from 1.
    line: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// Advances by this number of bytes.
    fn take(&mut self, len: usize) -> &'a [u8] {
        let taken = &self.text[self.at..][..len];
        self.at += len;
        self.line += memchr::memchr_iter(b'\n', taken).count();
        taken
    }

    fn part(&mut self) -> Option<Part> {
        let rest = &self.text[self.at..];
        let line_len = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, number) = (&rest[..line_len], self.line);
        let begin = pem_block::find_begin(line);
        let before = line[..begin.unwrap_or(line_len)].trim_ascii();
        if before.is_empty() {
            // Nothing precedes the block, or the line is blank.
            let Some(begin) = begin else {
                self.take(line_len);
                return None;
            };
            let is_line_start = begin == 0 && (self.at == 0 || self.text[self.at - 1] == b'\n');
            let block = pem_block::read(&rest[begin..], is_line_start);
            self.take(begin + block.len);
            return Some(Part::Pem(block));
        }
        if before.starts_with(b"{") {
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            if let Some(Ok(value)) = values.next() {
                let len = values.byte_offset();
                self.take(len);
                return Some(Part::Json(number, value));
            }
            let start = &rest[..rest.len().min(512)];
            if [&b"\"kty\""[..], b"\"keys\""].iter().any(|name| memchr::memmem::find(start, name).is_some()) {
                self.take(line_len);
                return Some(Part::BrokenJson(number));
            }
        }
        let text = String::from_utf8_lossy(before);
        if ssh::is_rfc4716(&text) {
            let key = ssh::rfc4716_len(rest).map(|len| self.take(len)).ok_or(KeyProblem::Ssh);
            return Some(Part::Ssh(number, key.and_then(|key| ssh::read_rfc4716(&String::from_utf8_lossy(key)))));
        }
        self.take(begin.unwrap_or(line_len));
        if text.starts_with('#') {
            None
        } else if ssh::looks_like(&text) {
            Some(Part::Ssh(number, ssh::read(&text)))
        } else if let Some(format) = OtherFormat::of_bytes(before) {
            Some(Part::Other(number, format))
        } else {
            Some(Part::Text(number))
        }
    }
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        while self.at < self.text.len() {
            if let Some(part) = self.part() {
                return Some(part);
            }
        }
        None
    }
}
