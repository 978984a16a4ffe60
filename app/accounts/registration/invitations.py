"""Invitations to register. The link proves the e-mail address, so the account is active at once."""

from dataclasses import replace

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import exists, select, update

from app import audit, clock
from app.accounts import mail, password_policy, queries, rules
from app.accounts.models import Member, MemberInvitation, Registration
from app.accounts.registration import hooks as registration_hooks
from app.accounts.registration import service as registration_service
from app.accounts.registration.hooks import Applicant
from app.address_key import address_key
from app.errors import DomainError
from app.extensions import db

CLOSED = "closed"
USED = lazy_gettext("This invitation has already been used. You can log in.")


class UnusableInvitationError(DomainError):
    """An invitation that is unknown, was used or has expired."""


def invite(invitation: MemberInvitation, inviter: Member) -> None:
    """Send a new invitation. Raises DomainError when it could not be used."""
    invitation.email = invitation.email.lower()
    _ensure_open()
    with db.session.no_autoflush:
        if _has_account(invitation.email):
            raise DomainError(lazy_gettext("This e-mail address already has an account."), "warning", field="email")
        same = select(exists().where(MemberInvitation.email_key == address_key(invitation.email)))
        if db.session.execute(same).scalar_one():
            message = lazy_gettext("This e-mail address has already been invited. You can send that invitation again.")
            raise DomainError(message, "warning", field="email")
    invitation.invited_by_id = inviter.id
    send(invitation)


def send_again(invitations: list[MemberInvitation]) -> list[MemberInvitation]:
    """Send invitations again, with new links, except to addresses that have an account by now. Return those sent."""
    _ensure_open()
    pending = [invitation for invitation in invitations if not _has_account(invitation.email)]
    for invitation in pending:
        send(invitation)
    return pending


def send(invitation: MemberInvitation) -> None:
    """Send an invitation with a new link. It is valid for 14 days."""
    token = rules.new_token()
    invitation.token_hash = rules.token_hash(token)
    invitation.expires_at = clock.now() + rules.INVITATION_LIFETIME
    invitation.used_at = None
    invitation.sent_count = (invitation.sent_count or 0) + 1
    db.session.flush()
    audit.record("member_invited", "invitation", invitation)
    mail.invitation(invitation, token)


def usable(token: str) -> MemberInvitation:
    """Return the invitation of a link. Raises UnusableInvitationError when it cannot be used."""
    statement = select(MemberInvitation).where(MemberInvitation.token_hash == rules.token_hash(token))
    # Read again from the database: a simultaneous request may have used it.
    invitation = db.session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
    if invitation is None:
        raise UnusableInvitationError(lazy_gettext("Invitation not found"))
    if invitation.used_at is not None or _has_account(invitation.email):
        raise UnusableInvitationError(USED, "info")
    if invitation.expires_at <= clock.now():
        raise UnusableInvitationError(lazy_gettext("This invitation has expired. Ask for a new one."), "warning")
    return invitation


def accept(token: str, applicant: Applicant) -> Member:
    """Add the invited member, with the e-mail address of the invitation. Of simultaneous requests, one succeeds.

    Raises what `usable` raises, and InvalidRegistrationError when the form is invalid.
    """
    applicant = replace(applicant, email=usable(token).email)
    problems = registration_hooks.problems(applicant)
    # Checked again first: the username may be taken because the same invitation was just used.
    invitation = usable(token)
    if problems:
        raise registration_hooks.InvalidRegistrationError(problems)
    registration = Registration(email=invitation.email)
    registration_service.fill(registration, applicant, password_policy.hash_password(applicant.password))
    _use_up(invitation)
    # A pending registration of the same address could not be activated any more.
    registration_service.delete_stale(applicant, only_over=False)
    member = registration_service.create_member(registration)
    registration_hooks.stored(applicant, registration=None, member=member)
    return member


def _use_up(invitation: MemberInvitation) -> None:
    now = clock.now()
    claim = (
        update(MemberInvitation)
        .where(
            MemberInvitation.id == invitation.id,
            MemberInvitation.token_hash == invitation.token_hash,
            MemberInvitation.used_at.is_(None),
            MemberInvitation.expires_at > now,
        )
        .values(used_at=now)
        .returning(MemberInvitation.id)
    )
    if db.session.execute(claim).first() is None:
        raise UnusableInvitationError(USED, "info")


def _ensure_open() -> None:
    if current_app.config["REGISTRATION"] == CLOSED:
        raise DomainError(lazy_gettext("Registration is closed, so invitations cannot be used."), "warning")


def _has_account(email: str) -> bool:
    return queries.member_by_name_or_email(email) is not None
