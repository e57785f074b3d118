//! The programs that `scripts/postgresql` and `scripts/kube-apiserver` install. A test that needs a missing one is
//! skipped, or fails if `ISSUER_REQUIRE_CLIENTS` is set.

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
    let find = || bindir("postgresql").filter(|_| succeeds(Command::new("psql").arg("--version")));
    FOLDER.get_or_init(|| found("PostgreSQL with psql", "postgresql", find())).as_deref()
}

/// The folder of kube-apiserver and etcd, if they are there.
pub(crate) fn kube_apiserver() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || found("kube-apiserver with etcd", "kube-apiserver", bindir("kube-apiserver"));
    FOLDER.get_or_init(find).as_deref()
}

/// The folder that a script prints.
fn bindir(script: &str) -> Option<PathBuf> {
    let script = format!("{}/scripts/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(script).arg("--bindir").output().unwrap();
    output.status.success().then(|| PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()))
}

/// Whether Ruby and its `pg` gem are installed.
pub(crate) fn has_ruby() -> bool {
    static FOUND: OnceLock<Option<()>> = OnceLock::new();
    let is_installed = || succeeds(Command::new(RUBY).args(["-e", "require 'pg'"]));
    FOUND.get_or_init(|| found("Ruby with its pg gem", "postgresql", is_installed().then_some(()))).is_some()
}

fn found<T>(program: &str, script: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var_os("ISSUER_REQUIRE_CLIENTS").is_none(), "{program} is missing: run scripts/{script}");
        // Not with eprintln, whose text is captured and discarded when a test passes.
        let note = format!("{program} is missing: the tests that need it are skipped; run scripts/{script}\n");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    found
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
