"""Requests and responses: body limits, security headers, URLs of static files and of the site."""

import hashlib
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from flask import Flask, Response, abort, current_app, has_request_context, request, session, url_for
from flask import Request as StockRequest
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule
from werkzeug.wrappers import Response as BaseResponse

from app.database import transaction
from app.extensions import appbuilder_of
from app.gateway import Gateway, is_address_in

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "form-action {form_targets}; "
    "base-uri 'none'; "
    "object-src 'none'; "
    "frame-ancestors 'none'; "
    "manifest-src 'self'; "
    "report-uri {report_url}; report-to csp"
)
REPORTS_PATH = "/csp-report"
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
DOCUMENT_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Referrer-Policy": "same-origin",
}
# Browsers never show these as documents, for which the other headers are.
PARTS_OF_PAGES = {"text/css", "text/javascript"}
# The largest integer of both databases.
MAX_ID = 2**31 - 1
TWO_YEARS, ONE_YEAR = 63072000, 31536000
# The Retry-After header of responses with status 503.
RETRY_SECONDS = 5
# Pages by number alone are for looking around: to find the rows of the last one, those of all before are read.
MAX_NUMBERED_PAGE = 100
# Deeper than anyone pages. An offset must fit into the integers of the database.
MAX_PAGE = 1_000_000
# The key of the token of a login in the session.
LOGIN_KEY = "login"
# Keys of the WSGI environment (app/server.py): the lock that a request holds while it runs, and the status of a request
# whose body did not arrive.
REQUEST_LOCK_KEY, UNREAD_BODY_KEY = "dinnerparty.request_lock", "dinnerparty.unread_body"
UPLOAD_ENDPOINTS = "upload_endpoints"
# Of the fields beside a file. A configuration of 1 MB is about three times as long in a form, where most signs are escaped.
UPLOAD_FORM_MEMORY = 4 * 1024 * 1024

AnyResponse = TypeVar("AnyResponse", bound=BaseResponse)


class Request(StockRequest):
    """A request whose body is either read or rejected. Some malformed bodies would crash the stock class."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies. The API ignores them: it authenticates by a token only."""
        return ImmutableMultiDict() if is_api(self.path) else super().cookies

    def _load_form_data(self) -> None:
        super()._load_form_data()
        # A part of a multipart body may have no name, but code that reads the form expects strings.
        if None in self.form:
            named = [(name, value) for name, value in self.form.items(multi=True) if name]
            self.__dict__["form"] = ImmutableMultiDict(named)

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: FBT001, FBT002
        """Return the body as JSON. JSON that is nested too deeply is rejected like invalid JSON."""
        try:
            return super().get_json(force, silent, cache)
        except RecursionError:
            return None if silent else abort(400)


class LateRule(Rule):
    """A rule that compiles what builds its URL when a URL is built first; for all rules, it would take a third of a start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002
        compiled = cache(partial(super()._compile_builder, append_unknown))

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            return compiled()(rule, **values)

        return build


def init_app(app: Flask) -> None:
    """Install the classes of requests and rules, proxy handling, checks before each request, and response headers."""
    app.request_class = Request
    app.url_rule_class = LateRule
    proxies = app.config["TRUSTED_PROXY_COUNT"]
    inner = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0) if proxies else app.wsgi_app
    gateway = Gateway(inner, app.config)
    app.wsgi_app = gateway  # type: ignore[method-assign]
    app.extensions["gateway"] = gateway
    app.before_request(_reject_unread_body)
    app.before_request(_reject_nul)
    app.before_request(_reject_json_outside_api)
    app.before_request(_read_form)
    app.after_request(_set_headers)
    app.jinja_env.globals["static_url"] = static_url
    app.jinja_env.globals["home_url"] = home_url
    app.jinja_env.globals["here"] = here
    app.jinja_env.globals["own_path"] = own_path
    report_url = urlsplit(app.config["PUBLIC_URL"]).path + REPORTS_PATH
    policy = CONTENT_SECURITY_POLICY.format(form_targets=_form_targets(app.config), report_url=report_url)
    app.extensions["content_security_policy"] = policy, f'csp="{report_url}"'


def is_from_trusted_proxy() -> bool:
    """Whether this request came from a proxy whose address is trusted: what it says in headers is not the client's."""
    peer = request.environ.get("werkzeug.proxy_fix.orig", request.environ).get("REMOTE_ADDR")
    return is_address_in(peer, current_app.config["TRUSTED_PROXY_ADDRESSES"])


def is_api(path: str) -> bool:
    return path.startswith("/api/")


def _form_targets(settings: Mapping[str, Any]) -> str:
    """Return where forms may lead. Browsers apply this to redirects after a POST, too, such as that of a logout."""
    logout = urlsplit(settings.get("LOGOUT_REDIRECT_URL") or "").netloc
    return " ".join(["'self'", *settings.get("FAB_SAFE_REDIRECT_HOSTS", ()), *filter(None, [logout])])


def home_url() -> str:
    """Return the URL of the first page."""
    return appbuilder_of().get_url_for_index


def own_path() -> str:
    """Return the path of this page as browsers have it; `request.path` lacks that of PUBLIC_URL."""
    return request.script_root + request.path


def here() -> str:
    """Return the path of this page with its arguments."""
    return request.script_root + request.full_path.rstrip("?")


def static_url(filename: str) -> str:
    """Return the URL of a static file. It changes with the content, so browsers may cache it for ever."""
    return url_for("static", filename=filename, v=_digest(Path(current_app.static_folder or "") / filename))


def public_url(endpoint: str, **values: object) -> str:
    """Return an absolute URL on the configured PUBLIC_URL, the only host that e-mails may link to."""
    adapter = current_app.url_map.bind("localhost")
    path = adapter.build(endpoint, {name: value for name, value in values.items() if value is not None})
    return str(current_app.config["PUBLIC_URL"]) + path


def safe_next(target: str | None, default: str) -> str:
    """Return `target` as a path of this site, or `default` if it could lead to another site (open redirect).

    URLs of the hosts in FAB_SAFE_REDIRECT_HOSTS are returned as they are.
    """
    if not target or any(ord(character) < 33 or character == "\\" for character in target):
        return default
    try:
        parts = urlsplit(urljoin(request.host_url, target))
    except ValueError:
        return default
    own = urlsplit(request.host_url)
    if parts.scheme in {"http", "https"} and any(fnmatch(parts.netloc, host) for host in _safe_hosts()):
        return parts.geturl()
    if (parts.scheme, parts.netloc) != (own.scheme, own.netloc) or parts.path.startswith("//"):
        return default
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _safe_hosts() -> Iterable[str]:
    hosts: Iterable[str] = current_app.config.get("FAB_SAFE_REDIRECT_HOSTS", ())
    return hosts


def is_cross_site_request() -> bool:
    """Whether a browser sent this request from a page of another site. Other programs do not send a visitor's cookies."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    # A proxy may have changed the host or its port.
    own = {request.host, urlsplit(current_app.config["PUBLIC_URL"]).netloc}
    return origin is not None and origin.partition("://")[2].lower() not in own


def parse_int(text: str | None, most: int = MAX_ID, *, clamp: bool = False) -> int | None:
    """Return the number from 0 to `most` that `text` writes in decimal digits of any script; None for anything else.

    With `clamp`, a larger number is read as `most`.
    """
    if not text or not text.isdecimal():
        return None
    # The length is checked before int(), which raises ValueError for thousands of digits.
    digits = "".join(str(unicodedata.decimal(digit)) for digit in text).lstrip("0") or "0"
    number = int(digits) if len(digits) <= len(str(most)) else most + 1
    if number <= most:
        return number
    return most if clamp else None


def page_number() -> int:
    """Return the page that the URL asks for by `?page=`, counted from 1: the last one for any beyond it.

    Anything but a number asks for the first.
    """
    return parse_int(request.args.get("page"), MAX_NUMBERED_PAGE, clamp=True) or 1


def allow_styles(response: AnyResponse, stylesheets: Iterable[str]) -> AnyResponse:
    """Let this page contain these stylesheets, such as that of an e-mail that it shows, and no others."""
    digests = [b64encode(hashlib.sha256(css.encode()).digest()).decode() for css in sorted(stylesheets)]
    sources = " ".join(["style-src 'self'", *(f"'sha256-{digest}'" for digest in digests)])
    policy, _reports = current_app.extensions["content_security_policy"]
    response.headers["Content-Security-Policy"] = policy.replace("style-src 'self'", sources)
    return response


def without_referrer(response: AnyResponse) -> AnyResponse:
    """Let browsers not send the URL of this page, which is a secret, to other pages."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def as_secret(response: BaseResponse) -> BaseResponse:
    """Keep the URL, which contains a secret, out of Referer headers and caches."""
    response.headers["Cache-Control"] = "no-store"
    return without_referrer(response)


@contextmanager
def release_request_lock() -> Iterator[None]:
    """Let other requests run while this one waits for another server.

    It returns the database connection to the pool. Use it only before the request has written anything.
    """
    with transaction():
        pass  # Ends the transaction. Rows that were read stay usable.
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


def _reject_unread_body() -> None:
    """Answer with an error if the whole request did not arrive."""
    if UNREAD_BODY_KEY in request.environ:
        abort(request.environ[UNREAD_BODY_KEY])


def _reject_nul() -> None:
    """Reject paths with a NUL character, which PostgreSQL does not accept in text."""
    if "\0" in request.path:
        abort(404)


def _reject_json_outside_api() -> None:
    """Reject JSON outside the API: Flask-WTF would read it as form data, and fields fail on values that are not text."""
    if request.is_json and not request.path.startswith("/api/") and request.path != REPORTS_PATH:
        abort(415)


def allow_uploads(endpoint: str) -> None:
    """Let members send files to `endpoint`: other bodies may be MAX_CONTENT_LENGTH long."""
    current_app.extensions.setdefault(UPLOAD_ENDPOINTS, set()).add(endpoint)


def _read_form() -> None:
    """Parse the form first, so that a body that is too large is rejected before rate limits read a field of it."""
    # The token is signed: who has one has logged in.
    if session.get(LOGIN_KEY) and request.endpoint in current_app.extensions.get(UPLOAD_ENDPOINTS, ()):
        request.max_content_length = current_app.config["UPLOAD_MAX_CONTENT_LENGTH"]
        request.max_form_memory_size = UPLOAD_FORM_MEMORY
    _ = request.form


def _make_relative(response: Response) -> None:
    """Redirect by a path: behind a proxy, the scheme, host or port of the request may be another one."""
    # Asked for first: a request for an unknown host has no URL.
    if response.location and response.location.startswith(request.host_url):
        response.location = "/" + response.location.removeprefix(request.host_url)


def _set_headers(response: Response) -> Response:
    _make_relative(response)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype not in PARTS_OF_PAGES:
        _set_document_headers(response)
    if str(current_app.config["PUBLIC_URL"]).startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={TWO_YEARS}; includeSubDomains")
    if response.status_code == 503:
        response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
    if request.endpoint == "static" and request.args.get("v"):
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    elif request.endpoint != "static":
        # Pages may show personal data or a flash, which shared caches must not store.
        response.headers.setdefault("Cache-Control", "no-store" if session or session.accessed else "no-cache")
    return response


def _set_document_headers(response: Response) -> None:
    for name, value in DOCUMENT_HEADERS.items():
        response.headers.setdefault(name, value)
    policy, reports = current_app.extensions["content_security_policy"]
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Reporting-Endpoints", reports)
