"""The area of a party is for everybody who sees the party, its address for those who come: by default."""

import pytest

from app.outbox.models import OutboxEmail
from app.parties import location
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

ADDRESS, AREA = "Calle del Olmo 12", "Lavapiés, Madrid"
TYPED = {
    "title": "Paella", "starts_at": "2040-06-01T20:00", "timezone": "Europe/Madrid", "venue": "Casa Ferrer",
    "area": AREA, "address": ADDRESS,
}  # fmt: skip


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(
        host=cast.host, title="Paella", address=ADDRESS, area=AREA, venue="Casa Ferrer", address_for_guests=True
    )


def test_a_new_party_tells_strangers_the_area_and_guests_the_address(host, visitor, client_of, cast, records):
    page = host.get("/parties/new")
    page = host.submit(page.form("/parties/new"), button=("action", "publish"), **TYPED)
    slug = records.one(DinnerParty).slug
    for path in ("/", "/parties/", f"/parties/{slug}", f"/parties/{slug}/dinner.ics"):
        shown = visitor.get(path).text.replace("\r\n ", "").replace("\\,", ",")
        assert AREA in shown
        assert ADDRESS not in shown
    friend = client_of(cast.friend)
    page = friend.submit(friend.get(f"/parties/{slug}").form("/rsvp"), button=("answer", "yes"))
    assert ADDRESS in page.text
    assert AREA not in page.text
    letter = next(letter for letter in records.all(OutboxEmail) if letter.kind == "rsvp_yes")
    assert ADDRESS in letter.text
    assert AREA not in letter.text


def test_a_program_that_does_not_say_who_sees_the_address_shows_it_to_guests_only(app, cast, visitor):
    client = ApiClient(app, cast.host)
    created = client.post("", {**TYPED, "status": "published"}, status=201)["result"]
    assert (created["area"], created["address_for_guests"]) == (AREA, True)
    assert ADDRESS not in visitor.get(f"/parties/{created['slug']}").text


def test_an_administrator_adds_a_party_whose_address_is_for_guests(admin):
    fields = admin.get("/dinnerparties/add").form("/dinnerparties/add").fields
    assert fields["address_for_guests"] == "y"
    assert "area" in fields


def test_a_party_of_before_shows_what_its_host_chose(visitor, cast):
    party = DinnerPartyFactory(host=cast.host, address=ADDRESS, area="", address_for_guests=False)
    assert ADDRESS in visitor.get(f"/parties/{party.slug}").text


def test_an_invited_person_reads_the_area_in_the_email(host, party, records):
    page = host.get(f"/parties/{party.slug}/invitations")
    host.submit(page.form("/invitations"), email="iris@example.org", name="Iris")
    letter = records.one(OutboxEmail)
    for part in (letter.text, letter.html, letter.calendar.replace("\r\n ", "").replace("\\,", ",")):
        assert AREA in part
        assert ADDRESS not in part


def test_nobody_is_promised_an_address_that_there_is_not(visitor, cast):
    party = DinnerPartyFactory(host=cast.host, address="", address_for_guests=True)
    assert "Shown to guests who are coming" not in visitor.get(f"/parties/{party.slug}").text


# -- who is told of a change


@pytest.mark.parametrize(
    ("changed", "for_guests", "status", "is_seen"),
    [
        ({"area"}, True, RsvpStatus.YES, False),
        ({"area"}, True, RsvpStatus.MAYBE, True),
        ({"area"}, False, RsvpStatus.MAYBE, False),
        ({"address"}, True, RsvpStatus.YES, True),
        ({"address"}, True, RsvpStatus.MAYBE, False),
        ({"address", "area"}, True, RsvpStatus.MAYBE, True),
        ({"address", "venue"}, True, RsvpStatus.MAYBE, True),
    ],
)
def test_who_sees_a_change_of_the_location(changed, for_guests, status, is_seen):
    party = DinnerParty(address=ADDRESS, area=AREA, address_for_guests=for_guests)
    assert location.shows_change(party, changed, Rsvp(status=status)) == is_seen


def test_who_sees_only_the_area_is_told_when_it_changes(host, party, cast, records):
    RsvpFactory(party=party, member=cast.friend)
    maybe = RsvpFactory(party=party, maybe=True)
    page = host.get(f"/parties/{party.slug}/edit")
    page = host.submit(page.form("/edit"), area="Malasaña, Madrid")
    assert page.flashes == [("info", "Saved. 1 guest will get an updated calendar entry.")]
    assert [letter.recipient for letter in records.all(OutboxEmail)] == [maybe.email]


# -- what strangers see


def test_a_host_sees_what_strangers_see(host, party, visitor):
    page = host.get(f"/parties/{party.slug}/preview")
    assert "This is what everyone sees of your party." in page.text
    assert AREA in page.text
    assert ADDRESS not in page.text
    assert "For the host" not in page.text
    assert f"/parties/{party.slug}/preview" in host.get(f"/parties/{party.slug}/overview").text
    assert f"/parties/{party.slug}/preview" in host.get(f"/parties/{party.slug}/edit").text


def test_the_preview_says_who_sees_a_private_party_and_a_draft(host, cast):
    private = DinnerPartyFactory(host=cast.host, private=True)
    assert "Strangers do not see this party." in host.get(f"/parties/{private.slug}/preview").words
    draft = DinnerPartyFactory(host=cast.host, draft=True)
    assert "This is a draft: only its hosts see it." in host.get(f"/parties/{draft.slug}/preview").words


def test_nobody_else_opens_the_preview(party, client_of, cast, new_visitor):
    guest = new_visitor()
    guest.get(f"/invitations/{InvitationFactory(party=party).token}")
    assert guest.get(f"/parties/{party.slug}/preview").path == "/login/"
    assert client_of(cast.stranger).get(f"/parties/{party.slug}/preview").status == 403
