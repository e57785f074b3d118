use serde_json::Value;

use super::env_source::{EnvFrom, KeyRef};

/// The variables that the webhook sets.
pub(super) const VARIABLES: [&str; 4] =
    ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"];
/// Variables with another credential of the same application, which the SDKs use before the token.
pub(super) const OTHER_CREDENTIALS: [&str; 2] = ["AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_SECRET"];
/// The folders where the webhook mounts the token: until version 1.5 and since version 1.6
/// (Azure/azure-workload-identity, `pkg/webhook/consts.go`). `/var/run` is a link to `/run` in most images.
const TOKEN_FOLDERS: [&str; 2] = ["/run/secrets/azure/tokens", "/run/secrets/azure/wi"];

/// A container of a pod template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: Option<String>,
    pub(super) is_init: bool,
    /// The variables whose names start with `AZURE_`. Other values may be secrets and are not kept.
    pub(super) variables: Vec<Variable>,
    /// The variables of `env_from` that the webhook sets itself, so that they have no effect.
    pub(super) replaced: Vec<Variable>,
    /// The ConfigMaps and Secrets whose entries are variables, in their order.
    pub(super) env_from: Vec<EnvFrom>,
    /// The ConfigMaps and Secrets of variables that are not in the input, as messages name them.
    pub(super) unread: Vec<String>,
    /// The members that contain a path of the webhook's token: the name of a variable, `args` or `command`.
    pub(super) token_paths: Vec<String>,
    /// Whether arguments or other variables name a variable of the webhook.
    pub(super) mentions_variables: bool,
    /// How the container runs `issuer`, which requests its tokens in place of an SDK.
    pub(super) issuer: Option<IssuerCommand>,
    pub(super) mounts: Vec<Mount>,
}

/// A command of `issuer` that requests access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IssuerCommand {
    /// `issuer exec`: the program of this container gets the token.
    Exec,
    /// `issuer exchange`: containers that mount the folder of the file get the token.
    Exchange,
}

impl IssuerCommand {
    /// The command that a container runs. Without `command`, the entry point of the image gets the arguments.
    fn of(command: &[&str], args: &[&str], is_own_image: bool) -> Option<Self> {
        let mut words = command.iter().chain(args).copied();
        let is_issuer = match command.first() {
            Some(program) => words.next().is_some() && program.rsplit('/').next() == Some("issuer"),
            None => is_own_image,
        };
        words.take_while(|_| is_issuer).find_map(|word| match word {
            "exec" => Some(Self::Exec),
            "exchange" => Some(Self::Exchange),
            _ => None,
        })
    }
}

/// A variable of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    /// The value; `None` if it comes from a Secret, a field, or a ConfigMap that is not in the input.
    pub(super) value: Option<String>,
    /// The entry of a ConfigMap or Secret that `valueFrom` names.
    pub(super) reference: Option<KeyRef>,
    /// The ConfigMap or Secret that has the variable, as messages name it; `None` for a value in the pod template.
    pub(super) source: Option<String>,
}

impl Variable {
    fn is_of_env_from(&self) -> bool {
        self.source.is_some() && self.reference.is_none()
    }

    /// The variable with its place, as messages name it.
    pub(super) fn place(&self) -> String {
        match &self.source {
            Some(source) => format!("{} of {source}", self.name),
            None => format!("{} in the pod template", self.name),
        }
    }
}

/// A volume that is mounted in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) volume: String,
    pub(super) path: String,
    pub(super) has_sub_path: bool,
}

impl Container {
    /// The containers of a pod, the init containers last.
    pub(super) fn all(spec: &Value) -> Vec<Self> {
        let of = |member: &str, is_init: bool| {
            let values = spec.get(member).and_then(Value::as_array).into_iter().flatten();
            values.filter(|value| value.is_object()).map(|value| Self::of(value, "", is_init)).collect::<Vec<_>>()
        };
        let mut containers = of("containers", false);
        containers.extend(of("initContainers", true));
        containers
    }

    /// A container, with the name that it has if it names none.
    pub(super) fn of(value: &Value, default_name: &str, is_init: bool) -> Self {
        let text = |member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        let list = |member: &str| value.get(member).and_then(Value::as_array).into_iter().flatten();
        let mut container = Self {
            name: text("name").unwrap_or_else(|| default_name.to_owned()),
            image: text("image"),
            is_init,
            variables: Vec::new(),
            replaced: Vec::new(),
            env_from: list("envFrom").filter_map(EnvFrom::of).collect(),
            unread: Vec::new(),
            token_paths: Vec::new(),
            mentions_variables: false,
            issuer: None,
            mounts: Vec::new(),
        };
        for variable in list("env") {
            let Some(name) = variable.get("name").and_then(Value::as_str) else { continue };
            let value =
                variable.get("value").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            match variable.get("valueFrom").filter(|_| value.is_none()) {
                Some(origin) if name.starts_with("AZURE_") => {
                    let (name, reference) = (name.to_owned(), KeyRef::of(origin));
                    container.variables.push(Variable { name, value: None, reference, source: None });
                }
                Some(_) => {}
                // A variable without a value is empty.
                None => container.add_variable(name, value.as_deref().unwrap_or_default()),
            }
        }
        for member in ["command", "args"] {
            let words = || list(member).filter_map(Value::as_str);
            if words().any(is_token_path) {
                container.token_paths.push(member.to_owned());
            }
            container.mentions_variables |= words().any(names_variable);
        }
        let words = |member: &str| list(member).filter_map(Value::as_str).collect::<Vec<_>>();
        container.issuer = IssuerCommand::of(&words("command"), &words("args"), container.is_image("issuer"));
        let mounts = list("volumeMounts").filter_map(|mount| {
            let text = |member: &str| mount.get(member).and_then(Value::as_str);
            let has_sub_path = text("subPath").or_else(|| text("subPathExpr")).is_some_and(|path| !path.is_empty());
            Some(Mount { volume: text("name")?.to_owned(), path: text("mountPath")?.to_owned(), has_sub_path })
        });
        container.mounts = mounts.collect();
        container
    }

    /// Adds a variable with a value in the pod template.
    pub(super) fn add_variable(&mut self, name: &str, value: &str) {
        if is_token_path(value) {
            self.token_paths.push(name.to_owned());
        }
        if name.starts_with("AZURE_") {
            let (name, value) = (name.to_owned(), Some(value.to_owned()));
            self.variables.push(Variable { name, value, reference: None, source: None });
        } else {
            self.mentions_variables |= names_variable(value);
        }
    }

    /// Adds the variables, mounts and image of another description of the same container.
    pub(super) fn extend(&mut self, other: Self) {
        self.image = other.image.or_else(|| self.image.take());
        self.variables.extend(other.variables);
        self.env_from.extend(other.env_from);
        self.token_paths.extend(other.token_paths);
        self.mentions_variables |= other.mentions_variables;
        self.issuer = self.issuer.or(other.issuer);
        self.mounts.extend(other.mounts);
    }

    /// The names of the volumes that it mounts.
    pub(super) fn volumes(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().map(|mount| mount.volume.as_str())
    }

    /// Whether the path of its image, without tag and digest, ends in a name.
    pub(super) fn is_image(&self, name: &str) -> bool {
        let image = self.image.as_deref().unwrap_or_default();
        let image = image.split('@').next().unwrap_or_default();
        let file = image.rsplit('/').next().unwrap_or_default();
        // Mirrors put the path of the registry before the name.
        file.split(':').next().unwrap_or_default().ends_with(name)
    }

    /// The last variable with this name, as in Kubernetes.
    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().rev().find(|variable| variable.name == name)
    }

    /// The value of a variable in the pod template.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.variable(name).and_then(|variable| variable.value.as_deref())
    }

    /// Whether the container mentions the variables or the token path of the webhook. A client ID beside a client secret is
    /// not one of workload identity.
    pub(super) fn mentions_workload_identity(&self) -> bool {
        const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
        let has_other_credential = OTHER_CREDENTIALS.iter().any(|name| self.variable(name).is_some());
        // A source that was not read may have the client secret for a client ID of `envFrom`.
        let is_own = |variable: &Variable| {
            let may_have_secret = variable.is_of_env_from() && !self.unread.is_empty();
            variable.name == FILE
                || (VARIABLES.contains(&variable.name.as_str()) && !has_other_credential && !may_have_secret)
        };
        !self.token_paths.is_empty()
            || self.variables.iter().chain(&self.replaced).any(is_own)
            || (self.mentions_variables && !has_other_credential)
    }
}

fn is_token_path(text: &str) -> bool {
    TOKEN_FOLDERS.iter().any(|folder| text.contains(folder))
}

pub(super) fn names_variable(text: &str) -> bool {
    text.contains("AZURE_") && VARIABLES.iter().any(|name| text.contains(name))
}
