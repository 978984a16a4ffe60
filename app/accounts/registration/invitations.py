"""Invitations to register: a letter of an administrator whose link proves the address, so that one form suffices."""

from dataclasses import replace

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import exists, func, select, update

from app import audit, clock
from app.accounts import mail, password_policy, queries, rules
from app.accounts.models import Member, MemberInvitation, Registration
from app.accounts.registration import hooks as registration_hooks
from app.accounts.registration import service as registration_service
from app.accounts.registration.hooks import Applicant
from app.errors import DomainError
from app.extensions import db

CLOSED = "closed"
USED = lazy_gettext("This invitation has already been used. You can log in.")


class UnusableInvitationError(DomainError):
    """An invitation that is unknown, was used or is too old."""


def invite(invitation: MemberInvitation, inviter: Member) -> None:
    """Write the letter of a new `invitation`; raises DomainError when its reader could not use it."""
    invitation.email = invitation.email.lower()
    _refuse_where_closed()
    with db.session.no_autoflush:
        if _has_account(invitation.email):
            raise DomainError(lazy_gettext("This e-mail address already has an account."), "warning", field="email")
        if _is_invited(invitation.email):
            message = lazy_gettext("This e-mail address has already been invited. You can send that invitation again.")
            raise DomainError(message, "warning", field="email")
    invitation.invited_by_id = inviter.id
    send(invitation)


def send_again(invitations: list[MemberInvitation]) -> list[MemberInvitation]:
    """Write the letters of `invitations` again, with new links, except to who has an account by now; return those written."""
    _refuse_where_closed()
    written = [invitation for invitation in invitations if not _has_account(invitation.email)]
    for invitation in written:
        send(invitation)
    return written


def send(invitation: MemberInvitation) -> None:
    """Give `invitation` a new token and 14 days, and write the letter that carries it."""
    token = rules.new_token()
    invitation.token_hash = rules.token_hash(token)
    invitation.expires_at = clock.now() + rules.INVITATION_LIFETIME
    invitation.used_at = None
    invitation.sent_count = (invitation.sent_count or 0) + 1
    db.session.flush()
    audit.record("member_invited", "invitation", invitation)
    mail.invitation(invitation, token)


def usable(token: str) -> MemberInvitation:
    """Return the invitation a link belongs to; raises UnusableError when there is none to be used."""
    statement = select(MemberInvitation).where(MemberInvitation.token_hash == rules.token_hash(token))
    # As it is now: somebody else may have been faster since this request read it first.
    invitation = db.session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
    if invitation is None:
        raise UnusableInvitationError(lazy_gettext("Invitation not found"))
    if invitation.used_at is not None or _has_account(invitation.email):
        raise UnusableInvitationError(USED, "info")
    if invitation.expires_at <= clock.now():
        raise UnusableInvitationError(lazy_gettext("This invitation has expired. Ask for a new one."), "warning")
    return invitation


def accept(token: str, applicant: Applicant) -> Member:
    """Make the member who was invited, at the address of the invitation. Of simultaneous requests, one does it.

    Raises what `usable` raises, and RefusedError when something is wrong with what was typed.
    """
    applicant = replace(applicant, email=usable(token).email)
    problems = registration_hooks.problems(applicant)
    # Looked at again before anything is called wrong: the name may be taken because the invitation was just used.
    invitation = usable(token)
    if problems:
        raise registration_hooks.RefusedError(problems)
    newcomer = Registration(email=invitation.email)
    registration_service.fill(newcomer, applicant, password_policy.hash_password(applicant.password))
    _use_up(invitation)
    # Another letter to this address may wait to be answered; its link would lead to nothing.
    registration_service.forget(applicant, over=False)
    member = registration_service.become_member(newcomer)
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


def _refuse_where_closed() -> None:
    if current_app.config["REGISTRATION"] == CLOSED:
        raise DomainError(lazy_gettext("Registration is closed, so invitations cannot be used."), "warning")


def _has_account(email: str) -> bool:
    return queries.member_by_name_or_email(email) is not None


def _is_invited(email: str) -> bool:
    statement = select(exists().where(func.lower(MemberInvitation.email) == email.lower()))
    return bool(db.session.execute(statement).scalar_one())
