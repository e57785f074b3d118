//! The token that an earlier process has left in the file.

use std::{fs::File, io::Read, path::Path};

use issuer::{Inspection, Timestamp};

/// The longest file that is searched for a token, in bytes.
const FILE_MAX: u64 = 64 << 10;

/// When the token in a file expires; `None` if the file has no token whose expiry can be read, such as an opaque one.
pub(super) fn expiry(path: &Path) -> Option<Timestamp> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // Every format has the token as one word of these characters: RFC 7515 section 7.1.
    let is_of_token = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let token = text.split(|character| !is_of_token(character)).find(|word| word.starts_with("eyJ"))?;
    Inspection::parse(token).ok()?.time("exp")
}
