"""The API for hosts, and a whole party from draft to check-in with an API key alone."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import secret_links
from app.parties.menu.models import MenuItem
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory
from tests.support.statements import count_statements, just_before

FONDUE = {"title": "Fondue", "starts_at": "2040-06-01T19:00", "timezone": "Europe/Zurich", "number_seats": 4}


@pytest.fixture
def host(app, cast):
    return ApiClient(app, cast.host)


@pytest.fixture
def friend(app, cast):
    return ApiClient(app, cast.friend)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, slug="fondue", title="Fondue", number_seats=4)


# -- creating a party


def test_a_party_is_created_as_a_draft(host, cast, records):
    said = host.post("", FONDUE, 201)
    assert (said["code"], said["message"]) == ("draft", "Party “Fondue” saved as draft.")
    party = records.one(DinnerParty)
    assert (party.host_id, party.seats_taken, party.status) == (cast.host.id, 1, "draft")
    # The local time of the party.
    assert party.starts_at == datetime(2040, 6, 1, 17, tzinfo=UTC)
    assert said["result"]["slug"] == party.slug
    assert said["result"]["answer"]["status"] == "yes"


def test_a_start_time_may_have_its_own_utc_offset(host, records):
    deadline = "2040-05-30T12:00:00-04:00"
    sent = {**FONDUE, "starts_at": "2040-06-01T19:00:00+09:00", "rsvp_deadline": deadline, "status": "published"}
    answer = host.ask("POST", "", sent)
    assert answer.get_json()["code"] == "published"
    party = records.one(DinnerParty)
    assert answer.headers["Location"] == f"/api/v1/parties/{party.slug}"
    assert party.starts_at == datetime(2040, 6, 1, 10, tzinfo=UTC)
    assert party.rsvp_deadline == datetime(2040, 5, 30, 16, tzinfo=UTC)


def test_a_party_without_a_time_zone_gets_that_of_its_host(app, cast, host, records):
    with app.app_context(), transaction():
        db.session.execute(update(Member).where(Member.id == cast.host.id).values(timezone="Asia/Tokyo"))
    host.post("", {"title": "Ramen", "starts_at": "2040-06-01T19:00"}, 201)
    party = records.one(DinnerParty)
    assert (party.timezone, party.starts_at.hour) == ("Asia/Tokyo", 10)


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"title": " \0"}, "title", "This field must be filled in."),
        ({"title": "x" * 121}, "title", "At most 120 characters are allowed."),
        ({"starts_at": None}, "starts_at", "This field must be filled in."),
        ({"starts_at": "soon"}, "starts_at", "Not a valid date and time."),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at", "Not a valid date and time."),
        ({"starts_at": "2040-03-25T02:30"}, "starts_at",
         "This time does not exist because the clocks go forward. Choose another."),
        ({"starts_at": "2020-01-01T19:00", "status": "published"}, "starts_at", "The party must start in the future."),
        ({"timezone": "Mars/Olympus"}, "timezone", "There is no time zone with this name. Enter a city, for example Europe/Madrid."),
        ({"number_seats": 0}, "number_seats", "This must be a number from 1 to 1000."),
        ({"visibility": "secret"}, "visibility", "This must be one of: public, unlisted, private."),
        ({"status": "done"}, "status", "This must be one of: draft, published."),
        ({"map_url": "javascript:alert(1)"}, "map_url",
         ("This is not a valid web address. It must look like https://maps.example.org/place and must not " "contain a password.")),
        ({"host": 1}, "host", "This field does not exist."),
        ({"seats_taken": 0}, "seats_taken", "This field does not exist."),
    ],
)  # fmt: skip
def test_errors_of_a_new_party_are_reported_by_field(host, records, changes, field, told):
    said = host.post("", {**FONDUE, **changes}, 422)
    assert (said["code"], said["errors"]) == ("invalid", {field: [told]})
    assert records.count(DinnerParty) == 0


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "évening 1"}])
def test_a_party_that_is_sent_twice_is_created_once(host, friend, records, headers):
    first = host.post("", FONDUE, 201, headers=headers)
    again = host.post("", FONDUE, 200, headers=headers)
    assert (again["result"], again["code"]) == (first["result"], first["code"])
    assert records.count(DinnerParty) == 1
    # The same request of another member creates another party.
    friend.post("", FONDUE, 201, headers=headers)
    clock.set_now(clock.now() + timedelta(minutes=1, seconds=1))
    host.post("", FONDUE, 200 if headers else 201, headers=headers)
    assert records.count(DinnerParty) == (2 if headers else 3)


def test_duplicates_are_recognised_for_sixty_seconds_across_a_minute_boundary(host, records):
    start = clock.now().replace(second=59)
    for seconds, count in ((0, 1), (2, 1), (59, 1), (61, 2)):
        clock.set_now(start + timedelta(seconds=seconds))
        host.post("", FONDUE, None)
        assert records.count(DinnerParty) == count, seconds


def test_an_idempotency_key_used_for_another_party_is_refused(host, records):
    key = {"Idempotency-Key": "first"}
    host.post("", FONDUE, 201, headers=key)
    said = host.post("", {**FONDUE, "title": "Raclette"}, 409, headers=key)
    assert said["message"] == "This key was already used for a different party. Use another key."
    assert host.post("", FONDUE, 409, headers={"Idempotency-Key": "x" * 256})["code"] == "refused"
    host.post("", {**FONDUE, "title": "Raclette"}, 201, headers={"Idempotency-Key": "second"})
    assert records.count(DinnerParty) == 2


@pytest.mark.both_databases
def test_of_two_concurrent_requests_one_creates_a_party(host, records):
    answers = []
    together = threading.Barrier(4)

    def send():
        client = host.client.application.test_client(use_cookies=False)
        together.wait()
        headers = {"Authorization": f"Bearer {host.key}", "Idempotency-Key": "once"}
        answers.append(client.post("/api/v1/parties", json=FONDUE, headers=headers))

    threads = [threading.Thread(target=send) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.get_json()["result"]["slug"] for answer in answers}) == 1
    assert (records.count(DinnerParty), records.count(Rsvp)) == (1, 1)


# -- changing a party


def test_a_change_of_a_party_is_emailed_to_its_guests(host, party, records):
    RsvpFactory(party=party)
    said = host.patch("/fondue", {"version": party.version, "title": "Raclette", "starts_at": "2040-06-01T19:00"})
    assert (said["code"], said["message"]) == ("saved", "Saved. 1 guest will get an updated calendar entry.")
    changed = records.fresh(party)
    assert (changed.title, changed.starts_at) == ("Raclette", datetime(2040, 6, 1, 19, tzinfo=UTC))
    assert said["result"]["version"] == changed.version > party.version
    assert [letter.kind for letter in records.all(OutboxEmail) if letter.kind.startswith("party")] == ["party_changed"]


def test_another_time_zone_alone_keeps_the_local_time(host, party, records):
    deadline = "2040-05-31T12:00"
    version = host.patch("/fondue", {"version": party.version, "timezone": "Europe/Zurich", "starts_at": "2040-06-01T19:00",
                                     "rsvp_deadline": deadline})["result"]["version"]  # fmt: skip
    host.patch("/fondue", {"version": version, "timezone": "America/New_York"})
    moved = records.fresh(party)
    assert (moved.starts_at, moved.starts_at_local.hour) == (datetime(2040, 6, 1, 23, tzinfo=UTC), 19)
    assert (moved.rsvp_deadline, moved.rsvp_deadline_local.isoformat()[:16]) == (
        datetime(2040, 5, 31, 16, tzinfo=UTC), deadline)  # fmt: skip


def test_a_conflict_shows_both_values_of_each_field(host, party, records):
    host.patch("/fondue", {"version": party.version, "title": "Raclette", "venue": "Home"})
    mine = {"version": party.version, "title": "Risotto", "venue": "Home", "number_seats": 6}
    said = host.patch("/fondue", mine, 409)
    assert said["code"] == "changed_meanwhile"
    assert said["conflict"] == {
        "title": {"stored": "Raclette", "sent": "Risotto"}, "number_seats": {"stored": 4, "sent": 6},
    }  # fmt: skip
    assert records.fresh(party).title == "Raclette"
    assert host.patch("/fondue", {**mine, "version": said["result"]["version"]})["code"] == "saved"
    # Sending the same again is no conflict.
    assert host.patch("/fondue", {**mine, "version": said["result"]["version"]})["code"] == "unchanged"


@pytest.mark.both_databases
def test_a_conflict_just_before_the_write_is_shown_too(host, friend, party, records):
    host.post("/fondue/hosts", {"username": "friend"}, 201)
    version = host.get("/fondue")["result"]["version"]
    theirs = {"version": version, "title": "Risotto"}
    with just_before("UPDATE dinner_party", lambda: friend.patch("/fondue", theirs)):
        said = host.patch("/fondue", {"version": version, "title": "Raclette"}, 409)
    assert said["conflict"] == {"title": {"stored": "Risotto", "sent": "Raclette"}}
    assert records.fresh(party).title == "Risotto"


@pytest.mark.parametrize(
    ("body", "field"),
    [({"title": "x"}, "version"), ({"version": 1, "number_seats": 1}, "number_seats"), ({"version": 1, "status": "done"}, "status"),
     ({"version": 1, "title": ""}, "title"), ({"version": 1, "title": None}, "title"), ({"version": "1"}, "version")],
)  # fmt: skip
def test_errors_of_a_change_are_reported_by_field(host, party, records, body, field):
    RsvpFactory(party=party)
    assert list(host.patch("/fondue", body, 422)["errors"]) == [field]
    assert records.fresh(party).title == "Fondue"


def test_a_finished_party_cannot_be_changed(host, cast):
    DinnerPartyFactory(host=cast.host, slug="over", past=True)
    said = host.patch("/over", {"version": 1, "title": "x"}, 409)
    assert said["message"] == "This party can no longer be changed."
    assert host.post("/over/cancel", None, 409)["category"] == "danger"


def test_cancelling_a_party_twice_emails_the_guests_once(host, party, records):
    RsvpFactory(party=party)
    said = host.post("/fondue/cancel")
    assert (said["code"], said["message"]) == ("cancelled", "Party cancelled; 1 guest will be told.")
    assert host.post("/fondue/cancel")["code"] == "unchanged"
    assert [letter.kind for letter in records.all(OutboxEmail)].count("party_cancelled") == 1
    assert host.post("/fondue/publish", None, 409)["message"] == "This party can no longer be changed."


def test_publishing_a_draft_twice_publishes_it_once(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="draft", draft=True)
    assert host.post("/draft/publish")["code"] == "published"
    assert records.fresh(party).status == "published"
    assert host.post("/draft/publish")["code"] == "unchanged"


def test_a_copy_is_a_draft(host, party, records):
    said = host.post("/fondue/copy", None, 201)
    assert (said["code"], said["result"]["status"]) == ("copied", "draft")
    assert records.count(DinnerParty) == 2


def test_a_host_sets_the_menu(host, party, records):
    dishes = [{"name": "Soup", "course": "starter", "diets": ["vegan"]}, {"name": "Fondue", "allergens": ["milk"]}]
    said = host.put("/fondue/menu", {"dishes": dishes})
    assert (said["code"], said["message"]) == ("saved", "Menu saved.")
    assert [dish["name"] for dish in said["result"]] == ["Soup", "Fondue"]
    assert records.fresh(party).main_dish == "Fondue"
    assert host.get("/fondue/menu")["seen"] == said["seen"]
    host.put("/fondue/menu", {"dishes": [], "seen": said["seen"]})
    host.put("/fondue/menu", {"dishes": dishes[:1], "seen": said["seen"]}, 409)
    assert records.count(MenuItem) == 0
    wrong = host.put("/fondue/menu", {"dishes": [{"name": "", "course": "tea", "allergens": "milk"}]}, 422)
    assert set(wrong["errors"]["dishes"]["0"]) == {"name", "course", "allergens"}


def test_co_hosts_are_added_and_leave(app, host, friend, cast, party, records):
    said = host.post("/fondue/hosts", {"username": "friend"}, 201)
    assert said["message"] == "Friend Doe is now a co-host."
    assert said["result"]["co_hosts"] == [{"username": "friend", "name": "Friend Doe"}]
    assert host.post("/fondue/hosts", {"username": "nobody"}, 422)["errors"]["username"]
    assert friend.patch("/fondue", {"version": party.version, "venue": "Here"})["code"] == "saved"
    assert friend.post("/fondue/cancel", None, 403)["code"] == "forbidden"
    assert friend.post("/fondue/hosts", {"username": "stranger"}, 403)["code"] == "forbidden"
    assert friend.delete("/fondue/hosts/friend")["code"] == "removed"
    assert host.delete("/fondue/hosts/friend")["code"] == "unchanged"
    assert host.delete("/fondue/hosts/nobody", 404)["code"] == "not_found"
    assert records.count(CoHost) == 0


# -- guests, invitations, check-in


def test_requests_for_seats_are_approved_or_declined(app, host, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="fondue", approval=True, number_seats=2)
    first, second, third = (RsvpFactory(party=party, asking=True) for _number in range(3))
    said = host.post(f"/fondue/guests/{first.id}/approve")
    assert (said["code"], said["message"], said["result"]["status"]) == ("yes", "Approved; seat confirmed.", "yes")
    assert host.post(f"/fondue/guests/{first.id}/approve", None, 409)["category"] == "warning"
    assert host.post(f"/fondue/guests/{second.id}/approve")["code"] == "waitlisted"
    assert host.post(f"/fondue/guests/{third.id}/decline")["code"] == "declined"
    said = host.post(f"/fondue/guests/{first.id}/remove")
    assert (said["code"], said["message"]) == ("removed", f"{first.name} removed; 1 seat offered to the next in line.")
    assert records.fresh(second).status == "offered"
    for wrong in ("0", "99999", "2147483647", "99999999999999999999", "x"):
        assert host.ask("POST", f"/fondue/guests/{wrong}/remove").status_code == 404
    other = RsvpFactory()
    assert host.post(f"/fondue/guests/{other.id}/remove", None, 404)["code"] == "not_found"
    assert records.fresh(other).status == "yes"


@pytest.mark.both_databases
def test_the_guest_list_is_for_hosts_and_takes_eight_statements(app, host, party, cast):
    RsvpFactory.create_batch(30, party=party, waiting=True)
    host.get("/fondue/guests")
    with count_statements() as statements:
        listed = host.get("/fondue/guests")
    assert len(statements) <= 8, "\n".join(statements)
    assert len(listed["result"]) == 31
    assert [guest["status"] for guest in host.get("/fondue/guests?group=coming")["result"]] == ["yes"]
    # Not even administrators see dietary information.
    assert ApiClient(app, cast.admin).get("/fondue/guests", 403)["code"] == "forbidden"


def test_an_invitation_is_sent_and_resent_and_then_revoked(host, party, records):
    people = [{"email": "Ann@Example.org", "name": "Ann", "number": 2}, {"email": "ben@example.org"}]
    said = host.post("/fondue/invitations", {"invitations": people, "locale": "es"})
    assert (said["code"], said["result"]) == (
        "invited",
        {"added": 2, "skipped": 0, "late": 0, "unreachable": 0, "repeated": 0},
    )
    assert said["message"] == "2 invited, 0 already invited, 0 invalid addresses."
    assert host.post("/fondue/invitations", {"invitations": people})["code"] == "unchanged"
    assert [letter.kind for letter in records.all(OutboxEmail)].count("party_invitation") == 2
    rows = {row["email"].lower(): row for row in host.get("/fondue/invitations")["result"]}
    ann = rows["ann@example.org"]
    assert (ann["name"], ann["number"], ann["status"], ann["revoked_at"]) == ("Ann", 2, None, None)
    assert "token" not in str(rows)
    assert host.post(f"/fondue/invitations/{ann['id']}/again")["code"] == "invited_again"
    assert host.delete(f"/fondue/invitations/{ann['id']}")["code"] == "revoked"
    assert host.delete(f"/fondue/invitations/{ann['id']}")["code"] == "unchanged"
    assert host.delete("/fondue/invitations/99999", 404)["code"] == "not_found"
    assert host.delete(f"/fondue/invitations/{InvitationFactory().id}", 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "where"),
    [({"invitations": []}, "invitations"), ({"invitations": "a@example.org"}, "invitations"),
     ({"invitations": [{"email": "nobody"}]}, "invitations"), ({"invitations": [{"name": "Ann"}]}, "invitations"),
     ({"invitations": [{"email": "a@example.org", "number": 0}]}, "invitations"),
     ({"invitations": [{"email": "a@example.org"}], "locale": "xx"}, "locale")],
)  # fmt: skip
def test_one_invalid_entry_means_nobody_is_invited(host, party, records, body, where):
    assert list(host.post("/fondue/invitations", body, 422)["errors"]) == [where]
    assert records.count(Invitation) == 0


def test_dishes_are_requested_and_claimed(host, friend, cast, party):
    asked = host.put(
        "/fondue/dishes", {"dishes": [{"name": "Salad", "wanted": 2}, {"name": "Tart", "course": "dessert"}]}
    )
    salad = asked["result"][0]
    assert (salad["name"], salad["open"], salad["promises"]) == ("Salad", 2, [])
    friend.put(f"/fondue/dishes/{salad['id']}/promise", {}, 409)
    friend.put("/fondue/answer", {"answer": "yes"})
    said = friend.put(f"/fondue/dishes/{salad['id']}/promise", {"quantity": 2, "dish": "Greek salad"})
    assert (said["code"], said["message"]) == ("bringing", "You are bringing Greek salad.")
    assert (said["result"][0]["mine"], said["result"][0]["promises"]) == ({"quantity": 2, "dish": "Greek salad"}, None)
    (promise,) = host.get("/fondue/dishes")["result"][0]["promises"]
    assert (promise["name"], promise["quantity"]) == ("Friend Doe", 2)
    assert host.put("/fondue/dishes", {"dishes": []}, 422)["code"] == "invalid"
    assert friend.delete(f"/fondue/dishes/{salad['id']}/promise")["code"] == "claim_withdrawn"
    assert friend.delete(f"/fondue/dishes/{salad['id']}/promise")["code"] == "unchanged"
    friend.put(f"/fondue/dishes/{salad['id']}/promise", {})
    (promise,) = host.get("/fondue/dishes")["result"][0]["promises"]
    assert host.delete(f"/fondue/promises/{promise['id']}")["code"] == "released"
    assert host.delete(f"/fondue/promises/{promise['id']}")["code"] == "unchanged"


def test_a_whole_party_is_run_with_an_api_key_alone(app, host, friend, cast, records):
    """From draft to check-in: as host, as guest, and as a guest on the waiting list."""
    stranger = ApiClient(app, cast.stranger)
    party = host.post("", {**FONDUE, "number_seats": 3, "visibility": "private", "max_party": 2}, 201)["result"]
    here = f"/{party['slug']}"
    assert friend.get(here, 404)["code"] == "not_found"
    host.put(f"{here}/menu", {"dishes": [{"name": "Fondue", "allergens": ["milk"]}]})
    invited = [{"email": cast.friend.email, "number": 2}, {"email": cast.stranger.email}]
    assert host.post(f"{here}/invitations", {"invitations": invited})["result"]["added"] == 2
    assert [letter.kind for letter in records.all(OutboxEmail)].count("party_invitation") == 0
    assert host.post(f"{here}/publish")["code"] == "published"
    assert [letter.kind for letter in records.all(OutboxEmail)].count("party_invitation") == 2
    # RSVPs
    assert friend.get("/mine")["result"]["invited"][0]["slug"] == party["slug"]
    assert friend.put(f"{here}/answer", {"answer": "yes", "party_size": 2})["code"] == "yes"
    assert (
        friend.put(f"{here}/people", {"people": [{"name": "Fred"}, {"name": "Eva", "diets": ["vegan"]}]})["code"]
        == "dietary_conflict"
    )
    waiting = stranger.put(f"{here}/answer", {"answer": "yes"})
    assert (waiting["code"], waiting["result"]["place"]) == ("waitlisted", 1)
    assert (
        stranger.get(f"{here}/waiting-list")["result"]["why"]
        == "No seats are free. The first on the waiting list gets the next offer."
    )
    # More seats: the first on the waiting list is offered one, and accepts it
    version = host.get(here)["result"]["version"]
    host.patch(here, {"version": version, "number_seats": 4})
    assert stranger.get(here)["result"]["offer"]["seats"] == 1
    assert stranger.post(f"{here}/offer", {"decision": "claim"})["code"] == "claimed"
    assert {guest["status"] for guest in host.get(f"{here}/guests")["result"]} == {"yes"}
    # The party takes place
    clock.set_now(datetime.fromisoformat(party["starts_at"]))
    friend, host, stranger = (ApiClient(app, member) for member in (cast.friend, cast.host, cast.stranger))
    ticket = friend.get(f"{here}/ticket")["result"]
    assert ticket["url"].endswith(f"{here}/door/{ticket['code']}")
    assert friend.post(f"{here}/door/{ticket['code']}", None, 403)["code"] == "forbidden"
    said = host.post(f"{here}/door/{ticket['code']}")
    assert (said["code"], said["message"]) == ("checked_in", "Friend Doe is checked in; party of 2.")
    again = host.post(f"{here}/door/{ticket['code']}", None, 409)
    assert again["category"] == "warning"
    again = host.post(f"{here}/door/{ticket['code'].replace('-', ' ').lower()}", None, 409)
    assert again["category"] == "warning"
    assert host.post(f"{here}/door/1-nothing", None, 409)["message"] == "This ticket is not valid for this party."
    assert host.delete(f"{here}/door/{ticket['code']}")["code"] == "checked_out"
    assert host.post(f"{here}/door/{ticket['code']}")["code"] == "checked_in"
    assert records.one(DinnerParty).seats_taken == 4


def test_secret_links_are_not_in_api_responses(host, party, friend):
    """The code of a ticket checks its guest in."""
    answer = RsvpFactory(party=party)
    with host.client.application.app_context():
        code = secret_links.ticket_code(answer)
    assert code not in str(host.get("/fondue/guests"))
