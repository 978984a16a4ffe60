"""HTTP errors as pages for people and as JSON for programs, in the language of the visitor."""

import logging
import math
import time
from datetime import timedelta
from typing import Any

from flask import Flask, Response, flash, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_limiter import RateLimitExceeded
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError, ServiceUnavailable, TooManyRequests

import logs
from app import clock, form_resubmission
from app.database import is_unavailable, reason
from app.extensions import appbuilder_of, db
from app.http import RETRY_SECONDS, here

log = logging.getLogger(__name__)

MESSAGES = {
    400: (lazy_gettext("That did not work"), lazy_gettext("The request could not be understood.")),
    401: (lazy_gettext("Please log in"), lazy_gettext("Please log in to access this page.")),
    403: (lazy_gettext("Access is Denied"), lazy_gettext("You do not have permission to see this page or do this.")),
    404: (lazy_gettext("Page not found"), lazy_gettext("This page does not exist or has been removed.")),
    405: (lazy_gettext("That did not work"), lazy_gettext("This request method is not allowed here.")),
    408: (lazy_gettext("Too slow"), lazy_gettext("What you sent took too long to arrive. Please try again.")),
    409: (lazy_gettext("Conflicting change"), lazy_gettext("This was changed in the meantime. Please review it.")),
    413: (lazy_gettext("Too large"), lazy_gettext("The data you sent is too large.")),
    429: (lazy_gettext("Too many requests"), lazy_gettext("Too many attempts. Try again later.")),
    500: (
        lazy_gettext("Something went wrong"),
        lazy_gettext("This is an error on our side. It has been logged. Please try again."),
    ),
    503: (lazy_gettext("The site is busy"), lazy_gettext("This is not possible right now. Try again in a moment.")),
}
MEGABYTE = 1024 * 1024
SAFE = {"GET", "HEAD", "OPTIONS"}
UNKNOWN_HOST = lazy_gettext("This site is not available under that host name.")
FORM_TOO_OLD = lazy_gettext("This form was open for too long.")
FORM_EXPIRED = lazy_gettext("This form was open for too long. Go back, reload the page and send it again.")


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(RateLimitExceeded, _limit_reached)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SQLAlchemyError, _database_error)
    app.teardown_appcontext(_close_session)


def _close_session(_error: BaseException | None) -> None:
    """Return the connection. If it was lost after the commit, the answer is still true: it must not become an error.

    Flask-SQLAlchemy does the same, and would raise the error of the ROLLBACK.
    """
    try:
        db.session.remove()
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.error("The database is not available (%s)", reason(error))  # noqa: TRY400 - one line, see above
        # Flask-SQLAlchemy removes it.
        db.session().invalidate()


def _csrf_error(error: CSRFError) -> Response:
    """Offer to send the form again, unless it had no token or came from another site."""
    typed = form_resubmission.submitted_fields()
    if form_resubmission.CSRF_TOKEN not in request.form or not typed:
        return render_error(error, str(FORM_EXPIRED))
    flash(str(FORM_TOO_OLD), "warning")
    return make_response(form_resubmission.render(here(), typed), 400)


def _limit_reached(error: RateLimitExceeded) -> Response:
    """Show when the limit ends."""
    limit = appbuilder_of().sm.limiter.current_limit
    try:
        seconds = math.ceil(limit.window.reset_time - time.time())
    except Exception:
        # The storage of the limits is down. The limit still holds.
        log.warning("The reset time of a rate limit is not available", exc_info=True)
        seconds = error.limit.limit.get_expiry()
    error.retry_after = max(1, seconds)
    return render_error(error)


def _http_error(error: HTTPException) -> Response:
    return render_error(error)


def _database_error(error: SQLAlchemyError) -> Response:
    """Return 503 if the database is down or locked; other database errors are bugs."""
    if is_unavailable(error):
        return _unavailable(error)
    # The error page loads the member, which is not possible in a failed transaction.
    db.session.rollback()
    raise error


def _unavailable(error: Exception) -> Response:
    # One line: there are as many as requests.
    log.error("The database is not available (%s)", reason(error))
    return render_error(ServiceUnavailable(retry_after=RETRY_SECONDS))


def render_error(error: HTTPException, message: str = "") -> Response:
    """Return the page, or for a program the JSON, of an HTTP error."""
    if error.response is not None:
        return make_response(error.response)
    code = error.code or 500
    if isinstance(error, SecurityError) or isinstance(request.routing_exception, SecurityError):
        # No URLs can be built for an unknown host.
        log.warning("Host %r rejected: add it to PUBLIC_URL or TRUSTED_HOSTS", request.headers.get("Host"))
        return make_response(str(UNKNOWN_HOST), code, {"Content-Type": "text/plain; charset=utf-8"})
    if code == ServiceUnavailable.code:
        _act_as_visitor()
    try:
        response = _body(error, code, message)
    except Exception as failure:
        if code != ServiceUnavailable.code and is_unavailable(failure):
            return _unavailable(failure)
        if code < 500:
            raise
        log.exception("Rendering the error page failed")
        _act_as_visitor()
        text = str(MESSAGES.get(code, MESSAGES[500])[1])
        response = make_response(text, {"Content-Type": "text/plain; charset=utf-8"})
    response.status_code = code
    forwarded = {"Retry-After", "Allow"}
    response.headers.extend([(name, value) for name, value in error.get_headers() if name in forwarded])
    return response


def _body(error: HTTPException, code: int, message: str) -> Response:
    title, standard = MESSAGES.get(code, MESSAGES[500] if code >= 500 else MESSAGES[400])
    text = message or str(standard)
    if code == RequestEntityTooLarge.code:
        # Nothing of the request was read, but browsers keep the form.
        text = _(
            "The data you sent is too large. The limit is %(limit)s MB. What you typed is still there if you go back.",
            limit=str((request.max_content_length or 0) // MEGABYTE),
        )
    retry_after = next((int(value) for name, value in error.get_headers() if name == "Retry-After"), None)
    if code == TooManyRequests.code and retry_after is not None:
        text = ngettext(
            "Too many attempts. Try again in %(num)d minute.",
            "Too many attempts. Try again in %(num)d minutes.",
            math.ceil(retry_after / 60),
        )
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        # By which the error is found in the log.
        return jsonify(message=text, **({"request_id": logs.request_id.get()} if code >= 500 else {}))
    context: dict[str, Any] = {"code": code, "title": title, "message": text, "retry_after": retry_after}
    context["request_id"] = logs.request_id.get() if code >= 500 else ""
    if request.method not in SAFE:
        # Whoever pressed a button is told in a flash what became of it.
        context["flashed"] = True
        flash(text, "warning" if code in {TooManyRequests.code, ServiceUnavailable.code} else "danger")
    if retry_after is not None:
        context["retry_at"] = clock.now() + timedelta(seconds=retry_after)
    return make_response(render_template("errors/error.html", appbuilder=appbuilder_of(), **context))


def _act_as_visitor() -> None:
    """Treat the request as anonymous, because the member, with their language, cannot be loaded."""
    g._login_user = AnonymousUserMixin()  # noqa: SLF001 - Flask-Login's name
