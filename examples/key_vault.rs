//! Reads a secret of Azure Key Vault with the token of a pod. It does not print the value.
//!
//! ```sh
//! cargo run --example key_vault -- https://NAME.vault.azure.net/secrets/SECRET
//! ```
//!
//! In a pod with workload identity the webhook has set the variables. Elsewhere, set `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and
//! `AZURE_FEDERATED_TOKEN_FILE`.

use std::error::Error;

use issuer::{Hint, Resource, TokenSource, WorkloadIdentity};
use reqwest::Client;
use serde_json::Value;

/// Reads the current value of a secret. Each call requests a token: the source caches it.
async fn read_secret(tokens: &dyn TokenSource, client: &Client, url: &str) -> Result<String, Box<dyn Error>> {
    let scope = Resource::KeyVault.scope(issuer::Cloud::Public);
    let token = tokens.token(&scope).await?;
    let answer = client.get(format!("{url}?api-version=7.4")).bearer_auth(token.secret()).send().await?;
    let secret: Value = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
    Ok(secret["value"].as_str().ok_or("the answer has no value")?.to_owned())
}

async fn run(url: &str) -> Result<(), Box<dyn Error>> {
    let identity = WorkloadIdentity::from_environment()?;
    let client = Client::new();
    let (first, second) = (read_secret(&identity, &client, url).await?, read_secret(&identity, &client, url).await?);
    println!("{url} has {} characters, the same twice: {}", first.chars().count(), first == second);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url] = arguments.as_slice() else { return Err("usage: key_vault URL".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(url)).inspect_err(|error| {
        let error = error.downcast_ref::<issuer::ExchangeError>();
        error.and_then(Hint::hint).into_iter().for_each(|hint| eprintln!("hint: {hint}"));
    })
}
