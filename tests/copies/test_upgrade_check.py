"""`flask upgrade-check`: what an upgrade would do, said before it is done."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import NullPool, create_engine, inspect, make_url, text

from app import clock
from app.copies import postgresql, service
from app.copies.archive import CopyError
from app.extensions import db
from tests.support.migrations import revisions


@pytest.fixture
def check(flask):
    """Run the command; return its exit status, and its findings as (check, level, text)."""

    def run():
        done = flask("upgrade-check", "--json")
        found = json.loads(done.output)
        return done.exit_code, [(each["check"], each["level"], each["text"]) for each in found]

    return run


def scratch_databases(app):
    with app.app_context():
        return db.session.scalars(
            text("SELECT datname FROM pg_database WHERE datname LIKE 'dinnerparty_trial_%'")
        ).all()


def execute(app, statement):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.both_databases
def test_nothing_stands_in_the_way_of_a_site_that_is_up_to_date(app, check, monkeypatch, tmp_path):
    monkeypatch.setitem(app.config, "BACKUP_FOLDER", str(tmp_path / "kept"))
    with app.app_context():
        service.back_up_if_due()
    status, found = check()
    assert (status, [name for name, _level, _text in found]) == (0, ["migration", "backup"])
    clock.set_now(clock.now() + timedelta(hours=25))
    assert check()[0] == 1


@pytest.mark.both_databases
def test_what_would_run_is_said_and_does_not_run(app, flask, check, database):
    database.empty()
    assert flask("db", "upgrade", "0013").exit_code == 0
    status, found = check()
    texts = [text for name, _level, text in found if name == "migration"]
    assert [text.partition(" ")[0] for text in texts[:-1]] == revisions(after="0013")
    assert texts[-1].startswith("All of them ran on a copy of the database, in ")
    assert (status, [name for name, level, _text in found if level != "ok"]) == (1, ["backup"])
    with app.app_context():
        assert not inspect(db.engine).has_table("party_series")


@pytest.mark.both_databases
def test_a_column_that_is_missing_at_an_older_version_is_named(app, flask, check, database):
    database.empty()
    assert flask("db", "upgrade", "0013").exit_code == 0
    execute(app, "ALTER TABLE dinner_party DROP COLUMN description")
    execute(app, "ALTER TABLE dinner_party ADD COLUMN colour INTEGER")
    execute(app, "CREATE TABLE of_another_program (id INTEGER)")
    status, found = check()
    assert status == 2
    assert [text.rpartition(": ")[2] for name, _level, text in found if name == "schema"] == [
        "missing column dinner_party.description",
        "unknown column dinner_party.colour",
    ]


def test_a_newer_schema_is_refused(app, check):
    execute(app, "UPDATE alembic_version SET version_num = '9999'")
    assert check()[1][0] == ("schema", "error", "The schema (9999) is newer than this version.")


def test_a_renamed_setting_is_named(check, monkeypatch):
    monkeypatch.setenv("SHORTEST_PASSWORD", "9")
    monkeypatch.setenv("ACTIVATION", "letter")
    found = check()[1]
    assert [text for name, _level, text in found if name == "settings"] == [
        "SHORTEST_PASSWORD was renamed. It is still read.",
        "ACTIVATION=letter was renamed. It is still read.",
    ]


@pytest.mark.both_databases
def test_a_migration_that_would_fail_fails_on_a_copy_first(app, flask, check, database):
    database.empty()
    assert flask("db", "upgrade", "0013").exit_code == 0
    execute(app, "CREATE TABLE party_series (id INTEGER)")
    status, found = check()
    assert status == 2
    (said,) = [text for name, level, text in found if (name, level) == ("migration", "error")]
    assert said.startswith("The migrations fail on a copy of the database: ")
    assert "party_series" in said
    assert "already exists" in said


@pytest.mark.postgresql
def test_the_copy_has_the_rows_and_is_dropped_afterwards(app, flask, tmp_path):
    with app.app_context():
        with postgresql.scratch_copy(tmp_path) as url:
            assert url.database in scratch_databases(app)
            engine = create_engine(url, poolclass=NullPool)
            with engine.connect() as connection:
                roles = connection.scalar(text("SELECT count(*) FROM ab_role"))
            with pytest.raises(CopyError, match="already exists"), postgresql.scratch_copy(tmp_path):
                pass
        assert roles == db.session.scalar(text("SELECT count(*) FROM ab_role")) > 0
        assert not scratch_databases(app)


@pytest.mark.postgresql
def test_a_role_that_may_not_create_databases_is_told_so(app, flask, check, database, monkeypatch):
    database.empty()
    assert flask("db", "upgrade", "0013").exit_code == 0
    url = make_url(database.url).update_query_dict({"options": "-crole=pg_read_all_data"})
    monkeypatch.setitem(app.config, "BACKUP_DATABASE_URL", url.render_as_string(hide_password=False))
    status, found = check()
    assert status == 1
    assert ("migration", "warning") in [(name, level) for name, level, _text in found]
    assert any("The role that connects may not create a database for it" in text for _, _, text in found)
