"""What hosts write to their guests, and reminders. Nobody has to get these."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app import clock
from app.accounts.models import Member
from app.outbox.models import EmailTopic
from app.outbox.service import enqueue
from app.parties import secret_links
from app.parties.mail import party_context, send
from app.parties.messages.models import GuestMessage
from app.parties.models import DinnerParty, Invitation, Rsvp

# What hosts write holds for so long; thanks are written after the party.
MESSAGE_LIFETIME = timedelta(days=7)


class InvitedContext(NamedTuple):
    """Somebody who was invited, and the member with that address, if there is one: they are written to in their language."""

    invitation: Invitation
    member: Member | None


class ClaimedContext(NamedTuple):
    """Something that a guest brings along."""

    name: str
    quantity: int


def guest_message(message: GuestMessage, rsvp: Rsvp, *, reply_to: str | None) -> bool:
    """Send what a host wrote to a guest; False when they want no such letters."""
    return send(
        "guest_message",
        message.party,
        rsvp,
        version=message.id,
        expires_at=clock.now() + MESSAGE_LIFETIME,
        topic=EmailTopic.MESSAGES,
        reply_to=reply_to,
        **_said(message, reply_to),
    )


def message_to_invited(message: GuestMessage, invited: InvitedContext, *, reply_to: str | None) -> bool:
    """Send what a host wrote to somebody who has not answered; False when they want no such letters."""
    return _write_to_invited(
        "guest_message",
        message.party,
        invited,
        version=message.id,
        expires_at=clock.now() + MESSAGE_LIFETIME,
        topic=EmailTopic.MESSAGES,
        reply_to=reply_to,
        **_said(message, reply_to),
    )


def reminder_start(party: DinnerParty, rsvp: Rsvp, version: object, brought: Sequence[ClaimedContext]) -> bool:
    """Remind somebody who comes that they do; False when they want no such letters."""
    return send(
        "reminder_start",
        party,
        rsvp,
        version=version,
        expires_at=party.starts_at,
        topic=EmailTopic.REMINDERS,
        seats=rsvp.party_size,
        brought=brought,
    )


def reminder_maybe(party: DinnerParty, rsvp: Rsvp, version: object) -> bool:
    """Ask somebody who said maybe once more; False when they want no such letters."""
    return send(
        "reminder_answer",
        party,
        rsvp,
        version=version,
        expires_at=party.answers_until,
        topic=EmailTopic.INVITATIONS,
        until=party.answers_until,
        said_maybe=True,
    )


def reminder_answer(party: DinnerParty, invited: InvitedContext, version: object) -> bool:
    """Ask somebody who has not answered once more; False when they want no such letters."""
    return _write_to_invited(
        "reminder_answer",
        party,
        invited,
        version=version,
        expires_at=party.answers_until,
        topic=EmailTopic.INVITATIONS,
        until=party.answers_until,
        said_maybe=False,
    )


def _write_to_invited(  # noqa: PLR0913 - what letters differ in
    kind: str,
    party: DinnerParty,
    invited: InvitedContext,
    *,
    version: object,
    expires_at: datetime,
    topic: str,
    reply_to: str | None = None,
    **more: Any,
) -> bool:
    invitation, member = invited
    letter = enqueue(
        kind,
        to=invitation.email,
        name=invitation.name or (member.display_name if member else ""),
        locale=(member and member.locale) or invitation.locale,
        timezone=(member and member.timezone) or party.timezone,
        context={"party": party_context(party), "url": secret_links.personal_url(), **more},
        dedupe_key=f"{kind}:invitation-{invitation.id}:{version}",
        secret=secret_links.personal_token(invitation),
        expires_at=expires_at,
        topic=topic,
        reply_to=reply_to,
    )
    return letter is not None


def _said(message: GuestMessage, reply_to: str | None) -> dict[str, Any]:
    return {
        "subject": message.subject,
        "paragraphs": [paragraph.split("\n") for paragraph in message.text.split("\n\n") if paragraph.strip()],
        "author": message.author.display_name if message.author else message.party.host.display_name,
        "can_answer": reply_to is not None,
    }
