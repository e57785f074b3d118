//! PEM blocks: read as Go's `encoding/pem` reads them, else leniently.
//!
//! client-go's `keyutil.ParsePublicKeysPEM` tries every block of `pem.Decode`, whatever its label. Go skips malformed
//! blocks silently. This module reports them: an error if the label announces a key, else a note.

use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::{KeyProblem, OtherFormat};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Replaces a label that is not shown because it may be the key itself.
const HIDDEN: &str = "…";

/// Go's `base64.StdEncoding` requires padding and accepts trailing bits that are not zero.
const STD_ENCODING: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

pub(super) struct PemBlock {
    /// The label, or [`HIDDEN`] if it is unusual.
    pub(super) label: String,
    /// Whether the label announces a key or certificate.
    pub(super) announces_key: bool,
    /// Whether the label announces a bare public key.
    pub(super) announces_public_key: bool,
    /// The other format that the label announces.
    pub(super) format: Option<OtherFormat>,
    /// Whether a header says that the contents are encrypted.
    pub(super) is_encrypted: bool,
    /// The decoded contents, or why there are none.
    pub(super) contents: Result<Vec<u8>, KeyProblem>,
    /// The length of the block in bytes.
    pub(super) len: usize,
}

/// The offset of the next BEGIN.
pub(super) fn find_begin(bytes: &[u8]) -> Option<usize> {
    find(bytes, BEGIN)
}

/// The block whose BEGIN is at the start of `bytes`.
///
/// Go requires BEGIN at the start of a line. A block that Go does not read ends before the next BEGIN, so that a
/// malformed block is reported and never hides the next one.
pub(super) fn read(bytes: &[u8], is_line_start: bool) -> PemBlock {
    is_line_start.then(|| read_as_go(bytes)).flatten().unwrap_or_else(|| read_leniently(bytes))
}

impl PemBlock {
    fn new(label: &str, contents: Result<Vec<u8>, KeyProblem>, len: usize) -> Self {
        let format = OtherFormat::of_label(label);
        let upper = label.to_ascii_uppercase();
        let announces_public_key = upper.ends_with("PUBLIC KEY");
        let announces_key = announces_public_key || upper.ends_with("PRIVATE KEY") || upper.ends_with("CERTIFICATE");
        let contents = contents.and_then(|contents| match contents.as_slice() {
            [] => Err(KeyProblem::Pem("it is empty")),
            _ => Ok(contents),
        });
        let label = if is_usual(label) { label } else { HIDDEN }.to_owned();
        let announces_key = announces_key && format.is_none();
        Self { label, announces_key, announces_public_key, format, is_encrypted: false, contents, len }
    }
}

/// `pem.Decode` of Go 1.24, from the BEGIN line on; `None` where Go skips to the next BEGIN line.
fn read_as_go(bytes: &[u8]) -> Option<PemBlock> {
    let (line, mut rest) = get_line(&bytes[BEGIN.len()..]);
    let label = line.strip_suffix(DASHES)?;
    let mut is_encrypted = false;
    let mut has_headers = false;
    loop {
        let (line, next) = get_line(rest);
        if rest.is_empty() {
            return None;
        }
        let Some(colon) = memchr::memchr(b':', line) else { break };
        // A BEGIN line is not a header: Go 1.25.2 starts at the last one before an END line.
        if line.starts_with(BEGIN) {
            return None;
        }
        has_headers = true;
        is_encrypted |= says_encrypted(line, colon);
        rest = next;
    }
    // Base64 has no dash, so the first dash must be that of the END line. After headers, Go requires an extra line
    // break.
    let (body, trailer) = rest.split_at_checked(memchr::memchr(b'-', rest)?)?;
    if !(body.ends_with(b"\n") || body.is_empty() && !has_headers) {
        return None;
    }
    let after = trailer.strip_prefix(END)?.strip_prefix(label)?.strip_prefix(DASHES)?;
    let (blank, rest) = get_line(after);
    if !blank.is_empty() {
        return None;
    }
    let base64: Vec<_> = body.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
    let decoded = STD_ENCODING.decode(base64).ok()?;
    // A label that is not UTF-8 gets a replacement character, is therefore unusual and not shown.
    let block = PemBlock::new(&String::from_utf8_lossy(label), Ok(decoded), bytes.len() - rest.len());
    Some(PemBlock { is_encrypted, ..block })
}

/// Go's `getLine`: the first line without its line break and trailing white space, and the rest.
fn get_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr::memchr(b'\n', bytes) {
        None => (bytes, &bytes[bytes.len()..]),
        Some(end) => (bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]), &bytes[end + 1..]),
    };
    let len = line.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1);
    (&line[..len], rest)
}

/// Whether a header says that the contents are encrypted (RFC 1421 section 4.6.1.1).
fn says_encrypted(line: &[u8], colon: usize) -> bool {
    line[..colon].trim_ascii() == b"Proc-Type" && find(&line[colon..], b"ENCRYPTED").is_some()
}

/// A block that Go does not read: on one line, indented, or followed by text on its END line.
fn read_leniently(bytes: &[u8]) -> PemBlock {
    let after = &bytes[BEGIN.len()..];
    let block = &bytes[..BEGIN.len() + find_begin(after).unwrap_or(after.len())];
    let after = &block[BEGIN.len()..];
    let label = find(after, DASHES).and_then(|len| std::str::from_utf8(&after[..len]).ok());
    let Some(label) = label.filter(|label| is_usual(label)) else {
        // The label may be the key itself, and the block may be a key.
        let contents = Err(KeyProblem::Pem("its BEGIN line is malformed"));
        return PemBlock { announces_key: true, ..PemBlock::new(HIDDEN, contents, block.len()) };
    };
    let body = BEGIN.len() + label.len() + DASHES.len();
    let end_line = format!("-----END {label}-----");
    let Some(end) = find(&block[body..], end_line.as_bytes()).map(|end| body + end) else {
        // The text after the BEGIN line may hold another key, so it is not part of this block.
        return PemBlock::new(label, Err(KeyProblem::Pem("it has no END line; the file may be truncated")), body);
    };
    let (contents, is_encrypted) = decode_leniently(&block[body..end]);
    PemBlock { is_encrypted, ..PemBlock::new(label, contents, end + end_line.len()) }
}

/// Decodes the base64 after the headers; also returns whether a header says that the contents are encrypted.
fn decode_leniently(body: &[u8]) -> (Result<Vec<u8>, KeyProblem>, bool) {
    let mut base64 = Vec::new();
    let (mut is_encrypted, mut in_headers) = (false, body.contains(&b':'));
    for line in body.trim_ascii().split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let colon = line.iter().position(|byte| *byte == b':').filter(|_| in_headers);
        if let Some(colon) = colon {
            is_encrypted |= says_encrypted(line, colon);
        } else {
            in_headers &= !line.is_empty();
            base64.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
    }
    (STD_ENCODING.decode(base64).map_err(|_| KeyProblem::Pem("its base64 is malformed")), is_encrypted)
}

/// Whether a label is short and has only capital letters, digits and spaces, such as `X9.42 DH PARAMETERS` or
/// `PKCS #7 SIGNED DATA`. RFC 7468 section 3 allows more, but a key in the place of the label would match its grammar.
fn is_usual(label: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" .#".contains(&byte);
    (1..=40).contains(&label.len()) && label.bytes().all(usual)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}
