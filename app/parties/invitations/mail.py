"""E-mails to invited people who have not answered. Each carries the personal link of its recipient."""

from collections.abc import Callable, Sequence
from typing import Any

from app import clock
from app.accounts.models import Member
from app.outbox.models import SECRET, EmailTopic
from app.outbox.service import EmailRequest, enqueue, enqueue_decoy, enqueue_many
from app.parties import guest_addresses, queries, secret_links
from app.parties.calendar import appointments
from app.parties.mail import Appointment, TimeChange, party_context, reach
from app.parties.models import DinnerParty, Invitation


def party_invitations(party: DinnerParty, invitations: Sequence[Invitation]) -> list[bool]:
    """Invite guests; return of each whether they get it: not if they unsubscribed, or the address has no mailbox."""
    readers = queries.members_by_email(invitation.email for invitation in invitations)
    requests = [
        _request(
            "party_invitation",
            party,
            invitation,
            str(invitation.round),
            appointment=appointments.request(party, invitation),
            reader=readers.get(invitation.email_key),
            inviter=(invitation.invited_by or party.host).display_name,
            max_party=invitation.max_party,
            until=party.rsvp_deadline,
        )
        for invitation in invitations
    ]
    return enqueue_many(requests, appointments.remember)


def personal_link(party: DinnerParty, invitation: Invitation, seats_wanted: int | None) -> None:
    """Send a personal link to a person who asked for it, or for seats."""
    enqueue(
        _request(
            "personal_link",
            party,
            invitation,
            f"{clock.now():%Y%m%dT%H%M%S%f}",
            until=party.rsvp_deadline,
            url=secret_links.personal_url(seats_wanted),
            seats_wanted=seats_wanted,
        )
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


def invitations_changed(
    party: DinnerParty, invitations: Sequence[Invitation], moved: TimeChange | None
) -> list[EmailRequest]:
    """Return what announces a new time or location to people who have not answered yet."""
    return _about_party("invitation_changed", party, invitations, appointments.request, moved=moved)


def invitations_cancelled(party: DinnerParty, invitations: Sequence[Invitation]) -> list[EmailRequest]:
    """Return what announces the cancellation to people who have not answered yet."""
    return _about_party("invitation_cancelled", party, invitations, appointments.cancellation)


def _about_party(
    kind: str,
    party: DinnerParty,
    invitations: Sequence[Invitation],
    appointment: Callable[[DinnerParty, Invitation], Appointment],
    **more: Any,
) -> list[EmailRequest]:
    readers = queries.members_by_email(invitation.email for invitation in invitations)
    return [
        _request(
            kind,
            party,
            invitation,
            str(party.version),
            appointment=appointment(party, invitation),
            reader=readers.get(invitation.email_key),
            **more,
        )
        for invitation in invitations
    ]


def _request(  # noqa: PLR0913 - what e-mails differ in
    kind: str,
    party: DinnerParty,
    invitation: Invitation,
    version: str,
    *,
    appointment: Appointment | None = None,
    reader: Member | None = None,
    **more: Any,
) -> EmailRequest:
    reply_address = guest_addresses.reply_address(invitation)
    return EmailRequest(
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
