"""A form survives the end of its session: nothing is stored, and no input is lost."""

from datetime import timedelta

import pytest

from app import clock
from app.accounts.models import Member
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import PASSWORD, DinnerPartyFactory
from tests.support.pictures import encode, send

PAELLA = {
    "title": "Paella <b>& co</b>",
    "description": "One line\n\nand 'another' \"one\"",
    "starts_at": "2030-07-12T20:30",
    "timezone": "Europe/Madrid",
    "ends_at": "2030-07-12T23:30",
    "number_seats": "8",
    "visibility": "public",
}


@pytest.fixture
def expired_session(client_of, cast):
    """The host, whose session ended while the form of a new party was open."""
    host = client_of(cast.host)
    form = host.get("/parties/new").form("/parties/new")
    clock.set_now(clock.now() + timedelta(hours=1))
    return host, form


def log_in_on(page, visitor, name, password=PASSWORD):
    return visitor.submit(page.form("/login/"), username=name, password=password)


def test_after_the_session_expired_the_form_is_resubmitted_unchanged(expired_session, cast, records):
    host, form = expired_session
    page = host.submit(form, button=("action", "publish"), **PAELLA)
    assert (page.status, page.flashes) == (401, [("info", "Please log in to access this page.")])
    assert records.count(DinnerParty) == 0
    page = log_in_on(page, host, cast.host.username, "wrong")
    assert page.flashes == [("warning", "Invalid login. Please try again.")]
    page = log_in_on(page, host, cast.host.username)
    assert records.count(DinnerParty) == 0
    page = host.submit(page.form("/parties/new"))
    assert page.flashes == [("info", "Party “Paella <b>& co</b>” published.")]
    party = records.one(DinnerParty)
    assert (party.title, party.description) == (PAELLA["title"], PAELLA["description"])


def test_a_form_with_an_expired_csrf_token_is_offered_again(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    form = friend.get(f"/parties/{party.slug}").form(f"/parties/{party.slug}/rsvp")
    form.fields["csrf_token"] = "of another cookie"
    page = friend.submit(form, button=("answer", "yes"))
    assert page.status == 400
    assert page.flashes == [("warning", "This form was open for too long.")]
    assert records.fresh(party).seats_taken == 1
    page = friend.submit(page.form(f"/parties/{party.slug}/rsvp"))
    assert page.flashes[0][1].startswith("You successfully RSVP'd to ")
    assert records.count(Rsvp) == 2


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_a_cross_site_form_is_never_offered_again(client_of, cast, headers):
    friend = client_of(cast.friend)
    data = {"title": "Theirs", "csrf_token": "guessed"}
    answer = friend.client.post("/parties/new", data=data, headers=headers)
    assert answer.status_code == 400
    assert "Theirs" not in answer.text


def test_a_form_without_a_csrf_token_is_not_offered_again(client_of, cast):
    answer = client_of(cast.friend).client.post("/parties/new", data={"title": "Theirs"})
    assert answer.status_code == 400
    assert "Theirs" not in answer.text


@pytest.mark.parametrize("password", ["do not show me either", ""])
def test_a_password_has_to_be_typed_again_and_nothing_else(client_of, cast, records, password):
    admin = client_of(cast.admin)
    sent = admin.get("/users/add").form("/users/add").fields
    person = {"username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": ""}
    for name, value in {**person, "password": password, "csrf_token": "old"}.items():
        sent[name] = value
    page = admin.open("POST", "/users/add", data=sent)
    assert (page.status, page.flashes[0][0]) == (400, "warning")
    assert not password or password not in page.text
    form = page.form("/users/add")
    assert ("Passwords are not kept" in page.text) == bool(password)
    done = admin.submit(form, **({"password": password} if password else {}))
    assert done.flashes == [("info", "User ada created.")]
    ada = next(member for member in records.all(Member) if member.username == "ada")
    assert (ada.first_name, ada.last_name, bool(ada.password)) == ("Ada", "", bool(password))


def test_a_file_has_to_be_chosen_again(expired_session, cast, records):
    host, form = expired_session
    fields = {**form.fields.to_dict(), **PAELLA, "action": "publish"}
    page = send(host, form.action, fields, picture=encode())
    page = log_in_on(page, host, cast.host.username)
    assert "Files are not kept. Please choose it again." in page.text
    again = page.form("/parties/new")
    assert "picture" in again.names
    page = send(host, again.action, again.fields.to_dict(), picture=encode())
    assert page.flashes == [("info", "Party “Paella <b>& co</b>” published.")]
    assert records.one(DinnerParty).picture


@pytest.mark.parametrize("kept", ["nonsense", "", "\x00", "x" * 5000])
def test_a_form_not_signed_by_us_is_not_offered_after_a_login(visitor, cast, kept):
    page = visitor.post("/login/", {"username": cast.friend.username, "password": PASSWORD, "kept": kept})
    assert page.path == "/"
    assert page.flashes[0][0] == "info"
