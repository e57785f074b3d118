//! The command as a process: pipes, files, threads and sockets.

use std::{
    fs::{self, File},
    io::{Read, Write},
    process::Stdio,
};

use crate::support::{
    answer::answer,
    encode,
    issuer::{command, run, stderr, stdout},
    recording,
};
use tempfile::TempDir;

/// So many keys that their JWKS does not fit into a pipe (64 KiB on Linux).
fn many_keys() -> String {
    (0..200_u8)
        .map(|number| {
            encode::pem(
                "PUBLIC KEY",
                &encode::rsa_spki(&[&[0x80, number], vec![1; 254].as_slice()].concat(), &[3]),
                "\n",
            )
        })
        .collect()
}

#[test]
fn offline_command_starts_no_thread_and_no_socket() {
    let mut child = command().args(["jwks", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(many_keys().as_bytes()).unwrap();
    drop(stdin);
    // After the first byte everything is computed. The rest does not fit into the pipe, so the process blocks.
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0]).unwrap();
    let process = format!("/proc/{}", child.id());
    let threads = fs::read_dir(format!("{process}/task")).unwrap().count();
    let descriptors: Vec<_> = fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .map(|link| link.display().to_string())
        .collect();
    std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(threads, 1);
    let runtime: Vec<_> = descriptors
        .iter()
        .filter(|link| link.contains("eventpoll") || link.contains("eventfd") || link.starts_with("socket"))
        .collect();
    assert!(runtime.is_empty(), "{runtime:?}");
}

#[test]
fn closed_pipe_is_not_an_error() {
    let file = TempDir::new().unwrap();
    let keys = file.path().join("keys.pem");
    fs::write(&keys, many_keys()).unwrap();
    let mut child = command().arg("jwks").arg(&keys).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 10]).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn closed_pipe_keeps_the_exit_code_of_the_verdict() {
    let run = recording("rotation");
    let mut child = command();
    child.arg("verify").arg(run.path("apiserver-audience.jwt")).arg("--jwks").arg(run.path("jwks.json"));
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn full_disk_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let keys = recording("rotation").path("sa.pub");
    let output = command().arg("jwks").arg(keys).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stderr(&output), "error: cannot write to standard output: No space left on device (os error 28)\n");
}

#[test]
fn out_replaces_a_file_atomically_or_keeps_it() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("jwks.json");
    let write = |keys: &std::path::Path, more: &[&str]| {
        let args = ["jwks", keys.to_str().unwrap(), "--out", out.to_str().unwrap()];
        run(args.iter().chain(more))
    };
    let keys = recording("rotation").path("sa.pub");
    let written = write(&keys, &["--compact"]);
    assert_eq!((stdout(&written), stderr(&written)), (String::new(), format!("note: wrote {}\n", out.display())));
    assert_eq!(fs::read_to_string(&out).unwrap(), recording("rotation").text("jwks.json"));
    let mut open = File::open(&out).unwrap();
    assert!(write(&recording("mixed-keys").path("sa.pub"), &["--compact"]).status.success());
    let mut old = String::new();
    open.read_to_string(&mut old).unwrap();
    assert_eq!(old, recording("rotation").text("jwks.json"), "the open old file is not complete");
    write(&keys, &["--compact"]);
    assert_eq!(write(&crate::support::fixtures().join("malformed/ed25519.pub"), &[]).status.code(), Some(3));
    assert_eq!(fs::read_to_string(&out).unwrap(), recording("rotation").text("jwks.json"));
    let json = write(&keys, &["-o", "json", "--quiet"]);
    let value = answer("jwks", &json);
    assert_eq!(value["out"], out.to_str().unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
}

#[test]
fn out_to_dev_stdout_prints_one_json_value() {
    let keys = recording("rotation").path("sa.pub");
    let output = run(["jwks", keys.to_str().unwrap(), "--out", "/dev/stdout", "-o", "json"]);
    let value = answer("jwks", &output);
    assert_eq!(value["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn token_in_place_of_a_file_is_never_printed() {
    let token = recording("rotation").text("entra.jwt");
    let signature = token.rsplit('.').next().unwrap();
    for argument in [token.clone(), format!("Bearer {token}"), format!(" {token}"), format!("{token}\n")] {
        for command in ["verify", "inspect", "jwks"] {
            let output = run([command, &argument]);
            let said = format!("{}{}", stdout(&output), stderr(&output));
            assert!(output.status.code() == Some(2) && !said.contains(&signature[..20]), "{command}: {said}");
        }
    }
}

#[test]
fn workload_identity_token_file_is_the_default() {
    let run = recording("rotation");
    let verify = |file: &std::path::Path| {
        command()
            .args(["verify", "--for", "oidc", "--audience", "api://AzureADTokenExchange", "--jwks"])
            .arg(run.path("jwks.json"))
            .env("AZURE_FEDERATED_TOKEN_FILE", file)
            .output()
            .unwrap()
    };
    assert_eq!(verify(&run.path("entra.jwt")).status.code(), Some(0));
    assert_eq!(verify(&run.path("apiserver-audience.jwt")).status.code(), Some(1));
}

#[test]
fn byte_order_mark_before_a_token_is_refused() {
    let run = recording("rotation");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token.jwt");
    fs::write(&file, format!("\u{feff}{}", run.text("entra.jwt"))).unwrap();
    let output = command().arg("verify").arg(&file).arg("--jwks").arg(run.path("jwks.json")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
}

#[test]
fn every_shell_has_completions_and_every_command_a_man_page() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(["completions", shell]);
        assert!(output.status.success() && stdout(&output).contains("inspect"), "{shell}");
    }
    let folder = TempDir::new().unwrap();
    let pages = folder.path().join("man1");
    let output = run(["man", "--out", pages.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    for page in [
        "issuer",
        "issuer-jwks",
        "issuer-discovery",
        "issuer-publish",
        "issuer-serve",
        "issuer-verify",
        "issuer-exchange",
        "issuer-exec",
        "issuer-inspect",
        "issuer-explain",
    ] {
        let text = fs::read_to_string(pages.join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".TH"), "{page}");
        assert!(stdout(&output).contains(&format!("{page}.1\n")));
    }
}

#[test]
fn colour_is_off_in_a_pipe_unless_forced() {
    let run = recording("rotation");
    let verify = |args: &[&str]| {
        let mut command = command();
        command
            .env_remove("NO_COLOR")
            .arg("verify")
            .arg(run.path("entra.jwt"))
            .arg("--jwks")
            .arg(run.path("jwks.json"));
        stdout(&command.args(args).output().unwrap())
    };
    assert!(!verify(&[]).contains('\u{1b}'));
    assert!(verify(&["--color", "always"]).contains('\u{1b}'));
    assert!(!verify(&["--color", "never"]).contains('\u{1b}'));
}

#[test]
fn colour_is_on_in_a_terminal_unless_no_color_is_set() {
    let run = recording("rotation");
    let (token, jwks) = (run.path("entra.jwt"), run.path("jwks.json"));
    let line =
        format!("{} verify {} --for oidc --jwks {}", env!("CARGO_BIN_EXE_issuer"), token.display(), jwks.display());
    // `script` of util-linux runs a command on a terminal of its own.
    let on_terminal = |no_color: Option<&str>| {
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env_remove("NO_COLOR").env("TERM", "xterm").stdin(Stdio::null());
        if let Some(value) = no_color {
            script.env("NO_COLOR", value);
        }
        stdout(&script.output().unwrap())
    };
    let (plain, coloured) = (on_terminal(Some("1")), on_terminal(None));
    assert!(plain.contains("accepted") && !plain.contains('\u{1b}'), "{plain:?}");
    assert!(coloured.contains("accepted") && coloured.contains('\u{1b}'), "{coloured:?}");
}

#[test]
fn argument_that_is_not_unicode_is_an_error() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let odd = OsStr::from_bytes(b"\xff");
    let output = command().args([OsStr::new("jwks"), odd, OsStr::new("--bogus")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = command().args([OsStr::new("jwks"), odd]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn json_keeps_every_character() {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let header = "{\"alg\":\"RS256\",\"kid\":\"a\u{7f}b\u{9b}c\u{202e}d\"}";
    let token = format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode(header));
    let mut child =
        command().args(["inspect", "-", "-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.is_ascii(), "{output:?}");
    let value = answer("inspect", &output);
    assert_eq!(value["header"]["kid"], "a\u{7f}b\u{9b}c\u{202e}d");
}

#[test]
fn version_names_commit_and_date_when_known() {
    let output = run(["--version"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = env!("ISSUER_VERSION");
    assert_eq!(text, format!("issuer {expected}\n"));
    let git = std::process::Command::new("git").args(["log", "-1", "--format=(%h %cs)", "--abbrev=9"]).output();
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists();
    match git.ok().filter(|git| own && git.status.success()) {
        Some(git) => assert!(expected.ends_with(String::from_utf8(git.stdout).unwrap().trim()), "{expected}"),
        None => assert_eq!(expected, env!("CARGO_PKG_VERSION")),
    }
}
