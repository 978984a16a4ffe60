"""Pages of strangers, kept for a second: a crowd costs one rendering a second for each language.

A view says that its page is the same for everybody without a cookie (`keep`). The page is kept as it was sent, and given
to whoever asks for the same URL in the same language without a cookie: neither Flask nor the database hears of that. What
this process writes drops all kept pages at once. What others write shows within KEPT_SECONDS.
"""

import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, current_app, has_app_context, request, session
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from app import clock, metrics
from app.http import REQUEST_LOCK_KEY, UNREAD_BODY_KEY
from app.i18n import selectors

AnyResponse = TypeVar("AnyResponse", bound=Response)
KEPT = timedelta(seconds=1)
# Of the memory of a process this takes 12 MB at most. Longer pages, URLs and headers are not kept.
MOST_PAGES, MOST_BYTES = 128, 96 * 1024
MOST_URL, MOST_HEADER = 300, 200
# Where these pages are. What is elsewhere is passed through.
PATHS = re.compile(r"/(?:parties/[^/]*)?")
EXTENSION = "kept_pages"
# The key, in the WSGI environment, of a list that `keep` fills.
KEEP = "dinnerparty.keep"
# With one of these a request is somebody's, or is none.
PERSONAL = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", UNREAD_BODY_KEY)
CONDITIONS = {"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"}
# What the key has, or what is never there.
VARIES = {"accept-encoding", "accept-language", "cookie"}
# Whoever renders a page may take this long before others no longer wait for it.
WAIT_SECONDS = 5
WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM|WITH) "?(\w+)', re.IGNORECASE)
# Written all the time, and on no page of strangers.
UNSEEN = {"audit_event", "device", "job", "letter", "login_guard", "login_session", "token"}

Key = tuple[str, ...]
_written = threading.local()


@dataclass(frozen=True)
class Page:
    """A response as it was sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    rendered_at: datetime

    @property
    def is_fresh(self) -> bool:
        """Whether it is still given to readers. The clock may have been set back."""
        return timedelta() <= clock.now() - self.rendered_at < KEPT


def init_app(app: Flask) -> None:
    """Keep the pages of `app`. Call it before anything else is put around the application."""
    kept = KeptPages(app)
    app.wsgi_app = kept  # type: ignore[method-assign]
    app.extensions[EXTENSION] = kept


def keep(response: AnyResponse) -> AnyResponse:
    """Let this page be kept, and be sent once to each browser, unless the reader has a session: a login, a flash."""
    if session or session.modified:
        return response
    request.environ.get(KEEP, []).append(response)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


class KeptPages:
    """A WSGI application around the one of Flask."""

    def __init__(self, app: Flask) -> None:
        self._app, self._application = app, app.wsgi_app
        self._pages: dict[Key, Page] = {}
        self._rendering: dict[Key, threading.Event] = {}
        # Counts the writes, so that a page that was read before one is not kept after it.
        self._writes = 0
        self._language = lru_cache(maxsize=512)(self._language_of)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory, or render the page."""
        key = self._key(environ)
        page = self._fresh(key) if key else None
        if page is not None:
            return self._send(page, environ, start_response)
        if key is None or environ["REQUEST_METHOD"] == "HEAD":
            return self._application(environ, start_response)
        with self._turn(key, environ):
            page = self._fresh(key)
            response = self._response(page) if page else self._render(key, environ)
        return response.make_conditional(environ)(environ, start_response)

    def drop(self) -> None:
        """Forget all pages."""
        self._writes += 1
        self._pages.clear()

    def __len__(self) -> int:
        return len(self._pages)

    def _key(self, environ: WSGIEnvironment) -> Key | None:
        """Return what the page depends on; None for what is never kept."""
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or not PATHS.fullmatch(path) or self._app.debug:
            return None
        languages, codings = environ.get("HTTP_ACCEPT_LANGUAGE", ""), environ.get("HTTP_ACCEPT_ENCODING", "")
        is_long = len(path) + len(query) > MOST_URL or len(languages) > MOST_HEADER or len(codings) > MOST_HEADER
        if is_long or any(environ.get(name) for name in PERSONAL):
            return None
        site = environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), environ.get("SCRIPT_NAME", "")
        return (*site, path, query, self._language(languages), codings)

    def _language_of(self, header: str) -> str:
        with self._app.app_context():
            return selectors.accepted_locale(parse_accept_header(header, LanguageAccept)).key

    def _fresh(self, key: Key) -> Page | None:
        page = self._pages.get(key)
        return page if page is not None and page.is_fresh else None

    @contextmanager
    def _turn(self, key: Key, environ: WSGIEnvironment) -> Iterator[None]:
        """Let one render a page, while others wait to read it. Who waits lets other requests run."""
        mine = threading.Event()
        other = self._rendering.setdefault(key, mine)
        if other is not mine:
            wait(other, environ)
            yield
            return
        try:
            yield
        finally:
            del self._rendering[key]
            mine.set()

    def _render(self, key: Key, environ: WSGIEnvironment) -> Response:
        writes, rendered_at = self._writes, clock.now()
        asked: list[Response] = []
        whole = {name: value for name, value in environ.items() if name not in CONDITIONS} | {KEEP: asked}
        response = Response.from_app(self._application, whole, buffered=True)
        body = response.get_data()
        if asked and _is_for_everybody(response) and len(body) <= MOST_BYTES and writes == self._writes:
            self._pages[key] = Page(response.status_code, tuple(response.headers), body, rendered_at)
            for oldest in list(self._pages)[:-MOST_PAGES]:
                self._pages.pop(oldest, None)
        return response

    def _send(self, page: Page, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.monotonic()
        response = self._response(page).make_conditional(environ)
        if self._app.config["METRICS_TOKEN"]:
            with self._app.app_context():
                metrics.count_request(environ["REQUEST_METHOD"], response.status_code, time.monotonic() - began)
        return response(environ, start_response)

    @staticmethod
    def _response(page: Page) -> Response:
        return Response(page.body, page.status, list(page.headers))


def _is_for_everybody(response: Response) -> bool:
    varies = {name.lower() for name in response.vary}
    return response.status_code == 200 and "Set-Cookie" not in response.headers and varies <= VARIES


def wait(rendered: threading.Event, environ: WSGIEnvironment) -> None:
    """Wait until another request has rendered a page; meanwhile others may run in this process."""
    turn = environ.get(REQUEST_LOCK_KEY)
    if turn is None:
        rendered.wait(WAIT_SECONDS)
        return
    turn.release()
    try:
        rendered.wait(WAIT_SECONDS)
    finally:
        turn.acquire()


# -- what is written drops them


@event.listens_for(Engine, "before_cursor_execute")
def _note_write(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    found = WRITE.match(statement)
    if found and found[1].lower() not in UNSEEN:
        _written.is_seen = True


@event.listens_for(Session, "after_commit")
def _drop(ended: Session) -> None:
    if not ended.in_nested_transaction() and getattr(_written, "is_seen", False) and has_app_context():
        _written.is_seen = False
        current_app.extensions[EXTENSION].drop()
