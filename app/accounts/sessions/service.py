"""Where somebody is logged in, and how to end that from somewhere else."""

from datetime import timedelta

from flask_babel import lazy_gettext
from sqlalchemy import select

from app import audit, clock
from app.accounts import rules
from app.accounts.login import service as login_service
from app.accounts.models import LoginSession, Member
from app.errors import DomainError
from app.extensions import db

MAX_LENGTH: timedelta = max(rules.REMEMBERED_ABSOLUTE, rules.SESSION_ABSOLUTE, rules.STAFF_ABSOLUTE)


def live(member: Member) -> list[LoginSession]:
    """Return the logins of `member` that still open something, the one used last first."""
    now = clock.now()
    mine = select(LoginSession).where(
        LoginSession.member_id == member.id,
        LoginSession.ended_at.is_(None),
        LoginSession.created_at >= now - MAX_LENGTH,
    )
    found = db.session.scalars(mine.order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc()))
    return [login for login in found if not _is_over(login)]


def find(member: Member, number: str) -> LoginSession | None:
    """Return the login of `member` with that number, ended ones included, or None: those of others are not found."""
    mine = select(LoginSession).where(LoginSession.member_id == member.id)
    return next((login for login in db.session.scalars(mine) if str(login.id) == number), None)


def sign_out(member: Member, login: LoginSession) -> None:
    """End one login of `member` elsewhere; raises DomainError when it was over already."""
    ended = login_service.end_sessions(member, login_service.BY_OWNER, only=login.id)
    if not ended or _is_over(login):
        raise DomainError(lazy_gettext("That device was already signed out."), "info")
    audit.record("session_revoked", "member", member, after=_told(login))


def sign_out_others(member: Member) -> int:
    """End all logins of `member` but the current one; return how many still opened something."""
    current = login_service.current_login()
    others = [login for login in live(member) if current is None or login.id != current.id]
    login_service.end_sessions(member, login_service.BY_OWNER, keep=current.id if current is not None else None)
    audit.record("sessions_ended", "member", member, after={"devices": len(others)})
    return len(others)


def _is_over(login: LoginSession) -> bool:
    return rules.session_is_over(
        login.created_at, login.last_seen_at, clock.now(), remember=login.remember, staff=login.staff
    )


def _told(login: LoginSession) -> dict[str, str]:
    return {"browser": login.user_agent, "address": login.address}
