//! PEM as the field writes it (RFC 7468): text around blocks, CRLF, several blocks, sometimes on one line.

use super::KeyError;

const BEGIN: &[u8] = b"-----BEGIN ";

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
    let label_len = find(after, b"-----").filter(|len| after[..*len].iter().all(|byte| (b' '..=b'~').contains(byte)));
    let Some(label_len) = label_len else {
        let label = after.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let label = String::from_utf8_lossy(label).trim_end_matches(['-', '\r']).to_owned();
        return PemBlock { number, label, contents: Err(KeyError::Pem("its BEGIN line is broken")) };
    };
    let label = String::from_utf8_lossy(&after[..label_len]).into_owned();
    let end_line = format!("-----END {label}-----");
    let contents = match find(block, end_line.as_bytes()) {
        None => Err(KeyError::Pem("it has no END line, so the file may be cut off")),
        Some(end) => match pem::parse(&block[..end + end_line.len()]) {
            Err(_) => Err(KeyError::Pem("its base64 is malformed")),
            Ok(parsed) if parsed.headers().get("Proc-Type").is_some_and(|value| value.contains("ENCRYPTED")) => {
                Err(KeyError::Pem("it is encrypted; pass the public key instead"))
            }
            Ok(parsed) if parsed.contents().is_empty() => Err(KeyError::Pem("it is empty")),
            Ok(parsed) => Ok(parsed.into_contents()),
        },
    };
    PemBlock { number, label, contents }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
