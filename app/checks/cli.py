"""`flask doctor`: what is wrong with the site, and what to do."""

import json
import sys

import click
from flask.cli import with_appcontext

from app import doctor
from app.doctor import Level

MARKS = {Level.OK: "ok", Level.WARNING: "WARNING", Level.ERROR: "ERROR"}


@click.command("doctor")
@click.option("--as", "person", default="", metavar="NAME", help="Also show what a login of this person would do.")
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of findings.")
@with_appcontext
def doctor_command(person: str, *, as_json: bool) -> None:
    """Say what is wrong with the site, and what to do. Changes nothing.

    The exit status is 0 if all is well, 1 with warnings and 2 with errors.
    """
    worst = Level.OK
    found = []
    for check, finding in doctor.examine(person):
        worst = max(worst, finding.level)
        found.append(
            {"check": check.name, "level": finding.level.name.lower(), "text": finding.text, "advice": finding.advice}
        )
        if not as_json:
            click.echo(f"{MARKS[finding.level]:8} {check.name}: {finding.text}")
            if finding.advice:
                click.echo(f"{'':8} {finding.advice}")
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif worst == Level.OK:
        click.echo("Nothing is wrong.")
    sys.exit(worst)
