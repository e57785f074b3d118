//! PEM as the field writes it (RFC 7468): text around blocks, CRLF, several blocks, sometimes on one line.

use super::KeyError;

const BEGIN: &[u8] = b"-----BEGIN ";
/// Stands for a label that cannot be read, and may be that of a key.
const UNREADABLE: &str = "…";

/// One block, numbered from 1 in its file.
pub(super) struct PemBlock {
    pub(super) number: usize,
    pub(super) label: String,
    /// The decoded contents, or why there are none.
    pub(super) contents: Result<Vec<u8>, KeyError>,
}

impl PemBlock {
    /// Whether the label says that a key or certificate follows; the others are skipped.
    pub(super) fn is_key(&self) -> bool {
        matches!(
            self.label.as_str(),
            "PUBLIC KEY"
                | "RSA PUBLIC KEY"
                | "CERTIFICATE"
                | "X509 CERTIFICATE"
                | "RSA PRIVATE KEY"
                | "EC PRIVATE KEY"
                | "PRIVATE KEY"
                | UNREADABLE
        )
    }
}

/// Whether a BEGIN line is there at all.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    find(bytes, BEGIN).is_some()
}

/// Every block: a file is cut at its BEGIN lines, so that one broken block is named and never hides another.
pub(super) fn read(bytes: &[u8]) -> Vec<PemBlock> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while let Some(start) = find(rest, BEGIN) {
        let after = &rest[start + BEGIN.len()..];
        let end = find(after, BEGIN).unwrap_or(after.len());
        let block = &rest[start..start + BEGIN.len() + end];
        blocks.push(read_block(blocks.len() + 1, block));
        rest = &after[end..];
    }
    blocks
}

fn read_block(number: usize, block: &[u8]) -> PemBlock {
    let after = &block[BEGIN.len()..];
    let label =
        find(after, b"-----").and_then(|len| std::str::from_utf8(&after[..len]).ok()).filter(|label| is_label(label));
    let Some(label) = label.map(str::to_owned) else {
        // What stands there may be the key itself, and is not shown.
        let broken = KeyError::Pem("its BEGIN line is broken");
        return PemBlock { number, label: UNREADABLE.to_owned(), contents: Err(broken) };
    };
    let end_line = format!("-----END {label}-----");
    let contents = match find(block, end_line.as_bytes()) {
        None => Err(KeyError::Pem("it has no END line, so the file may be cut off")),
        Some(end) => match pem::parse(&block[..end + end_line.len()]) {
            Err(_) => Err(KeyError::Pem("its base64 is malformed")),
            Ok(parsed) if parsed.headers().get("Proc-Type").is_some_and(|value| value.contains("ENCRYPTED")) => {
                Err(KeyError::Encrypted)
            }
            Ok(parsed) if parsed.contents().is_empty() => Err(KeyError::Pem("it is empty")),
            Ok(parsed) => Ok(parsed.into_contents()),
        },
    };
    PemBlock { number, label, contents }
}

/// A label as they are in use: short, of capital letters, digits and spaces, as in `X9.42 DH PARAMETERS` or
/// `PKCS #7 SIGNED DATA`. RFC 7468 section 3 allows more, and a key that stands in the label's place would pass for one.
fn is_label(text: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" .#".contains(&byte);
    (1..=40).contains(&text.len()) && text.bytes().all(usual)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
