"""Commands that set a site up: `flask setup`, `flask create-admin`, `flask demo`."""

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import IntegrityError

from app import demo, setup
from app.accounts import rules
from app.accounts.service import passwords
from app.database import transaction


def init_app(app: Flask) -> None:
    """Add the commands to `app`."""
    app.cli.add_command(setup_command)
    app.cli.add_command(create_admin_command)
    app.cli.add_command(demo_command)


@click.command("setup")
@click.option("--demo", "with_demo", is_flag=True, help="Also add members and parties, on an empty database.")
@with_appcontext
def setup_command(*, with_demo: bool) -> None:
    """Bring the database up to date and add what a new site needs. Doing it again changes nothing."""
    with setup.alone():
        setup.prepare()
        click.echo("The database is up to date.")
        if with_demo:
            _add_demo()
        with transaction():
            admin = setup.first_admin()
    if admin:
        name, password = admin
        click.echo(f"\n  Administrator: {name}\n  Password:      {password}   (shown this once)\n")


@click.command("create-admin")
@click.option("--username", prompt=True)
@click.option("--email", prompt=True)
@click.password_option()
@with_appcontext
def create_admin_command(username: str, email: str, password: str) -> None:
    """Add an administrator."""
    if not rules.is_username(username):
        raise click.BadParameter("3 to 20 letters, digits, dots, dashes or underscores", param_hint="username")
    if "@" not in email:
        raise click.BadParameter("an e-mail address has an @", param_hint="email")
    if problem := passwords.problem(
        password, names=(username, email), least=passwords.shortest(staff=True, second_factor=False)
    ):
        raise click.BadParameter(problem, param_hint="password")
    try:
        with transaction():
            setup.add_admin(username, email, password)
    except IntegrityError as error:
        message = f"There is a member named {username}, or with the address {email}, already."
        raise click.ClickException(message) from error
    click.echo(f"Administrator {username} added. Log in at {current_app.config['PUBLIC_URL']}/login/")


@click.command("demo")
@with_appcontext
def demo_command() -> None:
    """Add members and parties to look around with, on an empty database."""
    with setup.alone():
        _add_demo()


def _add_demo() -> None:
    with transaction():
        added = demo.add()
    if added:
        click.echo(f"Added a demo set: log in as {', '.join(added)} with the password “{demo.PASSWORD}”.")
    else:
        click.echo("The database is not empty: no demo set added.")
