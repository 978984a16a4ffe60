"""Registration: store the form, send the activation link, and add the member."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import and_, delete, func, or_, select, update

from app import audit, clock
from app.accounts import mail, password_policy, queries, rules
from app.accounts.enums import LinkState
from app.accounts.members import add_member
from app.accounts.models import GUEST, ExternalIdentity, Member, Registration
from app.accounts.registration import hooks as registration_hooks
from app.accounts.registration import wishes
from app.accounts.registration.hooks import Applicant
from app.accounts.registration.wishes import Wish
from app.address_key import address_key
from app.database import insert_or_ignore
from app.errors import Category, DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail

EMAIL, NONE, AUTO_LOGIN = "email", "none", "auto-login"
# The flashes of links that cannot be used.
UNUSABLE: dict[LinkState, tuple[Any, Category]] = {
    LinkState.UNKNOWN: (lazy_gettext("Registration not found"), "danger"),
    LinkState.EXPIRED: (lazy_gettext("This link has expired. Request a new one."), "warning"),
    LinkState.USED: (lazy_gettext("This account is already activated."), "info"),
}


def register(applicant: Applicant) -> Member | None:
    """Store a registration. Return the member when the setting ACTIVATION activates at once.

    When the address has an account, its owner gets an e-mail instead, and the visitor sees the same page. Raises
    InvalidRegistrationError when the form is invalid.
    """
    registration_hooks.validate(applicant)
    password = password_policy.hash_password(applicant.password)
    pending = _pending_by_email(applicant.email, Registration.expires_at > clock.now())
    # Compared in every case, so that the response time does not reveal a pending registration.
    same_password = password_policy.matches(pending and pending.password, applicant.password)
    delete_stale(applicant, only_over=True)
    may_send, by_email = _may_send_to(applicant.email), current_app.config["ACTIVATION"] == EMAIL
    owner = queries.member_by_name_or_email(applicant.email)
    registration = pending or Registration(email=applicant.email.lower(), contested=False)
    if owner is not None or (by_email and not may_send):
        with db.session.begin_nested() as stored:
            # Rolled back at once, so that the response time does not reveal a known address.
            _store(registration, applicant, password)
            stored.rollback()
        mail.already_registered(owner if may_send else None)
        return None
    registration.contested = registration.contested or (pending is not None and not same_password)
    _store(registration, applicant, password)
    member = ACTIVATIONS[current_app.config["ACTIVATION"]](registration)
    registration_hooks.stored(applicant, registration=registration, member=member)
    return member


def _store(registration: Registration, applicant: Applicant, password_hash: str) -> None:
    fill(registration, applicant, password_hash)
    db.session.add(registration)
    db.session.flush()
    audit.record("registered", "registration", registration)
    db.session.flush()


def fill(registration: Registration, applicant: Applicant, password_hash: str) -> None:
    """Copy the form to `registration`. It replaces all values of an earlier form."""
    now = clock.now()
    registration.username = applicant.username.lower()
    registration.first_name, registration.last_name = applicant.first_name, applicant.last_name
    registration.locale, registration.timezone = applicant.locale, applicant.timezone
    registration.password = password_hash
    registration.terms_accepted_at = now if applicant.accepts_terms else None
    identity = applicant.identity
    # Otherwise the identity of whoever sent an earlier form could log in to this account.
    registration.identity_issuer = identity.issuer if identity else None
    registration.identity_subject = identity.subject if identity else None
    registration.wish = applicant.wish
    registration.registration_date = now.replace(tzinfo=None)
    registration.expires_at = now + rules.REGISTRATION_LIFETIME


def resend(email: str) -> None:
    """Send the activation e-mail again, with a new link, if a registration of that address is pending.

    Otherwise the e-mail is discarded, which takes as long.
    """
    registration, may_send = _pending_by_email(email), _may_send_to(email)
    if registration is not None and may_send:
        send_activation(registration)
    else:
        mail.activation(None, "")


def send_activation(registration: Registration) -> None:
    """Send the activation e-mail with a new link. It is valid for 48 hours."""
    token = rules.new_token()
    registration.registration_hash = rules.token_hash(token)
    registration.expires_at = clock.now() + rules.REGISTRATION_LIFETIME
    registration.sent_count = (registration.sent_count or 0) + 1
    registration.last_sent_at = clock.now()
    db.session.flush()
    mail.activation(registration, token, wishes.texts(registration.wish))


def find_registration(token: str) -> Registration | None:
    """Return the registration of a link, also when it is activated or has expired."""
    statement = select(Registration).where(Registration.registration_hash == rules.token_hash(token))
    return db.session.execute(statement).scalar_one_or_none()


def state_of(registration: Registration | None) -> LinkState:
    """Return the state of the link of a registration."""
    if registration is None:
        return LinkState.UNKNOWN
    if registration.activated_at is not None:
        return LinkState.USED
    return LinkState.EXPIRED if is_expired(registration) else LinkState.READY


def activate(token: str, password: str = "") -> tuple[Member, Wish | None]:
    """Activate the registration of a link, and return the new member and their wish. Of simultaneous requests, one succeeds.

    A contested registration needs its password as well. Otherwise somebody could register the address of another person,
    who would activate it with a password that is not their own. Raises DomainError for a link that is unknown, was used
    or has expired, and with the field "password" for a wrong password.
    """
    registration = find_registration(token)
    state = state_of(registration)
    if registration is None or state in UNUSABLE:
        raise DomainError(*UNUSABLE[state])
    if registration.contested and not password_policy.matches(registration.password, password):
        raise DomainError(
            lazy_gettext("Enter the password that you chose most recently when you registered."), field="password"
        )
    wish = registration.wish
    return _claim(registration), wish


def create_member(registration: Registration) -> Member:
    """Add the member of a registration. Raises IntegrityError when the username or e-mail address is taken."""
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
    """Link the identity of the registration with `member`, unless it is linked with another member by now."""
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
    """Whether the link of `registration` has expired."""
    return registration.expires_at is None or registration.expires_at <= clock.now()


def propose_username(first_name: str, last_name: str) -> str:
    """Return a free username that is like the name of a person."""
    candidates = list(rules.usernames_like(f"{first_name} {last_name}"))
    keys = {address_key(name): name for name in candidates}
    taken = set(db.session.scalars(select(Member.username_key).where(Member.username_key.in_(keys))))
    taken |= set(db.session.scalars(select(Registration.username_key).where(Registration.username_key.in_(keys))))
    return next(name for key, name in keys.items() if key not in taken or name == candidates[-1])


def delete_stale(applicant: Applicant, *, only_over: bool) -> None:
    """Delete registrations that would block the username or the e-mail address.

    These are the activated and expired ones and, unless `only_over`, the pending one of the same e-mail address.
    """
    is_over = or_(
        Registration.expires_at.is_(None),
        Registration.expires_at <= clock.now(),
        Registration.activated_at.is_not(None),
    )
    same_name = Registration.username_key == address_key(applicant.username)
    same_address = Registration.email_key == address_key(applicant.email)
    stale = and_(is_over, or_(same_name, same_address)) if only_over else or_(same_address, and_(is_over, same_name))
    db.session.execute(delete(Registration).where(stale))


def _claim(registration: Registration) -> Member:
    """Mark `registration` as activated, and add its member."""
    claim = (
        update(Registration)
        .where(Registration.id == registration.id, Registration.activated_at.is_(None))
        .values(activated_at=clock.now())
        .returning(Registration.id)
    )
    if db.session.execute(claim).first() is None:
        raise DomainError(*UNUSABLE[LinkState.USED])
    return create_member(registration)


def _pending_by_email(email: str, *conditions: Any) -> Registration | None:
    statement = select(Registration).where(
        Registration.email_key == address_key(email), Registration.activated_at.is_(None), *conditions
    )
    return db.session.scalars(statement.order_by(Registration.duplicate)).first()


def _may_send_to(email: str) -> bool:
    """Whether e-mails may be sent to a mailbox. The daily limit protects it against floods."""
    since = clock.now() - timedelta(days=1)
    sent = select(func.count()).where(
        OutboxEmail.recipient_key == address_key(email),
        OutboxEmail.kind.in_(mail.REGISTRATION_EMAILS),
        OutboxEmail.created_at > since,
    )
    return db.session.execute(sent).scalar_one() < rules.EMAILS_PER_MAILBOX_AND_DAY


# What follows on a stored registration, by the setting ACTIVATION. The view logs in for AUTO_LOGIN.
ACTIVATIONS: dict[str, Callable[[Registration], Member | None]] = {
    EMAIL: send_activation,
    NONE: _claim,
    AUTO_LOGIN: _claim,
}
