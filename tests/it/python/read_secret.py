"""Reads a secret of a Key Vault as a pod does, once for each line of standard input: a JSON object with the variables of
the pod, and with VAULT_URL and SECRET.

Prints two lines for each: the answer to a plain request with the token, and the answer that SecretClient gets.
"""

import json
import os
import sys
import urllib.error
import urllib.request

from azure.core.exceptions import HttpResponseError
from azure.identity import WorkloadIdentityCredential
from azure.keyvault.secrets import SecretClient

for line in sys.stdin:
    variables = json.loads(line)
    url, secret = variables.pop("VAULT_URL"), variables.pop("SECRET")
    os.environ.update(variables)
    # Instance discovery asks login.microsoftonline.com whether it knows the authority, so it is disabled.
    credential = WorkloadIdentityCredential(disable_instance_discovery=True)
    token = credential.get_token("https://vault.azure.net/.default").token
    request = urllib.request.Request(
        f"{url}/secrets/{secret}?api-version=7.4", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request) as response:
            print(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())

    # The host of the vault is not below the resource of its challenge. The client sends no request again.
    client = SecretClient(url, credential, verify_challenge_resource=False, retry_total=0)
    try:
        found = client.get_secret(secret)
        print(found.value, found.properties.version, found.properties.content_type)
    except HttpResponseError as error:
        print("error", error.status_code, error.message.replace("\r", "").replace("\n", " "))
