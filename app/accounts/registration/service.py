"""From a visitor's form to a member, by a letter or at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import and_, delete, func, or_, select, update

from app import audit, clock
from app.accounts import mail, password_policy, queries, rules
from app.accounts.members import add_member
from app.accounts.models import GUEST, ExternalIdentity, Member, Registration
from app.accounts.registration import hooks as registration_hooks
from app.accounts.registration.hooks import Applicant
from app.database import insert_or_ignore
from app.errors import Category, DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail

EMAIL, NONE, AUTO_LOGIN = "email", "none", "auto-login"
READY, UNKNOWN, EXPIRED, ACTIVATED = "ready", "unknown", "expired", "activated"
# What is said of a link that cannot be used.
UNUSABLE: dict[str, tuple[Any, Category]] = {
    UNKNOWN: (lazy_gettext("Registration not found"), "danger"),
    EXPIRED: (lazy_gettext("This link has expired. Request a new one."), "warning"),
    ACTIVATED: (lazy_gettext("This account is already activated."), "info"),
}


def register(applicant: Applicant) -> Member | None:
    """Store who registers; return the member, where the configuration (ACTIVATION) makes one at once.

    The owner of an address that is known gets a letter instead, and the visitor is told the same. Raises RefusedError
    when something is wrong with what was typed.
    """
    registration_hooks.validate(applicant)
    password = password_policy.hash_password(applicant.password)
    pending = _pending_by_email(applicant.email, Registration.expires_at > clock.now())
    # Compared in every case: a pending registration must not show in the time this takes.
    same = password_policy.matches(pending and pending.password, applicant.password)
    forget(applicant, over=True)
    may_write, by_letter = _may_write_to(applicant.email), current_app.config["ACTIVATION"] == EMAIL
    owner = queries.member_by_name_or_email(applicant.email)
    registration = pending or Registration(email=applicant.email.lower(), contested=False)
    if owner is not None or (by_letter and not may_write):
        with db.session.begin_nested() as stored:
            # Taken back at once: a known address must not show in the time this takes, either.
            _store(registration, applicant, password)
            stored.rollback()
        mail.already_registered(owner if may_write else None)
        return None
    registration.contested = registration.contested or (pending is not None and not same)
    _store(registration, applicant, password)
    member = AFTERWARDS[current_app.config["ACTIVATION"]](registration)
    registration_hooks.stored(applicant, registration=registration, member=member)
    return member


def _store(registration: Registration, applicant: Applicant, password_hash: str) -> None:
    fill(registration, applicant, password_hash)
    db.session.add(registration)
    db.session.flush()
    audit.record("registered", "registration", registration)
    db.session.flush()


def fill(registration: Registration, applicant: Applicant, password_hash: str) -> None:
    """Put what was typed into `registration`; of an earlier form nothing stays."""
    now = clock.now()
    registration.username = applicant.username.lower()
    registration.first_name, registration.last_name = applicant.first_name, applicant.last_name
    registration.locale, registration.timezone = applicant.locale, applicant.timezone
    registration.password = password_hash
    registration.terms_accepted_at = now if applicant.accepts_terms else None
    identity = applicant.identity
    # An identity that stayed would let whoever typed the earlier form in.
    registration.identity_issuer = identity.issuer if identity else None
    registration.identity_subject = identity.subject if identity else None
    registration.registration_date = now.replace(tzinfo=None)
    registration.expires_at = now + rules.REGISTRATION_LIFETIME


def resend(email: str) -> None:
    """Write the activation letter again, with a new link, where a registration waits for that address.

    Where none does, the letter is thrown away: that takes as long.
    """
    registration, may_write = _pending_by_email(email), _may_write_to(email)
    if registration is not None and may_write:
        send_activation(registration)
    else:
        mail.activation(None, "")


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


def state_of(registration: Registration | None) -> str:
    """Return what can be done with the link of a registration."""
    if registration is None:
        return UNKNOWN
    if registration.activated_at is not None:
        return ACTIVATED
    return EXPIRED if is_expired(registration) else READY


def activate(token: str, password: str = "") -> Member:
    """Make the member a link was written for. Of any number of simultaneous requests, one does it.

    A contested registration takes the password that was chosen with it, too: else whoever registers an address that
    is not theirs could have its owner confirm their password. Raises DomainError for a link that is unknown, was used
    or is too old, and with the field "password" for a wrong password.
    """
    registration = find_registration(token)
    state = state_of(registration)
    if registration is None or state in UNUSABLE:
        raise DomainError(*UNUSABLE[state])
    if registration.contested and not password_policy.matches(registration.password, password):
        raise DomainError(
            lazy_gettext("Enter the password that you chose most recently when you registered."), field="password"
        )
    return _claim(registration)


def become_member(registration: Registration) -> Member:
    """Make the member that `registration` describes; raises IntegrityError when the name or the address is taken."""
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
    member.terms_accepted_at = registration.terms_accepted_at
    registration.password = None
    _link_identity(member, registration)
    audit.record("activated", "member", member, actor=member)
    mail.welcome(member)
    return member


def _link_identity(member: Member, registration: Registration) -> None:
    """Let `member` log in as who they are elsewhere, if they came from there, unless that is somebody else's by now."""
    issuer, subject = registration.identity_issuer, registration.identity_subject
    if not issuer or not subject:
        return
    statement = (
        insert_or_ignore(ExternalIdentity, "issuer", "subject")
        .values(member_id=member.id, issuer=issuer, subject=subject)
        .returning(ExternalIdentity.id)
    )
    if db.session.execute(statement).first() is not None:
        audit.record("identity_linked", "member", member, actor=member, after={"issuer": issuer})


def is_expired(registration: Registration) -> bool:
    """Whether the link of `registration` is too old to be used."""
    return registration.expires_at is None or registration.expires_at <= clock.now()


def forget(applicant: Applicant, *, over: bool) -> None:
    """Free the name and the address from registrations that are over: they must not block a new one.

    Unless only those that are `over` go, the one that waits for the same address goes, too.
    """
    is_over = or_(
        Registration.expires_at.is_(None),
        Registration.expires_at <= clock.now(),
        Registration.activated_at.is_not(None),
    )
    same_name = func.lower(Registration.username) == applicant.username.lower()
    same_address = func.lower(Registration.email) == applicant.email.lower()
    gone = and_(is_over, or_(same_name, same_address)) if over else or_(same_address, and_(is_over, same_name))
    db.session.execute(delete(Registration).where(gone))


def _claim(registration: Registration) -> Member:
    """Use `registration` up and make its member."""
    claim = (
        update(Registration)
        .where(Registration.id == registration.id, Registration.activated_at.is_(None))
        .values(activated_at=clock.now())
        .returning(Registration.id)
    )
    if db.session.execute(claim).first() is None:
        raise DomainError(*UNUSABLE[ACTIVATED])
    return become_member(registration)


def _pending_by_email(email: str, *conditions: Any) -> Registration | None:
    statement = select(Registration).where(
        func.lower(Registration.email) == email.lower(), Registration.activated_at.is_(None), *conditions
    )
    return db.session.execute(statement).scalar_one_or_none()


def _may_write_to(email: str) -> bool:
    """Whether this mailbox has not had its share of letters today: nobody is bombed through our form."""
    since = clock.now() - timedelta(days=1)
    letters = select(func.count()).where(
        func.lower(OutboxEmail.recipient) == email.lower(),
        OutboxEmail.kind.in_(mail.REGISTRATION_EMAILS),
        OutboxEmail.created_at > since,
    )
    return db.session.execute(letters).scalar_one() < rules.EMAILS_PER_MAILBOX_AND_DAY


# What happens once a registration is stored, by the configuration's ACTIVATION. Logging in is the view's business.
AFTERWARDS: dict[str, Callable[[Registration], Member | None]] = {
    EMAIL: send_activation,
    NONE: _claim,
    AUTO_LOGIN: _claim,
}
