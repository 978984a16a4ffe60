"""E-mails about several dates of a series: one to each person, whatever they answered to each."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from app.accounts.models import Member
from app.address_key import address_key
from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, enqueue_many
from app.parties import guest_addresses, secret_links
from app.parties.calendar import appointments
from app.parties.hosting import mail as hosting_mail
from app.parties.mail import Appointment, TimeChange, link_secret, party_context, party_url, reach
from app.parties.models import DinnerParty, Invitation, Rsvp


class Told(NamedTuple):
    """A guest, or an invited person who has not answered, who hears of a change or of the cancellation of a date."""

    party: DinnerParty
    guest: Rsvp | Invitation
    cancelled: bool = False
    moved: TimeChange | None = None

    @property
    def address(self) -> str:
        """Where to write: a member may have another address than when they answered."""
        return address_key(_recipient(self.guest).email)


def send(told: Iterable[Told]) -> int:
    """Send each person one e-mail about each series, and return how many people there are."""
    emails: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for each in told:
        party = each.party
        emails[each.address, f"party {party.id}" if party.series_id is None else f"series {party.series_id}"].append(
            each
        )
    _send_as_usual([dates[0] for dates in emails.values() if len(dates) == 1])
    several = [sorted(dates, key=lambda each: each.party.starts_at) for dates in emails.values() if len(dates) > 1]
    enqueue_many([_about_series(dates) for dates in several], appointments.remember)
    return len({address for address, _about in emails})


def _send_as_usual(told: Iterable[Told]) -> None:
    together: dict[tuple[DinnerParty, bool, TimeChange | None], list[Rsvp | Invitation]] = defaultdict(list)
    for party, guest, cancelled, moved in told:
        together[party, cancelled, moved].append(guest)
    for (party, cancelled, moved), guests in together.items():
        if cancelled:
            hosting_mail.party_cancelled(party, guests)
        else:
            hosting_mail.party_changed(party, guests, moved)


def _about_series(dates: Sequence[Told]) -> EmailRequest:
    party, guest, cancelled, _moved = dates[0]
    kind = "series_cancelled" if cancelled else "series_changed"
    is_invited = isinstance(guest, Invitation)
    recipient = _recipient(guest)
    versions = "-".join(f"{each.party.id}.{each.party.version}" for each in dates[:: max(1, len(dates) - 1)])
    reply_address = guest_addresses.reply_address(guest)
    return EmailRequest(
        kind,
        to=recipient.email,
        name=guest.name,
        locale=recipient.locale,
        timezone=None if is_invited else recipient.timezone,
        hour_cycle=recipient.hour_cycle if isinstance(recipient, Member) else None,
        context={
            "title": party.title,
            "parties": [_context(each) for each in dates],
            "url": secret_links.personal_url() if is_invited else party_url(guest, "PartyView.show"),
            "reach": reach(party, reply_address),
        },
        dedupe_key=f"{kind}:{type(guest).__name__.lower()}:{guest.id}:{versions}",
        secret=secret_links.personal_token(guest) if is_invited else link_secret(guest),
        expires_at=dates[-1].party.ends_at,
        calendar=_appointments(dates),
        # Whoever has answered one of the dates has to know.
        topic=EmailTopic.INVITATIONS if all(isinstance(each.guest, Invitation) for each in dates) else None,
        reply_to=reply_address,
    )


def _context(told: Told) -> dict[str, object]:
    return {**party_context(told.party, told.guest if isinstance(told.guest, Rsvp) else None), "moved": told.moved}


def _appointments(dates: Iterable[Told]) -> Appointment | None:
    """Return the appointments of all dates that are in the calendar: a stream may hold several (RFC 5545, 3.4)."""
    of_dates = [appointment for appointment in map(_appointment, dates) if appointment is not None]
    if not of_dates:
        return None

    def remember() -> Callable[[], str]:
        writers = [appointment() for appointment in of_dates]
        return lambda: "".join(write() for write in writers)

    return remember


def _appointment(told: Told) -> Appointment | None:
    party, guest, cancelled, _moved = told
    if isinstance(guest, Rsvp):
        of_guests = hosting_mail.cancelled_appointments if cancelled else hosting_mail.changed_appointments
        return of_guests(party, [guest]).get(guest)
    return (appointments.cancellation if cancelled else appointments.request)(party, guest)


def _recipient(guest: Rsvp | Invitation) -> Any:
    """Return whose address, language and time zone count: those of the member, or else those of the answer."""
    return (guest.member if isinstance(guest, Rsvp) else None) or guest
