"""Reading the API of this site inside the process, with the rights of whoever looks and no others."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, request
from flask_babel import gettext
from flask_jwt_extended import create_access_token
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.http import is_api

MAX_LENGTH, MAX_BYTES = 1000, 1024 * 1024
# The token is seen by nobody: the request is made at once, in this thread.
TOKEN_LIFETIME = timedelta(seconds=30)
# In the environment of a request that another one makes.
INSIDE = "dinnerparty.inside"


def read(path: str) -> Any:
    """Return what a GET of an API path answers to the reader. Raises ValueError with a localized text."""
    _check(path)
    response = _get(path)
    body = response.get_data()
    if response.status_code != 200:
        raise ValueError(gettext("The API of this site answered with status %(status)d.", status=response.status_code))
    if not response.is_json or len(body) > MAX_BYTES:
        raise ValueError(gettext("The answer of the API is too large, or not JSON."))
    return response.get_json()


def _check(path: str) -> None:
    """Refuse everything but an endpoint of the API that answers GET. Raises ValueError."""
    if request.environ.get(INSIDE):
        # A dashboard that shows a dashboard that shows the first.
        raise ValueError(gettext("Data of a dashboard cannot be read by another one."))
    if not current_user.is_authenticated:
        raise ValueError(gettext("Log in to see these data."))
    parts = urlsplit(path) if path.isascii() and path.isprintable() and len(path) <= MAX_LENGTH else urlsplit("")
    is_path = not parts.scheme and not parts.netloc and is_api(parts.path) and "\\" not in path
    try:
        endpoint, _values = current_app.url_map.bind("localhost").match(parts.path, "GET") if is_path else ("", {})
    except (HTTPException, RequestRedirect):
        endpoint = ""
    if not endpoint:
        raise ValueError(gettext("The API of this site has no path “%(path)s” to read.", path=path[:100]))


def _get(path: str) -> Response:
    """Make a request inside this one. It has a context of its own, and with it a session of the database."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - werkzeug's documented name
    token = create_access_token(str(current_user.id), expires_delta=TOKEN_LIFETIME)
    with (
        app.app_context(),
        app.test_request_context(
            path,
            base_url=request.url_root,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            environ_overrides={INSIDE: True, "REMOTE_ADDR": request.remote_addr},
        ),
    ):
        try:
            response: Response = app.full_dispatch_request()
        except Exception as error:  # noqa: BLE001 - as Flask does for every request
            response = app.handle_exception(error)
        # Before the session of the database ends.
        response.get_data()
        return response
