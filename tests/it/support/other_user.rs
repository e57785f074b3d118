//! Another user of this machine without privileges: the UID 65534.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

pub(crate) const OTHER_UID: u32 = 65534;

/// Whether this process is root and can act as another user. Otherwise, the attacks run as this user.
pub(crate) fn is_root() -> bool {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        eprintln!("not root: the part of this test that needs another user is skipped");
    }
    root
}

/// Runs a shell script as the other user, with arguments `$1`, `$2` and so on.
pub(crate) fn script(script: &str, arguments: &[&Path]) {
    let mut shell = Command::new("sh");
    shell.args(["-euc", script, "sh"]).args(arguments);
    if is_root() {
        shell.uid(OTHER_UID).gid(OTHER_UID);
    }
    assert!(shell.status().unwrap().success(), "{script} {arguments:?}");
}

/// Gives a directory and everything in it to the other user.
pub(crate) fn give_to_other_user(path: &Path) {
    if !is_root() {
        return;
    }
    chown(path, Some(OTHER_UID), Some(OTHER_UID)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_to_other_user(&entry.unwrap().path()));
    }
}

/// A directory that the other user can reach, with a file that only its owner can write.
pub(crate) struct SharedFolder {
    folder: TempDir,
}

impl SharedFolder {
    const SECRET: &str = "only its owner may change this\n";

    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let victim = folder.path().join("victim");
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("file"), Self::SECRET).unwrap();
        // An unusual mode, which must neither change nor be copied.
        fs::set_permissions(victim.join("file"), Permissions::from_mode(0o666)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A directory in which no attack may create a file.
    pub(crate) fn victim(&self) -> PathBuf {
        self.path().join("victim")
    }

    /// A file that no attack may overwrite.
    pub(crate) fn victim_file(&self) -> PathBuf {
        self.victim().join("file")
    }

    pub(crate) fn assert_untouched(&self, case: &str) {
        let names: Vec<_> = fs::read_dir(self.victim()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["file"], "{case}");
        assert_eq!(fs::read_to_string(self.victim_file()).unwrap(), Self::SECRET, "{case}");
        assert_eq!(mode(&self.victim_file()), 0o666, "{case}");
    }
}

/// The permission bits of a file, the sticky and set-ID bits among them.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}
