"""`python run.py`: the site with its outbox, as `make run` starts it."""

import http.client
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from urllib.parse import urlsplit

import psutil
import pytest

import config
import run
from app import clock, zone_rules
from app.outbox.models import EmailState
from config import ConfigurationError
from tests.support.factories import OutboxEmailFactory
from tests.support.waiting import wait_until

STOP_SECONDS = 35
# Far less than the time that a hanging process is given.
AT_ONCE = 15
UPLOAD = (
    b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nusername="
)


@pytest.fixture(autouse=True)
def noon():
    """These tests use the real time, as the other processes do."""
    clock.reset()


@pytest.fixture
def site_with_outbox(server, smtp):
    """A running site with a mail server."""
    return server.start(MAIL_SERVER=smtp.host, MAIL_PORT=str(smtp.port), MAIL_TIMEOUT="20")


def get(site, path="/login/"):
    with closing(http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def processes_of(site):
    """Return the IDs of the site's running processes: all that are in its session."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == site.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def test_a_site_is_served_with_its_outbox_from_start_to_stop(site_with_outbox, smtp, records):
    """Starting a site takes seconds, so one site is used for all checks that do it no harm."""
    assert len(processes_of(site_with_outbox)) == 1 + len(
        ("resource tracker", "fork server", "background worker", "web worker 1", "web worker 2")
    )
    assert_loaded_once_for_all_processes(site_with_outbox)
    letter = OutboxEmailFactory()
    wait_until(lambda: records.fresh(letter).state == EmailState.SENT)
    assert len(smtp.messages) == 1
    assert_too_large_a_request_is_told_so(site_with_outbox)
    assert_slow_senders_and_idle_browsers_keep_nobody_waiting(site_with_outbox)
    started = time.monotonic()
    assert site_with_outbox.stop() == 0
    wait_until(lambda: processes_of(site_with_outbox) == set())
    # No request is being served, so there is nothing to wait for.
    assert time.monotonic() - started < AT_ONCE


def assert_loaded_once_for_all_processes(site):
    forked = re.findall(r"worker(?: \d)? started with PID: (\d+)", site.log.read_text())
    assert f"Time zone rules: {zone_rules.version()}, from " in site.log.read_text()
    (fork_server,) = {psutil.Process(int(pid)).parent() for pid in forked}
    assert len(forked) == 3
    assert "forkserver" in " ".join(fork_server.cmdline())
    assert fork_server.ppid() == site.process.pid
    # Otherwise each process would keep the memory of the passwords that it has checked.
    assert fork_server.environ().items() >= run.MALLOC.items()


def assert_too_large_a_request_is_told_so(site):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)) as connection:
        connection.request("POST", "/login/", body=b"username=" + b"x" * 10 * 1024 * 1024, headers=form)
        response = connection.getresponse()
        assert response.status == 413
        assert "The data you sent is too large." in response.read().decode()


def assert_slow_senders_and_idle_browsers_keep_nobody_waiting(site):
    """They are from many addresses: of each, the site reads a few requests at once, and says so to the others."""
    address = ("127.0.0.1", site.port)
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(address, source_address=(f"127.0.0.{2 + number % 10}", 0)))
            for number in range(140)
        ]
        same = [stack.enter_context(socket.create_connection(address)) for _ in range(17)]
        for sender in (*slow, *same):
            sender.sendall(UPLOAD)
        for _ in range(300):
            stack.enter_context(socket.create_connection(address))
        assert get(site) == get(site, "/static/app.css") == 200
        # Those who are slow are still waited for: nobody else waited for them.
        refused, _writable, _failed = select.select(slow, [], [], 0)
        assert len(refused) < len(slow)
        assert {status(sender) for sender in slow} == {408}
        # Two processes may have divided them.
        assert {status(sender) for sender in same} <= {408, 429}


def status(connection):
    """Return the status of the response that arrives."""
    connection.settimeout(60)
    return int(connection.recv(12).split()[1])


def test_emails_are_sent_after_other_processes_were_killed(site_with_outbox, smtp, records):
    OutboxEmailFactory()
    wait_until(lambda: smtp.messages)
    others = processes_of(site_with_outbox) - {site_with_outbox.process.pid}
    for pid in others:
        os.kill(pid, signal.SIGKILL)
    letter = OutboxEmailFactory()
    wait_until(lambda: records.fresh(letter).state == EmailState.SENT)
    wait_until(lambda: get(site_with_outbox) == 200)
    assert not processes_of(site_with_outbox) & others
    # Everything stops with the supervising process.
    os.kill(site_with_outbox.process.pid, signal.SIGKILL)
    site_with_outbox.process.wait(STOP_SECONDS)
    wait_until(lambda: processes_of(site_with_outbox) == set())


def test_a_background_worker_that_exits_is_logged_and_restarted(server):
    # HOST may be a name.
    site = server.start(HOST="localhost")
    assert get(site) == 200
    os.kill(background_workers(site)[0], signal.SIGKILL)
    said = "ERROR Background worker ended with status -9. It is started again in 5 s"
    wait_until(lambda: said in site.log.read_text())
    wait_until(lambda: len(background_workers(site)) == 2)
    assert background_workers(site)[1] in processes_of(site)


def background_workers(site):
    """Return the IDs of all background workers so far, the last one last."""
    return [int(pid) for pid in re.findall(r"Background worker started with PID: (\d+)", site.log.read_text())]


def test_it_stops_even_when_the_mail_server_hangs(site_with_outbox, smtp, records):
    smtp.behaviour = "hang"
    OutboxEmailFactory()
    wait_until(lambda: smtp.attempts)
    started = time.monotonic()
    assert site_with_outbox.stop() == 0
    assert time.monotonic() - started < STOP_SECONDS


@pytest.mark.parametrize("moment", ["", "Web worker 1 started"])
def test_it_stops_at_once_at_any_moment_of_its_start(server, moment):
    site = server.begin()
    wait_until(lambda: moment in site.log.read_text())
    started = time.monotonic()
    # At this time it has no signal handler yet.
    assert site.stop() in ({0, -signal.SIGTERM} if not moment else {0})
    wait_until(lambda: processes_of(site) == set())
    assert time.monotonic() - started < AT_ONCE
    assert "Traceback" not in site.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_at_once_when_the_whole_process_group_is_signalled(site_with_outbox, number):
    started = time.monotonic()
    os.killpg(site_with_outbox.process.pid, number)
    assert site_with_outbox.process.wait(STOP_SECONDS) == 0
    wait_until(lambda: processes_of(site_with_outbox) == set())
    assert time.monotonic() - started < AT_ONCE
    assert not re.search("ERROR|Traceback", site_with_outbox.log.read_text())


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"PORT": "eighty"}, "PORT must be a whole number"),
        ({"PUBLIC_URL": "dinner"}, "PUBLIC_URL must look like"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY is a known value or too short"),
        ({"HOST": "no.such.host.example"}, "no.such.host.example:8080 cannot be listened on ("),
        ({"HOST": "a..b"}, "a..b:8080 cannot be listened on (not a host name)"),
        ({"PORT": "99999"}, "PORT must be a number from 1 to 65535"),
        ({}, "dinnerparty.db does not exist: run `.venv/bin/flask --app app setup` first"),
    ],
)
def test_an_invalid_configuration_is_reported_without_a_traceback(tmp_path, environ, told):
    result = refused_start(tmp_path, **environ)
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith("DinnerParty cannot start. ")
    assert told in sentence
    if not environ:
        # Serving does not create a database.
        assert sorted(path.name for path in tmp_path.iterdir()) == ["catalogs", "secret_key"]


def test_a_setting_with_an_old_name_is_logged_once(server):
    site = server.start(SHORTEST_PASSWORD="9", PASSWORD_MIN_LENGTH="10", ACTIVATION="letter")
    log = site.log.read_text()
    assert log.count("WARNING SHORTEST_PASSWORD was renamed and is ignored: PASSWORD_MIN_LENGTH is set, too") == 1
    assert log.count("was renamed") == 2


def test_a_taken_port_is_reported(tmp_path, silent_port):
    result = refused_start(tmp_path, PORT=str(silent_port))
    assert f"127.0.0.1:{silent_port} cannot be listened on (Address already in use)" in result.stderr


def test_it_listens_on_a_unix_socket_also_after_a_kill(tmp_path):
    path = tmp_path / "dinner.sock"
    for _start in range(2):
        (listening,) = run.listen(f"unix:{path}", 0)
        with listening, socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert path.stat().st_mode & 0o777 == 0o660
            with pytest.raises(ConfigurationError, match="Address already in use"):
                run.listen(f"unix:{path}", 0)


def test_it_listens_on_ipv6_and_for_both():
    for host, client in (("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")):
        (listening,) = run.listen(host, 0)
        with listening, socket.create_connection((client, listening.getsockname()[1]), timeout=5):
            pass


def test_it_takes_the_sockets_that_systemd_passes():
    program = "import run; print([passed.getsockname() for passed in run.passed_sockets()])"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        script = f'exec 3<&{number}; export LISTEN_PID=$$ LISTEN_FDS=1; exec {sys.executable} -c "{program}"'
        done = subprocess.run(
            ["bash", "-c", script], cwd=config.ROOT, pass_fds=[number], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == str([listening.getsockname()])


def test_the_site_starts_while_the_database_server_is_away(server, tmp_path):
    site = server.start(DATABASE_URL="postgresql://me@127.0.0.1:1/dinner")
    assert "The database is not available yet" in site.log.read_text()
    assert get(site, "/") == 503


def refused_start(directory, **environ):
    given = {**os.environ, "INSTANCE_PATH": str(directory), **environ}
    command = [sys.executable, "run.py"]
    result = subprocess.run(
        command, cwd=config.ROOT, env=given, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 1
    return result
