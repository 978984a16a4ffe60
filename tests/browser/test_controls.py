"""Controls: the fixtures of the browser tests detect faulty pages."""

import pytest

from tests.support.browser import listen

POLICY = {"Content-Security-Policy": "default-src 'self'", "Content-Type": "text/html"}


@pytest.fixture
def bad_page(open_page, _browser):
    """Show a given page with the CSP of the site."""

    def show(body):
        complaints = []
        page = _browser.new_page()
        listen(page, complaints)
        page.route("**/*", lambda route: route.fulfill(headers=POLICY, body=f"<!doctype html><title>Bad</title>{body}"))
        page.goto("http://127.0.0.1/")
        page.wait_for_timeout(200)
        page.close()
        return complaints

    return show


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<p style='color: red'>Red</p>", "policy: style-src-attr"),
        ("<script>alert(1)</script>", "policy: script-src-elem"),
        (
            "<a href='http://example.com/' ping='http://example.com/'>x</a><img src='http://example.com/'>",
            "example.com",
        ),
    ],
)
def test_control_a_page_that_violates_the_csp_is_detected(bad_page, body, complaint):
    assert complaint in "\n".join(bad_page(body))


def test_control_a_correct_page_passes(bad_page):
    assert bad_page("<p>Good</p>") == []


def test_control_an_inaccessible_page_is_detected(page, accessible):
    page.goto("/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"data:,\"><input>')")
    with pytest.raises(AssertionError, match="image-alt"):
        accessible(page)
