#!/usr/bin/env bash
# Authlib 1.9.10: after a provider has a new key without a name, no login works until the client is restarted.
#
# The client keeps the keys of a provider for as long as it lives. It reads them again when an ID token names a key ("kid")
# that it does not know. But keys need no name where there is one only (OpenID Connect Core, 10.1), and a new one may have
# the name of the old one. Then the signature does not fit the old key, and parse_id_token() raises BadSignatureError for
# each token, for ever, although the new key is published. Forgetting the key in `server_metadata` helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq \
    authlib==1.9.10 joserfc==1.8.0 flask==3.1.3 requests==2.34.2
cd "$folder"
cat >log_in.py <<'PYTHON'
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from authlib.integrations.flask_client import OAuth
from flask import Flask
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey


class Provider(BaseHTTPRequestHandler):
    key = RSAKey.generate_key(2048)
    reads = 0

    def do_GET(self):
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        answers = {
            "/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"},
            "/keys": {"keys": [self.key.as_dict(private=False)]},
        }
        Provider.reads += self.path == "/keys"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answers[self.path]).encode())

    def log_message(self, *_parts):
        pass


server = HTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
issuer = f"http://127.0.0.1:{server.server_port}"
app = Flask("site")
client = OAuth(app).register(
    "provider", client_id="site", server_metadata_url=f"{issuer}/.well-known/openid-configuration"
)


def log_in(when):
    now = int(time.time())
    claims = {"iss": issuer, "aud": "site", "sub": "ada", "nonce": "n", "iat": now, "exp": now + 60}
    token = {"id_token": jwt.encode({"alg": "RS256"}, claims, Provider.key)}
    try:
        with app.app_context():
            told = client.parse_id_token(token, nonce="n")["sub"]
    except JoseError as error:
        told = type(error).__name__
    print(f"{when}: {told}; keys were read {Provider.reads} times")


log_in("first key")
Provider.key = RSAKey.generate_key(2048)
log_in("second key")
log_in("once more")
client.server_metadata.pop("jwks")
log_in("keys forgotten")
server.shutdown()
PYTHON
output=$("$folder/venv/bin/python" -W ignore log_in.py)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
first key: ada; keys were read 1 times
second key: BadSignatureError; keys were read 1 times
once more: BadSignatureError; keys were read 1 times
keys forgotten: ada; keys were read 2 times
EXPECTED
echo "as written here"
