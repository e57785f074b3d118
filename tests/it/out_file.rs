//! `--out` in directories that other users can write to.

use std::{
    fs::{self, File, Permissions},
    io::Read,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::support::{
    issuer::{stderr, stdout},
    other_user::{OTHER_UID, SharedFolder, is_root, mode, script},
    recording,
};

fn jwks() -> String {
    recording("rotation").text("jwks.json")
}

/// Writes a JWKS to this path. The command is killed if it blocks; the exit code is then 124 or 137.
fn command(out: &Path) -> Command {
    let keys = recording("rotation").path("sa.pub");
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "30", env!("CARGO_BIN_EXE_issuer"), "jwks", "--compact"]).arg(keys);
    command.arg("--out").arg(out).env("NO_COLOR", "1");
    command
}

fn write(out: &Path) -> Output {
    command(out).output().unwrap()
}

fn shared(shared_folder: &SharedFolder, mode: u32) -> PathBuf {
    let folder = shared_folder.path().join("shared");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    folder
}

#[test]
fn out_does_not_follow_a_link_or_pipe_of_another_user() {
    if !is_root() {
        return;
    }
    let cases = [
        ("a symbolic link", "ln -s \"$2/file\" \"$1\"", ""),
        ("a symbolic link", "ln -s \"$2/missing\" \"$1\"", ""),
        ("a symbolic link", "ln -s \"$2\" \"$1\"", "new"),
        ("a symbolic link", "ln -s other \"$1\" && ln -s \"$2/file\" \"$(dirname \"$1\")/other\"", ""),
        ("a named pipe", "mkfifo \"$1\"", ""),
    ];
    for bits in [0o777, 0o1777] {
        for (what, make, below) in cases {
            let shared_folder = SharedFolder::new();
            let place = shared(&shared_folder, bits).join("entry");
            script(make, &[&place, &shared_folder.victim()]);
            let out = if below.is_empty() { place.clone() } else { place.join(below) };
            let output = write(&out);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{make}: {said}");
            let expected = format!("{} is {what} of the user with ID {OTHER_UID}\nhint: ", place.display());
            assert!(said.contains(&expected), "{make}: {said}");
            shared_folder.assert_untouched(make);
        }
    }
}

#[test]
fn out_follows_links_of_this_user() {
    let shared_folder = SharedFolder::new();
    let folder = shared(&shared_folder, 0o1777);
    fs::write(folder.join("file"), "old").unwrap();
    symlink("file", folder.join("first")).unwrap();
    symlink(folder.join("first"), folder.join("second")).unwrap();
    symlink(&folder, shared_folder.path().join("folder")).unwrap();
    let output = write(&shared_folder.path().join("folder/second"));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), jwks());
    assert!(folder.join("second").is_symlink() && folder.join("first").is_symlink());
    // A relative path, and a loop.
    let output = command(Path::new("first")).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    symlink("loop", folder.join("loop")).unwrap();
    assert_eq!(write(&folder.join("loop")).status.code(), Some(3));
}

#[test]
fn out_writes_to_pipes_and_terminals_of_the_caller() {
    let shared_folder = SharedFolder::new();
    let pipe = shared_folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child = command(&pipe).stderr(Stdio::null()).spawn().unwrap();
    let mut text = String::new();
    File::open(&pipe).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, jwks());
    assert!(child.wait_with_output().unwrap().status.success());
    for out in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        assert_eq!(stdout(&write(Path::new(out))), jwks(), "{out}");
    }
    assert!(stderr(&write(Path::new("/dev/stderr"))).starts_with(&jwks()));
    assert!(write(Path::new("/dev/null")).status.success());
    // The shell makes this pipe (bash, "Process Substitution").
    let keys = recording("rotation").path("sa.pub");
    let line = "\"$1\" jwks --compact \"$2\" --quiet --out >(cat) | cat";
    let output =
        Command::new("bash").args(["-c", line, "bash", env!("CARGO_BIN_EXE_issuer")]).arg(keys).output().unwrap();
    assert_eq!(stdout(&output), jwks());
}

#[test]
fn out_keeps_the_file_mode_and_is_never_world_writable() {
    let shared_folder = SharedFolder::new();
    let folder = shared(&shared_folder, 0o1777);
    let out = folder.join("jwks.json");
    let with_umask = |umask: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask} && exec \"$@\""), "sh", env!("CARGO_BIN_EXE_issuer"), "jwks"]);
        shell.arg(recording("rotation").path("sa.pub")).arg("--out").arg(&out);
        assert!(shell.output().unwrap().status.success());
        mode(&out)
    };
    for (umask, before, after) in
        [("022", None, 0o644), ("022", Some(0o600), 0o600), ("000", Some(0o666), 0o664), ("022", Some(0o4777), 0o755)]
    {
        let _ = fs::remove_file(&out);
        if let Some(before) = before {
            fs::write(&out, "old").unwrap();
            fs::set_permissions(&out, Permissions::from_mode(before)).unwrap();
        }
        assert_eq!(with_umask(umask), after, "{before:?}");
    }
    if is_root() {
        fs::set_permissions(&out, Permissions::from_mode(0o600)).unwrap();
        chown(&out, Some(OTHER_UID), Some(OTHER_UID)).unwrap();
        assert_eq!(with_umask("022"), 0o644, "the file of another user");
    }
}
