"""Reminders before the start and the deadline, and the button that reminds invited guests at once.

Nothing is scheduled. The scheduler computes each minute which reminders are due, and a guarded UPDATE ensures that only
one process sends each.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, func, or_, select, union, update

from app import clock
from app.database import seconds_between, transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailTopic
from app.outbox.service import enqueue_many
from app.parties import rules
from app.parties.enums import Audience, PartyStatus, ReminderKind
from app.parties.messages import mail as message_mail
from app.parties.messages import recipients
from app.parties.messages import rules as message_rules
from app.parties.messages.mail import ClaimedContext, InvitedContext
from app.parties.messages.models import MAX_HOURS_BEFORE, Reminder
from app.parties.messages.rules import ReminderState, SendWindow
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.optimistic_lock import StaleFormError, fingerprint
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.rsvps.service import closed_error
from app.parties.waiting_list import seats

# Reminders of a new party, in hours before.
DEFAULT_REMINDERS = ((ReminderKind.BEFORE_START, 24), (ReminderKind.BEFORE_DEADLINE, 48))
# An invited guest is reminded to answer at most once in this time.
MIN_INTERVAL = timedelta(hours=24)
# The database leaves out what is not due, roughly, in seconds; `_planned` decides.
SLACK = 60

logger = logging.getLogger(__name__)


class PlannedReminder(NamedTuple):
    """A reminder, when it is sent, and its state."""

    reminder: Reminder
    when: SendWindow | None
    state: ReminderState


# -- reminders of a party


def create_default(party: DinnerParty) -> None:
    """Add the default reminders to a new party."""
    db.session.add_all(Reminder(party=party, kind=kind, hours_before=hours) for kind, hours in DEFAULT_REMINDERS)


def copy(party: DinnerParty, target: DinnerParty) -> None:
    """Copy the reminders of `party` to `target`."""
    change(target, [(reminder.kind, reminder.hours_before) for reminder in _of(party)])


def change(party: DinnerParty, wanted: Sequence[tuple[str, int]], *, expected: str = "") -> None:
    """Replace the reminders of a party. Those that stay keep the time when they were sent.

    Raises StaleFormError if they have another fingerprint than `expected` and are not as wanted already.
    """
    seats.lock(party.id)
    existing = {(reminder.kind, reminder.hours_before): reminder for reminder in _of(party)}
    if expected and expected != _fingerprint(existing) and set(wanted) != set(existing):
        raise StaleFormError
    for key in existing.keys() - set(wanted):
        db.session.delete(existing[key])
    new = dict.fromkeys(key for key in wanted if key not in existing)
    db.session.add_all(Reminder(party_id=party.id, kind=kind, hours_before=hours) for kind, hours in new)
    db.session.flush()


def reminders_fingerprint(planned: Sequence[PlannedReminder]) -> str:
    """Return the fingerprint of a party's reminders."""
    return _fingerprint((each.reminder.kind, each.reminder.hours_before) for each in planned)


def _fingerprint(keys: Iterable[tuple[str, int]]) -> str:
    return fingerprint(sorted(keys))


def planned(party: DinnerParty) -> list[PlannedReminder]:
    """Return the reminders of a party, in the order in which they are sent."""
    found = [_planned(reminder, party.starts_at, party.rsvp_deadline) for reminder in _of(party)]
    return sorted(found, key=lambda each: each.when.due if each.when else party.starts_at)


def _of(party: DinnerParty) -> list[Reminder]:
    return list(db.session.scalars(select(Reminder).where(Reminder.party_id == party.id).order_by(Reminder.id)))


def _planned(reminder: Reminder, starts_at: datetime, deadline: datetime | None) -> PlannedReminder:
    when = message_rules.send_window(reminder.kind, reminder.hours_before, starts_at, deadline)
    return PlannedReminder(reminder, when, message_rules.reminder_state(when, reminder.sent_at, clock.now()))


# -- sending what is due


def send_due() -> int:
    """Send the reminders that are due, each in its own transaction; return how many e-mails were queued.

    Several processes can run this at the same time.
    """
    due = _due()
    # End the transaction, so that nothing is read from a snapshot older than the locks to come.
    db.session.rollback()
    return sum(_send_one(reminder_id, party_id) for reminder_id, party_id in due)


def _due() -> list[tuple[int, int]]:
    """Return the keys of the reminders that are due, and of their parties."""
    now = clock.now()
    horizon = now + timedelta(hours=MAX_HOURS_BEFORE)
    # Each part has an index: the parties of other times are not looked at.
    coming = select(DinnerParty.id).where(DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > now)
    near = union(
        coming.where(DinnerParty.starts_at <= horizon),
        coming.where(DinnerParty.rsvp_deadline > now, DinnerParty.rsvp_deadline <= horizon),
    )
    at_start = Reminder.kind == ReminderKind.BEFORE_START
    reference = case((at_start, DinnerParty.starts_at), else_=DinnerParty.rsvp_deadline)
    before, ahead = Reminder.hours_before * 3600, seconds_between(now, reference)
    statement = (
        select(Reminder, DinnerParty.starts_at, DinnerParty.rsvp_deadline)
        .join(Reminder.party)
        .where(DinnerParty.id.in_(near), ahead <= before + SLACK)
        .where(or_(Reminder.sent_at.is_(None), seconds_between(Reminder.sent_at, reference) >= before - SLACK))
        .order_by(Reminder.id)
    )
    rows = db.session.execute(statement).all()
    return [(row[0].id, row[0].party_id) for row in rows if _planned(*row).state is ReminderState.DUE]


def _send_one(reminder_id: int, party_id: int) -> int:
    try:
        with transaction():
            return _send(reminder_id, party_id)
    except DomainError:
        # The party was deleted in the meantime.
        return 0
    except Exception:
        # An error with one party must not stop the others, nor the next run.
        logger.exception("Sending reminder %d of party %d failed", reminder_id, party_id)
        return 0


def _send(reminder_id: int, party_id: int) -> int:
    locked = seats.lock(party_id)
    reminder = db.session.get(Reminder, reminder_id, populate_existing=True)
    if reminder is None or locked.status != PartyStatus.PUBLISHED:
        return 0
    _reminder, when, state = _planned(reminder, locked.starts_at, locked.rsvp_deadline)
    if when is None or state is not ReminderState.DUE or not _claim(reminder, when):
        return 0
    party = db.session.get_one(DinnerParty, party_id, populate_existing=True)
    version = f"{reminder_id}-{when.due:%Y%m%dT%H%M%S}"
    if reminder.kind == ReminderKind.BEFORE_START:
        return _remind_of_start(party, version)
    return _remind_of_deadline(party, version)


def _claim(reminder: Reminder, when: SendWindow) -> bool:
    """Store that the reminder is sent; return False if another process has done so for the same date."""
    not_sent = or_(Reminder.sent_at.is_(None), Reminder.sent_at < when.due)
    statement = (
        update(Reminder).where(Reminder.id == reminder.id, not_sent).values(sent_at=clock.now()).returning(Reminder.id)
    )
    return db.session.execute(statement).first() is not None


def _remind_of_start(party: DinnerParty, version: str) -> int:
    rsvps = recipients.select_rsvps(party, [Audience.COMING], EmailTopic.REMINDERS)
    dishes = _claimed_dishes(rsvps)
    requests = [message_mail.reminder_start(party, rsvp, version, dishes.get(rsvp.id, ())) for rsvp in rsvps]
    return sum(enqueue_many(requests))


def _remind_of_deadline(party: DinnerParty, version: str) -> int:
    # A guest whose invitation has just arrived needs no reminder.
    not_recent = func.coalesce(Invitation.reminded_at, Invitation.sent_at) <= clock.now() - MIN_INTERVAL
    not_answered = _claim_invited(recipients.select_not_answered(party, EmailTopic.INVITATIONS, not_recent), not_recent)
    maybes = recipients.select_rsvps(party, [Audience.MAYBE], EmailTopic.INVITATIONS)
    guests: list[Rsvp | InvitedContext] = [*not_answered, *maybes]
    return sum(enqueue_many([message_mail.reminder_answer(party, guest, version) for guest in guests]))


def _claimed_dishes(rsvps: Sequence[Rsvp]) -> dict[int, list[ClaimedContext]]:
    """Return the dishes that each guest brings, by the key of the RSVP."""
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
    """Remind all invited guests who have not answered, each at most once a day; return how many.

    Raises DomainError if there are none, if all were reminded already, and if the party takes no RSVPs.
    """
    seats.lock(party.id)
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)
    not_answered = recipients.select_not_answered(party, EmailTopic.INVITATIONS)
    if not not_answered:
        raise DomainError(lazy_gettext("There is no one to remind."), "info")
    not_recent = or_(Invitation.reminded_at.is_(None), Invitation.reminded_at <= clock.now() - MIN_INTERVAL)
    claimed = _claim_invited(not_answered, not_recent)
    if not claimed:
        raise DomainError(lazy_gettext("Already reminded in the last 24 hours."), "warning")
    version = f"{clock.now():%Y%m%dT%H%M%S%f}"
    return sum(enqueue_many([message_mail.reminder_answer(party, invited, version) for invited in claimed]))


def _claim_invited(invited: Sequence[InvitedContext], not_recent: ColumnElement[bool]) -> list[InvitedContext]:
    """Store that guests are reminded now; return those whom no other request reminds at the same moment."""
    keys = [each.invitation.id for each in invited]
    statement = (
        update(Invitation)
        .where(Invitation.id.in_(keys), not_recent)
        .values(reminded_at=clock.now())
        .returning(Invitation.id)
    )
    claimed = set(db.session.scalars(statement))
    return [each for each in invited if each.invitation.id in claimed]
