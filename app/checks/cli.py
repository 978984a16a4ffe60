"""`flask doctor`: what is wrong with the site, and what to do."""

import sys

import click
from flask.cli import with_appcontext

from app import doctor


@click.command("doctor")
@click.option("--as", "person", default="", metavar="NAME", help="Also show what a login of this person would do.")
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of findings.")
@with_appcontext
def doctor_command(person: str, *, as_json: bool) -> None:
    """Say what is wrong with the site, and what to do. Changes nothing.

    The exit status is 0 if all is well, 1 with warnings and 2 with errors.
    """
    sys.exit(doctor.report(doctor.examine(person), as_json=as_json))
