"""Malformed values in every field of every endpoint get an error message."""

import pytest

from app.extensions import db
from app.parties.models import DinnerParty
from tests.parties.api_client import ApiClient
from tests.support import THOROUGH
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

STRANGE = [
    None, True, 10**40, float("inf"), "\0", "\ud800", "x" * 6000, "9999-12-31T23:59:59-14:00", [], ["\ud800"],
    [{"name": "\ud800\0", "email": "\ud800@\0", "course": {}}], {"\ud800": 1},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.both_databases
def test_no_malformed_field_of_any_endpoint_causes_a_server_error(app, cast, database_kind):
    # The databases differ in which texts, numbers and dates they accept; the other values reach neither.
    values = STRANGE if THOROUGH or database_kind == "sqlite" else STRANGE[2:8]
    party = DinnerPartyFactory(host=cast.host, slug="fondue")
    guest, invitation = RsvpFactory(party=party, member=cast.friend), InvitationFactory(party=party)
    host, friend = ApiClient(app, cast.host), ApiClient(app, cast.friend)
    document = host.client.get("/api/v1/_openapi").get_json()
    known = {
        "slug": "fondue",
        "guest_id": guest.id,
        "invitation_id": invitation.id,
        "username": "friend",
        "code": "\u00e9",
    }
    broken, answered = [], set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if not path.startswith("/api/v1/parties") or "$ref" not in body:
                continue
            fields = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"]
            for number, (name, value) in enumerate((name, value) for name in fields for value in values):
                sent = {**USUAL, name: value}
                address = path.removeprefix("/api/v1/parties").format(
                    **{**dict.fromkeys(("dish_id", "promise_id"), 1), **known}
                )
                answer = (host, friend)[number % 2].ask(
                    method, address, {key: sent[key] for key in sent if key in fields}
                )
                answered.add(answer.status_code)
                if answer.status_code >= 500 or not answer.get_json()["message"]:
                    broken.append((method, path, name, value, answer.status_code))
    assert broken == []
    assert answered >= {200, 403, 409, 422}
    with app.app_context():
        assert all(row.seats_taken <= row.number_seats for row in db.session.query(DinnerParty))


USUAL = {
    "answer": "maybe", "decision": "claim", "people": [], "dishes": [], "username": "stranger", "version": 1, "title": "x",
    "starts_at": "2040-01-01T19:00", "invitations": [{"email": "a@example.org"}], "quantity": 1,
}  # fmt: skip
