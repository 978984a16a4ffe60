"""E-mails with messages and reminders. Recipients can unsubscribe from both."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app import clock
from app.accounts.models import Member
from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, enqueue
from app.parties import secret_links
from app.parties.mail import party_context, send
from app.parties.messages.models import GuestMessage
from app.parties.models import DinnerParty, Invitation, Rsvp

# Not the start of the party: hosts also thank their guests afterwards.
MESSAGE_LIFETIME = timedelta(days=7)


class InvitedContext(NamedTuple):
    """An invitation, and the member with its e-mail address, if there is one. The e-mail is in their language."""

    invitation: Invitation
    member: Member | None


class ClaimedContext(NamedTuple):
    """A dish that a guest brings."""

    name: str
    quantity: int


def guest_message(message: GuestMessage, rsvp: Rsvp, *, reply_to: str | None) -> bool:
    """Send a message to a guest; return False if they have unsubscribed."""
    return send(
        "guest_message",
        message.party,
        rsvp,
        version=message.id,
        expires_at=clock.now() + MESSAGE_LIFETIME,
        topic=EmailTopic.MESSAGES,
        reply_to=reply_to,
        **_context(message, reply_to),
    )


def message_to_invited(message: GuestMessage, invited: InvitedContext, *, reply_to: str | None) -> bool:
    """Send a message to an invited guest who has not answered; return False if they have unsubscribed."""
    return _send_to_invited(
        "guest_message",
        message.party,
        invited,
        version=message.id,
        expires_at=clock.now() + MESSAGE_LIFETIME,
        topic=EmailTopic.MESSAGES,
        reply_to=reply_to,
        **_context(message, reply_to),
    )


def reminder_start(party: DinnerParty, rsvp: Rsvp, version: object, brought: Sequence[ClaimedContext]) -> bool:
    """Remind a confirmed guest of the party; return False if they have unsubscribed."""
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
    """Remind a guest who answered maybe to decide; return False if they have unsubscribed."""
    return send(
        "reminder_answer",
        party,
        rsvp,
        version=version,
        expires_at=party.answers_until,
        topic=EmailTopic.INVITATIONS,
        until=party.answers_until,
        answered_maybe=True,
    )


def reminder_answer(party: DinnerParty, invited: InvitedContext, version: object) -> bool:
    """Remind an invited guest to answer; return False if they have unsubscribed."""
    return _send_to_invited(
        "reminder_answer",
        party,
        invited,
        version=version,
        expires_at=party.answers_until,
        topic=EmailTopic.INVITATIONS,
        until=party.answers_until,
        answered_maybe=False,
    )


def _send_to_invited(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    invited: InvitedContext,
    *,
    version: object,
    expires_at: datetime,
    topic: EmailTopic,
    reply_to: str | None = None,
    **more: Any,
) -> bool:
    invitation, member = invited
    email = enqueue(
        EmailRequest(
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
    )
    return email is not None


def _context(message: GuestMessage, reply_to: str | None) -> dict[str, Any]:
    return {
        "subject": message.subject,
        "paragraphs": [paragraph.split("\n") for paragraph in message.text.split("\n\n") if paragraph.strip()],
        "author": message.author.display_name if message.author else message.party.host.display_name,
        "can_reply": reply_to is not None,
    }
