//! Stand-ins for the command line tools of Azure: shell scripts in a folder for the PATH.

use std::{
    env,
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::entra::access_token;

/// A folder with stand-ins, and a log of their calls.
pub(crate) struct Tools {
    folder: TempDir,
}

impl Tools {
    /// A folder without tools.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// `az`, which prints this document, if any, to standard output and the text to standard error.
    pub(crate) fn with_az(self, document: Option<&Value>, exit_code: i32, stderr: &str) -> Self {
        self.with("az", "account get-access-token -o json --scope ", &[("*", document)], exit_code, stderr)
    }

    /// `az` of a user who is signed in to a tenant and gets tokens only for these scopes.
    pub(crate) fn with_az_signed_in(self, tenant: &str, scopes: &[&str]) -> Self {
        let answers: Vec<_> = scopes.iter().map(|scope| az_document(tenant, scope)).collect();
        let answers: Vec<_> = scopes.iter().copied().zip(answers.iter().map(Some)).collect();
        self.with("az", "account get-access-token -o json --scope ", &answers, 0, "")
    }

    /// `azd`, likewise.
    pub(crate) fn with_azd(self, document: Option<&Value>, exit_code: i32, stderr: &str) -> Self {
        self.with("azd", "auth token -o json --no-prompt --scope ", &[("*", document)], exit_code, stderr)
    }

    /// `azd` of a user who is signed in to a tenant.
    pub(crate) fn with_azd_signed_in(self, tenant: &str, scopes: &[&str]) -> Self {
        let answers: Vec<_> = scopes.iter().map(|scope| azd_document(tenant, scope)).collect();
        let answers: Vec<_> = scopes.iter().copied().zip(answers.iter().map(Some)).collect();
        self.with("azd", "auth token -o json --no-prompt --scope ", &answers, 0, "")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The PATH of this process with the folder in front.
    pub(crate) fn path_env(&self) -> OsString {
        let path = env::var_os("PATH").unwrap_or_default();
        env::join_paths([self.dir().to_owned()].into_iter().chain(env::split_paths(&path))).unwrap()
    }

    /// The calls until now: the name of the tool, then its arguments.
    pub(crate) fn calls(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn log(&self) -> PathBuf {
        self.dir().join("calls.log")
    }

    /// A script that uses only shell builtins, so that it works with any PATH.
    fn with(self, tool: &str, usage: &str, answers: &[(&str, Option<&Value>)], exit_code: i32, stderr: &str) -> Self {
        let (log, usage, stderr) = (quote(self.log().to_str().unwrap()), quote(usage), quote(stderr));
        let answers: Vec<String> = answers
            .iter()
            .map(|&(scope, document)| {
                let pattern = if scope == "*" { String::new() } else { quote(&format!(" --scope {scope} ")) };
                let stdout = quote(&document.map_or_else(String::new, |document| format!("{document:#}\n")));
                format!("*{pattern}*) printf %s {stdout}; printf %s {stderr} >&2; exit {exit_code} ;;")
            })
            .collect();
        let answers = answers.join("\n");
        let script = format!(
            r#"#!/bin/sh
printf '%s\n' "{tool} $*" >>{log}
case "$* " in
{usage}*) ;;
*) echo "ERROR: the stand-in for {tool} does not support: $*" >&2; exit 2 ;;
esac
case "$* " in
{answers}
esac
echo "ERROR: AADSTS500011: The resource principal was not found in the tenant." >&2
exit 1
"#
        );
        write_executable(&self.dir().join(tool), &script);
        self
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self::new()
    }
}

/// What `az account get-access-token` prints.
pub(crate) fn az_document(tenant: &str, scope: &str) -> Value {
    let expiry = Timestamp::now().as_second() + 3599;
    let local = Timestamp::from_second(expiry).unwrap().strftime("%Y-%m-%d %H:%M:%S.000000").to_string();
    json!({
        "accessToken": access_token(tenant, scope.strip_suffix("/.default").unwrap_or(scope)),
        "expiresOn": local,
        "expires_on": expiry,
        "subscription": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
        "tenant": tenant,
        "tokenType": "Bearer",
    })
}

/// What `azd auth token` prints.
pub(crate) fn azd_document(tenant: &str, scope: &str) -> Value {
    let expiry = Timestamp::from_second(Timestamp::now().as_second() + 3599).unwrap();
    json!({
        "token": access_token(tenant, scope.strip_suffix("/.default").unwrap_or(scope)),
        "expiresOn": expiry.to_string(),
    })
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Writes the script from another process. If this process had the file open for writing while another thread forks,
/// the script could not start (ETXTBSY).
pub(crate) fn write_executable(path: &Path, script: &str) {
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
}
