"""Checks of the secret with which authenticator apps are stored."""

from collections.abc import Iterator

from sqlalchemy import select

from app.accounts.models import Totp
from app.accounts.second_factor import totp
from app.doctor import Finding, check, error
from app.extensions import db

SOME = 20


@check("secret", quick=True)
def secret() -> Iterator[Finding]:
    """Try to read what was encrypted with SECRET_KEY."""
    with db.engine.connect() as connection:
        stored = connection.scalars(select(Totp.secret).order_by(Totp.created_at.desc()).limit(SOME)).all()
    unreadable = sum(not totp.is_readable(each) for each in stored)
    if unreadable:
        yield error(
            f"Of {len(stored)} authenticator apps, {unreadable} were stored with another SECRET_KEY: their owners cannot log in.",
            "Use the secret of before (a backup has it). Otherwise remove their second factor in the list of users.",
        )
