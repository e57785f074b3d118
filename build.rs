//! Sets the version of the binary, with the commit if it is known, and makes its start fast.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let (version, root) = (variable("CARGO_PKG_VERSION"), variable("CARGO_MANIFEST_DIR"));
    let version = commit(&root).map_or_else(|| version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=ISSUER_VERSION={version}");
    if is_default_link() {
        order_functions(&root);
        link_unwinder();
    }
}

/// Release builds for x86-64 Linux with the default linker, which the two measures for a fast start were measured with.
fn is_default_link() -> bool {
    let target = ["CARGO_CFG_TARGET_ARCH", "CARGO_CFG_TARGET_OS", "CARGO_CFG_TARGET_ENV"].map(variable);
    // Another linker may not support linker scripts with INSERT, which lld and GNU ld do.
    let is_default_linker =
        variable("RUSTC_LINKER").is_empty() && !variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    target == ["x86_64", "linux", "gnu"] && variable("PROFILE") == "release" && is_default_linker
}

/// Groups the functions that run at start-up.
///
/// The kernel maps 64 KiB of the file around each page fault (fault-around), so functions that are spread over the binary
/// cost page faults and memory. The order saves a fifth of the page faults and half of the resident memory of
/// `issuer jwks`. A function that start-up.ld does not match stays where the linker puts it.
fn order_functions(root: &str) {
    println!("cargo:rerun-if-changed=start-up.ld");
    println!("cargo:rustc-link-arg-bin=issuer=-T{root}/start-up.ld");
}

/// Links the unwinder of GCC statically, as `gcc -static-libgcc` does.
///
/// Without it, each start loads `libgcc_s.so.1`, which took 0.07 ms of 1.30 ms. The whole archive is linked, because the
/// linker sees `libgcc_s` before it and does not search an archive for symbols that a shared library defines. What is not
/// used is removed.
fn link_unwinder() {
    let Ok(answer) = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output() else { return };
    let archive = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    // A compiler without this archive prints the name that it got.
    if answer.status.success() && Path::new(&archive).is_absolute() {
        for argument in ["-Wl,--whole-archive", &archive, "-Wl,--no-whole-archive"] {
            println!("cargo:rustc-link-arg-bin=issuer={argument}");
        }
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
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
