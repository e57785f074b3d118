//! SSH public keys in the one-line form of `authorized_keys` (RFC 4253 section 6.6, RFC 5656 section 3.1).

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Curve, KeyError, PublicKey};

/// Whether a line starts with the name of an SSH key type.
pub(super) fn looks_like(line: &str) -> bool {
    let Some((kind, rest)) = line.split_once([' ', '\t']) else { return false };
    (kind.starts_with("ssh-") || kind.starts_with("ecdsa-sha2-") || kind.starts_with("sk-"))
        && rest.trim_start().starts_with("AAAA")
}

/// The key of one line: type, base64, and a comment that is not read.
pub(super) fn read(line: &str) -> Result<PublicKey, KeyError> {
    let mut words = line.split_ascii_whitespace();
    let (kind, data) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let blob = BASE64_STANDARD.decode(data).map_err(|_| KeyError::Ssh)?;
    let mut rest = blob.as_slice();
    if field(&mut rest)? != kind.as_bytes() {
        return Err(KeyError::Ssh);
    }
    let key = if kind == "ssh-rsa" {
        let exponent = field(&mut rest)?;
        PublicKey::rsa(field(&mut rest)?, exponent)?
    } else {
        let curve = match kind {
            "ecdsa-sha2-nistp256" => Curve::P256,
            "ecdsa-sha2-nistp384" => Curve::P384,
            "ecdsa-sha2-nistp521" => Curve::P521,
            other => return Err(KeyError::Type(other.to_owned())),
        };
        field(&mut rest)?;
        PublicKey::ec_point(curve, field(&mut rest)?)?
    };
    if rest.is_empty() { Ok(key) } else { Err(KeyError::Ssh) }
}

/// One length-prefixed string (RFC 4251 section 5).
fn field<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], KeyError> {
    let (len, tail) = rest.split_first_chunk::<4>().ok_or(KeyError::Ssh)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| KeyError::Ssh)?;
    let (value, tail) = tail.split_at_checked(len).ok_or(KeyError::Ssh)?;
    *rest = tail;
    Ok(value)
}
