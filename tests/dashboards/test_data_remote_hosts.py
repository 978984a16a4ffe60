"""Which hosts may be asked for data: listed ones, at public addresses, in no other spelling."""

import pytest

import config
from app.dashboards.data.remote_hosts import is_public, target
from config import ConfigurationError

LISTED = config._dashboard_hosts(  # noqa: SLF001 - what the setting says
    "API.Example.org, https://löffel.example:8443, http://plain.example.org, http://127.0.0.1:9000, https://[2001:db8::1]"
)


def test_hosts_are_listed_with_scheme_and_port():
    assert {
        "https://api.example.org:443",
        "https://xn--lffel-jua.example:8443",
        "http://plain.example.org:80",
        "http://127.0.0.1:9000",
        "https://[2001:db8::1]:443",
    } == LISTED
    assert config._dashboard_hosts("") == frozenset()  # noqa: SLF001


@pytest.mark.parametrize(
    "value",
    [
        *("127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::ffff:7f00:0001]", "https://a:b@example.org"),
        *(
            "*.example.org",
            "https://example.org/path",
            "ftp://example.org",
            "https://",
            "a b.example.org",
            "exa$mple.org",
        ),
    ],
)
def test_other_spellings_of_hosts_are_no_setting(value):
    with pytest.raises(ConfigurationError, match="DASHBOARD_HOSTS"):
        config._dashboard_hosts(value)  # noqa: SLF001


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.example.org", "/"),
        ("HTTPS://Api.Example.ORG:443/a/b.json?x=1&y=%20#part", "/a/b.json?x=1&y=%20"),
        ("https://xn--lffel-jua.example:8443/?", "/"),
        ("http://127.0.0.1:9000/data", "/data"),
        ("https://[2001:db8::1]/data", "/data"),
    ],
)
def test_a_url_of_a_listed_host_is_asked_for(url, path):
    assert target(url, LISTED).path == path


@pytest.mark.parametrize(
    "url",
    [
        # Another scheme or port of a listed host.
        *("http://api.example.org/", "https://api.example.org:8443/", "https://127.0.0.1:9000/", "http://127.0.0.1/"),
        # Another spelling of a listed host, or of what only looks like it.
        *("http://127.1:9000/", "http://0x7f.0.0.1:9000/", "http://2130706433:9000/", "http://0177.0.0.1:9000/"),
        *("http://[::ffff:127.0.0.1]:9000/", "https://api.example.org./", "http://localhost:9000/"),
        *("https://api.example.org@evil.example/", "https://evil.example#@api.example.org/"),
        *("https://evil.example\\@api.example.org/", "https://api.example.org\\.evil.example/"),
        *("https://evil.example/api.example.org", "//api.example.org/", "api.example.org", "", "https://"),
        *("https://user:password@api.example.org/", "https://api.example.org:0x1bb/", "https://api.example.org:99999/"),
        *("https://api.example.org/\r\nHost: evil.example", "https://api.example.org /", "https://api.example.org/é"),
        *("https://löffel.example:8443/", "https://api。example.org/", "https://[api.example.org]/", "https://[::1/"),
        *("file:///etc/passwd", "gopher://api.example.org:443/", "javascript:alert(1)", "data:application/json,[]"),
        "https://api.example.org/" + "a" * 2000,
    ],
)
def test_any_other_url_is_refused(url):
    assert target(url, LISTED) is None


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses_are_asked(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104
        *("100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
        *("239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:a00:1"),
        *(
            "::ffff:0:7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::808:808",
            "2002:7f00:1::",
            "2002:808:808::",
        ),
        *("2001::1", "2001:0:7f00:1::", "2001:db8::1", "2001:10::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1"),
        *("fc00::1", "fdff::1", "ff02::1", "100::1", "2606:2800::5efe:7f00:1", "2606:2800::200:5efe:a00:1"),
        *("4000::1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost", "8.8.8.8 ", ""),
    ],
)
def test_addresses_that_not_everybody_can_reach_are_never_asked(address):
    assert not is_public(address)
