"""E-mails to invited people who have not answered. Each carries the personal link of its recipient."""

from collections.abc import Callable
from typing import Any

from app import clock
from app.accounts.models import Member
from app.outbox.models import SECRET, EmailTopic
from app.outbox.service import EmailRequest, enqueue, enqueue_decoy
from app.parties import guest_addresses, queries, secret_links
from app.parties.calendar import appointments
from app.parties.mail import Appointment, TimeChange, party_context, reach
from app.parties.models import DinnerParty, Invitation

InvitationEmail = Callable[[DinnerParty, Invitation], None]


def party_invitation(party: DinnerParty, invitation: Invitation) -> bool:
    """Invite a guest; return False if they unsubscribed, or if the address has no mailbox."""
    host = invitation.invited_by or party.host
    return _send(
        "party_invitation",
        party,
        invitation,
        str(invitation.round),
        appointment=appointments.request(party, invitation),
        reader=queries.member_by_email(invitation.email),
        inviter=host.display_name,
        max_party=invitation.max_party,
        until=party.rsvp_deadline,
    )


def personal_link(party: DinnerParty, invitation: Invitation, seats_wanted: int | None) -> None:
    """Send a personal link to a person who asked for it, or for seats."""
    _send(
        "personal_link",
        party,
        invitation,
        f"{clock.now():%Y%m%dT%H%M%S%f}",
        until=party.rsvp_deadline,
        url=secret_links.personal_url(seats_wanted),
        seats_wanted=seats_wanted,
    )


def personal_link_decoy(party: DinnerParty, seats_wanted: int | None) -> None:
    """Do the same work as `personal_link` without sending: the response time must not tell who is invited."""
    context = {
        "party": party_context(party),
        "url": secret_links.personal_url(seats_wanted),
        "seats_wanted": seats_wanted,
        "secret": SECRET,
        "reach": "note",
        "until": party.rsvp_deadline,
    }
    enqueue_decoy("personal_link", context=context)


def invitation_changed(party: DinnerParty, invitation: Invitation, *, moved: TimeChange | None = None) -> None:
    """Announce a new time or location to a person who has not answered yet."""
    _send(
        "invitation_changed",
        party,
        invitation,
        str(party.version),
        appointment=appointments.request(party, invitation),
        reader=queries.member_by_email(invitation.email),
        moved=moved,
    )


def invitation_cancelled(party: DinnerParty, invitation: Invitation) -> None:
    """Announce the cancellation to a person who has not answered yet."""
    _send(
        "invitation_cancelled",
        party,
        invitation,
        str(party.version),
        appointment=appointments.cancellation(party, invitation),
        reader=queries.member_by_email(invitation.email),
    )


def _send(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    invitation: Invitation,
    version: str,
    *,
    appointment: Appointment | None = None,
    reader: Member | None = None,
    **more: Any,
) -> bool:
    reply_address = guest_addresses.reply_address(invitation)
    email = enqueue(
        EmailRequest(
            kind,
            to=invitation.email,
            name=invitation.name,
            # What members chose for themselves comes before what the host chose for them.
            locale=(reader and reader.locale) or invitation.locale,
            timezone=reader and reader.timezone,
            hour_cycle=reader and reader.hour_cycle,
            context={
                "party": party_context(party),
                "url": secret_links.personal_url(),
                "reach": reach(party, reply_address),
                **more,
            },
            dedupe_key=f"{kind}:{invitation.id}:{version}",
            secret=secret_links.personal_token(invitation),
            expires_at=party.starts_at,
            calendar=appointment,
            topic=EmailTopic.INVITATIONS,
            reply_to=reply_address,
        )
    )
    return email is not None
