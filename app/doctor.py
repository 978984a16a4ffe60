"""What is wrong with a site: the registry of checks that `flask doctor` runs.

A check is a function that yields findings, in the file `checks` of its subject:

    @check("outbox age")
    def outbox_age() -> Iterator[Finding]:
        if late:
            yield warning("The oldest e-mail waits for 3 hours.", "Start a worker.")

It yields nothing if there is nothing to check. Quick checks also run at the start of the site; they neither use the network,
other than the connection to the database, nor take longer than a moment. A check `of_person` gets the name of `flask doctor --as`.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from importlib import import_module
from typing import TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from config import ConfigurationError

Function = TypeVar("Function", bound=Callable[..., Iterator["Finding"]])

logger = logging.getLogger(__name__)


class Level(IntEnum):
    """How bad it is, and the exit status of the command."""

    OK = 0
    WARNING = 1
    ERROR = 2


class SiteConfigurationError(ConfigurationError):
    """The site cannot be looked at. The status of other commands that fail would be that of a warning."""

    exit_code = Level.ERROR


ASK_LATER = "See what is said about the database."
MARKS = {Level.OK: "ok", Level.WARNING: "WARNING", Level.ERROR: "ERROR"}


@dataclass(frozen=True)
class Finding:
    """What a check has seen, and what to do about it."""

    level: Level
    text: str
    advice: str = ""


def ok(text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Level.OK, text)


def warning(text: str, advice: str) -> Finding:
    """Return what works, but not well, or not for long."""
    return Finding(Level.WARNING, text, advice)


def error(text: str, advice: str) -> Finding:
    """Return what does not work."""
    return Finding(Level.ERROR, text, advice)


@dataclass(frozen=True)
class Check:
    """A registered check."""

    name: str
    run: Callable[..., Iterator[Finding]]
    quick: bool
    of_person: bool

    def findings(self, *arguments: str) -> list[Finding]:
        """Return what it finds. Its own failure is a finding, so that the other checks run."""
        found: list[Finding] = []
        try:
            found.extend(self.run(*arguments))
        except SQLAlchemyError as failure:
            # The start says it, and so does the check of the database.
            lines = str(getattr(failure, "orig", None) or failure).splitlines() or [""]
            found.append(error(f"The database cannot be asked: {lines[0]}", ASK_LATER))
        except Exception as failure:
            logger.debug("The check %s failed", self.name, exc_info=True)
            found.append(error(f"The check failed: {type(failure).__name__}: {failure}", "Report this as a bug."))
        return found


CHECKS: dict[str, Check] = {}


def check(name: str, *, quick: bool = False, of_person: bool = False) -> Callable[[Function], Function]:
    """Register the decorated function under `name`."""

    def register(function: Function) -> Function:
        CHECKS[name] = Check(name, function, quick, of_person)
        return function

    return register


def examine(person: str = "", *, only_quick: bool = False) -> Iterator[tuple[str, Finding]]:
    """Run the checks, those of a `person` only if one is given, and yield what they find."""
    # Processes that serve do not load them.
    import_module("app.checks")
    for each in CHECKS.values():
        if only_quick and not each.quick:
            continue
        if each.of_person and not person:
            continue
        for finding in each.findings(*([person] if each.of_person else [])):
            yield each.name, finding


def warn() -> None:
    """Write to the log what the quick checks find wrong."""
    for name, finding in examine(only_quick=True):
        if finding.advice == ASK_LATER:
            # The start has said that the database is down. Each attempt to connect may take long.
            return
        if finding.level > Level.OK:
            logger.warning("%s: %s %s", name, finding.text, finding.advice)


def report(found: Iterable[tuple[str, Finding]], *, as_json: bool) -> Level:
    """Print findings with the names of their checks, as they come, and return the worst level."""
    worst = Level.OK
    rows = []
    for name, finding in found:
        worst = max(worst, finding.level)
        rows.append(
            {"check": name, "level": finding.level.name.lower(), "text": finding.text, "advice": finding.advice}
        )
        if not as_json:
            click.echo(f"{MARKS[finding.level]:8} {name}: {finding.text}")
            if finding.advice:
                click.echo(f"{'':8} {finding.advice}")
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif worst == Level.OK:
        click.echo("Nothing is wrong.")
    return worst
