"""Commands for whoever runs the site and cannot, or need not, come in by the door."""

import click
from flask.cli import with_appcontext

from app.accounts import queries
from app.accounts.models import Member
from app.accounts.passwords import service as password_service
from app.accounts.users import service as user_service
from app.database import report_outage, transaction
from app.errors import DomainError


@click.command("reset-password")
@click.argument("name")
@click.option(
    "--send-letter", is_flag=True, help="Write to them where to choose a password, instead of asking for one."
)
@click.option("--password", help="The new password; without it, and without a letter, it is asked for.")
@with_appcontext
@report_outage
def reset_password_command(name: str, password: str | None, *, send_letter: bool) -> None:
    """Give the member NAME (a username or an e-mail address) another password, and sign them out everywhere."""
    member = _member(name)
    typed = None if send_letter else password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with transaction():
            if typed is None:
                user_service.send_password_link(member)
            else:
                user_service.refuse_in_directory()
                password_service.set_by_administrator(member, typed)
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
    if typed is None:
        click.echo(f"A link to choose a new password is on its way to {member.email}.")
    else:
        click.echo(f"{member.username} has another password and was signed out everywhere.")


@click.command("unlock")
@click.argument("name")
@with_appcontext
@report_outage
def unlock_command(name: str) -> None:
    """Let the member NAME (a username or an e-mail address) try to log in again, after too many failures."""
    member = _member(name)
    with transaction():
        user_service.unlock(member)
    click.echo(f"{member.username} can try to log in again.")


def _member(name: str) -> Member:
    member = queries.member_by_name_or_email(name)
    if member is None:
        raise click.ClickException(f"There is no member named {name}, nor with that address.")
    return member
