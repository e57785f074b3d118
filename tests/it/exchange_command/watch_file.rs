//! The file of `--watch` when others change it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};

use rustix::process::Signal;

use super::{PGPASS, Watching};
use crate::{
    resources::{CLIENT, TENANT, World},
    support::{issued_tokens::Principal, other_user::mode},
};

#[test]
fn mode_is_applied_again_at_each_write() {
    let world = World::new();
    let out = world.folder.path().join("access");
    for (words, wanted) in [(&["--resource", "aks"][..], 0o600), (&["--resource", "aks", "--mode", "0640"], 0o640)] {
        let watching = Watching::ready(&world, &out, words);
        assert_eq!(mode(&out), wanted);
        fs::set_permissions(&out, Permissions::from_mode(0o666)).unwrap();
        watching.send(Signal::HUP);
        watching.line("wrote ");
        assert_eq!(mode(&out), wanted);
    }
}

#[test]
fn replaced_file_of_a_person_is_kept_and_reported() {
    let world = World::new();
    let passwords = "db.example.com:*:*:*:a password of a person\n";
    let out = world.folder.path().join("pgpass");
    world.azure.controls.lifetime(6);
    let mut watching = Watching::ready(&world, &out, &PGPASS);
    fs::write(&out, passwords).unwrap();
    watching.send(Signal::HUP);
    let line = watching.line("no new token");
    assert!(line.contains("it is a password file that this program did not write"), "{line}");
    // Neither the expiry nor the end removes it.
    watching.line("the token has expired, and its file was replaced");
    assert_eq!(fs::read_to_string(&out).unwrap(), passwords);
    fs::remove_file(&out).unwrap();
    watching.line("wrote ");
    assert!(watching.content().starts_with("# issuer writes this file"));
    fs::write(&out, passwords).unwrap();
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    assert_eq!(fs::read_to_string(&out).unwrap(), passwords);
}

#[test]
fn link_in_place_of_the_file_is_not_followed() {
    let world = World::new();
    let (out, victim) = (world.folder.path().join("access"), world.folder.path().join("victim"));
    fs::write(&victim, "precious").unwrap();
    let watching = Watching::ready(&world, &out, &["--resource", "aks"]);
    fs::remove_file(&out).unwrap();
    symlink(&victim, &out).unwrap();
    watching.send(Signal::HUP);
    let line = watching.line("no new token");
    assert!(line.contains("it is a symbolic link"), "{line}");
    assert_eq!((fs::read_to_string(&victim).unwrap().as_str(), out.is_symlink()), ("precious", true));
    fs::remove_file(&out).unwrap();
    watching.line("wrote ");
    assert_eq!(mode(&out), 0o600);
}

#[test]
fn folder_that_disappears_is_reported_and_awaited() {
    let world = World::new();
    let folder = world.folder.path().join("volume");
    fs::create_dir(&folder).unwrap();
    let watching = Watching::ready(&world, &folder.join("token"), &["--resource", "aks"]);
    fs::remove_dir_all(&folder).unwrap();
    watching.send(Signal::HUP);
    let line = watching.line("no new token");
    assert!(line.contains("cannot write") && line.contains("next attempt in 1 s"), "{line}");
    fs::create_dir(&folder).unwrap();
    watching.line("wrote ");
    assert_eq!(mode(&folder.join("token")), 0o600);
}

#[test]
fn ready_file_is_removed_at_the_end_and_at_the_start() {
    let world = World::new();
    let (out, ready) = (world.folder.path().join("access"), world.folder.path().join("ready"));
    let words = ["--resource", "aks", "--ready-file", ready.to_str().unwrap()];
    // Of a process that was killed.
    fs::write(&ready, "2026-11-22T00:10:22Z\n").unwrap();
    world.azure.controls.hold();
    let mut watching = Watching::start(&world, &out, &words);
    world.azure.controls.wait_for_held(1);
    assert!(!ready.exists(), "the ready file is older than the token");
    world.azure.controls.release();
    watching.line("wrote ");
    let expires: issuer::Timestamp = fs::read_to_string(&ready).unwrap().trim_end().parse().unwrap();
    let left = expires.as_second() - world.azure.controls.tokens.now();
    assert!((3500..=3600).contains(&left), "{left}");
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    assert!(!ready.exists() && out.exists());
}

#[test]
fn files_of_a_person_and_the_projected_token_are_kept() {
    let world = World::new();
    let (notes, passwords) = (world.folder.path().join("notes"), world.folder.path().join(".pgpass"));
    let projected = world.folder.path().join("token");
    fs::write(&notes, "my notes").unwrap();
    fs::write(&passwords, "db:*:*:*:secret\n").unwrap();
    let out = world.folder.path().join("access");
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let cases = [
        (text(&out), text(&notes), 3),
        (text(&out), text(&projected), 2),
        (text(&out), format!("{}/./access", text(world.folder.path())), 2),
        (text(&passwords), text(&world.folder.path().join("ready")), 2),
    ];
    for (out, ready, exit) in cases {
        let before = [&notes, &passwords, &projected].map(|path| fs::read_to_string(path).unwrap());
        let words = ["--resource", "aks", "--watch", "--out", &out, "--ready-file", &ready];
        let output = super::in_pod(&world, &words).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{out} {ready}: {output:?}");
        let after = [&notes, &passwords, &projected].map(|path| fs::read_to_string(path).unwrap());
        assert_eq!(before, after, "{out} {ready}");
    }
    assert_eq!(world.azure.controls.requests(), 0);
}

#[test]
fn expired_token_of_an_earlier_process_is_removed_at_the_start() {
    type Content<'a> = &'a dyn Fn(&World) -> String;
    let issue = |world: &World, age: i64| {
        let principal = Principal::app(TENANT, CLIENT);
        world.azure.controls.tokens.issue(&principal, "https://vault.azure.net", 3600, age)
    };
    let cases: [(&str, Content<'_>, bool); 4] = [
        ("token", &|world| issue(world, 7200), false),
        ("header", &|world| format!("Authorization: Bearer {}\n", issue(world, 7200)), false),
        ("token", &|world| issue(world, 0), true),
        ("token", &|_| "an opaque token".to_owned(), true),
    ];
    for (format, content, stays) in cases {
        let world = World::new();
        let out = world.folder.path().join("access");
        fs::write(&out, content(&world)).unwrap();
        world.azure.controls.hold();
        let watching = Watching::start(&world, &out, &["--resource", "aks", "--format", format]);
        world.azure.controls.wait_for_held(1);
        assert_eq!(out.exists(), stays, "{format}: {}", watching.log());
        world.azure.controls.release();
        watching.line("wrote ");
        assert!(out.exists());
    }
}
