"""`flask doctor` and the way to the site: its address, proxies, the database and the shared counters."""

import http.server
import json
import threading

import pytest
from sqlalchemy import text

from app import doctor, setup
from app.extensions import db
from tests.support import postgres
from tests.support.databases import application, close_connections
from tests.support.migrations import revisions
from tests.support.pooler import pooler_before
from tests.support.processes import run_flask
from tests.support.smtp import HOST, free_port


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, []),
        ({"PUBLIC_URL": "https://dinner.example.org"}, ["TRUSTED_PROXY_COUNT is 0"]),
        ({"PUBLIC_URL": "https://dinner.example.org", "TRUSTED_PROXY_COUNT": 1}, []),
        ({"TRUSTED_PROXY_COUNT": 1, "HOST": "::"}, ["who comes around the proxy"]),
        ({"PUBLIC_URL": "http://dinner.example.org"}, ["passwords cross the network unencrypted"]),
    ],
)
def test_settings_of_proxies_that_do_not_fit_are_warnings(find, settings, found):
    seen = find("proxy", **settings)
    assert len(seen) == len(found)
    assert all(level == "WARNING" and said in text for (level, text), said in zip(seen, found, strict=True)), seen


@pytest.mark.slow
def test_the_address_leads_to_the_site_or_is_an_error(server, find):
    url = server.start().url
    assert find("address", PUBLIC_URL=url) == [("OK", f"{url} leads to this site.")]


class Other(http.server.BaseHTTPRequestHandler):
    """Another site."""

    answer = (200, {})

    def do_GET(self):
        status, headers = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_arguments):
        pass


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {}), "answers with status 200, and not as this site"),
        ((301, {"Location": "https://dinner.example.org/"}), "redirects to https://dinner.example.org/"),
        ((400, {}), "The proxy must pass the header Host on"),
        ((502, {}), "the proxy does not reach the site"),
    ],
)
def test_another_site_at_the_address_is_an_error(find, monkeypatch, answer, said):
    monkeypatch.setattr(Other, "answer", answer)
    with http.server.HTTPServer((HOST, 0), Other) as other:
        threading.Thread(target=other.handle_request, daemon=True).start()
        ((level, text),) = find("address", PUBLIC_URL=f"http://{HOST}:{other.server_port}")
    assert (level, said in text) == ("ERROR", True), text


def test_nobody_at_the_address_is_an_error(find):
    ((level, text),) = find("address", PUBLIC_URL=f"http://{HOST}:{free_port()}")
    assert (level, "does not answer to this machine (Connection refused)" in text) == ("ERROR", True), text


def test_without_redis_nothing_is_said_of_it(find):
    assert list(find("redis")) == []


def test_redis_that_answers_and_one_that_does_not(find, redis_server):
    settings = {"RATELIMIT_STORAGE_URI": redis_server.url, "RATELIMIT_STORAGE_OPTIONS": {}}
    assert [level for level, _text in find("redis", **settings)] == ["OK"]
    redis_server.kill()
    assert [level for level, _text in find("redis", **settings)] == ["ERROR"]


# -- the database


@pytest.mark.both_databases
def test_a_database_that_is_well(find):
    assert {level for level, _text in find("database")} == {"OK"}
    assert find("schema") == [("OK", "The schema is that of this version.")]
    assert find("pooler") == []


@pytest.mark.both_databases
def test_a_schema_that_differs_is_an_error(app, find):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE dinner_party DROP COLUMN description"))
    ((level, said),) = find("schema")
    assert (level, "missing column dinner_party.description" in said) == ("ERROR", True)


def test_migrations_that_have_not_run_are_an_error(app, find, database):
    database.empty()
    assert app.test_cli_runner().invoke(args=["db", "upgrade", "0013"]).exit_code == 0
    missing = revisions(after="0013")
    said = f"{len(missing)} migrations have not run: {', '.join(missing)} Run `flask setup`."
    assert find("schema") == [("ERROR", said)]


@pytest.mark.postgresql
def test_a_database_without_an_encoding_is_an_error(database, tmp_path):
    place = database.place
    place.connection.execute("DROP DATABASE IF EXISTS plain")
    place.connection.execute(
        "CREATE DATABASE plain ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    )
    app = application(place.url("plain"), tmp_path)
    with app.app_context():
        (found,) = doctor.CHECKS["database"].findings()
    assert (found.level, found.text) == (doctor.Level.ERROR, "The database has the encoding SQL_ASCII.")
    done = app.test_cli_runner().invoke(args=["setup"])
    assert (done.exit_code, done.output) == (
        1,
        f"Error: The database has the encoding SQL_ASCII. {setup.MAKE_UTF8}\n",
    )


def test_a_database_that_is_down_is_one_error_for_each_question(tmp_path, caplog):
    app = application(f"postgresql://nobody@{HOST}:{free_port()}/none", tmp_path)
    with app.app_context():
        ((level, said),) = [(each.level, each.text) for each in doctor.CHECKS["database"].findings()]
        doctor.warn()
    assert level == doctor.Level.ERROR
    assert "The database cannot be used: connection" in said
    # The start says it itself.
    assert not [message for message in caplog.messages if "database" in message]


# -- the command


def test_the_command_is_for_people_and_for_programs(app, monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", {})

    @doctor.check("soup", quick=True)
    def soup():
        yield doctor.warning("It is cold.", "Warm it.")

    @doctor.check("guest", of_person=True)
    def guest(name):
        yield doctor.ok(f"{name} may come in.")

    @doctor.check("broken")
    def broken():
        yield doctor.ok("Half of it works.")
        raise KeyError("pan")

    run = app.test_cli_runner().invoke
    done = run(args=["doctor"])
    assert (done.exit_code, done.output.splitlines()) == (
        2,
        [
            "WARNING  soup: It is cold.",
            "         Warm it.",
            "ok       broken: Half of it works.",
            "ERROR    broken: The check failed: KeyError: 'pan'",
            "         Report this as a bug.",
        ],
    )
    found = json.loads(run(args=["doctor", "--json", "--as", "ana"]).output)
    assert found[1] == {"check": "guest", "level": "ok", "text": "ana may come in.", "advice": ""}
    del doctor.CHECKS["broken"]
    assert run(args=["doctor"]).exit_code == 1
    del doctor.CHECKS["soup"]
    done = run(args=["doctor"])
    assert (done.exit_code, done.output) == (0, "Nothing is wrong.\n")


def test_quick_checks_are_warnings_in_the_log(app, monkeypatch, caplog):
    monkeypatch.setattr(doctor, "CHECKS", {})

    @doctor.check("soup", quick=True)
    def soup():
        yield doctor.ok("It is there.")
        yield doctor.warning("It is cold.", "Warm it.")

    @doctor.check("slow")
    def slow():
        yield doctor.error("Not at the start.", "")

    with app.app_context():
        doctor.warn()
    assert caplog.messages == ["soup: It is cold. Warm it."]


def test_settings_that_make_no_sense_are_errors_for_monitoring(tmp_path):
    done = run_flask("--app", "app", "doctor", environ={"INSTANCE_PATH": str(tmp_path), "PORT": "soup"})
    assert (done.returncode, done.stderr) == (2, "Error: PORT must be a whole number, not 'soup'.\n")


@pytest.mark.postgresql
def test_a_pooler_is_noticed_and_no_copy_goes_through_it(database, tmp_path):
    place = database.place
    with pooler_before(place.directory) as directory:
        pooled = database.url.replace(str(place.directory), str(directory))
        app = application(pooled, tmp_path, {"POSTGRES_BIN": str(postgres.programs())})
        with app.app_context():
            ((level, said),) = [(each.level, each.advice) for each in doctor.CHECKS["pooler"].findings()]
            assert (level, "DATABASE_PREPARED_STATEMENTS=no" in said) == (doctor.Level.WARNING, True)
        run = app.test_cli_runner().invoke
        refused = run(args=["backup", str(tmp_path / "copy")])
        assert (refused.exit_code, "set BACKUP_DATABASE_URL" in refused.output) == (1, True)
        app.config["BACKUP_DATABASE_URL"] = database.url
        done = run(args=["backup", str(tmp_path / "copy")])
        assert done.exit_code == 0, done.output
        close_connections(app)
