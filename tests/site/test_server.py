"""The server of one process: what it gives the application, and what becomes of requests that do not arrive."""

import contextlib
import socket
import threading
from contextlib import contextmanager

import pytest

from app import server
from tests.support.waiting import wait_until

POST = b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\n\r\n"


class Application:
    """Tells what it was asked, once it may go on."""

    def __init__(self):
        self.asked = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, environ, start_response):
        self.asked.append(environ)
        self.may_go_on.wait(10)
        start_response(f"{environ.get('dinnerparty.unread_body', 200)} Said", [("Content-Type", "text/plain")])
        return [b"body: " + environ["wsgi.input"].read()]


@contextmanager
def serving(application, listening, proxies=0):
    serving = server.Server(application, [listening], proxies)
    thread = threading.Thread(target=serving.run)
    thread.start()
    try:
        yield serving
    finally:
        serving.stop()
        thread.join()


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def site(application):
    with socket.create_server(("127.0.0.1", 0)) as listening, serving(application, listening) as site:
        site.address = listening.getsockname()
        yield site


@pytest.fixture
def connect(site):
    made = []

    def make():
        made.append(socket.create_connection(site.address, timeout=10))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def answer(connection):
    """Return everything that arrives until the connection is closed."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_header_that_is_not_ascii_reaches_the_application(application, connect):
    """A cookie of a neighbour site may have any characters. It must not take those of this site with it."""
    client = connect()
    client.sendall("GET / HTTP/1.0\r\nCookie: visitor=José; session=kept\r\n\r\n".encode())
    answer(client)
    assert application.asked[0]["HTTP_COOKIE"].encode("latin-1").decode() == "visitor=José; session=kept"


def test_a_body_that_does_not_arrive_is_given_up(application, connect, monkeypatch):
    monkeypatch.setattr(server, "BODY_SECONDS", 0.1)
    client = connect()
    client.sendall(POST + b"half")
    said = answer(client)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert said.endswith(b"body: ")
    assert b"Connection: close" in said


def test_a_large_body_may_take_longer_than_a_small_one(application, connect, monkeypatch):
    monkeypatch.setattr(server, "BODY_SECONDS", 0.1)
    large, small = connect(), connect()
    large.sendall(POST.replace(b"10", b"1000000") + b"half")
    small.sendall(POST + b"half")
    assert answer(small).startswith(b"HTTP/1.1 408 ")
    large.sendall(b"x" * 999_996)
    assert large.recv(12) == b"HTTP/1.1 200"


def test_a_head_that_does_not_arrive_closes_the_connection(application, connect, monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.1)
    client = connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: exa")
    assert answer(client) == b""
    assert not application.asked


def test_of_one_address_few_bodies_are_awaited_at_once(application, connect, monkeypatch):
    monkeypatch.setattr(server, "BODIES_OF_ADDRESS", 2)
    first, second, third = connect(), connect(), connect()
    for client in (first, second, third):
        client.sendall(POST + b"half")
    assert answer(third).startswith(b"HTTP/1.1 429 ")
    first.sendall(b"-whole")
    assert first.recv(12) == b"HTTP/1.1 200"
    # A request without a body is always served.
    third = connect()
    third.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert answer(third).startswith(b"HTTP/1.0 200 ")


def test_behind_a_proxy_the_slow_bodies_of_one_visitor_do_not_count_for_others(application, monkeypatch):
    """All connections come from the proxy. What a visitor claims is before what the proxy has seen."""
    monkeypatch.setattr(server, "BODIES_OF_ADDRESS", 2)
    posts = [
        POST.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.%d, %s\r\n\r\n" % (number, seen))
        for number, seen in enumerate([b"198.51.100.1", b"198.51.100.1", b"198.51.100.2", b"198.51.100.1"])
    ]
    with contextlib.ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        opened.enter_context(serving(application, listening, proxies=1))
        clients = [opened.enter_context(socket.create_connection(listening.getsockname(), timeout=10)) for _ in posts]
        for client, post in zip(clients, posts, strict=True):
            client.sendall(post + b"half")
        assert answer(clients[3]).startswith(b"HTTP/1.1 429 ")
        clients[2].sendall(b"-whole")
        assert clients[2].recv(12) == b"HTTP/1.1 200"


def test_requests_run_one_at_a_time(application, connect):
    application.may_go_on.clear()
    clients = [connect() for _number in range(3)]
    for client in clients:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    wait_until(lambda: application.asked)
    assert len(application.asked) == 1
    application.may_go_on.set()
    assert all(answer(client).startswith(b"HTTP/1.0 200 ") for client in clients)


def test_a_stop_finishes_what_is_being_answered_and_drops_what_has_not_arrived(site, application, connect):
    application.may_go_on.clear()
    asked, half, idle = connect(), connect(), connect()
    asked.sendall(POST + b"everything")
    half.sendall(POST + b"half")
    wait_until(lambda: application.asked)
    site.stop()
    assert answer(half) == answer(idle) == b""
    application.may_go_on.set()
    assert answer(asked).endswith(b"body: everything")
    with pytest.raises(ConnectionRefusedError):
        connect()


def test_a_unix_socket_has_an_address_of_this_machine(application, tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        with serving(application, listening), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert answer(client).startswith(b"HTTP/1.0 200 ")
    assert application.asked[0]["REMOTE_ADDR"] == "127.0.0.1"


# -- bytes beyond ASCII in headers, with the site itself

NAMES = ("José".encode(), "José".encode("latin-1"), b"\xff\xfe\x80", b"\xed\xa0\x80")
READ = (
    *("Accept", "Accept-Language", "Authorization", "Content-Type", "Cookie", "Forwarded", "Host", "If-Match"),
    *("If-Modified-Since", "If-None-Match", "Idempotency-Key", "Origin", "Range", "Referer", "Sec-Fetch-Site"),
    *("User-Agent", "X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID"),
)


@pytest.fixture
def say(app):
    """Send bytes to the site and return its status."""
    with socket.create_server(("127.0.0.1", 0)) as listening, serving(app, listening):

        def exchange(request):
            with socket.create_connection(listening.getsockname(), timeout=30) as client:
                client.sendall(request)
                return int(client.makefile("rb").readline().split()[1])

        yield exchange


@pytest.mark.parametrize("name", NAMES)
def test_a_cookie_of_a_neighbour_locks_nobody_out(say, client_of, cast, app, name):
    client = client_of(cast.friend).client
    session = client.get_cookie(app.config["SESSION_COOKIE_NAME"]).value.encode()
    own = app.config["SESSION_COOKIE_NAME"].encode() + b"=" + session
    for cookies in (own, b"visitor=" + name + b"; " + own, own + b"; visitor=" + name, name + b"=1; " + own):
        head = b"GET /account/devices/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: " + cookies
        assert say(head + b"\r\n\r\n") == 200, cookies


def test_no_header_beyond_ascii_is_an_error_of_the_server(say, app, cast):
    wrong = {}
    for header in READ:
        for name in NAMES:
            for line in (
                b"GET /",
                b"GET /account/devices/",
                b"GET /api/v1/parties",
                b"POST /login/",
                b"GET /health/ready",
            ):
                given = {"Host": b"localhost", "Connection": b"close", "Content-Length": b"0", header: name}
                head = b"".join(key.encode() + b": " + value + b"\r\n" for key, value in given.items())
                status = say(line + b" HTTP/1.1\r\n" + head + b"\r\n")
                if status >= 500:
                    wrong[header, name, line] = status
    assert wrong == {}
