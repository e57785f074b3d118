//! Scripts in place of `az` and `kubectl`: the commands of the guides, and no others.
//!
//! They keep their state in the folder `state`, where the stand-in for Key Vault reads it.

use std::path::{Path, PathBuf};

use crate::support::{
    cli::{Tools, az_document, write_executable},
    cloud::STORAGE,
};

/// The scope of tokens for Azure Resource Manager.
const MANAGEMENT: &str = "https://management.azure.com/.default";

/// `az` signs in, creates role assignments, and shows what no command of `issuer` shows. It has no command for storage
/// accounts, issuers and federated credentials: the guides need none.
const AZ: &str = r#"#!/bin/sh
# The value of an option among the arguments.
option() {
    wanted=$1
    shift
    while [ $# -gt 1 ]; do
        if [ "$1" = "$wanted" ]; then printf %s "$2"; return; fi
        shift
    done
    echo "ERROR: the argument $wanted is required" >&2
    exit 2
}
case "$*" in
"account get-access-token -o json --scope https://storage.azure.com/.default"*) cat storage.json ;;
"account get-access-token -o json --scope https://management.azure.com/.default"*) cat management.json ;;
"account get-access-token --resource-type oss-rdbms --query accessToken --output tsv") cat administrator ;;
"aks update --name prod --resource-group clusters --enable-oidc-issuer --enable-workload-identity") ;;
"identity show --name "*" --resource-group identities --query principalId --output tsv") cat principal ;;
"ad signed-in-user show --query id --output tsv") echo 7f1b6a0e-4d0c-4f57-8a57-1b0f0c6f2c11 ;;
"role assignment create --role Storage Blob Data Contributor --assignee 7f1b6a0e-"*"/storageAccounts/acct") touch publisher ;;
"keyvault show --name contoso --query id --output tsv")
    echo /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g/providers/Microsoft.KeyVault/vaults/contoso ;;
'role assignment create --role Key Vault Secrets User '*) option --assignee-object-id "$@" >>permitted; echo >>permitted ;;
*) echo "ERROR: the stand-in for az does not support: $*" >&2; exit 2 ;;
esac
"#;

const KUBECTL: &str = r#"#!/bin/sh
case "$*" in
"--namespace org-acme get secret prod-1-sa --output yaml") cat secret.yaml ;;
"create token "*" --namespace "*" --audience api://AzureADTokenExchange") cat "tokens/$5.$3"; echo ;;
*) echo "the stand-in for kubectl does not support: $*" >&2; exit 1 ;;
esac
"#;

/// Adds the scripts to the tools.
pub(super) fn install(tools: &Tools, state: &Path, tenant: &str) {
    let here = format!("#!/bin/sh\ncd '{}' || exit 2\n", state.display());
    for (name, script) in [("az", AZ), ("kubectl", KUBECTL)] {
        write_executable(&tools.dir().join(name), &script.replacen("#!/bin/sh\n", &here, 1));
    }
    std::fs::create_dir(state.join("tokens")).unwrap();
    for (file, scope) in [("storage.json", STORAGE), ("management.json", MANAGEMENT)] {
        std::fs::write(state.join(file), az_document(tenant, scope).to_string()).unwrap();
    }
    std::fs::write(state.join("permitted"), "").unwrap();
}

/// The file that exists when the administrator has the data role on the storage account.
pub(super) fn publisher(state: &Path) -> PathBuf {
    state.join("publisher")
}

/// The object IDs that `az` assigned the role to.
pub(super) fn permitted(state: &Path) -> Vec<String> {
    let lines = std::fs::read_to_string(state.join("permitted")).unwrap();
    lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
