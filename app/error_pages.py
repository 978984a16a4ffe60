"""Errors become pages for people and JSON for programs, in the reader's language."""

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import lazy_gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from app.extensions import appbuilder_of

MESSAGES = {
    400: (lazy_gettext("That did not work"), lazy_gettext("The request could not be understood.")),
    401: (lazy_gettext("Please log in"), lazy_gettext("Please log in to access this page.")),
    403: (lazy_gettext("Access is Denied"), lazy_gettext("You may not see this page or do this.")),
    404: (lazy_gettext("Nothing is laid here"), lazy_gettext("This page does not exist, or not any more.")),
    405: (lazy_gettext("That did not work"), lazy_gettext("This address cannot be used in this way.")),
    409: (lazy_gettext("Somebody was faster"), lazy_gettext("This was changed meanwhile. Look at it again.")),
    413: (lazy_gettext("That is too much"), lazy_gettext("What you sent is too large. The limit is 1 MB.")),
    429: (lazy_gettext("A little slower, please"), lazy_gettext("Too many attempts. Try again later.")),
    500: (lazy_gettext("Something broke in the kitchen"), lazy_gettext("It is our fault and was noted. Try again.")),
}
FORM_EXPIRED = lazy_gettext("This form was open for too long. Go back, reload the page and send it again.")


def init_app(app: Flask) -> None:
    """Answer errors of `app` in its own look."""
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)


def _csrf_error(error: CSRFError) -> Response:
    return answer(error, str(FORM_EXPIRED))


def _http_error(error: HTTPException) -> Response:
    return answer(error)


def answer(error: HTTPException, message: str = "") -> Response:
    """Return the page, or for a program the JSON, of an HTTP error."""
    if error.response is not None:
        return make_response(error.response)
    code = error.code or 500
    if isinstance(error, SecurityError):
        # A host that is not ours: no address of a page can be built for it.
        return make_response(str(MESSAGES[400][1]), code, {"Content-Type": "text/plain; charset=utf-8"})
    title, standard = MESSAGES.get(code, MESSAGES[500] if code >= 500 else MESSAGES[400])
    text = message or str(standard)
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        response = jsonify(message=text)
    else:
        retry_after = next((value for name, value in error.get_headers() if name == "Retry-After"), None)
        context = {"code": code, "title": title, "message": text, "retry_after": retry_after}
        response = make_response(render_template("errors/error.html", appbuilder=appbuilder_of(), **context))
    response.status_code = code
    kept = {"Retry-After", "Allow"}
    response.headers.extend([(name, value) for name, value in error.get_headers() if name in kept])
    return response
