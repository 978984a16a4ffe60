"""Strangers' lists of public parties: from memory and with a validator, but always as the data is now."""

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.parties.models import DinnerParty
from app.parties.pages.views import LandingView, PartyView
from tests.support.client import Visitor
from tests.support.factories import DinnerPartyFactory

LISTS = ("/", "/parties/")
pytestmark = pytest.mark.parametrize("path", LISTS)


@pytest.fixture
def rendered(monkeypatch):
    """Count the lists that are rendered."""
    seen = []
    for view in (LandingView, PartyView):
        stock = view.render_template
        monkeypatch.setattr(
            view, "render_template", lambda self, *a, _stock=stock, **k: seen.append(a) or _stock(self, *a, **k)
        )
    return seen


def change(app, party, **values):
    with app.app_context(), transaction():
        stored = db.session.get(DinnerParty, party.id)
        for name, value in values.items():
            setattr(stored, name, value)


def test_a_stranger_gets_the_same_page_from_memory_and_no_cookie(visitor, new_visitor, rendered, path):
    DinnerPartyFactory(title="Soup night")
    first, second = visitor.get(path), new_visitor().get(path)
    assert "Soup night" in first.text
    assert first.text == second.text
    assert len(rendered) == 1
    assert "Set-Cookie" not in first.headers


def test_an_unchanged_page_is_not_sent_again(visitor, path):
    DinnerPartyFactory()
    page = visitor.get(path)
    assert page.headers["Cache-Control"] == "no-cache"
    assert set(page.headers["Vary"].replace(" ", "").split(",")) >= {"Accept-Language", "Cookie"}
    again = visitor.get(path, headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.text) == (304, "")
    assert (again.headers["ETag"], again.headers["Cache-Control"]) == (page.headers["ETag"], "no-cache")
    assert again.headers["Vary"] == page.headers["Vary"]


@pytest.mark.both_databases
def test_a_change_by_another_process_shows_at_once(visitor, app, new_app, path):
    party = DinnerPartyFactory(title="Soup night")
    elsewhere = Visitor(new_app())
    for title in ("Salad night", "Stew night"):
        before = visitor.get(path), elsewhere.get(path)
        change(app, party, title=title)
        for reader, page in zip((visitor, elsewhere), before, strict=True):
            after = reader.get(path, headers={"If-None-Match": page.headers["ETag"]})
            assert (after.status, title in after.text) == (200, True)


@pytest.mark.both_databases
def test_taken_seats_hidden_parties_and_new_names_show_at_once(visitor, app, cast, path):
    party = DinnerPartyFactory(title="Soup night", host=cast.host, number_seats=8)
    visitor.get(path)
    change(app, party, seats_taken=8)
    assert "Fully booked" in visitor.get(path).text
    with app.app_context(), transaction():
        db.session.get(DinnerParty, party.id).host.first_name = "Renamed"
    assert "Renamed" in visitor.get(path).text
    change(app, party, hidden_at=clock.now())
    assert "Soup night" not in visitor.get(path).text


def test_a_party_leaves_the_page_when_it_starts(visitor, path):
    party = DinnerPartyFactory(title="Soup night")
    assert "Soup night" in visitor.get(path).text
    clock.set_now(party.starts_at)
    assert "Soup night" not in visitor.get(path).text


def test_each_language_has_a_page_of_its_own(visitor, path):
    DinnerPartyFactory()
    pages = [visitor.get(path, headers={"Accept-Language": language}) for language in ("en", "ar", "en")]
    assert ['dir="rtl"' in page.text for page in pages] == [False, True, False]
    other = visitor.get(path, headers={"Accept-Language": "ar", "If-None-Match": pages[0].headers["ETag"]})
    assert other.status == 200


def test_a_flash_or_a_member_is_on_no_page_of_others(visitor, new_visitor, client_of, cast, path):
    DinnerPartyFactory()
    friend = client_of(cast.friend)
    page = friend.get(path)
    assert page.headers["Cache-Control"] == "no-store"
    assert "ETag" not in page.headers
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [("info", "Only for you.")]
    page = visitor.get(path)
    assert page.flashes == [("info", "Only for you.")]
    assert page.headers["Cache-Control"] == "no-store"
    for stranger in (visitor, new_visitor()):
        text = stranger.get(path).text
        assert "Only for you." not in text
        assert "Log out" not in text
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [("info", "Again.")]
    etag = new_visitor().get(path).headers["ETag"]
    assert visitor.get(path, headers={"If-None-Match": etag}).flashes == [("info", "Again.")]


def test_many_addresses_do_not_fill_the_memory(visitor, app, path):
    DinnerPartyFactory()
    for number in range(1, 80):
        visitor.get(f"{path}?page={number}")
        visitor.get(f"{path}?other={number}")
    assert len(app.extensions["public_lists"]) <= 64
