"""The sites that are measured: how each is served, and where it has which page."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from benchmarks import data, processes
from benchmarks.visitor import HOST, Request, Visitor
from tests.support.smtp import free_port

PEERS = Path(__file__).parent / "peers"
START_SECONDS, PAGE_SIZE = 60, 25
# What is offered as an order by all lists.
COLUMNS = ("title", "starts_at", "number_seats", "seats_taken", "status", "visibility")


@dataclass
class Site:
    """A site with one worker process. `targets` are the parties that nobody has answered yet, one for each use."""

    python: Path
    environ: dict[str, str]
    targets: Iterator[int]
    folder: Path
    tree: Path = PEERS
    # How it is called in the table, if not by its name.
    title: str = ""
    port: int = field(default_factory=free_port)
    visitors: dict[int, Visitor] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    name: ClassVar[str]
    application: ClassVar[str]
    # Where its pages are; what it has not is not measured.
    paths: ClassVar[dict[str, str]]
    full_status: ClassVar[int] = 409

    def __post_init__(self) -> None:
        self.title = self.title or self.name

    # -- serving

    def prepare(self) -> None:
        """Make the tables that it has of its own."""

    def run(self, *command: str) -> None:
        """Run a command of Python in its environment."""
        subprocess.run([self.python, *command], cwd=self.tree, env={**os.environ, **self.environ}, check=True)

    def command(self) -> list[str]:
        """Return how it is served."""
        return [
            str(self.python),
            "-m",
            "gunicorn",
            "--bind",
            f"{HOST}:{self.port}",
            "--workers",
            "1",
            "--graceful-timeout",
            "5",
            self.application,
        ]

    def start(self) -> float:
        """Serve it; return after how many seconds the first page was answered."""
        with (self.folder / f"{self.name}-{self.port}.log").open("ab") as log:
            began = time.perf_counter()
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.tree,
                env={**os.environ, **self.environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stranger = Visitor(self.port)
        while time.perf_counter() - began < START_SECONDS:
            with contextlib.suppress(OSError):
                stranger.send(Request(self.paths["public"]))
                return time.perf_counter() - began
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        raise RuntimeError(f"{self.name} did not start; see {log.name}")

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(START_SECONDS)
        self.process = None

    def processes(self) -> list[int]:
        """Return its processes."""
        return processes.tree(self.process.pid) if self.process else []

    @property
    def is_on_server(self) -> bool:
        """Whether its database is PostgreSQL."""
        return self.environ["DATABASE_URL"].startswith("postgresql")

    def ask(self, statement: str) -> Any:
        """Return the first row that the database answers."""
        url = self.environ["DATABASE_URL"]
        connect: Any = psycopg.connect if self.is_on_server else sqlite3.connect
        place = url.replace("+psycopg", "") if self.is_on_server else url.removeprefix("sqlite:///")
        with contextlib.closing(connect(place)) as connection:
            return connection.execute(statement).fetchone()

    # -- visitors

    def stranger(self) -> Visitor:
        """Return somebody without cookies."""
        return Visitor(self.port)

    def admin(self) -> Visitor:
        """Return the administrator."""
        return self.member(1)

    def member(self, key: int) -> Visitor:
        """Return a member, who has logged in."""
        if key not in self.visitors:
            self.visitors[key] = Visitor(self.port)
            self.enter(self.visitors[key], key)
        return self.visitors[key]

    def enter(self, visitor: Visitor, key: int) -> None:
        """Log in."""
        visitor.send(Request(f"/enter/{key}", "in"))

    def api_visitor(self) -> Visitor:
        """Return who uses the API."""
        return self.admin()

    # -- pages

    def page(self, number: int) -> str:
        """Return the path of a page of the list, from 1."""
        return f"{self.paths['list']}?{self.paths['page'].format(number)}"

    def search(self, text: str) -> str:
        """Return the path of the list with the titles that contain a text."""
        return f"{self.paths['list']}?{self.paths['search']}={text}"

    def sorted_by(self, column: str) -> str:
        """Return the path of the list in the order of a column."""
        return f"{self.paths['list']}?{self.paths['sort'].format(column)}"

    def rsvp(self, visitor: Visitor, party: int) -> Request:
        """Return the answer yes to a party; the visitor has its page open."""
        slug = f"target-{party}"
        page = f"/parties/{slug}"
        return Request(self.paths["rsvp"].format(slug), data={**visitor.token(page), "answer": "yes"}, status=303)


class Floor(Site):
    """Flask, one prepared statement and a template: nobody's product."""

    name = "floor"
    application = "floor_site:app"
    paths: ClassVar = {"list": "/list", "show": "/show/{}", "public": "/parties/"}

    def enter(self, visitor: Visitor, key: int) -> None:
        """Do nothing: it knows nobody."""


class Django(Site):
    """Django's admin as one writes it first."""

    name = "django"
    application = "django_site.wsgi"
    paths: ClassVar = {
        "list": "/admin/django_site/dinnerparty/",
        "page": "p={}",
        "search": "q",
        "sort": "o={}",
        "show": "/admin/django_site/dinnerparty/{}/change/",
        "edit": "/admin/django_site/dinnerparty/{}/change/",
        "public": "/parties/",
        "rsvp": "/parties/{}/rsvp",
        "api": "/api/parties",
    }
    order: ClassVar = ("title", "host", "starts_at", "seats_taken", "number_seats", "status", "visibility")

    def prepare(self) -> None:
        """Make the tables that it has of its own."""
        environ = {"DJANGO_SETTINGS_MODULE": "django_site.settings", "PYTHONPATH": str(PEERS)}
        self.environ = {**self.environ, **environ}
        self.run("-m", "django", "migrate", "--verbosity", "0")

    def sorted_by(self, column: str) -> str:
        """Return the path of the list in the order of a column."""
        return super().sorted_by(str(self.order.index(column) + 1))


class TunedDjango(Django):
    """Django's admin as its documentation advises for many rows."""

    name = "tuned"

    def prepare(self) -> None:
        """Say that it is the tuned one."""
        self.environ = {**self.environ, "TUNED": "yes"}
        super().prepare()


class FlaskAdmin(Site):
    """Flask-Admin."""

    name = "flask-admin"
    application = "flask_admin_site:app"
    paths: ClassVar = {
        "list": "/admin/dinnerparty/",
        "page": "page={}",
        "search": "search",
        "sort": "sort={}",
        "show": "/admin/dinnerparty/details/?id={}",
        "edit": "/admin/dinnerparty/edit/?id={}",
        "public": "/parties/",
        "rsvp": "/parties/{}/rsvp",
    }

    def page(self, number: int) -> str:
        """Return the path of a page of the list, from 1."""
        return super().page(number - 1)

    def sorted_by(self, column: str) -> str:
        """Return the path of the list in the order of a column."""
        return super().sorted_by(str(Django.order.index(column)))


class SqlAdmin(Site):
    """sqladmin, which speaks ASGI: uvicorn serves it."""

    name = "sqladmin"
    application = "sqladmin_site:app"
    paths: ClassVar = {
        "list": "/admin/dinner-party/list",
        "page": f"pageSize={PAGE_SIZE}&page={{}}",
        "search": f"pageSize={PAGE_SIZE}&search",
        "sort": f"pageSize={PAGE_SIZE}&sortBy={{}}&sort=asc",
        "show": "/admin/dinner-party/details/{}",
        "edit": "/admin/dinner-party/edit/{}",
        "public": "/parties/",
        "rsvp": "/parties/{}/rsvp",
    }

    def command(self) -> list[str]:
        """Return how it is served."""
        options = ["--host", HOST, "--port", str(self.port), "--log-level", "warning", "--no-access-log"]
        return [str(self.python), "-m", "uvicorn", *options, self.application]


class StockFab(Site):
    """Flask-AppBuilder without ours."""

    name = "stock fab"
    application = "flask_appbuilder_site:app"
    paths: ClassVar = {
        "list": "/dinnerpartymodelview/list/",
        "page": "page_DinnerPartyModelView={}",
        "search": "_flt_2_title",
        "sort": "_oc_DinnerPartyModelView={}&_od_DinnerPartyModelView=asc",
        "show": "/dinnerpartymodelview/show/{}",
        "edit": "/dinnerpartymodelview/edit/{}",
        "public": "/parties/",
        "rsvp": "/parties/{}/rsvp",
        "api": f"/api/v1/dinnerparties/?q=(page:0,page_size:{PAGE_SIZE})",
    }

    def prepare(self) -> None:
        """Make the tables that it has of its own."""
        self.run("-c", f"import flask_appbuilder_site; flask_appbuilder_site.prepare({data.PASSWORD!r})")

    def page(self, number: int) -> str:
        """Return the path of a page of the list, from 1."""
        return super().page(number - 1)

    def api_visitor(self) -> Visitor:
        """Return who uses the API: they have a token."""
        return self._with_token("admin", data.PASSWORD)

    def _with_token(self, username: str, password: str) -> Visitor:
        """Log in at the API."""
        visitor = Visitor(self.port)
        asked = {"username": username, "password": password, "provider": "db"}
        token = visitor.post_json("/api/v1/security/login", asked)["access_token"]
        visitor.headers["Authorization"] = f"Bearer {token}"
        return visitor


class Ours(StockFab):
    """Ours, of a tree."""

    name = "ours"
    application = "app:create_app()"
    # Who finds no seat waits.
    full_status = 303
    paths: ClassVar = {
        **StockFab.paths,
        "list": "/dinnerparties/list/",
        "show": "/dinnerparties/show/{}",
        "edit": "/dinnerparties/edit/{}",
        "party": "/parties/{}",
    }

    def page(self, number: int) -> str:
        """Return the path to which the link of the page before leads: it names the last row there."""
        (last,) = self.ask(
            f"SELECT id FROM dinner_party ORDER BY starts_at DESC, id DESC OFFSET {(number - 1) * PAGE_SIZE - 1} LIMIT 1"  # noqa: S608 - numbers
        )
        return f"{super().page(number)}&after_DinnerPartyModelView={last}"

    def enter(self, visitor: Visitor, key: int) -> None:
        """Log in with a password."""
        username = "benchmark" if key == 1 else f"member{key}"
        fields = {**visitor.token("/login/"), "username": username, "password": data.PASSWORD}
        visitor.send(Request("/login/", data=fields, status=303))

    def api_visitor(self) -> Visitor:
        """Return who uses the API: they have a token."""
        return self._with_token("benchmark", data.PASSWORD)


class Served(Ours):
    """Ours as `make run` serves it, but with one worker and, unless it is asked for, without the one that sends e-mails."""

    name = "ours, run.py"

    def command(self) -> list[str]:
        """Return how it is served."""
        self.environ = {"BACKGROUND_WORKER": "no", **self.environ, "PORT": str(self.port), "HOST": HOST}
        return [str(self.python), "run.py"]
