"""Commands of dashboards: `flask dashboards import` and `flask dashboards export`."""

from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from app.accounts.models import Member
from app.dashboards import queries, rules, service
from app.dashboards.configuration import checking as configurations
from app.dashboards.configuration.checking import ConfigurationProblemsError
from app.dashboards.configuration.field import described
from app.dashboards.models import Dashboard
from app.dashboards.service import Imported
from app.database import report_outage, transaction
from app.errors import DomainError
from app.extensions import db
from app.parties import queries as party_queries

dashboards = AppGroup("dashboards", help="Dashboards, from and to files.")


@dashboards.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--owner", metavar="USERNAME", help="Whose they are. By default the site's, which administrators change.")
@click.option("--global", "is_global", is_flag=True, help="Show them to everybody who may see dashboards.")
@with_appcontext
@report_outage
def import_command(files: tuple[Path, ...], owner: str | None, *, is_global: bool) -> None:
    """Add dashboards from files of this site or of flask_jsondash. One with the ID of a file is changed.

    Each module that cannot be drawn is named. Exits with 1 if a file was not imported; the others are.
    """
    member = _member(owner) if owner else None
    failed = [file for file in files if not _import(file, member, is_global=is_global)]
    if failed:
        raise click.exceptions.Exit(1)


@dashboards.command("export")
@click.argument("ids", nargs=-1)
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the files; it is made if it is missing.",
)
@with_appcontext
@report_outage
def export_command(ids: tuple[str, ...], folder: Path) -> None:
    """Write dashboards to files, by default all. Exits with 1 if there is no dashboard with one of the IDs."""
    missing = 0
    folder.mkdir(parents=True, exist_ok=True)
    for slug in ids or db.session.scalars(select(Dashboard.slug).order_by(Dashboard.id)).all():
        dashboard = queries.by_slug(slug)
        if dashboard is None:
            click.echo(f"There is no dashboard {slug}.", err=True)
            missing += 1
            continue
        file = folder / f"{slug}.json"
        file.write_text(configurations.dump(service.export(dashboard)), "utf-8")
        click.echo(f"{file}: {dashboard.name}")
        db.session.expunge_all()
    if missing:
        raise click.exceptions.Exit(1)


def _member(username: str) -> Member:
    member = party_queries.member_by_username(username)
    if member is None:
        raise click.UsageError(f"There is no member {username}.")
    return member


def _import(file: Path, owner: Member | None, *, is_global: bool) -> bool:
    """Import one file in a transaction of its own; return whether that worked."""
    try:
        with file.open("rb") as opened:
            # No more than is needed to see that it is too large.
            text = opened.read(rules.MAX_CONFIGURATION_BYTES + 1)
        with transaction():
            imported = service.import_text(text, owner, name=file.stem, by_id=True)
            if is_global:
                service.make_global(imported.dashboard, is_global=True)
    except ConfigurationProblemsError as error:
        for problem in error.problems:
            click.echo(f"{file}: {described(problem)}", err=True)
        return False
    except (DomainError, OSError) as error:
        click.echo(f"{file}: {error}", err=True)
        return False
    _report(file, imported)
    return True


def _report(file: Path, imported: Imported) -> None:
    dashboard = imported.dashboard
    done = "added" if imported.is_new else "changed"
    click.echo(f"{file}: {dashboard.name} ({dashboard.slug}) {done}, {len(dashboard.modules)} modules")
    for note in imported.notes:
        click.echo(f"  {note}")
