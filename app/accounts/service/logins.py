"""Log in, stay in, log out.

What is counted against somebody is committed here, whatever becomes of the request; so is what `resume` notes:
Flask-Login calls it, in the middle of anything.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, after_this_request, current_app, flash, g, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import login_user, logout_user
from sqlalchemy import Delete, Update, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from app import audit, clock
from app.accounts import mail, queries, rules
from app.accounts.models import Device, LoginSession, Member, Token, new_stamp
from app.accounts.queries import Candidate, Standing
from app.accounts.service import directory, guard, passwords, tokens
from app.database import is_unavailable, transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n import speaking

log = logging.getLogger(__name__)

INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
LOGIN_KEY, SECOND_STEP_KEY = "login", "second_step"
# Where failures are counted: in all browsers together, in one that a member has used before, and when asked again.
ANYWHERE, ON_DEVICE, AGAIN = "login", "login on a device", "reauthenticate"
# Survive login and logout: they are about the reader, not about the account.
KEPT_IN_SESSION = ("locale", "timezone")
# Survives login alone: where the reader came from. Whoever logs out leaves nothing of it to the next at this browser.
KEPT_AT_LOGIN = ("invitations", "shared")
INVALID = lazy_gettext("Invalid login. Please try again.")
NOT_ACTIVATED = lazy_gettext(
    "In order to use your account you have to activate it through the link we have sent to your email address."
)
DEVICE_SECONDS = 365 * 24 * 3600
# Why a login was ended elsewhere, as its reader is told.
BY_ADMINISTRATOR, BY_PASSWORD, BY_OWNER, BY_BAN = "administrator", "password", "owner", "ban"
ENDINGS = {
    BY_ADMINISTRATOR: lazy_gettext("You were signed out by an administrator: %(reason)s"),
    BY_PASSWORD: lazy_gettext("You were signed out because your password was changed."),
    BY_OWNER: lazy_gettext("You were signed out from another device of yours."),
    BY_BAN: lazy_gettext("Your account was banned: %(reason)s"),
}


@dataclass(frozen=True)
class Proof:
    """Somebody whose password was right, and what that login will have to do first, if anything."""

    member: Member
    standing: Standing
    duty: str | None


# -- who is it


def authenticate(identifier: str, password: str) -> Proof:
    """Return the member with that name (or address) and password.

    A failure is counted at once; a success belongs to the transaction of whoever calls. Raises DomainError: for a wrong
    name or password, for a lockout (guard.LockedOutError), and, once the password was right, for an account that is not
    activated, not active or banned.
    """
    typed = identifier.strip().lower()
    device_hash = rules.token_hash(_device_token())
    keys = guard.key_of(ANYWHERE, typed), guard.key_of(ON_DEVICE, f"{device_hash}:{typed}")
    found = queries.candidate(typed, device_hash, *keys)
    key = keys[found.device_is_known]
    guard.refuse_while(found.device_locked_until if found.device_is_known else found.locked_until)
    proved = _ask(found.password, typed, password)
    if not proved:
        with transaction():
            _note_failure(found, key)
        raise DomainError(INVALID, "warning")
    guard.succeed(key)
    # What is typed for a directory is not ours to store, or to judge.
    ours: str | None = password
    if isinstance(proved, directory.Person):
        found, ours = _told_by_directory(found, proved), None
    member = _welcome(found)
    _note_success(member, ours)
    return Proof(member, found.standing, duty(found.standing, ours))


def _ask(stored: str | None, identifier: str, password: str) -> bool | directory.Person | None:
    """Ask the hash, or the directory, whether `password` is right; the directory says whose it is, too."""
    return directory.ask(identifier, password) if directory.is_in_charge() else passwords.matches(stored, password)


def _told_by_directory(found: Candidate, person: directory.Person) -> Candidate:
    member = directory.keep(person)
    return replace(found, member=member, registration=None, standing=queries.standing(member.id))


def vouched_for(member: Member) -> Proof:
    """Return the proof of a member whom a provider vouches for; raises DomainError when they may not come in."""
    refuse_unwelcome(member)
    standing = queries.standing(member.id)
    _note_success(member, None)
    return Proof(member, standing, duty(standing))


def forget_failures(member: Member) -> None:
    """Let `member` try again at once, in whatever browser: they have proved who they are in another way."""
    names = {member.username.lower(), member.email.lower()}
    known = list(db.session.scalars(select(Device.token_hash).where(Device.member_id == member.id)))
    guard.clear(
        guard.key_of(AGAIN, member.id),
        *(guard.key_of(ANYWHERE, name) for name in names),
        *(guard.key_of(ON_DEVICE, f"{device_hash}:{name}") for device_hash in known for name in names),
    )


def duty(standing: Standing, password: str | None = None) -> str | None:
    """Return what a login must do before anything else: one of rules.DUTIES, or None."""
    if standing.factor_required and not standing.has_factor:
        return rules.ADD_SECOND_FACTOR
    least = passwords.shortest(staff=standing.staff, second_factor=standing.has_factor)
    return rules.CHOOSE_PASSWORD if password is not None and len(password) < least else None


def _welcome(found: Candidate) -> Member:
    """Return whoever typed the right password; raises DomainError when they may not come in all the same."""
    member = found.member
    if member is None:
        raise _refused(None, DomainError(NOT_ACTIVATED))
    why = unwelcome(member)
    if why is not None:
        raise _refused(member, why)
    return member


def _refused(member: Member | None, why: DomainError) -> DomainError:
    with transaction():
        audit.record("login_failed", "member", member)
    return why


def unwelcome(member: Member) -> DomainError | None:
    """Return why a member who proved who they are may not come in, if they may not."""
    if member.banned_at is not None:
        return DomainError(_("Your account was banned: %(reason)s", reason=member.ban_reason))
    return None if member.is_active else DomainError(_("This account is not active."))


def refuse_unwelcome(member: Member) -> None:
    """Raise DomainError for a member who proved who they are and may not come in."""
    refused = unwelcome(member)
    if refused is not None:
        raise refused


def _note_failure(found: Candidate, key: str) -> None:
    """Count a failure. For nobody these are the same statements, and the same letter, which is thrown away.

    The guard goes first, here and where somebody succeeds: two who wait for each other's rows would wait for ever.
    """
    member = found.member
    locked_until = guard.fail(key)
    failed = {"fail_login_count": func.coalesce(Member.fail_login_count, 0) + 1}
    db.session.execute(_change(member.id if member else 0, failed))
    audit.record("login_failed", "member", member)
    if locked_until is not None:
        audit.record("locked_out", "member", member)
        mail.locked_out(member, locked_until)


def _note_success(member: Member, password: str | None) -> None:
    """Count a success, unless everybody who came in as `member` was told to leave since the password was read.

    `password` is what was typed, where it is ours to keep.
    """
    values = _counted()
    if password is not None and passwords.is_outdated(member.password):
        values["password"] = passwords.hash_password(password)
    as_read = _change(member.id, values).where(Member.session_stamp == member.session_stamp)
    if db.session.execute(as_read.returning(Member.id)).first() is None:
        raise DomainError(INVALID, "warning")


def _counted() -> dict[str, Any]:
    """Return the columns of somebody who has just proved who they are."""
    return {
        "login_count": func.coalesce(Member.login_count, 0) + 1,
        "fail_login_count": 0,
        # FAB's own columns hold naive times.
        "last_login": clock.now().replace(tzinfo=None),
    }


def _change(member_id: int, values: dict[str, Any]) -> Update:
    statement = update(Member).where(Member.id == member_id).values(values)
    return statement.execution_options(synchronize_session=False)


# -- come in


def enter(proof: Proof, *, remember: bool, kept: str | None = None) -> bool:
    """Log in whoever proved their password; False when a second factor is asked for first.

    Which login waits for it is kept in the session; `second_step` returns it, `complete_second_step` uses it up. `kept`
    is a form that came too late (kept_forms.seal); it waits there too, because it is too long for an address.
    """
    if proof.standing.has_factor:
        _empty_session()
        data = {"remember": remember, "duty": proof.duty, "kept": kept}
        session[SECOND_STEP_KEY] = tokens.issue(rules.SECOND_STEP, proof.member, data=data)
        return False
    open_session(proof.member, proof.standing, remember=remember, duty=proof.duty)
    return True


def enter_proved(member: Member, *, remember: bool) -> None:
    """Log in whoever proved who they are by what counts as both factors; raises DomainError for the unwelcome."""
    refuse_unwelcome(member)
    standing = queries.standing(member.id)
    db.session.execute(_change(member.id, _counted()))
    open_session(member, standing, remember=remember, duty=duty(standing))


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
    standing = queries.standing(waiting.member.id)
    open_session(waiting.member, standing, remember=waiting.data["remember"], duty=waiting.data["duty"])
    return waiting.member


def open_session(member: Member, standing: Standing, *, remember: bool = False, duty: str | None = None) -> None:
    """Log `member` in on this device, under a session nobody could have known before."""
    _empty_session()
    token = rules.new_token()
    login = LoginSession(
        token_hash=rules.token_hash(token),
        member_id=member.id,
        # Nobody is asked again while it lasts: who leaves the organisation must not stay here for months.
        remember=remember and not standing.staff and not directory.is_in_charge(),
        staff=standing.staff,
        duty=duty,
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
    _recognise_device(member)


def close_session() -> None:
    """Log out on this device: the cookie opens nothing any more, wherever it was copied to."""
    token = str(session.get(LOGIN_KEY, ""))
    login = current_login()
    audit.record("logged_out", "member", login.member if login is not None else None)
    db.session.execute(delete(LoginSession).where(LoginSession.token_hash == rules.token_hash(token)))
    g.pop("login_session", None)
    logout_user()
    _empty_session()
    for key in KEPT_AT_LOGIN:
        session.pop(key, None)


# -- stay in


def resume(token: str, member_id: str) -> Member | None:
    """Return the member whose login `token` names, if that login and that member are still good."""
    if not token or not member_id.isascii() or not member_id.isdigit():
        return None
    login = queries.login(rules.token_hash(token), int(member_id))
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
        _note(update(LoginSession).where(LoginSession.id == login.id).values(last_seen_at=now))
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
    key = guard.key_of(AGAIN, member.id)
    guard.check(key)
    if not _ask(member.password, member.username, password):
        with transaction():
            locked_until = guard.fail(key)
            audit.record("login_failed", "member", member)
            if locked_until is not None:
                audit.record("locked_out", "member", member)
                mail.locked_out(member, locked_until)
        raise DomainError(_("That is not your password."), "warning", field="password")
    with transaction():
        guard.succeed(key)
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


def fulfil(done: str) -> None:
    """Let the current login go on, if `done` was its duty; the other logins of that member, too."""
    login = current_login()
    if login is not None:
        same = update(LoginSession).where(LoginSession.member_id == login.member_id, LoginSession.duty == done)
        db.session.execute(same.values(duty=None))


def _note(statement: Delete | Update) -> None:
    """Write what reading brings about. Where nothing can be written just now, reading goes on all the same."""
    try:
        with transaction():
            db.session.execute(statement.execution_options(synchronize_session=False))
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.warning("A login could not be noted as seen", exc_info=True)


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
    done = ending.values(values).returning(LoginSession.id).execution_options(synchronize_session=False)
    return len(db.session.execute(done).all())


def _tell_ending(login: LoginSession) -> None:
    """Say once why this login is over, and forget it: neither this cookie nor a copy of it is told again."""
    template = ENDINGS.get(login.end_cause)
    if template is not None:
        # Not for whoever is logged in: that is just being found out.
        with speaking(login.member.locale, login.member.timezone):
            told = str(template) % {"reason": login.end_reason}
        flash(told, "danger")
    _empty_session()
    _note(delete(LoginSession).where(LoginSession.id == login.id))


# -- devices


def _device_cookie() -> str:
    return "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "device"


def _device_token() -> str:
    return request.cookies.get(_device_cookie(), "")[:64]


def _recognise_device(member: Member) -> None:
    """Remember this browser as one of the member's, and write to them if it is not the first and was not known."""
    token, now = _device_token() or rules.new_token(), clock.now()
    known = INSERTS[db.engine.dialect.name](Device.__table__).values(
        member_id=member.id, token_hash=rules.token_hash(token), created_at=now, last_seen_at=now
    )
    known = known.on_conflict_do_update(
        index_elements=["member_id", "token_hash"], set_={"last_seen_at": now}
    ).returning(Device.__table__.c.id, Device.__table__.c.created_at)
    device = db.session.execute(known).one()
    if device.created_at == now and _has_other_device(member, device.id):
        mail.new_device(member, device.id, request.user_agent.string or "", request.remote_addr or "")
    after_this_request(lambda response: _set_device(response, token))


def _has_other_device(member: Member, device_id: int) -> bool:
    other = select(Device.id).where(Device.member_id == member.id, Device.id != device_id)
    return db.session.execute(other.limit(1)).first() is not None


def _set_device(response: Response, token: str) -> Response:
    response.set_cookie(
        _device_cookie(),
        token,
        max_age=DEVICE_SECONDS,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )
    return response


def _empty_session() -> None:
    kept = {key: session[key] for key in (*KEPT_IN_SESSION, *KEPT_AT_LOGIN) if key in session}
    flashes = session.get("_flashes")
    session.clear()
    # Flask-WTF keeps the token of a request there; a form shown after this needs one of the new session.
    g.pop("csrf_token", None)
    session.update(kept)
    if flashes:
        session["_flashes"] = flashes
