//! Steps that several failures share.

pub(super) const INSPECT_ACCESS_TOKEN: &str = "`issuer inspect FILE` shows the claims of the access token: aud is the resource, appid and oid are the identity, exp is the time at which the token expires";

pub(super) const SHOW_IDENTITY: &str = "`az identity show --name NAME --resource-group GROUP --query \"[name,clientId,principalId]\"` shows name, client ID and principal ID of a managed identity";

pub(super) const SHOW_VARIABLES: &str = "`kubectl exec POD -- printenv AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_FEDERATED_TOKEN_FILE AZURE_AUTHORITY_HOST` shows the variables that the webhook adds to the container";

pub(super) const SHOW_LABEL: &str = "`kubectl get pod POD -o jsonpath={.metadata.labels}` shows the labels of the pod: azure.workload.identity/use must be \"true\"";

pub(super) const SHOW_ANNOTATIONS: &str = "`kubectl get serviceaccount NAME -o jsonpath={.metadata.annotations}` shows the annotations of the service account: azure.workload.identity/client-id must be the client ID of the identity";

pub(super) const ADD_LABEL: &str = "set the label azure.workload.identity/use: \"true\" in the pod template (spec.template.metadata.labels of a Deployment), not only on the Deployment or the service account";

pub(super) const SHOW_WEBHOOK: &str = "`kubectl get pods --all-namespaces -l azure-workload-identity.io/system=true` shows whether the pods of the webhook run";

pub(super) const RECREATE_POD: &str =
    "create the pod again after the change, because the webhook changes only new pods";
