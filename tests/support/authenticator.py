"""A WebAuthn authenticator in software, which can also lie."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from tests.support.client import Page, Visitor

PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40
EC2 = 2
X, Y = -2, -3


@dataclass
class Authenticator:
    """Holds one passkey. Change an attribute to have it lie."""

    # ES256, with P-256.
    ALGORITHM, CURVE, CURVE_NUMBER, HASH, BYTES = -7, ec.SECP256R1, 1, SHA256, 32

    origin: str = "http://localhost:8080"
    rp_id: str = "localhost"
    count: int = 0
    verifies: bool = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(init=False)
    handle: bytes = b""

    def __post_init__(self) -> None:
        """Make the key."""
        self.key = ec.generate_private_key(self.CURVE())

    def public_key(self) -> bytes:
        """Return the public key (COSE)."""
        point = self.key.public_key().public_numbers()
        numbers = {X: point.x.to_bytes(self.BYTES, "big"), Y: point.y.to_bytes(self.BYTES, "big")}
        return cbor2.dumps({1: EC2, 3: self.ALGORITHM, -1: self.CURVE_NUMBER, **numbers})

    def create(self, options: dict[str, Any]) -> str:
        """Create a passkey for these options."""
        self.handle = base64url_to_bytes(options["user"]["id"])
        length = len(self.credential_id).to_bytes(2, "big")
        data = self._data(NEW) + bytes(16) + length + self.credential_id + self.public_key()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options),
            attestationObject=attestation,
            transports=["internal", "hybrid"],
        )

    def sign(self, options: dict[str, Any]) -> str:
        """Sign the challenge of these options."""
        self.count += 1
        data, client_data = self._data(), self._client_data("webauthn.get", options)
        signed = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(self.HASH()))
        return self._answer(
            clientDataJSON=client_data, authenticatorData=data, signature=signed, userHandle=self.handle
        )

    def _data(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _answer(self, **response: Any) -> str:
        name = bytes_to_base64url(self.credential_id)
        parts = {
            key: bytes_to_base64url(value) if isinstance(value, bytes) else value for key, value in response.items()
        }
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": parts})


def add_passkey(visitor: Visitor, authenticator: Authenticator | None = None, name: str = "Key ring") -> Authenticator:
    """Add a passkey to the account of `visitor` through the page, and return its authenticator."""
    authenticator = authenticator or Authenticator()
    form = visitor.get("/passkeys/add").form("/passkeys/add")
    options = visitor.post("/passkeys/add/options").json
    page = visitor.submit(form, name=name, credential=authenticator.create(options))
    assert page.flashes[0][1].startswith(f"Passkey “{name}” added."), page
    return authenticator


def sign(visitor: Visitor, authenticator: Authenticator, door: str = "login", **more: str) -> Page:
    """Authenticate with a passkey: at "login", "second-step" or "again"."""
    options = visitor.post(f"/passkeys/{door}/options").json
    return visitor.post(f"/passkeys/{door}", {"credential": authenticator.sign(options), **more})
