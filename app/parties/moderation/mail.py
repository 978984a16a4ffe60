"""Letters about parties that somebody finds wrong: to administrators, and to hosts whose party was hidden."""

from typing import Any

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.parties.enums import ReportReason
from app.parties.mail import to_member
from app.parties.models import DinnerParty
from app.parties.moderation.models import PartyReport


def party_reported(filed: PartyReport, administrator: Member) -> None:
    """Tell an administrator that somebody finds a party wrong."""
    party = filed.party
    to_member(
        "party_reported",
        administrator,
        f"{filed.id}:{administrator.id}",
        title=party.title,
        host=party.host.display_name,
        reason=ReportReason.labels()[filed.reason],
        note=filed.note,
        party_url=public_url("PartyView.show", slug=party.slug),
        url=public_url("PartyReportModelView.show", pk=filed.id),
    )


def party_hidden(party: DinnerParty) -> None:
    """Tell the hosts that strangers do not see their party any more, and why."""
    _to_hosts("party_hidden", party, reason=party.hidden_reason)


def party_shown(party: DinnerParty) -> None:
    """Tell the hosts that everybody can see their party again."""
    _to_hosts("party_shown", party)


def _to_hosts(kind: str, party: DinnerParty, **context: Any) -> None:
    for host in (party.host, *party.co_hosts):
        if host.erased_at is None:
            occasion = f"{party.id}:{host.id}:{clock.now():%Y%m%dT%H%M%S%f}"
            url = public_url("PartyView.show", slug=party.slug)
            to_member(kind, host, occasion, title=party.title, url=url, **context)
