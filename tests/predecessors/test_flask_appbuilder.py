"""Flask-AppBuilder's registration, activation and generated pages."""

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import insert

from app.accounts.models import GUEST, Member, Registration
from app.accounts.registration.hooks import registration_stored
from app.extensions import db
from app.outbox.models import EmailState, OutboxEmail
from tests.support.factories import GroupFactory, MemberFactory, RegistrationFactory

SENT = "If %(email)s can be registered, we have sent an activation link there."
NOT_NOW = "Not possible to register you at the moment, try again later"
ACTIVATION = "/register/activation/"


def test_registering_sends_an_activation_link(new_visitor, register, says, records, locale):
    page = register(new_visitor())
    says(page, "info", SENT, email="ada@example.com")
    email = records.one(OutboxEmail)
    assert (email.kind, email.locale) == ("activation", locale)
    assert (f'dir="{"rtl" if locale == "ar" else "ltr"}"') in email.html


def test_a_mail_server_that_is_down_loses_no_registration(new_visitor, register, says, records, app, smtp):
    smtp.behaviour = "drop"
    says(register(new_visitor()), "info", SENT, email="ada@example.com")
    app.test_cli_runner().invoke(args=["outbox", "deliver"])
    assert records.one(Registration).username == "ada"
    assert records.one(OutboxEmail).state == EmailState.QUEUED


def test_a_visitor_activates_with_a_button_once_and_logs_in(new_visitor, register, says, records, link):
    visitor = new_visitor()
    register(visitor)
    path = link("ada@example.com", ACTIVATION)
    page = visitor.get(path)
    assert records.count(Member) == 0
    page = visitor.submit(page.form(path))
    says(page, "info", "Your account is activated, you can now log in.")
    says(visitor.post(path), "info", "This account is already activated.")
    page = visitor.submit(page.form("/login/"), username="ADA", password="dinner at eight, please")
    says(page, "info", "Welcome, %(name)s!", name="Ada Byron")


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_mail_scanners_do_not_use_up_the_link(new_visitor, register, records, link, method):
    register(new_visitor())
    before = records.dump()
    new_visitor().open(method, link("ada@example.com", ACTIVATION))
    assert records.dump() == before


def test_an_unknown_link_is_refused(new_visitor, says):
    says(new_visitor().post(f"{ACTIVATION}nobody-knows-this"), "danger", "Registration not found")


def test_an_expired_link_is_refused_and_can_be_sent_again(new_visitor, says, link):
    registration = RegistrationFactory(expired=True)
    visitor = new_visitor()
    page = visitor.post(f"{ACTIVATION}{registration.token}")
    says(page, "warning", "This link has expired. Request a new one.")
    page = visitor.submit(page.form("/register/resend"), email=registration.email)
    says(page, "info", SENT, email=registration.email)
    assert link(registration.email, ACTIVATION)


@pytest.mark.parametrize("taken", [MemberFactory, RegistrationFactory])
def test_usernames_are_unique_among_members_and_registrations_in_any_case(new_visitor, register, says, taken, records):
    taken(username="ada", email="else@example.com")
    page = register(new_visitor(), username="ADA")
    assert page.status == 422
    says(page, "danger", "Please correct the fields that are marked.")
    assert [email.recipient for email in records.all(OutboxEmail)] == []


def test_rows_are_added_changed_and_deleted_with_a_flash(admin, says, records):
    page = admin.submit(admin.get("/groups/add").form("/groups/add"), name="cooks")
    says(page, "info", "Saved.")
    group = f"/groups/edit/{1}"
    says(admin.submit(admin.get(group).form(group), label="Those who cook"), "info", "Saved.")
    says(admin.post("/groups/delete/1"), "info", "Deleted.")


def test_what_the_database_refuses_is_said_in_words(admin, says):
    GroupFactory(name="cooks")
    page = admin.submit(admin.get("/groups/add").form("/groups/add"), name="cooks")
    says(page, "danger", "An entry like this already exists.")
    assert page.form("/groups/add").fields["name"] == "cooks"


@pytest.mark.parametrize(
    "path",
    ["/users/list/", "/roles/list/", "/groups/list/", "/registrations/list/", "/statistics/", "/apikeys/list/"],
)
def test_administrators_have_the_generated_pages(admin, path, locale):
    page = admin.get(path)
    assert page.status == 200
    assert f'lang="{locale}"' in page.text


def test_an_administrator_sends_a_link_to_choose_a_password(admin, says, member, link):
    ada = member(username="ada")
    page = admin.post(f"/users/action/send_password_link/{ada.id}")
    says(page, "info", "A link to choose a new password is on its way to %(email)s.", email=ada.email)
    assert link(ada.email, "/password/reset/")


def test_an_address_that_is_registered_gets_the_same_page_and_a_letter_of_its_own(
    new_visitor, register, says, records, locale
):
    MemberFactory(username="grace", email="ada@example.com", locale=locale)
    says(register(new_visitor()), "info", SENT, email="ada@example.com")
    assert (records.one(OutboxEmail).kind, records.count(Registration)) == ("already_registered", 0)


@pytest.mark.parametrize("password", ["x", "password"])
def test_a_password_that_is_easy_to_guess_is_refused(new_visitor, register, says, records, password):
    page = register(new_visitor(), password=password)
    says(page, "danger", "Please correct the fields that are marked.")
    assert records.count(Registration) == 0


def test_a_registration_that_cannot_be_stored_says_so_and_keeps_what_was_typed(
    app, new_visitor, register, says, records
):
    def contradict(_app, **_known):
        db.session.execute(insert(Role).values(name=GUEST))

    with registration_stored.connected_to(contradict, sender=app):
        page = register(new_visitor())
    says(page, "danger", NOT_NOW)
    assert page.form("/register/form").fields["username"] == "ada"
    assert records.count(OutboxEmail) == 0


def test_an_activation_that_cannot_create_the_user_says_so(new_visitor, register, says, records, link):
    visitor = new_visitor()
    register(visitor)
    MemberFactory(username="ada", email="else@example.com")
    says(visitor.post(link("ada@example.com", ACTIVATION)), "danger", NOT_NOW)
    assert records.one(Registration).activated_at is None


def test_the_link_is_stored_as_a_hash_and_leads_to_this_site_whatever_the_host(
    new_visitor, register, records, link, locale
):
    visitor = new_visitor()
    assert visitor.get("/register/form", headers={"Host": "evil.example"}).status == 400
    register(visitor)
    token = link("ada@example.com", ACTIVATION).removeprefix(ACTIVATION)
    assert records.one(Registration).registration_hash not in {token, None}
    assert "evil.example" not in str(records.dump())
