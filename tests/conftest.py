"""Fixtures for all tests.

    app            the application on a pristine database of its own: committed rows are gone after the test
    records        reads the committed rows of the database, independent of any session
    visitor        an anonymous browser; new_visitor() and client_of(member) make more
    cast           the same five people everywhere: host, friend, stranger, admin, translator
    host, admin    browsers in which these have logged in; party is one of the host, ada is another member
    smtp           a real mail server that can also refuse, defer, hang and drop
    redis_server   a real Redis that can also be killed
    server         the served site, in its own processes

Tests run on SQLite. `@pytest.mark.both_databases` runs one on PostgreSQL too, `@pytest.mark.postgresql` only there;
`@pytest.mark.rate_limits` switches on the limits, which are off otherwise.

Never call a visitor inside an app context: requests would share its `g`, and with it who is logged in.
"""

import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Role
from flask_limiter import Limiter
from hypothesis import settings
from sqlalchemy import select

import config
from app import clock, kept_pages
from app.accounts.models import ADMIN, GUEST, TRANSLATOR, Member
from app.administration import saved_view_views
from app.crud import sidebar
from app.dashboards.data import service as data
from app.database import transaction
from app.extensions import db, mail
from app.parties.models import DinnerParty
from tests.support import THOROUGH, browser, network, postgres, redis, required_services, server, smtp
from tests.support.client import Visitor
from tests.support.database_reader import DatabaseReader
from tests.support.databases import Database, SqliteFiles, application, close_connections
from tests.support.factories import DinnerPartyFactory, MemberFactory, RowFactory

# The fixtures that start a browser, processes, or a stock application.
SLOW_FIXTURES = {"open_page", "redis_server", "server", "start", "stock"}
SQLITE, POSTGRESQL = "sqlite", "postgresql"
# `make quick` leaves out what takes longer. The durations are kept in the cache of pytest.
QUICK_SECONDS, DURATIONS = 0.2, "dinnerparty/durations"
TOOK: dict[str, float] = {}
# DINNERPARTY_THOROUGH=yes runs for an hour where the usual run takes seconds.
settings.register_profile("usual", max_examples=50)
settings.register_profile("thorough", max_examples=20_000)
settings.load_profile("thorough" if THOROUGH else "usual")
# Variables that config.py reads: tests do not use those of the developer's shell.
ENVIRONMENT = (*config.RENAMED, *config.NAMES)


# -- the run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make quick`."""
    parser.addoption(
        "--quick",
        action="store_true",
        help=f"run one case of each test, chosen at random, and none that took over {QUICK_SECONDS} s in an earlier run",
    )


def pytest_configure() -> None:
    """Isolate the tests from the developer's settings and the network."""
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    network.guard()
    # On SIGTERM, clean up as after Ctrl-C, because child processes are running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Skip the browser tests where there is no browser, unless they are required."""
    return True if collection_path.name == "browser" and not browser.is_wanted() else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests with a database mark on PostgreSQL, too."""
    asked = {mark.name for mark in metafunc.definition.iter_markers()}
    on_postgresql = pytest.param(POSTGRESQL, marks=pytest.mark.postgresql)
    kinds = [SQLITE, on_postgresql] if "both_databases" in asked else [on_postgresql] if POSTGRESQL in asked else []
    if kinds and "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", kinds, indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that start processes as slow: `make quick` leaves them out."""
    if not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start with the slow tests, so that no process runs one alone at the end; the order is random otherwise."""
    if config.getoption("--quick"):
        durations = _durations(config)
        quick = [item for item in items if durations.get(_name(item), 0) <= QUICK_SECONDS]
        chosen = set({_name(item): item for item in quick}.values())
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what tests make only: modules and test items take it most of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _name(test: pytest.Item | pytest.TestReport) -> str:
    """Return the name of a test without its case."""
    return test.nodeid.partition("[")[0]


def _durations(config: pytest.Config) -> dict[str, float]:
    """Return how many seconds each test took in earlier runs on this machine, by its name."""
    known: dict[str, float] = config.cache.get(DURATIONS, {})
    return known


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how long a test took, the setup of its database and services aside."""
    if report.when == "call":
        TOOK[_name(report)] = report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a whole run in which no test used a required service, and pass a worker's counts to the controller."""
    config = session.config
    if not hasattr(config, "workeroutput"):
        config.cache.set(DURATIONS, _durations(config) | TOOK)
    if hasattr(config, "workeroutput"):
        config.workeroutput["parts"] = dict(required_services.used(config))
    elif required_services.missing(config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: required_services.Worker) -> None:
    """Add the counts of a worker."""
    required_services.used(node.config).update(getattr(node, "workeroutput", {}).get("parts", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report skipped tests, unused services, and what pages cost."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
    if not browser.is_wanted():
        terminalreporter.write_line(f"Browser tests were left out: {browser.MISSING}", yellow=True)
    for part in required_services.missing(config):
        terminalreporter.write_line(f"FAILED: of the whole run, no test used {part}", red=True)


# -- the database and the application


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    directory = tmp_path_factory.mktemp(SQLITE)
    with contextlib.closing(Database(SqliteFiles(directory), directory)) as database:
        yield database


@pytest.fixture(scope="session")
def _postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with (
        postgres.running_server() as place,
        contextlib.closing(Database(place, tmp_path_factory.mktemp(POSTGRESQL))) as database,
    ):
        yield database


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database: sqlite or postgresql."""
    return str(getattr(request, "param", SQLITE))


@pytest.fixture
def database(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The database of this test: set up, without members."""
    database: Database = request.getfixturevalue(f"_{database_kind}")
    database.reset()
    required_services.used(request.config)[database_kind] += 1
    yield database
    with database.app.app_context():
        assert db.engine.pool.checkedout() == 0, "the test left a connection to the database open"  # type: ignore[attr-defined]


@pytest.fixture
def database_url(database: Database) -> str:
    """The URL of this test's database."""
    return database.url


@pytest.fixture
def app(database: Database, request: pytest.FixtureRequest) -> Flask:
    """The application, on this test's database."""
    app = database.app
    RowFactory.app = app
    # What was read of the database of another test.
    app.extensions.pop(data.CACHE, None)
    app.extensions.pop(sidebar.COUNTS, None)
    app.extensions.pop(saved_view_views.KNOWN, None)
    app.extensions[kept_pages.EXTENSION].drop()
    for limiter in app.extensions["limiter"]:
        _start_anew(limiter, enabled=request.node.get_closest_marker("rate_limits") is not None)
    return app


@pytest.fixture
def new_app(database: Database, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make another application on this test's database, with its own settings."""
    with contextlib.ExitStack() as made:

        def make(overrides: Mapping[str, Any] | None = None, **settings: str) -> Flask:
            app = application(database.url, tmp_path, overrides, **settings)
            made.callback(close_connections, app)
            return app

        yield make


def _start_anew(limiter: Limiter, *, enabled: bool) -> None:
    limiter.enabled = enabled
    limiter.reset()


@pytest.fixture
def records(app: Flask) -> DatabaseReader:
    """Reads the committed rows of the database."""
    return DatabaseReader(app)


@pytest.fixture(autouse=True)
def _running_clock() -> Iterator[None]:
    """Restart the clock after a test that stopped it."""
    yield
    clock.reset()


# -- people


@pytest.fixture
def new_visitor(app: Flask) -> Callable[[], Visitor]:
    """Make an anonymous browser."""
    return lambda: Visitor(app)


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    """An anonymous browser."""
    return new_visitor()


@pytest.fixture
def client_of(new_visitor: Callable[[], Visitor]) -> Callable[[Member], Visitor]:
    """Make a browser in which a member has logged in."""

    def log_in(member: Member) -> Visitor:
        visitor = new_visitor()
        visitor.log_in_as(member)
        return visitor

    return log_in


@dataclass(frozen=True)
class Cast:
    """The people of the tests, all with the same password. The first three have the role Guest."""

    host: Member
    friend: Member
    stranger: Member
    admin: Member
    translator: Member

    def __iter__(self) -> Iterator[Member]:
        return (getattr(self, person.name) for person in fields(self))


@pytest.fixture
def cast(app: Flask) -> Cast:
    """The people of the tests."""
    # In one transaction and one flush instead of five: most tests ask for them.
    with app.app_context(), transaction() as session, session.no_autoflush:
        roles = {role.name: role for role in session.scalars(select(Role))}

        def person(username: str, role: str = GUEST) -> Member:
            member: Member = MemberFactory.build(username=username, roles=[roles[role]])
            return member

        people = Cast(
            host=person("host"),
            friend=person("friend"),
            stranger=person("stranger"),
            admin=person("boss", ADMIN),
            translator=person("translator", TRANSLATOR),
        )
        session.add_all(people)
    return people


@pytest.fixture
def admin(client_of: Callable[[Member], Visitor], cast: Cast) -> Visitor:
    """A browser in which an administrator is logged in."""
    return client_of(cast.admin)


@pytest.fixture
def host(client_of: Callable[[Member], Visitor], cast: Cast) -> Visitor:
    """A browser in which the host is logged in."""
    return client_of(cast.host)


@pytest.fixture
def party(cast: Cast) -> DinnerParty:
    """A party of the host with default values."""
    return DinnerPartyFactory(host=cast.host)


@pytest.fixture
def ada(app: Flask) -> Member:
    """A member outside of the cast."""
    return MemberFactory(username="ada", first_name="Ada", last_name="Byron")


# -- other processes


@pytest.fixture
def smtp_server(request: pytest.FixtureRequest) -> Iterator[smtp.MailServer]:
    """A real mail server that the application is not configured for."""
    required_services.used(request.config)["smtp"] += 1
    with smtp.mail_server() as running:
        yield running


@pytest.fixture(name="smtp")
def smtp_of_the_app(app: Flask, smtp_server: smtp.MailServer, monkeypatch: pytest.MonkeyPatch) -> smtp.MailServer:
    """The mail server of the application."""
    monkeypatch.setitem(app.config, "MAIL_SERVER", smtp_server.host)
    monkeypatch.setitem(app.config, "MAIL_PORT", smtp_server.port)
    monkeypatch.setitem(app.extensions, "mail", mail.init_mail(app.config, testing=False))
    return smtp_server


@pytest.fixture
def no_mail_server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure the application as a new site is: without a mail server."""
    monkeypatch.setitem(app.config, "MAIL_SERVER", "")
    monkeypatch.setitem(app.extensions, "mail", mail.init_mail(app.config, testing=False))


@pytest.fixture
def redis_server(request: pytest.FixtureRequest) -> Iterator[redis.RedisServer]:
    """A real Redis that the application is not configured for."""
    required_services.used(request.config)["redis"] += 1
    with redis.running_server() as running:
        yield running


@pytest.fixture(name="server")
def server_on_the_database(database: Database, tmp_path: Path) -> Iterator[server.Servers]:
    """Start the site in processes of its own, on this test's database."""
    with server.Servers(tmp_path, database.url) as servers:
        yield servers
