"""Send messages from hosts to guests."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from flask_babel import lazy_gettext, lazy_ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n import locales
from app.jobs import service as job_service
from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, Rendered, enqueue_many, render
from app.parties import guest_addresses
from app.parties.enums import Audience, PartyStatus
from app.parties.messages import mail as message_mail
from app.parties.messages import recipients
from app.parties.messages.mail import InvitedContext
from app.parties.messages.models import GuestMessage
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.waiting_list import seats

# Limit for each party.
MAX_MESSAGES, LIMIT_PERIOD = 10, timedelta(hours=24)
HISTORY_SIZE = 50
# So many e-mails are written at once; a job writes those of a message to more guests.
BATCH, JOB = 200, "messages"


@dataclass(frozen=True)
class MessageDraft:
    """A message that is not sent yet. `key` identifies the form, or the request of the API."""

    subject: str
    text: str
    audiences: tuple[str, ...]
    # Whether guests can reply to the e-mail address of the author.
    with_address: bool = False
    key: str = ""

    @property
    def fingerprint(self) -> str:
        """A hash of form and content: a form that is submitted twice has the same one."""
        parts = (self.key, self.subject, self.text, *sorted(self.audiences))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def counts(party: DinnerParty, author: Member) -> dict[str, int]:
    """Return how many guests a message to each audience would reach."""
    return recipients.counts(party, EmailTopic.MESSAGES, author.id)


def send(party: DinnerParty, author: Member, draft: MessageDraft) -> GuestMessage:
    """Send a message to all guests in its audiences. For a form that was submitted before, return the earlier message.

    Raises DomainError if there are no recipients, if the party is a draft, and if the daily limit is reached.
    """
    seats.lock(party.id)
    earlier = select(GuestMessage).where(GuestMessage.party_id == party.id, GuestMessage.mark == draft.fingerprint)
    message = db.session.scalars(earlier).one_or_none()
    if message is not None:
        return message
    refuse_draft(party)
    _check_daily_limit(party)
    guests = _recipients(party, author, draft)
    if not guests:
        raise DomainError(
            lazy_gettext("There are no guests in this selection. Nothing was sent."), "warning", field="audiences"
        )
    message = _message(party, author, draft)
    db.session.add(message)
    db.session.flush()
    if len(guests) > BATCH:
        # The party is locked: others could not answer meanwhile.
        message.recipients, message.is_written = len(guests), False
        message.unwritten = [guest_addresses.key_of(_guest_of(each)) for each in guests]
        job_service.hurry(JOB)
    else:
        message.recipients = _write(message, guests)
    db.session.flush()
    return message


def _guest_of(recipient: Rsvp | InvitedContext) -> Rsvp | Invitation:
    return recipient if isinstance(recipient, Rsvp) else recipient.invitation


def _write(message: GuestMessage, guests: Sequence[Rsvp | InvitedContext]) -> int:
    reply_to = message.author.email if message.with_address and message.author else None
    return sum(enqueue_many([message_mail.guest_message(message, guest, reply_to=reply_to) for guest in guests]))


def write_pending() -> int:
    """Write the e-mails of messages to many guests; return how many were written.

    Each batch has a transaction of its own, in which it is also noted as written: whoever is interrupted loses nothing.
    Call it outside a transaction. Several processes can run this at the same time.
    """
    written = 0
    while batch := _write_batch():
        written += batch
    return written


def _write_batch() -> int:
    """Write to the next guests of a message that is not written; return how many there were."""
    unwritten = select(GuestMessage).where(~GuestMessage.is_written).order_by(GuestMessage.id).limit(1)
    with transaction():
        message = db.session.scalars(
            unwritten.with_for_update(skip_locked=True).execution_options(populate_existing=True)
        ).one_or_none()
        if message is None:
            return 0
        keys, rest = message.unwritten[:BATCH], message.unwritten[BATCH:]
        _write(message, recipients.with_keys(keys))
        message.unwritten, message.is_written = rest, not rest
        return len(keys)


class Preview(NamedTuple):
    """The e-mail of a message as one guest would get it, and how many get it in this language."""

    email: Rendered
    number: int


def previews(party: DinnerParty, author: Member, draft: MessageDraft) -> list[Preview]:
    """Return the e-mail in each language of the recipients, the most frequent first. Nothing is stored or sent."""
    by_locale: dict[str, list[EmailRequest]] = {}
    message, reply_to = _message(party, author, draft), author.email if draft.with_address else None
    with db.session.no_autoflush:
        for guest in _recipients(party, author, draft):
            request = message_mail.guest_message(message, guest, reply_to=reply_to)
            locale = locales.match(request.locale) or locales.default()
            by_locale.setdefault(locale.key, []).append(request)
        found = [Preview(render(requests[0]), len(requests)) for requests in by_locale.values()]
    return sorted(found, key=lambda preview: -preview.number)


def _recipients(party: DinnerParty, author: Member, draft: MessageDraft) -> list[Rsvp | InvitedContext]:
    guests: list[Rsvp | InvitedContext] = [
        *recipients.select_rsvps(party, draft.audiences, EmailTopic.MESSAGES, author.id)
    ]
    if Audience.NOT_ANSWERED in draft.audiences:
        guests += recipients.select_not_answered(party, EmailTopic.MESSAGES)
    return guests


def _message(party: DinnerParty, author: Member, draft: MessageDraft) -> GuestMessage:
    return GuestMessage(
        party=party,
        author=author,
        subject=draft.subject,
        text=draft.text,
        statuses=list(draft.audiences),
        with_address=draft.with_address,
        mark=draft.fingerprint,
    )


def refuse_draft(party: DinnerParty) -> None:
    """Raise DomainError for a draft: guests cannot see it."""
    if party.status == PartyStatus.DRAFT:
        raise DomainError(lazy_gettext("Publish the party first: guests cannot see a draft."), "warning")


def history(party: DinnerParty) -> list[GuestMessage]:
    """Return the last messages to the guests of a party, the latest first."""
    statement = (
        select(GuestMessage)
        .options(joinedload(GuestMessage.author))
        .where(GuestMessage.party_id == party.id)
        .order_by(GuestMessage.id.desc())
        .limit(HISTORY_SIZE)
    )
    return list(db.session.scalars(statement))


def _check_daily_limit(party: DinnerParty) -> None:
    since = clock.now() - LIMIT_PERIOD
    sent = select(func.count()).where(GuestMessage.party_id == party.id, GuestMessage.created_at > since)
    if db.session.execute(sent).scalar_one() >= MAX_MESSAGES:
        message = lazy_ngettext(
            "You have sent your guests %(num)d message in the last 24 hours. Please wait until tomorrow.",
            "You have sent your guests %(num)d messages in the last 24 hours. Please wait until tomorrow.",
            MAX_MESSAGES,
        )
        raise DomainError(message, "danger")
