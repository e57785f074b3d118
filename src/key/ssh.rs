//! SSH public keys: the one-line form of `authorized_keys` (RFC 4253 section 6.6, RFC 5656 section 3.1) and RFC 4716.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Curve, KeyProblem, PublicKey};

const BEGIN: &str = "---- BEGIN SSH2 PUBLIC KEY ----";
const END: &str = "---- END SSH2 PUBLIC KEY ----";

/// Whether a line holds an SSH key type and the start of its key.
pub(super) fn looks_like(line: &str) -> bool {
    words(line).is_some_and(|(_, data)| data.starts_with("AAAA"))
}

/// Whether a line starts a key in the form of RFC 4716.
pub(super) fn is_rfc4716(line: &str) -> bool {
    line.trim() == BEGIN
}

/// The key of one line: type, base64 and a comment, which is ignored. Options or a host name may precede the type.
pub(super) fn read(line: &str) -> Result<PublicKey, KeyProblem> {
    let (kind, data) = words(line).ok_or(KeyProblem::Ssh)?;
    let blob = BASE64_STANDARD.decode(data).map_err(|_| KeyProblem::Ssh)?;
    let mut rest = blob.as_slice();
    if field(&mut rest)? != kind.as_bytes() {
        return Err(KeyProblem::Ssh);
    }
    read_blob(&blob)
}

/// The length in bytes of the RFC 4716 key at the start of `text`; `None` if the END line is missing.
pub(super) fn rfc4716_len(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, END.as_bytes()).map(|end| end + END.len())
}

/// The key between BEGIN and END line (RFC 4716 section 3).
pub(super) fn read_rfc4716(text: &str) -> Result<PublicKey, KeyProblem> {
    let (mut data, mut is_continued) = (String::new(), false);
    for line in text.lines().map(str::trim).filter(|line| *line != BEGIN && *line != END) {
        // Headers precede the key; a backslash at the end of a line continues the header.
        if data.is_empty() && (is_continued || line.contains(':')) {
            is_continued = line.ends_with('\\');
        } else {
            data.push_str(line);
        }
    }
    let blob = BASE64_STANDARD.decode(data).map_err(|_| KeyProblem::Ssh)?;
    read_blob(&blob)
}

/// The key type of a line and the word after it.
fn words(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let kind = words.by_ref().find(|word| {
        (word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") || word.starts_with("sk-")) && word.is_ascii()
    })?;
    Some((kind, words.next()?))
}

fn read_blob(blob: &[u8]) -> Result<PublicKey, KeyProblem> {
    let mut rest = blob;
    let kind = std::str::from_utf8(field(&mut rest)?).map_err(|_| KeyProblem::Ssh)?;
    let key = if kind == "ssh-rsa" {
        let exponent = field(&mut rest)?;
        PublicKey::rsa(field(&mut rest)?, exponent)?
    } else {
        let curve = match kind {
            "ecdsa-sha2-nistp256" => Curve::P256,
            "ecdsa-sha2-nistp384" => Curve::P384,
            "ecdsa-sha2-nistp521" => Curve::P521,
            // Messages quote this name, so bytes that are not a name are not quoted.
            other if other.len() <= 64 && other.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err(KeyProblem::Type(other.to_owned()));
            }
            _ => return Err(KeyProblem::Ssh),
        };
        field(&mut rest)?;
        PublicKey::ec_point(curve, field(&mut rest)?)?
    };
    if rest.is_empty() { Ok(key) } else { Err(KeyProblem::Ssh) }
}

/// One length-prefixed string (RFC 4251 section 5).
fn field<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], KeyProblem> {
    let (len, tail) = rest.split_first_chunk::<4>().ok_or(KeyProblem::Ssh)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| KeyProblem::Ssh)?;
    let (value, tail) = tail.split_at_checked(len).ok_or(KeyProblem::Ssh)?;
    *rest = tail;
    Ok(value)
}
