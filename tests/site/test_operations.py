"""What machines ask for: health, metrics, the log, and the well-known addresses."""

import contextlib
import json
import logging
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

import logs
from app import clock, metrics, operations, sentry
from app.database import transaction
from app.extensions import db
from tests.support.client import Visitor
from tests.support.factories import DinnerPartyFactory, OutboxEmailFactory

TOKEN = "a token that is long enough".replace(" ", "-")
PLAIN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def _schema_not_checked(monkeypatch):
    monkeypatch.setattr(operations, "_schema_checked", {})


# -- health


@pytest.mark.both_databases
def test_a_site_is_ready_whatever_host_it_is_asked_for(app):
    client = app.test_client()
    for host in ("127.0.0.1:8080", "10.1.2.3", "", "unknown.example"):
        for path in ("/health/live", "/health/ready"):
            answer = client.get(path, headers={"Host": host})
            assert (answer.status_code, answer.json["status"]) == (200, "ok"), (path, host)
            assert "Set-Cookie" not in answer.headers
    assert answer.json["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "outbox": {"oldest_seconds": 0.0, "late": False},
    }
    assert client.get("/", headers={"Host": "10.1.2.3"}).status_code == 400


def test_e_mail_that_is_late_is_told_and_no_reason_to_send_visitors_away(app):
    OutboxEmailFactory(not_before=clock.now() - timedelta(hours=1))
    answer = app.test_client().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json["checks"]["outbox"]["late"] is True
    assert 3600 <= answer.json["checks"]["outbox"]["oldest_seconds"] < 3700


def test_a_site_with_an_older_schema_is_alive_and_not_ready(app):
    with app.app_context(), transaction():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    client = app.test_client()
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["checks"]["migrations"]) == (503, "old")


def test_a_site_without_its_database_is_alive_and_not_ready(new_app, tmp_path):
    app = new_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/missing/dinner.db"})
    client = app.test_client()
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


# -- metrics


def figures(client):
    """Return the samples by name and labels."""
    answer = client.get("/metrics", headers=PLAIN)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'dinnerparty_\w+(\{(\w+="[^"]*",?)+\})? [-+.e\d]+', line) for line in lines), lines
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_are_for_those_with_the_token(new_app, visitor):
    client = new_app(METRICS_TOKEN=TOKEN).test_client()
    assert visitor.client.get("/metrics", headers=PLAIN).status_code == 404
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8080", **PLAIN}).status_code == 200


def test_metrics_count_what_the_processes_of_a_machine_do(new_app, cast):
    party = DinnerPartyFactory(host=cast.host)
    OutboxEmailFactory.create_batch(2, not_before=clock.now() - timedelta(minutes=1))
    # Two applications on one machine, as two processes are.
    one, other = new_app(METRICS_TOKEN=TOKEN), new_app(METRICS_TOKEN=TOKEN)
    Visitor(one).get("/")
    Visitor(other).get("/nowhere")
    Visitor(other).log_in("host", "wrong")
    found = figures(one.test_client())
    assert found['dinnerparty_requests_total{method="GET",status="200"}'] >= 2
    assert found['dinnerparty_requests_total{method="GET",status="404"}'] == 1
    assert found["dinnerparty_request_seconds_count"] == found['dinnerparty_request_seconds_bucket{le="+Inf"}'] >= 4
    assert found["dinnerparty_request_seconds_sum"] > 0
    assert found["dinnerparty_failed_logins_total"] == 1
    assert found['dinnerparty_outbox_emails{state="queued"}'] == 2
    assert found["dinnerparty_outbox_oldest_seconds"] >= 60
    assert found['dinnerparty_seats{state="taken"}'] == party.seats_taken
    assert found['dinnerparty_seats{state="free"}'] == party.number_seats - party.seats_taken


def test_a_broken_file_of_counters_breaks_no_page(new_app, tmp_path):
    app = new_app(METRICS_TOKEN=TOKEN)
    (tmp_path / "counters.db").write_bytes(b"not a database" * 100)
    assert Visitor(app).get("/").status == 200
    with app.app_context():
        metrics.count("jobs_total", result="ok")


# -- the log


def test_an_error_page_names_the_request_that_the_log_has(app, visitor, monkeypatch):
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", 0)
    monkeypatch.setitem(app.view_functions, "LandingView.index", lambda: 1 / 0)
    seen = []
    monkeypatch.setattr(app.logger, "error", lambda *_a, **_k: seen.append(logs.request_id.get()))
    page = visitor.get("/")
    number = page.headers["X-Request-ID"]
    assert page.status == 500
    assert number in page.text
    assert seen == [number]


def test_an_id_is_taken_from_proxies_only(new_app, visitor):
    told = {"X-Request-ID": "abcdef-0123456789"}
    behind = Visitor(new_app(TRUSTED_PROXY_COUNT="1"))
    assert behind.get("/", headers=told).headers["X-Request-ID"] == told["X-Request-ID"]
    assert visitor.get("/", headers=told).headers["X-Request-ID"] != told["X-Request-ID"]
    for strange in ("x", "a b c d e f g h", "é" * 10, "y" * 200):
        assert behind.get("/", headers={"X-Request-ID": strange}).headers["X-Request-ID"] != strange


def test_a_line_of_the_log_is_one_json_object():
    logs.request_id.set("number 1")
    error = ValueError("two\nlines")
    record = logging.LogRecord("app", logging.ERROR, "x.py", 1, "said\n%s", ("é",), (ValueError, error, None))
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["message"], found["request_id"], found["level"]) == ("said\né", "number 1", "ERROR")
    assert "ValueError: two" in found["exception"]
    assert "[number 1]" in logs.PlainFormatter().format(record).splitlines()[1]
    logs.request_id.set("")


def test_sentry_is_told_no_secrets_and_its_absence_is_said(new_app, caplog):
    logs.request_id.set("")
    event = {"request": {"url": "https://x/i/secret", "method": "GET", "cookies": {}}, "user": {"ip": "1"}}
    assert sentry.without_secrets(event, None) == {"request": {"method": "GET"}, "tags": {"request_id": ""}}
    with contextlib.suppress(ImportError):
        __import__("sentry_sdk")
        return
    new_app(SENTRY_DSN="https://key@sentry.example.org/1")
    assert "sentry-sdk is not installed" in caplog.text


# -- well-known addresses, and reports


def test_well_known_addresses(new_app, visitor):
    assert "Disallow: /account/" in visitor.get("/robots.txt").text
    assert visitor.get("/.well-known/change-password", follow=False).location == "/password/change"
    assert visitor.get("/.well-known/security.txt").status == 404
    contact = Visitor(new_app(SECURITY_CONTACT="security@example.org")).get("/.well-known/security.txt").text
    assert "Contact: mailto:security@example.org\n" in contact
    assert re.search(r"^Expires: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", contact, re.MULTILINE)


def test_reports_of_browsers_are_logged_without_secrets_and_in_bounds(app, visitor, caplog):
    sent = {"csp-report": {"effective-directive": "img-src", "blocked-uri": "https://evil.example/secret?x=1"}}
    also = [{"type": "csp-violation", "body": {"effectiveDirective": "script-src", "blockedURL": "inline"}}]
    for body, kind in ((sent, "application/csp-report"), (also, "application/reports+json"), ("[", "text/plain")):
        data = body if isinstance(body, str) else json.dumps(body)
        assert visitor.client.post("/csp-report", data=data, content_type=kind).status_code == 204
    assert "img-src has blocked evil.example" in caplog.text
    assert "script-src has blocked inline" in caplog.text
    assert "secret" not in caplog.text
    for _number in range(40):
        visitor.client.post("/csp-report", data=json.dumps(sent), content_type="application/csp-report")
    assert caplog.text.count("has blocked") <= operations.REPORTS_A_MINUTE
    huge = visitor.client.post("/csp-report", data="x" * 2_000_000, content_type="application/csp-report")
    assert huge.status_code in {204, 413}
