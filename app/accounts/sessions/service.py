"""Login sessions: start one, resume it in later requests, list those of a member, and end them from elsewhere.

`resume` commits by itself, because Flask-Login calls it at any point of a request.
"""

import logging
from typing import Any, NamedTuple, cast

from flask import flash, g, request, session
from flask_babel import lazy_gettext
from flask_login import confirm_login, login_user, logout_user
from sqlalchemy import ColumnElement, Delete, Select, Update, and_, delete, func, not_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import SQLAlchemyError

from app import audit, clock
from app.accounts import auth_type, queries, rules, signals, tokens
from app.accounts.enums import RequiredAction, SessionEndCause, TokenPurpose
from app.accounts.models import LoginSession, Member, new_stamp
from app.accounts.queries import AuthRequirements
from app.accounts.sessions import provider_sessions, trusted_devices
from app.accounts.sessions.provider_sessions import ProviderLogin
from app.database import is_unavailable, reason, transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.http import LOGIN_KEY, parse_int
from app.i18n.selectors import force_locale

log = logging.getLogger(__name__)

# Kept at login and at logout: they belong to the browser, not to the account.
PRESERVED_IN_SESSION = ("locale", "timezone")
# Kept at login only: the invitation or share link that a visitor came from. After logout, the next user must not see it.
PRESERVED_AT_LOGIN = ("invitations", "shared")
PAGE_SIZE = 50


# -- start, resume, close


def open_session(
    member: Member,
    requirements: AuthRequirements,
    *,
    remember: bool = False,
    required_action: RequiredAction | None = None,
    provider_login: ProviderLogin | None = None,
) -> None:
    """Log `member` in on this device, with a new session token."""
    empty_session()
    token = rules.new_token()
    login = LoginSession(
        token_hash=rules.token_hash(token),
        member_id=member.id,
        # A directory or provider is asked only at login. Somebody who leaves the organisation must not stay logged in for months.
        remember=remember and not requirements.staff and auth_type.has_own_passwords(),
        staff=requirements.staff,
        required_action=required_action,
        user_agent=(request.user_agent.string or "")[:256],
        address=(request.remote_addr or "")[:64],
    )
    db.session.add(login)
    audit.record("logged_in", "member", member, actor=member)
    db.session.flush()
    if provider_login is not None:
        provider_sessions.remember(login, provider_login)
    g.login_session = login
    session[LOGIN_KEY] = token
    session.permanent = login.remember
    login_user(member)
    appbuilder_of().sm.on_user_login(member)
    trusted_devices.recognise(member)


def resume(token: str, member_id: str) -> Member | None:
    """Return the member of the login session with that token, if both the session and the member are still valid."""
    key = parse_int(member_id)
    if not token or key is None:
        return None
    found = queries.login(rules.token_hash(token), key)
    if found is None:
        return None
    login, g.held_roles = found
    if login.ended_at is not None:
        _explain_end(login)
        return None
    if _is_over(login) or not login.member.is_active:
        return None
    now = clock.now()
    if now - login.last_seen_at > rules.SEEN_RESOLUTION:
        _store(update(LoginSession).where(LoginSession.id == login.id).values(last_seen_at=now))
    g.login_session = login
    return login.member


def close_session() -> None:
    """Log out on this device. The cookie is worthless afterwards, and so is any copy of it."""
    token = str(session.get(LOGIN_KEY, ""))
    login = current_login()
    audit.record("logged_out", "member", login.member if login is not None else None)
    leaving = provider_sessions.leave(login) if login is not None else None
    db.session.execute(delete(LoginSession).where(LoginSession.token_hash == rules.token_hash(token)))
    g.pop("login_session", None)
    logout_user()
    if login is not None:
        appbuilder_of().sm.on_user_logout(login.member)
    empty_session()
    for key in PRESERVED_AT_LOGIN:
        session.pop(key, None)
    if leaving:
        session[provider_sessions.LOGOUT_KEY] = leaving


def empty_session() -> None:
    """Clear the cookie's session, except flashes and what belongs to the browser."""
    preserved = {key: session[key] for key in (*PRESERVED_IN_SESSION, *PRESERVED_AT_LOGIN) if key in session}
    flashes = session.get("_flashes")
    session.clear()
    # Flask-WTF caches the CSRF token of a request there. A form shown after this needs one of the new session.
    g.pop("csrf_token", None)
    session.update(preserved)
    if flashes:
        session["_flashes"] = flashes


# -- the session of this request


def current_login() -> LoginSession | None:
    """Return the login session of this request. Flask-Login must have loaded the member before."""
    login: LoginSession | None = g.get("login_session")
    return login


def current_login_id() -> int | None:
    """Return the primary key of the login session of this request."""
    login = current_login()
    return login.id if login is not None else None


def is_fresh() -> bool:
    """Whether the member has authenticated within the last minutes."""
    login = current_login()
    return login is not None and rules.is_fresh(login.authenticated_at, clock.now())


def refresh() -> None:
    """Mark the login as fresh: the member has just reauthenticated."""
    login = current_login()
    if login is not None:
        login.authenticated_at = clock.now()
        confirm_login()
        audit.record("reauthenticated", "member", login.member)
        signals.send(signals.reauthenticated, member=login.member)


def renew() -> None:
    """Give the current login session a new token, so that stolen copies of the cookie stop working."""
    login = current_login()
    if login is not None:
        token = rules.new_token()
        login.token_hash = rules.token_hash(token)
        session[LOGIN_KEY] = token


def complete_required_action(done: RequiredAction, following: RequiredAction | None = None) -> None:
    """Replace the required action `done` of all login sessions of the current member by the `following` one, if any."""
    login = current_login()
    if login is not None:
        same = update(LoginSession).where(
            LoginSession.member_id == login.member_id, LoginSession.required_action == done
        )
        db.session.execute(same.values(required_action=following))


# -- the sessions of a member


class LoginPage(NamedTuple):
    """One page of login sessions; `number` counts from 1."""

    logins: list[LoginSession]
    number: int
    has_next: bool


def live(member: Member, number: int = 1) -> LoginPage:
    """Return page `number` of the valid login sessions of `member`, the most recently used first."""
    found = db.session.scalars(live_logins(member).offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)).all()
    return LoginPage(list(found[:PAGE_SIZE]), number, has_next=len(found) > PAGE_SIZE)


def live_logins(member: Member) -> Select[LoginSession]:
    """Return the query for all of them, in the order of an index."""
    owned = select(LoginSession).where(_is_live(member))
    return owned.order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())


def _is_live(member: Member) -> ColumnElement[bool]:
    return and_(
        LoginSession.member_id == member.id, LoginSession.ended_at.is_(None), not_(queries.is_over(clock.now()))
    )


def find(member: Member, number: str) -> LoginSession | None:
    """Return the login session of `member` with that primary key, also when it has ended."""
    owned = select(LoginSession).where(LoginSession.member_id == member.id, LoginSession.id == parse_int(number))
    return db.session.scalars(owned).one_or_none()


def sign_out(member: Member, login: LoginSession) -> None:
    """End one login session of `member` on another device. Raises DomainError when it has ended already."""
    ended = end_sessions(member, SessionEndCause.OWNER, only=login.id)
    if not ended or _is_over(login):
        raise DomainError(lazy_gettext("That device was already signed out."), "info")
    after = {"browser": login.user_agent, "address": login.address}
    audit.record("session_revoked", "member", member, after=after)


def sign_out_others(member: Member) -> int:
    """End all login sessions of `member` except the current one. Return how many of them were valid."""
    current_id = current_login_id()
    others = select(func.count()).where(_is_live(member), LoginSession.id != (current_id or 0))
    number = db.session.scalar(others) or 0
    end_sessions(member, SessionEndCause.OWNER, keep=current_id)
    audit.record("sessions_ended", "member", member, after={"devices": number})
    return number


def end_sessions(
    member: Member, cause: SessionEndCause, *, reason: str = "", keep: int | None = None, only: int | None = None
) -> int:
    """End login sessions of `member`, and return how many. Each device shows the cause on its next visit.

    `keep` is the primary key of a session that stays, `only` that of the only one to end. Without `only`, API tokens
    and logins that wait for a second factor end as well.
    """
    ending = update(LoginSession).where(LoginSession.member_id == member.id, LoginSession.ended_at.is_(None))
    if only is not None:
        ending = ending.where(LoginSession.id == only)
    else:
        member.session_stamp = new_stamp()
        tokens.revoke(member, TokenPurpose.SECOND_STEP)
    if keep is not None:
        ending = ending.where(LoginSession.id != keep)
    values = {"ended_at": clock.now(), "end_cause": cause, "end_reason": reason[:500]}
    return cast("CursorResult[Any]", db.session.execute(ending.values(values))).rowcount


def _is_over(login: LoginSession) -> bool:
    return rules.session_is_over(
        login.created_at, login.last_seen_at, clock.now(), remember=login.remember, staff=login.staff
    )


def _explain_end(login: LoginSession) -> None:
    """Flash why this login session was ended, and delete it, so that the message is shown only once."""
    label = SessionEndCause.labels().get(login.end_cause)
    if label is not None:
        # The member is being logged out right now, so the locale of the request is not theirs.
        with force_locale(login.member.locale, login.member.timezone, login.member.hour_cycle):
            flash(str(label) % {"reason": login.end_reason}, "danger")
    empty_session()
    _store(delete(LoginSession).where(LoginSession.id == login.id))


def _store(statement: Delete | Update) -> None:
    """Execute and commit `statement`. When the database cannot write now, log that and let the request go on."""
    try:
        with transaction():
            db.session.execute(statement)
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.warning("A login session could not be updated (%s)", reason(error))
