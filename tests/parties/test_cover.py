"""The picture of a party in the card that other programs show, and the drawn cover of parties without one."""

import io
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from app import clock
from app.charts import png_process
from app.parties.pages import cover
from tests.support.factories import DinnerPartyFactory
from tests.support.pictures import give_picture

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
drawn = pytest.mark.skipif(not png_process.is_available(), reason="this machine has no font")


def properties(page):
    return dict(re.findall(r'<meta property="(og:image[^"]*)" content="([^"]*)">', page.text))


def words(app, party, locale="en"):
    with app.test_request_context(headers={"Accept-Language": locale}):
        root = ET.fromstring(cover.svg(party))  # noqa: S314 - our own
    return " ".join(text.text for text in root.iter("{http://www.w3.org/2000/svg}text")).replace("\u202f", " ")


def path_of(url):
    return url[url.index("/parties/") :].replace("&amp;", "&")


@drawn
def test_a_link_to_a_party_is_shown_with_a_drawn_picture(visitor, new_visitor, cast):
    party = DinnerPartyFactory(host=cast.host, title="Soup & <bread>")
    shown = properties(visitor.get(f"/parties/{party.slug}"))
    assert (shown["og:image:width"], shown["og:image:height"]) == ("1200", "630")
    assert "Soup &amp; &lt;bread&gt;" in shown["og:image:alt"]
    # The page with its form has given the visitor a cookie.
    robot = new_visitor()
    response = robot.get(path_of(shown["og:image"])).response
    picture = Image.open(io.BytesIO(response.data))
    assert (response.mimetype, picture.size) == ("image/png", (1200, 630))
    # Letters are drawn, too: with the paper and the cloth alone, there would be few colours on the left.
    assert len(picture.convert("RGB").crop((0, 0, 700, 630)).getcolors(100_000)) > 50
    assert response.cache_control.public
    again = robot.get(path_of(shown["og:image"]), headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status, again.response.data) == (304, b"")


@drawn
def test_the_drawn_picture_has_title_date_and_area_and_no_address(app, cast):
    clock.set_now(NOW)
    party = DinnerPartyFactory(
        host=cast.host,
        title="A long evening with very many words " * 3,
        starts_at=NOW + timedelta(days=2),
        address="7 Secret Lane",
        address_for_guests=False,
        area="Lavapiés & around",
    )
    text = words(app, party)
    assert text.count("A long evening") == 2
    assert "…" in text
    assert "Sunday, March 3, from 12 PM to 3 PM (UTC) Lavapiés & around" in text
    assert "Secret" not in text
    assert "domingo" in words(app, party, "es")


@drawn
def test_the_picture_has_another_url_when_it_shows_something_else(app, cast):
    party = DinnerPartyFactory(host=cast.host)
    with app.test_request_context():
        before = cover.url(party)
        assert cover.url(party) == before
        party.seats_taken += 1
        assert cover.url(party) == before
        party.title = "Another one"
        assert cover.url(party) != before


def test_the_picture_of_the_host_goes_before_the_drawn_one(app, visitor, cast):
    party = DinnerPartyFactory(host=cast.host)
    give_picture(app, party)
    page = visitor.get(f"/parties/{party.slug}")
    shown = properties(page)
    assert f"/parties/{party.slug}/picture?" in shown["og:image"]
    assert (shown["og:image:width"], shown["og:image:height"]) == ("300", "200")
    assert "cover" not in page.text


def test_strangers_do_not_get_the_picture_of_a_private_party(client_of, visitor, cast):
    party = DinnerPartyFactory(host=cast.host, private=True)
    assert visitor.get(f"/parties/{party.slug}/cover.png").status == 404
    page = client_of(cast.host).get(f"/parties/{party.slug}")
    assert properties(page) == {}
    assert '<svg class="picture cover"' in page.text


def test_without_a_font_there_is_no_picture_for_other_programs(visitor, cast, monkeypatch):
    monkeypatch.setattr(png_process, "is_available", lambda: False)
    party = DinnerPartyFactory(host=cast.host)
    page = visitor.get(f"/parties/{party.slug}")
    assert properties(page) == {}
    assert "og:title" in page.text
    assert visitor.get(f"/parties/{party.slug}/cover.png").status == 404


def test_a_picture_that_cannot_be_drawn_is_asked_for_later(visitor, cast, monkeypatch):
    monkeypatch.setattr(png_process, "is_available", lambda: True)
    monkeypatch.setattr(png_process, "CODE", "raise MemoryError")
    monkeypatch.setattr(cover.png, "find_fonts", lambda: ("Any", []))
    party = DinnerPartyFactory(host=cast.host)
    assert visitor.get(f"/parties/{party.slug}/cover.png").status == 503


def test_lists_show_a_drawn_table_for_parties_without_a_picture(app, visitor, cast):
    pictured, other = DinnerPartyFactory(host=cast.host), DinnerPartyFactory(host=cast.host)
    give_picture(app, pictured)
    text = visitor.get("/parties/").text
    assert text.count('<svg class="picture cover"') == 1
    assert str(cover.table(other)) in text
