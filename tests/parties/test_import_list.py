"""Importing lists of people from spreadsheets, address books and e-mails."""

import io
import os

import pytest

from app.outbox.models import OutboxEmail
from app.parties.invitations import import_list
from app.parties.invitations.import_list import ImportEntry
from app.parties.models import Invitation
from tests.support.factories import InvitationFactory

IRIS, OTTO = "iris@example.org", "otto@example.org"
TOO_LONG = "The list is too long: up to 1000 lines with 256 kB can be sent at once."


def people(text):
    return [line.entry for line in import_list.read(text) if not line.is_heading]


@pytest.mark.parametrize(
    "text",
    [
        f"Iris Invited,{IRIS},2\nOtto,{OTTO},1",
        f"Iris Invited;{IRIS};2\r\nOtto;{OTTO};1\r\n",
        f"{IRIS}\tIris Invited\t2\n\n{OTTO}\tOtto\t1",
        f'2, "Iris Invited", {IRIS}\n1, Otto, {OTTO}',
        f"\ufeffName,E-Mail,Guests\nIris Invited,{IRIS},2\nOtto,{OTTO},1",
        f"First name;Last name;Tel;Mail;How many guests\nIris;Invited;0049301234;{IRIS};2\n;Otto;;{OTTO};1",
        f"Nombre,Correo electrónico,Personas\nIris Invited,{IRIS},2\nOtto,{OTTO},1",
        f"Iris Invited <{IRIS}>;2\nOtto <{OTTO}>;1",
    ],
)
def test_the_same_people_are_read_from_many_formats(text):
    assert people(text) == [ImportEntry(IRIS, "Iris Invited", 2), ImportEntry(OTTO, "Otto", 1)]


def test_a_list_of_bare_email_addresses_is_read():
    assert people(f"{IRIS}\n{OTTO}") == [ImportEntry(IRIS), ImportEntry(OTTO)]


def test_a_comma_in_a_name_is_kept_in_a_list_separated_by_semicolons():
    assert people(f"Invited, Iris;{IRIS};2\nOtto;{OTTO};") == [
        ImportEntry(IRIS, "Invited, Iris", 2),
        ImportEntry(OTTO, "Otto"),
    ]


def test_an_unclosed_quote_spoils_only_its_own_line():
    assert people(f'"Iris,{IRIS}\nOtto,{OTTO}') == [None, ImportEntry(OTTO, "Otto")]


def test_a_line_without_an_email_address_is_an_error_and_no_header():
    assert [(line.number, line.text) for line in import_list.read(f"Iris\n{OTTO}\nnot@here") if line.entry is None] == [
        (1, "Iris"),
        (3, "not@here"),
    ]


@pytest.mark.parametrize(
    ("typed", "number"), [("0", 1), ("5000", 1000), ("0049301234", None), ("two", None), ("²", None)]
)
def test_party_sizes_are_within_limits(typed, number):
    (entry,) = people(f"Iris,{IRIS},{typed}")
    assert entry.number == number


def test_names_are_shortened_and_cleaned():
    (entry,) = people(f'=HYPERLINK("http://evil.example")\x00\x1b\u202f{"x" * 300},{IRIS}')
    assert len(entry.name) == 130
    assert "\x00" not in entry.name + entry.email


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_files_are_read_in_the_encodings_of_spreadsheets(encoding):
    text = import_list.decode(f"Zoë Peña;{IRIS}\n".encode(encoding))
    assert people(text) == [ImportEntry(IRIS, "Zoë Peña")]


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
    fates = ["Column headings", "Will be invited", "Duplicate", "Already invited", "Not an e-mail address"]
    assert all(fate in row for fate, row in zip(fates, rows, strict=False))
    assert "Invite 1 person" in page.text
    page = send.browser.submit(page.form("/list"), button=("action", "invite"))
    assert page.flashes == [("warning", "1 invited, 2 already invited, 1 invalid addresses.")]
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
    assert page.form("/list").fields["text"] == LIST.strip()
    assert records.count(Invitation) == 0


def test_the_preview_says_what_exceeds_the_daily_limit(send, app, monkeypatch):
    monkeypatch.setitem(app.config, "INVITATION_DAILY_LIMIT", 1)
    page = send(f"{IRIS}\n{OTTO}")
    assert page.text.count("Daily limit exceeded") == 1
    assert "Invite 1 person" in page.text


@pytest.mark.parametrize(
    ("text", "data", "told"),
    [
        ("", None, "This list is empty."),
        (" \n;;\n", None, "This list is empty."),
        ("", b"", "This list is empty."),
        ("", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "This file is not a list of names. Save it as CSV first."),
        ("", b"PK\x03\x04" + os.urandom(4000) + b"\0", "This file is not a list of names. Save it as CSV first."),
        ("", b"a@example.org\n" * 20_000, TOO_LONG),
        ("a@example.org\n" * 10_000, None, TOO_LONG),
        ("x" * 300_000, None, TOO_LONG),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_message(send, records, text, data, told):
    page = send(text, data)
    assert (page.status, page.flashes) == (422, [("danger", told)])
    assert records.count(Invitation) == 0


def test_a_file_of_two_megabytes_is_refused(send, party):
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n\r\n'
    page = send.browser.open(
        "POST",
        f"/parties/{party.slug}/invitations/list",
        data=part + b"x" * 2_000_000 + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert page.status == 413


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


def test_an_unknown_language_is_refused(send, party):
    page = send.browser.post(
        f"/parties/{party.slug}/invitations/list", {"text": IRIS, "list_locale": "xx", "action": "invite"}
    )
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
