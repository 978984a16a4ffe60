"""What comes before the application: the path and the host of the site, the proxies in front of it, and an ID for each request."""

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import logs

# Machines ask for these by an IP address, or without any host.
OF_ANY_HOST = {"/health/live", "/health/ready", "/metrics"}
REQUEST_ID = re.compile(r"[\w.:+/=-]{8,100}", re.ASCII)
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

log = logging.getLogger(__name__)


class Gateway:
    """A WSGI application around the one of Flask."""

    def __init__(self, application: WSGIApplication, settings: Mapping[str, Any]) -> None:
        self._application = application
        parts = urlsplit(settings["PUBLIC_URL"])
        self._host, self._prefix = parts.netloc, parts.path
        self._counts_proxies = bool(settings["TRUSTED_PROXY_COUNT"])
        self._trusted = settings["TRUSTED_PROXY_ADDRESSES"]
        # Whether a proxy was noticed whose word on the visitors' addresses is not taken.
        self.has_ignored_proxy = parts.scheme == "https" and not self._counts_proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Prepare the request and pass it on."""
        self._enter_prefix(environ)
        self._name_host(environ)
        self._notice_proxy(environ)
        number = self._request_id(environ)
        logs.request_id.set(number)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("X-Request-ID", number)], *more)

        return self._application(environ, start)

    def _enter_prefix(self, environ: WSGIEnvironment) -> None:
        """Take the path of PUBLIC_URL off the path of the request, unless a proxy has done so."""
        path = environ.get("PATH_INFO", "")
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            environ["PATH_INFO"] = path.removeprefix(self._prefix) or "/"
        environ["SCRIPT_NAME"] = self._prefix

    def _name_host(self, environ: WSGIEnvironment) -> None:
        if environ.get("PATH_INFO") in OF_ANY_HOST:
            environ["HTTP_HOST"] = self._host
        elif "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()

    def _notice_proxy(self, environ: WSGIEnvironment) -> None:
        """Warn once of a proxy next to this machine that reports visitors' addresses to a site that does not listen."""
        if self._counts_proxies or self.has_ignored_proxy or not any(environ.get(name) for name in FORWARDED):
            return
        # Strangers can send such a header, too.
        if is_address_in(environ.get("REMOTE_ADDR"), ("private",)):
            self.has_ignored_proxy = True
            log.warning(IGNORED_PROXY)

    def _request_id(self, environ: WSGIEnvironment) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        is_trusted = self._counts_proxies or is_address_in(environ.get("REMOTE_ADDR"), self._trusted)
        return given if is_trusted and REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


IGNORED_PROXY = (
    "A proxy is in front of this site, but TRUSTED_PROXY_COUNT is 0: all visitors count as one, so that five wrong"
    " passwords of anybody lock out everybody. Set it to the number of proxies"
)


def is_address_in(address: str | None, networks: Iterable[str]) -> bool:
    """Whether an IP address is in one of some networks; "private" are all that are not on the internet."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    known = getattr(found, "ipv4_mapped", None) or found
    return any(known.is_private if each == "private" else known in ip_network(each) for each in networks)
