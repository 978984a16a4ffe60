"""The parts that all e-mails about parties share."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from app.accounts.models import Member
from app.http import public_url
from app.outbox.service import ORDINARY, enqueue
from app.parties import location, secret_links
from app.parties.models import DinnerParty, Rsvp

Appointment = Callable[[DinnerParty, Rsvp], str]
PartyEmail = Callable[[DinnerParty, Rsvp], None]
# An offer ends soon: its letter does not wait behind a hundred others.
TIMED = 2


def party_url(rsvp: Rsvp, endpoint: str) -> str:
    """Return the page about an answer: whoever has no account comes by their personal link."""
    if rsvp.member_id is None and rsvp.invitation is not None:
        return secret_links.personal_url()
    return public_url(endpoint, slug=rsvp.party.slug)


def link_secret(rsvp: Rsvp) -> str | None:
    """Return the token of the personal link that a letter about an answer carries."""
    if rsvp.member_id is None and rsvp.invitation is not None:
        return secret_links.personal_token(rsvp.invitation)
    return None


def send(  # noqa: PLR0913 - what letters differ in
    kind: str,
    party: DinnerParty,
    rsvp: Rsvp,
    *,
    version: object = None,
    expires_at: datetime | None = None,
    priority: int = ORDINARY,
    appointment: Appointment | None = None,
    topic: str | None = None,
    reply_to: str | None = None,
    **more: Any,
) -> bool:
    """Write to whoever gave `answer`, once for each fact; False when they want no letters about `topic`."""
    # One letter per answer and fact: a change of the answer, of the party, or another offer is another fact.
    fact = version if version is not None else f"{rsvp.answered_at:%Y%m%dT%H%M%S%f}"
    # Whoever has an account is written to as they are now: they may have moved, or read another language, meanwhile.
    reader = rsvp.member or rsvp
    letter = enqueue(
        kind,
        to=reader.email,
        name=rsvp.name,
        locale=reader.locale,
        timezone=reader.timezone,
        context={"party": party_context(party, rsvp), "url": party_url(rsvp, "PartyView.show"), **more},
        dedupe_key=f"{kind}:{rsvp.id}:{fact}",
        secret=link_secret(rsvp),
        expires_at=expires_at or party.ends_at,
        priority=priority,
        calendar=None if appointment is None else partial(appointment, party, rsvp),
        topic=topic,
        reply_to=reply_to,
    )
    return letter is not None


def party_context(party: DinnerParty, rsvp: Rsvp | None = None, *, to_host: bool = False) -> dict[str, Any]:
    """Return what a letter may say of a party to whoever gave `answer`; templates never touch the row itself."""
    place = location.visible_location(party, with_address=location.shows_address(party, rsvp, is_host=to_host))
    return {
        "title": party.title,
        "slug": party.slug,
        "starts_at": party.starts_at,
        "timezone": party.timezone,
        "venue": place.venue,
        "address": place.address,
        "map_url": place.map_url,
        "map_site": place.map_site,
        "main_dish": party.main_dish,
        "host_name": party.host.display_name,
    }


def to_member(kind: str, member: Member, occasion: str, *, expires_at: datetime | None = None, **context: Any) -> None:
    """Write to a member who is no guest, once for each `occasion`."""
    enqueue(
        kind,
        to=member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context=context,
        dedupe_key=f"{kind}:{occasion}",
        expires_at=expires_at,
    )
