//! Sets the version of the binary, with the commit where it is known.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name| env::var(name).unwrap_or_default();
    let (version, root) = (variable("CARGO_PKG_VERSION"), variable("CARGO_MANIFEST_DIR"));
    let version = commit(&root).map_or_else(|| version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=ISSUER_VERSION={version}");
}

/// The short hash and the date of the commit: `ad913b6c1 2026-11-26`.
fn commit(root: &str) -> Option<String> {
    // A package from a registry has no `.git`. A repository around the unpacked package does not describe it.
    let git = Path::new(root).join(".git");
    for file in ["HEAD", "logs/HEAD"].map(|file| git.join(file)).iter().filter(|file| file.exists()) {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    let log = ["-C", root, "log", "-1", "--format=%h %cs", "--abbrev=9"];
    let log = Command::new("git").args(log).output().ok().filter(|log| git.exists() && log.status.success())?;
    Some(String::from_utf8_lossy(&log.stdout).trim().to_owned()).filter(|commit| !commit.is_empty())
}
