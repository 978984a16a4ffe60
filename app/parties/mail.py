"""What all e-mails about parties share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.outbox.models import EmailTopic
from app.outbox.service import ORDINARY, EmailRequest, enqueue
from app.parties import guest_addresses, location, secret_links, wall_clock
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.wall_clock import PlannedTime

# Remembers what it sends, and returns what writes the iCalendar object in the language of the recipient.
Appointment = Callable[[], Callable[[], str]]
# An offer expires soon: its e-mail is sent before ordinary ones.
TIMED = 2


def party_url(rsvp: Rsvp, endpoint: str) -> str:
    """Return the URL of a page for the guest; for a guest without an account, their personal link."""
    if rsvp.member_id is None and rsvp.invitation is not None:
        return secret_links.personal_url()
    return public_url(endpoint, slug=rsvp.party.slug)


def link_secret(rsvp: Rsvp) -> str | None:
    """Return the token of the personal link for an e-mail to a guest without an account; None for members."""
    if rsvp.member_id is None and rsvp.invitation is not None:
        return secret_links.personal_token(rsvp.invitation)
    return None


def send(kind: str, party: DinnerParty, rsvp: Rsvp, **options: Any) -> bool:
    """Send an e-mail to the guest of an RSVP; `options` are those of `request_to`. Return False if they have unsubscribed."""
    return enqueue(request_to(kind, party, rsvp, **options))


def request_to(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    rsvp: Rsvp,
    *,
    version: object = None,
    expires_at: datetime | None = None,
    priority: int = ORDINARY,
    appointment: Appointment | None = None,
    topic: EmailTopic | None = None,
    reply_to: str | None = None,
    **more: Any,
) -> EmailRequest:
    """Return an e-mail to the guest of an RSVP.

    The same `kind` is sent once for each `version` of the RSVP, of the party or of an offer; by default that of the RSVP.
    """
    own_address = guest_addresses.reply_address(rsvp)
    if version is None:
        version = f"{rsvp.answered_at:%Y%m%dT%H%M%S%f}"
    # A member may have a new e-mail address, language or time zone since they answered.
    recipient = rsvp.member or rsvp
    return EmailRequest(
        kind,
        to=recipient.email,
        name=rsvp.name,
        locale=recipient.locale,
        timezone=recipient.timezone,
        hour_cycle=rsvp.member and rsvp.member.hour_cycle,
        context={
            "party": party_context(party, rsvp),
            "url": party_url(rsvp, "PartyView.show"),
            "reach": reach(party, own_address, may_answer=rsvp.status != RsvpStatus.REMOVED),
            **more,
        },
        dedupe_key=f"{kind}:{rsvp.id}:{version}",
        secret=link_secret(rsvp),
        expires_at=expires_at or party.ends_at,
        priority=priority,
        calendar=appointment,
        topic=topic,
        reply_to=reply_to or own_address,
    )


def reach(party: DinnerParty, reply_address: str | None, *, may_answer: bool = True) -> str:
    """Return how the reader of an e-mail reaches the host: by a reply, by a note to their answer, or not at all."""
    if reply_address is not None:
        return "reply"
    is_answered = may_answer and party.status == PartyStatus.PUBLISHED and party.answers_until > clock.now()
    return "note" if is_answered else "none"


def party_context(party: DinnerParty, rsvp: Rsvp | None = None, *, to_host: bool = False) -> dict[str, Any]:
    """Return what an e-mail can show of a party to the guest of `rsvp`, or to a host. Templates get no rows."""
    visible = location.visible_location(party, with_address=location.shows_address(party, rsvp, is_host=to_host))
    return {
        "title": party.title,
        "slug": party.slug,
        "starts_at": party.starts_at,
        "timezone": party.timezone,
        "venue": visible.venue,
        "area": visible.area,
        "address": visible.address,
        "map_url": visible.map_url,
        "map_site": visible.map_site,
        "main_dish": party.main_dish,
        "host_name": party.host.display_name,
        "to_host": to_host,
    }


@dataclass(frozen=True)
class TimeChange:
    """The start as guests were told it, and as it is now. `by_rules`: not the host moved it, but those who set clocks."""

    before: PlannedTime
    now: PlannedTime
    by_rules: bool


def time_change(party: DinnerParty, before: PlannedTime | None) -> TimeChange | None:
    """Return what an e-mail can show of a new start; None if it is the same."""
    if before is None:
        return None
    now = wall_clock.planned(party)
    is_same_clock = (before.local, before.timezone) == (now.local, now.timezone)
    return None if before == now else TimeChange(before, now, by_rules=is_same_clock)


def to_member(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    member: Member,
    version: str,
    *,
    expires_at: datetime | None = None,
    topic: EmailTopic | None = None,
    reply_to: str | None = None,
    **context: Any,
) -> None:
    """Send an e-mail to a host or administrator, once for each `version`, unless they have unsubscribed from `topic`."""
    enqueue(
        EmailRequest(
            kind,
            to=member.email,
            name=member.display_name,
            locale=member.locale,
            timezone=member.timezone,
            hour_cycle=member.hour_cycle,
            context=context,
            dedupe_key=f"{kind}:{version}",
            expires_at=expires_at,
            topic=topic,
            reply_to=reply_to,
        )
    )
