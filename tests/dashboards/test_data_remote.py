"""Remote data: asked for by the worker's job only, in bounds, and shown as they were last."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import clock, scheduler
from app.charts.model import Refusal
from app.dashboards.data import remote, remote_request
from app.dashboards.data.models import RemoteAnswer, RemoteProblem
from app.dashboards.data.remote_request import RemoteError
from app.dashboards.models import Dashboard
from app.database import transaction
from app.extensions import db
from app.jobs import service as job_service

ANSWERS = {
    "/data?x=1": (200, b'{"bar": [1, 2]}'),
    "/redirect": (302, b""),
    "/error": (500, b"[]"),
    "/text": (200, b"<html>"),
    "/nan": (200, b"[NaN]"),
    "/deep": (200, b"[" * 100_000),
    "/latin": (200, b'["\xe9"]'),
    "/large": (200, b"[" + b"1," * 600_000 + b"1]"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers, and notes who asked."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers["Host"], sorted(self.headers.keys())))
        if self.path == "/drip":
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b"H")
                    time.sleep(0.02)
            return
        status, body = ANSWERS[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/data?x=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


@contextlib.contextmanager
def serving(context=None):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server():
    with serving() as running:
        running.origin = f"http://127.0.0.1:{running.server_address[1]}"
        yield running


@pytest.fixture
def new_dashboard(app, cast):
    """Make a dashboard with a module for each URL."""

    def make(*urls, **columns):
        modules = [{"id": f"m{number}", "title": url, "data": {"url": url}} for number, url in enumerate(urls)]
        with app.app_context(), transaction():
            dashboard = Dashboard(
                slug=f"board{len(urls)}-{time.monotonic_ns()}",
                name="Remote",
                owner_id=cast.host.id,
                configuration={"version": 1, "layout": "grid", "modules": modules},
                **columns,
            )
            db.session.add(dashboard)
        return dashboard

    return make


def run_job(app):
    with app.app_context():
        job = next(job for job in scheduler.JOBS if job.name == "dashboard-data")
        job_service.due(scheduler.JOBS)
        return job_service.run_if_due(job)


@pytest.mark.both_databases
def test_the_job_asks_listed_hosts_and_dashboards_show_what_they_said_last(
    app, ask, cast, server, new_dashboard, monkeypatch
):
    clock.set_now(dt.datetime(2030, 6, 15, 12, tzinfo=dt.UTC))
    monkeypatch.setitem(app.config, "DASHBOARD_HOSTS", {server.origin})
    url = f"{server.origin}/data?x=1"
    new_dashboard(url, url, f"{server.origin}/error", "https://elsewhere.example/")
    new_dashboard(url)

    def shown(address=url, **source):
        return ask(cast.host, {"url": address, **source})

    assert shown() == Refusal("These data have not been fetched yet. Try again in a few minutes.")
    assert server.seen == []
    assert run_job(app)
    host = server.origin.removeprefix("http://")
    assert sorted(server.seen) == [
        ("/data?x=1", host, ["Accept", "Accept-Encoding", "Host", "User-Agent"]),
        ("/error", host, ["Accept", "Accept-Encoding", "Host", "User-Agent"]),
    ]
    assert shown() == {"bar": [1, 2]}
    assert shown(key="bar") == [1, 2]
    assert shown(f"{server.origin}/error") == Refusal("The host did not answer with status 200.")
    assert shown("https://elsewhere.example/") == Refusal("The operator of this site has not listed this host.")
    # Nothing is asked for again within five minutes, and an answer is shown for a day.
    later = clock.now() + dt.timedelta(minutes=5)
    server.shutdown()
    server.server_close()
    with app.app_context():
        assert remote.fetch_due() == 0
        assert len(server.seen) == 2
        clock.set_now(later)
        assert remote.fetch_due() == 0
        with transaction():
            row = db.session.query(RemoteAnswer).filter_by(url=url).first()
            assert (row.problem, row.asked_at, row.fetched_at) == (
                RemoteProblem.UNREACHABLE,
                later,
                later - dt.timedelta(minutes=5),
            )
    assert shown() == {"bar": [1, 2]}
    clock.set_now(later + dt.timedelta(days=1))
    assert shown() == Refusal("The host could not be reached.")
    monkeypatch.setitem(app.config, "DASHBOARD_HOSTS", set())
    assert shown() == Refusal("The operator of this site has not listed this host.")


def test_urls_follow_the_configuration(app, new_dashboard):
    made = new_dashboard("https://a.example/", "https://b.example/")

    def stored():
        return sorted(db.session.scalars(db.select(RemoteAnswer.url)))

    with app.app_context():
        assert stored() == ["https://a.example/", "https://b.example/"]
        with transaction():
            board = db.session.get_one(Dashboard, made.id)
            modules = [
                {"id": "m", "title": "", "data": {"url": url}} for url in ("https://b.example/", "https://c.example/")
            ]
            board.configuration = {"version": 1, "layout": "grid", "modules": [*modules, {"id": "n", "title": ""}]}
        assert stored() == ["https://b.example/", "https://c.example/"]
        with transaction():
            db.session.delete(board)
        assert stored() == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/redirect", RemoteProblem.STATUS),
        ("/error", RemoteProblem.STATUS),
        ("/text", RemoteProblem.NO_JSON),
        ("/nan", RemoteProblem.NO_JSON),
        ("/deep", RemoteProblem.NO_JSON),
        ("/latin", RemoteProblem.NO_JSON),
        ("/large", RemoteProblem.LARGE),
        ("/drip", RemoteProblem.SLOW),
    ],
)
def test_what_is_no_json_in_time_is_a_problem(server, monkeypatch, path, problem):
    monkeypatch.setattr(remote_request, "SECONDS", 0.3 if path == "/drip" else 20)
    began = time.monotonic()
    with pytest.raises(RemoteError) as caught:
        remote_request.fetch(server.origin + path, {server.origin})
    assert caught.value.problem == problem
    assert [seen[0] for seen in server.seen] == [path]
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [
        ([], RemoteProblem.NO_ADDRESS),
        (["127.0.0.1"], RemoteProblem.PRIVATE),
        (["8.8.8.8", "10.0.0.1"], RemoteProblem.PRIVATE),
        (["::ffff:127.0.0.1"], RemoteProblem.PRIVATE),
    ],
)
def test_a_name_that_leads_to_a_private_address_is_not_asked(server, monkeypatch, addresses, problem):
    port = server.server_address[1]

    def resolve(_host, _port, **_options):
        if not addresses:
            raise socket.gaierror
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(RemoteError) as caught:
        remote_request.fetch(f"http://rebind.example:{port}/data?x=1", {f"http://rebind.example:{port}"})
    assert caught.value.problem == problem
    assert server.seen == []


@pytest.fixture
def certificate(tmp_path):
    """A certificate for data.example, in the file of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "data.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("data.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return str(path)


def test_the_certificate_must_be_that_of_the_name(monkeypatch, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names = []
    context.sni_callback = lambda _line, name, _context: names.append(name)
    with serving(context) as server:
        port = server.server_address[1]
        place = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(remote_request, "_addresses", lambda _target, _deadline: place)

        def fetch(host):
            return remote_request.fetch(f"https://{host}:{port}/data?x=1", {f"https://{host}:{port}"})

        for trusted, host in ((False, "data.example"), (True, "other.example")):
            if trusted:
                monkeypatch.setenv("SSL_CERT_FILE", certificate)
            with pytest.raises(RemoteError) as caught:
                fetch(host)
            assert caught.value.problem == RemoteProblem.CERTIFICATE
        assert server.seen == []
        assert fetch("data.example") == '{"bar": [1, 2]}'
        assert (names[-1], server.seen[0][1]) == ("data.example", f"data.example:{port}")
