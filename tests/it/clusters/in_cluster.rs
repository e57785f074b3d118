//! The service account of a pod: the variables of its API server, and the files of its volume.

use std::{fs, path::Path, process::Command};

use super::Desk;
use crate::support::{
    api_server_stand_in::{ADMIN, ApiServerStandIn, KID},
    issuer::{command, stderr, stdout},
    signer::ISSUER,
};

/// kube and client-go read this folder.
const VOLUME: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Puts the files of the folder `$1` into the volume of a new mount namespace, and runs the rest.
const IN_POD: &str = r#"
    mount -t tmpfs tmpfs /var/run || { echo "no mount namespace" >&2; exit 77; }
    mkdir -p "$VOLUME"
    cp "$1"/* "$VOLUME"
    shift
    exec "$@"
"#;

/// The variables of a pod, without a kubeconfig.
fn variables(command: &mut Command, server: &ApiServerStandIn, home: &Path) {
    let (host, port) = server.url().trim_start_matches("https://").split_once(':').unwrap();
    command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port).env("HOME", home);
}

/// Requires a mount namespace, in which the volume is mounted.
#[test]
fn pod_reads_the_keys_with_its_service_account() {
    let server = ApiServerStandIn::new(ISSUER);
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("token"), format!("{ADMIN}\n")).unwrap();
    fs::write(folder.path().join("namespace"), "shop").unwrap();
    fs::copy(server.ca_file(), folder.path().join("ca.crt")).unwrap();
    let run = |words: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-euc", IN_POD, "sh"]).arg(folder.path());
        unshare.arg(env!("CARGO_BIN_EXE_issuer")).args(words).env("VOLUME", VOLUME).env("NO_COLOR", "1");
        unshare.env_remove("KUBECONFIG");
        variables(&mut unshare, &server, folder.path());
        unshare.output()
    };
    let words = ["jwks", "--from-cluster", "--compact"];
    let Ok(output) = run(&words) else { return eprintln!("skipped: unshare is not installed") };
    if server.requests().is_empty() && (output.status.code() == Some(77) || stderr(&output).starts_with("unshare:")) {
        return eprintln!("skipped: no mount namespace: {}", stderr(&output));
    }
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains(KID), "{}", stdout(&output));

    fs::write(folder.path().join("token"), "an-0ld-t0ken").unwrap();
    let output = run(&words).unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("does not accept the credentials of the service account of this pod (401"), "{text}");
    assert!(text.contains("hint: create the pod again") && !text.contains("an-0ld-t0ken"), "{text}");
    let output = run(&["jwks", "--from-cluster", "--context", "c"]).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn pod_without_the_files_of_a_service_account_is_named() {
    if Path::new(VOLUME).exists() {
        return eprintln!("skipped: this is a pod");
    }
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    let mut command = command();
    command.args(["jwks", "--from-cluster"]);
    variables(&mut command, &server, desk.path());
    let text = stderr(&command.output().unwrap());
    assert!(text.starts_with("error: cannot use the service account of this pod: "), "{text}");
    assert!(text.contains("No such file") && text.contains("\nhint: "), "{text}");
    command.env_remove("KUBERNETES_SERVICE_HOST");
    let text = stderr(&command.output().unwrap());
    assert!(text.contains("no kubeconfig was found, and this is not a pod with a service account"), "{text}");
}
