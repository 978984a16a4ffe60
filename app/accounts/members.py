"""Add members, and lock the row of one."""

from collections.abc import Iterable

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, update

from app.accounts import rules
from app.accounts.models import Member
from app.extensions import db


def add_member(  # noqa: PLR0913 - the columns of a person
    *,
    username: str,
    email: str,
    first_name: str,
    last_name: str,
    password_hash: str | None,
    role: str | Iterable[Role],
    locale: str | None = None,
    timezone: str | None = None,
) -> Member:
    """Add a member with a role, by its name, or with several; raises IntegrityError when the username or the e-mail address is taken."""
    member = Member(
        username=username.lower(),
        email=email.lower(),
        first_name=first_name,
        last_name=last_name,
        password=password_hash,
        active=True,
        locale=locale,
        timezone=timezone,
        roles=list(db.session.scalars(select(Role).where(Role.name == role)) if isinstance(role, str) else role),
    )
    db.session.add(member)
    db.session.flush()
    return member


def free_username(*like: str) -> str | None:
    """Return a free username that is like the first of some texts of which one can be made, or None."""
    wanted = next(filter(None, map(rules.username_like, like)), None)
    if wanted is None:
        return None
    root = wanted[: rules.MAX_USERNAME_LENGTH - 4]
    key = Member.username_key
    taken = set(db.session.scalars(select(key).where(key.startswith(root, autoescape=True))))
    candidates = (wanted, *(f"{root}{number}" for number in range(2, len(taken) + 3)))
    return next((name for name in candidates if name not in taken and rules.is_username(name)), None)


def lock(member: Member) -> None:
    """Lock the member's row until the end of the transaction. An UPDATE, because SQLite knows no FOR UPDATE."""
    held = update(Member).where(Member.id == member.id).values(session_stamp=Member.session_stamp)
    db.session.execute(held)
