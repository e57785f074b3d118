//! A real kube-apiserver as the source of issuer, keys, Secrets and tokens, and as a relying party.

mod doctor;
mod exchange;
mod external_signer;
mod faults;
mod hostile_kubeconfig;
mod in_cluster;
mod kubeconfig_forms;
mod pages;
mod rbac;
mod relying_party;
mod sources;
mod states;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    issuer::{command, stderr, stdout},
    kube_apiserver::KubeApiserver,
    kubeconfig::Kubeconfig,
    stand_in::{Response, StandIn},
    tls::Authority,
};

/// Serves a directory over TLS, as a web server would.
fn served(authority: &Authority, directory: &Path) -> StandIn {
    let directory = directory.to_owned();
    StandIn::https(authority, move |request| match fs::read(directory.join(request.path.trim_start_matches('/'))) {
        Ok(bytes) => Response::new(200, &[("Content-Type", "application/json")], bytes),
        Err(_) => Response::new(404, &[], ""),
    })
}

/// A desk with a kubeconfig for an API server.
struct Desk {
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl Desk {
    /// The desk of the administrator.
    fn new(server: &KubeApiserver) -> Self {
        Self::with(&server.kubeconfig())
    }

    fn with(kubeconfig: &Kubeconfig) -> Self {
        let folder = TempDir::new().unwrap();
        let kubeconfig = kubeconfig.write(folder.path());
        Self { folder, kubeconfig }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command in the folder of the desk.
    fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// A command in the folder of the desk.
    fn command(&self, words: &str) -> Command {
        let mut command = command();
        command.args(words.split_whitespace()).current_dir(self.path()).env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// The standard output of a command that succeeds.
    fn succeeds(&self, words: &str) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    /// Standard error of a command that ends with this exit code.
    fn fails(&self, exit: i32, words: &str) -> String {
        let output = self.run(words);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(exit), "{words}: {}{text}", stdout(&output));
        text
    }

    /// The JSON of a command that ends with this exit code.
    fn json(&self, exit: i32, words: &str) -> Value {
        let output = self.run(&format!("{words} -o json"));
        assert_eq!(output.status.code(), Some(exit), "{words}: {}{}", stdout(&output), stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
