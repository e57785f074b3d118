use azure_core::credentials::Secret;

use super::{Account, AccountName, AzureProblem};
use crate::entra::Cloud;

/// The account of every emulator, and its key, which is public.
///
/// Microsoft Learn, "Use the Azurite emulator", "Well-known storage account and key".
const EMULATOR: &str = "devstoreaccount1";
const EMULATOR_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATOR_HOST: &str = "http://127.0.0.1";

/// The account and secret of a connection string.
///
/// Microsoft Learn, "Configure Azure Storage connection strings": `Name=Value` pairs with semicolons between them.
#[derive(Debug)]
pub(super) struct ConnectionString {
    pub(super) account: Account,
    pub(super) proof: Proof,
}

#[derive(Debug)]
pub(super) enum Proof {
    Key(Secret),
    Sas(Secret),
}

impl ConnectionString {
    /// Parses a connection string. `endpoint` takes precedence over the endpoint in the connection string.
    pub(super) fn parse(text: &str, cloud: Cloud, endpoint: Option<&str>) -> Result<Self, AzureProblem> {
        let mut pairs = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let refuse = || AzureProblem::ConnectionString("a part of it is not NAME=VALUE".to_owned());
            pairs.push(part.split_once('=').ok_or_else(refuse)?);
        }
        let get = |name: &str| {
            let pair = pairs.iter().find(|(found, _)| found.trim().eq_ignore_ascii_case(name));
            pair.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        if get("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let host = get("DevelopmentStorageProxyUri").unwrap_or(EMULATOR_HOST).trim_end_matches('/');
            let default = format!("{host}:10000/{EMULATOR}");
            let account = Account::new(EMULATOR.parse()?, cloud, Some(endpoint.unwrap_or(&default)))?;
            return Ok(Self { account, proof: Proof::Key(Secret::new(EMULATOR_KEY)) });
        }
        let missing = |names: &str| AzureProblem::ConnectionString(format!("it has no {names}"));
        let blob_endpoint = get("BlobEndpoint").map(|url| url.trim_end_matches('/').to_owned());
        let name = if let Some(name) = get("AccountName") {
            name.parse::<AccountName>()?
        } else {
            // A connection string with a SAS may name the account only in its endpoint.
            let host = blob_endpoint.as_deref().and_then(|url| url.split("://").nth(1));
            let name = host.and_then(|host| host.split('.').next()).ok_or_else(|| missing("AccountName"))?;
            name.parse().map_err(|_| missing("AccountName"))?
        };
        let default = get("EndpointSuffix").map(|suffix| {
            let scheme = get("DefaultEndpointsProtocol").unwrap_or("https");
            format!("{scheme}://{name}.blob.{suffix}")
        });
        let endpoint = endpoint.map(ToOwned::to_owned).or(blob_endpoint).or(default);
        let account = Account::new(name, cloud, endpoint.as_deref())?;
        let proof = match (get("AccountKey"), get("SharedAccessSignature")) {
            (Some(key), _) => Proof::Key(Secret::new(key.to_owned())),
            (None, Some(sas)) => Proof::Sas(Secret::new(sas.to_owned())),
            (None, None) => return Err(missing("AccountKey and no SharedAccessSignature")),
        };
        Ok(Self { account, proof })
    }
}
