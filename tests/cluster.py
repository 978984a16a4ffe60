"""A site spread over machines, all of which are killed in turn: `make cluster`. It needs PgBouncer (Debian: pgbouncer).

Three hosts that serve (each with an instance folder of its own), two workers of Celery with their beats, PgBouncer in
transaction mode, a PostgreSQL with a streaming standby, Valkey and a mail server, on one machine. Members look at parties,
answer, and rush for the seats of one; meanwhile each part is killed and started again, and the hosts are restarted one by
one. In the end every answer that was acknowledged must be there, no party may have more guests than seats, and every
e-mail must have arrived once. Nobody may see another error than a 503 with Retry-After.

With `--from REVISION` the hosts begin with that version of the program and are upgraded one by one under traffic.
"""

import argparse
import contextlib
import http.client
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import requests
from sqlalchemy import func, select

import config
from app import create_app
from app.database import transaction
from app.extensions import db
from app.jobs.models import Job
from app.outbox.models import EmailState, OutboxEmail
from app.parties.enums import SEATED
from app.parties.models import DinnerParty, Rsvp
from tests.support import postgres, redis
from tests.support.client import Visitor
from tests.support.databases import SETTINGS
from tests.support.factories import DinnerPartyFactory, MemberFactory, RowFactory
from tests.support.smtp import MailServer, free_port, mail_server

HOSTS, WORKERS = ("host1", "host2", "host3"), ("celery1", "celery2")
MEMBERS, PARTIES, RUSH_SEATS, THREADS = 120, 60, 8, 12
START_SECONDS, STOP_SECONDS, DRAIN_SECONDS = 120, 40, 180
PGBOUNCER_INI = """
[databases]
{database} = host={socket} port=5432 dbname={database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 400
default_pool_size = 20
# Shorter than a request may take: while the database is away, people are told so.
query_wait_timeout = 8
server_connect_timeout = 3
server_login_retry = 1
ignore_startup_parameters = extra_float_digits,options
"""
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
DATABASE = "dinner"


class Part:
    """A process of the site, with its log; it can be killed and started again."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, **options: Any) -> None:
        self.name, self._command, self._log, self.options = name, [str(word) for word in command], log, options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **self.options
            )

    def kill(self) -> None:
        """Kill it with all its processes, as a power cut does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """Ask it to stop, as an operator does; return its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


class Primary:
    """A PostgreSQL that can be killed and started again; what was committed survives."""

    def __init__(self, folder: Path) -> None:
        self.directory, self._data = folder / "socket", folder / "data"
        for path in (self.directory, self._data):
            path.mkdir()
        owner = postgres._unprivileged_owner(folder, self.directory, self._data)  # noqa: SLF001
        self.binaries = postgres._installation(self.directory, copy=bool(owner)) / "bin"  # noqa: SLF001
        where = {"cwd": self.directory, **owner}
        subprocess.run(
            [self.binaries / "initdb", *postgres.CLUSTER, self._data], check=True, stdout=subprocess.DEVNULL, **where
        )
        # The operating system keeps running, so nothing needs to wait for the disk.
        settings = ("-cfsync=off", "-clisten_addresses=", "-cmax_connections=200")
        command = [self.binaries / "postgres", "-D", self._data, "-k", self.directory, *settings]
        self.part = Part("primary", command, folder / "primary.log", **where)

    def url(self) -> str:
        """Return the URL of the database."""
        return f"postgresql://postgres@/{DATABASE}?host={self.directory}"

    def conninfo(self, database: str) -> str:
        """Return how psycopg reaches a database."""
        return f"host={self.directory} user=postgres dbname={database}"


class Site:
    """All parts, by name."""

    def __init__(self, folder: Path, mail: MailServer) -> None:
        self.folder = folder
        self.primary = Primary(folder / "postgres")
        self.parts: dict[str, Part] = {"primary": self.primary.part}
        self.ports = {name: free_port() for name in (*HOSTS, "pgbouncer")}
        self.environ = {
            **os.environ,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PUBLIC_URL": "http://localhost:8080",
            "UPLOAD_FOLDER": str(folder / "uploads"),
            "MAIL_SERVER": mail.host,
            "MAIL_PORT": str(mail.port),
            "RATELIMIT_ENABLED": "no",
            "BACKGROUND_WORKER": "no",
            "WORKERS": "1",
        }

    def start(self, name: str) -> None:
        """Start a part, and wait until it can be used."""
        self.parts[name].start()
        ready = self._answers if name in HOSTS else {"primary": self._accepts}.get(name)
        if ready is not None:
            wait_until(lambda: ready(name), START_SECONDS, f"{name} starts")

    def place(self, name: str, program: Path, **environ: str) -> None:
        """Say how a host or a worker of Celery is started: the folder of the program, and its settings."""
        instance = self.folder / name
        settings = {**self.environ, "INSTANCE_PATH": str(instance), **environ}
        command: tuple[str, ...] = (
            "-m",
            "celery",
            "-A",
            "app.celery_app",
            "worker",
            "--beat",
            "--concurrency=2",
            "-n",
            name,
        )
        if name in HOSTS:
            settings["PORT"], command = str(self.ports[name]), ("run.py",)
        log = self.folder / f"{name}.log"
        self.parts[name] = Part(name, [sys.executable, *command], log, cwd=program, env=settings)

    def _answers(self, name: str) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.ports[name]}/login/", timeout=5).status_code < 500
        except requests.RequestException:
            return False

    def _accepts(self, _name: str) -> bool:
        try:
            psycopg.connect(self.primary.conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


class Traffic:
    """Members in threads of their own, and what they saw. A lost connection is tried again, as a proxy or a person does."""

    def __init__(self, site: Site, cookies: dict[int, dict[str, str]], slugs: list[str]) -> None:
        self.site, self.cookies, self.slugs = site, cookies, slugs
        self.seen: Counter[str] = Counter()
        self.bad: list[str] = []
        self.acknowledged: set[tuple[int, str]] = set()
        self.seconds: list[float] = []
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(THREADS)]

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        """Let members come while the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()

    def answer(self, member: int, slug: str) -> None:
        """Open a party and answer yes, until the answer is acknowledged."""
        with requests.Session() as browser:
            for name, value in self.cookies[member].items():
                browser.cookies.set(name, value, domain="127.0.0.1")
            for _attempt in range(200):
                page = self._send(browser, "GET", f"/parties/{slug}")
                token = TOKEN.search(page.text) if page is not None and page.status_code == 200 else None
                if token is None:
                    continue
                done = self._send(browser, "POST", f"/parties/{slug}/rsvp", {"csrf_token": token[1], "answer": "yes"})
                if done is not None and done.status_code == http.client.SEE_OTHER:
                    with self._lock:
                        self.acknowledged.add((member, slug))
                    return
                if done is not None and done.status_code < 500:
                    self._note_bad(f"POST /parties/{slug}/rsvp: {done.status_code}")
                    return
            self._note_bad(f"{slug} could not be answered")

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        members = [member for index, member in enumerate(self.cookies) if index % THREADS == number]
        while not self._ended.is_set():
            self.answer(chance.choice(members), chance.choice(self.slugs))
            with requests.Session() as stranger:
                self._send(stranger, "GET", "/parties/")

    def _send(self, browser: requests.Session, method: str, path: str, form: Any = None) -> requests.Response | None:
        host = random.choice(HOSTS)  # noqa: S311
        began = time.monotonic()
        try:
            response = browser.request(
                method, f"http://127.0.0.1:{self.site.ports[host]}{path}", data=form, timeout=60, allow_redirects=False
            )
        except requests.RequestException:
            with self._lock:
                self.seen["no connection"] += 1
            time.sleep(0.2)
            return None
        with self._lock:
            self.seen[str(response.status_code)] += 1
            self.seconds.append(time.monotonic() - began)
        if response.status_code == http.client.SERVICE_UNAVAILABLE and "Retry-After" in response.headers:
            time.sleep(0.5)
        elif response.status_code >= 500:
            self._note_bad(f"{method} {path} at {host}: {response.status_code}")
        return response

    def _note_bad(self, what: str) -> None:
        with self._lock:
            self.bad.append(what)


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait, or fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


def say(text: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201


def main() -> int:
    """Run the simulation; return 0 if nothing was lost, done twice or answered with an error."""
    parser = argparse.ArgumentParser(prog="make cluster")
    parser.add_argument("--from", dest="revision", default="", help="begin with this version of the program")
    arguments = parser.parse_args()
    if shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        sys.exit("PgBouncer is missing. On Debian: apt-get install pgbouncer")
    with (
        tempfile.TemporaryDirectory(prefix="cluster-") as name,
        mail_server() as mail,
        redis.running_server() as valkey,
        contextlib.ExitStack() as running,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "postgres").mkdir(mode=0o755)
        site = Site(folder, mail)
        running.callback(lambda: [part.kill() for part in site.parts.values()])
        return _simulate(site, mail, valkey, running, arguments.revision)


def _simulate(
    site: Site, mail: MailServer, valkey: redis.RedisServer, running: contextlib.ExitStack, revision: str
) -> int:
    site.start("primary")
    with psycopg.connect(site.primary.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    standby = running.enter_context(
        postgres.running_standby(postgres.PostgresServer(site.primary.directory, connection))
    )
    _place_pgbouncer(site)
    shared = {
        "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{site.ports['pgbouncer']}/{DATABASE}",
        "DATABASE_PREPARED_STATEMENTS": "no",
        "DATABASE_REPLICA_URL": standby.url(DATABASE).replace("+psycopg", ""),
        "REDIS_URL": valkey.url,
        "CELERY_BROKER_URL": f"redis+socket://{valkey.socket}",
    }
    direct = {**site.environ, "DATABASE_URL": site.primary.url(), "INSTANCE_PATH": str(site.folder / "setup")}
    old = _checked_out(site.folder, revision) if revision else config.ROOT
    _set_up(old, direct)
    app, cookies, slugs = _populate(direct)
    for host in HOSTS:
        if revision:
            site.place(host, old, DATABASE_URL=site.primary.url())
        else:
            site.place(host, config.ROOT, **shared)
    for worker in WORKERS:
        site.place(worker, config.ROOT, **shared)
    for part in HOSTS if revision else (*HOSTS, *WORKERS):
        site.start(part)
    say(f"served by {', '.join(HOSTS)}" + (f", version {revision}" if revision else ""))
    traffic = Traffic(site, cookies, slugs)
    with traffic.flowing():
        time.sleep(3)
        if revision:
            _set_up(config.ROOT, direct)
            say("the database is that of the new version")
            for host in HOSTS:
                site.parts[host].stop()
                site.place(host, config.ROOT, **shared)
                site.start(host)
                say(f"{host} is upgraded")
            for worker in WORKERS:
                site.start(worker)
        _rush(traffic, slugs[0])
        _kill_in_turn(site, valkey, standby)
        _restart_in_turn(site)
    return _report(app, site, mail, traffic)


def _place_pgbouncer(site: Site) -> None:
    ini = site.folder / "pgbouncer.ini"
    ini.write_text(PGBOUNCER_INI.format(database=DATABASE, socket=site.primary.directory, port=site.ports["pgbouncer"]))
    ini.chmod(0o644)
    as_nobody = ("-u", "nobody") if os.geteuid() == 0 else ()
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or ""
    site.parts["pgbouncer"] = Part("pgbouncer", [program, "-q", *as_nobody, ini], site.folder / "pgbouncer.log")
    site.start("pgbouncer")


def _checked_out(folder: Path, revision: str) -> Path:
    """Return a folder with another version of the program."""
    target = folder / "old"
    target.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=config.ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=target, input=archive, check=True)
    return target


def _set_up(program: Path, environ: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flask", "--app", "app", "setup"]
    subprocess.run(command, cwd=program, env=environ, check=True, stdout=subprocess.DEVNULL)


def _populate(environ: dict[str, str]) -> tuple[Any, dict[int, dict[str, str]], list[str]]:
    """Add parties, and members with their cookies."""
    names = ("DATABASE_URL", "INSTANCE_PATH", "SECRET_KEY", "PUBLIC_URL")
    os.environ.update({name: environ[name] for name in names})
    app = create_app({**SETTINGS, "TESTING": True})
    RowFactory.app = app
    cookies: dict[int, dict[str, str]] = {}
    host = MemberFactory(username="host")
    slugs = [DinnerPartyFactory(host=host, number_seats=RUSH_SEATS).slug for _number in range(PARTIES)]
    for _number in range(MEMBERS):
        member = MemberFactory()
        visitor = Visitor(app)
        visitor.log_in_as(member)
        found = (visitor.client.get_cookie(app.config[name]) for name in ("SESSION_COOKIE_NAME", "DEVICE_COOKIE_NAME"))
        cookies[member.id] = {cookie.key: cookie.value for cookie in found if cookie is not None}
    say(f"{MEMBERS} members, {PARTIES} parties of {RUSH_SEATS} seats")
    return app, cookies, slugs


def _rush(traffic: Traffic, slug: str) -> None:
    threads = [threading.Thread(target=traffic.answer, args=(member, slug)) for member in list(traffic.cookies)[:60]]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(f"60 members rushed for {RUSH_SEATS} seats in {time.monotonic() - began:.1f} s")


def _kill_in_turn(site: Site, valkey: redis.RedisServer, standby: postgres.Standby) -> None:
    """Kill each part, leave it dead for a moment, and start it again."""
    for name in ("host1", "celery1", "celery2", "pgbouncer", "host2", "primary", "host3", "celery1"):
        site.parts[name].kill()
        say(f"{name} is killed")
        time.sleep(3)
        site.start(name)
        say(f"{name} is back")
        time.sleep(2)
    valkey.kill()
    say("valkey is killed")
    time.sleep(4)
    valkey.start()
    say("valkey is back, and empty")
    standby.process.kill()
    say("the standby is killed, for good")
    time.sleep(4)


def _restart_in_turn(site: Site) -> None:
    for name in (*HOSTS, *WORKERS):
        status = site.parts[name].stop()
        site.start(name)
        say(f"{name} was restarted, its exit status was {status}")


def _report(app: Any, site: Site, mail: MailServer, traffic: Traffic) -> int:
    with app.app_context():

        def waiting() -> int:
            unsent = OutboxEmail.state.in_((EmailState.QUEUED, EmailState.SENDING))
            with transaction():
                return int(db.session.scalar(select(func.count()).where(unsent)) or 0)

        wait_until(lambda: not waiting(), DRAIN_SECONDS, "all e-mails are sent")
        slugs = dict(db.session.execute(select(DinnerParty.id, DinnerParty.slug)).all())
        answers = {(row.member_id, slugs[row.party_id]): row for row in db.session.scalars(select(Rsvp))}
        count = select(func.count()).where(Rsvp.party_id == DinnerParty.id, Rsvp.status.in_(SEATED)).scalar_subquery()
        wrong_seats = db.session.execute(
            select(DinnerParty.slug).where(
                (DinnerParty.seats_taken > DinnerParty.number_seats) | (count != DinnerParty.seats_taken)
            )
        ).all()
        # The mail server took them, and their process was killed before that was stored. They have the same Message-ID.
        interrupted = set(db.session.scalars(select(OutboxEmail.message_id).where(OutboxEmail.crashes > 0)))
        states = Counter(db.session.scalars(select(OutboxEmail.state)))
        ids = set(db.session.scalars(select(OutboxEmail.message_id)))
        failed_jobs = db.session.execute(select(Job.name, Job.last_error).where(Job.failures > 0)).all()
    arrived = Counter(str(message["Message-ID"]) for message in mail.messages)
    again = {key for key, number in arrived.items() if number > 1}
    twice = len(again - interrupted)
    lost = traffic.acknowledged - answers.keys()
    ordered = sorted(traffic.seconds)
    say(f"answers of the site: {dict(sorted(traffic.seen.items()))}")
    say(
        f"seconds: median {ordered[len(ordered) // 2]:.2f}, 95 % {ordered[len(ordered) * 95 // 100]:.2f}, most {ordered[-1]:.1f}"
    )
    say(f"other errors: {len(traffic.bad)} {traffic.bad[:5]}")
    say(
        f"RSVPs: {len(traffic.acknowledged)} acknowledged, {len(lost)} of them lost; parties with wrong seats: {len(wrong_seats)}"
    )
    say(
        f"e-mails: {dict(states)}; {len(ids - arrived.keys())} did not arrive, {twice} arrived twice,"
        f" and {len(again & interrupted)} whose process was killed meanwhile"
    )
    say(f"jobs that failed at last: {failed_jobs}")
    is_well = not (traffic.bad or lost or wrong_seats or ids - arrived.keys() or twice)
    if not is_well:
        kept = Path(tempfile.mkdtemp(prefix="cluster-logs-"))
        for log in (*site.folder.glob("*.log"), *site.folder.glob("*/*.log")):
            shutil.copy(log, kept)
        say(f"logs: {kept}")
    say("passed" if is_well else "FAILED")
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main())
