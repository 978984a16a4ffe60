"""Chromium, where there is one: tests in it run if it is found, and are required where CI is set.

Also what a page has to complain of.
"""

import os
import shutil
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, Response

from tests.support.smtp import HOST

MISSING = "no Chromium. Install it (apt-get install chromium), or set CHROMIUM to the path of its binary."

# HOST, for what needs a name: passkeys.
NAME = "localhost"
# A browser reports CSP violations on the console only; this adds the directive and the source.
REPORT_POLICY = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))"""


def find_chromium() -> str | None:
    """Return the path of the browser's binary, or None."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


def is_wanted() -> bool:
    """Return whether the browser tests are required."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"} or find_chromium() is not None


def listen(page: Page, complaints: list[str]) -> None:
    """Collect the problems of `page`: errors, CSP violations, missing files, foreign hosts."""

    def console(message: ConsoleMessage) -> None:
        # An error page itself may be what the test is about; other files are checked in `answered`.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            complaints.append(f"{page.url}: {message.text}")

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in {HOST, NAME}:
            complaints.append(f"{page.url} asked {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type not in {"document", "fetch", "xhr"}:
            complaints.append(f"{page.url}: {response.status} for {response.url}")

    page.add_init_script(REPORT_POLICY)
    page.on("console", console)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("request", asked)
    page.on("response", answered)
