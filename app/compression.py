"""Compresses responses: static files once, pages where nobody can guess a secret by their length (docs/adr/0039-compress-pages-that-nobody-can-make-a-reader-ask-for.md)."""

import gzip
import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import brotli
import rcssmin
import rjsmin
from flask import Flask, Response, current_app, request, session
from werkzeug.security import safe_join

from app.http import LOGIN_KEY, is_api

MIMETYPES = {
    *("text/html", "text/css", "text/javascript", "application/javascript", "text/plain", "text/calendar"),
    *("application/json", "image/svg+xml"),
}
# Less would hardly become shorter.
LEAST_BYTES = 400
# The best compression of a large file takes seconds; meanwhile its process does nothing else.
LARGE_BYTES = 256 * 1024
# How many packed files a process keeps.
MOST_FILES = 128
# In the order of preference; each once for what is kept, once for what is not.
PACK_ONCE: dict[str, Callable[[bytes], bytes]] = {"br": brotli.compress, "gzip": partial(gzip.compress, mtime=0)}
PACK_EACH: dict[str, Callable[[bytes], bytes]] = {
    "br": partial(brotli.compress, quality=5),
    "gzip": partial(gzip.compress, compresslevel=6, mtime=0),
}
# In a nested rule, rcssmin 1.3.0 takes `li :is(a)` for a declaration, and leaves the space out. The universal selector
# says the same.
DESCENDANT = re.compile(rb"(?<=[\w)\]]) :(?=[a-z])")


def _minify_css(content: bytes) -> bytes:
    minified: bytes = rcssmin.cssmin(DESCENDANT.sub(b" *:", content))
    return minified


# A quarter less, after compression.
MINIFY: dict[str, Callable[[bytes], bytes]] = {".css": _minify_css, ".js": rjsmin.jsmin}


def init_app(app: Flask) -> None:
    """Compress the responses of `app`. Call it first: what is registered later runs earlier, and sees the plain ones."""
    app.after_request(_compress)


def prepare(app: Flask) -> None:
    """Pack the static files of `app` now, so that processes forked from this one have them."""
    for path in Path(app.static_folder or "").iterdir():
        for coding in PACK_ONCE:
            _packed_file(path, path.stat().st_mtime_ns, coding)


def _compress(response: Response) -> Response:
    is_static = request.endpoint is not None and request.endpoint.rpartition(".")[2] == "static"
    if response.mimetype not in MIMETYPES or response.status_code in {204, 206} or response.content_encoding:
        return response
    if response.status_code == 304:
        # Nobody reads the file. A server whose reader has gone may not close it.
        response.close()
        response.vary.add("Accept-Encoding")
        return response
    if response.direct_passthrough != is_static or (response.is_streamed and not is_static):
        return response
    if not is_static and (_is_version(response) or len(response.get_data()) < LEAST_BYTES):
        return response
    response.vary.add("Accept-Encoding")
    coding = next((coding for coding in PACK_ONCE if request.accept_encodings[coding] > 0), None)
    if coding and (is_static or _tells_no_secret(response)):
        _pack(response, coding, is_static=is_static)
    return response


def _is_version(response: Response) -> bool:
    """Whether the ETag is for If-Match, which takes only those that stand for each byte."""
    return response.is_json and response.get_etag()[0] is not None


def _tells_no_secret(response: Response) -> bool:
    """Whether nobody who watches the length of this response can make its reader ask for it again and again.

    A page of another site, or an image that somebody else wrote into a page, could put guesses into the URL: if one is
    in the page, it gets shorter. Browsers say where a request comes from. Without a cookie nothing of the reader is
    in the page, and the API takes no cookies.
    """
    if is_api(request.path) or not _knows_reader():
        return True
    if request.headers.get("Sec-Fetch-Site") not in {"same-origin", "none"}:
        return False
    return response.mimetype != "text/html" or request.headers.get("Sec-Fetch-Dest") in {"document", "empty"}


def _knows_reader() -> bool:
    # Not `session` alone: to look into it makes the response vary by cookie.
    has_cookie = current_app.config["SESSION_COOKIE_NAME"] in request.cookies
    return has_cookie or (session.accessed and LOGIN_KEY in session)


def _pack(response: Response, coding: str, *, is_static: bool) -> None:
    if is_static:
        path = _static_path()
        response.close()
        response.direct_passthrough = False
        data = _packed_file(path, path.stat().st_mtime_ns, coding)
    else:
        data = PACK_EACH[coding](response.get_data())
    response.set_data(data)
    response.content_encoding = coding
    etag, _is_weak = response.get_etag()
    if etag:
        # The plain bytes have it, too.
        response.set_etag(etag, weak=True)


def minified(path: Path) -> bytes:
    """Return a static file without the comments and spaces that only its authors need."""
    content = path.read_bytes()
    minify = MINIFY.get(path.suffix)
    return minify(content) if minify else content


def _static_path() -> Path:
    folder = (current_app.blueprints[request.blueprint] if request.blueprint else current_app).static_folder
    return Path(safe_join(folder or "", (request.view_args or {})["filename"]) or "")


@lru_cache(maxsize=MOST_FILES)
def _packed_file(path: Path, _changed_at: int, coding: str) -> bytes:
    content = minified(path)
    return (PACK_ONCE if len(content) < LARGE_BYTES else PACK_EACH)[coding](content)
