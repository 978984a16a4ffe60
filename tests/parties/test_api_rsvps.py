"""The API for guests."""

from datetime import timedelta

import pytest

from app import clock
from app.accounts.api_keys import service as api_key_service
from app.database import transaction
from app.extensions import db
from app.parties.menu.models import MenuItem
from app.parties.models import DinnerParty, Rsvp, RsvpPerson
from tests.parties.api_client import API, ApiClient
from tests.support.factories import (
    PASSWORD,
    DinnerPartyFactory,
    InvitationFactory,
    MemberFactory,
    RsvpFactory,
    WaitOfferFactory,
)
from tests.support.statements import count_statements


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, slug="fondue", title="Fondue", number_seats=4)


@pytest.fixture
def friend(app, cast):
    return ApiClient(app, cast.friend)


@pytest.fixture
def host(app, cast):
    return ApiClient(app, cast.host)


# -- reading


def test_upcoming_public_parties_are_listed_page_by_page(friend, party, cast):
    DinnerPartyFactory.create_batch(25, host=cast.host)
    DinnerPartyFactory(private=True), DinnerPartyFactory(past=True), DinnerPartyFactory(draft=True)
    first, second = friend.get(), friend.get("?page=2")
    assert (len(first["result"]), first["page"], first["has_next"]) == (24, 1, True)
    assert (len(second["result"]), second["has_next"]) == (2, False)
    shown = first["result"][0]
    assert (shown["slug"], shown["host"]) == ("fondue", {"username": "host", "name": "Host Doe"})
    assert shown["url"].endswith("/parties/fondue")
    assert "address" not in shown


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "\u0662"])
def test_an_invalid_page_number_is_no_error(friend, party, page):
    assert friend.get(f"?page={page}")["result"] in ([], friend.get()["result"])


def test_a_party_shows_only_what_its_reader_may_see(app, friend, host, cast):
    party = DinnerPartyFactory(host=cast.host, slug="fondue", address_for_guests=True, map_url="https://maps.example/1")
    with app.app_context(), transaction():
        db.session.add(MenuItem(party_id=party.id, course="main", name="Fondue", allergens=["milk"], diets=[]))
    seen = friend.get("/fondue")["result"]
    assert (seen["address"], seen["map_url"], seen["answer"], seen["hosts"]) == (None, None, None, False)
    assert seen["menu"] == [{"course": "main", "name": "Fondue", "allergens": ["milk"], "diets": []}]
    assert (seen["number_seats"], seen["seats_free"], seen["version"]) == (8, 7, party.version)
    friend.put("/fondue/answer", {"answer": "yes"})
    seen = friend.get("/fondue")["result"]
    assert (seen["address"], seen["answer"]["status"]) == ("1 Market Street", "yes")
    assert host.get("/fondue")["result"]["hosts"] is True


def test_a_party_that_one_may_not_see_is_not_found(app, friend, host, cast):
    DinnerPartyFactory(host=cast.host, slug="secret", private=True)
    DinnerPartyFactory(host=cast.host, slug="draft", draft=True)
    for slug in ("secret", "draft", "nothing"):
        for method, path in (
            ("GET", ""), ("PATCH", ""), ("PUT", "/answer"), ("DELETE", "/answer"), ("POST", "/offer"), ("GET", "/people"),
            ("PUT", "/people"), ("GET", "/waiting-list"), ("POST", "/publish"), ("POST", "/cancel"), ("POST", "/copy"),
            ("PUT", "/menu"), ("GET", "/menu"), ("GET", "/kitchen"), ("GET", "/guests"), ("POST", "/guests/1/approve"),
            ("POST", "/guests/1/remove"), ("POST", "/guests/1/decline"), ("POST", "/door/1-x"), ("DELETE", "/door/1-x"),
            ("POST", "/hosts"), ("DELETE", "/hosts/friend"),
        ):  # fmt: skip
            body = {
                "answer": "yes", "decision": "claim", "people": [], "dishes": [], "username": "friend", "version": 1,
            }  # fmt: skip
            wanted = {
                "/answer": "answer",
                "/offer": "decision",
                "/people": "people",
                "/menu": "dishes",
                "/hosts": "username",
            }
            sent = {name: body[name] for name in [wanted.get(path, "version")]}
            answer = friend.ask(method, f"/{slug}{path}", sent if method != "GET" else None)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), (method, slug, path)
    assert host.get("/secret")["result"]["title"]


def test_a_member_cannot_change_the_party_of_another(friend, party, records):
    before = records.dump()["dinner_party"]
    for method, path, body in (
        ("PATCH", "", {"version": 1, "title": "Mine"}), ("POST", "/publish", None), ("POST", "/cancel", None),
        ("POST", "/copy", None), ("PUT", "/menu", {"dishes": []}), ("GET", "/kitchen", None), ("GET", "/guests", None),
        ("POST", "/hosts", {"username": "friend"}), ("POST", "/door/1-x", None), ("POST", "/guests/1/remove", None),
    ):  # fmt: skip
        answer = friend.ask(method, f"/fondue{path}", body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden"), (method, path)
    assert records.dump()["dinner_party"] == before


def test_an_invited_member_sees_a_private_party_and_replies(friend, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="secret", private=True)
    InvitationFactory(party=party, email=cast.friend.email.upper(), max_party=2)
    assert friend.get("/mine")["result"]["invited"][0]["slug"] == "secret"
    said = friend.put("/secret/answer", {"answer": "yes", "party_size": 2})
    assert (said["code"], said["result"]["answer"]["party_size"]) == ("yes", 2)
    mine = friend.get("/mine")["result"]
    assert (mine["invited"], [each["slug"] for each in mine["attended"]]) == ([], ["secret"])


def test_own_parties_are_grouped(friend, host, cast):
    hosted = DinnerPartyFactory(host=cast.friend, draft=True)
    for slug, more in {
        "comes": {}, "waits": {"waiting": True}, "asks": {"asking": True}, "declined": {"declined": True},
    }.items():  # fmt: skip
        RsvpFactory(party=DinnerPartyFactory(slug=slug, host=cast.host), member=cast.friend, **more)
    offer = WaitOfferFactory(party=DinnerPartyFactory(slug="offered", host=cast.host), rsvp__member=cast.friend)
    assert {name: [each["slug"] for each in group] for name, group in friend.get("/mine")["result"].items()} == {
        "hosted": [hosted.slug], "attended": ["comes"], "waiting": ["waits"], "asked": ["asks"], "offered": ["offered"],
        "invited": [],
    }  # fmt: skip
    assert offer.seats == friend.get("/offered")["result"]["offer"]["seats"]


@pytest.mark.both_databases
def test_a_party_takes_eight_statements_however_many_rsvps_it_has(app, friend, cast, party):
    RsvpFactory.create_batch(30, party=party, waiting=True)
    RsvpFactory(party=party, member=cast.friend, waiting=True)
    friend.get("/fondue")
    with count_statements() as statements:
        assert friend.get("/fondue")["result"]["place"] == 31
    assert len(statements) <= 8, "\n".join(statements)


# -- RSVPs


def test_the_result_of_an_rsvp_is_a_message_and_a_code(friend, party, records):
    said = friend.put("/fondue/answer", {"answer": "yes", "party_size": 2, "note": " We bring wine. "})
    assert (said["code"], said["category"]) == ("yes", "info")
    assert said["message"].startswith("You successfully RSVP'd to Host Doe's dinner party on ")
    answer = said["result"]["answer"]
    assert (answer["status"], answer["party_size"], answer["note"]) == ("yes", 2, "We bring wine.")
    again = friend.put("/fondue/answer", {"answer": "yes", "party_size": 2, "note": "We bring wine."})
    assert (again["code"], again["message"]) == ("unchanged", "Nothing changed: you had already answered yes.")
    assert (records.count(Rsvp), records.fresh(party).seats_taken) == (2, 3)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("maybe", "Noted. No seat is held for a maybe."),
        ("no", "Thanks for telling us. You can change your mind until "),
    ],
)
def test_an_rsvp_of_no_or_maybe_holds_no_seat(friend, party, records, answer, told):
    said = friend.put("/fondue/answer", {"answer": answer})
    assert said["code"] == answer
    assert said["message"].startswith(told)
    assert records.fresh(party).seats_taken == 1


def test_when_only_part_of_a_group_fits_nothing_is_stored(friend, party, records):
    RsvpFactory(party=party)
    said = friend.put("/fondue/answer", {"answer": "yes", "party_size": 3}, 409)
    assert said == {
        "code": "partially_available", "message": "Only 2 of 3 seats are free. Come with 2 or wait?", "category": "warning",
        "free": 2, "size": 3,
    }  # fmt: skip
    assert (records.count(Rsvp), records.fresh(party).seats_taken) == (2, 2)
    waits = friend.put("/fondue/answer", {"answer": "yes", "party_size": 3, "wait": True})
    assert (waits["code"], waits["result"]["place"]) == ("waitlisted", 1)
    comes = friend.put("/fondue/answer", {"answer": "yes", "party_size": 2})
    assert comes["code"] == "yes", comes


def test_the_waiting_list_is_shown_with_its_reasons(app, cast, friend, host, party):
    with app.app_context(), transaction():
        db.session.get(DinnerParty, party.id).number_seats = 1
    said = friend.put("/fondue/answer", {"answer": "yes"})
    assert (said["code"], said["category"], said["result"]["place"]) == ("waitlisted", "warning", 1)
    shown = friend.get("/fondue/waiting-list")["result"]
    assert (shown["place"], shown["why"]) == (1, "The party has fewer seats in total than requested.")
    assert [(step["who"], step["what"]) for step in shown["steps"]] == [
        ("You", "Joined the waiting list as number 1, requesting 1 seat.")
    ]
    assert shown["line"] is None
    (waits,) = host.get("/fondue/waiting-list")["result"]["line"]
    assert (waits["name"], waits["place"], waits["party_size"]) == ("Friend Doe", 1, 1)
    assert ApiClient(app, cast.stranger).ask("GET", "/fondue/waiting-list").status_code == 403


def test_an_offer_is_accepted_declined_or_expired(app, friend, cast, party):
    said = friend.post("/fondue/offer", {"decision": "claim"}, 409)
    assert (said["code"], said["message"]) == ("no_offer", "You have no seat offer at the moment.")
    WaitOfferFactory(party=party, rsvp__member=cast.friend, seats=1)
    assert friend.get("/fondue")["result"]["offer"]["seats"] == 1
    said = friend.post("/fondue/offer", {"decision": "claim"})
    assert (said["code"], said["message"], said["result"]["answer"]["status"]) == (
        "claimed",
        "The seats are yours.",
        "yes",
    )
    stranger = ApiClient(app, cast.stranger)
    WaitOfferFactory(party=party, rsvp__member=cast.stranger, lapsed=True)
    assert stranger.get("/fondue")["result"]["offer"] is None
    said = stranger.post("/fondue/offer", {"decision": "leave"})
    assert (said["code"], said["message"]) == ("released", "Your seats have been released.")


def test_withdrawing_twice_changes_nothing_more(friend, cast, party, records):
    friend.put("/fondue/answer", {"answer": "yes"})
    said = friend.delete("/fondue/answer")
    assert (said["code"], said["message"]) == ("released", "Your seats have been released.")
    said = friend.delete("/fondue/answer")
    assert (said["code"], said["category"], said["result"]["answer"]["status"]) == ("unchanged", "warning", "cancelled")
    assert records.fresh(party).seats_taken == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"cancelled": True}, "cancelled"),
        ({"past": True}, "late"),
        ({"rsvp_deadline": clock.now() - timedelta(1)}, "late"),
    ],
)
def test_the_code_says_why_an_rsvp_is_refused(friend, cast, more, code):
    DinnerPartyFactory(host=cast.host, slug="over", **more)
    said = friend.put("/over/answer", {"answer": "yes"}, 409)
    assert (said["code"], said["category"]) == (code, "danger")


def test_a_removed_guest_cannot_come_back(friend, cast, party):
    RsvpFactory(party=party, member=cast.friend, status="removed")
    assert friend.put("/fondue/answer", {"answer": "yes"}, 409)["code"] == "removed"


def test_the_host_cannot_give_up_their_seat(host, party):
    said = host.put("/fondue/answer", {"answer": "no"}, 409)
    assert (said["code"], said["category"]) == ("refused", "info")


def test_the_dietary_needs_of_the_people_who_come_are_stored(app, friend, host, party, records):
    assert friend.get("/fondue/people", 409)["message"] == "Answer first. Then you can enter who is coming with you."
    with app.app_context(), transaction():
        db.session.add(MenuItem(party_id=party.id, course="main", name="Fondue", allergens=["milk"], diets=[]))
    friend.put("/fondue/answer", {"answer": "yes", "party_size": 2})
    people = [{"name": "Ann", "diets": ["vegetarian"], "allergens": ["milk", "milk"]}, {"name": "Ben"}]
    said = friend.put("/fondue/people", {"people": people})
    assert (said["code"], said["category"]) == ("dietary_conflict", "warning")
    assert said["message"] == "Heads-up: “Fondue” contains Milk, with lactose. Your host can see that."
    assert said["result"][0] == {"name": "Ann", "diets": ["vegetarian"], "allergens": ["milk"], "note": ""}
    assert friend.get("/fondue/people")["result"] == said["result"]
    assert records.count(RsvpPerson) == 2
    kitchen = host.get("/fondue/kitchen")["result"]
    assert (kitchen["people"], kitchen["dishes"][0]["cannot"]["people"]) == (2, 1)
    assert "Ann" not in str(kitchen)
    friend.put("/fondue/people", {"people": [{"name": "Cleo"}], "seen": said["seen"]})
    late = friend.put("/fondue/people", {"people": [{"name": "Dan"}], "seen": said["seen"]}, 409)
    assert late["category"] == "warning"
    assert [person["name"] for person in friend.get("/fondue/people")["result"]] == ["Cleo"]


# -- malformed requests


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"answer": ["This field must be filled in."]}),
        ({"answer": "perhaps"}, {"answer": ["This must be one of: yes, maybe, no."]}),
        ({"answer": "yes", "party_size": 0}, {"party_size": ["This must be a number from 1 to 1000."]}),
        ({"answer": "yes", "party_size": 10**30}, {"party_size": ["This must be a number from 1 to 1000."]}),
        ({"answer": "yes", "party_size": "2"}, {"party_size": ["Not a valid number."]}),
        ({"answer": "yes", "party_size": True}, {"party_size": ["Not a valid number."]}),
        ({"answer": "yes", "party_size": 1.5}, {"party_size": ["Not a valid number."]}),
        (
            {"answer": "yes", "party_size": 2, "min_party": 3},
            {"min_party": ["This is more than the size of your party."]},
        ),
        ({"answer": "yes", "party_size": 9}, {"party_size": ["One answer can cover at most 4 people here."]}),
        ({"answer": "yes", "note": "x" * 501}, {"note": ["At most 500 characters are allowed."]}),
        ({"answer": "yes", "wait": "no"}, {"wait": ["This must be true or false."]}),
        ({"answer": "yes", "status": "checked_in"}, {"status": ["This field does not exist."]}),
        ({"answer": ["yes"], "note": {}}, {"answer": ["Not a valid value."], "note": ["Not a valid value."]}),
    ],
)
def test_errors_are_reported_by_field(friend, party, records, body, wrong):
    said = friend.put("/fondue/answer", body, 422)
    assert (said["code"], said["errors"]) == ("invalid", wrong)
    assert records.count(Rsvp) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 5000, b"\xff", b'"yes"'])
def test_a_body_that_is_no_json_object_is_a_bad_request(friend, party, body):
    headers = {"Authorization": f"Bearer {friend.key}"}
    answer = friend.client.put(f"{API}/fondue/answer", data=body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "unreadable")


def test_error_messages_are_in_the_language_of_the_member(app, party):
    program = ApiClient(app, MemberFactory(locale="es"))
    for path, body, status in (("/fondue/answer", {}, 422), ("/nothing/answer", {"answer": "yes"}, 404)):
        english = {"This field must be filled in.", "This page does not exist or has been removed."}
        said = program.put(path, body, status)
        assert said["message"] not in english
        assert str(said.get("errors")) not in english


# -- authentication


def test_a_read_only_key_changes_nothing(app, cast, party, records):
    reader = ApiClient(app, cast.friend, api_key_service.KeyScope.READ)
    assert reader.get("/fondue")["result"]["title"] == "Fondue"
    for method, path in (("PUT", "/fondue/answer"), ("POST", ""), ("DELETE", "/fondue/answer"), ("PATCH", "/fondue")):
        answer = reader.ask(method, path, {"answer": "yes"})
        assert (answer.status_code, answer.get_json()["message"]) == (403, "This API key is read-only.")
    assert records.count(Rsvp) == 1


def test_an_unauthenticated_request_sees_nothing(app, client_of, cast, party):
    browser = client_of(cast.friend)
    for path in ("", "/mine", "/fondue"):
        assert browser.client.get(API + path).status_code == 401
        for key in ("dinner_unknown", "x", "a.b.c", ""):
            assert app.test_client().get(API + path, headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert browser.client.put(f"{API}/fondue/answer", json={"answer": "yes"}).status_code == 401


def test_a_login_token_works_too(app, cast, party, records):
    client = app.test_client()
    tokens = client.post("/api/v1/security/login", json={"username": "friend", "password": PASSWORD}).get_json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    said = client.put(f"{API}/fondue/answer", json={"answer": "yes"}, headers=headers)
    assert said.get_json()["code"] == "yes"
    assert client.get(f"{API}/fondue", headers=headers).get_json()["result"]["answer"]["status"] == "yes"
    assert records.fresh(party).seats_taken == 2


def test_losing_the_permission_for_the_pages_also_closes_the_api(app, cast, party):
    translator = ApiClient(app, cast.translator)
    assert translator.get("/fondue")["result"]["title"] == "Fondue"
    assert translator.put("/fondue/answer", {"answer": "yes"}, 403)["code"] == "forbidden"
    assert translator.post("", {"title": "x"}, 403)["code"] == "forbidden"


@pytest.mark.rate_limits
def test_a_member_can_send_thirty_rsvps_a_minute_with_all_keys_together(app, cast, party, friend):
    other, stranger = ApiClient(app, cast.friend), ApiClient(app, cast.stranger)
    statuses = [
        (friend, other)[number % 2].ask("PUT", "/fondue/answer", {"answer": "maybe"}).status_code
        for number in range(31)
    ]
    assert statuses == [200] * 30 + [429]
    answer = friend.ask("PUT", "/fondue/answer", {"answer": "yes"})
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.get_json()["message"].startswith("Too many attempts.")
    assert friend.ask("GET", "/fondue").status_code == 200
    assert stranger.ask("PUT", "/fondue/answer", {"answer": "maybe"}).status_code == 200
