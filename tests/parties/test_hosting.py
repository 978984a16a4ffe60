"""Hosts create, edit and cancel parties."""

from datetime import UTC, datetime

import pytest

from app import clock
from app.outbox.models import OutboxEmail
from app.parties.hosting import rules
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory

PAELLA = {
    "title": "Paella",
    "starts_at": "2030-07-12T20:30",
    "timezone": "Europe/Madrid",
    "number_seats": "8",
    "visibility": "public",
}


def create_party(host, button="publish", **changes):
    page = host.get("/parties/new")
    return host.submit(page.form("/parties/new"), button=("action", button), **{**PAELLA, **changes})


def edit(host, party, **changes):
    page = host.get(f"/parties/{party.slug}/edit")
    return host.submit(page.form(f"/parties/{party.slug}/edit"), **changes)


@pytest.mark.both_databases
def test_a_host_publishes_a_party_and_holds_the_first_seat(host, cast, records):
    page = create_party(host)
    assert page.flashes == [("info", "Party “Paella” published.")]
    party = records.one(DinnerParty)
    assert party.starts_at == datetime(2030, 7, 12, 18, 30, tzinfo=UTC)
    assert (party.status, party.seats_taken) == ("published", 1)
    assert records.one(Rsvp).member_id == cast.host.id


def test_only_its_host_sees_a_draft(host, client_of, cast, records, visitor):
    page = create_party(host, "save_draft")
    assert page.flashes == [("info", "Party “Paella” saved as draft.")]
    slug = records.one(DinnerParty).slug
    assert host.get(f"/parties/{slug}").status == 200
    assert client_of(cast.friend).get(f"/parties/{slug}").status == 404
    assert visitor.get(f"/parties/{slug}").status == 404


def test_a_party_in_the_past_can_be_saved_as_a_draft_but_not_published(host, records):
    page = create_party(host, starts_at="2020-01-01T20:00")
    assert page.status == 422
    assert "The party must start in the future." in page.text
    assert 'value="2020-01-01T20:00"' in page.text
    assert records.count(DinnerParty) == 0
    page = create_party(host, "save_draft", starts_at="2020-01-01T20:00")
    assert page.flashes == [("warning", "Party “Paella” saved as draft, but its date is in the past.")]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": "\x00"},
        {"title": "x" * 121},
        {"starts_at": ""},
        {"starts_at": "tomorrow"},
        {"starts_at": "2030-03-31T02:30"},
        {"starts_at": "99999-01-01T00:00"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"number_seats": "0"},
        {"number_seats": "-8"},
        {"number_seats": "9" * 30},
        {"number_seats": "eight"},
        {"number_seats": ""},
        {"ends_at": "2030-07-12T20:30"},
        {"ends_at": "2030-07-20T20:30"},
        {"ends_at": "late"},
        {"visibility": "everybody"},
        {"rsvp_deadline": "never"},
        {"description": "x" * 5001},
    ],
)
def test_an_invalid_form_shows_errors_and_keeps_its_values(host, records, changes):
    page = create_party(host, **{"venue": "Casa Ferrer", **changes})
    assert page.status == 422
    assert [category for category, _text in page.flashes] == ["danger"]
    assert 'value="Casa Ferrer"' in page.text
    assert records.count(DinnerParty) == 0


def test_fields_that_the_form_does_not_have_are_ignored(host, cast, records):
    strange = {"seats_taken": "5", "host_id": str(cast.friend.id), "slug": "mine", "status": "done", "version": "77"}
    host.post("/parties/new", {**PAELLA, **strange, "id": "4711", "action": "publish"})
    party = records.one(DinnerParty)
    assert (party.host_id, party.seats_taken, party.status) == (cast.host.id, 1, "published")
    assert party.slug != "mine"
    assert (party.version, party.id) != (77, 4711)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "عشاء 🍷", "'; DROP TABLE dinner_party; --", "\u202eevil"]
)
def test_markup_in_a_title_is_escaped(host, records, title):
    page = create_party(host, title=title)
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert records.one(DinnerParty).title == title


@pytest.mark.both_databases
def test_seats_cannot_go_below_those_taken(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=4)
    RsvpFactory(party=party, member=cast.friend)
    page = edit(host, party, number_seats="1", venue="Casa Nueva")
    assert page.status == 422
    assert "2 seats are already taken; you cannot go below that." in page.text
    assert 'value="Casa Nueva"' in page.text
    assert records.fresh(party).number_seats == 4


@pytest.mark.both_databases
def test_new_seats_are_offered_to_the_waiting_list(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=1)
    RsvpFactory(party=party, member=cast.friend, waiting=True)
    RsvpFactory(party=party, member=cast.stranger, waiting=True)
    edit(host, party, number_seats="2")
    status = {row.member_id: row.status for row in records.all(Rsvp)}
    assert (status[cast.friend.id], status[cast.stranger.id]) == ("offered", "waitlisted")
    assert records.fresh(party).seats_taken == 2
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["seat_offered"]


def test_guests_are_emailed_about_a_new_time_but_not_about_a_new_dish(host, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    page = edit(host, party, main_dish="Fideuà")
    assert page.flashes[0][0] == "info"
    assert records.count(OutboxEmail) == 0
    page = edit(host, party, venue="Casa Nueva")
    assert page.flashes == [("info", "Saved. 1 guest will get an updated calendar entry.")]
    assert [(letter.kind, letter.recipient) for letter in records.all(OutboxEmail)] == [
        ("party_changed", cast.friend.email)
    ]


@pytest.mark.both_databases
def test_a_conflict_of_two_tabs_shows_both_texts(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, title="First")
    tab = host.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit")
    edit(host, party, title="Second")
    page = host.submit(tab, title="Third")
    assert page.status == 422
    assert "Second" in page.text
    assert 'value="Third"' in page.text
    assert records.fresh(party).title == "Second"
    host.submit(page.form(f"/parties/{party.slug}/edit"))
    assert records.fresh(party).title == "Third"


def test_only_the_host_and_staff_can_edit_a_party(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, title="Mine")
    friend = client_of(cast.friend)
    assert friend.get(f"/parties/{party.slug}/edit").status == 403
    assert friend.post(f"/parties/{party.slug}/edit", {**PAELLA, "title": "Theirs"}).status == 403
    assert friend.post(f"/parties/{party.slug}/cancel").status == 403
    assert records.fresh(party).title == "Mine"
    assert edit(client_of(cast.admin), party, title="Ours").status == 200
    assert records.fresh(party).title == "Ours"


def test_cancelling_a_party_emails_the_guests(host, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    RsvpFactory(party=party, member=cast.stranger, declined=True)
    page = host.post(f"/parties/{party.slug}/cancel")
    assert page.flashes == [("warning", "Party cancelled; 1 guest will be told.")]
    assert [(letter.kind, letter.recipient) for letter in records.all(OutboxEmail)] == [
        ("party_cancelled", cast.friend.email)
    ]
    assert host.post(f"/parties/{party.slug}/cancel").flashes == [("info", "This party was cancelled.")]
    assert records.count(OutboxEmail) == 1


def test_a_party_that_has_started_cannot_be_cancelled(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, past=True)
    page = host.post(f"/parties/{party.slug}/cancel")
    assert page.flashes == [("danger", "This party has started; it can no longer be cancelled.")]
    assert records.fresh(party).status == "published"


@pytest.mark.both_databases
def test_the_own_page_shows_parties_hosted_attended_and_waited_for(client_of, cast):
    mine, theirs, full = (
        DinnerPartyFactory(host=cast.friend, title="Mine"),
        DinnerPartyFactory(host=cast.host, title="Theirs"),
        DinnerPartyFactory(host=cast.stranger, title="Waiting for it", number_seats=1),
    )
    RsvpFactory(party=theirs, member=cast.friend)
    RsvpFactory(party=full, member=cast.friend, waiting=True)
    page = client_of(cast.friend).get(f"/user/{cast.friend.username}")
    assert all(party.title in page.text for party in (mine, theirs, full))


def test_other_members_see_the_public_part_of_a_page(client_of, cast, visitor):
    for title, traits in (("Open", {}), ("Hidden", {"private": True}), ("Unready", {"draft": True})):
        DinnerPartyFactory(host=cast.host, title=title, **traits)
    attended = DinnerPartyFactory(host=cast.stranger, title="Attended")
    RsvpFactory(party=attended, member=cast.host)
    page = client_of(cast.friend).get(f"/user/{cast.host.username}")
    assert "Open" in page.text
    assert not any(title in page.text for title in ("Hidden", "Unready", "Attended"))
    assert cast.host.email not in page.text
    assert visitor.get(f"/user/{cast.host.username}").path == "/login/"


def test_an_unknown_or_inactive_member_has_no_page(client_of, cast):
    gone = MemberFactory(inactive=True)
    friend = client_of(cast.friend)
    assert friend.get("/user/nobody").status == 404
    assert friend.get(f"/user/{gone.username}").status == 404
    assert friend.get("/user/%00").status == 404


@pytest.mark.both_databases
def test_the_list_shows_upcoming_public_parties(visitor, cast):
    for title, traits in (
        ("Coming", {}), ("Gone by", {"past": True}), ("Secret", {"private": True}), ("By link", {"unlisted": True}),
        ("Unready", {"draft": True}), ("Called off", {"cancelled": True}),
    ):  # fmt: skip
        DinnerPartyFactory(host=cast.host, title=title, **traits)
    for path in ("/", "/parties/"):
        page = visitor.get(path)
        assert "Coming" in page.text
        assert not any(title in page.text for title in ("Gone by", "Secret", "By link", "Unready", "Called off"))


@pytest.mark.both_databases
@pytest.mark.parametrize("number", ["0", "-1", "x", "2", "9" * 5000, "%00", "٣", "1.5"])
def test_a_page_number_beyond_the_last_is_no_error(visitor, cast, number):
    DinnerPartyFactory(host=cast.host)
    assert visitor.get(f"/parties/?page={number}").status == 200


def test_an_unlisted_party_is_open_by_link_and_a_private_one_to_its_guests(client_of, cast, visitor):
    unlisted = DinnerPartyFactory(host=cast.host, unlisted=True)
    private = DinnerPartyFactory(host=cast.host, private=True)
    RsvpFactory(party=private, member=cast.friend)
    assert visitor.get(f"/parties/{unlisted.slug}").status == 200
    assert visitor.get(f"/parties/{private.slug}").status == 404
    assert client_of(cast.stranger).get(f"/parties/{private.slug}").status == 404
    assert client_of(cast.friend).get(f"/parties/{private.slug}").status == 200


@pytest.mark.both_databases
def test_times_are_shown_in_the_time_zone_of_the_party(host, records):
    create_party(host, starts_at="2030-01-15T20:00", timezone="asia/tokyo")
    party = records.one(DinnerParty)
    assert party.timezone == "Asia/Tokyo"
    assert party.starts_at == datetime(2030, 1, 15, 11, 0, tzinfo=UTC)
    assert party.starts_at > clock.now()


@pytest.mark.both_databases
def test_a_new_owner_gets_a_seat_and_the_old_one_keeps_theirs(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    admin = client_of(cast.admin)
    path = f"/dinnerparties/edit/{party.id}"
    admin.submit(admin.get(path).form(path), host=cast.friend.username)
    assert records.fresh(party).host_id == cast.friend.id
    assert {row.member_id: row.status for row in records.all(Rsvp)} == {cast.host.id: "yes", cast.friend.id: "yes"}
    assert records.fresh(party).seats_taken == 2
    page = admin.submit(admin.get(path).form(path), host=cast.stranger.username)
    assert page.flashes == [("danger", "The table is full: there is no seat for a new host.")]
    assert records.fresh(party).host_id == cast.friend.id


def test_a_party_saved_with_a_date_in_the_past_warns_the_administrator(client_of, cast, records):
    admin = client_of(cast.admin)
    page = admin.get("/dinnerparties/add")
    page = admin.submit(
        page.form("/dinnerparties/add"),
        **{
            **PAELLA,
            "duration_minutes": "180",
            "starts_at": "2020-07-12T20:30",
            "host": cast.host.username,
            "status": "draft",
        },
    )
    assert page.flashes == [("warning", "Saved, but the date of “Paella” is in the past.")]
    assert records.one(DinnerParty).seats_taken == 1


@pytest.mark.both_databases
def test_an_administrator_cannot_go_below_the_seats_taken_either(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=3)
    RsvpFactory(party=party, member=cast.friend)
    admin = client_of(cast.admin)
    path = f"/dinnerparties/edit/{party.id}"
    page = admin.submit(admin.get(path).form(path), number_seats="1", venue="Casa Nueva")
    assert page.flashes == [("danger", "2 seats are already taken; you cannot go below that.")]
    assert 'value="Casa Nueva"' in page.text
    assert records.fresh(party).number_seats == 3


@pytest.mark.both_databases
def test_parties_are_cancelled_and_deleted_in_the_generated_ui(client_of, cast, records):
    coming, gone = DinnerPartyFactory(host=cast.host), DinnerPartyFactory(host=cast.host, past=True)
    RsvpFactory(party=coming, member=cast.friend)
    admin = client_of(cast.admin)
    chosen = {"action": "cancel", "rowid": [str(coming.id), str(gone.id)]}
    question = admin.post("/dinnerparties/action_post", chosen)
    page = admin.submit(question.form("/dinnerparties/action_post"))
    assert page.flashes == [("warning", "Party cancelled; 1 guest will be told.")]
    page = admin.post("/dinnerparties/action_post", chosen)
    assert page.flashes == [("warning", "None of the selected parties can still be cancelled.")]
    assert admin.get(f"/dinnerparties/delete/{coming.id}").status == 200
    assert records.count(DinnerParty) == 2
    page = admin.post(f"/dinnerparties/delete/{coming.id}")
    assert page.flashes[0][0] == "info"
    assert records.count(DinnerParty) == 1


@pytest.mark.both_databases
def test_deleting_an_upcoming_party_emails_its_guests(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    client_of(cast.admin).post(f"/dinnerparties/delete/{party.id}")
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["party_cancelled"]
    assert records.count(Rsvp) == 0


def test_a_finished_or_cancelled_party_cannot_be_changed(host, cast, records):
    for traits in ({"past": True}, {"cancelled": True}):
        party = DinnerPartyFactory(host=cast.host, title="As it was", **traits)
        page = host.post(f"/parties/{party.slug}/edit", {**PAELLA, "version": str(party.version)})
        assert page.flashes == [("warning", "This party can no longer be changed.")]
        assert records.fresh(party).title == "As it was"


def test_a_cancelled_party_cannot_be_published_again(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, cancelled=True)
    admin = client_of(cast.admin)
    path = f"/dinnerparties/edit/{party.id}"
    page = admin.submit(admin.get(path).form(path), status="published")
    assert page.flashes == [("danger", "A party cannot return to this status. Create a new one instead.")]
    assert records.fresh(party).status == "cancelled"


# -- the end


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ({"ends_at": ""}, 180),
        ({"ends_at": "2030-07-13T01:00"}, 270),
        # The clocks go back an hour in the night between.
        ({"starts_at": "2030-10-26T20:00", "ends_at": "2030-10-27T04:00"}, 540),
    ],
)
def test_a_host_says_when_it_ends_and_its_length_is_stored(host, records, typed, minutes):
    create_party(host, **typed)
    assert records.one(DinnerParty).duration_minutes == minutes


def test_an_end_that_was_left_as_it_was_moves_with_the_start(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, starts_at=datetime(2030, 6, 1, 19, tzinfo=UTC), duration_minutes=26 * 60)
    assert host.get(f"/parties/{party.slug}/edit").form("/edit").fields["ends_at"] == "2030-06-02T21:00"
    edit(host, party, starts_at="2030-06-08T19:00")
    assert records.fresh(party).duration_minutes == 26 * 60
    edit(host, party, starts_at="2030-06-08T20:00")
    assert records.fresh(party).duration_minutes == 25 * 60


def test_an_end_that_another_host_changed_is_shown_beside_the_own_one(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, starts_at=datetime(2030, 6, 1, 19, tzinfo=UTC))
    tab = host.get(f"/parties/{party.slug}/edit").form("/edit")
    edit(host, party, ends_at="2030-06-01T23:30")
    page = host.submit(tab, ends_at="2030-06-01T22:30")
    assert "Saved in the meantime by someone else:" in page.text
    assert page.form("/edit").fields["ends_at"] == "2030-06-01T22:30"
    assert host.submit(page.form("/edit")).path == f"/parties/{party.slug}/overview"
    assert records.fresh(party).duration_minutes == 210


@pytest.mark.parametrize(
    ("today", "proposed"),
    [
        ("2030-06-03T09:00", "2030-06-08T19:00:00"),  # Monday
        ("2030-06-04T09:00", "2030-06-15T19:00:00"),  # Tuesday
    ],
)
def test_a_new_party_is_proposed_for_a_saturday_evening_in_some_days(today, proposed):
    assert rules.proposed_start(datetime.fromisoformat(today)).isoformat() == proposed
