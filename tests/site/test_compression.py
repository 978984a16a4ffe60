"""What is sent compressed, and to whom."""

import gzip
import json
from pathlib import Path

import brotli
import pytest

from app import templating
from app.compression import LEAST_BYTES, minified
from tests.parties.api_client import ApiClient
from tests.support.factories import DashboardFactory

STATIC = Path(templating.__file__).parent / "static"
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
SAME_SITE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}


@pytest.fixture
def get(app):
    client = app.test_client()

    def get(path, coding="br", **headers):
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get(path, headers={"Accept-Encoding": coding} | told, buffered=True)

    return get


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("", None)],
)
def test_a_static_file_arrives_whole_in_the_shortest_coding_that_the_browser_takes(get, accepted, coding):
    for name in ("app.css", "app.js", "favicon.svg"):
        plain, answer = get(f"/static/{name}", "identity"), get(f"/static/{name}?v=1", accepted)
        assert answer.content_encoding == coding
        assert UNPACK[coding](answer.data) == (minified(STATIC / name) if coding else plain.data)
        assert answer.content_length == len(answer.data)
        assert "Accept-Encoding" in answer.vary
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_browser_that_has_the_file_is_told_so_and_one_that_wants_a_piece_gets_the_plain_bytes(get):
    plain, packed = get("/static/app.css", "identity"), get("/static/app.css")
    # Both have the same ETag. A weak one promises the same content, not the same bytes.
    assert packed.get_etag() == (plain.get_etag()[0], True)
    again = get("/static/app.css", If_None_Match=packed.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    piece = get("/static/app.css", Range="bytes=10-19")
    assert (piece.status_code, piece.content_encoding) == (206, None)
    assert piece.data == plain.data[10:20]


def test_what_is_short_is_left_alone(get):
    short = get("/health/live")
    assert len(short.data) < LEAST_BYTES
    assert short.content_encoding is None


def test_a_page_is_compressed_unless_another_site_could_make_its_reader_ask_for_it(get, host):
    for headers in (SAME_SITE, {"Sec-Fetch-Site": "cross-site"}, {}):
        assert get("/parties/", **headers).content_encoding == "br"
    for headers, coding in (
        (SAME_SITE, "br"),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, "br"),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}, "br"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, None),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "document"}, None),
        # Somebody wrote it into a text, as a picture.
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, None),
        # An old browser.
        ({}, None),
    ):
        page = host.client.get("/parties/?q=guess", headers={"Accept-Encoding": "gzip, br", **headers})
        assert page.content_encoding == coding
        assert "Log out" in UNPACK[coding](page.data).decode()


def test_the_api_is_compressed_except_for_versions_of_rows(app, cast, party):
    """If-Match compares byte for byte: the ETag of a row stays a strong one."""
    api = ApiClient(app, cast.host, base="/api/v1/")
    parties = api.ask("GET", "parties", headers={"Accept-Encoding": "br"})
    assert party.title in json.dumps(json.loads(brotli.decompress(parties.data)))
    dashboard = DashboardFactory(owner=cast.host, description="Long. " * 100)
    row = api.ask("GET", f"dashboards/{dashboard.slug}", headers={"Accept-Encoding": "br"})
    assert "Long." in row.text
    assert (row.content_encoding, row.get_etag()[1]) == (None, False)
