//! The Azure SDK for Python, which `scripts/python` installs.

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// The variables of a pod.
pub(crate) type Variables = BTreeMap<&'static str, String>;

/// Signs in with `WorkloadIdentityCredential` for each set of variables, and returns a line for each: the token, or the
/// error.
pub(crate) fn sign_in(ca_file: &Path, pods: &[Variables]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python");
    assert!(python.exists(), "the Azure SDK for Python is missing: run scripts/python");
    let mut child = Command::new(python)
        .arg(root.join("tests/it/python/sign_in.py"))
        .env_clear()
        .env("REQUESTS_CA_BUNDLE", ca_file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // The SDK logs each error that the lines repeat.
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<_> = pods.iter().map(|variables| serde_json::to_string(variables).unwrap() + "\n").collect();
    child.stdin.take().unwrap().write_all(lines.concat().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
