"""Hosts write to their guests."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import lazy_gettext, lazy_ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailTopic
from app.parties.enums import Audience, PartyStatus
from app.parties.messages import mail as message_mail
from app.parties.messages import recipients
from app.parties.messages.models import GuestMessage
from app.parties.models import DinnerParty
from app.parties.waiting_list import seats

MAX_MESSAGES, MESSAGES_COUNTED = 10, timedelta(hours=24)
# So many of what was written are shown.
HISTORY_SIZE = 50


@dataclass(frozen=True)
class MessageDraft:
    """What a host wants to write, and to whom. `key` is that of the form it was typed into."""

    subject: str
    text: str
    audiences: tuple[str, ...]
    # Whether guests are told the author's address, to answer to.
    with_address: bool = False
    key: str = ""

    @property
    def mark(self) -> str:
        """What tells this message from all others: the same form with the same words is the same message."""
        parts = (self.key, self.subject, self.text, *sorted(self.audiences))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def counts(party: DinnerParty, author: Member) -> dict[str, int]:
    """Return how many a message to each audience would reach."""
    return recipients.counts(party, EmailTopic.MESSAGES, author.id)


def send(party: DinnerParty, author: Member, draft: MessageDraft) -> GuestMessage:
    """Write to everybody in the audiences of `draft`; return the message, which is the earlier one for a form sent twice.

    Raises DomainError when there is nobody, when the party is not published, and when too much was written.
    """
    seats.lock(party.id)
    known = select(GuestMessage).where(GuestMessage.party_id == party.id, GuestMessage.mark == draft.mark)
    message = db.session.scalars(known).one_or_none()
    if message is not None:
        return message
    refuse_draft(party)
    _refuse_too_many(party)
    rsvps = recipients.select_rsvps(party, draft.audiences, EmailTopic.MESSAGES, author.id)
    invited = (
        recipients.select_not_answered(party, EmailTopic.MESSAGES) if Audience.NOT_ANSWERED in draft.audiences else []
    )
    if not (rsvps or invited):
        raise DomainError(
            lazy_gettext("There are no guests in this selection. Nothing was sent."), "warning", field="audiences"
        )
    message = GuestMessage(
        party=party,
        author=author,
        subject=draft.subject,
        text=draft.text,
        statuses=list(draft.audiences),
        mark=draft.mark,
    )
    db.session.add(message)
    db.session.flush()
    reply_to = author.email if draft.with_address else None
    message.recipients = sum(message_mail.guest_message(message, rsvp, reply_to=reply_to) for rsvp in rsvps)
    message.recipients += sum(message_mail.message_to_invited(message, each, reply_to=reply_to) for each in invited)
    db.session.flush()
    return message


def refuse_draft(party: DinnerParty) -> None:
    """Refuse to write about what guests cannot see."""
    if party.status == PartyStatus.DRAFT:
        raise DomainError(lazy_gettext("Publish the party first: guests cannot see a draft."), "warning")


def history(party: DinnerParty) -> list[GuestMessage]:
    """Return what was written to the guests of a party, the latest first."""
    statement = (
        select(GuestMessage)
        .options(joinedload(GuestMessage.author))
        .where(GuestMessage.party_id == party.id)
        .order_by(GuestMessage.id.desc())
        .limit(HISTORY_SIZE)
    )
    return list(db.session.scalars(statement))


def _refuse_too_many(party: DinnerParty) -> None:
    since = clock.now() - MESSAGES_COUNTED
    written = select(func.count()).where(GuestMessage.party_id == party.id, GuestMessage.created_at > since)
    if db.session.execute(written).scalar_one() >= MAX_MESSAGES:
        message = lazy_ngettext(
            "You have sent your guests %(num)d message in the last 24 hours. Please wait until tomorrow.",
            "You have sent your guests %(num)d messages in the last 24 hours. Please wait until tomorrow.",
            MAX_MESSAGES,
        )
        raise DomainError(message, "danger")
