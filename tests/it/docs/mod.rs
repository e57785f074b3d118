//! The documents: their commands run, their links resolve, their pages keep their limits.

pub(crate) mod blocks;
mod cluster;
mod codes;
pub(crate) mod console;
mod flags;
mod links;
mod pages;
mod run;
mod sandbox;

use std::path::{Path, PathBuf};

/// The root of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document, as paths from the root: the pages of the package and those of the book.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![];
    for folder in ["", "docs", "docs/setups"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(found.len() > 12, "{found:?}");
    found
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether `UPDATE_DOCS` is set: the tests update stale texts instead of failing.
pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|value| !value.is_empty())
}
