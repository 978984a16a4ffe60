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


def guest_message(message: GuestMessage, guest: Rsvp | InvitedContext, *, reply_to: str | None) -> bool:
    """Send a message to a guest, or to an invited one who has not answered; return False if they have unsubscribed."""
    return _send(
        "guest_message",
        message.party,
        guest,
        version=message.id,
        expires_at=clock.now() + MESSAGE_LIFETIME,
        topic=EmailTopic.MESSAGES,
        reply_to=reply_to,
        subject=message.subject,
        paragraphs=[paragraph.split("\n") for paragraph in message.text.split("\n\n") if paragraph.strip()],
        author=message.author.display_name if message.author else message.party.host.display_name,
        can_reply=reply_to is not None,
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


def reminder_answer(party: DinnerParty, guest: Rsvp | InvitedContext, version: object) -> bool:
    """Remind an invited guest to answer, or one who answered maybe to decide; return False if they have unsubscribed."""
    return _send(
        "reminder_answer",
        party,
        guest,
        version=version,
        expires_at=party.answers_until,
        topic=EmailTopic.INVITATIONS,
        until=party.answers_until,
        answered_maybe=isinstance(guest, Rsvp),
    )


def _send(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    guest: Rsvp | InvitedContext,
    *,
    version: object,
    expires_at: datetime,
    topic: EmailTopic,
    reply_to: str | None = None,
    **more: Any,
) -> bool:
    if isinstance(guest, Rsvp):
        return send(kind, party, guest, version=version, expires_at=expires_at, topic=topic, reply_to=reply_to, **more)
    invitation, member = guest
    email = enqueue(
        EmailRequest(
            kind,
            to=invitation.email,
            name=invitation.name or (member.display_name if member else ""),
            locale=(member and member.locale) or invitation.locale,
            timezone=member and member.timezone,
            hour_cycle=member and member.hour_cycle,
            context={"party": party_context(party), "url": secret_links.personal_url(), **more},
            dedupe_key=f"{kind}:invitation-{invitation.id}:{version}",
            secret=secret_links.personal_token(invitation),
            expires_at=expires_at,
            topic=topic,
            reply_to=reply_to,
        )
    )
    return email is not None
