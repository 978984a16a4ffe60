"""What every request and answer has: bodies that can be read, headers, the addresses of static files and of ourselves."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask, Response, abort, current_app, has_request_context, request, session, url_for
from flask import Request as StockRequest
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.middleware.proxy_fix import ProxyFix

from app.database import transaction

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "object-src 'none'; "
    "frame-ancestors 'none'; "
    "manifest-src 'self'"
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}
# The largest integer of both databases.
MAX_ID = 2**31 - 1
TWO_YEARS, ONE_YEAR = 63072000, 31536000
# After which whoever was sent away because the database was, may ask again.
RETRY_SECONDS = 5
# Deeper than anybody pages; an offset must fit into the integers of the database.
MAX_PAGE = 1_000_000
# Where the server puts the lock that a request holds while it is answered, in the WSGI environment.
REQUEST_LOCK_KEY = "dinnerparty.request_lock"


class Request(StockRequest):
    """A request whose body is either read or refused; the stock one breaks on some that nobody sends by accident."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies; an API is asked with a token, and knows nobody by a cookie."""
        return ImmutableMultiDict() if is_api(self.path) else super().cookies

    def _load_form_data(self) -> None:
        super()._load_form_data()
        # A part of a multipart body may have no name, and whoever looks through the names expects texts.
        if None in self.form:
            named = [(name, value) for name, value in self.form.items(multi=True) if name]
            self.__dict__["form"] = ImmutableMultiDict(named)

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: FBT001, FBT002
        """Return the body read as JSON; what is nested too deeply to be read is as bad as what is no JSON."""
        try:
            return super().get_json(force, silent, cache)
        except RecursionError:
            return None if silent else abort(400)


def init_app(app: Flask) -> None:
    """Set headers on every answer of `app`, trust its proxies, and name its static files by their content."""
    app.request_class = Request
    proxies = app.config["TRUSTED_PROXY_COUNT"]
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]
    app.before_request(_refuse_nul)
    app.before_request(_refuse_json_for_people)
    app.before_request(_read_form)
    app.after_request(_set_headers)
    app.jinja_env.globals["static_url"] = static_url


def is_api(path: str) -> bool:
    """Whether a program asks there, and not a person."""
    return path.startswith("/api/")


def static_url(filename: str) -> str:
    """Return the address of a static file; it changes with the content, so it may be cached for ever."""
    return url_for("static", filename=filename, v=_digest(Path(current_app.static_folder or "") / filename))


def public_url(endpoint: str, **values: object) -> str:
    """Return an absolute address on the configured PUBLIC_URL: the only host that a mail may name."""
    adapter = current_app.url_map.bind("localhost")
    path = adapter.build(endpoint, {name: value for name, value in values.items() if value is not None})
    return str(current_app.config["PUBLIC_URL"]) + path


def safe_next(target: str | None, default: str) -> str:
    """Return `target` as a path of this site, or `default` when it leads, or could lead, elsewhere."""
    if not target or any(ord(character) < 33 or character == "\\" for character in target):
        return default
    try:
        parts = urlsplit(urljoin(request.host_url, target))
    except ValueError:
        return default
    ours = urlsplit(request.host_url)
    if (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc) or parts.path.startswith("//"):
        return default
    return parts.path + (f"?{parts.query}" if parts.query else "")


def is_cross_site_request() -> bool:
    """Tell whether a browser sent this request from another site; other programs carry no reader's cookies along."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != request.host


def parse_int(text: str | None, most: int = MAX_ID, *, clamp: bool = False) -> int | None:
    """Return the number from 0 to `most` that `text` writes in ASCII digits; None for anything else.

    With `clamp`, a larger number is read as `most`.
    """
    if not text or not (text.isascii() and text.isdigit()):
        return None
    # The length is checked before int(), which raises ValueError for thousands of digits.
    digits = text.lstrip("0") or "0"
    number = int(digits) if len(digits) <= len(str(most)) else most + 1
    if number <= most:
        return number
    return most if clamp else None


def page_number() -> int:
    """Return the page that the URL asks for by `?page=`, counted from 1. Anything but a number asks for the first."""
    return parse_int(request.args.get("page"), MAX_PAGE, clamp=True) or 1


@contextmanager
def release_request_lock() -> Iterator[None]:
    """Let other requests be answered while this one waits for another server.

    The connection goes back to the pool and the lock to the next request. Only for requests that have written nothing yet.
    """
    with transaction():
        pass  # What was read stays usable; only the transaction ends.
    lock = request.environ.get(REQUEST_LOCK_KEY) if has_request_context() else None
    if lock is None:
        yield
        return
    lock.release()
    try:
        yield
    finally:
        lock.acquire()


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _refuse_nul() -> None:
    """Nothing is found under a NUL; PostgreSQL would not even look."""
    if "\0" in request.path:
        abort(404)


def _refuse_json_for_people() -> None:
    """Only APIs take JSON; forms would read it as one of theirs, and break on what no form can send."""
    if request.is_json and not request.path.startswith("/api/"):
        abort(415)


def _read_form() -> None:
    """Refuse what is too large before limits count by what a form says: they take an error for a lost storage."""
    _ = request.form


def _set_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if str(current_app.config["PUBLIC_URL"]).startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={TWO_YEARS}; includeSubDomains")
    if response.status_code == 503:
        response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
    if request.endpoint == "static" and request.args.get("v"):
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    elif request.endpoint != "static":
        # A page may show a person or a flash; neither is ever for the next reader.
        response.headers.setdefault("Cache-Control", "no-store" if session or session.accessed else "no-cache")
    return response
