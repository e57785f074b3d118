//! `--create`: makes the storage account first.

use clap::Args;
use issuer::{
    federate::AzureSession,
    site::{AzureOptions, ExistingAccount, NewAccount},
};

use super::super::{Failure, Output, clean::printable};

const AZURE: &str = "Azure Storage";

/// The flags of a new storage account.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Create the storage account first, if it does not exist
    ///
    /// A StorageV2 account with TLS 1.2, HTTPS only, without shared keys and without public access to blobs. An account
    /// that exists is not changed.
    #[arg(long, requires_all = ["location", "resource_group"], conflicts_with_all = ["directory", "dry_run", "check"], help_heading = AZURE)]
    create: bool,
    /// Set the region of a new account, such as westeurope
    #[arg(long, value_name = "REGION", requires = "create", help_heading = AZURE)]
    location: Option<String>,
    /// Set the redundancy of a new account
    #[arg(long, value_name = "SKU", default_value = "Standard_LRS", requires = "create", help_heading = AZURE)]
    sku: String,
}

impl CreateArgs {
    /// The account to create, if `--create` is given.
    pub(super) fn account(
        &self,
        options: Option<&AzureOptions>,
        resource_group: Option<&str>,
    ) -> Result<Option<NewAccount>, Failure> {
        let (true, Some(options), Some(location)) = (self.create, options, &self.location) else { return Ok(None) };
        let Some(name) = &options.account else {
            return Err(Failure::usage("no storage account was given", "pass --account NAME"));
        };
        let mut account = NewAccount::new(name, resource_group.unwrap_or_default(), location);
        account.sku.clone_from(&self.sku);
        account.subscription.clone_from(&options.subscription);
        Ok(Some(account))
    }
}

/// Creates an account. Returns its resource ID if it is new.
pub(super) async fn create(
    account: &NewAccount,
    options: AzureOptions,
    output: &mut Output,
) -> Result<Option<String>, Failure> {
    let session = AzureSession::resource_manager(options).await?;
    let ExistingAccount { id, is_new } = account.create(&session).await?;
    let (name, id) = (printable(&account.name), printable(&id));
    if !is_new {
        output.note(format!("the storage account {name} exists and is not changed: {id}"));
        return Ok(None);
    }
    output.note(format!("created the storage account {name}: {id}"));
    output.note("publishers need these roles on it, which take effect within minutes; PRINCIPAL is the object ID of an identity");
    for (role, use_of) in [
        ("Storage Blob Data Contributor", "to write the documents"),
        ("Storage Account Contributor", "to switch on the static website, at the first publish only"),
        ("Reader", "to find the issuer, unless --issuer is passed"),
    ] {
        output.note(format!("{use_of}: az role assignment create --role \"{role}\" --assignee PRINCIPAL --scope {id}"));
    }
    Ok(Some(id))
}
