"""Commands that set a site up and run it: `flask setup`, `worker`, `create-admin`, `demo` and `purge`."""

import logging

import click
from flask import current_app
from flask.cli import with_appcontext

from app import demo, doctor, fab_commands, scheduler, setup, worker, zone_rules
from app.accounts.ldap import client as ldap_client
from app.database import report_outage, transaction
from app.errors import DomainError
from app.outbox import service as outbox_service


@click.command("setup")
@click.option("--demo", "with_demo", is_flag=True, help="Also add sample users and parties if the database is empty.")
@with_appcontext
@report_outage
def setup_command(*, with_demo: bool) -> None:
    """Create or upgrade the database and the initial data. Safe to run again."""
    with setup.alone():
        moved = setup.prepare()
        click.echo("The database is up to date.")
        if moved:
            click.echo(f"Time zone rules have changed. Coming parties that moved, whose guests will be told: {moved}.")
        if with_demo:
            _add_demo()
        with transaction():
            admin = setup.first_admin()
            if admin:
                # Before the commit: nobody is left with an administrator whose password was never shown.
                name, password = admin
                click.echo(f"\n  Administrator: {name}\n  Password:      {password}   (shown this once)\n")
        if ldap_client.is_enabled():
            group = current_app.config["LDAP_ADMIN_GROUP"]
            click.echo(
                f"Administrators are {f'the members of {group}' if group else 'made with: flask directory admin NAME'}."
            )


@click.command("worker")
@with_appcontext
def worker_command() -> None:
    """Deliver e-mail and run the scheduler in the foreground. run.py starts this itself unless BACKGROUND_WORKER=no.

    SIGTERM and Ctrl-C stop it after the current e-mail. Any number of workers may run at once.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    app.logger.setLevel(logging.INFO)
    setup.refuse_other_schema()
    doctor.warn()
    how = "with" if outbox_service.delivers() else "without"
    why = ", because MAIL_SUPPRESS_SEND is set" if outbox_service.suppresses() else ""
    app.logger.info("Background worker started, %s e-mail%s", how, why)
    app.logger.info("Time zone rules: %s", zone_rules.described())
    worker.run(app)


@click.command("create-admin")
@click.option("--username", prompt=True)
@click.option("--email", prompt=True)
@click.option("--password", help="Prompted for if omitted.")
@with_appcontext
@report_outage
def create_admin_command(username: str, email: str, password: str | None) -> None:
    """Add an administrator. Safe to run again."""
    if fab_commands.is_known_admin(username, email):
        return
    fab_commands.refuse_with_directory()
    typed = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    fab_commands.create_admin(typed, username=username, email=email)


@click.command("purge")
@with_appcontext
@report_outage
def purge_command() -> None:
    """Delete expired data. The running site does this every hour; safe to run again."""
    for count, task in scheduler.purge():
        click.echo(task.describe(count))


@click.command("demo")
@click.option("--remove", is_flag=True, help="Remove the sample users and parties instead, and nothing else.")
@with_appcontext
@report_outage
def demo_command(*, remove: bool) -> None:
    """Add sample users and parties to an empty database."""
    with setup.alone():
        if remove:
            _remove_demo()
        else:
            _add_demo()


def _remove_demo() -> None:
    try:
        with transaction():
            done = demo.remove()
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if not any(done):
        click.echo("There is no demo data.")
    if done.removed or done.parties:
        click.echo(f"Removed users: {_listed(done.removed)}. Removed parties: {_listed(done.parties)}.")
    if done.kept_parties:
        click.echo(f"Kept parties that other people were invited to or have answered: {_listed(done.kept_parties)}.")
    if done.disabled:
        click.echo(f"Kept users whom parties need, deactivated and without a password: {_listed(done.disabled)}.")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _add_demo() -> None:
    if ldap_client.is_enabled():
        click.echo("No demo data was added: its members are not in your directory.")
        return
    if not current_app.config["IS_LOCAL"]:
        click.echo("No demo data was added: everybody knows its passwords, and others may reach this site.")
        return
    with transaction():
        added = demo.add()
    if added:
        click.echo(f"Added demo data. Log in as {', '.join(added)} with the password '{demo.PASSWORD}'.")
    else:
        click.echo("The database is not empty. No demo data was added.")
