//! The Azure SDK for Python and psycopg, which `scripts/python` installs.

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The variables of a pod.
pub(crate) type Variables = BTreeMap<&'static str, String>;

/// Signs in with `WorkloadIdentityCredential` for each set of variables, and returns a line for each: the token, or the
/// error.
pub(crate) fn sign_in(ca_file: &Path, pods: &[Variables]) -> Vec<String> {
    let pods: Vec<_> = pods.iter().map(|variables| serde_json::to_value(variables).unwrap()).collect();
    lines(python("sign_in.py").env("REQUESTS_CA_BUNDLE", ca_file), &pods)
}

/// A script in `tests/it/python`, without the variables of this process.
pub(crate) fn python(script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python");
    assert!(python.exists(), "the Azure SDK for Python is missing: run scripts/python");
    let mut command = Command::new(python);
    command.arg(root.join("tests/it/python").join(script)).env_clear();
    command
}

/// Runs a program with these values as the lines of its standard input, and returns the lines of its output.
pub(crate) fn lines(program: &mut Command, input: &[Value]) -> Vec<String> {
    // The SDK logs each error that the lines repeat.
    let program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let input: String = input.iter().map(|value| format!("{value}\n")).collect();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
