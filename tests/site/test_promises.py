"""Security of headers, redirects, access, tokens and limits."""

import logging
import re
from itertools import product
from urllib.parse import urlencode, urlsplit

import pytest

from app.accounts.models import Member, Registration
from app.extensions import db
from app.outbox import delivery
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty, Rsvp
from tests.site.conftest import READERS
from tests.site.test_routes import POLICY
from tests.support.factories import PASSWORD, PASSWORD_HASH, DinnerPartyFactory, MemberFactory, RsvpFactory

API = "/api/v1/dinnerparties/"
# These store their token in the session and redirect.
LEADING = {"InvitationView.open", "JoinView.link"}
DINNER = {
    "title": "Fondue", "starts_at": "2040-01-01T19:00:00", "timezone": "Europe/Zurich", "duration_minutes": 120,
    "number_seats": 4, "visibility": "public", "status": "published",
}  # fmt: skip


class Program:
    """A program that uses the API with a member's token."""

    def __init__(self, app, member):
        self.client = app.test_client(use_cookies=False)
        body = {"username": member.username, "password": PASSWORD, "provider": "db", "refresh": True}
        tokens = self.client.post("/api/v1/security/login", json=body).get_json()
        self.key, self.refresh = tokens["access_token"], tokens["refresh_token"]

    def ask(self, method, path="", *, key=None, **options):
        headers = {"Authorization": f"Bearer {key or self.key}", **options.pop("headers", {})}
        return self.client.open(path if path.startswith("/") else API + path, method=method, headers=headers, **options)


@pytest.fixture
def program(app, cast):
    return Program(app, cast.admin)


# -- headers


def test_error_pages_have_the_csp_too(visitor):
    """Other responses are checked in test_routes."""
    pages = {
        400: visitor.post("/login/", {}, csrf=False),
        404: visitor.get("/nothing"),
        405: visitor.get("/logout/"),
        413: visitor.post("/login/", {"username": "x" * 2_000_000}),
    }
    assert {status: page.status for status, page in pages.items()} == {status: status for status in pages}
    assert {status: {name: page.headers[name] for name in POLICY} for status, page in pages.items()} == dict.fromkeys(
        pages, POLICY
    )


def test_pages_with_a_token_send_no_referrer(populated_site, reader):
    visitor = reader("anonymous")
    with_token = [rule for rule in populated_site.pages() if "token" in rule.arguments]
    assert {rule.endpoint for rule in with_token} == set(populated_site.tokens)
    for rule in with_token:
        known = populated_site.address(rule)
        for address in (known, known.replace(populated_site.tokens[rule.endpoint], "unknown")):
            page = visitor.get(address, follow=False)
            if rule.endpoint in LEADING:
                assert (page.location == "/") == (address != known), page
            else:
                assert (page.status == 200) == (address == known), page
            assert page.headers["Referrer-Policy"] == "no-referrer", page
            assert page.headers["Cache-Control"] == "no-store"
    for rule in with_token:
        if rule.endpoint in LEADING or "POST" not in rule.methods:
            continue
        page = visitor.post(populated_site.address(rule), follow=False)
        assert page.headers["Referrer-Policy"] == "no-referrer"


def test_the_button_of_a_token_page_works_without_a_referrer(populated_site, reader, records):
    """With https, too, where the Referer that this page suppresses could be required."""
    visitor = reader("anonymous")
    address = f"https://localhost/register/activation/{populated_site.token}"
    form = visitor.get(address).form(populated_site.token)
    visitor.post(address, form.fields.to_dict(), csrf=False)
    assert records.fresh(populated_site.registration).activated_at


# -- redirects


ELSEWHERE = ["//evil.example", "https://evil.example/", "/\\evil.example", "http://[", "\t//evil"]


@pytest.mark.parametrize("path", ["/lang/", "/dinnerparties/edit/{party.id}", "/dinnerparties/delete/{party.id}"])
def test_next_never_redirects_to_another_site(client_of, cast, path):
    admin, led = client_of(cast.admin), {}
    for target in ELSEWHERE:
        # A new party each time, because one of the forms deletes it.
        address = path.format(party=DinnerPartyFactory(host=cast.host))
        form = {} if path == "/lang/" else admin.get(address).form(address).fields.to_dict()
        page = admin.post(address, {**form, "next": target, "locale": "en"}, follow=False)
        if page.status != 303 or urlsplit(page.location).netloc or page.location.startswith("//"):
            led[target] = page, page.location
    assert led == {}


@pytest.mark.parametrize("host", ["evil.example", "", "a b", "localhost:x"])
def test_an_untrusted_host_header_is_refused_first(visitor, host):
    answered = []
    for method, path, more in (
        ("GET", "/", {}),
        ("GET", "/%00", {}),
        ("POST", "/login/", {"json": []}),
        ("POST", "/login/", {"data": b"x" * 2_000_000}),
        ("POST", "/lang/", {"data": {"locale": "es"}}),
        ("GET", "/api/v1/dinnerparties/", {}),
    ):
        page = visitor.open(method, path, headers={"Host": host}, follow=False, **more)
        if not 400 <= page.status < 500 or page.response.mimetype != "text/plain" or "evil" in page.text:
            answered.append((method, page, page.response.mimetype, page.text))
    assert answered == []


# -- access

MAY = {
    # action: who may do it to the host's party, or to the friend's RSVP
    ("POST", "/parties/{party.slug}/edit"): {"host", "admin"},
    ("GET", "/parties/{party.slug}/edit"): {"host", "admin"},
    ("POST", "/parties/{party.slug}/cancel"): {"host", "admin"},
    ("GET", "/dinnerparties/edit/{party.id}"): {"admin"},
    ("POST", "/dinnerparties/edit/{party.id}"): {"admin"},
    ("POST", "/dinnerparties/delete/{party.id}"): {"admin"},
    ("POST", "/dinnerparties/action/cancel/{party.id}"): {"admin"},
    ("POST", "/rsvps/action/withdraw/{answer.id}"): {"admin"},
    ("GET", "/rsvps/show/{answer.id}"): {"admin"},
    ("GET", "/users/show/{host.id}"): {"admin"},
    ("POST", "/users/edit/{host.id}"): {"admin"},
    ("POST", "/users/delete/{host.id}"): {"admin"},
    ("POST", "/users/action/deactivate/{host.id}"): {"admin"},
    ("POST", "/roles/edit/1"): {"admin"},
    ("GET", "/letters/list/"): {"admin"},
    ("POST", "/letters/test"): {"admin"},
    ("GET", "/registrations/list/"): {"admin"},
    ("GET", "/dinnerparties/options/host"): {"admin"},
}


@pytest.fixture
def belongings(cast):
    """The host's party and the friend's RSVP, for the URLs of MAY."""
    party = DinnerPartyFactory(host=cast.host)
    answer = RsvpFactory(party=party, member=cast.friend)
    return lambda path: path.format(party=party, answer=answer, host=cast.host)


@pytest.mark.parametrize("who", READERS)
def test_nobody_can_change_what_belongs_to_others(belongings, reader, records, who):
    visitor = reader(who)
    before = records.dump()
    for (method, path), may in MAY.items():
        if who in may:
            continue
        page = visitor.open(method, belongings(path), follow=False, data=post(visitor) if method == "POST" else None)
        refused = page.status in {401, 403, 404} or urlsplit(page.location or "").path == "/login/"
        assert refused or (who == "translator" and page.status == 303), page
    assert records.dump() == before


@pytest.mark.parametrize("who", ["host", "admin"])
def test_those_with_permission_can(cast, client_of, who):
    refused = []
    for method, path in (action for action, may in MAY.items() if who in may):
        # New rows each time, because some of the endpoints delete them.
        host = MemberFactory()
        party = DinnerPartyFactory(host=host)
        address = path.format(party=party, host=host, answer=RsvpFactory(party=party))
        visitor = client_of(host if who == "host" else cast.admin)
        page = visitor.open(method, address, follow=False, data=post(visitor) if method == "POST" else None)
        if page.status >= 400 and page.status != 422:
            refused.append((method, page))
    assert refused == []
    assert {who for may in MAY.values() for who in may} == {"host", "admin"}


def post(visitor):
    return {"csrf_token": visitor.csrf_token(), "title": "Mine now", "username": "mine", "active": "y"}


@pytest.mark.parametrize("who", ["host", "friend", "stranger", "translator"])
def test_the_generated_api_is_for_administrators(app, cast, records, who):
    party = DinnerPartyFactory(host=cast.host)
    program = Program(app, getattr(cast, who))
    before, answered = records.dump(), {}
    dinner = {**DINNER, "host": cast.host.id}
    for method, path, sent in (
        ("GET", "", None),
        ("GET", str(party.id), None),
        ("GET", "_info", None),
        ("POST", "", dinner),
        ("PUT", str(party.id), dinner),
        ("DELETE", str(party.id), None),
    ):
        answer = program.ask(method, path, json=sent)
        answered[method, path] = answer.status_code, set(answer.get_json())
    assert answered == dict.fromkeys(answered, (403, {"message"}))
    assert records.dump() == before


# -- unexpected fields


def test_registering_ignores_fields_that_the_form_does_not_have(visitor, records):
    form = visitor.get("/register/form").form("/register/form").fields.to_dict()
    more = {
        "id": "77",
        "roles": "1",
        "active": "1",
        "registration_hash": "x",
        "expires_at": "2099-01-01",
        "sent_count": "-9",
        "activated_at": "x",
    }
    ada = {"username": "ada", "email": "ada@example.com", "first_name": "A", "last_name": "B", "password": PASSWORD}
    visitor.post("/register/form", {**form, **more, **ada})
    row = records.one(Registration)
    assert (row.id, row.sent_count, row.activated_at) == (1, 1, None)
    assert row.registration_hash != "x"


def test_the_api_ignores_fields_that_it_does_not_have(program, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    for column, value in {
        "seats_taken": 0,
        "id": 9,
        "slug": "mine",
        "version": 9,
        "host_id": 1,
        "answers": [],
        "created_at": "x",
    }.items():
        answer = program.ask("PUT", str(party.id), json={column: value})
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [column])
    assert records.fresh(party).slug == party.slug


# -- tokens and logs


def test_tokens_are_not_logged(visitor, app, smtp, records, caplog):
    caplog.set_level(logging.DEBUG)
    page = visitor.get("/register/form")
    visitor.submit(page.form("/register/form"), username="ada", email="ada@example.com", first_name="Ada",
                   last_name="Byron", password=PASSWORD)  # fmt: skip
    token = records.one(OutboxEmail).secret
    with app.app_context():
        delivery.drain()
    assert token in smtp.messages[0].get_body(("plain",)).get_content()
    visitor.get(f"/register/activation/{token}")
    visitor.post(f"/register/activation/{token}")
    visitor.post(f"/register/activation/{token}")
    visitor.log_in("ada", PASSWORD)
    assert records.one(Member).username == "ada"
    with visitor.client.session_transaction() as session:
        login = session["login"]
    assert caplog.text
    assert [secret for secret in (token, PASSWORD, login) if secret in caplog.text] == []


# -- limits


@pytest.mark.rate_limits
@pytest.mark.parametrize(
    "body",
    [
        {"data": b"username=" + b"x" * 2_000_000, "content_type": "application/x-www-form-urlencoded"},
        {"data": {f"field{number}": "x" for number in range(2000)}, "content_type": "multipart/form-data"},
        {"data": b"[" * 2_000_000, "content_type": "application/json"},
    ],
)
@pytest.mark.parametrize("path", ["/login/", "/api/v1/security/login"])
def test_malformed_requests_do_not_reset_the_throttle(visitor, cast, path, body):
    guess = {"username": cast.friend.username, "password": "wrong", "provider": "db"}
    way = "json" if path.startswith("/api/") else "data"
    token = {"X-CSRFToken": visitor.csrf_token()}
    answered = []
    for number in range(12):
        if number == 9:
            assert visitor.client.post(path, headers=token, **body).status_code in {400, 401, 413, 415}
        answered.append(visitor.client.post(path, headers=token, **{way: guess}).status_code)
    assert answered[-1] == 429
    assert set(answered) == {401, 429}


# -- generated API


def test_a_party_is_added_changed_and_deleted_through_the_api(program, cast, records, client_of):
    made = program.ask("POST", json={**DINNER, "host": cast.host.id})
    assert made.status_code == 201
    pk = made.get_json()["id"]
    party = records.one(DinnerParty)
    assert (party.id, party.seats_taken, records.one(Rsvp).member_id) == (pk, 1, cast.host.id)
    assert [row["id"] for row in program.ask("GET").get_json()["result"]] == [pk]
    shown = program.ask("GET", str(pk)).get_json()["result"]
    assert (shown["title"], shown["host"]) == ("Fondue", {"username": "host"})
    assert program.ask("PUT", str(pk), json={"title": "Raclette"}).status_code == 200
    assert records.one(DinnerParty).title == "Raclette"
    assert program.ask("DELETE", str(pk)).status_code == 200
    assert (records.count(DinnerParty), records.count(Rsvp)) == (0, 0)
    assert program.ask("DELETE", str(pk)).status_code == 404


def test_a_change_through_the_api_follows_the_seat_rules(program, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    RsvpFactory(party=party, member=cast.friend)
    waiting = RsvpFactory(party=party, member=cast.stranger, waiting=True)
    refused = program.ask("PUT", str(party.id), json={"number_seats": 1})
    assert (refused.status_code, refused.get_json()) == (
        422, {"message": "2 seats are already taken; you cannot go below that."},
    )  # fmt: skip
    assert program.ask("PUT", str(party.id), json={"number_seats": 3}).status_code == 200
    assert records.fresh(waiting).status == "offered"
    assert records.fresh(party).seats_taken == 3
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["seat_offered"]
    assert program.ask("PUT", str(party.id), json={"status": "cancelled"}).status_code == 200
    assert sorted(letter.kind for letter in records.all(OutboxEmail)) == ["party_cancelled"] * 2 + ["seat_offered"]
    assert program.ask("DELETE", str(party.id)).status_code == 200
    assert len(records.all(OutboxEmail)) == 3


NO_PARTY = [{"title": ""}, {"title": "x" * 121}, {"title": None}, {"number_seats": 0}, {"number_seats": 1001}, {"number_seats": "many"},
     {"duration_minutes": -1}, {"timezone": "Mars/Olympus"}, {"visibility": "secret"}, {"status": "eaten"}, {"host": 987654},
     {"host": "host"}, {"host": "0000-00-00"}, {"host": 2**70}, {"host": True}, {"host": {"id": 1}}, {"host": [1, 2]},
     {"starts_at": "soon"}, {"starts_at": "2020-01-01T19:00:00"}, {"host": None}, {"venue": "x" * 121}]  # fmt: skip


@pytest.mark.both_databases
def test_an_invalid_party_is_refused_by_the_api(program, cast, records):
    taken = []
    for changes in NO_PARTY:
        answer = program.ask("POST", json={**DINNER, "host": cast.host.id, **changes})
        if answer.status_code != 422 or not answer.get_json()["message"] or records.count(DinnerParty):
            taken.append((changes, answer.status_code, answer.get_json()))
    assert taken == []


def test_a_page_of_the_api_has_at_most_a_hundred_rows(program, cast):
    DinnerPartyFactory.create_batch(103, host=cast.host)
    for size in (1000, -1, 0, 10**12):
        answer = program.ask("GET", "?" + urlencode({"q": f"(page_size:{size})"})).get_json()
        assert len(answer["result"]) <= 100
    assert answer["count"] == 103


def test_no_response_of_the_api_has_a_password(program, cast, app):
    DinnerPartyFactory(host=cast.host)
    for query in ("", "(columns:!(host.password))", "(columns:!(host))", "(keys:!(show_columns,list_columns))"):
        text = program.ask("GET", "?" + urlencode({"q": query})).text + program.ask("GET", "_info").text
        assert PASSWORD_HASH not in text
        assert "password" not in text


def test_an_invalid_key_is_refused_with_a_message(app):
    answered, told = {}, {"en": set(), "es": set()}
    for locale, key in product(told, ("", "a.b.c", "x" * 5000, "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "é")):
        headers = {"Authorization": f"Bearer {key}", "Accept-Language": locale}
        answer = app.test_client().get(API, headers=headers)
        if answer.status_code != 401 or set(answer.get_json()) != {"message"}:
            answered[locale, key] = answer.status_code, answer.get_json()
        told[locale].add(answer.get_json().get("message"))
    assert answered == {}
    assert told["en"] == {"Please log in to access this page."}
    assert not told["es"] & told["en"]


def test_the_token_of_a_deactivated_member_is_refused(app, program, cast):
    other = MemberFactory(username="other", admin=True)
    theirs = Program(app, other)
    assert theirs.ask("GET").status_code == 200
    with app.app_context():
        db.session.get(Member, other.id).active = False
        db.session.commit()
    assert theirs.ask("GET").status_code == 401
    assert theirs.ask("POST", "/api/v1/security/refresh", key=theirs.refresh).status_code == 401
    body = {"username": "other", "password": PASSWORD, "provider": "db"}
    refused = theirs.client.post("/api/v1/security/login", json=body)
    assert (refused.status_code, set(refused.get_json())) == (403, {"message"})


def test_an_empty_api_login_is_refused(app):
    answered = {}
    for body in (
        *("", "{", "[]", "null", '{"username": 1}', "[" * 100_000),
        '{"username": "a", "password": "b", "provider": "x"}',
    ):
        answer = app.test_client().post("/api/v1/security/login", data=body, content_type="application/json")
        if answer.status_code not in {400, 401} or not isinstance(answer.get_json()["message"], str):
            answered[body[:99]] = answer.status_code, answer.get_json()
    assert answered == {}


def test_the_openapi_document_has_every_url_of_the_api(program, app):
    document = program.ask("GET", "/api/v1/_openapi").get_json()
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "DinnerParty"
    assert {"url": app.config["PUBLIC_URL"]} in document["servers"]
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {
        (method, re.sub(r"<(?:[^<>]*:)?([^<>:]+)>", r"{\1}", str(rule)))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if str(rule).startswith("/api/v1/")
    }
    assert served <= documented
    missing = [ref for ref in references(document) if not resolves(document, ref)]
    assert missing == []
    assert "password" not in str(document["components"]["schemas"])


def references(node):
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolves(document, reference):
    for part in reference.removeprefix("#/").split("/"):
        if part not in document:
            return False
        document = document[part]
    return True
