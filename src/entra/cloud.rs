/// A Microsoft cloud with its own hosts.
///
/// Microsoft Learn, "Microsoft Entra authentication and national clouds", and the constants of the Azure CLI
/// (`azure-cli-core`, `cloud.py`).
///
/// ```
/// use issuer::Cloud;
/// assert_eq!(Cloud::default(), Cloud::Public);
/// assert_eq!(Cloud::UsGov.name(), "usgov");
/// assert_eq!(Cloud::UsGov.authority_host(), "https://login.microsoftonline.us");
/// assert_eq!(Cloud::UsGov.resource_manager(), "https://management.usgovcloudapi.net");
/// assert_eq!(Cloud::UsGov.token_exchange_audience(), "api://AzureADTokenExchangeUSGov");
/// assert_eq!(Cloud::UsGov.storage_suffix(), "core.usgovcloudapi.net");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cloud {
    /// Azure, the public cloud.
    #[default]
    Public,
    /// Azure Government, in the United States.
    UsGov,
    /// Azure in China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// All clouds.
    pub const ALL: [Self; 3] = [Self::Public, Self::UsGov, Self::China];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGov => "usgov",
            Self::China => "china",
        }
    }

    /// The URL of the authority host, which issues tokens.
    pub const fn authority_host(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGov => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// The audience for token exchange that Microsoft Learn, "Configure an application to trust a managed identity",
    /// recommends for this cloud.
    pub const fn token_exchange_audience(self) -> &'static str {
        match self {
            Self::Public => super::TOKEN_EXCHANGE_AUDIENCE,
            Self::UsGov => "api://AzureADTokenExchangeUSGov",
            Self::China => "api://AzureADTokenExchangeChina",
        }
    }

    /// The URL of Azure Resource Manager, without a trailing slash.
    pub const fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGov => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// The suffix after `ACCOUNT.blob.` in the host of a storage account.
    pub const fn storage_suffix(self) -> &'static str {
        match self {
            Self::Public => "core.windows.net",
            Self::UsGov => "core.usgovcloudapi.net",
            Self::China => "core.chinacloudapi.cn",
        }
    }
}
