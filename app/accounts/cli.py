"""Commands for the operator of the site."""

import click
from flask.cli import with_appcontext

from app.accounts import queries
from app.accounts.models import Member
from app.accounts.oidc import providers
from app.accounts.oidc import service as oidc_service
from app.accounts.oidc.service import OidcIdentity
from app.accounts.passwords import service as password_service
from app.accounts.users import service as user_service
from app.database import report_outage, transaction
from app.errors import DomainError
from app.outbox import texts as outbox_texts


@click.command("reset-password")
@click.argument("name")
@click.option(
    "--send-email",
    is_flag=True,
    help="Send the user an e-mail with a link to choose a password, instead of prompting for one.",
)
# The former name of the option.
@click.option("--send-letter", "send_email", is_flag=True, hidden=True)
@click.option("--password", help="The new password. Prompted for if omitted, unless an e-mail is sent.")
@with_appcontext
@report_outage
def reset_password_command(name: str, password: str | None, *, send_email: bool) -> None:
    """Reset the password of the user NAME (username or e-mail address) and sign them out on all devices."""
    person = member(name)
    typed = None if send_email else password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        if typed is not None:
            set_password(person, typed)
            return
        with transaction():
            user_service.send_password_link(person)
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(outbox_texts.sent(f"A link to choose a new password is on its way to {person.email}.")[0])


def set_password(person: Member, password: str) -> None:
    """Set the password of a member, and report it; raises DomainError if it cannot be used."""
    user_service.refuse_without_own_passwords()
    with transaction():
        password_service.set_by_administrator(person, password)
    click.echo(f"The password of {person.username} was changed. The user was signed out on all devices.")


@click.command("unlock")
@click.argument("name")
@with_appcontext
@report_outage
def unlock_command(name: str) -> None:
    """Unlock the user NAME (username or e-mail address) after too many failed logins."""
    person = member(name)
    with transaction():
        user_service.unlock(person)
    click.echo(f"{person.username} was unlocked.")


@click.command("link-identity")
@click.argument("name")
@click.argument("provider")
@click.argument("subject")
@with_appcontext
@report_outage
def link_identity_command(name: str, provider: str, subject: str) -> None:
    """Let the user NAME log in as SUBJECT (the number or name there that never changes) at PROVIDER."""
    person, chosen = member(name), providers.find(provider)
    if chosen is None:
        known = ", ".join(each.name for each in providers.configured()) or "none"
        raise click.ClickException(f"There is no provider {provider}, but {known}.")
    try:
        with transaction():
            oidc_service.link(person, OidcIdentity(chosen.issuer, subject))
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(f"{person.username} can log in at {chosen.label} now.")


def member(name: str) -> Member:
    """Return the member with that username or e-mail address; raises ClickException if there is none."""
    found = queries.member_by_name_or_email(name)
    if found is None:
        raise click.ClickException(f"No member has the username or e-mail address {name}.")
    return found
