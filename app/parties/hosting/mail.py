"""E-mails about changes of a party, and to co-hosts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.outbox.service import EmailRequest, enqueue_many
from app.parties.calendar import appointments, ics
from app.parties.calendar.appointments import Guest
from app.parties.calendar.models import Method
from app.parties.enums import RsvpStatus
from app.parties.invitations import mail as invitation_mail
from app.parties.mail import Appointment, TimeChange, party_context, request_to, to_member
from app.parties.models import DinnerParty, Invitation, Rsvp


def party_changed(party: DinnerParty, guests: Sequence[Guest], moved: TimeChange | None = None) -> None:
    """Announce a new time or location to guests, and to invited people who have not answered.

    Those who have the party in their calendar get an updated appointment.
    """
    rsvps, invitations = _split(guests)
    requests = _about_party("party_changed", party, rsvps, changed_appointments(party, rsvps), moved=moved)
    requests += invitation_mail.invitations_changed(party, invitations, moved)
    enqueue_many(requests, appointments.remember)


def party_cancelled(party: DinnerParty, guests: Sequence[Guest]) -> None:
    """Announce the cancellation, and remove the party from the calendars of guests and invited people."""
    rsvps, invitations = _split(guests)
    requests = _about_party("party_cancelled", party, rsvps, cancelled_appointments(party, rsvps))
    requests += invitation_mail.invitations_cancelled(party, invitations)
    enqueue_many(requests, appointments.remember)


def changed_appointments(party: DinnerParty, rsvps: Iterable[Rsvp]) -> dict[Guest, Appointment]:
    """Return what updates the party in the calendars of the guests who have it there, or should have."""
    having, others = _partition(lambda rsvp: rsvp.status in ics.PARTICIPATION, rsvps)
    return {rsvp: appointments.request(party, rsvp) for rsvp in having} | appointments.if_sent(
        party, others, Method.REQUEST
    )


def cancelled_appointments(party: DinnerParty, rsvps: Iterable[Rsvp]) -> dict[Guest, Appointment]:
    """Return what removes the party from the calendars of the guests."""
    # A guest with an offer may have entered the party into their calendar themselves.
    may_have_it = {*ics.PARTICIPATION, RsvpStatus.OFFERED}
    having, others = _partition(lambda rsvp: rsvp.status in may_have_it, rsvps)
    return {rsvp: appointments.cancellation(party, rsvp) for rsvp in having} | appointments.if_sent(
        party, others, Method.CANCEL
    )


def _about_party(
    kind: str, party: DinnerParty, rsvps: Iterable[Rsvp], of_guests: Mapping[Guest, Appointment], **more: Any
) -> list[EmailRequest]:
    return [
        request_to(kind, party, rsvp, version=party.version, appointment=of_guests.get(rsvp), **more) for rsvp in rsvps
    ]


def _split(guests: Iterable[Guest]) -> tuple[list[Rsvp], list[Invitation]]:
    guests = list(guests)
    return [each for each in guests if isinstance(each, Rsvp)], [
        each for each in guests if isinstance(each, Invitation)
    ]


def _partition(condition: Callable[[Rsvp], bool], rsvps: Iterable[Rsvp]) -> tuple[list[Rsvp], list[Rsvp]]:
    rsvps = list(rsvps)
    return [each for each in rsvps if condition(each)], [each for each in rsvps if not condition(each)]


def co_host(party: DinnerParty, member: Member) -> None:
    """Tell a member that they are now a co-host."""
    to_member(
        "co_host",
        member,
        f"{party.id}:{member.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.ends_at,
        party=party_context(party, to_host=True),
        url=public_url("PartyView.show", slug=party.slug),
    )
