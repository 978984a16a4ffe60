"""Log in, stay in, log out.

`authenticate` and `resume` commit what they count: Flask-AppBuilder and Flask-Login call them, in the middle of anything.
"""

import logging
from datetime import datetime

from flask import g, request, session
from flask_appbuilder.security.utils import is_null_password
from flask_login import login_user, logout_user
from sqlalchemy import delete, func, update
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.security import check_password_hash

from app import clock
from app.accounts import queries, rules
from app.accounts.models import LoginSession, Member
from app.accounts.service import members
from app.database import is_unavailable, transaction
from app.extensions import db

log = logging.getLogger(__name__)

LOGIN_KEY = "login"
# Survive login and logout: they are about the reader, not about the account.
KEPT_IN_SESSION = ("locale", "timezone")


def authenticate(identifier: str, password: str) -> Member | None:
    """Return the active member with that name (or address) and password, and count the attempt."""
    member = queries.member_by_name_or_email(identifier)
    possible = not is_null_password(password) and len(password) <= rules.LONGEST_PASSWORD
    usable = possible and member is not None and member.is_active
    stored = member.password if usable and member and member.password else members.nobodys_hash()
    right = check_password_hash(stored, password[: rules.LONGEST_PASSWORD]) and usable
    with transaction():
        _count_attempt(member.id if member else 0, succeeded=right)
    return member if right else None


def open_session(member: Member, *, remember: bool = False) -> None:
    """Log `member` in on this device, under a session nobody could have known before."""
    _empty_session()
    token = rules.new_token()
    db.session.add(
        LoginSession(
            token_hash=rules.token_hash(token),
            member_id=member.id,
            remember=remember,
            user_agent=(request.user_agent.string or "")[:256],
            address=(request.remote_addr or "")[:64],
        )
    )
    db.session.flush()
    session[LOGIN_KEY] = token
    session.permanent = remember
    login_user(member)


def close_session() -> None:
    """Log out on this device: the cookie opens nothing any more, wherever it was copied to."""
    token = str(session.get(LOGIN_KEY, ""))
    db.session.execute(delete(LoginSession).where(LoginSession.token_hash == rules.token_hash(token)))
    logout_user()
    _empty_session()


def resume(token: str, member_id: str) -> Member | None:
    """Return the member whose login `token` names, if that login and that member are still good."""
    if not token or not member_id.isascii() or not member_id.isdigit():
        return None
    login = queries.login(rules.token_hash(token), int(member_id))
    if login is None or not login.member.is_active:
        return None
    now = clock.now()
    if rules.session_is_over(login.created_at, login.last_seen_at, now, remember=login.remember):
        return None
    if now - login.last_seen_at > rules.SEEN_RESOLUTION:
        _note_seen(login.id, now)
    return login.member


def _note_seen(login_id: int, now: datetime) -> None:
    """Keep a login from going idle. Where nothing can be written just now, reading goes on all the same."""
    seen = update(LoginSession).where(LoginSession.id == login_id).values(last_seen_at=now)
    try:
        with transaction():
            db.session.execute(seen.execution_options(synchronize_session=False))
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.warning("A login could not be noted as seen", exc_info=True)


def _empty_session() -> None:
    kept = {key: session[key] for key in KEPT_IN_SESSION if key in session}
    flashes = session.get("_flashes")
    session.clear()
    # Flask-WTF keeps the token of a request there; a form shown after this needs one of the new session.
    g.pop("csrf_token", None)
    session.update(kept)
    if flashes:
        session["_flashes"] = flashes


def _count_attempt(member_id: int, *, succeeded: bool) -> None:
    """Count a login; for nobody it is the same statement, with no row to meet."""
    values = (
        {"login_count": func.coalesce(Member.login_count, 0) + 1, "fail_login_count": 0, "last_login": _local_now()}
        if succeeded
        else {"fail_login_count": func.coalesce(Member.fail_login_count, 0) + 1}
    )
    db.session.execute(
        update(Member).where(Member.id == member_id).values(values).execution_options(synchronize_session=False)
    )


def _local_now() -> datetime:
    """FAB's own columns hold naive times."""
    return clock.now().replace(tzinfo=None)
