"""Add members."""

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.accounts.models import Member
from app.extensions import db


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
