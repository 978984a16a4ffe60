"""An unavailable, locked or lost database: a message to try again in the reader's language, and nothing half stored."""

import contextlib
import sqlite3
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from app import clock
from app.extensions import db
from app.parties.models import DinnerParty
from tests.support.client import Visitor
from tests.support.factories import PASSWORD, DinnerPartyFactory

BUSY = "This is not possible right now. Try again in a moment."
INSIDE = ("locked", "sql", "psycopg", "connection", "Traceback")


@pytest.fixture
def engine(app):
    with app.app_context():
        return db.engine


@pytest.fixture
def locked(engine):
    """A context in which another process holds the write lock of the SQLite database."""

    def do_not_wait(connection, *_rest):
        connection.execute("PRAGMA busy_timeout = 20")

    @contextlib.contextmanager
    def lock():
        with contextlib.closing(sqlite3.connect(engine.url.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    event.listen(engine, "checkout", do_not_wait)
    yield lock
    event.remove(engine, "checkout", do_not_wait)
    engine.dispose()


@pytest.fixture
def away(engine):
    """A context in which the PostgreSQL database refuses connections and has closed existing ones."""

    @contextlib.contextmanager
    def shut():
        try:
            administer(engine, "ALTER DATABASE {} ALLOW_CONNECTIONS false", THROW_OUT)
            yield
        finally:
            administer(engine, "ALTER DATABASE {} ALLOW_CONNECTIONS true")

    return shut


THROW_OUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"


def administer(engine, *statements):
    url = make_url(engine.url)
    place = f"host={url.query['host']} user={url.username} dbname=postgres"
    with psycopg.connect(place, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.format(url.database))


def assert_asked_to_come_back(page):
    assert page.status == 503, page
    assert page.headers["Retry-After"] == "5"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not any(word in page.text for word in INSIDE), page.text


# -- SQLite, locked


def test_a_form_that_cannot_be_stored_can_be_sent_again(locked, client_of, cast, records):
    party, friend = DinnerPartyFactory(host=cast.host), client_of(cast.friend)
    before = records.dump()
    with locked():
        page = friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
        assert_asked_to_come_back(page)
        assert BUSY in page.text
        assert "Try again in 5 seconds." in page.text
        assert records.dump() == before
    assert friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}).flashes[0][0] == "info"


@pytest.mark.parametrize(("locale", "opening"), [("es", '<html lang="es"'), ("ar", '<html lang="ar" dir="rtl"')])
def test_the_message_is_in_the_readers_language(locked, visitor, cast, locale, opening):
    with locked():
        page = visitor.post(
            "/login/", {"username": "friend", "password": PASSWORD}, headers={"Accept-Language": locale}
        )
    assert_asked_to_come_back(page)
    assert opening in page.text


@pytest.mark.parametrize("path", ["/", "/parties/", "/parties/new", "/user/friend"])
def test_pages_are_served_while_the_database_is_locked(locked, client_of, cast, path):
    friend = client_of(cast.friend)
    with locked():
        clock.set_now(clock.now() + timedelta(minutes=20))
        page = friend.get(path)
        assert (page.status, page.path) == (200, path)
        assert "Log out" in page.text


def test_a_form_of_the_generated_ui_is_kept(locked, client_of, cast):
    party, admin = DinnerPartyFactory(host=cast.host), client_of(cast.admin)
    form = admin.get(f"/dinnerparties/edit/{party.id}").form(f"/edit/{party.id}")
    with locked():
        page = admin.submit(form, title="Typed with care")
    assert page.flashes[0][0] == "danger"
    assert "Typed with care" in page.text


def test_the_api_reports_a_locked_database_too(locked, app, cast):
    party, client = DinnerPartyFactory(host=cast.host), app.test_client()
    headers = bearer(client, cast.admin)
    with locked():
        for method, path in (
            ("PUT", f"/api/v1/dinnerparties/{party.id}"),
            ("DELETE", f"/api/v1/dinnerparties/{party.id}"),
        ):
            answer = client.open(path, method=method, json={"title": "New"}, headers=headers)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert set(answer.get_json()) == {"message", "request_id"}


# -- PostgreSQL, unavailable


@pytest.mark.postgresql
def test_a_site_without_its_database_returns_503_and_recovers(away, client_of, visitor, cast):
    party, friend = DinnerPartyFactory(host=cast.host), client_of(cast.friend)
    with away():
        for path in ("/", "/parties/", f"/parties/{party.slug}", "/nothing-here", "/users/list/"):
            page = friend.get(path)
            assert_asked_to_come_back(page)
            assert "Back to the home page" in page.text
        assert_asked_to_come_back(friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}))
        assert_asked_to_come_back(visitor.post("/login/", {"username": "friend", "password": PASSWORD}))
        assert friend.get("/static/app.css").status == 200
    assert friend.get(f"/parties/{party.slug}").status == 200


@pytest.mark.postgresql
def test_an_api_without_its_database_returns_503(away, app, cast):
    client = app.test_client()
    headers = bearer(client, cast.admin)
    with away():
        for path in ("/api/v1/dinnerparties/", "/api/v1/dinnerparties/1", "/api/v1/dinnerparties/_info"):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.get_json()["message"]) == (503, BUSY)


@pytest.mark.postgresql
def test_an_rsvp_that_loses_its_connection_is_rolled_back(engine, client_of, cast, records):
    party, friend = DinnerPartyFactory(host=cast.host), client_of(cast.friend)
    lost = []

    def lose(_connection, _cursor, statement, *_rest):
        if statement.startswith("INSERT INTO letter") and not lost:
            lost.append(statement)
            administer(engine, THROW_OUT)

    before = records.dump()
    event.listen(engine, "before_cursor_execute", lose)
    try:
        assert_asked_to_come_back(friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}))
        assert lost
        assert records.dump() == before
        friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    finally:
        event.remove(engine, "before_cursor_execute", lose)
    assert records.one(DinnerParty).seats_taken == 2


@pytest.mark.postgresql
def test_a_connection_lost_after_the_commit_does_not_make_the_answer_an_error(new_app, engine, cast, records, caplog):
    party, app = DinnerPartyFactory(host=cast.host), new_app({"PROPAGATE_EXCEPTIONS": False})

    @app.after_request
    def lose(response):
        db.session.execute(text("SELECT 1"))
        administer(engine, THROW_OUT)
        return response

    friend = Visitor(app)
    friend.log_in_as(cast.friend)
    page = friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}, follow=False)
    assert page.status == 303
    assert records.one(DinnerParty).seats_taken == 2
    (line,) = {record.getMessage() for record in caplog.records if record.levelname == "ERROR"}
    assert line.startswith("The database is not available (terminating connection")
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.postgresql
def test_a_standby_that_is_read_only_is_an_outage(engine, visitor, cast):
    """What a login writes is refused by the server until it is promoted."""
    administer(engine, "ALTER DATABASE {} SET default_transaction_read_only = on", THROW_OUT)
    try:
        engine.dispose()
        page = visitor.post("/login/", {"username": "friend", "password": PASSWORD})
    finally:
        administer(engine, "ALTER DATABASE {} RESET default_transaction_read_only", THROW_OUT)
        engine.dispose()
    assert_asked_to_come_back(page)


# -- our own errors


@pytest.mark.both_databases
def test_a_schema_that_lacks_a_column_is_an_error_and_no_outage(app, visitor, monkeypatch, cast):
    monkeypatch.setitem(app.config, "TESTING", False)  # noqa: FBT003 - with it, errors would come up here
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE dinner_party DROP COLUMN picture"))
    page = visitor.get("/parties/")
    assert page.status == 500
    assert "It has been logged." in page.text


@pytest.mark.postgresql
def test_a_failed_statement_is_not_shown_on_the_error_page(app, client_of, cast, monkeypatch):
    """The error page reads the member from the database, so it has to roll back the failed statement first."""
    friend = client_of(cast.friend)
    monkeypatch.setitem(app.config, "TESTING", False)  # noqa: FBT003 - with it, errors would come up here
    monkeypatch.setitem(app.view_functions, "LandingView.index", lambda: db.session.execute(text("SELECT 1 / 0")))
    page = friend.get("/")
    assert (page.status, page.response.mimetype) == (500, "text/html")
    assert "Something went wrong" in page.text
    assert not any(word in page.text for word in (*INSIDE, "division", "SELECT"))


# -- a failing error page


def test_an_error_page_that_fails_itself_is_plain_text(locked, app, visitor, cast, monkeypatch):
    monkeypatch.setitem(app.jinja_env.globals, "static_url", None)
    with locked():
        page = visitor.post("/login/", {"username": "friend", "password": PASSWORD})
    assert_asked_to_come_back(page)
    assert (page.response.mimetype, page.text) == ("text/plain", BUSY)


def bearer(client, member):
    body = {"username": member.username, "password": PASSWORD, "provider": "db"}
    return {"Authorization": f"Bearer {client.post('/api/v1/security/login', json=body).get_json()['access_token']}"}
