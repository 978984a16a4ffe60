"""Prove what the README promises on machines that have nothing but Python and make: `make machines`.

Each is a minimal Debian in a folder of its own, made by debootstrap from the packages of that release. In it, as root
and as an ordinary user, a fresh clone of HEAD is served with `make run` (somebody registers and gets their e-mail, a
party that is over is closed, Ctrl-C stops all of it, a second start has everything still) and tested with `make test`.
It needs root, debootstrap and two hours, and prints the table of CONTRIBUTING.md. What could be wrong with the network
of this machine (PIP_* and the certificates) is taken along.
"""

import contextlib
import http.cookiejar
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click
import psutil

import config
from tests.support.smtp import HOST, MailServer, free_port, mail_server

RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13", "sid": "Debian sid"}
PACKAGES = "python3,python3-venv,make,git,ca-certificates"
USERS = {"root": Path("/root"), "guest": Path("/home/guest")}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
FOLDER = Path.home() / ".cache" / "dinnerparty" / "machines"
START_SECONDS, STOP_SECONDS, WAIT_SECONDS = 600, 15, 60
TEST_SECONDS = 3600


Seen = TypeVar("Seen")


class NotKeptError(Exception):
    """A promise of the README that was not kept."""


@dataclass
class Machine:
    """A minimal Debian in `root`, used by `user` of it."""

    release: str
    root: Path
    user: str

    @property
    def clone(self) -> Path:
        """The fresh clone, seen from outside."""
        return self.root / USERS[self.user].relative_to("/") / "dinner"

    def command(self, *words: str, **environ: str) -> list[str]:
        """Return how to run a command in the clone, with nothing of our environment but the network's settings."""
        home = USERS[self.user]
        network = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        known = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **network, **environ}
        settings = [f"{name}={value}" for name, value in known.items()]
        words_in_clone = ["sh", "-c", f'cd {home}/dinner && exec "$@"', "sh", *words]
        return ["chroot", f"--userspec={self.user}", str(self.root), "env", "-i", *settings, *words_in_clone]

    def output(self, *words: str) -> str:
        """Return what a command prints."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=True).stdout.strip()

    def renew_clone(self) -> None:
        """Clone HEAD, as somebody does who has nothing yet."""
        shutil.rmtree(self.clone, ignore_errors=True)
        source = ["git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks"]
        subprocess.run([*source, str(config.ROOT), str(self.clone)], check=True)
        owner = f"{self.user}:{self.user}"
        subprocess.run(["chroot", str(self.root), "chown", "-R", owner, f"{USERS[self.user]}/dinner"], check=True)


@contextlib.contextmanager
def debian(release: str, folder: Path) -> Iterator[Path]:
    """Make a minimal Debian in `folder`, unless there is one, and give it what a running machine has."""
    root = folder / release
    if not (root / "usr/bin/make").exists():
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, str(root)], check=True)
    shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(Path("/etc") / name, root / "etc" / name)
    if not (root / "home/guest").exists():
        subprocess.run(["chroot", str(root), "useradd", "--create-home", "guest"], check=True)
    with contextlib.ExitStack() as mounted:
        for name in ("proc", "dev", "dev/shm"):
            if not os.path.ismount(root / name):
                subprocess.run(["mount", "--bind", f"/{name}", str(root / name)], check=True)
                mounted.callback(subprocess.run, ["umount", str(root / name)], check=False)
        yield root


# -- make run


def try_run(machine: Machine, log: Path) -> str:
    """Serve the site twice, and return what was seen; raises NotKeptError when it was something else."""
    port = free_port()
    with mail_server() as mail:
        environ = {"PORT": str(port), "MAIL_SERVER": mail.host, "MAIL_PORT": str(mail.port)}
        with serving(machine, log, environ, signal.SIGINT) as first:
            delivered = _register(port, mail)
            closed = _wait_for(lambda: _count(machine, "dinner_party WHERE status = 'done'"), "a party that is closed")
        kept = _count(machine, "ab_user")
        with serving(machine, log, environ, signal.SIGTERM) as second:
            if _count(machine, "ab_user") != kept:
                raise NotKeptError("the second start changed something")
    if re.search("ERROR|Traceback", log.read_text("utf-8")):
        raise NotKeptError("an error in the log")
    return (
        f"served after {first.started:.0f} s; e-mail after {delivered:.1f} s; {closed} party closed; "
        f"stopped in {first.stopped:.1f} s; again after {second.started:.1f} s, stopped in {second.stopped:.1f} s"
    )


@dataclass
class Times:
    """How long it took until a site answered, and until nothing of it was left, in seconds."""

    started: float = 0.0
    stopped: float = 0.0


@contextlib.contextmanager
def serving(machine: Machine, log: Path, environ: dict[str, str], stop: signal.Signals) -> Iterator[Times]:
    """Serve the site with `make run`, and stop it as a terminal does: by a signal to all of it."""
    times, started = Times(), time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            machine.command("make", "run", **environ), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_for(lambda: _answers(int(environ["PORT"]), process), "an answer", START_SECONDS)
        times.started = time.monotonic() - started
        yield times
    finally:
        asked = time.monotonic()
        os.killpg(process.pid, stop)
        process.wait(STOP_SECONDS)
        _wait_for(lambda: not _session(process.pid), "the end of all processes", STOP_SECONDS)
        times.stopped = time.monotonic() - asked


def _session(leader: int) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    if process.poll() is not None:
        raise NotKeptError(f"`make run` ended with status {process.returncode}")
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _register(port: int, mail: MailServer) -> float:
    """Register as a guest does; return the seconds until the e-mail is there."""
    address = f"http://{HOST}:{port}/register/form"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = browser.open(address).read().decode()
    (token,) = set(re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page))
    person = {"username": "ada", "first_name": "Ada", "last_name": "Doe", "email": "ada@example.com"}
    form = {**person, "password": "a good dinner needs time", "csrf_token": token}
    browser.open(address, urllib.parse.urlencode(form).encode()).read()
    sent = time.monotonic()
    _wait_for(lambda: mail.messages, "an e-mail")
    return time.monotonic() - sent


def _count(machine: Machine, what: str) -> int:
    path = machine.clone / "instance" / "dinnerparty.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        return int(database.execute(f"SELECT count(*) FROM {what}").fetchone()[0])  # noqa: S608 - words of ours


def _wait_for(look: Callable[[], Seen], what: str, seconds: float = WAIT_SECONDS) -> Seen:
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise NotKeptError(f"no {what} within {seconds} s")
        time.sleep(0.05)
    return seen


# -- make test


def try_test(machine: Machine, log: Path) -> str:
    """Run the tests, and return how they ended; raises NotKeptError when some did not pass."""
    with log.open("wb") as output:
        command = machine.command("make", "test")
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=TEST_SECONDS, check=False)
    last = log.read_text("utf-8").strip().splitlines()[-1].strip("= ")
    if status.returncode:
        raise NotKeptError(f"`make test` ended with status {status.returncode}: {last}")
    return last


TRIES = {"make run": try_run, "make test": try_test}


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, help="Where machines are kept.")
@click.option("--release", "releases", type=click.Choice(list(RELEASES)), multiple=True, default=list(RELEASES))
@click.option("--user", "users", type=click.Choice(list(USERS)), multiple=True, default=list(USERS))
@click.option("--try", "tries", type=click.Choice(list(TRIES)), multiple=True, default=list(TRIES))
def main(folder: Path, releases: list[str], users: list[str], tries: list[str]) -> None:
    """Prove the two commands of the README on minimal machines."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    click.echo("| machine | Python | user | command | what was seen |\n|---|---|---|---|---|")
    for release in releases:
        with debian(release, folder) as root:
            for user in users:
                machine = Machine(release, root, user)
                for name in tries:
                    machine.renew_clone()
                    python = machine.output("python3", "--version").removeprefix("Python ")
                    try:
                        seen = TRIES[name](machine, folder / f"{release}-{user}-{name.replace(' ', '-')}.log")
                    except (NotKeptError, OSError, subprocess.SubprocessError) as error:
                        seen, failed = f"FAILED: {error}", True
                    click.echo(f"| {RELEASES[release]} | {python} | {user} | `{name}` | {seen} |")
    sys.exit(failed)


if __name__ == "__main__":
    main()
