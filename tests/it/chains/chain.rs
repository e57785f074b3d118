//! One setup of `fixtures/chains`: the parts of a chain, and what Entra answers.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::support::fixtures;

/// The content of `case.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// What is broken or sound, in one sentence.
    pub(super) what: String,
    /// The number in Entra's answer; `None` if Entra issues a token or is never asked.
    pub(super) code: Option<u32>,
    /// Whether Microsoft documents this code for the exchange of a federated token.
    pub(super) documented: bool,
    /// Where the behaviour is documented or reported.
    pub(super) source: String,
    /// The commands that find the fault.
    pub(super) commands: Vec<Command>,
    /// The first line of the fix of `verify`; `None` if it has nothing to fix.
    pub(super) fix: Option<String>,
    /// The arguments of `doctor` beside the manifest and the credentials.
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    /// The checks of `doctor` that fail.
    #[serde(default)]
    pub(super) doctor: Vec<FailedCheck>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Command {
    Verify,
    Doctor,
}

/// A failed check of `doctor` and the object that it is about.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(super) struct FailedCheck {
    pub(super) check: String,
    pub(super) object: String,
    /// The predicted code.
    pub(super) aadsts: Option<u32>,
}

/// A folder of `fixtures/chains`.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) expected: Expected,
    /// How the token differs from the default one.
    pub(super) token: Value,
    pub(super) credentials: Value,
    /// How the variables of the pod differ from the default ones.
    pub(super) variables: Value,
    /// The manifest that the pod comes from; without it, the pod has the default variables and the token of `token.json`.
    pub(super) manifest: Option<String>,
    /// How the documents of the issuer differ from the default ones.
    pub(super) site: Value,
    folder: PathBuf,
}

impl Chain {
    /// Every folder, by name.
    pub(super) fn all() -> Vec<Self> {
        let entries = std::fs::read_dir(fixtures().join("chains")).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().map(Self::read).collect()
    }

    fn read(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let expected = serde_json::from_value(json(&folder.join("case.json")).unwrap());
        let part = |file: &str| json(&folder.join(file)).unwrap_or_default();
        Self {
            expected: expected.unwrap_or_else(|error| panic!("{name}/case.json: {error}")),
            token: part("token.json"),
            credentials: json(&folder.join("credentials.json")).unwrap_or_else(|| default("credentials.json")),
            variables: part("variables.json"),
            manifest: std::fs::read_to_string(folder.join("manifest.yaml")).ok(),
            site: part("site.json"),
            name,
            folder,
        }
    }

    pub(super) fn uses(&self, command: Command) -> bool {
        self.expected.commands.contains(&command)
    }

    /// Whether nothing is broken.
    pub(super) fn is_sound(&self) -> bool {
        let Expected { code, fix, doctor, .. } = &self.expected;
        code.is_none() && fix.is_none() && doctor.is_empty()
    }

    /// Writes the fix that a run has seen into `case.json`.
    pub(super) fn update(&self, fix: Option<&str>) {
        let path = self.folder.join("case.json");
        let mut case = json(&path).unwrap();
        case["fix"] = fix.into();
        std::fs::write(path, format!("{case:#}\n")).unwrap();
    }
}

/// A file that holds for every chain without one of its own.
pub(super) fn default(file: &str) -> Value {
    json(&fixtures().join("chains").join(file)).unwrap()
}

/// The JSON of a file, if the file exists.
fn json(path: &Path) -> Option<Value> {
    let bytes = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The members of an object with those of another in their place; `null` removes a member.
pub(super) fn merged(object: &Value, changes: &Value) -> Value {
    let mut merged = object.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            merged.as_object_mut().unwrap().remove(name);
        } else {
            merged[name] = value.clone();
        }
    }
    merged
}
