"""The guest list: reading, removing guests, attendance, and the file."""

import csv
from datetime import timedelta
from io import StringIO

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.menu import service as menu_service
from app.parties.menu.service import PersonInput
from app.parties.models import CoHost, Rsvp, RsvpPerson
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.rsvps import guest_list
from tests.support.factories import PASSWORD, DinnerPartyFactory, InvitationFactory, MemberFactory, RsvpFactory
from tests.support.statements import count_statements


def guests_of(party):
    return f"/parties/{party.slug}/guests"


def tell_people(app, answer, *people):
    with app.app_context(), transaction():
        menu_service.set_people(db.session.merge(answer), people)


def remove(host, party, answer):
    return host.post(f"{guests_of(party)}/{answer.id}/remove")


def after(host, party, hours=4):
    """Move the clock to after the party, and log in again."""
    clock.set_now(party.starts_at + timedelta(hours=hours))
    host.log_in("host", PASSWORD)


# -- reading


def test_hosts_see_every_rsvp(app, host, party):
    seated = RsvpFactory(party=party, name="Ana Guest", party_size=2, note="We come by bike.")
    tell_people(
        app,
        seated,
        PersonInput("Ana", ["vegan"]),
        PersonInput("Bo Companion", [], ["nuts"], "Faints at the sight of it."),
    )
    RsvpFactory(party=party, name="Wanda Waits", waiting=True, party_size=3, min_party=2)
    RsvpFactory(party=party, name="Asa Asks", asking=True)
    RsvpFactory(party=party, name="Nora No", declined=True)
    invitation = InvitationFactory(party=party)
    InvitationFactory(party=party)
    RsvpFactory(party=party, name="Iris", member=None, email=invitation.email, invitation=invitation, locale="en",
                timezone="UTC", maybe=True)  # fmt: skip
    page = host.get(guests_of(party))
    for told in (
        *("Ana Guest", "We come by bike.", "Bo Companion", "Faints at the sight of it.", "Vegan", "Must not eat: Nuts"),
        *(
            "3 people are coming",
            "1 person has requested a seat",
            "3 people are on the waiting list",
            "Number 1 on the waiting list",
        ),
        *(
            "1 of 2 people invited have not answered",
            "Would also accept 2 seats.",
            "By personal link",
            "Hosts this party",
        ),
    ):
        assert told in page.text, told
    titles = [title for title, _statuses in guest_list.GROUPS.values()]
    places = [page.text.index(f'id="group-{name}"') for name in ("asking", "coming", "waiting", "maybe", "no")]
    assert places == sorted(places)
    assert len(titles) == 8


def test_the_guest_list_is_for_hosts_and_co_hosts(client_of, cast, party, app):
    with app.app_context(), transaction() as session:
        session.add(CoHost(party_id=party.id, member_id=cast.friend.id))
    assert client_of(cast.friend).get(guests_of(party)).status == 200
    for other in (cast.stranger, cast.admin):
        for path in (guests_of(party), f"{guests_of(party)}.csv"):
            assert client_of(other).get(path).status == 403


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("query", "found"),
    [({"q": "ana"}, {"Ana Guest"}), ({"q": "BO COMP"}, {"Ana Guest"}), ({"q": "@example.ORG"}, {"Élodie"}),
     ({"q": "élodie"}, {"Élodie"}), ({"q": "%"}, set()), ({"group": "coming", "q": "guest"}, {"Ana Guest"}),
     ({"group": "maybe"}, {"Élodie"}), ({"group": "no"}, set()), ({"page": "2"}, set()),
     ({"group": "nonsense", "page": "x"}, {"Ana Guest", "Élodie"})],
)  # fmt: skip
def test_a_host_searches_for_guests_without_javascript(app, host, party, query, found):
    seated = RsvpFactory(party=party, name="Ana Guest", party_size=2)
    tell_people(app, seated, PersonInput("Ana"), PersonInput("Bo Companion"))
    RsvpFactory(party=party, name="Élodie", email="elodie@example.org", maybe=True)
    page = host.get(guests_of(party), query_string=query).text
    assert {name for name in ("Ana Guest", "Élodie") if f"<bdi>{name}</bdi></strong>" in page} == found


def test_the_guest_list_takes_nine_statements_whatever_is_on_it(app, host, cast):
    party = DinnerPartyFactory(host=cast.host, number_seats=500)
    with app.app_context(), transaction() as session:
        for number in range(200):
            status = ("yes", "waitlisted", "offered", "checked_in")[number % 4]
            answer = Rsvp(party_id=party.id, email=f"guest{number}@example.com", status=status, party_size=2,
                          waitlisted_at=clock.now())  # fmt: skip
            session.add(answer)
            session.flush()
            session.add(RsvpPerson(rsvp_id=answer.id, position=1, name="Bo", diets=["vegan"]))
    host.get(guests_of(party))
    for path in ("/guests", "/door", "/guests.csv"):
        with count_statements() as statements:
            page = host.get(f"/parties/{party.slug}{path}")
        assert page.status == 200
        # One of them counts for the tabs.
        assert len(statements) <= 9, "\n".join(statements)
        assert page.text.count("guest1") > 50
    assert "Page 1" in host.get(guests_of(party)).text, "with the host there are 201"


# -- removing guests


@pytest.mark.parametrize("size", [1, 2])
def test_the_seats_of_a_removed_guest_are_offered_to_the_waiting_list(host, party, records, size):
    RsvpFactory(party=party, party_size=7 - size)
    answer = RsvpFactory(party=party, name="Ana Guest", party_size=size)
    RsvpFactory(party=party, waiting=True, party_size=size)
    question = host.get(f"{guests_of(party)}/{answer.id}/remove")
    assert "Remove Ana Guest?" in question.text
    assert records.fresh(answer).status == "yes"
    page = host.submit(question.form("/remove"))
    seats = "1 seat" if size == 1 else "2 seats"
    assert page.flashes == [("info", f"Ana Guest removed; {seats} offered to the next in line.")]
    assert records.fresh(answer).status == "removed"
    letters = {letter.kind: letter for letter in records.all(OutboxEmail)}
    assert set(letters) == {"removed", "seat_offered"}
    assert (letters["removed"].recipient, "METHOD:CANCEL" in letters["removed"].calendar) == (answer.email, True)
    assert remove(host, party, answer).flashes == [("warning", "Nothing changed: Ana Guest is not an expected guest.")]


def test_neither_the_host_nor_a_guest_of_another_party_can_be_removed(host, cast, party, records):
    own = next(row for row in records.all(Rsvp) if row.member_id == cast.host.id)
    page = remove(host, party, own)
    assert page.flashes == [("danger", "The host's own seat cannot be released. Cancel the party instead.")]
    elsewhere = RsvpFactory()
    assert remove(host, party, elsewhere).status == 404
    assert records.fresh(elsewhere).status == "yes"


def test_several_guests_are_removed_with_one_confirmation_and_one_flash(host, party, records):
    answers = [RsvpFactory(party=party, party_size=2), RsvpFactory(party=party, waiting=True)]
    RsvpFactory(party=party, party_size=4)
    last = RsvpFactory(party=party, waiting=True)
    page = host.get(guests_of(party))
    chosen = [str(answer.id) for answer in answers]
    question = host.submit(page.form("/chosen"), button=("action", "remove"), rowid=chosen)
    assert question.flashes == [("info", "One more step: review your selection.")]
    assert "Remove 2 guests?" in question.text
    assert records.fresh(answers[0]).status == "yes"
    page = host.submit(question.form("/chosen"))
    assert page.flashes == [("info", "2 guests removed. 1 seat offered to the next in line.")]
    assert [records.fresh(answer).status for answer in (*answers, last)] == ["removed", "removed", "offered"]
    page = host.submit(question.form("/chosen"))
    assert page.flashes[0][0] == "warning"
    # Selected guests on the waiting list are not offered the seats first.
    assert sorted(letter.kind for letter in records.all(OutboxEmail)) == ["removed", "removed", "seat_offered"]


def test_the_list_keeps_its_filters_after_an_action(host, party):
    answer = RsvpFactory(party=party, asking=True)
    asked = f"{guests_of(party)}?q=&group=asking"
    for sent, shown in (
        (asked, asked),
        ("https://evil.example/", guests_of(party)),
        ("/users/list/", guests_of(party)),
    ):
        page = host.post(f"{guests_of(party)}/{answer.id}/approve", {"next": sent}, follow=False)
        assert (page.status, page.location) == (303, shown)


# -- attendance


def test_marking_a_no_show_frees_the_seats(host, party, records):
    answer = RsvpFactory(party=party, name="Ana Guest", party_size=3)
    page = host.post(f"{guests_of(party)}/{answer.id}/missed")
    assert page.flashes == [("warning", "Guests can be marked as no-shows only after the party is over.")]
    after(host, party)
    assert "No-show" in host.get(guests_of(party)).text
    page = host.post(f"{guests_of(party)}/{answer.id}/missed")
    assert page.flashes == [("info", "Ana Guest was marked as a no-show. Their seats are free again.")]
    assert (records.fresh(answer).status, records.fresh(party).seats_taken) == ("no_show", 1)
    page = host.post(f"{guests_of(party)}/{answer.id}/missed")
    assert page.flashes == [("warning", "Nothing changed: Ana Guest cannot be marked as a no-show.")]
    assert records.count(OutboxEmail) == 0, "nobody is told, and nobody is offered seats at a table that was cleared"
    for said in (
        ("info", "Ana Guest is no longer marked as a no-show."),
        ("warning", "Nothing changed: Ana Guest was not marked as a no-show."),
    ):
        assert host.post(f"{guests_of(party)}/{answer.id}/came").flashes == [said]
    assert (records.fresh(answer).status, records.fresh(party).seats_taken) == ("yes", 4)


def test_all_guests_who_were_not_checked_in_can_be_marked_as_no_shows(host, cast, party, records):
    RsvpFactory(party=party, here=True, party_size=2)
    missed = [RsvpFactory(party=party) for _number in range(2)]
    RsvpFactory(party=party, maybe=True)
    after(host, party)
    page = host.get(f"{guests_of(party)}/missed")
    page = host.submit(page.form("/missed"))
    assert page.flashes == [("info", "2 guests were marked as no-shows. Their seats are free again.")]
    assert [records.fresh(answer).status for answer in missed] == ["no_show"] * 2
    assert records.fresh(party).seats_taken == 3, "the host and the two who are here"
    page = host.post(f"{guests_of(party)}/missed")
    assert page.flashes == [("warning", "Nothing changed: all remaining guests have been checked in.")]


@pytest.mark.both_databases
def test_undoing_a_no_show_fails_when_the_seats_are_taken(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, small=True)
    missed = RsvpFactory(party=party, status="no_show", name="Ana Guest")
    RsvpFactory(party=party)
    after(host, party)
    page = host.post(f"{guests_of(party)}/{missed.id}/came")
    assert page.flashes == [("warning", "The seats of Ana Guest have been taken by other guests.")]
    assert (records.fresh(missed).status, records.fresh(party).seats_taken) == ("no_show", 2)


def test_nobody_is_removed_from_a_party_that_has_started(host, party, records):
    answer = RsvpFactory(party=party)
    after(host, party)
    page = remove(host, party, answer)
    assert page.flashes == [("warning", "Guests cannot be removed from a party that has started or was cancelled.")]
    assert records.fresh(answer).status == "yes"


@pytest.mark.both_databases
def test_a_party_is_closed_some_hours_after_its_end(app, host, cast, client_of, party, records):
    answer = RsvpFactory(party=party, member=cast.friend)
    draft = DinnerPartyFactory(host=cast.host, draft=True, starts_at=party.starts_at)
    lasting = DinnerPartyFactory(host=cast.host, starts_at=party.starts_at, duration_minutes=24 * 60)
    before = records.fresh(party).version
    for hours, status in ((8, "published"), (10, "done"), (11, "done")):
        clock.set_now(party.starts_at + timedelta(hours=hours))
        app.test_cli_runner().invoke(args=["purge"])
        assert records.fresh(party).status == status
    assert records.fresh(party).version == before + 1
    assert (records.fresh(draft).status, records.fresh(lasting).status) == ("draft", "published")
    assert records.count(OutboxEmail) == 0
    # It stays readable and editable.
    after(host, party, hours=12)
    friend = client_of(cast.friend)
    assert "This party is over." in friend.get(f"/parties/{party.slug}").text
    for path in ("", "/guests", "/door", "/guests.csv", "/kitchen", "/dinner.ics"):
        page = host.get(f"/parties/{party.slug}{path}")
        assert (page.status, page.history) == (200, []), path
    assert "marked as a no-show" in host.post(f"{guests_of(party)}/{answer.id}/missed").flashes[0][1]
    assert party.title in host.get("/user/host").text


# -- file


def test_the_guest_list_is_downloaded_for_spreadsheets(app, host, party):
    answer = RsvpFactory(party=party, name="=HYPERLINK()", party_size=3, note="@home", here=True)
    people = PersonInput("Ana", ["vegan"], ["nuts"], "-5"), PersonInput("+Bo", ["halal"]), PersonInput("")
    tell_people(app, answer, *people)
    with app.app_context(), transaction() as session:
        slot = DishSlot(party_id=party.id, course="dessert", name="Cake", wanted=2, claimed=2)
        session.add(slot)
        session.flush()
        session.add(DishClaim(slot_id=slot.id, rsvp_id=answer.id, quantity=2, dish="Lemon tart"))
    page = host.get(f"{guests_of(party)}.csv")
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f'filename="{party.slug}-' in page.headers["Content-Disposition"]
    assert page.text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}")
    head, *rows = csv.reader(StringIO(page.text[1:]))
    assert head[:4] == ["Name", "E-mail address", "Answer", "Seats"]
    row = next(row for row in rows if "HYPERLINK" in row[0])
    assert row[0:1] + row[2:10] == [
        "'=HYPERLINK()", "Has arrived", "3", "'+Bo", "Ana: Vegan; +Bo: Halal", "Ana: Nuts", "Ana: -5", "'@home", "2 × Lemon tart",
    ]  # fmt: skip
    assert row[10].endswith("+00:00")
    assert len(rows) == 2


def test_the_header_of_the_file_is_in_the_readers_language(client_of):
    host = MemberFactory(locale="es")
    party = DinnerPartyFactory(host=host)
    text = client_of(host).get(f"{guests_of(party)}.csv").text
    assert "Nombre" in text.splitlines()[0]
