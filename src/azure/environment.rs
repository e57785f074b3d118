use std::{collections::BTreeMap, env, fmt};

/// The variables that say who we are in Azure, those of the Azure CLI and SDKs.
///
/// Values are secret and never print.
///
/// ```
/// use issuer::Environment;
/// let variables = [("AZURE_STORAGE_KEY", "c2VjcmV0"), ("AZURE_CLIENT_ID", "")];
/// let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
/// let environment: Environment = variables.into_iter().collect();
/// assert_eq!(format!("{environment:?}"), r#"{"AZURE_STORAGE_KEY"}"#);
/// ```
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Every variable that is read from here. Where a managed identity is that of an app (`IDENTITY_ENDPOINT`, `MSI_ENDPOINT`), the
    /// SDK reads its variables from the process.
    pub const NAMES: [&'static str; 18] = [
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "AZURE_AUTHORITY_HOST",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "AZURE_STORAGE_AUTH_MODE",
        "AZURE_STORAGE_CONNECTION_STRING",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_SERVICE_ENDPOINT",
        "AZURE_TENANT_ID",
        "AZURE_TOKEN_CREDENTIALS",
        "GITHUB_ACTIONS",
        "IDENTITY_ENDPOINT",
        "MSI_ENDPOINT",
    ];

    /// The variables of this process; an empty one is as good as none.
    ///
    /// ```
    /// use issuer::Environment;
    /// assert!(!Environment::NAMES.contains(&"PATH"));
    /// assert!(!format!("{:?}", Environment::of_process()).contains(r#""PATH""#));
    /// ```
    pub fn of_process() -> Self {
        let variable = |name: &str| Some((name.to_owned(), env::var(name).ok()?));
        Self::NAMES.iter().filter_map(|name| variable(name)).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// From names and values.
impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        let trimmed = variables.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self(trimmed.filter(|(_, value)| !value.is_empty()).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
