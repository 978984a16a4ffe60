"""E-mails about RSVPs, to guests and hosts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from app import clock
from app.accounts.models import Member
from app.address_key import address_key
from app.http import public_url
from app.outbox.models import EmailTopic
from app.outbox.service import EmailRequest, enqueue
from app.parties import guest_addresses, queries, secret_links
from app.parties.calendar import appointments, ics
from app.parties.mail import Appointment, party_context, party_url, reach, send, to_member
from app.parties.models import DinnerParty, Invitation, Rsvp
from app.parties.waiting_list.allocation import max_guest_seats

# The next daily e-mail follows a day later.
DIGEST_LIFETIME = timedelta(days=1)


def rsvp_yes(party: DinnerParty, rsvp: Rsvp) -> None:
    """Confirm seats."""
    ticket = party_url(rsvp, "TicketView.show")
    appointment = appointments.request(party, rsvp)
    send("rsvp_yes", party, rsvp, seats=rsvp.party_size, ticket_url=ticket, appointment=appointment)


def rsvp_no(party: DinnerParty, rsvp: Rsvp) -> None:
    """Remove the party from the calendar of a guest who does not come. Without one, they get no e-mail."""
    appointment = appointments.cancellation_if_sent(party, rsvp)
    if appointment is not None:
        send("rsvp_no", party, rsvp, until=_open_until(party), appointment=appointment)
    _has_left(party, rsvp)


def rsvp_maybe(party: DinnerParty, rsvp: Rsvp) -> None:
    """Mark the party as tentative in the calendar of a guest who had a seat. Without one, they get no e-mail."""
    appointment = appointments.update_if_sent(party, rsvp)
    if appointment is not None:
        send("rsvp_maybe", party, rsvp, until=_open_until(party), appointment=appointment)


def _open_until(party: DinnerParty) -> datetime | None:
    """Return until when guests can answer; None if the deadline has passed."""
    return party.answers_until if party.answers_until > clock.now() else None


def rsvp_waitlisted(party: DinnerParty, rsvp: Rsvp, position: int) -> None:
    """Tell a guest their position on the waiting list, and whether the table is too small for their group."""
    most = max_guest_seats(party.number_seats)
    appointment = appointments.update_if_sent(party, rsvp)
    send(
        "rsvp_waitlisted",
        party,
        rsvp,
        place=position,
        needed=rsvp.min_party,
        most=most,
        is_full=party.is_full,
        appointment=appointment,
    )


def request_declined(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell a guest that their request was declined."""
    send("request_declined", party, rsvp, appointment=appointments.cancellation_if_sent(party, rsvp))
    _has_left(party, rsvp)


def removed(party: DinnerParty, rsvp: Rsvp, before: str) -> None:
    """Tell a guest that a host removed them, and remove the party from their calendar."""
    cancel = appointments.cancellation if before in ics.PARTICIPATION else appointments.cancellation_if_sent
    send("removed", party, rsvp, appointment=cancel(party, rsvp))
    _has_left(party, rsvp)


def _has_left(party: DinnerParty, rsvp: Rsvp) -> None:
    """Remove the party from the calendar of the invited address, if the guest answered with an account of another one."""
    invitation = rsvp.invitation
    if invitation is not None and invitation.email_key != address_key(ics.recipient(rsvp).email):
        appointment_removed(party, invitation)


def appointment_removed(party: DinnerParty, invitation: Invitation, *, is_withdrawn: bool = False) -> None:
    """Remove the party from the calendar of an invited address. If it is not there, no e-mail is sent.

    The invitation `is_withdrawn`, or the guest who answered it with an account of another address is not coming.
    """
    appointment = appointments.cancellation_if_sent(party, invitation)
    if appointment is not None:
        _to_invited(
            "appointment_removed",
            party,
            invitation,
            f"{clock.now():%Y%m%dT%H%M%S%f}",
            appointment,
            topic=EmailTopic.INVITATIONS,
            is_withdrawn=is_withdrawn,
            may_answer=False,
        )


def guest_answered(party: DinnerParty, rsvp: Rsvp, host: Member) -> None:
    """Tell a host what a guest has just answered."""
    _about_answer("guest_answered", party, rsvp, host, status=rsvp.status, seats=rsvp.party_size, note=rsvp.note)


def seats_freed(party: DinnerParty, rsvp: Rsvp, host: Member, seats: int) -> None:
    """Tell a host that seats became free after the RSVP deadline, when nobody on the waiting list can get them."""
    _about_answer("seats_freed", party, rsvp, host, seats=seats)


def _about_answer(kind: str, party: DinnerParty, rsvp: Rsvp, host: Member, **context: Any) -> None:
    to_member(
        kind,
        host,
        f"{rsvp.id}:{host.id}:{rsvp.answered_at:%Y%m%dT%H%M%S%f}",
        expires_at=party.starts_at,
        topic=EmailTopic.ANSWERS,
        party=party_context(party, to_host=True),
        guest=str(rsvp),
        url=public_url("GuestListView.show", slug=party.slug),
        **context,
    )


def answers_digest(host: Member, news: Sequence[Rsvp], now: datetime) -> None:
    """Tell a host what guests of their parties have answered. The news are sorted by party."""
    parties = [
        {
            "title": party.title,
            "starts_at": party.starts_at,
            "timezone": party.timezone,
            "seats_free": party.seats_free,
            "url": public_url("GuestListView.show", slug=party.slug),
            "answers": [
                {"guest": str(rsvp), "status": rsvp.status, "seats": rsvp.party_size, "note": rsvp.note}
                for rsvp in rsvps
            ],
        }
        for party, rsvps in groupby(news, key=lambda rsvp: rsvp.party)
    ]
    to_member(
        "answers_digest",
        host,
        f"{host.id}:{now:%Y%m%dT%H%M%S%f}",
        expires_at=now + DIGEST_LIFETIME,
        topic=EmailTopic.ANSWERS,
        parties=parties,
        count=len(news),
    )


def approval_requested(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell the hosts that a guest without an invitation requests seats."""
    for host in (party.host, *party.co_hosts):
        to_member(
            "approval_requested",
            host,
            f"{rsvp.id}:{host.id}:{rsvp.answered_at:%Y%m%dT%H%M%S%f}",
            expires_at=party.starts_at,
            party=party_context(party, to_host=True),
            guest=rsvp.name,
            seats=rsvp.party_size,
            note=rsvp.note,
            url=public_url("GuestListView.show", slug=party.slug),
        )


def reply_refused(party: DinnerParty, guest: Rsvp | Invitation, reason: object, reply: str) -> None:
    """Tell a guest that the answer from their calendar was not recorded, and why. `reply` identifies it."""
    _to_guest("reply_refused", party, guest, reply, reason=reason)


def reply_outdated(party: DinnerParty, guest: Rsvp | Invitation, reply: str) -> None:
    """Tell a guest that the party has changed since the appointment that they answered."""
    _to_guest("reply_outdated", party, guest, reply)


def _to_guest(kind: str, party: DinnerParty, guest: Rsvp | Invitation, version: str, **more: Any) -> None:
    """Send an e-mail to a guest who may not have answered yet, and set their calendar right."""
    appointment = appointments.update_if_sent(party, guest)
    if isinstance(guest, Rsvp):
        send(kind, party, guest, version=version, appointment=appointment, **more)
    else:
        _to_invited(kind, party, guest, version, appointment, **more)


def _to_invited(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    invitation: Invitation,
    version: str,
    appointment: Appointment | None,
    *,
    topic: EmailTopic | None = None,
    may_answer: bool = True,
    **more: Any,
) -> None:
    reader = queries.member_by_email(invitation.email)
    reply_address = guest_addresses.reply_address(invitation)
    enqueue(
        EmailRequest(
            kind,
            to=invitation.email,
            name=invitation.name,
            locale=(reader and reader.locale) or invitation.locale,
            timezone=reader and reader.timezone,
            hour_cycle=reader and reader.hour_cycle,
            context={
                "party": party_context(party),
                "url": secret_links.personal_url(),
                "reach": reach(party, reply_address, may_answer=may_answer),
                **more,
            },
            dedupe_key=f"{kind}:invitation-{invitation.id}:{version}",
            secret=secret_links.personal_token(invitation) if may_answer else None,
            expires_at=party.ends_at,
            calendar=appointment,
            topic=topic,
            reply_to=reply_address,
        )
    )
