"""Double submits and two tabs: the action is carried out once, and both responses are the same."""

import threading

import pytest

from app.accounts.models import LoginSession, Member, Registration
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty, Rsvp
from tests.support.client import SESSION_COOKIE
from tests.support.factories import (
    PASSWORD,
    DinnerPartyFactory,
    MemberInvitationFactory,
    OutboxEmailFactory,
    RegistrationFactory,
    RsvpFactory,
)

pytestmark = pytest.mark.both_databases
DINNER = {"title": "Fondue", "starts_at": "2040-01-01T19:00", "timezone": "Europe/Zurich"}


@pytest.fixture
def twice(new_visitor):
    """Send a form twice at once, as a double click does: with the same cookie and token."""

    def send(visitor, form, **fields):
        button = fields.pop("button", None)
        cookie = visitor.client.get_cookie(SESSION_COOKIE)
        pages, start = [], threading.Barrier(2)

        def click():
            tab = new_visitor()
            tab.client.set_cookie(SESSION_COOKIE, cookie.value)
            start.wait()
            pages.append(tab.submit(form, button=button, **fields))

        threads = [threading.Thread(target=click) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return pages

    return send


def categories(pages):
    return sorted(category for page in pages for category, _text in page.flashes)


def test_registering_twice_registers_once(visitor, twice, records):
    page = visitor.get("/register/form")
    pages = twice(visitor, page.form("/register/form"), username="ada", email="ada@example.com", first_name="Ada",
                  last_name="Byron", password=PASSWORD)  # fmt: skip
    assert [(page.path, page.status) for page in pages] == [("/register/sent", 200)] * 2
    assert records.one(Registration).username == "ada"


def test_activating_twice_makes_one_member(visitor, twice, records):
    registration = RegistrationFactory()
    visitor.get("/login/")
    page = visitor.get(f"/register/activation/{registration.token}")
    pages = twice(visitor, page.form(f"/register/activation/{registration.token}"))
    assert [page.path for page in pages] == ["/login/"] * 2
    assert categories(pages) == ["info", "info"]
    assert records.count(Member) == 1


def test_two_concurrent_logins_both_succeed(visitor, twice, cast, records):
    form = visitor.get("/login/").form("/login/")
    pages = twice(visitor, form, username="friend", password=PASSWORD)
    assert [(page.path, page.status) for page in pages] == [("/", 200)] * 2
    assert {login.member_id for login in records.all(LoginSession)} == {cast.friend.id}


@pytest.mark.parametrize("path", ["/login/", "/login/?next=/parties/new"])
def test_a_login_form_left_open_in_another_tab_redirects(visitor, cast, path):
    tab = visitor.get(path).form("/login/")
    visitor.log_in("friend", PASSWORD)
    page = visitor.submit(tab, username="friend", password=PASSWORD)
    assert page.flashes[-1] == ("info", "You are already logged in.")
    assert page.path == ("/parties/new" if "next" in path else "/")


def test_logging_out_in_two_tabs_is_no_error(host):
    form = host.get("/").form("/logout/")
    host.submit(form)
    page = host.submit(form)
    assert (page.status, page.flashes) == (200, [("info", "You are logged out.")])


def test_a_form_from_before_the_logout_is_refused_and_says_why(host, cast, records):
    form = host.get("/parties/new").form("/parties/new")
    host.post("/logout/")
    page = host.submit(form, **DINNER)
    assert page.status == 400
    assert "This form was open for too long." in page.text
    assert records.count(DinnerParty) == 0


def test_a_party_sent_twice_is_created_once(host, twice, records):
    form = host.get("/parties/new").form("/parties/new")
    pages = twice(host, form, button=("action", "publish"), **DINNER)
    party = records.one(DinnerParty)
    assert [page.path for page in pages] == [f"/parties/{party.slug}/overview"] * 2
    assert [page.flashes for page in pages] == [[("info", "Party “Fondue” published.")]] * 2
    assert records.one(Rsvp).party_id == party.id


def test_a_party_form_changed_after_going_back_creates_another_party(host, records):
    form = host.get("/parties/new").form("/parties/new")
    host.submit(form, **DINNER)
    host.submit(form, **{**DINNER, "starts_at": "2040-01-08T19:00"})
    host.submit(host.get("/parties/new").form("/parties/new"), **{**DINNER, "venue": "Hut"})
    assert records.count(DinnerParty) == 3


def test_a_change_sent_twice_is_no_conflict(host, cast, twice, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    form = host.get(f"/parties/{party.slug}/edit").form("/edit")
    pages = twice(host, form, venue="The other house")
    assert [(page.path, page.status) for page in pages] == [(f"/parties/{party.slug}/overview", 200)] * 2
    assert records.fresh(party).version == 2
    assert records.count(OutboxEmail) == 1


def test_cancelling_a_party_twice_emails_every_guest_once(host, cast, twice, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    pages = twice(host, host.get(f"/parties/{party.slug}/overview").form("/cancel"))
    assert all(page.status == 200 and len(page.flashes) == 1 for page in pages)
    assert records.one(OutboxEmail).kind == "party_cancelled"


@pytest.mark.parametrize("kind", ["dinnerparties", "users", "registrations", "memberinvitations", "roles"])
def test_deleting_twice_is_reported_and_no_error(admin, cast, twice, kind, app):
    row = {"dinnerparties": DinnerPartyFactory, "users": lambda: cast.friend, "registrations": RegistrationFactory,
           "memberinvitations": MemberInvitationFactory, "roles": lambda: None}[kind]()  # fmt: skip
    pk = row.id if row else role_to_delete(admin)
    pages = twice(admin, admin.get(f"/{kind}/delete/{pk}").form(f"/delete/{pk}"))
    assert [page.status for page in pages] == [200, 200]
    assert categories(pages) == ["info", "warning"]
    later = admin.post(f"/{kind}/delete/{pk}")
    assert (later.path, later.flashes) == (f"/{kind}/list/", [("warning", "The selected rows no longer exist.")])
    assert admin.get(f"/{kind}/delete/{pk}").status == 404


def role_to_delete(admin):
    admin.submit(admin.get("/roles/add").form("/roles/add"), name="Short-lived")
    page = admin.get("/roles/list/?_flt_0_name=Short")
    return page.text.split("/roles/delete/")[1].split('"')[0]


def test_a_party_added_twice_in_the_generated_ui_has_correct_seats(admin, cast, twice, records):
    form = admin.get("/dinnerparties/add").form("/dinnerparties/add")
    pages = twice(admin, form, host="host", number_seats="8", duration_minutes="60", visibility="public",
                  status="published", **DINNER)  # fmt: skip
    assert [page.status for page in pages] == [200, 200]
    assert all(party.seats_taken == 1 for party in records.all(DinnerParty))


def test_an_action_sent_twice_is_done_once(admin, cast, twice, records):
    party = DinnerPartyFactory(host=cast.host)
    answer = RsvpFactory(party=party, member=cast.friend)
    page = admin.get("/rsvps/list/")
    pages = twice(admin, page.form("/rsvps/action_post"), rowid=str(answer.id), button=("action", "withdraw"))
    assert [len(page.flashes) for page in pages] == [1, 1]
    assert records.fresh(party).seats_taken == 1


def test_resending_twice_queues_once(admin, twice, records):
    letter = OutboxEmailFactory(failed=True)
    page = admin.get("/letters/list/")
    pages = twice(admin, page.form("/letters/action_post"), rowid=str(letter.id), button=("action", "resend"))
    assert [len(page.flashes) for page in pages] == [1, 1]
    assert records.one(OutboxEmail).state == "queued"
