"""Letters to hosts."""

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.outbox.service import enqueue
from app.parties.mail.common import facts
from app.parties.models import DinnerParty, Rsvp


def approval_asked(party: DinnerParty, answer: Rsvp) -> None:
    """Tell the hosts that somebody asks for a seat who was not invited."""
    for host in (party.host, *party.co_hosts):
        enqueue(
            "approval_asked",
            to=host.email,
            name=host.display_name,
            locale=host.locale,
            timezone=host.timezone,
            context={
                "party": facts(party, to_host=True),
                "guest": answer.name,
                "seats": answer.party_size,
                "note": answer.note,
                "url": public_url("GuestListView.show", slug=party.slug),
            },
            dedupe_key=f"approval_asked:{answer.id}:{host.id}:{answer.answered_at:%Y%m%dT%H%M%S%f}",
            expires_at=party.starts_at,
        )


def co_host(party: DinnerParty, member: Member) -> None:
    """Tell a member that they host a party beside its owner."""
    enqueue(
        "co_host",
        to=member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context={"party": facts(party, to_host=True), "url": public_url("PartyView.show", slug=party.slug)},
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
            "party": facts(party, to_host=True),
            "guest": answer.name,
            "dishes": dishes,
            "url": public_url("FoodView.kitchen", slug=party.slug),
        },
        dedupe_key=f"food_clash:{answer.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.starts_at,
    )
