"""`python run.py`: the site with its post, as `make run` starts it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

import config
from app import clock
from app.outbox.models import SENT
from tests.support.factories import LetterFactory

STOP_SECONDS = 35
UPLOAD = (
    b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nusername="
)


@pytest.fixture(autouse=True)
def noon():
    """The other processes live in the present; so do these tests."""
    clock.reset()


@pytest.fixture
def posting(server, smtp):
    """A running site that has a mail server."""
    return server.start(MAIL_SERVER=smtp.host, MAIL_PORT=str(smtp.port), MAIL_TIMEOUT="20")


def get(site, path="/login/"):
    with closing(http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def processes_of(site):
    """Return the identities of the site's processes that have not ended."""
    listing = subprocess.run(
        ["ps", "-o", "pid=,state=", "--sid", str(site.process.pid)], capture_output=True, text=True, check=False
    )
    rows = [line.split() for line in listing.stdout.splitlines()]
    return {int(pid) for pid, state in rows if state != "Z"}


@pytest.mark.both_databases
def test_letters_are_delivered_beside_the_site(posting, smtp, records):
    letter = LetterFactory()
    wait_until(lambda: records.fresh(letter).state == SENT)
    assert len(smtp.letters) == 1


def test_no_letter_waits_for_ever_when_the_deliverer_dies(posting, smtp, records):
    LetterFactory()
    wait_until(lambda: smtp.letters)
    workers = processes_of(posting) - {posting.process.pid}
    assert len(workers) == 3
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    letter = LetterFactory()
    wait_until(lambda: records.fresh(letter).state == SENT)
    wait_until(lambda: get(posting) == 200)


def test_it_stops_when_asked_even_when_the_mail_server_hangs(posting, smtp, records):
    smtp.behaviour = "hang"
    LetterFactory()
    wait_until(lambda: smtp.attempts)
    started = time.monotonic()
    assert posting.stop() == 0
    assert time.monotonic() - started < STOP_SECONDS


def test_nothing_is_left_running_when_it_stops(posting):
    assert len(processes_of(posting)) == 4
    started = time.monotonic()
    posting.stop()
    assert processes_of(posting) == set()
    # Nobody is served, so nobody is waited for.
    assert time.monotonic() - started < 15


def test_a_request_that_is_too_large_is_told_so(server):
    site = server.start()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)) as connection:
        connection.request("POST", "/login/", body=b"username=" + b"x" * 10 * 1024 * 1024, headers=form)
        response = connection.getresponse()
        assert response.status == 413
        assert "What you sent is too large." in response.read().decode()


def test_slow_senders_and_idle_browsers_keep_nobody_waiting(server):
    site = server.start()
    address = ("127.0.0.1", site.port)
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(address)).sendall(UPLOAD)
        for _ in range(300):
            stack.enter_context(socket.create_connection(address))
        started = time.monotonic()
        assert get(site) == 200
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"PORT": "eighty"}, "PORT must be a whole number"),
        ({"PUBLIC_URL": "dinner"}, "PUBLIC_URL must look like"),
        ({"SECRET_KEY": "changeme"}, "The secret is known or too short"),
    ],
)
def test_a_configuration_that_cannot_be_served_with_is_told_without_a_traceback(tmp_path, environ, told):
    result = refused_start(tmp_path, **environ)
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_told(tmp_path, silent_port):
    result = refused_start(tmp_path, PORT=str(silent_port))
    assert f"127.0.0.1:{silent_port} cannot be listened on (Address already in use)" in result.stderr


def refused_start(directory, **environ):
    given = {**os.environ, "INSTANCE_PATH": str(directory), **environ}
    command = [sys.executable, "run.py"]
    result = subprocess.run(
        command, cwd=config.ROOT, env=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    return result
