"""E-mails about reports to administrators, and about hidden parties to their hosts."""

from typing import Any

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.parties.mail import to_member
from app.parties.models import DinnerParty
from app.parties.moderation.models import PartyReport


def party_reported(report: PartyReport, administrator: Member) -> None:
    party = report.party
    to_member(
        "party_reported",
        administrator,
        f"{report.id}:{administrator.id}",
        title=party.title,
        host=party.host.display_name,
        reason=report.reason.label,
        note=report.note,
        party_url=public_url("PartyView.show", slug=party.slug),
        url=public_url("PartyReportModelView.show", pk=report.id),
    )


def party_hidden(party: DinnerParty) -> None:
    """Tell the hosts that their party was hidden from the public, and why."""
    _to_hosts("party_hidden", party, reason=party.hidden_reason)


def party_shown(party: DinnerParty) -> None:
    """Tell the hosts that their party is public again."""
    _to_hosts("party_shown", party)


def _to_hosts(kind: str, party: DinnerParty, **context: Any) -> None:
    for host in (party.host, *party.co_hosts):
        if host.erased_at is None:
            version = f"{party.id}:{host.id}:{clock.now():%Y%m%dT%H%M%S%f}"
            url = public_url("PartyView.show", slug=party.slug)
            to_member(kind, host, version, title=party.title, url=url, **context)
