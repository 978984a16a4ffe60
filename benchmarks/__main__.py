"""The commands: `make benchmark ARGS="--sizes 100k"` and `make benchmark-compare REV=HEAD~10`. README.md explains them."""

import argparse
import contextlib
import functools
import itertools
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import config
from benchmarks import data, environments, report, special
from benchmarks.data import Size
from benchmarks.report import Cell, Cells
from benchmarks.rounds import Database, Limits, measure
from benchmarks.rows import ROWS, Row
from benchmarks.sites import Django, FlaskAdmin, Floor, Ours, Site, SqlAdmin, StockFab, TunedDjango
from benchmarks.special import Measured
from benchmarks.visitor import WrongAnswerError
from tests.support import postgres
from tests.support.postgres import PostgresServer

PEERS: tuple[tuple[type[Site], str], ...] = (
    (Django, "django"),
    (TunedDjango, "django"),
    (FlaskAdmin, "flask_admin"),
    (SqlAdmin, "sqladmin"),
    (StockFab, "flask_appbuilder"),
    (Floor, "flask_admin"),
)
# As a server has it on the machine for which the data is made; all rows of a peer or of ours are in memory.
SETTINGS = {
    "shared_buffers": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "shared_preload_libraries": "pg_stat_statements",
}
# Rows that could not be measured, and why.
FAILED: list[str] = []


def main() -> None:
    """Read the arguments, measure, and print."""
    arguments = _parse()
    # Also then all servers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cache = arguments.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    measured: dict[Size, Cells] = {}
    began = datetime.now(UTC)
    file = cache / "results" / f"{began:%Y-%m-%dT%H%M%S}.json"
    with postgres.running_server(in_memory=False, **SETTINGS) as server:
        for size in arguments.sizes:
            print(f"\n{size.name} parties", flush=True)
            with _served(server, cache, size, arguments) as sites:
                measured[size] = _measure(sites, server, size, arguments)
                _print(measured[size], sites, size, with_targets=not arguments.compare)
            report.write(file, _about(began, arguments), measured)
    if len(measured) > 1:
        print(f"\n{report.growth_table(measured, Ours.name)}")
    print(f"\nWritten to {file}")
    if FAILED:
        sys.exit("\n".join(["Not measured:", *FAILED]))


def _about(began: datetime, arguments: argparse.Namespace) -> dict[str, object]:
    """Return what was measured, when, and where."""
    return {
        "began": began.isoformat(),
        "machine": f"{os.cpu_count()} × {platform.machine()}, {platform.platform()}, Python {platform.python_version()}",
        "load": os.getloadavg(),
        "arguments": {name: str(value) for name, value in vars(arguments).items()},
    }


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=_sizes("100k"), help="how many parties: 1k,100k,1m")
    names = [row.name for row in ROWS] + list(special.STEPS)
    parser.add_argument("--rows", type=_names(names), default=names, help=f"some of: {','.join(names)}")
    peers = [peer.name for peer, _lock in PEERS]
    parser.add_argument("--peers", type=_names(peers), default=peers, help=f"some of: {','.join(peers)}")
    parser.add_argument("--rounds", type=int, default=30, help="requests of each row to each site")
    parser.add_argument(
        "--seconds", type=float, default=60, help="after which a row ends early, but not before 5 rounds"
    )
    parser.add_argument("--repeats", type=int, default=3, help="how often all is measured, for the spread")
    parser.add_argument("--sqlite", action="store_true", help="also ours on SQLite")
    parser.add_argument("--compare", metavar="REV", help="with another commit of ours, and not with the peers")
    parser.add_argument("--cache", type=Path, default=config.ROOT / "instance" / "benchmarks", help="where all is kept")
    return parser.parse_args()


def _sizes(text: str) -> list[Size]:
    factors = {"k": 1000, "m": 1_000_000}
    return [Size(int(word[:-1]) * factors[word[-1]]) for word in text.lower().split(",")]


def _names(known: Sequence[str]) -> "argparse._ActionType":
    def read(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        unknown = set(chosen) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(known)}")
        return chosen

    return read


# -- what is served


@contextlib.contextmanager
def _served(server: PostgresServer, cache: Path, size: Size, arguments: argparse.Namespace) -> Iterator[list[Site]]:
    """Load the data and serve all sites."""
    logs = cache / "logs"
    logs.mkdir(exist_ok=True)
    sites = [] if arguments.compare else _peers(server, cache, size, arguments.peers)
    sites.append(_ours(server, cache, size, config.ROOT, Ours.name))
    if arguments.sqlite:
        sites.append(_ours(None, cache, size, config.ROOT, f"{Ours.name}, SQLite"))
    if arguments.compare:
        sites.insert(0, _ours(server, cache, size, environments.tree_of(cache, arguments.compare), arguments.compare))
    try:
        for site in sites:
            site.start()
        yield sites
    finally:
        for site in sites:
            site.stop()
            if isinstance(site, Ours):
                shutil.rmtree(site.environ["INSTANCE_PATH"], ignore_errors=True)


def _peers(server: PostgresServer, cache: Path, size: Size, names: Sequence[str]) -> list[Site]:
    if not names:
        return []
    database = f"peers_{size.parties}"
    print("Loading the data of the peers", flush=True)
    data.load_peers(server, database, size)
    targets = itertools.count(size.first_target + 1)
    environ = {
        "PGHOST": str(server.directory),
        "PGUSER": "postgres",
        "PGDATABASE": database,
        "DATABASE_URL": server.url(database),
    }
    sites = []
    for peer, lock in PEERS:
        if peer.name in names:
            site = peer(environments.python_of_peer(cache, lock), environ, targets, cache / "logs")
            site.prepare()
            sites.append(site)
    return sites


def _ours(server: PostgresServer | None, cache: Path, size: Size, tree: Path, title: str) -> Site:
    """Load our data, and return our site; without a server, on SQLite."""
    print(f"Loading the data of {title}", flush=True)
    python = environments.python_of_ours(cache, tree)
    name = "".join(letter if letter.isalnum() else "_" for letter in f"{title}_{size.parties}")
    instance = cache / "instances" / f"{name}-{time.time_ns()}"
    instance.mkdir(parents=True)
    file = instance / "benchmark.db"
    environ = {
        "DATABASE_URL": server.url(name) if server else f"sqlite:///{file}",
        "INSTANCE_PATH": str(instance),
        "RATELIMIT_ENABLED": "no",
        "WORKERS": "1",
    }
    if server:
        server.create(name)
    data.set_up_ours(python, tree, environ)
    if server:
        data.fill_ours(server, name, size)
    else:
        data.fill_ours_on_sqlite(file, size)
    return Ours(python, environ, itertools.count(size.first_target + 1), cache / "logs", tree, title)


# -- measuring


def _measure(sites: Sequence[Site], server: PostgresServer, size: Size, arguments: argparse.Namespace) -> Cells:
    cells: Cells = {}
    limits = Limits(arguments.rounds, arguments.seconds)
    database = Database(server, f"{Ours.name}_{size.parties}")
    steps = {row.name: functools.partial(_in_rounds, row, limits) for row in ROWS} | special.STEPS
    for number, name in itertools.product(range(arguments.repeats), steps):
        if name not in arguments.rows:
            continue
        print(f"  {number + 1}/{arguments.repeats} {name}", flush=True)
        try:
            taken = list(steps[name](sites, size, database))
        except (WrongAnswerError, OSError) as error:
            FAILED.append(f"{size.name}, {name}: {error}")
            print(f"  {error}", flush=True)
            continue
        for row, site, figures, unit in taken:
            cells.setdefault((row, site.title), Cell(unit=unit)).add(figures)
    database.close()
    return cells


def _in_rounds(row: Row, limits: Limits, sites: Sequence[Site], size: Size, database: Database) -> Measured:
    for site, figures in measure(row, sites, size, database, limits):
        yield row.name, site, figures, "ms"


def _print(cells: Cells, sites: Sequence[Site], size: Size, *, with_targets: bool) -> None:
    titles = [site.title for site in sites]
    targets = {row.name: row.targets_at(size) for row in ROWS} | special.TARGETS if with_targets else {}
    print(f"\n{size.name} parties, {size.members} members\n\n{report.figures_table(cells, titles)}\n")
    print(report.ratios_table(cells, titles, Ours.name, targets))


if __name__ == "__main__":
    main()
