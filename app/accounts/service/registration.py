"""From a visitor's form to a member, by a letter."""

from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import delete, func, or_, select, update

from app import clock
from app.accounts import mail, queries, rules
from app.accounts.models import GUEST, Member, Registration
from app.accounts.service import passwords
from app.accounts.service.members import add_member
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import Letter


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


def register(applicant: Applicant) -> None:
    """Store a pending registration and its letter, or write to the owner of an address that is known.

    What the visitor is told is the same in both cases. Raises DomainError when the username is taken.
    """
    password = passwords.hash_password(applicant.password)
    _forget_expired(applicant)
    pending = _pending_by_email(applicant.email)
    # Compared in every case: a pending registration must not show in the time this takes.
    same = passwords.matches(pending and pending.password, applicant.password)
    _refuse_taken_username(applicant)
    if not _may_write_to(applicant.email):
        return
    owner = queries.member_by_name_or_email(applicant.email)
    if owner is not None:
        mail.already_registered(owner)
        return
    registration = pending or Registration(email=applicant.email.lower(), contested=False)
    registration.contested = registration.contested or (pending is not None and not same)
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


def activate(token: str, password: str = "") -> Member:
    """Make the member a link was written for. Of any number of simultaneous requests, one does it.

    A contested registration takes the password that was chosen with it, too: else whoever registers an address that
    is not theirs could have its owner confirm their password. Raises DomainError for a link that is unknown, was used
    or is too old, and with the field "password" for a wrong password.
    """
    registration = find_registration(token)
    if registration is None:
        raise DomainError(lazy_gettext("Registration not found"))
    if registration.activated_at is not None:
        raise DomainError(lazy_gettext("This account is already activated."), "info")
    if is_expired(registration):
        raise DomainError(lazy_gettext("This link has expired. Request a new one."), "warning")
    if registration.contested and not passwords.matches(registration.password, password):
        raise DomainError(lazy_gettext("Type the password that you chose last when you registered."), field="password")
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


def _refuse_taken_username(applicant: Applicant) -> None:
    """Refuse a name that is a member's, or waits for another address; a second form for the same one is welcome."""
    username = applicant.username.lower()
    taken = queries.member_by_name_or_email(username) is not None
    other = select(Registration.id).where(
        func.lower(Registration.username) == username, func.lower(Registration.email) != applicant.email.lower()
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
