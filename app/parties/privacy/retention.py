"""Anonymise guests without an account some time after their party: they have no page on which they could ask for it.

The rows stay without personal data, because numbers of seats and guests depend on them.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import ColumnElement, Select, String, delete, exists, func, literal, select, update
from sqlalchemy import cast as cast_in_database
from sqlalchemy.engine import CursorResult

from app import clock
from app.accounts.models import Member
from app.extensions import db
from app.parties.calendar.models import CalendarEntry
from app.parties.models import ANONYMISED_DOMAIN, DinnerParty, Invitation, Rsvp

# Why an e-mail address was replaced: on request, or after the retention period.
ERASED, EXPIRED = "erased", "forgotten"


def anonymise_due_invitations() -> int:
    """Anonymise invitations INVITATION_RETENTION_DAYS after the party, except those of members; return how many."""
    return anonymise_invitations(_is_due(Invitation), EXPIRED)


def anonymise_due_rsvps() -> int:
    """Anonymise RSVPs without an account INVITATION_RETENTION_DAYS after the party; return how many."""
    statement = update(Rsvp).where(Rsvp.member_id.is_(None), _is_due(Rsvp))
    return _execute(statement.values(name="", **_anonymised_email(Rsvp, EXPIRED), note="", locale=None, timezone=None))


def delete_due_calendar_entries() -> int:
    """Delete what calendars were sent of a party INVITATION_RETENTION_DAYS after it; return how many."""
    return _execute(delete(CalendarEntry).where(CalendarEntry.party_id.in_(_parties_long_over())))


def anonymise_invitations(condition: ColumnElement[bool], reason: str) -> int:
    """Anonymise the invitations that match, and revoke their links; return how many."""
    statement = (
        update(Invitation)
        .where(condition)
        .values(
            name="",
            **_anonymised_email(Invitation, reason),
            locale=None,
            token_hash=None,
            round=Invitation.round + 1,
            revoked_at=func.coalesce(Invitation.revoked_at, clock.now()),
        )
    )
    return _execute(statement)


def _is_due(model: Any) -> ColumnElement[bool]:
    has_account = exists().where(Member.email_key == model.email_key)
    due: ColumnElement[bool] = (
        model.party_id.in_(_parties_long_over()) & model.email.not_like(f"%{ANONYMISED_DOMAIN}") & ~has_account
    )
    return due


def _parties_long_over() -> Select[int]:
    before: datetime = clock.now() - timedelta(days=current_app.config["INVITATION_RETENTION_DAYS"])
    return select(DinnerParty.id).where(DinnerParty.starts_at < before)


def _anonymised_email(model: Any, reason: str) -> dict[str, ColumnElement[str]]:
    """Return an e-mail address that does not exist, and is unique in the table, with its key."""
    email: ColumnElement[str] = literal(f"{reason}-") + cast_in_database(model.id, String) + ANONYMISED_DOMAIN
    return {"email": email, "email_key": email}


def _execute(statement: Any) -> int:
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount
