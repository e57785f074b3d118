//! PEM blocks, read as Go's `encoding/pem` reads them, and the forms of people beside them.
//!
//! client-go's `keyutil.ParsePublicKeysPEM` tries every block of `pem.Decode`, whatever its label. What Go rejects in silence
//! is told here: a block that announces a key and cannot be read is an error, any other is named.

use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::{KeyProblem, OtherFormat};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Stands for a label that is not shown, because it may be the key itself.
const HIDDEN: &str = "…";

/// Go's `base64.StdEncoding`: padding is required, bits after the last byte may be set.
const STD_ENCODING: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// One block.
pub(super) struct PemBlock {
    /// The label; an unusual one is not shown.
    pub(super) label: String,
    /// Whether the label says that a key or certificate follows.
    pub(super) announces_key: bool,
    /// Whether it says that a public key follows on its own.
    pub(super) announces_public_key: bool,
    /// Another format, by the label.
    pub(super) format: Option<OtherFormat>,
    /// Whether a header says that the contents are encrypted.
    pub(super) is_encrypted: bool,
    /// The decoded contents, or why there are none.
    pub(super) contents: Result<Vec<u8>, KeyProblem>,
    /// How many bytes it takes.
    pub(super) len: usize,
}

/// Where the next BEGIN is.
pub(super) fn find_begin(bytes: &[u8]) -> Option<usize> {
    find(bytes, BEGIN)
}

/// The block that starts with the BEGIN at the start of `bytes`.
///
/// A block of Go starts at the start of a line. One that Go does not read ends before the next BEGIN, so that one broken block
/// is named and never hides another.
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

/// `pem.Decode` of Go 1.24 from its BEGIN line on; `None` where Go goes on to the next BEGIN line.
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
    // Base64 has no dash, so the first one must be that of the END line. After headers, Go wants a line break of its own.
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
    // A label need not be UTF-8, and such a one is not shown.
    let block = PemBlock::new(&String::from_utf8_lossy(label), Ok(decoded), bytes.len() - rest.len());
    Some(PemBlock { is_encrypted, ..block })
}

/// Go's `getLine`: a line without its end and the white space before it, and what follows.
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

/// A block on one line, indented, or with text behind its END line; else what is wrong with it.
fn read_leniently(bytes: &[u8]) -> PemBlock {
    let after = &bytes[BEGIN.len()..];
    let block = &bytes[..BEGIN.len() + find_begin(after).unwrap_or(after.len())];
    let after = &block[BEGIN.len()..];
    let label = find(after, DASHES).and_then(|len| std::str::from_utf8(&after[..len]).ok());
    let Some(label) = label.filter(|label| is_usual(label)) else {
        // The label may be the key itself, and it may be that of a key.
        let contents = Err(KeyProblem::Pem("its BEGIN line is broken"));
        return PemBlock { announces_key: true, ..PemBlock::new(HIDDEN, contents, block.len()) };
    };
    let body = BEGIN.len() + label.len() + DASHES.len();
    let end_line = format!("-----END {label}-----");
    let Some(end) = find(&block[body..], end_line.as_bytes()).map(|end| body + end) else {
        // What follows is not part of it, and may hold a key.
        return PemBlock::new(label, Err(KeyProblem::Pem("it has no END line, so the file may be cut off")), body);
    };
    let (contents, is_encrypted) = decode_leniently(&block[body..end]);
    PemBlock { is_encrypted, ..PemBlock::new(label, contents, end + end_line.len()) }
}

/// The contents between BEGIN and END line, headers up to a blank line and base64, and whether a header says that they are
/// encrypted.
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

/// A label as they are in use: short, of capital letters, digits and spaces, as in `X9.42 DH PARAMETERS` or
/// `PKCS #7 SIGNED DATA`. RFC 7468 section 3 allows more, and a key that stands in the label's place would pass for one.
fn is_usual(label: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" .#".contains(&byte);
    (1..=40).contains(&label.len()) && label.bytes().all(usual)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}
