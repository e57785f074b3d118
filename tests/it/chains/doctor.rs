//! Runs `issuer doctor` on a chain: at a desk if the chain has a manifest, otherwise inside a pod.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    chain::FailedCheck,
    world::{Setup, World, issuer_of},
};
use crate::support::{answer::answer, issuer::command};

/// The checks that the command printed.
pub(super) struct Diagnosis {
    pub(super) checks: Vec<Value>,
}

impl Diagnosis {
    /// Runs the command with files in a folder.
    pub(super) fn of(world: &World, setup: &Setup<'_>, folder: &Path) -> Self {
        let write = |file: &str, text: &str| -> PathBuf {
            let path = folder.join(format!("{}-{file}", setup.chain.name));
            std::fs::write(&path, text).unwrap();
            path
        };
        let mut doctor = command();
        doctor.args(["doctor", "-o", "json", "--credential"]);
        doctor.arg(write("credentials.json", &setup.credentials.to_string()));
        if let Some(manifest) = &setup.chain.manifest {
            doctor.arg("--manifest").arg(write("manifest.yaml", &setup.values.fill(manifest)));
            doctor.args(setup.chain.expected.arguments.iter().map(|argument| setup.values.fill(argument)));
        } else {
            let file = write("token", &setup.token);
            let variables = setup.variables.as_object().unwrap().iter();
            doctor.env("AZURE_FEDERATED_TOKEN_FILE", file);
            doctor.envs(variables.map(|(name, value)| (name, value.as_str().unwrap())));
        }
        if setup.chain.manifest.is_none()
            || setup.chain.expected.arguments.iter().any(|argument| argument == "--issuer")
        {
            let issuer = issuer_of(&setup.token).unwrap_or_default();
            doctor.arg("--published").arg(world.published(&issuer)).arg("--ca-file").arg(world.authority.ca_file());
        }
        let report = answer("doctor", &doctor.output().unwrap());
        let checks = report["checks"].as_array().unwrap_or_else(|| panic!("{}: {report}", setup.chain.name));
        Self { checks: checks.clone() }
    }

    fn with(&self, outcome: &str) -> impl Iterator<Item = &Value> {
        self.checks.iter().filter(move |check| check["outcome"] == outcome)
    }

    /// The failed checks, sorted.
    pub(super) fn failed(&self) -> Vec<FailedCheck> {
        let mut failed: Vec<_> = self.with("failed").map(failed_check).collect();
        failed.sort();
        failed
    }

    /// The fixes of failed checks and warnings, each the first line.
    pub(super) fn fixes(&self) -> impl Iterator<Item = &str> {
        let found = self.with("failed").chain(self.with("warning"));
        found.filter_map(|check| check["fix"].as_str()?.lines().next())
    }

    /// Whether a failed check or a warning predicts this code.
    pub(super) fn predicts(&self, code: u32) -> bool {
        let mut found = self.with("failed").chain(self.with("warning"));
        found.any(|check| check["aadsts"] == code)
    }
}

fn failed_check(check: &Value) -> FailedCheck {
    let text = |name: &str| check[name].as_str().unwrap().to_owned();
    let aadsts = check["aadsts"].as_u64().map(|code| u32::try_from(code).unwrap());
    FailedCheck { check: text("check"), object: text("object"), aadsts }
}
