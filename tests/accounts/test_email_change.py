"""Members change their e-mail address: the new address confirms it, the old one can undo it."""

import re
import threading
from datetime import timedelta

import pytest

from app import clock
from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.accounts.models import LoginSession
from app.audit.models import AuditEvent
from app.database import transaction
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, DinnerPartyFactory, MemberFactory, RsvpFactory
from tests.support.statements import count_statements

PATH = "/account/email/"
NEW, OLD = "new@example.com", "ada@example.com"
CONFIRMED = [("info", f"Your e-mail address is now {NEW}.")]
UNDONE = [("info", f"{OLD} is your e-mail address again. We have sent you a link to choose a new password.")]
REFUSED = [("danger", "Not possible to change your e-mail address at the moment, try again later")]


@pytest.fixture
def ada_browser(client_of, ada):
    return client_of(ada)


def requested_flash(email):
    return [("info", f"If {email} can be used, a link to confirm it is on its way there.")]


def ask(visitor, email=NEW):
    return visitor.submit(visitor.get(PATH).form(PATH), email=email)


def link_in(letter):
    path = re.search(r"/account/email/(?:confirm|undo)/\S+", letter.text).group()
    return path.replace("__secret__", letter.secret)


def email_of(records, kind):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind][-1]


def press(visitor, path):
    return visitor.submit(visitor.get(path).form(path))


def link_for(app, member, purpose=TokenPurpose.CHANGE_EMAIL, email=NEW):
    page = {TokenPurpose.CHANGE_EMAIL: "confirm", TokenPurpose.UNDO_EMAIL: "undo"}[purpose]
    with app.app_context(), transaction():
        return f"/account/email/{page}/{tokens.issue(purpose, member, data={'email': email})}"


# -- request


def test_requesting_a_change_emails_both_addresses_and_changes_nothing(ada_browser, ada, records):
    page = ask(ada_browser, "NEW@example.com")
    assert (page.path, page.flashes) == (PATH, requested_flash("NEW@example.com"))
    letters = {letter.kind: letter for letter in records.all(OutboxEmail)}
    assert {kind: letter.recipient for kind, letter in letters.items()} == {
        "change_email": NEW,
        "email_change_notice": OLD,
    }
    assert NEW in letters["email_change_notice"].text
    assert records.fresh(ada).email == OLD
    event = records.all(AuditEvent)[-1]
    assert (event.action, event.actor, event.after) == ("email_change_asked", "ada", {"email": NEW})


def test_a_taken_address_gets_the_same_response_with_the_same_statements(ada_browser, ada, cast, records):
    seen = []
    for email in (NEW, cast.friend.email):
        form = ada_browser.get(PATH).form(PATH)
        with count_statements() as statements:
            page = ada_browser.submit(form, email=email, follow=False)
        seen.append((page.status, page.location, len(statements)))
        assert ada_browser.get(PATH).flashes == requested_flash(email)
    assert seen[0] == seen[1]
    assert email_of(records, "already_registered").recipient == cast.friend.email
    assert not [
        letter for letter in records.all(OutboxEmail) if letter.secret and letter.recipient == cast.friend.email
    ]


def test_a_new_request_revokes_the_earlier_link(ada_browser, visitor, records):
    ask(ada_browser)
    first = link_in(email_of(records, "change_email"))
    ask(ada_browser, "newer@example.com")
    assert visitor.get(first).status == 404
    assert visitor.post(first).flashes == [("danger", "This link is not valid.")]


def test_an_email_address_gets_at_most_three_emails_an_hour(ada_browser, client_of, cast, records):
    for visitor in (ada_browser, client_of(cast.host)):
        for _attempt in range(4):
            assert ask(visitor).flashes == requested_flash(NEW)
    sent = [letter.recipient for letter in records.all(OutboxEmail) if letter.kind != "new_device"]
    assert (sent.count(NEW), sent.count(OLD)) == (3, 3)


@pytest.mark.rate_limits
def test_a_member_can_request_a_change_five_times_an_hour(ada_browser):
    for _attempt in range(5):
        assert ask(ada_browser).status == 200
    assert ask(ada_browser).status == 429


@pytest.mark.parametrize(
    ("email", "text"),
    [
        ("", "Please correct the fields that are marked."),
        ("no address", "Please correct the fields that are marked."),
        ("a@example.com\r\nBcc: b@example.com", "Please correct the fields that are marked."),
        ("ADA@example.com", "That is already your e-mail address."),
    ],
)
def test_an_invalid_address_is_an_error_at_the_field(ada_browser, records, email, text):
    page = ask(ada_browser, email)
    assert (page.status, page.flashes) == (422, [("danger", text)])
    assert records.count(OutboxEmail) == 0


def test_requesting_a_change_requires_a_fresh_login(visitor, ada_browser, records):
    assert visitor.get(PATH).path == "/login/"
    form = ada_browser.get(PATH).form(PATH)
    clock.set_now(clock.now() + timedelta(minutes=11))
    assert ada_browser.get(PATH).path == "/login/again"
    page = ada_browser.submit(form, email=NEW)
    assert (page.status, page.flashes) == (401, [("warning", "Please reauthenticate to access this page.")])
    assert records.count(OutboxEmail) == 0
    page = ada_browser.submit(page.form("/login/again"), password=PASSWORD)
    assert ada_browser.submit(page.form(PATH)).flashes == requested_flash(NEW)


# -- confirmation


@pytest.mark.both_databases
def test_the_new_address_can_be_confirmed_without_a_login(visitor, ada_browser, ada, records):
    party = DinnerPartyFactory()
    answer = RsvpFactory(party=party, member=ada)
    ask(ada_browser)
    page = press(visitor, link_in(email_of(records, "change_email")))
    assert (page.path, page.flashes) == ("/login/", CONFIRMED)
    assert records.fresh(ada).email == NEW
    assert records.fresh(answer).email == NEW
    letter = email_of(records, "email_changed")
    assert letter.recipient == OLD
    assert ada_browser.get("/account/profile/").path == "/account/profile/"
    (event,) = (event for event in records.all(AuditEvent) if event.action == "email_changed")
    assert (event.actor, event.before, event.after) == ("ada", {"email": OLD}, {"email": NEW})
    assert visitor.log_in(NEW, PASSWORD).flashes == [("info", "Welcome, Ada Byron!")]


def test_a_logged_in_member_sees_their_profile_after_confirming(ada_browser, app, ada):
    page = press(ada_browser, link_for(app, ada))
    assert (page.path, page.flashes) == ("/account/profile/", CONFIRMED)
    assert NEW in page.text


@pytest.mark.parametrize("purpose", [TokenPurpose.CHANGE_EMAIL, TokenPurpose.UNDO_EMAIL])
@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_changes_nothing_and_sends_no_referrer(visitor, app, ada, records, purpose, method):
    path = link_for(app, ada, purpose)
    before = records.dump()
    answer = getattr(visitor.client, method)(path)
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert records.dump() == before
    assert visitor.post(path, follow=False).headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("purpose", "lasts", "late"),
    [
        (TokenPurpose.CHANGE_EMAIL, timedelta(hours=24), "This link has expired. Request a new one."),
        (TokenPurpose.UNDO_EMAIL, timedelta(days=7), "This link has expired. Ask an administrator for help."),
    ],
)
def test_a_link_works_once_and_expires(visitor, app, ada, records, purpose, lasts, late):
    path = link_for(app, ada, purpose)
    assert press(visitor, path).flashes[0][0] == "info"
    assert "This link has been used" in visitor.get(path).text
    assert visitor.post(path).flashes == [("info", "This link has already been used.")]
    path = link_for(app, ada, purpose, "newer@example.com")
    clock.set_now(clock.now() + lasts + timedelta(seconds=1))
    assert "This link has expired" in visitor.get(path).text
    assert visitor.post(path).flashes == [("warning", late)]
    assert records.fresh(ada).email == NEW


@pytest.mark.parametrize("page", ["confirm", "undo"])
@pytest.mark.parametrize("token", ["nonsense", "a" * 3000, "%F0%9F%8D%B7"])
def test_an_unknown_link_is_invalid(visitor, page, token):
    path = f"/account/email/{page}/{token}"
    assert visitor.get(path).status == 404
    assert visitor.post(path).flashes == [("danger", "This link is not valid.")]


def test_links_of_a_banned_member_are_invalid(visitor, app, records):
    member = MemberFactory(username="bob", banned_at=clock.now())
    for purpose in (TokenPurpose.CHANGE_EMAIL, TokenPurpose.UNDO_EMAIL):
        assert visitor.post(link_for(app, member, purpose)).flashes == [("danger", "This link is not valid.")]
    assert records.fresh(member).email == "bob@example.com"


@pytest.mark.both_databases
def test_an_address_taken_meanwhile_is_refused_without_revealing_its_owner(visitor, ada_browser, app, ada, records):
    path = link_for(app, ada)
    MemberFactory(username="faster", email=NEW.upper())
    page = press(visitor, path)
    assert (page.path, page.flashes) == ("/login/", REFUSED)
    assert records.fresh(ada).email == OLD
    assert press(ada_browser, path).path == "/account/profile/"


@pytest.mark.both_databases
def test_twenty_concurrent_confirmations_change_the_address_once(app, new_visitor, ada, records):
    path = link_for(app, ada)
    barrier = threading.Barrier(20)

    def one():
        visitor = new_visitor()
        form = visitor.get(path).form(path)
        barrier.wait()
        flashes.extend(visitor.submit(form).flashes)

    flashes = []
    threads = [threading.Thread(target=one) for _number in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert flashes.count(CONFIRMED[0]) == 1
    assert flashes.count(("info", "This link has already been used.")) == 19
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["email_changed"]


# -- undo


@pytest.mark.both_databases
def test_undoing_a_change_restores_the_address_and_removes_password_and_sessions(visitor, ada_browser, ada, records):
    answer = RsvpFactory(member=ada)
    ask(ada_browser)
    press(ada_browser, link_in(email_of(records, "change_email")))
    page = press(visitor, link_in(email_of(records, "email_changed")))
    assert (page.path, page.flashes) == ("/login/", UNDONE)
    member = records.fresh(ada)
    assert (member.email, member.password) == (OLD, None)
    assert member.session_stamp != ada.session_stamp
    assert records.fresh(answer).email == OLD
    assert ada_browser.get("/account/profile/").path == "/login/"
    assert email_of(records, "email_change_undone").recipient == NEW
    letter = email_of(records, "reset_password")
    assert letter.recipient == OLD
    assert visitor.log_in("ada", PASSWORD).status == 401
    path = re.search(r"/password/reset/\S+", letter.text).group().replace("__secret__", letter.secret)
    visitor.submit(visitor.get(path).form(path), new_password="another evening, another soup")
    assert visitor.log_in("ada", "another evening, another soup").flashes == [("info", "Welcome, Ada Byron!")]
    assert "email_change_undone" in [event.action for event in records.all(AuditEvent)]


def test_undoing_a_change_while_logged_in_shows_one_message(ada_browser, app, ada, records):
    page = press(ada_browser, link_for(app, ada, TokenPurpose.UNDO_EMAIL, "older@example.com"))
    assert page.path == "/login/"
    assert [category for category, _text in page.flashes] == ["info"]
    assert records.count(LoginSession) == 0


def test_after_a_second_change_the_first_cannot_be_undone(visitor, ada_browser, ada, records):
    ask(ada_browser)
    press(ada_browser, link_in(email_of(records, "change_email")))
    owners = link_in(email_of(records, "email_changed"))
    ask(ada_browser, "newest@example.com")
    press(ada_browser, link_in(email_of(records, "change_email")))
    intruders = link_in(email_of(records, "email_changed"))
    assert email_of(records, "email_changed").recipient == NEW
    assert press(visitor, owners).flashes == UNDONE
    assert visitor.post(intruders).flashes == [("danger", "This link is not valid.")]
    assert records.fresh(ada).email == OLD


def test_the_owner_can_still_undo_the_first_change_after_the_second_was_undone(visitor, app, ada, records):
    owners = link_for(app, ada, TokenPurpose.UNDO_EMAIL, OLD)
    intruders = link_for(app, ada, TokenPurpose.UNDO_EMAIL, NEW)
    press(visitor, intruders)
    assert records.fresh(ada).email == NEW
    assert press(visitor, owners).flashes == UNDONE
    assert records.fresh(ada).email == OLD


def test_an_old_address_that_another_member_has_by_now_is_not_restored(visitor, app, ada, records):
    MemberFactory(username="other", email=NEW)
    assert press(visitor, link_for(app, ada, TokenPurpose.UNDO_EMAIL)).flashes == REFUSED
    assert records.fresh(ada).email == OLD


def test_emails_are_in_the_members_language(client_of, records):
    member = MemberFactory(username="lola", locale="es")
    ask(client_of(member))
    assert {letter.locale for letter in records.all(OutboxEmail)} == {"es"}
