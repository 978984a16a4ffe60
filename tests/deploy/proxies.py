"""Each web server of deploy/ in front of the site: what a visitor gets, and what of them the site sees."""

import contextlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.deploy.machinery import HOST, PATH_HOST, PROXIES, Site, can_connect, make_certificate, wait_for
from tests.support.smtp import free_port

SPOOFED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
SLOW = "POST /login/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n"
# The site counts so many bodies of one visitor at once.
MANY = 20


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A site that was set up, to be copied."""
    site = Site(tmp_path_factory.mktemp("prepared"), "127.0.0.1:8080")
    site.set_up()
    return site.folder / "instance"


@contextlib.contextmanager
def served(prepared, folder, place, **options):
    shutil.copytree(prepared, folder / "instance")
    site = Site(folder, place, **options)
    site.start()
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory, prepared):
    place = f"127.0.0.1:{free_port()}"
    with served(prepared, tmp_path_factory.mktemp("site"), place, RATELIMIT_ENABLED="no") as site:
        yield site


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request, tmp_path_factory, certificate, site):
    folder = tmp_path_factory.mktemp(request.param)
    with PROXIES[request.param](folder, certificate, site.place).running() as running:
        yield running


def test_a_visitor_logs_in_over_https(proxy):
    visitor = proxy.visitor()
    page = visitor.get(f"http://{HOST}/login/?next=/account/devices/", allow_redirects=False)
    assert page.status_code == 308
    assert page.headers["Location"].startswith(f"https://{HOST}")
    seen = visitor.log_in("/login/?next=/account/devices/")
    assert (seen.status_code, seen.url) == (200, f"https://{HOST}/account/devices/")
    assert all(answer.headers["Location"].startswith(("/", f"https://{HOST}/")) for answer in seen.history)
    assert visitor.cookies
    assert all(cookie.secure and cookie.name.startswith("__Host-") for cookie in visitor.cookies)
    assert "max-age" in seen.headers["Strict-Transport-Security"]


def test_a_redirect_of_the_site_keeps_scheme_and_host(proxy):
    visitor = proxy.visitor()
    answer = visitor.get(f"https://{HOST}/parties", allow_redirects=False, headers=SPOOFED)
    assert answer.headers["Location"] in {"/parties/", f"https://{HOST}/parties/"}


def test_the_language_is_switched(proxy):
    visitor = proxy.visitor()
    answer = visitor.post(f"https://{HOST}/lang/", data={"locale": "es"}, headers={"Origin": f"https://{HOST}"})
    assert answer.status_code == 200
    assert re.search(r"<html[^>]* lang=.es.", answer.text)


def test_the_site_sees_the_visitor_and_not_what_they_claim(proxy, site):
    proxy.visitor(address="127.0.0.1").log_in(**SPOOFED)
    assert site.last_address() in {"127.0.0.1", "::ffff:127.0.0.1"}
    proxy.visitor(address="127.0.0.1").log_in(**{"X-Forwarded-For": "203.0.113.9, 203.0.113.10"})
    assert site.last_address() in {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_visitor_with_ipv6(proxy, site):
    if proxy.name == "apache2":
        pytest.skip("the Listen line is Debian's, not of deploy/")
    assert proxy.visitor(address="::1").log_in().status_code == 200
    assert site.last_address() == "::1"


def test_a_body_that_is_too_large_is_refused(proxy, tmp_path):
    visitor = proxy.visitor()
    answer = visitor.post(f"https://{HOST}/login/", data={"username": "x" * 2 * 1024 * 1024})
    assert answer.status_code == 413
    assert "<html" in answer.text
    answer = curl(
        proxy,
        "--http1.1",
        "--data-binary",
        f"@{body_of(40, tmp_path)}",
        "--header",
        "Expect:",
        f"https://{HOST}/login/",
    )
    assert answer == "413"


def test_the_site_compresses_and_the_proxy_does_not(proxy):
    visitor = proxy.visitor()
    visitor.log_in()
    page = visitor.get(f"https://{HOST}/", headers={"Accept-Encoding": "gzip", "Sec-Fetch-Site": "cross-site"})
    assert "Content-Encoding" not in page.headers
    href = (
        page.text.partition('rel="stylesheet"')[0].rpartition("<link")[2] + page.text.partition('rel="stylesheet"')[2]
    )
    path = href.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert path.startswith("/static/")
    style = visitor.get(f"https://{HOST}{path}", headers={"Accept-Encoding": "gzip"})
    assert style.status_code == 200
    assert "immutable" in style.headers["Cache-Control"]
    assert style.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in style.headers["Vary"]


def test_http_2_is_spoken(proxy):
    assert curl(proxy, "--http2", f"https://{HOST}/", shown="%{http_version} %{http_code}") == "2 200"


def test_slow_senders_end_and_hinder_nobody_else(proxy):
    """They come from 127.0.0.1, another visitor from 127.0.0.2. Caddy keeps their connections, but not those to the site."""
    slow = SLOW.format(host=HOST).encode() + b"username="
    with proxy.connection() as first:
        connections = [proxy.connection() for _number in range(MANY)]
        opened = [connection.__enter__() for connection in connections]
        try:
            for connection in (first, *opened):
                connection.sendall(slow)
            other = proxy.visitor()
            assert other.get(f"https://{HOST}/").status_code == 200
            answer = curl(proxy, "--interface", "127.0.0.2", "--data", "username=x", f"https://{HOST}/login/")
            # It lacks a token, and nothing else.
            assert answer == "400"
            if proxy.name != "caddy":
                first.settimeout(60)
                assert first.recv(12) in {b"", b"HTTP/1.1 408", b"HTTP/1.1 429", b"HTTP/1.0 408"}
        finally:
            for connection in connections:
                connection.__exit__(None, None, None)


def test_a_site_that_was_killed_answers_again_and_meanwhile_asks_to_try_again(proxy, site):
    visitor = proxy.visitor()
    assert visitor.log_in().status_code == 200
    site.kill()
    try:
        answer = visitor.get(f"https://{HOST}/")
    finally:
        site.start()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    wait_for(lambda: visitor.get(f"https://{HOST}/account/devices/").status_code == 200)


def curl(proxy, *arguments, shown="%{http_code}"):
    command = ["curl", "--silent", "--output", "/dev/null", "--write-out", shown, *arguments]
    to = ["--cacert", str(proxy.certificate.certificate), "--connect-to", f"{HOST}:443:127.0.0.1:{proxy.https}"]
    return subprocess.run([*command, *to], capture_output=True, text=True, check=False).stdout


def body_of(megabytes, folder):
    path = folder / "body"
    path.write_bytes(b"x" * megabytes * 1024 * 1024)
    return path


@pytest.fixture
def sockets():
    """A folder that the users of web servers may enter, unlike that of a test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


PLACES = {"ipv6": "[::1]:{port}", "unix": "unix:{folder}/site.sock", "unix-activated": "unix:{folder}/site.sock"}


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("kind", PLACES)
def test_the_site_listens_on_ipv6_on_a_unix_socket_or_by_systemd(tmp_path, sockets, prepared, certificate, name, kind):
    place = PLACES[kind].format(port=free_port(), folder=sockets)
    with served(prepared, tmp_path, place, activated=kind.endswith("activated")) as site:
        if place.startswith("unix:"):
            # As the group of the web server does.
            Path(place.removeprefix("unix:")).chmod(0o666)
        with PROXIES[name](tmp_path, certificate, place).running() as proxy:
            visitor = proxy.visitor()
            wait_for(lambda: visitor.get(f"https://{HOST}/").status_code == 200)
            assert visitor.log_in("/login/?next=/account/devices/").url == f"https://{HOST}/account/devices/"
            assert site.last_address() in {"127.0.0.1", "::ffff:127.0.0.1"}
    assert not can_connect(place)


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_the_site_is_served_below_a_path_of_another(tmp_path, prepared, certificate, name):
    place, url = f"127.0.0.1:{free_port()}", f"https://{PATH_HOST}"
    with (
        served(prepared, tmp_path, place, PUBLIC_URL=f"{url}/dinner"),
        PROXIES[name](tmp_path, certificate, place).running(path=True) as proxy,
    ):
        visitor = proxy.visitor(PATH_HOST)
        assert visitor.get(f"{url}/dinner").url == f"{url}/dinner/"
        switched = visitor.post(f"{url}/dinner/lang/", data={"locale": "es"}, headers={"Origin": url})
        assert re.search(r"<html[^>]* lang=.es.", switched.text)
        assert switched.url.startswith(f"{url}/dinner/")
        seen = visitor.log_in("/dinner/login/?next=/dinner/account/devices/")
        assert (seen.status_code, seen.url) == (200, f"{url}/dinner/account/devices/")
        assert all(cookie.path in {"/", "/dinner", "/dinner/"} for cookie in visitor.cookies)
        links = set(re.findall(r'(?:href|src|action)="(/[^"]*)"', seen.text))
        assert links
        assert not {link for link in links if not link.startswith("/dinner/")}
        styles = [link for link in links if "/static/" in link]
        assert all(visitor.get(url + style.replace("&amp;", "&")).status_code == 200 for style in styles)
        assert visitor.get(f"{url}/dinner/no-such-page").status_code == 404
