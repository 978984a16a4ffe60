"""E-mails about several dates of a series: one to each person, whatever they answered to each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, enqueue
from app.parties import secret_links
from app.parties.calendar import ics
from app.parties.enums import RsvpStatus
from app.parties.hosting import mail as hosting_mail
from app.parties.invitations import mail as invitation_mail
from app.parties.mail import link_secret, party_context, party_url
from app.parties.models import DinnerParty, Invitation, Rsvp


class Told(NamedTuple):
    """A guest, or an invited person who has not answered, who hears of a change or of the cancellation of a date."""

    party: DinnerParty
    guest: Rsvp | Invitation
    cancelled: bool

    @property
    def address(self) -> str:
        """Where to write: a member may have another address than when they answered."""
        return _recipient(self.guest).email.lower()


def send(told: Iterable[Told]) -> int:
    """Send each person one e-mail about each series, and return how many people there are."""
    emails: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for each in told:
        party = each.party
        emails[each.address, f"party {party.id}" if party.series_id is None else f"series {party.series_id}"].append(
            each
        )
    for dates in emails.values():
        if len(dates) == 1:
            _send_as_usual(dates[0])
        else:
            _send_series(sorted(dates, key=lambda each: each.party.starts_at))
    return len({address for address, _about in emails})


def _send_as_usual(told: Told) -> None:
    party, guest, cancelled = told
    if isinstance(guest, Invitation):
        (invitation_mail.invitation_cancelled if cancelled else invitation_mail.invitation_changed)(party, guest)
    else:
        (hosting_mail.party_cancelled if cancelled else hosting_mail.party_changed)(party, guest)


def _send_series(dates: Sequence[Told]) -> None:
    party, guest, cancelled = dates[0]
    kind = "series_cancelled" if cancelled else "series_changed"
    is_invited = isinstance(guest, Invitation)
    recipient = _recipient(guest)
    versions = "-".join(f"{each.party.id}.{each.party.version}" for each in dates[:: max(1, len(dates) - 1)])
    enqueue(
        EmailRequest(
            kind,
            to=recipient.email,
            name=guest.name,
            locale=recipient.locale,
            timezone=party.timezone if is_invited else recipient.timezone,
            context={
                "title": party.title,
                "parties": [_context(each) for each in dates],
                "url": secret_links.personal_url() if is_invited else party_url(guest, "PartyView.show"),
            },
            dedupe_key=f"{kind}:{type(guest).__name__.lower()}:{guest.id}:{versions}",
            secret=secret_links.personal_token(guest) if is_invited else link_secret(guest),
            expires_at=dates[-1].party.ends_at,
            calendar=lambda: "".join(map(_appointment, dates)),
            # Whoever has answered one of the dates has to know.
            topic=EmailTopic.INVITATIONS if all(isinstance(each.guest, Invitation) for each in dates) else None,
        )
    )


def _context(told: Told) -> dict[str, object]:
    return party_context(told.party, told.guest if isinstance(told.guest, Rsvp) else None)


def _appointment(told: Told) -> str:
    """Return the calendar object of one date, if it is in the calendar: a stream may hold several (RFC 5545, 3.4)."""
    in_calendar = isinstance(told.guest, Invitation) or told.guest.status in ics.PARTICIPATION
    if told.cancelled:
        # A guest with an offer may have entered the party into their calendar.
        is_known = in_calendar or told.guest.status == RsvpStatus.OFFERED
        return ics.cancellation(told.party, told.guest) if is_known else ""
    return ics.request(told.party, told.guest) if in_calendar else ""


def _recipient(guest: Rsvp | Invitation) -> Any:
    """Return whose address, language and time zone count: those of the member, or else those of the answer."""
    return (guest.member if isinstance(guest, Rsvp) else None) or guest
