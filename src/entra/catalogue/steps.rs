//! Steps that several entries share.

pub(super) const INSPECT_TOKEN: &str =
    "`issuer inspect FILE` shows the header, the issuer, the subject, the audience and the times of the token";

pub(super) const INSPECT_KEY_ID: &str = "`issuer inspect FILE` shows the kid of the token: compare it with the identifier in the text, which may be the kid as text or the bytes of the kid (base64url) in hexadecimal digits";

pub(super) const PUBLISH_KEYS: &str = "publish the current keys of the API server: `issuer publish KEY_FILE` with --account ACCOUNT or --directory DIR, the site of the first publish";

pub(super) const VERIFY_TOKEN: &str =
    "`issuer verify FILE` checks the token against the published documents and predicts this code";

pub(super) const READ_DOCUMENTS: &str = "`issuer status ISSUER_URL` fetches both documents anonymously; run the command outside the network of the cluster, because Entra fetches the documents from the internet";

pub(super) const LIST_CREDENTIALS: &str = "`az identity federated-credential list --identity-name NAME --resource-group GROUP` lists the federated identity credentials of a managed identity";

pub(super) const LIST_CREDENTIALS_OF_APPLICATION: &str =
    "`az ad app federated-credential list --id CLIENT_ID` lists the federated identity credentials of an application";

pub(super) const SHOW_APPLICATION: &str =
    "`az ad sp show --id CLIENT_ID` shows whether the tenant has a service principal with this client ID";

pub(super) const SHOW_VARIABLES: &str = "`kubectl exec POD -- printenv AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_AUTHORITY_HOST` shows client ID, tenant ID and authority host of the workload";

pub(super) const SHOW_AUTHORITY: &str = "`kubectl exec POD -- printenv AZURE_AUTHORITY_HOST` shows the authority host; `az cloud show --query endpoints.activeDirectory` shows the authority host that `az` uses";

pub(super) const SIGN_IN_LOGS: &str =
    "search the Microsoft Entra admin center for the correlation ID: Sign-in logs, Service principal sign-ins";

pub(super) const SEND_STANDARD_REQUEST: &str =
    "send the request with a current Azure SDK, or with the fields of the client credentials grant";

pub(super) const RETRY: &str = "retry with exponential backoff and jitter";

pub(super) const SUPPORT_REQUEST: &str = "open a support request with the trace ID, the correlation ID and the time";
