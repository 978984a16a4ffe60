"""Approval, the postal address, and the map link of a party."""

import re
import zipfile
from urllib.parse import urlsplit

import pytest

from app.accounts.privacy import data_export
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import location, rules
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

SECRET = "Quiet Lane 7"
SEARCH = "https://www.openstreetmap.org/search?query=Quiet%20Lane%207"
MAP = "https://maps.example.org/@40.4,-3.7"


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, address=SECRET, venue="The blue door", address_for_guests=True)


def edit(host, party, **changes):
    page = host.get(f"/parties/{party.slug}/edit")
    return host.submit(page.form("/edit"), **changes)


def shows_address(text):
    """Return whether a text shows the address, also as part of a map link."""
    unfolded = text.replace("\r\n ", "")
    assert (SECRET in unfolded) >= ("Quiet%20Lane" in unfolded)
    return SECRET in unfolded


# -- form


def test_a_host_sets_and_clears_all_fields(host, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    page = edit(host, party, approval="y", address_for_guests="y", map_url=f" {MAP} ")
    assert page.status == 200
    row = records.fresh(party)
    assert (row.approval, row.address_for_guests, row.map_url) == (True, True, MAP)
    edit(host, party, approval=None, address_for_guests=None, map_url="")
    row = records.fresh(party)
    assert (row.approval, row.address_for_guests, row.map_url) == (False, False, "")


@pytest.mark.parametrize(
    "link",
    [
        *(
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/parties/",
            "maps.example.org",
        ),
        *(
            "https://maps example.org",
            "https://maps.example.org/a b",
            "ftp://maps.example.org",
            "https://",
            "http:maps",
        ),
        *(
            "https://me@maps.example.org/",
            "https://me:secret@maps.example.org/",
            "https://maps.example.org\\@evil.example",
        ),
        *(
            "https://maps.example.org:port/",
            "http://[::1",
            "https://maps.example.org/\u202egro",
            "https://x.org/" + "x" * 500,
        ),
    ],
)
def test_an_invalid_map_url_is_refused(host, cast, records, link):
    party = DinnerPartyFactory(host=cast.host)
    page = edit(host, party, map_url=link, venue="Kept venue")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert 'value="Kept venue"' in page.text
    assert '<details class="fold" open>' in page.text
    assert records.fresh(party).map_url == ""


@pytest.mark.parametrize(
    "link", ["https://maps.example.org", "http://127.0.0.1:8080/x?q=1#y", MAP, "https://m.org/" + "x" * 400]
)
def test_a_web_url_is_a_valid_map_url(link):
    assert rules.is_web_link(link)


def test_an_unsafe_map_url_in_the_database_is_not_linked(app, visitor, cast):
    party = DinnerPartyFactory(host=cast.host, map_url="javascript:alert(1)", address="")
    assert "javascript:" not in visitor.get(f"/parties/{party.slug}").text


def test_a_conflict_of_two_tabs_shows_these_fields_too(host, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    tab = host.get(f"/parties/{party.slug}/edit").form("/edit")
    edit(host, party, map_url=MAP, approval="y")
    page = host.submit(tab, map_url="https://other.example.org/")
    assert page.status == 422
    assert page.text.count("Saved in the meantime by someone else:") == 2
    assert MAP in page.text
    assert 'value="https://other.example.org/"' in page.text
    assert records.fresh(party).map_url == MAP
    host.submit(page.form("/edit"))
    row = records.fresh(party)
    assert (row.map_url, row.approval) == ("https://other.example.org/", False)


def test_switching_approval_off_does_not_approve_pending_requests(host, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, approval=True)
    friend = client_of(cast.friend)
    friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    page = edit(host, party, approval=None)
    assert page.flashes == [("info", f"Party “{party.title}” saved.")]
    row = next(row for row in records.all(Rsvp) if row.member_id == cast.friend.id)
    assert (row.status, records.fresh(party).seats_taken) == ("awaiting_approval", 1)
    # Replying again does not ask the host again.
    friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert records.fresh(party).seats_taken == 2


def test_a_copy_keeps_the_postal_address(host, party, records):
    host.post(f"/parties/{party.slug}/copy")
    twin = next(row for row in records.all(DinnerParty) if row.id != party.id)
    assert (twin.address, twin.address_for_guests) == (SECRET, True)


# -- who sees the address

READERS = {
    "anonymous": False,
    "stranger": False,
    "invited": False,
    "maybe": False,
    "waiting": False,
    "asking": False,
    "declined": False,
    "coming": True,
    "here": True,
    "co-host": True,
    "host": True,
    "admin": True,
}


@pytest.fixture
def reader(app, cast, client_of, new_visitor, party):
    """Return a browser of a person with this relation to the party."""

    def make(who):
        traits = {"maybe": "maybe", "waiting": "waiting", "asking": "asking", "declined": "declined", "here": "here"}
        if who in traits or who == "coming":
            RsvpFactory(party=party, member=cast.friend, **({traits[who]: True} if who in traits else {}))
        elif who == "co-host":
            client_of(cast.host).post(f"/parties/{party.slug}/hosts", {"username": cast.friend.username})
        elif who == "invited":
            visitor = new_visitor()
            visitor.get(f"/invitations/{InvitationFactory(party=party).token}")
            return visitor
        people = {"anonymous": None, "stranger": cast.stranger, "host": cast.host, "admin": cast.admin}
        member = people.get(who, cast.friend)
        return client_of(member) if member else new_visitor()

    return make


@pytest.mark.parametrize(("who", "told"), READERS.items())
def test_only_confirmed_guests_see_a_hidden_address(reader, party, who, told):
    visitor = reader(who)
    pages = [visitor.get(f"/parties/{party.slug}"), visitor.get(f"/parties/{party.slug}/dinner.ics")]
    assert [page.status for page in pages] == [200, 200]
    assert [shows_address(page.text) for page in pages] == [told, told]
    assert (SEARCH in pages[0].text) == told
    for path in ("/", "/parties/", f"/parties/{party.slug}/waiting-list", f"/parties/{party.slug}/people"):
        assert not shows_address(visitor.get(path, follow=False).text)
    assert all("The blue door" in page.text for page in pages)


@pytest.mark.parametrize(("who", "told"), [("maybe", False), ("coming", True), ("co-host", True), ("host", True)])
def test_the_calendar_feed_hides_the_address_too(reader, visitor, who, told):
    page = reader(who).post("/account/calendar/renew")
    feed = visitor.get(urlsplit(re.search(r">(http[^<]+\.ics)<", page.text)[1]).path).text
    assert "The blue door" in feed
    assert shows_address(feed) == told


@pytest.mark.parametrize("who", ["maybe", "coming"])
def test_the_data_export_hides_the_address_too(app, reader, cast, who):
    reader(who)
    with app.app_context():
        packed = data_export.export(db.session.merge(cast.friend))
    with packed, zipfile.ZipFile(packed) as archive:
        files = "".join(archive.read(name).decode() for name in archive.namelist())
    assert shows_address(files) == (who == "coming")


def emails(records):
    """Return whether each e-mail about the party shows the address: in text, HTML or calendar event."""
    found = {}
    for letter in sorted(records.all(OutboxEmail), key=lambda letter: letter.id):
        parts = [letter.text, letter.html, letter.calendar or SECRET * shows_address(letter.text)]
        assert len({shows_address(part) for part in parts}) == 1
        found[letter.kind, letter.recipient] = shows_address(letter.text)
    return found


def test_the_email_of_a_seat_has_the_address_and_that_of_the_waiting_list_does_not(client_of, cast, party, records):
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    with_map = next(letter for letter in records.all(OutboxEmail) if letter.kind == "rsvp_yes")
    assert SEARCH in with_map.text
    full = DinnerPartyFactory(host=cast.host, address=SECRET, address_for_guests=True, number_seats=1)
    client_of(cast.stranger).post(f"/parties/{full.slug}/rsvp", {"answer": "yes"})
    assert emails(records) == {("rsvp_yes", cast.friend.email): True, ("rsvp_waitlisted", cast.stranger.email): False}


def test_a_guest_awaiting_approval_does_not_get_the_address(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, address=SECRET, address_for_guests=True, approval=True)
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert emails(records) == {("approval_requested", cast.host.email): True}


def test_emails_about_a_change_show_the_address_only_to_confirmed_guests(host, cast, party, records):
    coming, maybe = RsvpFactory(party=party, member=cast.friend), RsvpFactory(party=party, maybe=True)
    page = edit(host, party, venue="The green door")
    assert page.flashes == [("info", "Saved. 2 guests will get an updated calendar entry.")]
    assert emails(records) == {("party_changed", coming.email): True, ("party_changed", maybe.email): False}


def test_a_new_hidden_address_is_emailed_to_confirmed_guests_only(host, cast, party, records):
    coming = RsvpFactory(party=party, member=cast.friend)
    RsvpFactory(party=party, maybe=True)
    page = edit(host, party, address=f"{SECRET}, second floor")
    assert page.flashes == [("info", "Saved. 1 guest will get an updated calendar entry.")]
    assert emails(records) == {("party_changed", coming.email): True}


def test_a_removed_guest_gets_no_more_emails(app, client_of, cast, party, records):
    answer = RsvpFactory(party=party, member=cast.friend)
    client_of(cast.admin).post("/rsvps/action_post", {"action": "withdraw", "rowid": str(answer.id)})
    assert emails(records) == {("removed", cast.friend.email): False}


def test_a_public_address_is_shown_to_everybody(visitor, cast, records, client_of):
    party = DinnerPartyFactory(host=cast.host, address=SECRET, number_seats=1)
    assert shows_address(visitor.get(f"/parties/{party.slug}").text)
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert emails(records) == {("rsvp_waitlisted", cast.friend.email): True}


# -- map


def test_the_map_link_names_its_site_and_sends_no_referrer(visitor, cast):
    party = DinnerPartyFactory(host=cast.host, address=SECRET)
    text = visitor.get(f"/parties/{party.slug}").text
    link = next(tag for tag in re.findall(r"<a [^>]*>[^<]*", text) if SEARCH in tag)
    assert 'rel="noopener noreferrer"' in link
    assert link.endswith("Map on www.openstreetmap.org")


def test_the_hosts_map_url_takes_precedence_and_is_hidden_with_the_address(visitor, client_of, cast):
    party = DinnerPartyFactory(host=cast.host, address=SECRET, map_url=MAP)
    text = visitor.get(f"/parties/{party.slug}").text
    assert MAP in text
    assert SEARCH not in text
    assert "Map on maps.example.org" in text
    hidden = DinnerPartyFactory(host=cast.host, address=SECRET, map_url=MAP, address_for_guests=True)
    assert MAP not in visitor.get(f"/parties/{hidden.slug}").text
    assert MAP in client_of(cast.host).get(f"/parties/{hidden.slug}").text


def test_the_map_service_can_be_changed_or_switched_off(app, monkeypatch, visitor, cast):
    party = DinnerPartyFactory(host=cast.host, address="1 & 2 “Market”/Street?")
    monkeypatch.setitem(app.config, "MAP_URL", "https://map.example/?q={address}&z=1")
    with app.app_context(), transaction() as session:
        told = location.visible_location(session.get(DinnerParty, party.id), with_address=True)
    assert told.map_url == "https://map.example/?q=1%20%26%202%20%E2%80%9CMarket%E2%80%9D%2FStreet%3F&z=1"
    monkeypatch.setitem(app.config, "MAP_URL", "")
    assert "Map on" not in visitor.get(f"/parties/{party.slug}").text


def test_without_an_address_there_is_no_map_link(visitor, cast):
    party = DinnerPartyFactory(host=cast.host, address="")
    assert "Map on" not in visitor.get(f"/parties/{party.slug}").text
