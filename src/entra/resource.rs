use super::{Cloud, Scope};

/// A service of Azure that accepts access tokens.
///
/// The scopes are from the constants of the Azure CLI (`azure-cli-core`, `cloud.py`), and for Service Bus and AKS from
/// Microsoft Learn.
///
/// ```
/// use issuer::{Cloud, Resource};
/// assert_eq!(Resource::KeyVault.scope(Cloud::Public).as_str(), "https://vault.azure.net/.default");
/// assert_eq!(Resource::KeyVault.scope(Cloud::China).as_str(), "https://vault.azure.cn/.default");
/// assert_eq!(Resource::Postgres.host_suffix(Cloud::Public), Some(".postgres.database.azure.com"));
/// assert_eq!(Resource::ALL.map(Resource::name)[0], "postgres");
/// let vault = Resource::KeyVault.scope(Cloud::UsGov);
/// assert!(Resource::of_scope(&vault).eq([Resource::KeyVault]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// Azure Database for PostgreSQL.
    Postgres,
    /// Azure Database for MySQL.
    MySql,
    /// Azure Key Vault.
    KeyVault,
    /// Azure Storage.
    Storage,
    /// Azure Resource Manager.
    Arm,
    /// Microsoft Graph.
    Graph,
    /// Azure Service Bus.
    ServiceBus,
    /// The API server of an AKS cluster.
    Aks,
}

impl Resource {
    /// All resources.
    pub const ALL: [Self; 8] = [
        Self::Postgres,
        Self::MySql,
        Self::KeyVault,
        Self::Storage,
        Self::Arm,
        Self::Graph,
        Self::ServiceBus,
        Self::Aks,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::KeyVault => "keyvault",
            Self::Storage => "storage",
            Self::Arm => "arm",
            Self::Graph => "graph",
            Self::ServiceBus => "servicebus",
            Self::Aks => "aks",
        }
    }

    /// The scope of an access token for this resource.
    pub fn scope(self, cloud: Cloud) -> Scope {
        Scope::of(match (self, cloud) {
            (Self::Postgres | Self::MySql, Cloud::Public) => "https://ossrdbms-aad.database.windows.net",
            (Self::Postgres | Self::MySql, Cloud::UsGov) => "https://ossrdbms-aad.database.usgovcloudapi.net",
            (Self::Postgres | Self::MySql, Cloud::China) => "https://ossrdbms-aad.database.chinacloudapi.cn",
            (Self::KeyVault, Cloud::Public) => "https://vault.azure.net",
            (Self::KeyVault, Cloud::UsGov) => "https://vault.usgovcloudapi.net",
            (Self::KeyVault, Cloud::China) => "https://vault.azure.cn",
            (Self::Storage, _) => "https://storage.azure.com",
            (Self::Arm, cloud) => cloud.resource_manager(),
            (Self::Graph, Cloud::Public) => "https://graph.microsoft.com",
            (Self::Graph, Cloud::UsGov) => "https://graph.microsoft.us",
            (Self::Graph, Cloud::China) => "https://microsoftgraph.chinacloudapi.cn",
            (Self::ServiceBus, _) => "https://servicebus.azure.net",
            // The application ID of the AKS server in every tenant.
            (Self::Aks, _) => "6dae42f8-4368-4678-94ff-3960e28e3630",
        })
    }

    /// The resources that have this scope in any cloud. PostgreSQL and MySQL share one.
    pub fn of_scope(scope: &Scope) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |resource| Cloud::ALL.iter().any(|cloud| resource.scope(*cloud) == *scope))
    }

    /// The end of the host names of this resource, with a dot at its start; `None` for a resource with one host, or with
    /// hosts of any name.
    pub const fn host_suffix(self, cloud: Cloud) -> Option<&'static str> {
        Some(match (self, cloud) {
            (Self::Postgres, Cloud::Public) => ".postgres.database.azure.com",
            (Self::Postgres, Cloud::UsGov) => ".postgres.database.usgovcloudapi.net",
            (Self::Postgres, Cloud::China) => ".postgres.database.chinacloudapi.cn",
            (Self::MySql, Cloud::Public) => ".mysql.database.azure.com",
            (Self::MySql, Cloud::UsGov) => ".mysql.database.usgovcloudapi.net",
            (Self::MySql, Cloud::China) => ".mysql.database.chinacloudapi.cn",
            (Self::KeyVault, Cloud::Public) => ".vault.azure.net",
            (Self::KeyVault, Cloud::UsGov) => ".vault.usgovcloudapi.net",
            (Self::KeyVault, Cloud::China) => ".vault.azure.cn",
            (Self::Storage, Cloud::Public) => ".core.windows.net",
            (Self::Storage, Cloud::UsGov) => ".core.usgovcloudapi.net",
            (Self::Storage, Cloud::China) => ".core.chinacloudapi.cn",
            (Self::Arm | Self::Graph | Self::ServiceBus | Self::Aks, _) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_has_a_valid_scope_and_a_suffix_of_its_cloud() {
        for resource in Resource::ALL {
            for cloud in Cloud::ALL {
                let scope = resource.scope(cloud);
                assert_eq!(scope.as_str().parse(), Ok(scope.clone()), "{resource:?} {cloud:?}");
                if let Some(suffix) = resource.host_suffix(cloud) {
                    assert!(suffix.starts_with('.') && !suffix.ends_with('.'), "{suffix}");
                }
            }
        }
        let key_vault = Cloud::ALL.map(|cloud| Resource::KeyVault.host_suffix(cloud).unwrap());
        let scopes = Cloud::ALL.map(|cloud| Resource::KeyVault.scope(cloud));
        for (suffix, scope) in key_vault.iter().zip(scopes) {
            assert_eq!(scope.resource(), format!("https://{}", &suffix[1..]));
        }
    }

    #[test]
    fn name_of_a_resource_is_unique() {
        let mut names = Resource::ALL.map(Resource::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
