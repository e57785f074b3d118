/// The variables that the checks inside a pod read.
pub(super) const NAMES: [&str; 8] = [
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_TENANT_ID",
    "HOSTNAME",
];

/// The variables of a process. An empty variable counts as unset, as in the Azure SDKs.
#[derive(Default)]
pub(super) struct Variables(Vec<(&'static str, String)>);

impl Variables {
    pub(super) fn of_process() -> Self {
        let value = |name: &'static str| Some((name, std::env::var_os(name)?.to_string_lossy().into_owned()));
        Self(NAMES.into_iter().filter_map(value).collect())
    }

    #[cfg(test)]
    pub(super) fn of(values: &[(&'static str, &str)]) -> Self {
        Self(values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
