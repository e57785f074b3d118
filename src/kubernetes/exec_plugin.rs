use std::{io::IsTerminal, process::Stdio};

use base64::{Engine, prelude::BASE64_STANDARD};
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::{io::AsyncReadExt, process::Command};

use super::secrets::without;
use crate::redact::redacted_start;

/// The longest output of a plugin that is read, in bytes.
const OUTPUT_MAX: u64 = 1 << 20;
/// The longest message of a plugin that is shown, in characters.
const MESSAGE_MAX: usize = 300;

/// Why an exec plugin gave no credential. Its standard output may hold a token, so it is never shown.
pub(super) struct PluginFailure {
    pub(super) because: String,
    /// Whether it cannot be started, so that another login does not help.
    is_missing: bool,
}

impl PluginFailure {
    /// The next step, if it is not another login; `kubectl` starts a command for the cluster.
    pub(super) fn fix(&self, kubectl: &str) -> Option<String> {
        let fix = "install the exec plugin that the kubeconfig names for this user, or correct its command";
        self.is_missing.then(|| format!("{fix}: {kubectl} config view --minify"))
    }
}

impl From<String> for PluginFailure {
    fn from(because: String) -> Self {
        Self { because, is_missing: false }
    }
}

impl From<&str> for PluginFailure {
    fn from(because: &str) -> Self {
        because.to_owned().into()
    }
}

/// The answer of a plugin (Kubernetes, "client-go credential plugins").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    kind: String,
    api_version: String,
    status: Option<ExecCredentialStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredentialStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the exec plugin of a user, and replaces it with the credential that it prints.
///
/// kube 5 runs plugins too, but panics for a token that HTTP rejects, reads any output, and leaves a plugin running that
/// does not end in time. This one is killed when its future is dropped.
pub(super) async fn log_in(user: &mut AuthInfo) -> Result<(), PluginFailure> {
    // client-go uses the plugin only if the user has no token (`UpdateTransportConfig`).
    let has_other = user.auth_provider.is_some() || user.token.is_some() || user.token_file.is_some();
    let Some(plugin) = user.exec.take().filter(|_| !has_other) else { return Ok(()) };
    let output = run(&plugin).await?;
    let printed: ExecCredential =
        serde_json::from_slice(&output).map_err(|_| "the exec plugin did not print an ExecCredential")?;
    let version = plugin.api_version.as_deref().unwrap_or(&printed.api_version);
    if printed.kind != "ExecCredential" || printed.api_version != version {
        let kind = redacted_start(&format!("{} {}", printed.api_version, printed.kind), MESSAGE_MAX);
        return Err(format!(
            "the exec plugin printed {kind:?}, and the kubeconfig requires an ExecCredential of {version}"
        )
        .into());
    }
    let status = printed.status.ok_or("the exec plugin printed an ExecCredential without a status")?;
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        user.client_certificate_data = Some(BASE64_STANDARD.encode(certificate));
        user.client_key_data = Some(BASE64_STANDARD.encode(key).into());
    }
    if let Some(token) = status.token {
        let is_sendable = |byte: u8| byte.is_ascii_graphic();
        if !token.bytes().all(is_sendable) {
            return Err("the token of the exec plugin has a character that an HTTP header cannot have".into());
        }
        user.token = Some(token.into());
    }
    Ok(())
}

/// The standard output of a plugin that succeeds.
async fn run(plugin: &ExecConfig) -> Result<Vec<u8>, PluginFailure> {
    let Some(program) = plugin.command.as_deref().filter(|command| !command.is_empty()) else {
        return Err("the exec plugin of this user has no command".into());
    };
    let is_interactive = plugin.interactive_mode != Some(ExecInteractiveMode::Never) && std::io::stdin().is_terminal();
    let mut spec = json!({ "interactive": is_interactive });
    if let Some(cluster) = &plugin.cluster {
        spec["cluster"] = json!(cluster);
    }
    let request = json!({ "apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec });
    let mut command = Command::new(program);
    command.args(plugin.args.iter().flatten()).env("KUBERNETES_EXEC_INFO", request.to_string());
    let mut values = Vec::new();
    for variable in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
            values.push(value.clone());
        }
    }
    // A plugin that logs in through a browser or a prompt uses the terminal.
    let terminal = || if is_interactive { Stdio::inherit() } else { Stdio::null() };
    let stderr = if is_interactive { Stdio::inherit() } else { Stdio::piped() };
    command.stdin(terminal()).stderr(stderr).stdout(Stdio::piped()).kill_on_drop(true);
    let not_started = |source: std::io::Error| PluginFailure {
        because: format!("the exec plugin cannot be started: {source}"),
        is_missing: true,
    };
    let broken =
        |source: std::io::Error| PluginFailure::from(format!("the output of the exec plugin cannot be read: {source}"));
    let mut child = command.spawn().map_err(not_started)?;
    let (mut output, mut messages) = (Vec::new(), Vec::new());
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let read_output = async {
        match stdout {
            Some(pipe) => pipe.take(OUTPUT_MAX + 1).read_to_end(&mut output).await.map(drop),
            None => Ok(()),
        }
    };
    let read_messages = async {
        match stderr {
            Some(pipe) => pipe.take(OUTPUT_MAX).read_to_end(&mut messages).await.map(drop),
            None => Ok(()),
        }
    };
    futures_util::future::try_join(read_output, read_messages).await.map_err(broken)?;
    if output.len() as u64 > OUTPUT_MAX {
        return Err(format!("the exec plugin printed more than {OUTPUT_MAX} bytes").into());
    }
    let status = child.wait().await.map_err(broken)?;
    if status.success() {
        return Ok(output);
    }
    let messages = without(&String::from_utf8_lossy(&messages), &values);
    let last = messages.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!(": {}", redacted_start(last, MESSAGE_MAX)) };
    Err(format!("the exec plugin failed with {status}{said}").into())
}
