"""Account deletion: schedule it, cancel it during a grace period, and run it when it is due.

The row of the member stays, because other rows refer to it, but without personal data.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import ApiKey, assoc_user_group, assoc_user_role
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from app import audit, clock
from app.accounts import email_links, mail, tokens
from app.accounts.enums import LinkState, SessionEndCause, TokenPurpose
from app.accounts.login import authentication
from app.accounts.models import (
    DirectoryPerson,
    ExternalIdentity,
    LoginSession,
    Member,
    MemberInvitation,
    Passkey,
    RecoveryCode,
    Registration,
    Token,
    Totp,
    TrustedDevice,
    new_stamp,
)
from app.accounts.sessions import service as session_service
from app.accounts.signals import member_erasing
from app.accounts.users import service as user_service
from app.address_key import address_key
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox import unreachable, unsubscribe
from app.outbox.models import EmailState, OutboxEmail

log = logging.getLogger(__name__)

OWNED = (LoginSession, TrustedDevice, Token, Totp, RecoveryCode, Passkey, ExternalIdentity, DirectoryPerson)


# -- schedule and cancel


def schedule(member: Member) -> None:
    """Schedule the deletion, end the other login sessions of `member`, and send a link to keep the account.

    Raises DomainError when a deletion is scheduled already, and for the last administrator.
    """
    user_service.refuse_without_admin([member])
    if not _schedule(member):
        raise DomainError(lazy_gettext("Your account is already scheduled for deletion."), "info")
    session_service.end_sessions(member, SessionEndCause.OWNER, keep=session_service.current_login_id())
    audit.record("erasing_asked", "member", member, after=_date_of(member))


def cancel(member: Member) -> None:
    """Cancel the deletion. Raises DomainError when none is scheduled."""
    if not _cancel(member):
        raise DomainError(lazy_gettext("Your account is not scheduled for deletion."), "info")
    audit.record("erasing_cancelled", "member", member, actor=member)


def schedule_by_administrator(members: Sequence[Member], reason: str, by: int) -> list[Member]:
    """Schedule the deletion of members who have asked for it elsewhere, and return those that were not scheduled yet.

    Each is signed out, and gets the same time and the same link to keep the account as if they had asked here. Raises
    DomainError for oneself, for deleted members, and when no administrator would be left.
    """
    refuse_by_administrator(members, by)
    scheduled = [member for member in members if _schedule(member, by_administrator=True)]
    for member in scheduled:
        user_service.end_logins(member, lazy_gettext("Your account is scheduled for deletion."), by)
        audit.record("erasing_scheduled", "member", member, after={**_date_of(member), "reason": reason})
    return scheduled


def cancel_by_administrator(members: Iterable[Member]) -> list[Member]:
    """Cancel the deletion of members, and return those for whom one was scheduled."""
    kept = [member for member in members if _cancel(member)]
    for member in kept:
        audit.record("erasing_cancelled", "member", member)
    return kept


def refuse_by_administrator(members: Sequence[Member], by: int) -> None:
    """Raise DomainError when the administrator `by` may not delete the accounts of `members`."""
    user_service.refuse_erased(members)
    if by in {member.id for member in members}:
        raise DomainError(lazy_gettext("You cannot delete yourself."))
    user_service.refuse_without_admin(members)


def _schedule(member: Member, *, by_administrator: bool = False) -> bool:
    """Set the date, and send the link to keep the account. Return False when a deletion is scheduled already."""
    erase_at = clock.now() + timedelta(days=current_app.config["ACCOUNT_DELETION_GRACE_DAYS"])
    if not _set_erase_at(member, erase_at, Member.erase_at.is_(None)):
        return False
    token = tokens.issue(TokenPurpose.KEEP_ACCOUNT, member, expires_at=erase_at)
    mail.account_deletion_requested(member, token, erase_at, by_administrator=by_administrator)
    return True


def _cancel(member: Member) -> bool:
    """Clear the date, and revoke the link. Return False when no deletion is scheduled."""
    is_scheduled = _set_erase_at(member, None, Member.erase_at.is_not(None))
    if is_scheduled:
        tokens.revoke(member, TokenPurpose.KEEP_ACCOUNT)
    return is_scheduled


def _date_of(member: Member) -> dict[str, str]:
    return {"erase_at": member.erase_at.isoformat()} if member.erase_at else {}


def cancel_by_link(link: str) -> None:
    """Cancel the deletion by a link. Raises DomainError when the link was used, has expired or is unknown."""
    state, _token = email_links.peek(TokenPurpose.KEEP_ACCOUNT, link)
    if state == LinkState.EXPIRED:
        raise DomainError(lazy_gettext("This link has expired: the time to change your mind has passed."), "warning")
    _used, member = email_links.consume(TokenPurpose.KEEP_ACCOUNT, link)
    cancel(member)


def _set_erase_at(member: Member, erase_at: datetime | None, condition: ColumnElement[bool]) -> bool:
    """Set or clear the date of the deletion. Return False when a simultaneous request did so first."""
    claim = update(Member).where(Member.id == member.id, Member.erased_at.is_(None), condition)
    claim = claim.values(erase_at=erase_at)
    done = db.session.execute(claim.returning(Member.id)).first() is not None
    db.session.refresh(member, ["erase_at"])
    return done


# -- run


def run_due() -> int:
    """Delete the accounts that are due, each in a transaction of its own, and return how many.

    Several processes can run this at once: one of them deletes each account. A failure is logged, tried again the next
    time, and does not stop the others.
    """
    due = select(Member.id).where(Member.erase_at <= clock.now(), Member.erased_at.is_(None)).order_by(Member.id)
    with transaction():
        waiting = db.session.scalars(due).all()
        # The last e-mails to deleted members contain their addresses.
        is_final = and_(
            OutboxEmail.kind.in_((mail.ACCOUNT_DELETED, mail.ACCOUNTS_MERGED)),
            OutboxEmail.state.in_((EmailState.SENT, EmailState.FAILED)),
        )
        _delete(OutboxEmail, is_final)
    return sum(_run_one(member_id) for member_id in waiting)


def _run_one(member_id: int) -> bool:
    try:
        with transaction():
            return _delete_account(member_id)
    except DomainError as refused:
        log.warning("The account of user %d cannot be deleted: %s", member_id, refused)
    except Exception:
        log.exception("Deleting the account of user %d failed", member_id)
    return False


def _delete_account(member_id: int) -> bool:
    """Delete an account. Return False when another process did, or when the member has cancelled."""
    due = (Member.id == member_id) & (Member.erase_at <= clock.now()) & Member.erased_at.is_(None)
    # A second process waits here, and then finds no row. An UPDATE, because SQLite knows no FOR UPDATE.
    claim = update(Member).where(due).values(erase_at=Member.erase_at).returning(Member.id)
    if db.session.execute(claim).first() is None:
        return False
    member = db.session.get_one(Member, member_id, populate_existing=True)
    user_service.refuse_without_admin([member])
    erase(member, partial(mail.account_deleted, member))
    return True


def erase(member: Member, say_goodbye: Callable[[str], None]) -> None:
    """Delete an account now. `say_goodbye` gets what removes parties from the member's calendar. The caller has locked it."""
    farewells = [text for _receiver, text in member_erasing.send(member) if isinstance(text, str)]
    _delete_emails(member)
    say_goodbye("".join(farewells))
    _delete_owned_rows(member)
    _delete_registrations(member)
    # Last, because it locks the member's row: parties are locked before members.
    _anonymise(member)
    db.session.flush()
    audit.record("erased", "member", member)
    db.session.expire(member)


def _delete_emails(member: Member) -> None:
    """Delete the e-mails to a member, also those to other addresses of theirs."""
    to_them = OutboxEmail.recipient_key == address_key(member.email)
    elsewhere = [
        and_(OutboxEmail.kind == kind, OutboxEmail.dedupe_key.startswith(f"{kind}:{member.id}:", autoescape=True))
        for kind in mail.SENT_ELSEWHERE
    ]
    _delete(OutboxEmail, or_(to_them, *elsewhere))
    unsubscribe.delete_of(member.email)
    unreachable.forget(member.email)


def _delete_owned_rows(member: Member) -> None:
    authentication.forget_failures(member)
    for model in OWNED:
        _delete(model, model.member_id == member.id)
    _delete(ApiKey, ApiKey.user_id == member.id)
    for table in (assoc_user_role, assoc_user_group):
        db.session.execute(delete(table).where(table.c.user_id == member.id))


def _delete_registrations(member: Member) -> None:
    """Delete registrations and invitations with the e-mail address or username of a member."""
    email, username = address_key(member.email), address_key(member.username)
    _delete(Registration, or_(Registration.email_key == email, Registration.username_key == username))
    _delete(MemberInvitation, MemberInvitation.email_key == email)


def _anonymise(member: Member) -> None:
    """Remove all personal data from the row."""
    placeholder = f"erased-{member.id}"
    taken = select(Member.id).where(Member.username_key == placeholder)
    is_free = db.session.execute(taken).first() is None
    member.username = placeholder if is_free else f"{placeholder}-{secrets.token_hex(4)}"
    member.email = f"{placeholder}@invalid"
    member.first_name = member.last_name = member.ban_reason = ""
    member.password = member.locale = member.timezone = member.hour_cycle = None
    member.diets, member.allergens, member.picture = [], [], None
    member.last_login = member.login_count = member.fail_login_count = None
    member.joined_at = member.password_changed_at = member.terms_accepted_at = member.banned_at = None
    member.active, member.session_stamp = False, new_stamp()
    member.erase_at, member.erased_at = None, clock.now()


def _delete(model: Any, which: ColumnElement[bool]) -> None:
    db.session.execute(delete(model).where(which))
