"""E-mails about changes of a party, and to co-hosts."""

from app import clock
from app.accounts.models import Member
from app.http import public_url
from app.parties.calendar import appointments, ics
from app.parties.enums import RsvpStatus
from app.parties.mail import Appointment, TimeChange, party_context, send, to_member
from app.parties.models import DinnerParty, Rsvp


def party_changed(party: DinnerParty, rsvp: Rsvp, *, moved: TimeChange | None = None) -> None:
    """Announce a new time or location, with an updated appointment for guests who have the party in their calendar."""
    appointment = changed_appointment(party, rsvp)
    send("party_changed", party, rsvp, version=party.version, appointment=appointment, moved=moved)


def party_cancelled(party: DinnerParty, rsvp: Rsvp) -> None:
    """Announce the cancellation, and remove the appointment from the guest's calendar."""
    appointment = cancelled_appointment(party, rsvp)
    send("party_cancelled", party, rsvp, version=party.version, appointment=appointment)


def changed_appointment(party: DinnerParty, rsvp: Rsvp) -> Appointment | None:
    """Return what updates the party in the calendar of a guest who has it there, or should have."""
    return (appointments.request if rsvp.status in ics.PARTICIPATION else appointments.update_if_sent)(party, rsvp)


def cancelled_appointment(party: DinnerParty, rsvp: Rsvp) -> Appointment | None:
    """Return what removes the party from the calendar of a guest."""
    # A guest with an offer may have entered the party into their calendar themselves.
    has_it = rsvp.status in ics.PARTICIPATION or rsvp.status == RsvpStatus.OFFERED
    return (appointments.cancellation if has_it else appointments.cancellation_if_sent)(party, rsvp)


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
