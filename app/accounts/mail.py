"""The letters about accounts: who gets which, and what they say."""

from datetime import datetime
from typing import Any

from app import clock
from app.accounts.models import Member, Registration
from app.http import public_url
from app.outbox.service import ORDINARY, SECRET, URGENT, enqueue, rehearse, supersede

REGISTRATION_LETTERS = ("activation", "already_registered")


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
        priority=URGENT,
    )


def already_registered(member: Member) -> None:
    """Tell a member that somebody tried to register with their address."""
    to_member("already_registered", member, f"{clock.now():%Y%m%dT%H%M%S%f}", login_url=public_url("LoginView.login"))


def welcome(member: Member) -> None:
    """Greet a new member."""
    to_member("welcome", member, "once", urgent=False, login_url=public_url("LoginView.login"))


def locked_out(member: Member | None, locked_until: datetime) -> None:
    """Tell a member that somebody failed to log in as them too often; for nobody the letter is thrown away."""
    context = {"locked_until": locked_until, "forgot_url": public_url("PasswordView.forgot")}
    if member is None:
        rehearse("locked_out", context=context)
    else:
        to_member("locked_out", member, f"{locked_until:%Y%m%dT%H%M%S%f}", **context)


def new_device(member: Member, device_id: int, browser: str, address: str) -> None:
    """Tell a member that they have logged in with a browser that they never used before."""
    context = {"browser": browser, "address": address, "at": clock.now()}
    to_member("new_device", member, str(device_id), devices_url=public_url("DeviceView.list"), **context)


def to_member(  # noqa: PLR0913 - what a letter is
    kind: str,
    member: Member,
    occasion: str,
    *,
    to: str | None = None,
    urgent: bool = True,
    secret: str | None = None,
    expires_at: datetime | None = None,
    **context: Any,
) -> None:
    """Write a letter of `kind` to `member`, once per `occasion`; `to` is another address of theirs."""
    enqueue(
        kind,
        to=to or member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context={"username": member.username, **context},
        dedupe_key=f"{kind}:{member.id}:{occasion}",
        secret=secret,
        expires_at=expires_at,
        priority=URGENT if urgent else ORDINARY,
    )
