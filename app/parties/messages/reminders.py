"""Reminders: rows that say how long before, and so move with the party; and the button that reminds at once.

Nothing is planned. What is due is computed when it is looked at, and sent by whoever claims it first.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, func, or_, select, update

from app import clock
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailTopic
from app.parties import rules
from app.parties.enums import Audience, PartyStatus, ReminderKind
from app.parties.messages import mail as message_mail
from app.parties.messages import recipients
from app.parties.messages import rules as message_rules
from app.parties.messages.mail import ClaimedContext, InvitedContext
from app.parties.messages.models import MAX_HOURS_BEFORE, Reminder
from app.parties.messages.rules import ReminderState, SendWindow
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.rsvps.service import closed_error
from app.parties.waiting_list import seats

# What a new party is laid with: a day before it starts, and two days before the last one to answer.
DEFAULT_REMINDERS = ((ReminderKind.BEFORE_START, 24), (ReminderKind.BEFORE_DEADLINE, 48))
# Nobody is asked to answer more often than once in so long.
PAUSE = timedelta(hours=24)

logger = logging.getLogger(__name__)


class PlannedReminder(NamedTuple):
    """A reminder, when it goes out, and how things stand with it."""

    reminder: Reminder
    when: SendWindow | None
    state: ReminderState


# -- which there are


def create_default(party: DinnerParty) -> None:
    """Give a new party the usual reminders."""
    db.session.add_all(Reminder(party=party, kind=kind, hours_before=hours) for kind, hours in DEFAULT_REMINDERS)


def copy(party: DinnerParty, twin: DinnerParty) -> None:
    """Give `twin` the reminders of `party`."""
    change(twin, [(reminder.kind, reminder.hours_before) for reminder in _of(party)])


def change(party: DinnerParty, wanted: Sequence[tuple[str, int]]) -> None:
    """Replace the reminders of a party; those that stay remember when they were sent."""
    known = {(reminder.kind, reminder.hours_before): reminder for reminder in _of(party)}
    for key in known.keys() - set(wanted):
        db.session.delete(known[key])
    new = dict.fromkeys(key for key in wanted if key not in known)
    db.session.add_all(Reminder(party_id=party.id, kind=kind, hours_before=hours) for kind, hours in new)
    db.session.flush()


def planned(party: DinnerParty) -> list[PlannedReminder]:
    """Return the reminders of a party, the first to go out first."""
    found = [_planned(reminder, party.starts_at, party.rsvp_deadline) for reminder in _of(party)]
    return sorted(found, key=lambda each: each.when.due if each.when else party.starts_at)


def _of(party: DinnerParty) -> list[Reminder]:
    return list(db.session.scalars(select(Reminder).where(Reminder.party_id == party.id).order_by(Reminder.id)))


def _planned(reminder: Reminder, starts_at: datetime, deadline: datetime | None) -> PlannedReminder:
    when = message_rules.send_window(reminder.kind, reminder.hours_before, starts_at, deadline)
    return PlannedReminder(reminder, when, message_rules.reminder_state(when, reminder.sent_at, clock.now()))


# -- sending what is due


def send_due() -> int:
    """Send the reminders that are due, each in a transaction of its own; return how many people are reminded.

    It may be done at any time, by any number of processes at once.
    """
    due = _due()
    # Begin anew: what was read must not be older than the locks to come.
    db.session.rollback()
    return sum(_send_one(reminder_id, party_id) for reminder_id, party_id in due)


def _due() -> list[tuple[int, int]]:
    """Return the reminders that may be due, and their parties."""
    now = clock.now()
    horizon = now + timedelta(hours=MAX_HOURS_BEFORE)
    near = or_(DinnerParty.starts_at <= horizon, DinnerParty.rsvp_deadline <= horizon)
    statement = (
        select(Reminder, DinnerParty.starts_at, DinnerParty.rsvp_deadline)
        .join(Reminder.party)
        .where(DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > now, near)
        .order_by(Reminder.id)
    )
    rows = db.session.execute(statement).all()
    return [(row[0].id, row[0].party_id) for row in rows if _planned(*row).state is ReminderState.DUE]


def _send_one(reminder_id: int, party_id: int) -> int:
    try:
        with transaction():
            return _send(reminder_id, party_id)
    except DomainError:
        # The party was deleted since it was found.
        return 0
    except Exception:
        # The trouble of one party is not that of the others, nor of the next minute.
        logger.exception("reminder %d of party %d cannot be sent", reminder_id, party_id)
        return 0


def _send(reminder_id: int, party_id: int) -> int:
    table = seats.lock(party_id)
    reminder = db.session.get(Reminder, reminder_id, populate_existing=True)
    if reminder is None or table.status != PartyStatus.PUBLISHED:
        return 0
    _reminder, when, state = _planned(reminder, table.starts_at, table.rsvp_deadline)
    if when is None or state is not ReminderState.DUE or not _claim(reminder, when):
        return 0
    party = db.session.get_one(DinnerParty, party_id, populate_existing=True)
    occasion = f"{reminder_id}-{when.due:%Y%m%dT%H%M%S}"
    if reminder.kind == ReminderKind.BEFORE_START:
        return _remind_of_start(party, occasion)
    return _remind_of_deadline(party, occasion)


def _claim(reminder: Reminder, when: SendWindow) -> bool:
    """Note that a reminder is sent; False when another process did so for the same date."""
    not_yet = or_(Reminder.sent_at.is_(None), Reminder.sent_at < when.due)
    claim = update(Reminder).where(Reminder.id == reminder.id, not_yet).values(sent_at=clock.now())
    claim = claim.returning(Reminder.id)
    return db.session.execute(claim).first() is not None


def _remind_of_start(party: DinnerParty, occasion: str) -> int:
    coming = recipients.select_rsvps(party, [Audience.COMING], EmailTopic.REMINDERS)
    brought = _claimed_dishes(coming)
    return sum(message_mail.reminder_start(party, rsvp, occasion, brought.get(rsvp.id, ())) for rsvp in coming)


def _remind_of_deadline(party: DinnerParty, occasion: str) -> int:
    # Whose invitation has just arrived needs no reminder.
    rested = func.coalesce(Invitation.reminded_at, Invitation.sent_at) <= clock.now() - PAUSE
    silent = _claim_invited(recipients.select_not_answered(party, EmailTopic.INVITATIONS, rested), rested)
    maybes = recipients.select_rsvps(party, [Audience.MAYBE], EmailTopic.INVITATIONS)
    told = sum(message_mail.reminder_answer(party, invited, occasion) for invited in silent)
    return told + sum(message_mail.reminder_maybe(party, rsvp, occasion) for rsvp in maybes)


def _claimed_dishes(rsvps: Sequence[Rsvp]) -> dict[int, list[ClaimedContext]]:
    """Return what each of some guests brings along, by the key of their answer."""
    statement = (
        select(DishClaim, DishSlot.name)
        .join(DishClaim.slot)
        .where(DishClaim.rsvp_id.in_([rsvp.id for rsvp in rsvps]))
        .order_by(DishClaim.id)
    )
    found: dict[int, list[ClaimedContext]] = {}
    for claim, name in db.session.execute(statement):
        found.setdefault(claim.rsvp_id, []).append(ClaimedContext(claim.dish or name, claim.quantity))
    return found


# -- at once


def remind_not_answered(party: DinnerParty) -> int:
    """Remind everybody who was invited and has not answered, each of them once a day at most; return how many.

    Raises DomainError when there is nobody, and when the party takes no answers.
    """
    seats.lock(party.id)
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)
    silent = recipients.select_not_answered(party, EmailTopic.INVITATIONS)
    if not silent:
        raise DomainError(lazy_gettext("There is no one to remind."), "info")
    rested = or_(Invitation.reminded_at.is_(None), Invitation.reminded_at <= clock.now() - PAUSE)
    claimed = _claim_invited(silent, rested)
    if not claimed:
        raise DomainError(lazy_gettext("Already reminded in the last 24 hours."), "warning")
    version = f"{clock.now():%Y%m%dT%H%M%S%f}"
    return sum(message_mail.reminder_answer(party, invited, version) for invited in claimed)


def _claim_invited(invited: Sequence[InvitedContext], rested: ColumnElement[bool]) -> list[InvitedContext]:
    """Note that some are reminded now, and return those whom nobody else reminds at the same moment."""
    keys = [each.invitation.id for each in invited]
    claim = update(Invitation).where(Invitation.id.in_(keys), rested).values(reminded_at=clock.now())
    claim = claim.returning(Invitation.id)
    claimed = set(db.session.scalars(claim))
    return [each for each in invited if each.invitation.id in claimed]
