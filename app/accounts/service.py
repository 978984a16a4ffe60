"""What happens to accounts: register, activate, log in, log out. Flushes, never commits, never flashes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, request, session
from flask_appbuilder.security.sqla.models import Role
from flask_appbuilder.security.utils import is_null_password
from flask_babel import lazy_gettext
from flask_login import login_user, logout_user
from sqlalchemy import delete, func, or_, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from app import clock
from app.accounts import mail, queries, rules
from app.accounts.models import GUEST, LoginSession, Member, Registration
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import Letter

LOGIN_KEY = "login"
# Survive login and logout: they are about the reader, not about the account.
KEPT_IN_SESSION = ("locale", "timezone")
# The hash of a password nobody has, so that an unknown name costs as much time as a known one.
NOBODYS_PASSWORD = "no password hashes to this"  # noqa: S105


@dataclass(frozen=True)
class Applicant:
    """What a visitor typed to register; `locale` and `timezone` are the ones the page was read in."""

    username: str
    email: str
    first_name: str
    last_name: str
    password: str
    locale: str
    timezone: str


# -- registration


def register(applicant: Applicant) -> None:
    """Store a pending registration and its letter, or write to the owner of an address that is known.

    What the visitor is told is the same in both cases. Raises DomainError when the username is taken.
    """
    password = hash_password(applicant.password)
    _forget_expired(applicant)
    pending = _pending_by_email(applicant.email)
    _refuse_taken_username(applicant.username, pending)
    if not _may_write_to(applicant.email):
        return
    owner = queries.member_by_name_or_email(applicant.email)
    if owner is not None:
        mail.already_registered(owner)
        return
    registration = pending or Registration(email=applicant.email.lower())
    registration.username = applicant.username.lower()
    registration.first_name, registration.last_name = applicant.first_name, applicant.last_name
    registration.locale, registration.timezone = applicant.locale, applicant.timezone
    registration.password = password
    registration.registration_date = clock.now().replace(tzinfo=None)
    db.session.add(registration)
    send_activation(registration)


def resend(email: str) -> None:
    """Write the activation letter again, with a new link, where a registration waits for that address."""
    registration = _pending_by_email(email)
    if registration is not None and _may_write_to(email):
        send_activation(registration)


def send_activation(registration: Registration) -> None:
    """Give `registration` a new token and 48 hours, and write the letter that carries it."""
    token = rules.new_token()
    registration.registration_hash = rules.token_hash(token)
    registration.expires_at = clock.now() + rules.REGISTRATION_LIFETIME
    registration.sent_count = (registration.sent_count or 0) + 1
    registration.last_sent_at = clock.now()
    db.session.flush()
    mail.activation(registration, token)


def find_registration(token: str) -> Registration | None:
    """Return the registration a link belongs to, activated and expired ones included."""
    statement = select(Registration).where(Registration.registration_hash == rules.token_hash(token))
    return db.session.execute(statement).scalar_one_or_none()


def activate(token: str) -> Member:
    """Make the member a link was written for. Of any number of simultaneous requests, one does it.

    Raises DomainError for a link that is unknown, was used or is too old.
    """
    registration = find_registration(token)
    if registration is None:
        raise DomainError(lazy_gettext("Registration not found"))
    if registration.activated_at is not None:
        raise DomainError(lazy_gettext("This account is already activated."), "info")
    if is_expired(registration):
        raise DomainError(lazy_gettext("This link has expired. Request a new one."), "warning")
    claim = (
        update(Registration)
        .where(Registration.id == registration.id, Registration.activated_at.is_(None))
        .values(activated_at=clock.now())
        .returning(Registration.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.execute(claim).first() is None:
        raise DomainError(lazy_gettext("This account is already activated."), "info")
    member = add_member(
        username=registration.username,
        email=registration.email,
        first_name=registration.first_name,
        last_name=registration.last_name,
        password_hash=registration.password,
        role=current_app.config.get("AUTH_USER_REGISTRATION_ROLE", GUEST),
        locale=registration.locale,
        timezone=registration.timezone,
    )
    registration.password = None
    mail.welcome(member)
    return member


def is_expired(registration: Registration) -> bool:
    """Whether the link of `registration` is too old to be used."""
    return registration.expires_at is None or registration.expires_at <= clock.now()


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


# -- logging in and out


def authenticate(identifier: str, password: str) -> Member | None:
    """Return the active member with that name (or address) and password, and count the attempt."""
    member = queries.member_by_name_or_email(identifier)
    usable = member is not None and member.is_active and not is_null_password(password)
    stored = member.password if usable and member and member.password else _nobodys_hash()
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
        with transaction():
            login.last_seen_at = now
    return login.member


def _empty_session() -> None:
    kept = {key: session[key] for key in KEPT_IN_SESSION if key in session}
    flashes = session.get("_flashes")
    session.clear()
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


def _nobodys_hash() -> str:
    config = current_app.config
    if "NOBODYS_PASSWORD_HASH" not in config:
        config["NOBODYS_PASSWORD_HASH"] = hash_password(NOBODYS_PASSWORD)
    return str(config["NOBODYS_PASSWORD_HASH"])


def _pending_by_email(email: str) -> Registration | None:
    statement = select(Registration).where(
        func.lower(Registration.email) == email.lower(), Registration.activated_at.is_(None)
    )
    return db.session.execute(statement).scalar_one_or_none()


def _forget_expired(applicant: Applicant) -> None:
    """Free the name and the address from a registration that is over: it must not block a new one."""
    over = or_(Registration.expires_at <= clock.now(), Registration.activated_at.is_not(None))
    same = or_(
        func.lower(Registration.username) == applicant.username.lower(),
        func.lower(Registration.email) == applicant.email.lower(),
    )
    db.session.execute(delete(Registration).where(over, same).execution_options(synchronize_session=False))


def _refuse_taken_username(username: str, own: Registration | None) -> None:
    taken = queries.member_by_name_or_email(username) is not None
    other = select(Registration.id).where(
        func.lower(Registration.username) == username.lower(), Registration.id != (own.id if own else 0)
    )
    if taken or db.session.execute(other).first() is not None:
        raise DomainError(lazy_gettext("This username is already taken."), field="username")


def _may_write_to(email: str) -> bool:
    """Whether this mailbox has not had its share of letters today: nobody is bombed through our form."""
    since = clock.now() - timedelta(days=1)
    letters = select(func.count()).where(
        func.lower(Letter.recipient) == email.lower(),
        Letter.kind.in_(mail.REGISTRATION_LETTERS),
        Letter.created_at > since,
    )
    return db.session.execute(letters).scalar_one() < rules.LETTERS_PER_MAILBOX_AND_DAY
