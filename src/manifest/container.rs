use serde_json::Value;

/// The variables that the webhook sets.
pub(super) const VARIABLES: [&str; 4] =
    ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"];
/// Variables with another credential of the same application, which the SDKs use before the token.
const OTHER_CREDENTIALS: [&str; 2] = ["AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_SECRET"];
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
    /// The members that contain a path of the webhook's token: the name of a variable, `args` or `command`.
    pub(super) token_paths: Vec<String>,
    /// Whether arguments or other variables name a variable of the webhook.
    mentions_variables: bool,
    pub(super) mounts: Vec<Mount>,
}

/// A variable of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    /// The value; `None` if it comes from a Secret, a ConfigMap or a field.
    pub(super) value: Option<String>,
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
            values.filter(|value| value.is_object()).map(|value| Self::of(value, is_init)).collect::<Vec<_>>()
        };
        let mut containers = of("containers", false);
        containers.extend(of("initContainers", true));
        containers
    }

    fn of(value: &Value, is_init: bool) -> Self {
        let text = |member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        let list = |member: &str| value.get(member).and_then(Value::as_array).into_iter().flatten();
        let (mut variables, mut token_paths, mut mentions_variables) = (Vec::new(), Vec::new(), false);
        for variable in list("env") {
            let Some(name) = variable.get("name").and_then(Value::as_str) else { continue };
            let value =
                variable.get("value").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            if value.as_deref().is_some_and(is_token_path) {
                token_paths.push(name.to_owned());
            }
            if name.starts_with("AZURE_") {
                // A variable without a value is empty.
                let is_reference = value.is_none() && variable.get("valueFrom").is_some();
                variables.push(Variable { name: name.to_owned(), value: value.or((!is_reference).then(String::new)) });
            } else {
                mentions_variables |= value.as_deref().is_some_and(names_variable);
            }
        }
        for member in ["command", "args"] {
            let words = || list(member).filter_map(Value::as_str);
            if words().any(is_token_path) {
                token_paths.push(member.to_owned());
            }
            mentions_variables |= words().any(names_variable);
        }
        let mounts = list("volumeMounts").filter_map(|mount| {
            let text = |member: &str| mount.get(member).and_then(Value::as_str);
            let has_sub_path = text("subPath").or_else(|| text("subPathExpr")).is_some_and(|path| !path.is_empty());
            Some(Mount { volume: text("name")?.to_owned(), path: text("mountPath")?.to_owned(), has_sub_path })
        });
        Self {
            name: text("name").unwrap_or_default(),
            image: text("image"),
            is_init,
            mounts: mounts.collect(),
            variables,
            token_paths,
            mentions_variables,
        }
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
        let has = |name: &&str| self.variable(name).is_some();
        let has_other_credential = OTHER_CREDENTIALS.iter().any(has);
        let own = VARIABLES.iter().filter(|name| !has_other_credential || **name == "AZURE_FEDERATED_TOKEN_FILE");
        !self.token_paths.is_empty() || own.clone().any(has) || (self.mentions_variables && !has_other_credential)
    }
}

fn is_token_path(text: &str) -> bool {
    TOKEN_FOLDERS.iter().any(|folder| text.contains(folder))
}

fn names_variable(text: &str) -> bool {
    text.contains("AZURE_") && VARIABLES.iter().any(|name| text.contains(name))
}
