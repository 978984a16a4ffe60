"""`flask directory`: whose account is whose, where members log in with an LDAP directory."""

from collections.abc import Callable
from typing import TypeVar

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.accounts import queries
from app.accounts.ldap import client, sync
from app.accounts.models import Member
from app.accounts.users import directory, merging
from app.database import report_outage, run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db

Result = TypeVar("Result")

directory_group = AppGroup("directory", help="People of the LDAP directory, and their accounts.")


@directory_group.command("link")
@click.argument("username", required=False)
@click.argument("name", required=False)
@click.option(
    "--all", "everybody", is_flag=True, help="All accounts whose username and e-mail address the directory has."
)
@report_outage
def link_command(username: str | None, name: str | None, *, everybody: bool) -> None:
    """Let the person NAME of the directory use the account USERNAME, and nobody else."""
    _refuse_without_directory()
    if everybody:
        with transaction():
            linked = directory.link_all(db.session.scalars(select(Member).order_by(Member.username)))
            names = ", ".join(member.username for member in linked) or "none"
        click.echo(f"Linked accounts: {names}.")
        return
    if not username or not name:
        raise click.UsageError("Name an account and a person, or use --all.")
    member = _member(username)
    person = _try(lambda: directory.find(name))
    _try(lambda: directory.link(member, person))
    click.echo(f"{person.dn} can log in to the account {member.username} now.")


@directory_group.command("unlink")
@click.argument("username")
@report_outage
def unlink_command(username: str) -> None:
    """Let nobody log in to the account USERNAME until you link it again."""
    member = _member(username)
    row = sync.of_member(member)
    if row is None:
        raise click.ClickException(f"{member.username} is the account of nobody in the directory.")
    _try(lambda: directory.change_owner(row, None))
    click.echo(f"{row.dn} cannot log in to the account {member.username} any more.")


@directory_group.command("separate")
@click.argument("name")
@report_outage
def separate_command(name: str) -> None:
    """Give the person NAME, who waits for a decision, an account of their own; the contested one is renamed."""
    _refuse_without_directory()
    row = sync.row_of(_try(lambda: directory.find(name)).unique_ids)
    contested = row.contested if row is not None else None
    if row is None or contested is None:
        raise click.ClickException("Nothing is to be decided about this person.")
    _try(lambda: directory.separate(row))
    click.echo(f"{name} gets an account at the next login. The other one is called {contested.username} now.")


@directory_group.command("merge")
@click.argument("other")
@click.argument("into")
@click.option("--yes", is_flag=True, help="Merge without asking.")
@report_outage
def merge_command(other: str, into: str, *, yes: bool) -> None:
    """Give everything of the account OTHER to the account INTO, and delete OTHER. Also without a directory."""
    ending, kept = _member(other), _member(into)
    ended = ending.username
    if not yes:
        try:
            _print(merging.preview(ending, kept, None))
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused
        click.confirm(f"Merge {ended} into {kept.username}? This cannot be undone.", abort=True)
    report = _try(lambda: merging.merge(ending, kept, None))
    if yes:
        _print(report)
    click.echo(f"{ended} has been merged into {kept.username}.")


def _print(report: merging.Report) -> None:
    for warning in report.warnings:
        click.echo(f"Note: {warning}")
    for heading, lines in (("Moves", report.moved), ("In both", report.collisions), ("Ends", report.ended)):
        for label, value in lines:
            click.echo(f"{heading}: {label}: {value}")


@directory_group.command("admin")
@click.argument("name")
@report_outage
def admin_command(name: str) -> None:
    """Make the person NAME of the directory an administrator, where LDAP_ADMIN_GROUP does not say who is one."""
    _refuse_without_directory()
    if client.setting("LDAP_ADMIN_GROUP"):
        raise click.ClickException("LDAP_ADMIN_GROUP says who is an administrator: add the person to that group.")
    member = _try(lambda: directory.make_admin(directory.find(name)))
    click.echo(f"{member.username} is an administrator now.")


def _refuse_without_directory() -> None:
    if not client.is_enabled():
        raise click.ClickException("Members do not log in with a directory here: LDAP_SERVER is not set.")


def _member(username: str) -> Member:
    found = queries.member_by_name_or_email(username)
    if found is None:
        raise click.ClickException(f"No member has the username or e-mail address {username}.")
    return found


def _try(action: Callable[[], Result]) -> Result:
    try:
        return run_with_retry(action)
    except DomainError as refused:
        raise click.ClickException(str(refused)) from refused
