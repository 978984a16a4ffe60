"""Pictures of parties and members: who sees them, and when they are gone."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app import clock
from app.accounts.models import Member
from app.accounts.users import account_deletion
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.parties.enums import Visibility
from app.parties.models import DinnerParty
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory
from tests.support.pictures import SECRET, encode, give_picture, send_form

MEGABYTE = 1024 * 1024
PROFILE, NEW = "/account/profile/", "/parties/new"
SAVED = [("info", "Settings saved.")]


@pytest.fixture
def files(app):
    """The contents of all files that are kept for rows."""
    folder = Path(app.config["IMG_UPLOAD_FOLDER"])
    before = set(folder.glob("*"))

    def read():
        return [path.read_bytes() for path in sorted(set(folder.glob("*")) - before) if path.is_file()]

    return read


@pytest.fixture
def pictured(app, cast):
    """A public party with a picture, whose host has one, too."""
    party = DinnerPartyFactory(host=cast.host)
    give_picture(app, party, party.host)
    return party


def size_of(page):
    return Image.open(io.BytesIO(page.response.get_data())).size


# -- members


def test_a_member_uploads_replaces_and_removes_their_picture(client_of, ada, records, files):
    browser = client_of(ada)
    page = send_form(browser, PROFILE, picture=encode())
    assert page.flashes == SAVED
    (source,) = re.findall(r'<img class="preview" src="([^"]*)"', page.text)
    assert size_of(browser.get(source)) == (96, 96)
    assert size_of(browser.get("/user/ada/picture")) == (300, 200)
    assert [SECRET in content for content in files()] == [False, False]
    first = records.fresh(ada).picture
    assert send_form(browser, PROFILE, picture=encode(colour="blue")).flashes == SAVED
    assert records.fresh(ada).picture != first
    assert len(files()) == 2
    assert send_form(browser, PROFILE, last_name="King").flashes == SAVED
    assert len(files()) == 2
    assert send_form(browser, PROFILE, **{"picture-delete": "1"}).flashes == SAVED
    assert (records.fresh(ada).picture, files()) == (None, [])
    assert browser.get("/user/ada/picture").status == browser.get("/account/profile/picture").status == 404


def test_the_audit_log_says_that_the_picture_changed_and_not_what_it_was_called(client_of, ada, records):
    send_form(client_of(ada), PROFILE, picture=encode())
    (event,) = (event for event in records.all(AuditEvent) if event.action == "profile_changed")
    assert event.after == {"picture": "changed"}


def test_a_refused_profile_keeps_the_file_that_was_chosen(client_of, ada, records, files):
    browser = client_of(ada)
    page = send_form(browser, PROFILE, first_name="", last_name="King", picture=encode())
    assert (page.status, files()) == (422, [])
    assert "This file was received. It need not be chosen again." in page.text
    assert browser.submit(page.form(PROFILE), first_name="Ada").flashes == SAVED
    assert len(files()) == 2
    assert records.fresh(ada).last_name == "King"


@pytest.mark.parametrize(
    "content", [b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n", bytes(100)], ids=["svg", "png", "nothing"]
)
def test_what_is_no_picture_is_an_error_at_its_field(client_of, ada, records, content):
    page = send_form(client_of(ada), PROFILE, last_name="King", picture=content)
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert "This is not an image. Choose a file in the format JPEG, PNG, GIF or WebP." in page.text
    assert page.form(PROFILE).fields["last_name"] == "King"
    assert records.fresh(ada).picture is None


def send_bytes(visitor, path, count):
    """Send a file of so many bytes. The body is kept in memory: Werkzeug's client leaves temporary files open."""
    file = FileStorage(io.BytesIO(bytes(count)), "holiday.jpeg", "picture")
    boundary, body = encode_multipart({"last_name": "King", "picture": file, "csrf_token": visitor.csrf_token()})
    return visitor.open("POST", path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def test_a_file_that_is_too_large_is_an_error_at_its_field_or_else_of_the_page(
    app, client_of, ada, visitor, monkeypatch
):
    monkeypatch.setitem(app.config, "UPLOAD_MAX_BYTES", 2 * MEGABYTE)
    monkeypatch.setitem(app.config, "UPLOAD_MAX_CONTENT_LENGTH", 3 * MEGABYTE)
    page = send_bytes(client_of(ada), PROFILE, 2 * MEGABYTE + 1)
    assert (page.status, page.form(PROFILE).fields["last_name"]) == (422, "King")
    assert "The file is larger than 2 MB." in page.text
    page = send_bytes(client_of(ada), PROFILE, 3 * MEGABYTE)
    said = "The data you sent is too large. The limit is 3 MB. What you typed is still there if you go back."
    assert (page.status, page.flashes) == (413, [("danger", said)])
    # Strangers cannot make the site read so much, nor members where no file is asked for.
    assert (
        send_bytes(visitor, PROFILE, MEGABYTE).status
        == send_bytes(client_of(ada), "/account/data/", MEGABYTE).status
        == 413
    )


def test_a_file_that_waits_can_be_dropped(client_of, ada, records, files):
    browser = client_of(ada)
    page = send_form(browser, PROFILE, first_name="", picture=encode())
    assert browser.submit(page.form(PROFILE), first_name="Ada", **{"picture-delete": "1"}).flashes == SAVED
    assert (records.fresh(ada).picture, files()) == (None, [])


def test_pictures_of_members_are_for_those_who_see_their_names(app, cast, client_of, visitor):
    give_picture(app, cast.friend)
    assert client_of(cast.stranger).get("/user/friend/picture").headers["Cache-Control"] == "no-cache, private"
    assert visitor.get("/user/friend/picture").path == "/login/"
    assert 'src="/user/friend/picture?' in client_of(cast.stranger).get("/user/friend").text


def test_hosts_see_their_guests(app, cast, host, party):
    give_picture(app, cast.friend)
    RsvpFactory(party=party, member=cast.friend)
    assert 'src="/user/friend/picture?' in host.get(f"/parties/{party.slug}/guests").text


# -- parties


def party_fields(**more):
    fields = {"title": "Soup night", "starts_at": "2030-06-01T19:00", "timezone": "UTC", "ends_at": "2030-06-01T21:00"}
    return {**fields, "number_seats": "8", "visibility": "public", "action": "publish", **more}


def test_a_host_gives_a_party_a_picture(host, visitor, records, files):
    page = send_form(host, NEW, **party_fields(picture=encode((3000, 3000))))
    assert page.flashes == [("info", "Party “Soup night” published.")]
    (party,) = records.all(DinnerParty)
    page = host.get(f"/parties/{party.slug}")
    (source,) = re.findall(r'<img class="picture"\s+src="([^"]*)"', page.text)
    assert 'alt="Picture of the party “Soup night”"' in page.text
    assert size_of(visitor.get(source)) == (1200, 1200)
    (small,) = re.findall(r'<img class="picture"\s+src="([^"]*)"', visitor.get("/parties/").text)
    assert size_of(visitor.get(small)) == (480, 320)
    edit = f"/parties/{party.slug}/edit"
    assert send_form(host, edit, **{"picture-delete": "1"}).status == 200
    assert files() == []


def test_a_refused_party_keeps_the_file_that_was_chosen(host, records, files):
    page = send_form(host, NEW, **party_fields(number_seats="0", picture=encode()))
    assert (page.status, files()) == (422, [])
    page = host.submit(page.form(NEW), number_seats="8", button=("action", "publish"))
    assert page.flashes == [("info", "Party “Soup night” published.")]
    assert len(files()) == 2


def test_two_hosts_who_edit_at_once_lose_no_picture(host, pictured, records):
    path = f"/parties/{pictured.slug}/edit"
    form = host.get(path).form(path)
    send_form(host, path, **{"picture-delete": "1"})
    page = host.submit(form, title="Another title", button=("action", "publish"))
    assert page.status == 422
    again = host.submit(page.form(path), button=("action", "publish"))
    assert again.status == 200
    stored = records.fresh(pictured)
    assert (stored.title, stored.picture) == ("Another title", None)


@pytest.mark.parametrize("name", ["picture", "host-picture"])
def test_pictures_of_a_party_are_for_those_who_see_the_party(app, cast, client_of, visitor, records, name):
    party = DinnerPartyFactory(host=cast.host, visibility=Visibility.PRIVATE)
    give_picture(app, party, party.host)
    path = f"/parties/{party.slug}/{name}"
    assert visitor.get(path).status == client_of(cast.stranger).get(path).status == 404
    InvitationFactory(party=party, email=cast.friend.email)
    assert client_of(cast.friend).get(path).headers["Cache-Control"] == "no-cache, private"
    with app.app_context(), transaction():
        db.session.get(DinnerParty, party.id).visibility = Visibility.PUBLIC
    sent = visitor.get(path)
    assert sent.headers["Cache-Control"] == "no-cache, public"
    assert "Set-Cookie" not in sent.headers
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert "holiday" not in sent.headers["Content-Disposition"]
    assert visitor.get(path, headers={"If-None-Match": sent.headers["ETag"]}).status == 304
    with app.app_context(), transaction():
        db.session.get(DinnerParty, party.id).hidden_at = clock.now()
    assert visitor.get(path, headers={"If-None-Match": sent.headers["ETag"]}).status == 404


def test_links_to_a_public_party_come_with_its_picture(app, cast, visitor, client_of, pictured):
    page = visitor.get(f"/parties/{pictured.slug}").text
    (url,) = re.findall(r'property="og:image" content="([^"]*)"', page)
    assert url.startswith(f"http://localhost:8080/parties/{pictured.slug}/picture?v=")
    private = DinnerPartyFactory(host=cast.host, visibility=Visibility.PRIVATE)
    give_picture(app, private)
    assert "og:" not in client_of(cast.host).get(f"/parties/{private.slug}").text


def test_the_api_lists_the_url_of_the_picture(app, cast, pictured):
    DinnerPartyFactory(host=cast.host)
    listed = {each["slug"]: each["picture"] for each in ApiClient(app, cast.friend).get()["result"]}
    assert None in listed.values()
    assert listed[pictured.slug].startswith(f"http://localhost:8080/parties/{pictured.slug}/picture?v=")


def test_a_copy_has_a_picture_of_its_own(host, pictured, records, files):
    before = len(files())
    page = host.get(f"/parties/{pictured.slug}/overview")
    host.submit(page.form("/copy"))
    copied = next(party for party in records.all(DinnerParty) if party.id != pictured.id)
    assert copied.picture not in {None, pictured.picture}
    assert len(files()) == before + 2


def test_administrators_change_pictures_and_they_go_with_the_party(admin, host, records, files):
    send_form(host, NEW, **party_fields(picture=encode()))
    (party,) = records.all(DinnerParty)
    path = f"/dinnerparties/edit/{party.id}"
    assert 'src="/dinnerparties/download/' in admin.get(path).text
    send_form(admin, path, picture=encode(colour="blue"))
    assert records.fresh(party).picture != party.picture
    assert len(files()) == 2
    delete = f"/dinnerparties/delete/{party.id}"
    admin.submit(admin.get(delete).form(delete))
    assert (records.all(DinnerParty), files()) == ([], [])


def test_administrators_change_the_picture_of_a_member(admin, ada, records):
    assert send_form(admin, f"/users/edit/{ada.id}", picture=encode()).flashes == [("info", "Saved.")]
    assert records.fresh(ada).picture
    (event,) = (event for event in records.all(AuditEvent) if event.action == "member_changed")
    assert event.after == {"picture": "changed"}


# -- personal data


def test_the_data_export_has_the_pictures(client_of, cast, pictured):
    browser = client_of(cast.host)
    page = browser.submit(browser.get("/account/data/").form("/export"))
    with zipfile.ZipFile(io.BytesIO(page.response.get_data())) as packed:
        assert {"picture.jpg", f"pictures/{pictured.slug}.jpg"} <= set(packed.namelist())


def test_pictures_go_with_the_account(app, cast, client_of, host, records, files):
    send_form(host, PROFILE, picture=encode())
    send_form(host, NEW, **party_fields(picture=encode()))
    assert len(files()) == 4
    with app.app_context():
        with transaction():
            db.session.get(Member, cast.host.id).erase_at = clock.now()
        assert account_deletion.run_due() == 1
    assert files() == []
    assert [party.picture for party in records.all(DinnerParty)] == [None]
