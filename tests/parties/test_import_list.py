"""Inviting the people of a list: the preview, what a host can change in it, and what is invited."""

import io

import pytest

from app.outbox.models import OutboxEmail
from app.parties.invitations import import_list
from app.parties.invitations.lists import reader
from app.parties.models import Invitation
from tests.parties.test_lists import cells, xlsx
from tests.support.factories import InvitationFactory, RsvpFactory

IRIS, OTTO = "iris@example.org", "otto@example.org"
TOO_LONG = "The list is too long: up to 1000 people can be read at once. Send a part of it."


# -- page


@pytest.fixture
def send(client_of, cast, party):
    """Send a text or a file through the form of the import."""
    host = client_of(cast.host)

    def post(text="", data=None, action="check"):
        fields = {"text": text, "list_locale": "es", "action": action}
        if data is not None:
            fields["file"] = (io.BytesIO(data), "list.csv")
        return host.post(f"/parties/{party.slug}/invitations/list", fields, content_type="multipart/form-data")

    post.browser = host
    return post


LIST = f"Name;Mail;Guests\nIris;{IRIS};2\nIris again;{IRIS.upper()};\nOtto;{OTTO};\nno address;at all;\n"


def test_nothing_is_stored_before_the_host_confirms_the_preview(send, party, records):
    InvitationFactory(party=party, email=OTTO)
    before = records.dump()
    page = send(data=LIST.encode())
    assert (page.status, page.flashes) == (200, [("info", "Nothing has been saved yet. This is what will happen:")])
    assert records.dump() == before
    rows = page.text.split("<tbody>")[1].split("</tr>")
    fates = ["Column headings", "Will be invited", "Duplicate", "Already invited", "No e-mail address"]
    assert all(fate in row for fate, row in zip(fates, rows, strict=False))
    assert all(f"<li>{fate}: 1</li>" in page.text for fate in fates)
    assert "All rows: 5" in page.text
    assert "Invite 1 person" in page.text
    page = send.browser.submit(page.form("/list"), button=("action", "invite"))
    assert page.flashes == [
        ("warning", "1 invited, 1 already invited, 1 invalid addresses. 1 repeated address was left out.")
    ]
    iris = records.all(Invitation)[-1]
    assert (iris.email, iris.name, iris.max_party, iris.locale) == (IRIS, "Iris", 2, "es")
    assert records.one(OutboxEmail).locale == "es"


def test_a_list_that_is_sent_twice_invites_once(send, records):
    form = send(IRIS).form("/list")
    button = ("action", "invite")
    told = [send.browser.submit(form, button=button).flashes for _time in range(2)]
    assert told == [
        [("info", "1 invited, 0 already invited, 0 invalid addresses.")],
        [("warning", "0 invited, 1 already invited, 0 invalid addresses.")],
    ]
    assert records.count(OutboxEmail) == 1


def test_a_list_can_be_changed_before_it_is_used(send, records):
    page = send(data=LIST.encode())
    page = send.browser.submit(page.form("/list"), button=("action", "change"))
    assert page.flashes == [("info", "Nothing has been saved yet.")]
    assert page.form("/list").fields["text"] == LIST
    assert records.count(Invitation) == 0


def test_the_preview_says_what_exceeds_the_daily_limit(send, app, monkeypatch):
    monkeypatch.setitem(app.config, "INVITATION_DAILY_LIMIT", 1)
    page = send(f"{IRIS}\n{OTTO}")
    assert "<li>Daily limit exceeded: 1</li>" in page.text
    assert "Invite 1 person" in page.text


@pytest.mark.parametrize(
    ("text", "data", "field", "told"),
    [
        ("", None, "text", "This list is empty."),
        (" \n;;\n", None, "text", "This list is empty."),
        ("", b"", "file", "This list is empty."),
        (IRIS, b"%PDF-1.7", "file", "This is a PDF, not a list. Copy the names and addresses from it, and paste them."),
        ("", b"a@example.org\n" * 20_000, "file", TOO_LONG),
        ("a@example.org\n" * 10_000, None, "text", TOO_LONG),
    ],
)
def test_a_file_that_is_no_list_is_refused_at_its_field(send, records, text, data, field, told):
    page = send(text, data)
    assert (page.status, page.flashes) == (422, [("danger", told)])
    assert f'id="{field}-error">{told}' in page.text
    # What was pasted is kept.
    assert page.form("/list").fields["text"] == text
    assert records.count(Invitation) == 0


@pytest.mark.parametrize(
    ("megabytes", "status", "told"), [(3, 200, IRIS), (5, 422, "This file is too large: up to 4 MB can be sent.")]
)
def test_files_of_four_megabytes_can_be_sent(send, party, megabytes, status, told):
    fields = {"csrf_token": send.browser.csrf_token(), "list_locale": "es", "text": ""}
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    photo = "\r\n ".join(["A" * 74] * (megabytes * 13_000))
    card = f"BEGIN:VCARD\r\nFN:Iris\r\nPHOTO;ENCODING=b:{photo}\r\nEMAIL:{IRIS}\r\nEND:VCARD"
    parts.append(f'Content-Disposition: form-data; name="file"; filename="all.vcf"\r\n\r\n{card}')
    body = "".join(f"--x\r\n{part}\r\n" for part in parts) + "--x--\r\n"
    path = f"/parties/{party.slug}/invitations/list"
    page = send.browser.open("POST", path, data=body.encode(), content_type="multipart/form-data; boundary=x")
    assert page.status == status
    assert told in page.text


def test_every_refusal_has_a_sentence():
    assert set(import_list.REFUSALS) == set(import_list.Refusal)
    assert set(import_list.KINDS) == set(import_list.Kind)
    assert set(import_list.ColumnRole) == set(import_list.Role)


BOOK = xlsx(
    cells(["Name", "E-mail", "Wave", "Language"], ["Iris", IRIS, "2", "Arabic"], ["Otto", OTTO, "3", ""], hidden=[3]),
    cells(["Caterer", "cook@example.org"]),
)


def test_a_spreadsheet_is_read_and_its_columns_can_be_changed(send, records):
    page = send(data=BOOK)
    assert "Spreadsheet: <bdi>Sheet 1</bdi>" in page.text
    form = page.form("/list")
    assert (form.fields["column-0"], form.fields["column-2"]) == ("name", "ignore")
    form.fields["column-2"] = "seats"
    page = send.browser.submit(form, button=("action", "check"))
    form = page.form("/list")
    assert form.fields["column-2"] == "seats"
    send.browser.submit(form, button=("action", "invite"))
    (iris,) = records.all(Invitation)
    assert (iris.email, iris.name, iris.max_party, iris.locale) == (IRIS, "Iris", 2, "ar")


def test_hidden_rows_are_left_out_unless_the_host_wants_them(send, records):
    form = send(data=BOOK).form("/list")
    form.fields.add("include", OTTO)
    form.fields.add("leave", IRIS)
    page = send.browser.submit(form, button=("action", "check"))
    assert page.form("/list").fields.getlist("include") == [OTTO]
    send.browser.submit(page.form("/list"), button=("action", "invite"))
    assert [invitation.email for invitation in records.all(Invitation)] == [OTTO]


def test_another_sheet_can_be_chosen_and_the_list_changed_as_text(send):
    form = send(data=BOOK).form("/list")
    page = send.browser.submit(form, button=("action", "change"))
    assert (
        page.form("/list").fields["text"].startswith("Name\tE-mail\tWave\tLanguage\nIris\tiris@example.org\t2\tArabic")
    )
    form.fields["sheet"] = "1"
    page = send.browser.submit(form, button=("action", "check"))
    assert "cook@example.org" in page.text
    assert page.form("/list").fields["sheet"] == "1"


def test_a_guessed_encoding_can_be_changed(send, records):
    form = send(data=f"Name;Mail\nĐorđe;{IRIS}\n".encode("cp1250")).form("/list")
    form.fields["encoding"] = "cp1252"
    page = send.browser.submit(form, button=("action", "check"))
    assert "Ðorðe" in page.text
    form = page.form("/list")
    form.fields["encoding"] = "cp1250"
    send.browser.submit(
        send.browser.submit(form, button=("action", "check")).form("/list"), button=("action", "invite")
    )
    assert records.one(Invitation).name == "Đorđe"


def test_what_invitations_have_no_place_for_is_shown(send):
    page = send(f"Name,E-mail,Diet,Twitter\nIris,{IRIS} ::: two@example.org,vegan,@iris\n")
    for told in ("Diet: <bdi>vegan</bdi>", "Also: <bdi>two@example.org</bdi>", "Not read: <bdi>@iris</bdi>"):
        assert told in page.text


@pytest.mark.parametrize(
    "changed",
    [
        '{"sheets": [{"name": 1, "hidden": [], "rows": [[Infinity, 0, []]]}], "kind": "ods"}',
        "{",
        '{"sheets": 1}',
        '{"sheets": [{"rows": [[1, 2]]}]}',
        '{"sheets": ' + "[" * 5000,
    ],
)
def test_what_the_pages_carry_on_can_be_anything(send, party, records, changed):
    page = send.browser.post(
        f"/parties/{party.slug}/invitations/list",
        {"text": changed, "list_locale": "en", "was": "rot13\0", "encoding": "\0", "sheet": "99", "column-x": "seats"},
    )
    assert page.status in {200, 422}
    assert records.count(Invitation) == 0


def test_a_thousand_lines_are_read(send):
    page = send("\n".join(f"Guest {number};guest{number}@example.org" for number in range(1000)))
    assert page.status == 200
    assert "Invite 200 people" in page.text


@pytest.mark.parametrize(
    "text", ["\x00", "<script>alert(1)</script>,a@b", "=cmd|' /C calc'!A0;x@", "\ud7ff\ufffe", '"""""', "@,@,@"]
)
def test_garbage_is_shown_as_text_and_invites_nobody(send, records, text):
    page = send(f"{text}\n{text}")
    assert page.status in {200, 422}
    assert "<script>alert" not in page.text
    send(text, action="invite")
    assert records.count(Invitation) == 0


@pytest.mark.parametrize("locale", ["en", "es", "ar"])
def test_the_guest_list_that_was_downloaded_can_be_read_back(host, party, locale):
    RsvpFactory(party=party, name="=Rosa Quintero", email=IRIS, party_size=2, note="+1, no nuts")
    RsvpFactory(party=party, name="Emil", email=OTTO, party_size=1)
    host.post("/lang/", {"locale": locale})
    people = reader.read(host.get(f"/parties/{party.slug}/guests.csv").response.data).people
    assert {(person.name, person.email, person.seats) for person in people} > {
        ("=Rosa Quintero", IRIS, 2),
        ("Emil", OTTO, 1),
    }


@pytest.mark.parametrize("locale", ["en", "es", "ar"])
def test_the_invitations_that_an_administrator_downloaded_can_be_read_back(admin, party, locale):
    InvitationFactory(party=party, name="Rosa Quintero", email=IRIS, max_party=2)
    admin.post("/lang/", {"locale": locale})
    (person,) = reader.read(admin.get("/partyinvitations/csv").text).people
    assert (person.name, person.email, person.seats) == ("Rosa Quintero", IRIS, 2)


def test_an_unknown_language_is_refused(send, party):
    page = send.browser.post(
        f"/parties/{party.slug}/invitations/list", {"text": IRIS, "list_locale": "xx", "action": "invite"}
    )
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
