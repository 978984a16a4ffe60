"""The site behind proxies: their word on visitors, hosts and schemes, and a path below which it is served."""

import re
from urllib.parse import urlsplit

import pytest

from app.gateway import IGNORED_PROXY
from app.operations import IGNORED_PROXY as NOTICE
from tests.support.client import Visitor
from tests.support.factories import PASSWORD, DinnerPartyFactory

FORWARDED = {"X-Forwarded-For": "203.0.113.9"}
PREFIX = "/dinner"
SECRET = "SECRET_KEY", "kT7wq0Zl3vN9xR5mB2cY8hJ4gF6dS1aP"


# -- a proxy that the site was not told of


def test_a_proxy_that_is_not_counted_is_said_once_in_the_log_and_to_administrators(new_app, cast, caplog):
    app = new_app()
    admin, friend = Visitor(app), Visitor(app)
    admin.log_in_as(cast.admin)
    friend.log_in_as(cast.friend)
    assert str(NOTICE) not in admin.get("/users/list/").text
    # A stranger on the internet may send the header as well.
    friend.get("/", headers=FORWARDED, environ_base={"REMOTE_ADDR": "8.8.8.8"})
    assert IGNORED_PROXY not in caplog.text
    for _number in range(3):
        friend.get("/", headers=FORWARDED)
    assert caplog.text.count(IGNORED_PROXY) == 1
    assert str(NOTICE) in admin.get("/users/list/").text
    assert str(NOTICE) not in friend.get("/").text


def test_an_https_site_without_counted_proxies_is_noticed_at_the_start(new_app):
    def noticed(**settings):
        app = new_app(PUBLIC_URL="https://dinner.example.org", **dict([SECRET]), **settings)
        return app.extensions["gateway"].has_ignored_proxy

    assert noticed()
    assert not noticed(TRUSTED_PROXY_COUNT="1")


# -- hosts and schemes


def test_hosts_are_compared_without_case(new_app):
    client = new_app(TRUSTED_HOSTS="Dinner.Example.org").test_client()
    for host in ("dinner.example.org", "DINNER.example.ORG", "Localhost:8080"):
        assert client.get("/", headers={"Host": host}).status_code == 200, host
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_redirects_have_no_host(visitor, cast):
    for path in ("/parties", "/account/devices", "/lang"):
        page = visitor.get(path, follow=False, headers={"Host": "localhost:81"})
        assert (page.location or "/").startswith("/"), page.location
    assert visitor.get("/parties", follow=False).location == "/parties/"


@pytest.mark.parametrize("origin", ["http://localhost:8080", "http://LOCALHOST:8080", "http://127.0.0.1"])
def test_the_language_can_be_switched_where_a_proxy_names_another_host(new_app, origin):
    """Nginx passes on its own name for the server, and browsers send no Sec-Fetch-Site over plain http."""
    app = new_app(PUBLIC_URL="http://localhost:8080")
    page = Visitor(app).post(
        "/lang/", {"locale": "es"}, csrf=False, headers={"Origin": origin, "Host": "127.0.0.1"}, follow=False
    )
    assert page.status == 303


def test_the_language_cannot_be_switched_from_another_site(visitor):
    page = visitor.post("/lang/", {"locale": "es"}, csrf=False, headers={"Origin": "http://evil.example"})
    assert page.status == 403


# -- below a path


@pytest.fixture
def below(new_app):
    return new_app(PUBLIC_URL=f"http://localhost{PREFIX}")


@pytest.mark.parametrize(
    ("username", "first"),
    [("host", ["/", "/parties/soup/guests", "/account/devices/"]), ("boss", ["/", "/reports/list/"])],
)
def test_every_link_of_a_site_below_a_path_leads_below_it(below, cast, username, first):
    DinnerPartyFactory(host=cast.host, slug="soup")
    visitor = Visitor(below)
    form = visitor.get(f"{PREFIX}/login/").form(f"{PREFIX}/login/")
    page = visitor.submit(form, username=username, password=PASSWORD)
    assert page.path.startswith(PREFIX)
    waiting, seen = [PREFIX + path for path in first], set()
    while waiting and len(seen) < 60:
        address = waiting.pop(0)
        seen.add(urlsplit(address).path)
        page = visitor.get(address, follow=False)
        assert page.status < 400, address
        found = re.findall(r'(?:href|src|action|formaction|data-options-url)="(/[^"]*)"', page.text)
        found += [page.location] if page.location else []
        astray = [each for each in found if not each.startswith((f"{PREFIX}/", "//")) and each != PREFIX]
        assert astray == [], address
        linked = re.findall(r'href="(/[^"]*)"', page.text)
        waiting += [each.replace("&amp;", "&") for each in linked if urlsplit(each).path not in seen]
    assert len(seen) > 25


def test_cookies_of_a_site_below_a_path_are_sent_there_only(below, new_app, cast):
    page = Visitor(below).get(f"{PREFIX}/login/")
    assert "Path=/dinner" in page.headers["Set-Cookie"]
    secure = new_app(PUBLIC_URL="https://example.org/dinner", **dict([SECRET]))
    assert secure.config["SESSION_COOKIE_NAME"] == "__Secure-session"
    assert secure.config["SESSION_COOKIE_PATH"] == "/dinner"


def test_a_proxy_may_take_the_path_off_itself(below):
    page = Visitor(below).get("/parties", follow=False)
    assert page.location == f"{PREFIX}/parties/"
    assert "report-uri /dinner/csp-report" in page.headers["Content-Security-Policy"]


def test_going_back_and_switching_the_language_stays_below_the_path(below, cast):
    visitor = Visitor(below)
    visitor.log_in_as(cast.admin)
    listed = visitor.get(f"{PREFIX}/groups/list/")
    assert visitor.submit(listed.form(f"{PREFIX}/lang/"), locale="es").path == f"{PREFIX}/groups/list/"
    form = visitor.get(f"{PREFIX}/groups/add?next={PREFIX}/parties/").form(f"{PREFIX}/groups/add")
    added = visitor.submit(form, name="cooks", follow=False)
    assert added.location == f"{PREFIX}/parties/"
