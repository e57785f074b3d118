use issuer::Owner;

use crate::cli::clean::printable;

/// How many owners a text names.
const SHOWN: usize = 3;

/// Whether a key has an owner with a name. Texts show owners only then.
pub(crate) fn has_named<'a>(owners: impl IntoIterator<Item = &'a Vec<String>>) -> bool {
    owners.into_iter().flatten().any(|owner| owner != Owner::NONE)
}

/// The owners of a key, for example `owner prod-1`.
pub(crate) fn owners_text(owners: &[String]) -> String {
    let names: Vec<_> = owners.iter().map(|owner| printable(owner)).collect();
    let word = if names.len() == 1 { "owner" } else { "owners" };
    match names.split_at_checked(SHOWN) {
        Some((shown, rest)) if rest.len() > 1 => format!("{word} {} and {} more", shown.join(", "), rest.len()),
        _ => format!("{word} {}", names.join(", ")),
    }
}
