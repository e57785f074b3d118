"""Verifies one token again and again with PyJWT: prints how many a second.

    python3 pyjwt.py SECONDS JWKS TOKEN ISSUER AUDIENCE
"""

import json
import sys
import time

import jwt

seconds, jwks_file, token_file, issuer, audience = sys.argv[1:]
with open(jwks_file) as file:
    keys = {key["kid"]: jwt.PyJWK(key) for key in json.load(file)["keys"] if key["kty"] == "RSA"}
with open(token_file) as file:
    token = file.read()

start = time.perf_counter()
verified = 0
while time.perf_counter() - start < float(seconds):
    for _ in range(64):
        key = keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer, leeway=60)
    verified += 64
print(verified / (time.perf_counter() - start))
