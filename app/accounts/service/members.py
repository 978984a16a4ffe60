"""Add members."""

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.accounts.models import Member
from app.extensions import db

# The hash of a password nobody has, so that an unknown name costs as much time as a known one.
NOBODYS_PASSWORD = "no password hashes to this"  # noqa: S105


def add_member(  # noqa: PLR0913 - the columns of a person
    *,
    username: str,
    email: str,
    first_name: str,
    last_name: str,
    password_hash: str | None,
    role: str,
    locale: str | None = None,
    timezone: str | None = None,
) -> Member:
    """Add a member with one role; raises IntegrityError when the username or the address is taken."""
    member = Member(
        username=username.lower(),
        email=email.lower(),
        first_name=first_name,
        last_name=last_name,
        password=password_hash,
        active=True,
        locale=locale,
        timezone=timezone,
        roles=list(db.session.scalars(select(Role).where(Role.name == role))),
    )
    db.session.add(member)
    db.session.flush()
    return member


def hash_password(password: str) -> str:
    """Return the stored form of a password."""
    return generate_password_hash(password, method=current_app.config["FAB_PASSWORD_HASH_METHOD"])


def nobodys_hash() -> str:
    """Return a hash to compare passwords with where there is none, so that it takes as long."""
    config = current_app.config
    if "NOBODYS_PASSWORD_HASH" not in config:
        config["NOBODYS_PASSWORD_HASH"] = hash_password(NOBODYS_PASSWORD)
    return str(config["NOBODYS_PASSWORD_HASH"])
