"""Tests in a real browser.

Errors on the console, CSP violations, missing files and requests to other hosts fail every test.

    site        the URL of the application, served on this test's database; factories and the clock work as usual
    page        a page for an English reader at 1280 x 800; `open_page(locale="ar", ...)` opens others
    log_in      log_in(page, member), through the form
    keep        keep(page) keeps a picture of the step that a journey has reached, in screenshots/, if it is asked for
    accessible  accessible(page) fails on problems that axe finds
"""

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe, AxeResults
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from app.accounts.models import Member
from tests.support import THOROUGH, browser, required_services
from tests.support.factories import PASSWORD
from tests.support.smtp import HOST

ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    # The browser's own lookups stay on this machine.
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}, EXCLUDE {browser.NAME}",
)
SCREENSHOTS = Path(__file__).parent / "screenshots"
AXE_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


class OpenPage(Protocol):
    """Open a page in a browser profile of its own."""

    def __call__(self, **options: Any) -> Page:
        """Return a page; `options` are those of playwright's new_context()."""


class Accessible(Protocol):
    """Fail on a page that is not accessible."""

    def __call__(self, page: Page) -> None:
        """Examine `page`."""


@pytest.fixture(scope="session")
def _browser() -> Iterator[Browser]:
    path = browser.find_chromium()
    if path is None:
        pytest.fail(f"Browser tests were asked for, but there is {browser.MISSING}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def site(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the application from a thread; yields its URL without a trailing slash."""
    server = make_server(HOST, 0, app, threaded=True)
    url = f"http://{HOST}:{server.server_port}"
    monkeypatch.setitem(app.config, "PUBLIC_URL", url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(_browser: Browser, site: str, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Open pages, and fail the test on errors of their console."""
    required_services.used(request.config)["browser"] += 1
    complaints: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Page:
        usual = {
            "base_url": site,
            "locale": "en",
            "viewport": {"width": 1280, "height": 800},
            "reduced_motion": "reduce",
        }
        context = _browser.new_context(**(usual | options))
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        browser.listen(page, complaints)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page for an English reader, in desktop size."""
    return open_page()


@pytest.fixture
def log_in() -> Callable[[Page, Member], None]:
    """Log a member in on a page, through the form."""

    def log_in(page: Page, member: Member) -> None:
        page.goto("/login/")
        page.fill("main [name=username]", member.username)
        page.fill("main [name=password]", PASSWORD)
        page.press("main [name=password]", "Enter")
        page.wait_for_url(lambda url: urlsplit(url).path != "/login/")

    return log_in


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Page], None]:
    """Keep a picture of a page, to be looked at: SCREENSHOTS/name of the test/number.png. git ignores them.

    Only where DINNERPARTY_THOROUGH=yes, because taking one takes as long as loading a page.
    """
    folder = SCREENSHOTS / re.sub(r"\W+", "-", request.node.name).strip("-")
    numbers = itertools.count(1)

    def keep(page: Page) -> None:
        if THOROUGH:
            page.screenshot(path=folder / f"{next(numbers):02}.png")

    return keep


@pytest.fixture(scope="session")
def accessible() -> Accessible:
    """Fail on a page with accessibility problems: WCAG 2.2 A and AA, as far as axe finds them."""
    axe = Axe()

    def accessible(page: Page) -> None:
        # Loading axe costs more than running it, and it stays on the page.
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(axe.axe_script)
        result = AxeResults(page.evaluate("options => axe.run(options)", AXE_OPTIONS))
        assert not result.violations_count, f"{page.url}\n{result.generate_report()}"

    return accessible
