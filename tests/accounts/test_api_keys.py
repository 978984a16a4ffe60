"""Keys for programs that act as a member."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask_appbuilder.security.sqla.models import ApiKey
from sqlalchemy import update

from app import clock
from app.accounts.api_keys import service as api_key_service
from app.accounts.api_keys.service import KeyScope
from app.accounts.models import Member
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty
from tests.support.factories import DinnerPartyFactory

HERE, API = "/account/keys/", "/api/v1/dinnerparties/"
DINNER = {
    "title": "Fondue", "starts_at": "2040-01-01T19:00:00", "timezone": "Europe/Zurich", "duration_minutes": 120,
    "number_seats": 4, "visibility": "public", "status": "published",
}  # fmt: skip


def make(visitor, name="Calendar sync", scope=KeyScope.READ, days="90"):
    """Make a key on its page; return the page and the secret that it shows."""
    page = visitor.submit(visitor.get(f"{HERE}new").form("/new"), name=name, scope=scope, days=days)
    shown = re.search(r'<textarea id="secret"[^>]*>(dinner_[^<]+)<', page.text)
    return page, shown and shown.group(1)


@pytest.fixture
def program(app):
    """Return a function that sends API requests with a key."""

    def ask(key, method="GET", path=API, **options):
        client = app.test_client(use_cookies=False)
        return client.open(path, method=method, headers={"Authorization": f"Bearer {key}"}, **options)

    return ask


def change(app, statement):
    with app.app_context(), transaction():
        db.session.execute(statement)


# -- pages


def test_a_key_is_shown_once_and_stored_as_a_hash(admin, records):
    page, secret = make(admin)
    assert page.status == 200
    assert page.flashes == [("info", "The key “Calendar sync” has been created. Copy it now: it is not shown again.")]
    assert page.headers["Cache-Control"] == "no-store"
    assert secret not in admin.get(HERE).text
    assert secret not in str(records.dump())
    key = records.one(ApiKey)
    assert (key.scopes, key.key_prefix) == (KeyScope.READ, secret[:11])
    letter = next(letter for letter in records.all(OutboxEmail) if letter.kind == "api_key_created")
    assert "Calendar sync" in letter.text
    assert secret not in letter.text
    (event,) = [event for event in records.all(AuditEvent) if event.action == "api_key_created"]
    assert event.after["prefix"] == key.key_prefix


def test_a_form_that_is_sent_twice_makes_one_key(admin, records):
    form = admin.get(f"{HERE}new").form("/new")
    admin.submit(form, name="Once")
    page = admin.submit(form, name="Once")
    told = (
        "This key has already been created and is shown only once. If you did not copy it, revoke it and create "
        "another one."
    )
    assert page.flashes == [("warning", told)]
    assert page.path == HERE
    assert records.count(ApiKey) == 1


def test_missing_fields_are_reported(admin, records):
    page, secret = make(admin, name=" ")
    assert (page.status, secret) == (422, None)
    assert page.flashes == [("danger", "Please correct the fields that are marked.")]
    page = admin.post(f"{HERE}new", {"name": "Strange", "scope": "everything", "days": "99999"})
    assert page.status == 422
    assert records.count(ApiKey) == 0


def test_the_number_of_keys_is_limited_to_twenty(admin, app, cast, records):
    with app.app_context(), transaction():
        for number in range(api_key_service.MAX_LIVE_KEYS):
            api_key_service.create(cast.admin, f"Key {number}")
    page, secret = make(admin)
    assert (page.status, secret) == (422, None)
    assert page.flashes == [("danger", "You cannot have more than 20 API keys. Revoke one that you no longer need.")]
    change(app, update(ApiKey).where(ApiKey.name == "Key 0").values(expires_on=datetime(2020, 1, 1)))  # noqa: DTZ001
    assert make(admin)[1]


def test_the_pages_require_reauthentication(admin, records):
    make(admin)
    key = records.one(ApiKey)
    form = admin.get(HERE).form("/revoke")
    clock.set_now(clock.now() + timedelta(minutes=11))
    assert admin.get(f"{HERE}new").flashes == [("warning", "Please reauthenticate to access this page.")]
    assert admin.submit(form).flashes == [("warning", "Please reauthenticate to access this page.")]
    assert records.fresh(key).revoked_on is None


def test_only_the_owner_can_revoke_a_key(admin, client_of, cast, records, program):
    secret = make(admin)[1]
    path = f"{HERE}{records.one(ApiKey).uuid}/revoke"
    stranger = client_of(cast.stranger)
    assert stranger.post(path).flashes == [("warning", "This key no longer exists.")]
    assert program(secret).status_code == 200
    page = admin.submit(admin.get(HERE).form("/revoke"))
    assert page.flashes == [("info", "The key “Calendar sync” was revoked.")]
    assert "Revoked" in page.text
    assert program(secret).status_code == 401
    assert admin.post(path).flashes == [("warning", "This key no longer exists.")]


def test_times_are_shown_in_utc(admin, app, cast, records):
    clock.set_now(datetime(2031, 5, 1, 10, 0, tzinfo=UTC))
    change(app, update(Member).where(Member.id == cast.admin.id).values(timezone="Asia/Tokyo"))
    admin.log_in(cast.admin.username, "a good dinner needs time")
    make(admin, days="30")
    key = records.one(ApiKey)
    assert (key.created_on.isoformat(), key.expires_on.isoformat()) == ("2031-05-01T10:00:00", "2031-05-31T10:00:00")
    assert "May 31, 2031, 7:00" in admin.get(HERE).text


# -- API


def test_a_key_reads_what_its_member_may_read(admin, cast, client_of, program):
    DinnerPartyFactory(title="Raclette")
    answer = program(make(admin)[1])
    assert answer.status_code == 200
    assert [party["title"] for party in answer.get_json()["result"]] == ["Raclette"]
    guest = program(make(client_of(cast.friend))[1])
    assert guest.status_code == 403


@pytest.mark.parametrize(("method", "path"), [("POST", API), ("PUT", f"{API}1"), ("DELETE", f"{API}1")])
def test_a_read_only_key_cannot_write(admin, program, records, method, path):
    DinnerPartyFactory()
    before = records.all(DinnerParty)
    answer = program(make(admin)[1], method, path, json=DINNER)
    assert (answer.status_code, answer.get_json()) == (403, {"message": "This API key is read-only."})
    assert [party.version for party in records.all(DinnerParty)] == [party.version for party in before]


def test_a_key_with_write_access_writes_as_its_member(admin, cast, program, records):
    secret = make(admin, scope=KeyScope.READ_AND_WRITE)[1]
    answer = program(secret, "POST", json={**DINNER, "host": cast.host.id})
    assert answer.status_code == 201, answer.get_json()
    assert program(secret, "DELETE", f"{API}{answer.get_json()['id']}").status_code == 200
    assert records.count(DinnerParty) == 0


def test_malformed_expired_and_revoked_keys_are_refused(admin, app, program):
    secret = make(admin, days="30")[1]
    for key in (f"{secret}x", secret[:-1], "dinner_", "dinner_" + "x" * 5000, "dinner_é"):
        assert program(key).status_code == 401, key
    clock.set_now(clock.now() + timedelta(days=30))
    assert program(secret).status_code == 401


@pytest.mark.parametrize(
    "values", [{"active": False}, {"banned_at": datetime(2030, 1, 1, tzinfo=UTC)}, {"erased_at": datetime(2030, 1, 1, tzinfo=UTC)}]
)  # fmt: skip
def test_the_key_of_a_blocked_member_is_refused(admin, app, cast, program, values):
    secret = make(admin)[1]
    change(app, update(Member).where(Member.id == cast.admin.id).values(values))
    assert program(secret).status_code == 401


def test_a_ban_revokes_keys_for_good(app, client_of, cast, program, records):
    secret = make(client_of(cast.translator))[1]
    boss = client_of(cast.admin)
    page = boss.post(f"/users/action/ban/{cast.translator.id}")
    boss.submit(page.form("/users/action_post"), reason="Soup")
    boss.post(f"/users/action/unban/{cast.translator.id}")
    assert records.fresh(cast.translator).is_active
    assert program(secret).status_code == 401
    event = next(event for event in records.all(AuditEvent) if event.action == "api_key_revoked")
    assert (event.actor, event.subject) == ("boss", "translator")


def test_a_key_gives_no_access_to_html_pages(admin, program):
    secret = make(admin, scope=KeyScope.READ_AND_WRITE)[1]
    for path in ("/users/list/", HERE, "/account/data/", "/dinnerparties/list/"):
        answer = program(secret, path=path)
        assert answer.status_code == 303, path
        assert answer.location.startswith("/login/"), path


def test_the_last_use_is_recorded_once_a_minute(admin, program, records):
    secret = make(admin)[1]
    noted = []
    for _ in range(3):
        program(secret)
        noted.append(records.one(ApiKey).last_used_on)
        clock.set_now(clock.now() + timedelta(seconds=40))
    assert noted[0] == noted[1] < noted[2]
    assert "Never" not in admin.get(HERE).text


def test_keys_are_documented_in_the_openapi_document(admin, program):
    answer = program(make(admin)[1], path="/api/v1/_openapi")
    schemes = answer.get_json()["components"]["securitySchemes"]
    assert schemes["api_key"]["scheme"] == "bearer"


def test_the_api_key_methods_of_flask_appbuilder_work_the_same(app, cast, program, records):
    with app.test_request_context():
        manager = appbuilder_of(app).sm
        made = manager.create_api_key(cast.admin, "By a hook")
        assert [key.name for key in manager.find_api_keys_for_user(cast.admin.id)] == ["By a hook"]
    assert made["key_prefix"] == made["key"][:11]
    assert program(made["key"]).status_code == 200
    assert program(made["key"], "POST", json=DINNER).status_code == 403
    with app.test_request_context():
        assert manager.revoke_api_key(made["uuid"])
        assert not manager.revoke_api_key(made["uuid"])
        assert not manager.revoke_api_key("unknown")
    assert program(made["key"]).status_code == 401
    assert {event.action for event in records.all(AuditEvent)} == {"api_key_created", "api_key_revoked"}
