"""A setup that is killed, or meets a schema that something else changed."""

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, text

from app.crud import large_tables
from app.extensions import db

FILES = ("", "-wal")


def flask(app, *arguments):
    return app.test_cli_runner().invoke(args=arguments)


@pytest.mark.slow
@pytest.mark.parametrize("begun", ["", "0007"], ids=["first setup", "upgrade"])
def test_a_setup_that_was_killed_at_any_statement_can_be_repeated(app, database, tmp_path, begun):
    """The files of the database are kept as a killed process would leave them, at each statement."""
    database.empty()
    if begun:
        assert flask(app, "db", "upgrade", begun).exit_code == 0
    file, left = Path(database.url.removeprefix("sqlite:///")), {}

    def keep(*_statement):
        there = [Path(f"{file}{suffix}") for suffix in FILES]
        contents = [path.read_bytes() if path.exists() else b"" for path in there]
        left.setdefault(hashlib.sha256(b"".join(contents)).digest(), contents)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        assert flask(app, "setup").exit_code == 0
    finally:
        event.remove(engine, "before_cursor_execute", keep)
    whole = schema(file).keys()
    kept = {state(contents, tmp_path): contents for contents in left.values()}
    assert len(kept) > 3
    for contents in kept.values():
        database.empty()
        for suffix, content in zip(FILES, contents, strict=True):
            Path(f"{file}{suffix}").write_bytes(content)
        again = flask(app, "setup")
        assert again.exit_code == 0, again.output
        assert schema(file).keys() == whole


def state(contents, directory):
    """Return what a new process finds committed."""
    copy = directory / "copy.db"
    for suffix, content in zip(FILES, contents, strict=True):
        Path(f"{copy}{suffix}").write_bytes(content)
    Path(f"{copy}-shm").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        versions = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        version = connection.execute("SELECT * FROM alembic_version").fetchone() if versions[0] else None
        roles = "ab_role" in schema(copy) and connection.execute("SELECT count(*) FROM ab_role").fetchone()
    return str((version, sorted(schema(copy)), roles))


def schema(file):
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("ALTER TABLE dinner_party DROP COLUMN description", "missing column dinner_party.description"),
        ("ALTER TABLE dinner_party ADD COLUMN colour INTEGER", "unknown column dinner_party.colour"),
        ("DROP TABLE wait_offer", "missing table wait_offer"),
        ("DROP INDEX ix_rsvp_member_id", "missing index ix_rsvp_member_id of rsvp"),
    ],
)
def test_setup_names_what_differs_from_the_schema_of_its_version(app, damage, said):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(damage))
    done = flask(app, "setup")
    assert done.exit_code == 1
    assert f"({said})" in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.postgresql
def test_a_site_does_without_the_extension_that_finds_words(app, database_kind, admin, monkeypatch):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
    assert flask(app, "setup").exit_code == 0
    assert "pg_trgm" in flask(app, "doctor").output
    monkeypatch.setattr(large_tables, "LARGE", -2)
    app.extensions.pop(large_tables.KNOWN, None)
    page = admin.get("/dinnerparties/list/?q=soup")
    assert page.flashes == [
        (
            "warning",
            "Some options in the web address are not valid, or not possible with so many rows, and were ignored.",
        )
    ]
    assert 'name="q"' not in page.text.partition('action="/dinnerparties')[2]
    app.extensions.pop(large_tables.KNOWN)


@pytest.mark.both_databases
def test_a_table_of_others_in_the_database_is_left_alone(app):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER PRIMARY KEY)"))
    done = flask(app, "setup")
    assert done.exit_code == 0, done.output
