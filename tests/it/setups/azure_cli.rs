//! Scripts in place of `az` and `kubectl`: the commands of the guides, and no others.
//!
//! They keep their state in the folder `state`, where the stand-ins for Entra and Key Vault read it.

use std::path::Path;

use serde_json::Value;

use crate::support::{
    cli::{Tools, az_document, write_executable},
    cloud::STORAGE,
    federated_credential::Federated,
};

/// The scope of tokens for Azure Resource Manager.
const MANAGEMENT: &str = "https://management.azure.com/.default";

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
# The federated credential of the arguments.
credential() {
    printf '{"name":"%s","issuer":"%s","subject":"%s","audiences":["%s"]}\n' "$(option --name "$@")" \
        "$(option --issuer "$@")" "$(option --subject "$@")" "$(option --audiences "$@")"
}
case "$*" in
"account get-access-token -o json --scope https://storage.azure.com/.default"*) cat storage.json ;;
"account get-access-token -o json --scope https://management.azure.com/.default"*) cat management.json ;;
"account get-access-token --resource-type oss-rdbms --query accessToken --output tsv") cat administrator ;;
"aks update --name prod --resource-group clusters --enable-oidc-issuer --enable-workload-identity") ;;
"aks show --name prod --resource-group clusters --query oidcIssuerProfile.issuerUrl --output tsv") cat issuer ;;
"identity show --name "*" --resource-group identities --query principalId --output tsv") cat principal ;;
"identity federated-credential create "*) credential "$@" >>credentials ;;
"identity federated-credential update "*)
    grep -v "\"name\":\"$(option --name "$@")\"" credentials >others || true
    credential "$@" >>others
    mv others credentials ;;
"identity federated-credential list --identity-name "*) printf '[%s]\n' "$(paste -sd, credentials)" ;;
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
    for file in ["credentials", "permitted"] {
        std::fs::write(state.join(file), "").unwrap();
    }
}

/// The federated credentials that `az` created.
pub(super) fn credentials(state: &Path) -> Vec<Federated> {
    let lines = std::fs::read_to_string(state.join("credentials")).unwrap();
    let credentials: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Federated::find(&Value::Array(credentials))
}

/// The object IDs that `az` assigned the role to.
pub(super) fn permitted(state: &Path) -> Vec<String> {
    let lines = std::fs::read_to_string(state.join("permitted")).unwrap();
    lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
