//! Codes that occur together with codes of federated tokens, but whose text and meaning are unknown.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
};

pub(super) const ENTRIES: &[CatalogueEntry] = &[unknown(5_002_719), unknown(7_000_217), unknown(7_002_140)];

const fn unknown(code: u32) -> CatalogueEntry {
    CatalogueEntry {
        code: Aadsts::new(code),
        name: None,
        errors: &[],
        templates: &[],
        meaning: "only the number of this code is known",
        causes: &[],
        confirm: &["read the text of the response, and look up the number at https://login.microsoftonline.com/error"],
        fix: &[],
        waiting: Waiting::No,
        source: "",
        evidence: Evidence::NumberOnly,
    }
}
