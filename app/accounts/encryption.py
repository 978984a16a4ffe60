"""Texts that must be read again and that nobody else may read: encrypted with keys derived from the site's secret."""

import base64
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from app import clock


def encrypt(purpose: str, text: str) -> str:
    """Return `text` encrypted; what is sealed for one purpose is nothing for another."""
    return _cipher(purpose).encrypt_at_time(text.encode(), _seconds()).decode()


def decrypt(purpose: str, sealed: str, lifetime: timedelta | None = None) -> str | None:
    """Return what was sealed for `purpose`, or None when it is nothing that this site can read (any more).

    With a `lifetime`, what was sealed longer ago is nothing either.
    """
    try:
        if lifetime is None:
            return _cipher(purpose).decrypt(sealed.encode()).decode()
        return _cipher(purpose).decrypt_at_time(sealed.encode(), int(lifetime.total_seconds()), _seconds()).decode()
    except (InvalidToken, ValueError):
        return None


def _seconds() -> int:
    return int(clock.now().timestamp())


def _cipher(purpose: str) -> Fernet:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"dinnerparty {purpose}".encode())
    key = derivation.derive(str(current_app.config["SECRET_KEY"]).encode())
    return Fernet(base64.urlsafe_b64encode(key))
