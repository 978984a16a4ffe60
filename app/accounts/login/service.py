"""Log in whoever proved who they are (authentication.py), keep them in, log them out.

What `resume` notes is committed here, whatever becomes of the request: Flask-Login calls it, in the middle of anything.
"""

import logging

from flask import flash, g, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import login_user, logout_user
from sqlalchemy import Delete, Update, delete, update
from sqlalchemy.exc import SQLAlchemyError

from app import audit, clock
from app.accounts import queries, rules, tokens
from app.accounts.ldap import client as ldap_client
from app.accounts.login import authentication
from app.accounts.login.authentication import AuthResult
from app.accounts.models import LoginSession, Member, Token, new_stamp
from app.accounts.queries import AuthRequirements
from app.accounts.sessions import trusted_devices
from app.database import is_unavailable, transaction
from app.errors import DomainError
from app.extensions import db
from app.http import parse_int
from app.i18n.selectors import force_locale

log = logging.getLogger(__name__)

LOGIN_KEY, SECOND_STEP_KEY = "login", "second_step"
# Survive login and logout: they are about the reader, not about the account.
PRESERVED_IN_SESSION = ("locale", "timezone")
# Survives login alone: where the reader came from. Whoever logs out leaves nothing of it to the next at this browser.
PRESERVED_AT_LOGIN = ("invitations", "shared")
# Why a login was ended elsewhere, as its reader is told.
BY_ADMINISTRATOR, BY_PASSWORD, BY_OWNER, BY_BAN = "administrator", "password", "owner", "ban"
ENDINGS = {
    BY_ADMINISTRATOR: lazy_gettext("You were signed out by an administrator: %(reason)s"),
    BY_PASSWORD: lazy_gettext("You were signed out because your password was changed."),
    BY_OWNER: lazy_gettext("You were signed out from another device of yours."),
    BY_BAN: lazy_gettext("Your account was banned: %(reason)s"),
}


# -- come in


def log_in(proof: AuthResult, *, remember: bool, kept: str | None = None) -> bool:
    """Log in whoever proved their password; False when a second factor is asked for first.

    Which login waits for it is kept in the session; `second_step` returns it, `complete_second_step` uses it up. `kept`
    is a form that came too late (form_resubmission.dump_form); it waits there too, because it is too long for an address.
    """
    if proof.standing.has_factor:
        _empty_session()
        data = {"remember": remember, "duty": proof.required_action, "kept": kept}
        session[SECOND_STEP_KEY] = tokens.issue(rules.SECOND_STEP, proof.member, data=data)
        return False
    open_session(proof.member, proof.standing, remember=remember, required_action=proof.required_action)
    return True


def log_in_verified(member: Member, *, remember: bool) -> None:
    """Log in whoever proved who they are by what counts as both factors; raises DomainError for the unwelcome."""
    authentication.ensure_login_allowed(member)
    standing = queries.auth_requirements(member.id)
    authentication.record_login(member)
    open_session(member, standing, remember=remember, required_action=authentication.required_action(standing))


def second_step() -> Token | None:
    """Return the login of this browser that waits for a second factor, while it does."""
    waiting = tokens.find(rules.SECOND_STEP, str(session.get(SECOND_STEP_KEY, "")))
    if waiting is None or waiting.member is None or not tokens.is_valid(waiting):
        return None
    return waiting if waiting.member.is_active else None


def complete_second_step() -> Member:
    """Log in whoever has just proved their second factor; raises DomainError when the first step was too long ago."""
    waiting = tokens.use(rules.SECOND_STEP, str(session.get(SECOND_STEP_KEY, "")))
    if waiting is None or waiting.member is None or not waiting.member.is_active:
        raise DomainError(_("That took too long. Please log in again."), "warning")
    standing = queries.auth_requirements(waiting.member.id)
    open_session(waiting.member, standing, remember=waiting.data["remember"], required_action=waiting.data["duty"])
    return waiting.member


def open_session(
    member: Member, standing: AuthRequirements, *, remember: bool = False, required_action: str | None = None
) -> None:
    """Log `member` in on this device, under a session nobody could have known before."""
    _empty_session()
    token = rules.new_token()
    login = LoginSession(
        token_hash=rules.token_hash(token),
        member_id=member.id,
        # Nobody is asked again while it lasts: who leaves the organisation must not stay here for months.
        remember=remember and not standing.staff and not ldap_client.is_enabled(),
        staff=standing.staff,
        required_action=required_action,
        user_agent=(request.user_agent.string or "")[:256],
        address=(request.remote_addr or "")[:64],
    )
    db.session.add(login)
    audit.record("logged_in", "member", member, actor=member)
    db.session.flush()
    g.login_session = login
    session[LOGIN_KEY] = token
    session.permanent = login.remember
    login_user(member)
    trusted_devices.recognise(member)


def close_session() -> None:
    """Log out on this device: the cookie opens nothing any more, wherever it was copied to."""
    token = str(session.get(LOGIN_KEY, ""))
    login = current_login()
    audit.record("logged_out", "member", login.member if login is not None else None)
    db.session.execute(delete(LoginSession).where(LoginSession.token_hash == rules.token_hash(token)))
    g.pop("login_session", None)
    logout_user()
    _empty_session()
    for key in PRESERVED_AT_LOGIN:
        session.pop(key, None)


def _empty_session() -> None:
    kept = {key: session[key] for key in (*PRESERVED_IN_SESSION, *PRESERVED_AT_LOGIN) if key in session}
    flashes = session.get("_flashes")
    session.clear()
    # Flask-WTF keeps the token of a request there; a form shown after this needs one of the new session.
    g.pop("csrf_token", None)
    session.update(kept)
    if flashes:
        session["_flashes"] = flashes


# -- stay in


def resume(token: str, member_id: str) -> Member | None:
    """Return the member whose login `token` names, if that login and that member are still good."""
    key = parse_int(member_id)
    if not token or key is None:
        return None
    login = queries.login(rules.token_hash(token), key)
    if login is None:
        return None
    if login.ended_at is not None:
        _tell_ending(login)
        return None
    now = clock.now()
    over = rules.session_is_over(login.created_at, login.last_seen_at, now, remember=login.remember, staff=login.staff)
    if over or not login.member.is_active:
        return None
    if now - login.last_seen_at > rules.SEEN_RESOLUTION:
        _store(update(LoginSession).where(LoginSession.id == login.id).values(last_seen_at=now))
    g.login_session = login
    return login.member


def current_login() -> LoginSession | None:
    """Return the login of this request, once it was asked who is logged in."""
    login: LoginSession | None = g.get("login_session")
    return login


def is_fresh() -> bool:
    """Whether whoever is logged in proved who they are a few minutes ago."""
    login = current_login()
    return login is not None and rules.is_fresh(login.authenticated_at, clock.now())


def reauthenticate(member: Member, password: str) -> None:
    """Let sensitive pages be shown for a while, as the password is typed again; raises DomainError when it is wrong."""
    with transaction():
        authentication.reauthenticate(member, password)
        refresh()


def refresh() -> None:
    """Let sensitive pages be shown for a while: whoever is logged in has just proved who they are."""
    login = current_login()
    if login is not None:
        login.authenticated_at = clock.now()
        audit.record("reauthenticated", "member", login.member)


def renew() -> None:
    """Give the current login another token: a copy of the cookie, should somebody have one, opens nothing any more."""
    login = current_login()
    if login is not None:
        token = rules.new_token()
        login.token_hash = rules.token_hash(token)
        session[LOGIN_KEY] = token


def complete_required_action(done: str) -> None:
    """Let the current login go on, if `done` was its required_action; the other logins of that member, too."""
    login = current_login()
    if login is not None:
        same = update(LoginSession).where(
            LoginSession.member_id == login.member_id, LoginSession.required_action == done
        )
        db.session.execute(same.values(required_action=None))


def _store(statement: Delete | Update) -> None:
    """Write what reading brings about. Where nothing can be written just now, reading goes on all the same."""
    try:
        with transaction():
            db.session.execute(statement)
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.warning("The last-seen time of a session could not be saved", exc_info=True)


# -- be thrown out


def end_sessions(
    member: Member, cause: str, *, reason: str = "", keep: int | None = None, only: int | None = None
) -> int:
    """End the logins of `member`, tell each of them why (one of ENDINGS), and return how many there were.

    `keep` is the one that stays, `only` the one that goes, as keys of `login_session`. Unless only one goes, API tokens
    and logins that wait for their second step open nothing any more, either.
    """
    ending = update(LoginSession).where(LoginSession.member_id == member.id, LoginSession.ended_at.is_(None))
    if only is not None:
        ending = ending.where(LoginSession.id == only)
    else:
        member.session_stamp = new_stamp()
        tokens.revoke(member, rules.SECOND_STEP)
    if keep is not None:
        ending = ending.where(LoginSession.id != keep)
    values = {"ended_at": clock.now(), "end_cause": cause, "end_reason": reason[:500]}
    done = ending.values(values).returning(LoginSession.id)
    return len(db.session.execute(done).all())


def _tell_ending(login: LoginSession) -> None:
    """Say once why this login is over, and forget it: neither this cookie nor a copy of it is told again."""
    template = ENDINGS.get(login.end_cause)
    if template is not None:
        # Not for whoever is logged in: that is just being found out.
        with force_locale(login.member.locale, login.member.timezone):
            told = str(template) % {"reason": login.end_reason}
        flash(told, "danger")
    _empty_session()
    _store(delete(LoginSession).where(LoginSession.id == login.id))
