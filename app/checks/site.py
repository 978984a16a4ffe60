"""Checks of how people reach the site: its address, the proxy before it, and the shared counters."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from app.doctor import Finding, check, error, ok, warning
from config import LOCAL_HOSTS

TIMEOUT_SECONDS = 5
# A file that tells whether it is this site that answers.
KNOWN_FILE = "favicon.svg"
ANY = {"0.0.0.0", "::", ""}  # noqa: S104 - nothing listens there: it is compared with HOST


@check("proxy", quick=True)
def proxy() -> Iterator[Finding]:
    """Compare what the settings say about proxies."""
    settings = current_app.config
    parts, count = urlsplit(settings["PUBLIC_URL"]), settings["TRUSTED_PROXY_COUNT"]
    if parts.scheme == "https" and not count:
        yield warning(
            "PUBLIC_URL is https, so there is a proxy, but TRUSTED_PROXY_COUNT is 0: all visitors have its IP address, and"
            " share their limits.",
            "Set TRUSTED_PROXY_COUNT=1, or to the number of proxies.",
        )
    if count and settings["HOST"] in ANY:
        yield warning(
            f"TRUSTED_PROXY_COUNT is {count}, and HOST {settings['HOST']} accepts everybody: who comes around the proxy can"
            " claim any IP address.",
            "Set HOST to 127.0.0.1, or have a firewall let only the proxy in.",
        )
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
        yield warning(
            f"PUBLIC_URL is {settings['PUBLIC_URL']}: passwords cross the network unencrypted, and passkeys do not work.",
            "Serve the site by https, and set PUBLIC_URL to it.",
        )


@check("address")
def address() -> Iterator[Finding]:
    """Fetch a file from PUBLIC_URL, and compare it with ours."""
    import requests

    url = current_app.config["PUBLIC_URL"]
    try:
        answer = requests.get(f"{url}/static/{KNOWN_FILE}", timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.exceptions.SSLError as failure:
        yield error(f"The certificate of {url} is not accepted ({_cause(failure)}).", "Renew it, with its chain.")
        return
    except requests.RequestException as failure:
        advice = "Is the site running, does the name lead here (DNS), and does the proxy pass requests on?"
        yield error(f"{url} does not answer to this machine ({_cause(failure)}).", advice)
        return
    known = Path(current_app.static_folder or "") / KNOWN_FILE
    if answer.status_code == requests.codes.ok and _hash(answer.content) == _hash(known.read_bytes()):
        yield ok(f"{url} leads to this site.")
    elif answer.is_redirect:
        yield error(f"{url} redirects to {answer.headers['Location']}.", "Set PUBLIC_URL to where people end up.")
    elif answer.status_code == requests.codes.bad_request:
        yield error(
            f"{url} answers with status 400: the name in the request is not known.",
            "The proxy must pass the header Host on. Further names belong in TRUSTED_HOSTS.",
        )
    else:
        yield error(
            f"{url} answers with status {answer.status_code}, and not as this site.",
            "Something else is there, or the proxy does not reach the site: compare HOST and PORT with its settings.",
        )


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _cause(failure: BaseException) -> str:
    """Return the innermost reason of an error."""
    reason: object = failure
    while isinstance(reason, BaseException):
        inner = getattr(reason, "reason", None) or next(
            (each for each in reason.args if isinstance(each, Exception)), None
        )
        if inner is None:
            break
        reason = inner
    # Without the names of Python's objects and the numbers of the system's errors.
    return re.sub(r".*: |\[Errno -?\d+\] ", "", str(reason))


@check("redis")
def redis() -> Iterator[Finding]:
    """Connect to the server of the shared counters."""
    uri = current_app.config["RATELIMIT_STORAGE_URI"]
    if uri.startswith(("counters:", "memory:")):
        return
    from limits.storage import storage_from_string

    where = f"REDIS_URL ({urlsplit(uri).hostname or urlsplit(uri).path})"
    try:
        is_there = storage_from_string(uri, **current_app.config["RATELIMIT_STORAGE_OPTIONS"]).check()
    except Exception as failure:  # noqa: BLE001 - the clients have errors of their own
        yield error(f"{where} cannot be used: {failure}", "Mend REDIS_URL. Limits are not counted together.")
        return
    if is_there:
        yield ok(f"{where} answers.")
    else:
        yield error(
            f"{where} does not answer.", "Start it, or mend REDIS_URL. Each process counts limits alone meanwhile."
        )
