"""The letters about accounts: who gets which, and what they say."""

from flask import current_app

from app import clock
from app.accounts.models import Member, Registration
from app.http import public_url
from app.outbox.service import SECRET, enqueue, supersede

REGISTRATION_LETTERS = ("activation", "already_registered")
FIRST = 0


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
            "site_name": current_app.config["APP_NAME"],
        },
        dedupe_key=f"activation:{registration.registration_hash}",
        secret=token,
        expires_at=registration.expires_at,
        priority=FIRST,
    )


def already_registered(member: Member) -> None:
    """Tell a member that somebody tried to register with their address."""
    enqueue(
        "already_registered",
        to=member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context={"login_url": public_url("LoginView.login"), "site_name": current_app.config["APP_NAME"]},
        dedupe_key=f"already_registered:{member.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        priority=FIRST,
    )


def welcome(member: Member) -> None:
    """Greet a new member."""
    enqueue(
        "welcome",
        to=member.email,
        name=member.display_name,
        locale=member.locale,
        timezone=member.timezone,
        context={"login_url": public_url("LoginView.login"), "site_name": current_app.config["APP_NAME"]},
        dedupe_key=f"welcome:{member.id}",
    )
