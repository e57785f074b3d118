"""Signs in as a pod does, once for each line of standard input: a JSON object with the variables of the pod.

Prints one line for each: the token, or the error of WorkloadIdentityCredential.
"""

import json
import os
import sys
import time

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import WorkloadIdentityCredential

for line in sys.stdin:
    os.environ.update(json.loads(line))
    # Instance discovery asks login.microsoftonline.com whether it knows the authority, so it is disabled.
    credential = WorkloadIdentityCredential(disable_instance_discovery=True)
    try:
        token = credential.get_token_info("https://vault.azure.net/.default")
        print(token.token_type, round((token.expires_on - time.time()) / 60), token.token)
    except ClientAuthenticationError as error:
        print("error", error.message.replace("\n", " "))
