"""The rows that are measured, the same for all sites, written by COPY.

Of 20 parties one is still to come; the others were in the ten years before. Each has two answers, and there is one member for
20 parties, but 500 at least. Beside them are parties that nobody has answered yet, for what writes.
"""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.postgres import PostgresServer

FIRST_MEMBER, LEAST_MEMBERS, ANSWERS_OF_PARTY, PARTIES_OF_MEMBER = 1000, 500, 2, 20
# Parties without answers, and one with many: the first of them.
TARGETS, GUESTS = 3000, 2000
YEARS, DAY, UPCOMING = timedelta(days=3650), timedelta(days=1), 20
PASSWORD = "dinner for eight hundred"  # noqa: S105 - of everybody in the benchmark
# In few titles.
NEEDLE = "Quince"
ADJECTIVES = ("Slow", "Bright", "Smoky", "Quiet", "Golden", "Late", "Winter")
DISHES = ("risotto", "tagine", "curry", "lasagne", "pho", "paella", "gumbo", "goulash", "ramen", "mole", "stew")
AREAS = ("Harbour", "Old Town", "Hillside", "Riverbank", "Station")
# What a column gets that must not be empty, and that nothing is said about.
FILLED = {"boolean": False, "jsonb": "[]", "json": "[]", "integer": 0, "smallint": 0, "bigint": 0}

Row = Sequence[object]


@dataclass(frozen=True)
class Size:
    """How much there is."""

    parties: int

    @property
    def members(self) -> int:
        """How many people have an account."""
        return max(LEAST_MEMBERS, self.parties // PARTIES_OF_MEMBER)

    @property
    def name(self) -> str:
        """How the size is written."""
        thousands = self.parties // 1000
        return f"{thousands // 1000} M" if thousands >= 1000 else f"{thousands} k"

    @property
    def first_target(self) -> int:
        """The first party without answers."""
        return self.parties + 1


@dataclass(frozen=True)
class Table:
    """Rows of a table, with the columns in which they differ."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[Row]


def _moments(size: Size) -> Iterator[datetime]:
    """Yield when each party starts; no two start at once."""
    start = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    step = YEARS / size.parties
    past = size.parties - size.parties // UPCOMING
    for number in range(size.parties):
        # Which one is next must not change while it is measured.
        yield start + step * (number - past) + (DAY if number >= past else -DAY)
    for number in range(TARGETS):
        yield start + YEARS + timedelta(minutes=number)


def title_of(size: Size, number: int) -> str:
    """Return the title of a party."""
    if number > size.parties:
        return f"Target {number}"
    adjective = NEEDLE if number % (size.parties // 20) == 7 else ADJECTIVES[number % 7]
    return f"{adjective} {DISHES[number % 11]} {number}"


def _parties(size: Size) -> Iterator[tuple[int, str, str, int, datetime, str, str, str, str, int]]:
    """Yield id, title, slug, host, start, area, main dish, status, visibility and taken seats of each party."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for number, starts_at in enumerate(_moments(size), 1):
        dish, upcoming, target = DISHES[number % 11], starts_at > now, number > size.parties
        status = "published" if upcoming else "cancelled" if number % 10 == 3 else "done"
        visibility = "private" if number % 5 == 4 and not target else "public"
        title = title_of(size, number)
        host = FIRST_MEMBER + number * 7919 % size.members if not target else FIRST_MEMBER
        yield (
            *(number, title, title.lower().replace(" ", "-"), host, starts_at, AREAS[number % 5], dish, status),
            *(visibility, 0 if target else ANSWERS_OF_PARTY),
        )


def _members(size: Size) -> Iterator[tuple[int, str]]:
    for number in range(FIRST_MEMBER, FIRST_MEMBER + size.members):
        yield number, f"member{number}"


def _answers(size: Size) -> Iterator[tuple[int, int, int, str, datetime]]:
    """Yield id, party, member, address and moment of each answer."""
    moments = _moments(size)
    number = 0
    for party in range(1, size.parties + 1):
        answered = next(moments) - timedelta(days=3)
        for _ in range(ANSWERS_OF_PARTY):
            number += 1
            member = FIRST_MEMBER + number * 104729 % size.members
            yield number, party, member, f"member{member}@example.com", answered


# -- the schema of the peers


def peer_tables(size: Size) -> Iterator[Table]:
    """Yield the rows of the peers' tables."""
    yield Table(
        "member",
        ("id", "username", "first_name", "last_name", "email", "is_staff", "is_superuser"),
        [
            (1, "admin", "Ada", "Admin", "admin@example.com", True, True),
            *((key, name, "Mem", f"Ber {key}", f"{name}@example.com", False, False) for key, name in _members(size)),
        ],
    )
    columns = (
        "id",
        "title",
        "slug",
        "host_id",
        "starts_at",
        "area",
        "main_dish",
        "status",
        "visibility",
        "seats_taken",
    )
    yield Table("dinner_party", columns, _parties(size))
    yield Table(
        "rsvp",
        ("id", "party_id", "member_id", "email", "answered_at", "status"),
        ((*answer, "checked_in" if answer[1] % 20 else "yes") for answer in _answers(size)),
    )


def load_peers(server: PostgresServer, database: str, size: Size) -> None:
    """Make the database of the peers."""
    server.create(database)
    schema = (Path(__file__).parent / "peers" / "schema.sql").read_bytes()
    with psycopg.connect(conninfo(server, database), autocommit=True) as connection:
        connection.execute(schema)
        connection.execute("CREATE EXTENSION pg_stat_statements")
        _copy(connection, peer_tables(size))


# -- ours


def our_tables(size: Size, password: str, role: int) -> Iterator[Table]:
    """Yield the rows of our tables."""
    now = datetime.now(UTC).replace(tzinfo=None)
    person = ("id", "username", "username_key", "first_name", "last_name", "email", "email_key", "password")
    yield Table(
        "ab_user",
        (*person, "active", "locale", "joined_at", "session_stamp"),
        (
            (
                *(key, name, name, "Mem", f"Ber {key}", f"{name}@example.com", f"{name}@example.com", password),
                *(True, "en", now, "0123456789abcdef"),
            )
            for key, name in _members(size)
        ),
    )
    yield Table("ab_user_role", ("user_id", "role_id"), ((key, role) for key, _name in _members(size)))
    party = ("id", "title", "slug", "host_id", "starts_at", "area", "main_dish", "status", "visibility", "seats_taken")
    yield Table(
        "dinner_party",
        (
            *party,
            "starts_at_local",
            "timezone",
            "created_at",
            "number_seats",
            "max_party",
            "duration_minutes",
            "version",
        ),
        ((*each, each[4], "UTC", now, 8, 4, 180, 1) for each in _parties(size)),
    )
    answer = ("id", "party_id", "member_id", "email", "answered_at", "email_key", "party_size", "min_party", "status")
    yield Table("rsvp", answer, _our_answers(size))


def _our_answers(size: Size) -> Iterator[Row]:
    number = 0
    for each in _answers(size):
        number = each[0]
        yield (*each, each[3], 1, 1, "checked_in" if each[1] % 20 else "yes")
    now = datetime.now(UTC).replace(tzinfo=None)
    for guest in range(GUESTS):
        address = f"guest{guest}@example.com"
        yield number + 1 + guest, size.first_target, None, address, now, address, 1, 1, "maybe"


def set_up_ours(python: Path, tree: Path, environ: dict[str, str]) -> None:
    """Let our own commands make the schema, and an administrator."""
    flask = [str(python), "-m", "flask", "--app", "app"]
    settings = {**os.environ, **environ}
    admin = ["create-admin", "--username", "benchmark", "--email", "benchmark@example.com", "--password", PASSWORD]
    for command in (["setup"], admin):
        subprocess.run([*flask, *command], cwd=tree, env=settings, check=True, capture_output=True)


def fill_ours(server: PostgresServer, database: str, size: Size) -> None:
    """Fill our database, which is set up."""
    with psycopg.connect(conninfo(server, database), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        _copy(connection, our_tables(size, *_of_admin(connection)))


def fill_ours_on_sqlite(file: Path, size: Size) -> None:
    """Fill our database in a file, which is set up."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in our_tables(size, *_of_admin(connection)):
            missing = {
                name: FILLED.get(kind.lower(), "")
                for _, name, kind, required, default, is_key in connection.execute(f"PRAGMA table_info({table.name})")
                if required and default is None and not is_key and name not in table.columns
            }
            names = [*table.columns, *missing]
            statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            rest = tuple(missing.values())
            connection.executemany(statement, ((*map(_for_sqlite, row), *rest) for row in table.rows))
        connection.commit()
        connection.execute("ANALYZE")


def _for_sqlite(value: object) -> object:
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, datetime) else value


def _of_admin(connection: Any) -> tuple[str, int]:
    """Return the hash of everybody's password, and the role of members."""
    (password,) = connection.execute("SELECT password FROM ab_user WHERE username = 'benchmark'").fetchone()
    (role,) = connection.execute("SELECT id FROM ab_role WHERE name = 'Guest'").fetchone()
    return password, role


# -- COPY


def conninfo(server: PostgresServer, database: str) -> str:
    """Return how psycopg reaches a database."""
    return f"host={server.directory} user=postgres dbname={database}"


def _copy(connection: "psycopg.Connection[Any]", tables: Iterable[Table]) -> None:
    """Write rows. What they do not say gets a value that means nothing, also in columns that a later version adds."""
    # The rows are right; checking each foreign key would take longer than writing them.
    connection.execute("SET session_replication_role = replica")
    for table in tables:
        began = time.monotonic()
        filled = _fill(connection, table)
        columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
        with connection.cursor().copy(statement) as copy:
            for row in table.rows:
                copy.write("\t".join(["\\N" if value is None else str(value) for value in row]) + "\n")
        for name in filled:
            _alter(connection, table, name, sql.SQL("DROP DEFAULT"))
        if "id" in table.columns:
            connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
                    sql.Literal(table.name), sql.Identifier(table.name)
                )
            )
        print(f"  {table.name}: written in {time.monotonic() - began:.0f} s", flush=True)
    connection.execute("VACUUM ANALYZE")


def _fill(connection: "psycopg.Connection[Any]", table: Table) -> list[str]:
    """Give the columns that must not be empty a default, and return them."""
    rows = connection.execute(
        """SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'
        AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
        AND column_name <> ALL(%s)""",
        (table.name, [*table.columns, "id"]),
    ).fetchall()
    for name, kind in rows:
        default = "now()" if kind.startswith("timestamp") else sql.Literal(FILLED.get(kind, ""))
        _alter(
            connection,
            table,
            name,
            sql.SQL("SET DEFAULT {}").format(sql.SQL(default) if isinstance(default, str) else default),
        )
    return [name for name, _kind in rows]


def _alter(connection: "psycopg.Connection[Any]", table: Table, column: str, what: sql.Composable) -> None:
    names = sql.Identifier(table.name), sql.Identifier(column)
    connection.execute(sql.SQL("ALTER TABLE {} ALTER {} {}").format(*names, what))
