"""Uses Azure Resource Manager with the clients of the Azure SDK for Python, and Microsoft Graph with its HTTP pipeline.

Standard input has one JSON object: the URLs and tokens, the subscription, and the application. Prints a JSON value for
each step.
"""

import json
import sys
import time

from azure.core import PipelineClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.storage import StorageManagementClient


class StaticToken:
    """A credential with a token that exists already."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **options):
        return AccessToken(self.token, int(time.time()) + 3600)


def show(value):
    print(json.dumps(value), flush=True)


def attempt(step):
    try:
        show(step())
    except HttpResponseError as error:
        show([error.status_code, error.error.code if error.error else None])


def brief(credential):
    return [credential.name, credential.issuer, credential.subject, credential.audiences]


setting = json.loads(sys.stdin.readline())
subscription, arm, graph, app_id = (setting[name] for name in ("subscription", "arm", "graph", "application"))
options = {"base_url": arm, "polling_interval": 0, "retry_total": 0}
arguments = (StaticToken(setting["armToken"]), subscription)

identities = ManagedServiceIdentityClient(*arguments, **options)
show([[found.name, found.client_id] for found in identities.user_assigned_identities.list_by_subscription()])
show(identities.user_assigned_identities.get("identities", "orders").principal_id)
credentials = identities.federated_identity_credentials
of = ("identities", "orders")
wanted = {"issuer": "https://a.example.com", "subject": "system:serviceaccount:shop:orders", "audiences": ["api://A"]}
for name in ("first", "second", "third"):
    wanted["subject"] += "x"
    show(brief(credentials.create_or_update(*of, name, wanted)))
attempt(lambda: brief(credentials.create_or_update(*of, "fourth", wanted)))
show([found.name for found in credentials.list(*of)])
show([found.name for found in credentials.list(*of, top=1)])
show(brief(credentials.create_or_update(*of, "third", {**wanted, "issuer": "https://b.example.com"})))
credentials.delete(*of, "third")
credentials.delete(*of, "third")
attempt(lambda: brief(credentials.get(*of, "third")))
attempt(lambda: [found.name for found in credentials.list("identities", "missing")])

storage = StorageManagementClient(*arguments, **options)
accounts = storage.storage_accounts
name = {"name": "issuerkeys", "type": "Microsoft.Storage/storageAccounts"}
show(accounts.check_name_availability(name).name_available)
parameters = {
    "sku": {"name": "Standard_LRS"},
    "kind": "StorageV2",
    "location": "westeurope",
    "properties": {"allowBlobPublicAccess": False, "minimumTlsVersion": "TLS1_2"},
}
account = accounts.begin_create("clusters", "issuerkeys", parameters).result()
show([account.provisioning_state, account.primary_endpoints.web])
show(accounts.check_name_availability(name).reason)
show([found.name for found in accounts.list()])
show(accounts.get_properties("clusters", "issuerkeys").minimum_tls_version)
attempt(lambda: accounts.begin_create("clusters", "taken", parameters).result().name)

clusters = ContainerServiceClient(*arguments, **options).managed_clusters
cluster = clusters.get("clusters", "shop")
show([cluster.oidc_issuer_profile.issuer_url, cluster.security_profile.workload_identity.enabled])

policy = BearerTokenCredentialPolicy(StaticToken(setting["graphToken"]), "https://graph.microsoft.com/.default")
client = PipelineClient(graph, policies=[policy])


def call(method, path, body=None):
    response = client.send_request(HttpRequest(method, f"{graph}/v1.0{path}", json=body))
    return [response.status_code, response.json() if response.content else None]


application = f"/applications(appId='{app_id}')/federatedIdentityCredentials"
show(call("GET", f"/applications?$filter=appId eq '{app_id}'")[1]["value"][0]["displayName"])
status, created = call("POST", application, {"name": "orders", **wanted})
show([status, created["name"], created["description"]])
show(call("PATCH", f"{application}/{created['id']}", {"description": "The shop"}))
show(call("GET", f"{application}/orders")[1]["description"])
show(len(call("GET", application)[1]["value"]))
show(call("DELETE", f"{application}/{created['id']}"))
show(call("GET", f"{application}/orders")[0])
