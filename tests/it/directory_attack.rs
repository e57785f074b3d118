//! A directory site in which a less privileged user can write.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::{
    answer::answer,
    issuer::stderr,
    other_user::{OTHER_UID, SharedFolder, give_to_other_user, is_root, mode, script},
    recording,
};
use issuer::{
    DocumentPath, FetchError, IssuerUrl, PublishedIssuer, Retention,
    site::{Condition, Content, Directory, Headers, Site, Written},
};

const ISSUER: &str = "https://issuer.example.com/clusters/a";
const JWKS: &str = "clusters/a/openid/v1/jwks";
const DISCOVERY: &str = "clusters/a/.well-known/openid-configuration";
const RECORD: &str = "clusters/a/openid/v1/.jwks.retention.json";
const LOCK: &str = ".issuer.lock";

/// Runs the binary and kills it if it blocks. The exit code is then 124.
fn issuer(args: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "30", env!("CARGO_BIN_EXE_issuer")]).args(args).env("NO_COLOR", "1");
    command.output().unwrap()
}

fn publish(keys: &str, site: &Path) -> Output {
    let keys = recording("rotation").path(keys);
    issuer(&["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "--directory", site.to_str().unwrap()])
}

fn status(site: &Path) -> Output {
    issuer(&["status", ISSUER, "--directory", site.to_str().unwrap()])
}

/// A published site that now belongs to another user.
fn site_of_another_user(shared_folder: &SharedFolder) -> PathBuf {
    let site = shared_folder.path().join("site");
    assert!(publish("rsa2048.pub", &site).status.success());
    give_to_other_user(&site);
    site
}

fn no_temporary_file_in(site: &Path) -> bool {
    ["clusters/a/openid/v1", "clusters/a/.well-known"].iter().all(|folder| {
        let names = fs::read_dir(site.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().all(|name| !name.to_string_lossy().ends_with(".tmp"))
    })
}

#[test]
fn entry_of_another_file_type_is_refused() {
    let kinds = [
        ("a symbolic link", "rm -rf \"$1\" && ln -s \"$2\" \"$1\""),
        ("a symbolic link", "rm -rf \"$1\" && ln -s \"$2.missing\" \"$1\""),
        ("a named pipe", "rm -rf \"$1\" && mkfifo \"$1\""),
        ("a directory", "rm -rf \"$1\" && mkdir \"$1\""),
    ];
    for place in [LOCK, RECORD, JWKS, DISCOVERY] {
        for (kind, make) in kinds {
            let case = format!("{kind} in place of {place}");
            let shared_folder = SharedFolder::new();
            let site = site_of_another_user(&shared_folder);
            script(make, &[&site.join(place), &shared_folder.victim_file()]);
            let output = publish("rsa4096.pub", &site);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{case}: {said}");
            let path = site.join(place).display().to_string();
            let expected = format!("{path}: it is {kind}; expected a regular file");
            assert!(said.contains(&expected) && said.contains("\nhint: "), "{case}: {said}");
            shared_folder.assert_untouched(&case);
            // A read takes no lock, so the lock file has no effect.
            let code = if place == LOCK { 0 } else { 3 };
            assert_eq!(status(&site).status.code(), Some(code), "{case}");
        }
    }
}

#[test]
fn device_in_place_of_a_file_is_refused() {
    if !is_root() {
        return;
    }
    for place in [LOCK, RECORD, JWKS] {
        let shared_folder = SharedFolder::new();
        let site = site_of_another_user(&shared_folder);
        fs::remove_file(site.join(place)).unwrap_or_default();
        // /dev/zero is endless.
        if !Command::new("mknod").arg(site.join(place)).args(["c", "1", "5"]).status().unwrap().success() {
            eprintln!("skipped: this system does not allow mknod");
            return;
        }
        let output = publish("rsa4096.pub", &site);
        assert_eq!(output.status.code(), Some(3), "{place}");
        assert!(stderr(&output).contains("it is a device; expected a regular file"), "{}", stderr(&output));
    }
}

#[test]
fn link_in_place_of_a_folder_is_not_followed() {
    for place in ["clusters", "clusters/a", "clusters/a/openid", "clusters/a/openid/v1", "clusters/a/.well-known"] {
        let shared_folder = SharedFolder::new();
        let site = site_of_another_user(&shared_folder);
        script("rm -r \"$1\" && ln -s \"$2\" \"$1\"", &[&site.join(place), &shared_folder.victim()]);
        for output in [publish("rsa4096.pub", &site), status(&site)] {
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{place}: {said}");
            let expected = format!("{}: it is a symbolic link; expected a directory", site.join(place).display());
            assert!(said.contains(&expected) && said.contains("\nhint: replace the link"), "{said}");
        }
        shared_folder.assert_untouched(place);
    }
}

#[test]
fn links_under_former_temporary_names_are_not_followed() {
    let places = [".jwks.tmp", "..jwks.retention.json.tmp"];
    for make in ["ln -s \"$2\" \"$1\"", "ln -s \"$2.missing\" \"$1\"", "mkfifo \"$1\""] {
        let shared_folder = SharedFolder::new();
        let site = site_of_another_user(&shared_folder);
        for place in places {
            script(make, &[&site.join("clusters/a/openid/v1").join(place), &shared_folder.victim_file()]);
        }
        script(make, &[&site.join("clusters/a/.well-known/.openid-configuration.tmp"), &shared_folder.victim_file()]);
        let output = publish("rsa4096.pub", &site);
        assert_eq!(output.status.code(), Some(0), "{make}: {}", stderr(&output));
        shared_folder.assert_untouched(make);
        assert_eq!([mode(&site.join(JWKS)), mode(&site.join(RECORD))], [0o644, 0o600], "{make}");
    }
}

#[test]
fn modes_depend_on_neither_the_umask_nor_the_former_file() {
    for umask in ["000", "022", "077"] {
        let shared_folder = SharedFolder::new();
        let site = shared_folder.path().join("site");
        for keys in ["rsa2048.pub", "rsa4096.pub"] {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("umask {umask} && exec \"$@\""), "sh", env!("CARGO_BIN_EXE_issuer"), "publish"]);
            shell.arg(recording("rotation").path(keys)).args(["--issuer", ISSUER, "--directory"]).arg(&site);
            assert!(shell.output().unwrap().status.success());
            let modes = [JWKS, DISCOVERY, RECORD, LOCK].map(|path| mode(&site.join(path)));
            assert_eq!(modes, [0o644, 0o644, 0o600, 0o600], "umask {umask}, {keys}");
            for folder in ["clusters", "clusters/a", "clusters/a/openid", "clusters/a/openid/v1"] {
                assert_eq!(mode(&site.join(folder)), 0o755, "umask {umask}, {folder}");
            }
            // The next publish replaces files of the widest mode.
            for path in [JWKS, DISCOVERY, RECORD, LOCK] {
                fs::set_permissions(site.join(path), Permissions::from_mode(0o666)).unwrap();
            }
            fs::write(site.join(DISCOVERY), "").unwrap();
        }
    }
}

#[test]
fn lock_file_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    let shared_folder = SharedFolder::new();
    let site = shared_folder.path().join("site");
    fs::create_dir(&site).unwrap();
    fs::set_permissions(&site, Permissions::from_mode(0o1777)).unwrap();
    script("touch \"$1\"", &[&site.join(LOCK)]);
    let output = publish("rsa2048.pub", &site);
    assert_eq!(output.status.code(), Some(3));
    let expected = format!(
        "cannot lock {}: its owner is user ID {OTHER_UID}; expected this user, root or the owner of the directory\nhint: ",
        site.join(LOCK).display()
    );
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    // The owner of the directory is trusted with its lock.
    give_to_other_user(&site);
    assert!(publish("rsa2048.pub", &site).status.success());
}

#[test]
fn held_lock_does_not_block_status() {
    let shared_folder = SharedFolder::new();
    let site = site_of_another_user(&shared_folder);
    let lock = File::open(site.join(LOCK)).unwrap();
    lock.lock().unwrap();
    assert_eq!(status(&site).status.code(), Some(0));
    let check = recording("rotation").path("rsa2048.pub");
    let check =
        ["publish", check.to_str().unwrap(), "--issuer", ISSUER, "--check", "--directory", site.to_str().unwrap()];
    assert_eq!(issuer(&check).status.code(), Some(0));
}

#[test]
fn root_of_the_site_may_be_a_link() {
    let shared_folder = SharedFolder::new();
    let link = shared_folder.path().join("current");
    fs::create_dir(shared_folder.path().join("release")).unwrap();
    symlink("release", &link).unwrap();
    assert!(publish("rsa2048.pub", &link).status.success());
    assert!(shared_folder.path().join("release").join(JWKS).exists() && link.is_symlink());
    assert_eq!(status(&link).status.code(), Some(0));
}

#[test]
fn link_of_another_user_to_a_site_is_not_followed() {
    if !is_root() {
        return;
    }
    for bits in [0o777, 0o1777] {
        let shared_folder = SharedFolder::new();
        let shared = shared_folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(bits)).unwrap();
        let site = shared.join("site");
        script("ln -s \"$2\" \"$1\"", &[&site, &shared_folder.victim()]);
        for output in [publish("rsa2048.pub", &site), status(&site)] {
            assert_eq!(output.status.code(), Some(3), "{bits:o}");
            assert!(stderr(&output).contains(&format!("{}: ", site.display())), "{}", stderr(&output));
        }
        shared_folder.assert_untouched("site");
    }
}

#[test]
fn world_writable_places_are_warnings() {
    let shared_folder = SharedFolder::new();
    let site = shared_folder.path().join("site");
    let warnings = |path: &str, bits: u32| {
        assert!(publish("rsa2048.pub", &site).status.success());
        let path = site.join(path);
        let before = mode(&path);
        fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
        let said = [publish("rsa2048.pub", &site), status(&site)].map(|output| {
            assert!(output.status.success());
            stderr(&output).lines().filter(|line| line.starts_with("warning:")).collect::<Vec<_>>().join("\n")
        });
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        assert_eq!(said[0], said[1]);
        said[0].clone()
    };
    for folder in ["", "..", "clusters", "clusters/a/openid/v1", "clusters/a/.well-known"] {
        let said = warnings(folder, 0o777);
        assert!(said.contains("is world-writable without the sticky bit: any user can replace"), "{folder}: {said}");
        assert_eq!(warnings(folder, 0o1777), "", "{folder}");
        assert_eq!(warnings(folder, 0o775), "", "{folder}");
    }
    for file in [JWKS, DISCOVERY, RECORD] {
        let said = warnings(file, 0o666);
        assert!(said.contains(&format!("{} is world-writable: any user", site.join(file).display())), "{said}");
    }
    fs::set_permissions(&site, Permissions::from_mode(0o777)).unwrap();
    let keys = recording("rotation").path("rsa2048.pub");
    let args = ["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "-o", "json", "--directory"];
    let output = issuer(&[args.as_slice(), &[site.to_str().unwrap()]].concat());
    let json = answer("publish", &output);
    assert!(json["warnings"][0].as_str().unwrap().contains("world-writable"), "{json}");
}

#[test]
fn killed_publishers_leave_at_most_one_temporary_file() {
    let shared_folder = SharedFolder::new();
    let site = shared_folder.path().join("site");
    assert!(publish("rsa2048.pub", &site).status.success());
    let keys = recording("rotation").path("rsa4096.pub");
    for _ in 0..5 {
        let killed = Command::new("prlimit")
            .args(["--fsize=600", "--core=0", env!("CARGO_BIN_EXE_issuer"), "publish"])
            .arg(&keys)
            .args(["--issuer", ISSUER, "--directory"])
            .arg(&site)
            .output()
            .unwrap();
        assert!(!killed.status.success());
        let names = fs::read_dir(site.join("clusters/a/openid/v1")).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.iter().filter(|name| name.starts_with(".issuer-")).count(), 1, "{names:?}");
    }
    // Files of another user or with another name stay.
    let other = site.join("clusters/a/openid/v1/.issuer-notes.tmp");
    fs::write(&other, "notes").unwrap();
    assert!(publish("rsa4096.pub", &site).status.success());
    fs::remove_file(other).unwrap();
    assert!(no_temporary_file_in(&site));
}

#[test]
fn files_over_one_mebibyte_are_refused_unread() {
    for place in [JWKS, DISCOVERY, RECORD] {
        let shared_folder = SharedFolder::new();
        let site = site_of_another_user(&shared_folder);
        // A sparse file of 1 TiB: reading it would not end.
        File::create(site.join(place)).unwrap().set_len(1 << 40).unwrap();
        for output in [publish("rsa4096.pub", &site), status(&site)] {
            assert_eq!(output.status.code(), Some(3), "{place}");
            let expected =
                format!("cannot read {}: it is longer than 1048576 bytes\nhint: ", site.join(place).display());
            assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
        }
    }
}

#[test]
fn document_too_long_to_read_back_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let site = Directory::open(folder.path()).unwrap();
    let path = jwks_path();
    let error =
        block_on(site.write(&path, &content(&"x".repeat((1 << 20) + 1), 1), &Condition::IfNoneMatch)).unwrap_err();
    assert!(error.to_string().ends_with("it is longer than 1048576 bytes"), "{error}");
    assert_eq!(block_on(site.read(&path)).unwrap(), None);
}

#[test]
fn published_directory_is_read_up_to_one_mebibyte() {
    let folder = tempfile::tempdir().unwrap();
    let issuer: IssuerUrl = "https://issuer.example.com".parse().unwrap();
    fs::create_dir(folder.path().join(".well-known")).unwrap();
    let path = folder.path().join(".well-known/openid-configuration");
    for (length, is_read) in [(1 << 20, true), ((1 << 20) + 1, false), (1 << 40, false)] {
        File::create(&path).unwrap().set_len(length).unwrap();
        let outcome = PublishedIssuer::from_directory(&issuer, folder.path()).discovery.outcome;
        assert_eq!(matches!(outcome, Err(FetchError::TooLong { .. })), !is_read, "{length}");
        assert_eq!(outcome.is_ok(), is_read, "{length}");
    }
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let error = PublishedIssuer::from_directory(&issuer, folder.path()).discovery.outcome.unwrap_err();
    assert!(error.to_string().contains("it is not a regular file"), "{error}");
}

/// A reader takes no lock. It sees the record of its document or of the next one, because the record is written first.
#[test]
fn reader_sees_no_torn_document_and_record() {
    const VERSIONS: i32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let site = Directory::open(folder.path()).unwrap();
    let (path, mut stale) = (jwks_path(), Vec::new());
    let write = |version: i32, condition: &Condition| {
        block_on(site.write(&path, &content(&version.to_string(), version), condition)).unwrap()
    };
    write(0, &Condition::IfNoneMatch);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for version in 1..=VERSIONS {
                let etag = block_on(site.read(&path)).unwrap().unwrap().etag;
                assert_eq!(write(version, &Condition::IfMatch(etag)), Written::Done);
            }
        });
        while !writer.is_finished() {
            let stored = block_on(site.read(&path)).unwrap().unwrap();
            let document: i32 = String::from_utf8(stored.bytes).unwrap().parse().unwrap();
            let record: i32 = stored.retention.issuer().unwrap().parse().unwrap();
            assert!(record == document || record == document + 1, "document {document} with record {record}");
            if document < VERSIONS {
                stale.push(stored.etag);
            }
        }
    });
    // The ETag of an earlier read does not allow another write.
    for etag in stale {
        assert_eq!(write(-1, &Condition::IfMatch(etag)), Written::PreconditionFailed);
    }
}

fn jwks_path() -> DocumentPath {
    "https://issuer.example.com".parse::<IssuerUrl>().unwrap().jwks_path()
}

fn content(text: &str, version: i32) -> Content {
    let mut retention = Retention::default();
    retention.issuer = Some(version.to_string());
    let headers = Headers { content_type: String::new(), cache_control: String::new(), content_encoding: None };
    Content { bytes: text.as_bytes().to_vec(), headers, retention }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
