"""The letters about parties: who gets which, and what they say."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.outbox.service import ORDINARY, enqueue
from app.parties import calendar
from app.parties.models import DinnerParty, Rsvp, WaitOffer

Appointment = Callable[[DinnerParty, Rsvp], str]
PartyLetter = Callable[[DinnerParty, Rsvp], None]
# An offer ends soon: its letter does not wait behind a hundred others.
TIMED = 2


def rsvp_yes(party: DinnerParty, answer: Rsvp) -> None:
    """Confirm seats."""
    _write("rsvp_yes", party, answer, seats=answer.party_size, appointment=calendar.request)


def rsvp_waitlisted(party: DinnerParty, answer: Rsvp, place: int) -> None:
    """Tell a place in line."""
    _write("rsvp_waitlisted", party, answer, place=place)


def seat_offered(offer: WaitOffer) -> None:
    """Tell somebody who waited that seats are held for them, and until when."""
    party = offer.rsvp.party
    _write(
        "seat_offered",
        party,
        offer.rsvp,
        version=offer.id,
        expires_at=offer.expires_at,
        priority=TIMED,
        seats=offer.seats,
        size=offer.rsvp.party_size,
        until=offer.expires_at,
        offer_url=public_url("PartyView.offer", slug=party.slug),
    )


def offer_expired(offer: WaitOffer, place: int) -> None:
    """Tell somebody that their offer ran out, and where they stand now."""
    _write("offer_expired", offer.rsvp.party, offer.rsvp, version=offer.id, seats=offer.seats, place=place)


def party_changed(party: DinnerParty, answer: Rsvp) -> None:
    """Tell the new time or place."""
    _write("party_changed", party, answer, version=party.version, appointment=_if_it_was_told(answer, calendar.request))


def party_cancelled(party: DinnerParty, answer: Rsvp) -> None:
    """Tell that there will be no party."""
    _write(
        "party_cancelled",
        party,
        answer,
        version=party.version,
        appointment=_if_it_was_told(answer, calendar.cancellation),
    )


def co_host(party: DinnerParty, member: Member) -> None:
    """Tell a member that they host a party beside its owner."""
    enqueue(
        "co_host",
        to=member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context={"party": _facts(party), "url": public_url("PartyView.show", slug=party.slug)},
        dedupe_key=f"co_host:{party.id}:{member.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.ends_at,
    )


def food_clash(party: DinnerParty, answer: Rsvp, dishes: list[str]) -> None:
    """Tell the host that a guest cannot eat some of the dishes; which of them and why stands on the kitchen's sheet."""
    host = party.host
    enqueue(
        "food_clash",
        to=host.email,
        name=host.display_name,
        locale=host.locale,
        timezone=host.timezone,
        context={
            "party": _facts(party),
            "guest": answer.name,
            "dishes": dishes,
            "url": public_url("FoodView.kitchen", slug=party.slug),
        },
        dedupe_key=f"food_clash:{answer.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.starts_at,
    )


def _if_it_was_told(answer: Rsvp, appointment: Appointment) -> Appointment | None:
    """Return `appointment` for those in whose calendar the dinner may stand."""
    return appointment if answer.status in calendar.PARTICIPATION else None


def _write(  # noqa: PLR0913 - what letters differ in
    kind: str,
    party: DinnerParty,
    answer: Rsvp,
    *,
    version: object = None,
    expires_at: datetime | None = None,
    priority: int = ORDINARY,
    appointment: Appointment | None = None,
    **more: Any,
) -> None:
    # One letter per answer and fact: a change of the answer, of the party, or another offer is another fact.
    fact = version if version is not None else f"{answer.answered_at:%Y%m%dT%H%M%S%f}"
    # Whoever has an account is written to as they are now: they may have moved, or read another language, meanwhile.
    reader = answer.member or answer
    enqueue(
        kind,
        to=reader.email,
        name=answer.name,
        locale=reader.locale,
        timezone=reader.timezone,
        context={"party": _facts(party), "url": public_url("PartyView.show", slug=party.slug), **more},
        dedupe_key=f"{kind}:{answer.id}:{fact}",
        expires_at=expires_at or party.ends_at,
        priority=priority,
        calendar=None if appointment is None else partial(appointment, party, answer),
    )


def _facts(party: DinnerParty) -> dict[str, Any]:
    """Return what a letter may say of a party; templates never touch the row itself."""
    return {
        "title": party.title,
        "slug": party.slug,
        "starts_at": party.starts_at,
        "timezone": party.timezone,
        "venue": party.venue,
        "address": party.address,
        "main_dish": party.main_dish,
        "host_name": party.host.display_name,
    }
