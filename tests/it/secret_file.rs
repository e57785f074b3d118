//! Files with a secret: who may replace them, their mode, and what an interrupted write leaves.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    time::{Duration, SystemTime},
};

use issuer::{Hint, PasswordFile, SecretFile, SecretFileError};
use tempfile::TempDir;

use crate::support::other_user::{OTHER_UID, is_root, mode};

#[test]
fn mode_is_set_at_each_write() {
    let folder = TempDir::new().unwrap();
    for wanted in [0o600, 0o640, 0o444] {
        let file = SecretFile::new(folder.path().join("token")).mode(wanted);
        for content in ["one", "two"] {
            file.write(content.as_bytes()).unwrap();
            assert_eq!((fs::read_to_string(file.path()).unwrap().as_str(), mode(file.path())), (content, wanted));
            fs::set_permissions(file.path(), Permissions::from_mode(0o666)).unwrap();
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn only_a_regular_file_of_this_user_is_replaced() {
    type Make = fn(&Path);
    let cases: [(&str, Make, &str); 5] = [
        ("link", |path| symlink("/etc/hostname", path).unwrap(), "it is a symbolic link"),
        ("dangling link", |path| symlink("nothing", path).unwrap(), "it is a symbolic link"),
        ("folder", |path| fs::create_dir(path).unwrap(), "it is a folder"),
        ("socket", |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()), "it is a socket"),
        (
            "another user",
            |path| {
                fs::write(path, "theirs").unwrap();
                if is_root() {
                    chown(path, Some(OTHER_UID), None).unwrap();
                }
            },
            "it belongs to the user with ID 65534",
        ),
    ];
    for (name, make, expected) in cases {
        let folder = TempDir::new().unwrap();
        let file = SecretFile::new(folder.path().join("token"));
        make(file.path());
        if name == "another user" && !is_root() {
            continue;
        }
        let before = format!("{:?}", fs::symlink_metadata(file.path()).unwrap());
        let errors = [file.check().unwrap_err(), file.write(b"x").unwrap_err(), file.remove().unwrap_err()];
        for error in errors {
            assert!(error.to_string().contains(expected), "{name}: {error}");
            assert!(error.hint().is_some(), "{name}");
        }
        assert_eq!(format!("{:?}", fs::symlink_metadata(file.path()).unwrap()), before, "{name}");
    }
}

#[test]
fn password_file_of_a_person_is_kept() {
    let folder = TempDir::new().unwrap();
    let file = SecretFile::password_file(folder.path().join(".pgpass"));
    for content in ["", "db:*:*:*:secret\n", "# my passwords\ndb:*:*:*:secret\n"] {
        fs::write(file.path(), content).unwrap();
        let errors = [file.check().unwrap_err(), file.write(b"x").unwrap_err(), file.remove().unwrap_err()];
        assert!(errors.iter().all(|error| matches!(error, SecretFileError::OfAnotherProgram { .. })), "{content:?}");
        assert_eq!(fs::read_to_string(file.path()).unwrap(), content);
    }
    fs::remove_file(file.path()).unwrap();
    for token in ["one", "two"] {
        let content = PasswordFile::default().with_token(token);
        file.write(content.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), content);
    }
    file.remove().unwrap();
    file.remove().unwrap();
}

#[test]
fn left_temporary_files_are_removed_after_a_minute() {
    let folder = TempDir::new().unwrap();
    let make = |name: &str, age: u64| {
        let file = File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    let (old, new) = (".issuer-AAAAAAAAAAAAAAAAAAAAAA.tmp", ".issuer-BBBBBBBBBBBBBBBBBBBBBB.tmp");
    make(old, 3600);
    make(new, 0);
    make("other.tmp", 3600);
    SecretFile::new(folder.path().join("token")).write(b"secret").unwrap();
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [new, "other.tmp", "token"]);
}

#[test]
fn missing_folder_is_named_with_its_hint() {
    let file = SecretFile::new("no/such/folder/token");
    let error = file.write(b"x").unwrap_err();
    assert!(error.to_string().starts_with("cannot write no/such/folder/token"), "{error}");
    assert_eq!(error.hint().unwrap(), "create the directory first");
    file.remove().unwrap();
}
