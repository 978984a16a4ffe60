"""Encrypt texts with keys that are derived from SECRET_KEY, one for each purpose."""

import base64
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from app import clock


def encrypt(purpose: str, text: str) -> str:
    """Return `text` encrypted. It can be decrypted for the same purpose only."""
    return _cipher(purpose).encrypt_at_time(text.encode(), _seconds()).decode()


def decrypt(purpose: str, token: str, lifetime: timedelta | None = None) -> str | None:
    """Return the decrypted text, or None when it was encrypted for another purpose or with another key.

    With a `lifetime`, texts that were encrypted longer ago are refused, too.
    """
    try:
        if lifetime is None:
            return _cipher(purpose).decrypt(token.encode()).decode()
        return _cipher(purpose).decrypt_at_time(token.encode(), int(lifetime.total_seconds()), _seconds()).decode()
    except (InvalidToken, ValueError):
        return None


def _seconds() -> int:
    return int(clock.now().timestamp())


def _cipher(purpose: str) -> Fernet:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"dinnerparty {purpose}".encode())
    key = derivation.derive(str(current_app.config["SECRET_KEY"]).encode())
    return Fernet(base64.urlsafe_b64encode(key))
