"""Add members, and lock the row of one."""

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, update

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
    """Add a member with one role; raises IntegrityError when the username or the e-mail address is taken."""
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


def lock(member: Member) -> None:
    """Lock the member's row until the end of the transaction. An UPDATE, because SQLite knows no FOR UPDATE."""
    held = update(Member).where(Member.id == member.id).values(session_stamp=Member.session_stamp)
    db.session.execute(held)
