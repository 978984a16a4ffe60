"""Administrators manage members, registrations and roles."""

import re
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app import clock
from app.accounts.models import Member, Registration
from app.audit.models import AuditEvent
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory

ADA = {
    "username": "Ada",
    "email": "Ada@Example.com",
    "first_name": "Ada",
    "last_name": "Byron",
    "password": "dinner at eight, please",
    "timezone": "Europe/London",
}


def member_named(records, name):
    return next((member for member in records.all(Member) if member.username == name), None)


@pytest.mark.both_databases
def test_an_administrator_adds_a_user_who_can_log_in(admin, visitor, records):
    page = admin.submit(admin.get("/users/add").form("/users/add"), **ADA)
    assert page.flashes == [("info", "User ada created.")]
    ada = member_named(records, "ada")
    assert ada.email == "ada@example.com"
    assert ADA["password"] not in str(records.dump())
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=ADA["password"])
    assert page.flashes == [("info", "Welcome, Ada Byron!")]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("username", "This username is already taken."),
        ("email", "A user with that email address already exists"),
    ],
)
def test_a_taken_username_or_email_address_is_refused_whatever_its_case(admin, cast, records, field, told):
    taken = getattr(cast.friend, field).upper()
    before = records.count(Member)
    page = admin.submit(admin.get("/users/add").form("/users/add"), **{**ADA, field: taken})
    assert (page.status, page.flashes) == (422, [("danger", told)])
    assert re.search(rf'id="{field}-error">\s*{told}', page.text)
    assert 'value="Byron"' in page.text
    assert records.count(Member) == before
    path = f"/users/edit/{cast.stranger.id}"
    page = admin.submit(admin.get(path).form(path), **{field: taken})
    assert (page.status, page.flashes) == (422, [("danger", told)])


def test_a_user_added_without_a_password_is_emailed_a_link_to_choose_one(admin, visitor, records):
    page = admin.submit(admin.get("/users/add").form("/users/add"), **{**ADA, "password": ""})
    assert page.flashes == [("info", "User ada created.")]
    assert member_named(records, "ada").password is None
    letter = next(letter for letter in records.all(OutboxEmail) if letter.kind == "account_created")
    assert letter.recipient == "ada@example.com"
    assert letter.secret not in letter.text
    (path,) = re.findall(r"/password/reset/\S+", letter.text)
    clock.set_now(clock.now() + timedelta(hours=47))
    page = visitor.get(path.replace("__secret__", letter.secret))
    assert page.status == 200
    page = visitor.submit(page.form("/password/reset/" + letter.secret), new_password=ADA["password"])
    assert [category for category, _text in page.flashes] == ["info"]
    assert visitor.log_in("ada", ADA["password"]).flashes == [("info", "Welcome, Ada Byron!")]


def test_staff_need_a_longer_password(admin, records):
    form = admin.get("/users/add").form("/users/add")
    admin_role = next(str(role.id) for role in records.all(Role) if role.name == "Admin")
    page = admin.submit(form, **{**ADA, "password": "dinner at 8", "roles": [admin_role]})
    assert (page.status, page.flashes) == (422, [("danger", "Use at least 15 characters.")])
    page = admin.submit(
        form, **{**ADA, "password": "Augusta Augusta 1", "first_name": "Augusta", "roles": [admin_role]}
    )
    assert page.flashes == [("danger", "Your name is easy to guess. Do not use it in your password.")]
    page = admin.submit(form, **{**ADA, "roles": [admin_role]})
    assert page.flashes == [("info", "User ada created.")]
    entry = next(event for event in records.all(AuditEvent) if event.action == "member_created")
    assert (entry.actor, entry.subject, entry.after["roles"]) == ("boss", "ada", ["Admin"])


@pytest.mark.both_databases
def test_a_column_that_no_form_offers_is_not_stored(admin, records, cast):
    path = f"/users/edit/{cast.friend.id}"
    form = admin.get(path).form(path)
    admin.post(path, {**form.fields.to_dict(), "password": "mine now", "login_count": "7", "erase_at": "2030-01-01"})
    before, after = cast.friend, records.fresh(cast.friend)
    assert (after.password, after.login_count, after.erase_at) == (before.password, before.login_count, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "a@b"},
        {"username": ""},
        {"email": "nowhere"},
        {"password": "short"},
        {"timezone": "Mars/Olympus"},
        {"first_name": ""},
    ],
)
def test_an_invalid_user_is_not_added(admin, records, changes):
    before = records.count(Member)
    page = admin.submit(admin.get("/users/add").form("/users/add"), **{**ADA, **changes})
    assert [category for category, _text in page.flashes] == ["danger"]
    assert records.count(Member) == before


def test_administrators_cannot_delete_themselves(admin, cast, records):
    page = admin.post(f"/users/delete/{cast.admin.id}")
    assert page.flashes == [("danger", "You cannot delete yourself.")]
    assert member_named(records, cast.admin.username)


@pytest.mark.both_databases
def test_the_last_administrator_keeps_the_role(admin, cast, records):
    page = admin.get(f"/users/edit/{cast.admin.id}")
    page = admin.submit(page.form(f"/users/edit/{cast.admin.id}"), roles=[])
    assert page.flashes == [("danger", "The last administrator cannot be removed.")]
    second = MemberFactory(admin=True)
    other = second.id
    page = admin.post(f"/users/delete/{other}")
    assert page.flashes[0][0] == "info"


@pytest.mark.both_databases
def test_a_member_who_hosts_a_party_cannot_be_deleted(admin, cast, records):
    from tests.support.factories import DinnerPartyFactory

    party = DinnerPartyFactory(host=cast.host)
    page = admin.post(f"/users/delete/{cast.host.id}")
    assert [category for category, _text in page.flashes] == ["danger"]
    assert "FOREIGN KEY" not in page.text
    assert records.fresh(party)


@pytest.mark.both_databases
def test_users_are_deactivated_in_bulk_with_one_flash(admin, cast, records):
    chosen = [str(cast.friend.id), str(cast.stranger.id)]
    page = admin.post("/users/action_post", {"action": "deactivate", "rowid": chosen})
    assert page.flashes == [("info", "2 users deactivated.")]
    assert not member_named(records, cast.friend.username).active
    page = admin.post("/users/action_post", {"action": "activate", "rowid": chosen[:1]})
    assert page.flashes == [("info", "1 user activated.")]
    page = admin.post("/users/action_post", {"action": "deactivate", "rowid": [*chosen, str(cast.admin.id)]})
    assert page.flashes == [("danger", "You cannot deactivate yourself.")]
    page = admin.post("/users/action_post", {"action": "deactivate"})
    assert page.flashes == [("warning", "Select at least one row.")]


@pytest.mark.both_databases
def test_a_registration_is_resent_or_discarded(admin, records):
    registration = RegistrationFactory()
    page = admin.post("/registrations/action_post", {"action": "resend", "rowid": str(registration.id)})
    assert page.flashes == [("info", f"Activation e-mail sent again to {registration.email}.")]
    assert records.one(OutboxEmail).recipient == registration.email
    page = admin.post(f"/registrations/delete/{registration.id}")
    assert page.flashes == [("info", "Registration discarded.")]
    assert records.count(Registration) == 0


def test_passwords_are_not_shown(admin, cast, records):
    stored = member_named(records, cast.friend.username).password
    for path in ("/users/list/", f"/users/show/{cast.friend.id}", f"/users/edit/{cast.friend.id}"):
        page = admin.get(path)
        assert page.status == 200
        assert stored not in page.text
        assert "scrypt" not in page.text
    assert PASSWORD not in admin.get("/users/list/").text


def test_exporting_users_needs_confirmation_and_is_in_the_audit_log(admin, records):
    page = admin.get("/users/csv?_flt_0_username=fri")
    assert page.response.mimetype == "text/html"
    page = admin.submit(page.form("/users/csv"))
    assert page.response.mimetype == "text/csv"
    assert ("friend@example.com" in page.text, "host@example.com" in page.text) == (True, False)
    event = records.all(AuditEvent)[-1]
    assert (event.action, event.actor, event.after) == ("members_exported", "boss", {"filters": "_flt_0_username=fri"})
    clock.set_now(clock.now() + timedelta(minutes=11))
    assert admin.get("/users/csv").path == "/login/again"


def test_a_built_in_role_keeps_its_name(admin, app):
    from app.extensions import db

    with app.app_context():
        role_id = db.session.query(Role.id).filter_by(name="Guest").scalar()
    page = admin.submit(admin.get(f"/roles/edit/{role_id}").form(f"/roles/edit/{role_id}"), name="Visitor")
    assert page.flashes == [("danger", "Please correct the fields that are marked.")] or page.flashes[0][0] == "danger"
    page = admin.post(f"/roles/delete/{role_id}")
    assert page.flashes == [("danger", "This is a built-in role and cannot be deleted.")]


@pytest.mark.both_databases
def test_a_change_of_a_role_takes_effect_at_once(admin, client_of, cast, app):
    from app.extensions import db

    friend = client_of(cast.friend)
    assert friend.get("/parties/new").status == 200
    with app.app_context():
        role = db.session.query(Role).filter_by(name="Guest").one()
        role_id = role.id
    page = admin.get(f"/roles/edit/{role_id}")
    admin.submit(page.form(f"/roles/edit/{role_id}"), permissions=[])
    assert friend.get("/parties/new").status == 403


@pytest.mark.parametrize(
    "path", ["/users/list/", "/roles/list/", "/registrations/list/", "/letters/list/", "/rsvps/list/"]
)
def test_the_generated_ui_is_for_administrators(client_of, cast, visitor, path):
    assert visitor.get(path).path == "/login/"
    assert client_of(cast.friend).get(path).status == 403
    assert client_of(cast.admin).get(path).status == 200


def test_a_new_user_gets_the_guest_role_by_default(client_of, cast, records):
    admin = client_of(cast.admin)
    page = admin.get("/users/add")
    admin.submit(
        page.form("/users/add"), username="carla", email="carla@example.com", first_name="Carla", last_name="C"
    )
    assert records.one(select(Role.name).join(Member.roles).where(Member.username == "carla")) == "Guest"
