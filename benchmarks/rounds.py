"""Measures rows request by request: A B C, B C A, ... so that whatever else the machine does meets all sites alike."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg

from benchmarks import processes
from benchmarks.data import Size
from benchmarks.rows import Plan, Row
from benchmarks.sites import Site
from tests.support.postgres import PostgresServer

WARM_UP, LEAST_ROUNDS = 3, 5
# What a worker still does after the last byte is counted, too.
FINISHED_SECONDS = 0.002
# Beginnings and ends of transactions are no questions.
STATEMENTS = """SELECT coalesce(sum(calls), 0) FROM pg_stat_statements(true)
    WHERE query !~* '^(begin|commit|rollback|savepoint|release|set |show |select coalesce.sum.calls)'"""


@dataclass
class Figures:
    """What the requests of a row took at a site, in milliseconds each, and the statements of one."""

    wall: list[float] = field(default_factory=list)
    application: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: int | None = None


@dataclass(frozen=True)
class Limits:
    """How many rounds, or fewer if they take longer; but LEAST_ROUNDS."""

    rounds: int
    seconds: float


class Database:
    """The server of all databases."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            f"host={server.directory} user=postgres dbname={database}", autocommit=True
        )
        self.postmaster = psutil.Process(self._connection.info.backend_pid).ppid()

    def statements(self) -> int:
        """Return how many statements were executed so far."""
        row = self._connection.execute(STATEMENTS).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def measure(
    row: Row, sites: Sequence[Site], size: Size, database: Database, limits: Limits
) -> Iterator[tuple[Site, Figures]]:
    """Measure a row at the sites that have it: as often as `limits` say."""
    plans = {site.title: (site, row.plan(site, size)) for site in sites if row.page in site.paths}
    if not plans:
        return
    figures = {title: Figures() for title in plans}
    for title, (_site, plan) in plans.items():
        figures[title].statements = _warm_up(plan, database)
    began = time.monotonic()
    order = list(plans)
    for number in range(limits.rounds):
        if number >= LEAST_ROUNDS and time.monotonic() - began > limits.seconds:
            break
        time.sleep(row.pause)
        for title in order:
            _take(*plans[title], figures[title], database)
        order.append(order.pop(0))
    for title, (site, _plan) in plans.items():
        yield site, figures[title]


def _warm_up(plan: Plan, database: Database) -> int:
    """Send the request some times; return the statements of the last."""
    before = 0
    for _ in range(WARM_UP):
        visitor, request = plan()
        before = database.statements()
        visitor.send(request)
    return database.statements() - before


def _take(site: Site, plan: Plan, figures: Figures, database: Database) -> None:
    visitor, request = plan()
    of_site = site.processes()
    application, of_database = _cpu(of_site), processes.database_seconds(database.postmaster)
    answer = visitor.send(request)
    time.sleep(FINISHED_SECONDS)
    figures.wall.append(answer.seconds * 1000)
    figures.application.append((_cpu(of_site) - application) * 1000)
    figures.database.append((processes.database_seconds(database.postmaster) - of_database) * 1000)


def _cpu(numbers: Sequence[int]) -> float:
    return sum(map(processes.cpu_seconds, numbers))
