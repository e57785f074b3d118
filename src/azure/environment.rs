use std::{collections::BTreeMap, env, fmt};

/// The environment variables that configure a credential for Azure, as defined by the Azure CLI and SDKs.
///
/// Values are secret and never printed. White space and quotes around a value are removed. `AZURE_AUTHORITY_HOST` may
/// omit its scheme. `AZURE_STORAGE_SAS_TOKEN` may be a URL that contains the SAS.
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
    /// The names of all variables that this crate reads. For the managed identity of an app, the SDK reads
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` from the process itself.
    pub const NAMES: [&'static str; 22] = [
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
        "IDENTITY_HEADER",
        "IDENTITY_SERVER_THUMBPRINT",
        "IMDS_ENDPOINT",
        "MSI_ENDPOINT",
        "MSI_SECRET",
    ];

    /// The variables of this process. An empty variable counts as not set.
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

/// Collects names and values.
impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        let normalized = variables.into_iter().map(|(name, value)| {
            let value = normalize(&name, &value);
            (name, value)
        });
        Self(normalized.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// A value without white space and quotes around it; an authority host with its scheme.
fn normalize(name: &str, value: &str) -> String {
    let value = value.trim();
    let unquoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let value = unquoted.map_or(value, str::trim);
    match name {
        "AZURE_AUTHORITY_HOST" if is_host(value) => format!("https://{value}"),
        _ => value.to_owned(),
    }
}

/// Whether text is a host name, with an optional port or trailing slash: `login.microsoftonline.us`.
fn is_host(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    let is_name = host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    is_name && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
