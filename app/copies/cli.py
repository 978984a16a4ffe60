"""Commands: `flask backup`, `flask restore` and `flask upgrade-check`."""

import sys
from pathlib import Path
from typing import IO

import click
from flask import current_app
from flask.cli import with_appcontext

from app import doctor, setup
from app.copies import restoration, service, upgrade
from app.copies.archive import IMAGES, UPLOADS, CopyError, Manifest
from app.database import report_outage


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--encrypt-to", "recipients", multiple=True, metavar="KEY", help="A public key of age or SSH.")
@with_appcontext
@report_outage
def backup_command(target: Path | None, recipients: tuple[str, ...]) -> None:
    """Write the database, the files of rows and the secret key into one file, also while the site runs.

    TARGET is a new file, or a folder in which it gets the present time as its name; BACKUP_FOLDER by default.
    """
    keys = recipients or tuple(current_app.config["BACKUP_RECIPIENTS"])
    if target is None and current_app.config["BACKUP_FOLDER"]:
        target = Path(current_app.config["BACKUP_FOLDER"])
    if target is None:
        raise CopyError("Name a file, or set BACKUP_FOLDER.")
    if target.is_dir():
        target /= service.new_name(keys)
    manifest = service.backup(target, keys)
    click.echo(f"{target}: {_described(manifest)}, {target.stat().st_size:,} bytes.")


@click.command("restore")
@click.argument("source", type=click.File("rb"))
@click.option("--send-emails", is_flag=True, help="Send what waited: the old site was stopped before the backup.")
@with_appcontext
@report_outage
def restore_command(source: IO[bytes], *, send_emails: bool) -> None:
    """Make a site of a backup, where there is no database yet, and bring it up to date.

    SOURCE is the file, or - for the standard input. Everything is verified before anything is changed.
    """
    with setup.alone():
        manifest = restoration.restore(source, send_emails=send_emails)
        click.echo(f"Restored: {_described(manifest)}.")
        setup.prepare()
    click.echo("The database is up to date.")
    if not send_emails:
        click.echo("E-mails that waited may have been sent since: they count as failed, and can be sent again.")


@click.command("upgrade-check")
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of findings.")
@with_appcontext
@report_outage
def upgrade_check_command(*, as_json: bool) -> None:
    """Say what `flask setup` of this version would change, and what stands in its way. Changes nothing.

    The exit status is 0 if all is well, 1 with warnings and 2 with errors.
    """
    sys.exit(doctor.report(upgrade.findings(), as_json=as_json))


def _described(manifest: Manifest) -> str:
    files = sum(name.startswith((f"{UPLOADS}/", f"{IMAGES}/")) for name in manifest.parts)
    revisions = ", ".join(name for names in manifest.schema.values() for name in names)
    return (
        f"{manifest.database} {manifest.database_version}, schema {revisions}, {sum(manifest.rows.values()):,} rows in"
        f" {len(manifest.rows)} tables, {files:,} files, of {manifest.created_at}"
    )
