"""The letters about accounts: who gets which, and what they say."""

from app import clock
from app.accounts.models import Member, Registration
from app.http import public_url
from app.outbox.service import SECRET, enqueue, supersede

REGISTRATION_LETTERS = ("activation", "already_registered")
FIRST, LATER = 0, 5


def activation(registration: Registration, token: str) -> None:
    """Send the link that proves the address. Earlier ones do not work any more, and are not sent any more."""
    supersede("activation", registration.email)
    enqueue(
        "activation",
        to=registration.email,
        name=f"{registration.first_name} {registration.last_name}",
        locale=registration.locale,
        timezone=registration.timezone,
        context={
            "username": registration.username,
            "expires_at": registration.expires_at,
            "url": public_url("RegistrationView.activation", token=SECRET),
        },
        dedupe_key=f"activation:{registration.registration_hash}",
        secret=token,
        expires_at=registration.expires_at,
        priority=FIRST,
    )


def already_registered(member: Member) -> None:
    """Tell a member that somebody tried to register with their address."""
    _to_member("already_registered", member, f"{clock.now():%Y%m%dT%H%M%S%f}", priority=FIRST)


def welcome(member: Member) -> None:
    """Greet a new member."""
    _to_member("welcome", member, "once")


def _to_member(kind: str, member: Member, occasion: str, *, priority: int = LATER) -> None:
    enqueue(
        kind,
        to=member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context={"login_url": public_url("LoginView.login")},
        dedupe_key=f"{kind}:{member.id}:{occasion}",
        priority=priority,
    )
