"""Guests without an account are forgotten some time after their party: they cannot wish for it anywhere.

Rows stay, for others count on them, and say nothing about anybody any more.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import ColumnElement, String, exists, func, literal, select, update
from sqlalchemy import cast as cast_in_database
from sqlalchemy.engine import CursorResult

from app import clock
from app.accounts.models import Member
from app.extensions import db
from app.parties.models import ANONYMISED_DOMAIN, DinnerParty, Invitation, Rsvp

# Why an address stands no more where it stood: its owner wished so, or it was time.
ERASED, FORGOTTEN = "erased", "forgotten"


def anonymise_due_invitations() -> int:
    """Forget who was invited, INVITATION_RETENTION_DAYS after a party, unless they have an account; return how many."""
    return anonymise_invitations(_is_due(Invitation), FORGOTTEN)


def anonymise_due_rsvps() -> int:
    """Forget who answered without an account, INVITATION_RETENTION_DAYS after a party; return how many."""
    due = update(Rsvp).where(Rsvp.member_id.is_(None), _is_due(Rsvp))
    return _execute(due.values(name="", email=_anonymised_email(Rsvp, FORGOTTEN), note="", locale=None, timezone=None))


def anonymise_invitations(which: ColumnElement[bool], why: str) -> int:
    """Leave nothing of the people in some invitations; their links open nothing any more. Return how many."""
    statement = (
        update(Invitation)
        .where(which)
        .values(
            name="",
            email=_anonymised_email(Invitation, why),
            locale=None,
            token_hash=None,
            round=Invitation.round + 1,
            revoked_at=func.coalesce(Invitation.revoked_at, clock.now()),
        )
    )
    return _execute(statement)


def _is_due(model: Any) -> ColumnElement[bool]:
    before: datetime = clock.now() - timedelta(days=current_app.config["INVITATION_RETENTION_DAYS"])
    over = select(DinnerParty.id).where(DinnerParty.starts_at < before)
    has_account = exists().where(func.lower(Member.email) == func.lower(model.email))
    due: ColumnElement[bool] = model.party_id.in_(over) & model.email.not_like(f"%{ANONYMISED_DOMAIN}") & ~has_account
    return due


def _anonymised_email(model: Any, why: str) -> ColumnElement[str]:
    """Return an address that is nobody's, and that no two rows of a table share."""
    address: ColumnElement[str] = literal(f"{why}-") + cast_in_database(model.id, String) + ANONYMISED_DOMAIN
    return address


def _execute(statement: Any) -> int:
    done = db.session.execute(statement)
    return cast("CursorResult[Any]", done).rowcount
