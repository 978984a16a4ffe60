"""Letters to hosts."""

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.parties.mail.common import facts, to_member
from app.parties.models import DinnerParty, Rsvp


def approval_asked(party: DinnerParty, answer: Rsvp) -> None:
    """Tell the hosts that somebody asks for a seat who was not invited."""
    for host in (party.host, *party.co_hosts):
        to_member(
            "approval_asked",
            host,
            f"{answer.id}:{host.id}:{answer.answered_at:%Y%m%dT%H%M%S%f}",
            expires_at=party.starts_at,
            party=facts(party, to_host=True),
            guest=answer.name,
            seats=answer.party_size,
            note=answer.note,
            url=public_url("GuestListView.show", slug=party.slug),
        )


def co_host(party: DinnerParty, member: Member) -> None:
    """Tell a member that they host a party beside its owner."""
    to_member(
        "co_host",
        member,
        f"{party.id}:{member.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.ends_at,
        party=facts(party, to_host=True),
        url=public_url("PartyView.show", slug=party.slug),
    )


def food_clash(party: DinnerParty, answer: Rsvp, dishes: list[str]) -> None:
    """Tell the host that a guest cannot eat some of the dishes; which of them and why stands on the kitchen's sheet."""
    to_member(
        "food_clash",
        party.host,
        f"{answer.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.starts_at,
        party=facts(party, to_host=True),
        guest=answer.name,
        dishes=dishes,
        url=public_url("FoodView.kitchen", slug=party.slug),
    )
