//! The programs that `scripts/postgresql` installs. A test that needs a missing one is skipped, or fails if
//! `ISSUER_REQUIRE_CLIENTS` is set.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Debian's Ruby, which has Debian's `pg` gem.
pub(crate) const RUBY: &str = "/usr/bin/ruby";

/// The folder of PostgreSQL's server programs, if they and psql are installed.
pub(crate) fn postgresql() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgresql");
        let output = Command::new(script).arg("--bindir").output().unwrap();
        let folder = output.status.success().then(|| PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()));
        let has_psql = succeeds(Command::new("psql").arg("--version"));
        folder.filter(|_| has_psql)
    };
    FOLDER.get_or_init(|| found("PostgreSQL with psql", find())).as_deref()
}

/// Whether Ruby and its `pg` gem are installed.
pub(crate) fn has_ruby() -> bool {
    static FOUND: OnceLock<Option<()>> = OnceLock::new();
    let is_installed = || succeeds(Command::new(RUBY).args(["-e", "require 'pg'"]));
    FOUND.get_or_init(|| found("Ruby with its pg gem", is_installed().then_some(()))).is_some()
}

fn found<T>(program: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var_os("ISSUER_REQUIRE_CLIENTS").is_none(), "{program} is missing: run scripts/postgresql");
        // Not with eprintln, whose text is captured and discarded when a test passes.
        let note = format!("{program} is missing: the tests that need it are skipped; run scripts/postgresql\n");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    found
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
