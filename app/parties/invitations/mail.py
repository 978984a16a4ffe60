"""Letters to those who were invited and have not answered, each with the link that is theirs alone."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app import clock
from app.outbox.models import SECRET, EmailTopic
from app.outbox.service import enqueue, enqueue_decoy
from app.parties import secret_links
from app.parties.calendar import ics
from app.parties.mail import party_context
from app.parties.models import DinnerParty, Invitation

InvitationEmail = Callable[[DinnerParty, Invitation], None]
Appointment = Callable[[DinnerParty, Invitation], str]


def party_invitation(party: DinnerParty, invitation: Invitation) -> None:
    """Invite somebody to a dinner."""
    host = invitation.invited_by or party.host
    _write(
        "party_invitation",
        party,
        invitation,
        str(invitation.round),
        appointment=ics.request,
        inviter=host.display_name,
        most=invitation.max_party,
        until=party.rsvp_deadline,
    )


def personal_link(party: DinnerParty, invitation: Invitation) -> None:
    """Send somebody who came by the share link the link that is theirs."""
    _write("personal_link", party, invitation, f"{clock.now():%Y%m%dT%H%M%S%f}", until=party.rsvp_deadline)


def personal_link_decoy(party: DinnerParty) -> None:
    """Do what `personal_link` does, for nobody."""
    context = {
        "party": party_context(party),
        "url": secret_links.personal_url(),
        "secret": SECRET,
        "until": party.rsvp_deadline,
    }
    enqueue_decoy("personal_link", context=context)


def invitation_changed(party: DinnerParty, invitation: Invitation) -> None:
    """Tell the new time or place of a dinner to somebody who has not answered yet."""
    _write("invitation_changed", party, invitation, str(party.version), appointment=ics.request)


def invitation_cancelled(party: DinnerParty, invitation: Invitation) -> None:
    """Tell somebody who has not answered yet that there will be no dinner."""
    _write("invitation_cancelled", party, invitation, str(party.version), appointment=ics.cancellation)


def _write(
    kind: str,
    party: DinnerParty,
    invitation: Invitation,
    fact: str,
    appointment: Appointment | None = None,
    **more: Any,
) -> None:
    enqueue(
        kind,
        to=invitation.email,
        name=invitation.name,
        locale=invitation.locale,
        # Nobody knows theirs; the party's is where they would go.
        timezone=party.timezone,
        context={"party": party_context(party), "url": secret_links.personal_url(), **more},
        dedupe_key=f"{kind}:{invitation.id}:{fact}",
        secret=secret_links.personal_token(invitation),
        expires_at=party.starts_at,
        calendar=None if appointment is None else partial(appointment, party, invitation),
        topic=EmailTopic.INVITATIONS,
    )
