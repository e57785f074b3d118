//! A directory site, with killed and concurrent publishers.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{answer::answer, encode, issuer::stdout, recording};
use issuer::{DesiredState, KeySet, SystemClock, site::Directory};
use tempfile::TempDir;

/// A long issuer URL makes the discovery document longer than a JWKS of one key.
fn long_issuer() -> String {
    format!("https://issuer.example.com/{}", vec!["clusters"; 40].join("/"))
}

fn publish_args(keys: &Path, issuer: &str, site: &Path) -> Vec<String> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    vec![
        "publish".to_owned(),
        text(keys),
        "--issuer".to_owned(),
        issuer.to_owned(),
        "--directory".to_owned(),
        text(site),
    ]
}

fn read(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

/// Publishes with a file size limit: the kernel kills the process in the first write beyond it (SIGXFSZ).
fn publish_until_killed(args: &[String], bytes: usize) -> bool {
    let status = Command::new("prlimit")
        .args([&format!("--fsize={bytes}"), "--core=0"])
        .arg(env!("CARGO_BIN_EXE_issuer"))
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("prlimit is part of util-linux");
    assert!(status.success() || status.signal() == Some(25), "SIGXFSZ or success: {status:?}");
    status.success()
}

#[test]
fn publisher_killed_at_any_byte_leaves_whole_documents() {
    let run = recording("rotation");
    let issuer = long_issuer();
    let (old, new) = (run.path("rsa2048.pub"), run.path("rsa4096.pub"));
    let below = issuer.strip_prefix("https://issuer.example.com/").unwrap();
    let paths = ["openid/v1/jwks", ".well-known/openid-configuration"].map(|path| format!("{below}/{path}"));

    // The documents before and after, from publishers that are not killed.
    let finished = TempDir::new().unwrap();
    let documents = |site: &TempDir| paths.clone().map(|path| read(&site.path().join(path)));
    assert!(crate::support::issuer::run(publish_args(&old, &issuer, finished.path())).status.success());
    let before = documents(&finished);
    assert!(crate::support::issuer::run(publish_args(&new, &issuer, finished.path())).status.success());
    let after = documents(&finished);

    let (mut killed, mut seen) = (0, std::collections::BTreeSet::new());
    let longest = after.iter().flatten().map(Vec::len).max().unwrap();
    for bytes in (0..longest + 64).step_by(32) {
        // The first publish, to an empty directory.
        let site = TempDir::new().unwrap();
        killed += usize::from(!publish_until_killed(&publish_args(&old, &issuer, site.path()), bytes));
        let found = documents(&site);
        for (found, whole) in found.iter().zip(&before) {
            assert!(found.is_none() || found == whole, "a truncated document at {bytes} bytes");
        }
        assert!(found[0].is_some() || found[1].is_none(), "discovery without its JWKS at {bytes} bytes");
        seen.insert(found.clone().map(|document| document.is_some()));

        // The second publish, a rotation, after the next publisher has completed the first.
        assert!(crate::support::issuer::run(publish_args(&old, &issuer, site.path())).status.success());
        assert_eq!(documents(&site), before);
        killed += usize::from(!publish_until_killed(&publish_args(&new, &issuer, site.path()), bytes));
        for ((found, old), new) in documents(&site).iter().zip(&before).zip(&after) {
            assert!(found == old || found == new, "neither the old nor the new document at {bytes} bytes");
        }
        assert!(crate::support::issuer::run(publish_args(&new, &issuer, site.path())).status.success());
        assert_eq!(documents(&site), after);
    }
    assert!(killed > 50, "only {killed} publishers were killed");
    assert_eq!(seen.len(), 3, "not killed before, between and after the documents: {seen:?}");
}

#[test]
fn concurrent_publishers_lose_no_key() {
    let site = TempDir::new().unwrap();
    let keys = TempDir::new().unwrap();
    let publishers: Vec<_> = (0..16_u8)
        .map(|number| {
            let modulus = [&[0x80 | number], vec![number + 1; 254].as_slice(), &[1]].concat();
            let spki = encode::rsa_spki(&modulus, &[1, 0, 1]);
            let file = keys.path().join(format!("{number}.pub"));
            fs::write(&file, encode::pem("PUBLIC KEY", &spki, "\n")).unwrap();
            let args = publish_args(&file, "https://issuer.example.com", site.path());
            let child =
                crate::support::issuer::command().args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
            (encode::key_id(&spki), child.unwrap())
        })
        .collect();
    let mut kids = Vec::new();
    for (kid, child) in publishers {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        kids.push(kid);
    }
    let jwks: serde_json::Value =
        serde_json::from_slice(&fs::read(site.path().join("openid/v1/jwks")).unwrap()).unwrap();
    let mut published: Vec<_> =
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    kids.sort();
    published.sort();
    assert_eq!(published, kids);
}

#[test]
fn concurrent_publishers_of_two_issuers_never_mix_keys() {
    let run = recording("rotation");
    for _ in 0..8 {
        let site = TempDir::new().unwrap();
        let pairs = [("rsa2048.pub", "https://issuer.example.com"), ("rsa4096.pub", "https://issuer.example.com/")];
        let publishers = pairs.map(|(keys, issuer)| {
            let args = publish_args(&run.path(keys), issuer, site.path());
            crate::support::issuer::command().args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        });
        let codes = publishers.map(|mut publisher| publisher.wait().unwrap().code().unwrap());
        assert!(matches!(codes, [0, 1] | [1, 0]), "not one published and one refused: {codes:?}");
        let jwks: serde_json::Value =
            serde_json::from_slice(&fs::read(site.path().join("openid/v1/jwks")).unwrap()).unwrap();
        assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn pipe_in_place_of_a_document_blocks_no_command() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    fs::create_dir_all(site.path().join("openid/v1")).unwrap();
    let pipe = site.path().join("openid/v1/jwks");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output =
        crate::support::issuer::run(publish_args(&run.path("sa.pub"), "https://issuer.example.com", site.path()));
    assert_eq!(output.status.code(), Some(3));
    let said = crate::support::issuer::stderr(&output);
    assert!(
        said.contains(&format!("cannot read {}: it is a named pipe; expected a regular file", pipe.display())),
        "{said}"
    );
}

#[test]
fn retention_record_moves_with_the_directory() {
    let run = recording("rotation");
    let (site, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let issuer = "https://issuer.example.com";
    let json = |output: &std::process::Output| answer("publish", output);
    crate::support::issuer::run(publish_args(&run.path("sa.pub"), issuer, site.path()));
    let first = crate::support::issuer::run(
        publish_args(&run.path("rsa4096.pub"), issuer, site.path()).iter().map(String::as_str).chain(["-o", "json"]),
    );
    let since = json(&first)["keys"][1]["retired_since"].clone();
    assert!(since.is_string(), "{}", stdout(&first));
    // The directory moves to another machine, together with its record.
    let moved = elsewhere.path().join("site");
    assert!(Command::new("cp").arg("-a").args([site.path(), &moved]).status().unwrap().success());
    let second = crate::support::issuer::run(
        publish_args(&run.path("rsa4096.pub"), issuer, &moved).iter().map(String::as_str).chain(["-o", "json"]),
    );
    assert_eq!(json(&second)["keys"][1]["retired_since"], since);
    assert_eq!(json(&second)["changed"], false);
}

#[test]
fn dry_run_and_check_create_no_file() {
    let run = recording("rotation");
    let parent = TempDir::new().unwrap();
    let site = parent.path().join("site");
    for flag in ["--dry-run", "--check"] {
        let args = publish_args(&run.path("sa.pub"), "https://issuer.example.com", &site);
        crate::support::issuer::run(args.iter().map(String::as_str).chain([flag]));
        assert!(!site.exists(), "{flag} made the directory");
    }
}

#[test]
fn check_reports_drift_by_exit_code() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    let issuer = "https://issuer.example.com";
    let check = |keys: &str| {
        let args = publish_args(&run.path(keys), issuer, site.path());
        crate::support::issuer::run(args.iter().map(String::as_str).chain(["--check"])).status.code()
    };
    assert_eq!(check("rsa2048.pub"), Some(1));
    crate::support::issuer::run(publish_args(&run.path("rsa2048.pub"), issuer, site.path()));
    assert_eq!(check("rsa2048.pub"), Some(0));
    assert_eq!(check("sa.pub"), Some(1));
    fs::write(site.path().join("openid/v1/jwks"), "{}").unwrap();
    assert_eq!(check("rsa2048.pub"), Some(1));
}

#[test]
fn document_mode_does_not_depend_on_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    for (umask, keys) in [("022", "rsa2048.pub"), ("077", "rsa4096.pub")] {
        let status = Command::new("sh")
            .args(["-c", &format!("umask {umask} && exec \"$@\""), "sh", env!("CARGO_BIN_EXE_issuer")])
            .args(publish_args(&run.path(keys), "https://issuer.example.com", site.path()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        for path in ["openid/v1/jwks", ".well-known/openid-configuration"] {
            let mode = fs::metadata(site.path().join(path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o644, "{path} after umask {umask}");
        }
    }
}

#[test]
fn open_document_keeps_its_version_for_the_reader() {
    use std::io::{Read, Seek};
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    let publish = |keys: &str| {
        let args = publish_args(&run.path(keys), "https://issuer.example.com", site.path());
        assert!(crate::support::issuer::run(args).status.success());
    };
    publish("rsa2048.pub");
    publish("rsa4096.pub");
    let paths = ["openid/v1/jwks", ".well-known/openid-configuration", "openid/v1/.jwks.retention.json"];
    let mut open = paths.map(|path| fs::File::open(site.path().join(path)).unwrap());
    let mut whole = || {
        open.each_mut().map(|file| {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        })
    };
    let before = whole();
    fs::write(site.path().join(".well-known/.openid-configuration.tmp"), "left by a killed publisher").unwrap();
    let mixed = recording("mixed-keys").path("sa.pub");
    let args = publish_args(&mixed, "https://issuer.example.com", site.path());
    assert!(crate::support::issuer::run(args).status.success());
    assert_eq!(whole(), before);
    let after = paths.map(|path| fs::read_to_string(site.path().join(path)).unwrap());
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    let hidden = fs::read_dir(site.path().join(".well-known")).unwrap().count();
    assert_eq!(hidden, 1, "temporary files of a killed publisher are left");
}

#[test]
fn waiting_for_the_lock_does_not_block_the_executor() {
    let run = recording("rotation");
    let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
    let desired = DesiredState::new(run.issuer.parse().unwrap(), keys);
    let folder = TempDir::new().unwrap();
    let lock = fs::File::create(folder.path().join(".issuer.lock")).unwrap();
    lock.lock().unwrap();
    let site = Directory::open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        // One thread runs both tasks: the lock is released only if the waiting write does not block the thread.
        let release = async {
            tokio::task::yield_now().await;
            drop(lock);
        };
        let (published, ()) = tokio::join!(issuer::publish(&site, &desired, &SystemClock), release);
        published.unwrap();
    });
}
