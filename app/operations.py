"""Pages for machines: health, metrics, reports of browsers, and the well-known addresses.

Those of health and metrics answer whatever host they are asked for (app/gateway.py). None opens a session.
"""

import hashlib
import hmac
import logging
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, json, jsonify, redirect, request, url_for
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from app import clock, http, metrics, setup
from app.accounts import signals
from app.database import reason
from app.extensions import appbuilder_of, csrf, db
from app.i18n import locales
from app.metrics import Sample
from app.outbox import texts as outbox_texts
from app.outbox.models import EmailState, OutboxEmail
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty

WAITING = (EmailState.QUEUED, EmailState.SENDING)
# An e-mail that is due for longer is a sign that nothing delivers. The site itself works on.
LATE = timedelta(minutes=15)
# How often the schema is compared with the migrations, which takes longer than all of a readiness check.
SCHEMA_SECONDS = 30
MAX_REPORT = 16 * 1024
REPORTS_A_MINUTE, REPORT_CHARACTERS = 20, 100
SECURITY_TXT_LIFETIME = timedelta(days=180)
# What no search engine needs. Secret links are not named here.
DISALLOWED = ("/api/", "/account/", "/register/", "/password/", "/user/", "/users/", "/health/", "/metrics")

IGNORED_PROXY = lazy_gettext(
    "A proxy is in front of this site, but the site was not told: all visitors count as one, and few wrong passwords lock "
    "out everybody. Set TRUSTED_PROXY_COUNT to the number of proxies."
)

log = logging.getLogger(__name__)
machines = Blueprint("machines", __name__)


def init_app(app: Flask) -> None:
    """Add the pages to `app`."""
    app.register_blueprint(machines)
    csrf.exempt(f"{__name__}.csp_report")
    signals.login_failed.connect(_count_failed_login)
    app.jinja_env.globals["site_notices"] = site_notices


def _count_failed_login(_app: Flask, **_more: object) -> None:
    metrics.count("failed_logins_total")


def site_notices() -> list[str]:
    """Return what is wrong with the site, on each page of an administrator."""
    proxy = [str(IGNORED_PROXY)] if current_app.extensions["gateway"].has_ignored_proxy else []
    found = [*proxy, *outbox_texts.setup_notices()]
    may_see = found and current_user.is_authenticated
    return found if may_see and appbuilder_of().sm.has_access("can_list", "OutboxEmailModelView") else []


@machines.after_request
def _not_stored(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


# -- health


@machines.route("/health/live")
def live() -> Response:
    """Tell that this process answers. It asks nobody else: a restart mends no database."""
    return jsonify(status="ok")


@machines.route("/health/ready")
def ready() -> tuple[Response, int]:
    """Tell whether pages can be served: 503 without the database or with an older schema.

    E-mail that is late is told, but no reason to send visitors elsewhere.
    """
    checks: dict[str, Any] = {"database": "ok"}
    try:
        db.session.execute(text("SELECT 1"))
        checks["migrations"] = "old" if _is_outdated() else "ok"
        oldest = _oldest_due()
        db.session.rollback()
    except SQLAlchemyError as error:
        log.error("Not ready: the database is not available (%s)", reason(error))  # noqa: TRY400 - one line
        db.session.rollback()
        return jsonify(status="unavailable", checks={"database": "unavailable"}), 503
    checks["outbox"] = {"oldest_seconds": oldest, "late": oldest > LATE.total_seconds()}
    is_ready = checks["migrations"] == "ok"
    return jsonify(status="ok" if is_ready else "unavailable", checks=checks), 200 if is_ready else 503


_schema_checked: dict[str, tuple[float, bool]] = {}


def _is_outdated() -> bool:
    """Whether migrations are missing, as of the last seconds. One that is up to date stays so."""
    url = str(db.engine.url)
    checked_at, outdated = _schema_checked.get(url, (0.0, True))
    if (outdated and time.monotonic() - checked_at > SCHEMA_SECONDS) or not checked_at:
        outdated = setup.is_outdated(db.session.connection())
        _schema_checked[url] = time.monotonic(), outdated
    return outdated


def _oldest_due() -> float:
    """Return for how many seconds the oldest e-mail that should be sent waits."""
    now = clock.now()
    due = select(func.min(OutboxEmail.not_before)).where(OutboxEmail.state.in_(WAITING))
    oldest = db.session.scalar(due)
    return max(0.0, round((now - oldest).total_seconds(), 1)) if oldest else 0.0


# -- metrics


@machines.route("/metrics")
def figures() -> Response:
    """Return figures in the text format of Prometheus, to those who know METRICS_TOKEN."""
    token = current_app.config["METRICS_TOKEN"]
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(given, f"Bearer {token}".encode()):
        return Response("METRICS_TOKEN is wanted as a bearer token.\n", 401, {"WWW-Authenticate": "Bearer"})
    written = metrics.exposition(_gauges())
    db.session.rollback()
    return Response(written, content_type="text/plain; version=0.0.4; charset=utf-8")


def _gauges() -> Iterator[tuple[str, str, list[Sample]]]:
    """Yield what is in the database now, each with its help and samples."""
    states = dict(db.session.execute(select(OutboxEmail.state, func.count()).group_by(OutboxEmail.state)).all())
    emails = [Sample("outbox_emails", states.get(state, 0), {"state": state.value}) for state in EmailState]
    yield "outbox_emails", "E-mails by state", emails
    oldest = [Sample("outbox_oldest_seconds", _oldest_due())]
    yield "outbox_oldest_seconds", "For how long the oldest e-mail that is due waits", oldest
    coming = (DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > clock.now())
    counted = select(func.count(), func.sum(DinnerParty.number_seats), func.sum(DinnerParty.seats_taken)).where(*coming)
    parties, seats, taken = db.session.execute(counted).one()
    yield "coming_parties", "Published parties that have not begun", [Sample("coming_parties", parties)]
    yield (
        "seats",
        "Seats at coming parties",
        [
            Sample("seats", taken or 0, {"state": "taken"}),
            Sample("seats", (seats or 0) - (taken or 0), {"state": "free"}),
        ],
    )


# -- what browsers report


@machines.route("/csp-report", methods=["POST"])
def csp_report() -> Response:
    """Count and log reports about violations of the Content-Security-Policy: a few a minute of each address."""
    received = Response(status=204, content_type="text/plain")
    address = hashlib.sha256((request.remote_addr or "").encode()).hexdigest()
    try:
        (sent,) = metrics.counters().add({f"csp:{address}": 1}, 60)
    except (sqlite3.Error, OSError):
        return received
    if sent <= REPORTS_A_MINUTE and (request.content_length or 0) <= MAX_REPORT:
        for report in _reports(request.get_data(cache=False))[:5]:
            metrics.count("csp_reports_total")
            log.warning("Content-Security-Policy: %s", report)
    return received


def _reports(body: bytes) -> list[str]:
    """Return what reports say, in both of their formats: the directive, and what was blocked, without secrets."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    bodies = [each.get("body") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if isinstance(found, dict):
        bodies = [found.get("csp-report")]
    return [_described(each) for each in bodies if isinstance(each, dict)]


def _described(report: dict[str, Any]) -> str:
    directive = report.get("effective-directive") or report.get("effectiveDirective") or ""
    blocked = str(report.get("blocked-uri") or report.get("blockedURL") or "")
    try:
        # Paths may have secrets.
        place = urlsplit(blocked).netloc or blocked.partition("?")[0]
    except ValueError:
        place = ""
    said = f"{str(directive)[:REPORT_CHARACTERS]!a} has blocked {place[:REPORT_CHARACTERS]!a}"
    return said.replace("'", "")


# -- well-known addresses


@machines.route("/robots.txt")
def robots() -> Response:
    """Tell search engines what is not for them."""
    root = request.script_root
    lines = ["User-agent: *", *(f"Disallow: {root}{path}" for path in DISALLOWED)]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@machines.route("/.well-known/security.txt")
def security_txt() -> Response:
    """Tell to whom weaknesses are reported (RFC 9116), if SECURITY_CONTACT is set."""
    contact = current_app.config["SECURITY_CONTACT"]
    if not contact:
        abort(404)
    lines = [
        f"Contact: {contact}",
        f"Expires: {clock.now() + SECURITY_TXT_LIFETIME:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(info.tag for info in locales.shipped())}",
        f"Canonical: {http.public_url('machines.security_txt')}",
    ]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@machines.route("/.well-known/change-password")
def change_password() -> BaseResponse:
    """Lead password managers to the page where members change their password."""
    return redirect(url_for("PasswordView.change"), 302)
