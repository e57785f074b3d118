//! The catalogue of error codes of Entra's token endpoint, one file for each topic.
//!
//! No other module contains a code or explains a code; `tests/it/catalogue.rs` checks this.

mod application;
mod credential;
mod entra_token;
mod entry;
mod expression;
mod issuer_documents;
mod number_only;
mod policy;
mod request;
mod service;
mod sources;
mod steps;
mod tenant;
mod token;
mod user;

pub use entry::{CatalogueEntry, Evidence, Waiting};

use super::Aadsts;

const TOPICS: [&[CatalogueEntry]; 12] = [
    application::ENTRIES,
    credential::ENTRIES,
    entra_token::ENTRIES,
    expression::ENTRIES,
    issuer_documents::ENTRIES,
    number_only::ENTRIES,
    policy::ENTRIES,
    request::ENTRIES,
    service::ENTRIES,
    tenant::ENTRIES,
    token::ENTRIES,
    user::ENTRIES,
];

const LENGTH: usize = {
    let (mut length, mut topic) = (0, 0);
    while topic < TOPICS.len() {
        length += TOPICS[topic].len();
        topic += 1;
    }
    length
};

/// All entries in order of their code, for a binary search. They are sorted at compile time, and a repeated code is a
/// compile error.
static ENTRIES: [&CatalogueEntry; LENGTH] = sorted();

/// The entry of a code.
pub(super) fn find(code: Aadsts) -> Option<&'static CatalogueEntry> {
    ENTRIES.binary_search_by_key(&code, |entry| entry.code).ok().map(|at| ENTRIES[at])
}

/// All entries in order of their code.
pub(super) fn all() -> impl ExactSizeIterator<Item = &'static CatalogueEntry> {
    ENTRIES.iter().copied()
}

/// Insertion sort, since a constant cannot call `sort`.
const fn sorted() -> [&'static CatalogueEntry; LENGTH] {
    let mut sorted = [&TOPICS[0][0]; LENGTH];
    let (mut length, mut topic) = (0, 0);
    while topic < TOPICS.len() {
        let mut of_topic = 0;
        while of_topic < TOPICS[topic].len() {
            let entry = &TOPICS[topic][of_topic];
            let mut at = length;
            while at > 0 && sorted[at - 1].code.code() > entry.code.code() {
                sorted[at] = sorted[at - 1];
                at -= 1;
            }
            assert!(at == 0 || sorted[at - 1].code.code() != entry.code.code(), "a code has two entries");
            sorted[at] = entry;
            length += 1;
            of_topic += 1;
        }
        topic += 1;
    }
    sorted
}
