"""E-mails with messages and reminders. Recipients can unsubscribe from both."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, enqueue
from app.parties import guest_addresses, secret_links
from app.parties.mail import party_context, reach, request_to, to_member
from app.parties.messages.models import GuestMessage
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.respondent import Respondent

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


def guest_message(message: GuestMessage, guest: Rsvp | InvitedContext, *, reply_to: str | None) -> EmailRequest:
    """Return a message to a guest, or to an invited one who has not answered."""
    return _request(
        "guest_message",
        message.party,
        guest,
        version=message.id,
        expires_at=clock.now() + MESSAGE_LIFETIME,
        topic=EmailTopic.MESSAGES,
        reply_to=reply_to,
        subject=message.subject,
        paragraphs=paragraphs_of(message.text),
        author=message.author.display_name if message.author else message.party.host.display_name,
        can_reply=reply_to is not None,
        # The e-mail itself says that replies go to its author.
        **({"reach": ""} if reply_to is not None else {}),
    )


def guest_reply(guest: Rsvp | Invitation, host: Member, words: str, digest: str, *, left_out: Sequence[str]) -> None:
    """Send a guest's reply to a host."""
    party = guest.party
    enqueue(
        EmailRequest(
            "guest_reply",
            to=host.email,
            name=host.display_name,
            locale=host.locale,
            timezone=host.timezone,
            context={
                "party": party_context(party, to_host=True),
                "guest": guest.name or guest.email,
                "paragraphs": paragraphs_of(words),
                "left_out": left_out,
                "url": public_url("GuestListView.show", slug=party.slug),
            },
            dedupe_key=f"guest_reply:{guest_addresses.key_of(guest)}:{host.id}:{digest}",
            expires_at=clock.now() + MESSAGE_LIFETIME,
            reply_to=guest_addresses.host_address(guest, host.id),
        )
    )


def guest_question(  # noqa: PLR0913 - what hosts read of it
    party: DinnerParty, host: Member, guest: Respondent, text: str, digest: str, *, reply_way: str, reply_to: str | None
) -> None:
    """Send a guest's question to a host."""
    to_member(
        "guest_question",
        host,
        f"{party.id}:{host.id}:{digest}",
        expires_at=clock.now() + MESSAGE_LIFETIME,
        reply_to=reply_to,
        party=party_context(party, to_host=True),
        guest=guest.name or guest.email,
        paragraphs=paragraphs_of(text),
        reply_way=reply_way,
        url=public_url("PartyView.show", slug=party.slug),
    )


def host_reply(guest: Rsvp | Invitation, host: Member, words: str, digest: str, *, left_out: Sequence[str]) -> None:
    """Send a host's reply to a guest."""
    enqueue(
        _request(
            "host_reply",
            guest.party,
            guest if isinstance(guest, Rsvp) else InvitedContext(guest, None),
            version=digest,
            expires_at=clock.now() + MESSAGE_LIFETIME,
            topic=None,
            paragraphs=paragraphs_of(words),
            left_out=left_out,
            author=host.display_name,
        )
    )


def paragraphs_of(text: str) -> list[list[str]]:
    """Return the lines of each paragraph."""
    return [paragraph.split("\n") for paragraph in text.split("\n\n") if paragraph.strip()]


def reminder_start(party: DinnerParty, rsvp: Rsvp, version: object, brought: Sequence[ClaimedContext]) -> EmailRequest:
    """Return what reminds a confirmed guest of the party."""
    return request_to(
        "reminder_start",
        party,
        rsvp,
        version=version,
        expires_at=party.starts_at,
        topic=EmailTopic.REMINDERS,
        seats=rsvp.party_size,
        brought=brought,
    )


def reminder_answer(party: DinnerParty, guest: Rsvp | InvitedContext, version: object) -> EmailRequest:
    """Return what reminds an invited guest to answer, or one who answered maybe to decide."""
    return _request(
        "reminder_answer",
        party,
        guest,
        version=version,
        expires_at=party.answers_until,
        topic=EmailTopic.INVITATIONS,
        until=party.answers_until,
        answered_maybe=isinstance(guest, Rsvp),
    )


def _request(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    guest: Rsvp | InvitedContext,
    *,
    version: object,
    expires_at: datetime,
    topic: EmailTopic | None,
    reply_to: str | None = None,
    **more: Any,
) -> EmailRequest:
    if isinstance(guest, Rsvp):
        return request_to(
            kind, party, guest, version=version, expires_at=expires_at, topic=topic, reply_to=reply_to, **more
        )
    invitation, member = guest
    own_address = guest_addresses.reply_address(invitation)
    return EmailRequest(
        kind,
        to=invitation.email,
        name=invitation.name or (member.display_name if member else ""),
        locale=(member and member.locale) or invitation.locale,
        timezone=member and member.timezone,
        hour_cycle=member and member.hour_cycle,
        context={
            "party": party_context(party),
            "url": secret_links.personal_url(),
            "reach": reach(party, own_address),
            **more,
        },
        dedupe_key=f"{kind}:invitation-{invitation.id}:{version}",
        secret=secret_links.personal_token(invitation),
        expires_at=expires_at,
        topic=topic,
        reply_to=reply_to or own_address,
    )
