"""Administrators manage members, registrations and roles."""

import pytest

from app.accounts.models import Member, Registration
from app.outbox.models import Letter
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory

pytestmark = pytest.mark.both_databases
ADA = {
    "username": "Ada",
    "email": "Ada@Example.com",
    "first_name": "Ada",
    "last_name": "Byron",
    "password": "dinner at eight, please",
    "timezone": "Europe/London",
}


@pytest.fixture
def admin(client_of, cast):
    return client_of(cast.admin)


def member_named(records, name):
    return next((member for member in records.all(Member) if member.username == name), None)


def test_an_administrator_adds_a_user_who_can_log_in(admin, visitor, records):
    page = admin.submit(admin.get("/users/add").form("/users/add"), **ADA)
    assert page.flashes == [("info", "User ada created.")]
    ada = member_named(records, "ada")
    assert ada.email == "ada@example.com"
    assert ADA["password"] not in str(records.dump())
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=ADA["password"])
    assert page.flashes == [("info", "Welcome, Ada Byron!")]


@pytest.mark.parametrize("field", ["username", "email"])
def test_a_name_or_address_that_is_taken_is_refused_whatever_its_case(admin, cast, records, field):
    taken = getattr(cast.friend, field).upper()
    before = records.count(Member)
    page = admin.submit(admin.get("/users/add").form("/users/add"), **{**ADA, field: taken})
    assert [category for category, _text in page.flashes] == ["danger"]
    assert 'value="Byron"' in page.text
    assert records.count(Member) == before


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
def test_a_user_with_something_wrong_is_not_added(admin, records, changes):
    before = records.count(Member)
    page = admin.submit(admin.get("/users/add").form("/users/add"), **{**ADA, **changes})
    assert [category for category, _text in page.flashes] == ["danger"]
    assert records.count(Member) == before


def test_nobody_deletes_themselves(admin, cast, records):
    page = admin.post(f"/users/delete/{cast.admin.id}")
    assert page.flashes == [("danger", "You cannot delete yourself.")]
    assert member_named(records, cast.admin.username)


def test_the_last_administrator_stays_one(admin, cast, records):
    page = admin.get(f"/users/edit/{cast.admin.id}")
    page = admin.submit(page.form(f"/users/edit/{cast.admin.id}"), roles=[])
    assert page.flashes == [("danger", "The last administrator cannot be removed.")]
    second = MemberFactory(admin=True)
    other = second.id
    page = admin.post(f"/users/delete/{other}")
    assert page.flashes[0][0] == "info"


def test_a_member_who_hosts_a_party_is_not_deleted_with_it(admin, cast, records):
    from tests.support.factories import DinnerPartyFactory

    party = DinnerPartyFactory(host=cast.host)
    page = admin.post(f"/users/delete/{cast.host.id}")
    assert [category for category, _text in page.flashes] == ["danger"]
    assert "FOREIGN KEY" not in page.text
    assert records.fresh(party)


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


def test_a_registration_is_sent_again_or_discarded(admin, records):
    registration = RegistrationFactory()
    page = admin.post("/registrations/action_post", {"action": "resend", "rowid": str(registration.id)})
    assert page.flashes == [("info", f"Activation e-mail sent again to {registration.email}.")]
    assert records.one(Letter).recipient == registration.email
    page = admin.post(f"/registrations/delete/{registration.id}")
    assert page.flashes == [("info", "Registration discarded.")]
    assert records.count(Registration) == 0


def test_passwords_are_shown_nowhere(admin, cast, records):
    stored = member_named(records, cast.friend.username).password
    for path in ("/users/list/", f"/users/show/{cast.friend.id}", f"/users/edit/{cast.friend.id}"):
        page = admin.get(path)
        assert page.status == 200
        assert stored not in page.text
        assert "scrypt" not in page.text
    assert PASSWORD not in admin.get("/users/list/").text


def test_a_role_of_the_program_keeps_its_name(admin, app):
    from flask_appbuilder.security.sqla.models import Role

    from app.extensions import db

    with app.app_context():
        role_id = db.session.query(Role.id).filter_by(name="Guest").scalar()
    page = admin.submit(admin.get(f"/roles/edit/{role_id}").form(f"/roles/edit/{role_id}"), name="Visitor")
    assert page.flashes == [("danger", "Please correct the fields that are marked.")] or page.flashes[0][0] == "danger"
    page = admin.post(f"/roles/delete/{role_id}")
    assert page.flashes == [("danger", "This role belongs to the program and cannot be deleted.")]


def test_a_change_of_a_role_is_in_force_at_once(admin, client_of, cast, app):
    from flask_appbuilder.security.sqla.models import Role

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
