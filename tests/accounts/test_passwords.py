"""Passwords: reset by e-mail, change, and which ones are accepted."""

import re
import threading
from datetime import timedelta

import pytest

from app import clock
from app.accounts import password_policy, tokens
from app.accounts.enums import TokenPurpose
from app.accounts.models import LoginSession, LoginThrottle, Member, Token, Totp
from app.audit.models import AuditEvent
from app.database import transaction
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, MemberFactory
from tests.support.statements import count_statements

NEW = "another evening, another soup"
ON_ITS_WAY = [("info", "If the address is registered, a link is on its way.")]
UPDATED = ("info", "Your password has been updated. Other devices were signed out.")
CORRECT = [("danger", "Please correct the fields that are marked.")]
TOO_COMMON = "This password is too common and easy to guess. Choose another one."
NAMED = "Your name is easy to guess. Do not use it in your password."


def forgot(visitor, email):
    return visitor.submit(visitor.get("/password/forgot").form("/password/forgot"), email=email)


def link_for(app, member, purpose=TokenPurpose.RESET_PASSWORD, **more):
    with app.app_context(), transaction():
        return f"/password/reset/{tokens.issue(purpose, member, **more)}"


def link_in(letter):
    path = re.search(r"/password/reset/\S+", letter.text).group()
    return path.replace("__secret__", letter.secret)


def reset(visitor, path, password=NEW):
    return visitor.submit(visitor.get(path).form(path), new_password=password)


def change(visitor, current=PASSWORD, new=NEW):
    page = visitor.get("/password/change")
    return visitor.submit(page.form("/password/change"), password=current, new_password=new)


def actions(records):
    return [event.action for event in records.all(AuditEvent)]


# -- reset request


def test_a_forgotten_password_is_reset_by_email(visitor, records, ada):
    assert 'href="/password/forgot"' in visitor.get("/login/").text
    page = forgot(visitor, "ADA@example.com")
    assert (page.path, page.flashes) == ("/login/", ON_ITS_WAY)
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient) == ("reset_password", ada.email)
    page = reset(visitor, link_in(letter))
    assert (page.path, page.flashes) == ("/login/", [UPDATED])
    assert visitor.log_in("ada", PASSWORD).status == 401
    assert visitor.log_in("ada", NEW).flashes == [("info", "Welcome, Ada Byron!")]
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["reset_password", "password_changed"]
    asked, changed = records.all(AuditEvent)[:2]
    assert (asked.action, asked.subject) == ("password_reset_asked", "ada")
    assert (changed.action, changed.actor) == ("password_reset", "ada")
    assert NEW not in str(records.dump())


def test_known_and_unknown_addresses_get_the_same_response_and_statements(new_visitor, records, ada):
    seen = []
    for email in (ada.email, "bob@example.com"):
        visitor = new_visitor()
        form = visitor.get("/password/forgot").form("/password/forgot")
        with count_statements() as statements:
            page = visitor.submit(form, email=email, follow=False)
        kinds = [statement.split()[0:3] for statement in statements if "SAVEPOINT" not in statement]
        seen.append((page.status, page.location, page.words, kinds))
    assert seen[0] == seen[1]
    assert actions(records) == ["password_reset_asked"] * 2
    assert records.one(OutboxEmail).recipient == ada.email


@pytest.mark.parametrize(
    "state",
    [{"inactive": True}, {"banned_at": clock.now()}, {"erased_at": clock.now()}],
    ids=["inactive", "banned", "erased"],
)
def test_a_blocked_member_gets_no_email_and_the_page_does_not_tell(visitor, app, records, state):
    member = MemberFactory(username="bob", **state)
    assert forgot(visitor, member.email).flashes == ON_ITS_WAY
    assert records.count(OutboxEmail) == 0
    path = link_for(app, member)
    assert visitor.get(path).status == 404
    assert visitor.post(path, {"new_password": NEW}).flashes == [("danger", "This link is not valid.")]


def test_an_email_address_gets_at_most_three_emails_an_hour(visitor, records, ada):
    for _attempt in range(5):
        assert forgot(visitor, ada.email).flashes == ON_ITS_WAY
    assert records.count(OutboxEmail) == 3
    clock.set_now(clock.now() + timedelta(hours=1, seconds=1))
    forgot(visitor, ada.email)
    assert records.count(OutboxEmail) == 4


@pytest.mark.parametrize("email", ["", "no address", "a@b\r\nBcc: all@example.com", "x" * 250 + "@example.com"])
def test_an_invalid_email_address_is_an_error_at_the_field(visitor, records, email):
    page = forgot(visitor, email)
    assert (page.status, page.flashes) == (422, CORRECT)
    assert records.count(OutboxEmail) == 0


# -- reset link


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_changes_nothing_and_sends_no_referrer(visitor, app, records, ada, method):
    path = link_for(app, ada)
    before = records.dump()
    answer = getattr(visitor.client, method)(path)
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert records.dump() == before


def test_a_link_works_once(visitor, app, records, ada):
    path = link_for(app, ada)
    reset(visitor, path)
    assert "This link has been used" in visitor.get(path).text
    page = visitor.post(path, {"new_password": "a third one, just as long"})
    assert (page.path, page.flashes) == ("/login/", [("info", "This link has already been used.")])
    assert visitor.log_in("ada", NEW).flashes[0][0] == "info"


def test_a_link_is_valid_for_an_hour(visitor, app, records, ada):
    path = link_for(app, ada)
    clock.set_now(clock.now() + timedelta(hours=1, seconds=1))
    assert "This link has expired" in visitor.get(path).text
    page = visitor.post(path, {"new_password": NEW})
    told = ("warning", "This link has expired. Request a new one.")
    assert (page.path, page.flashes) == ("/password/forgot", [told])
    assert records.fresh(ada).password == ada.password


@pytest.mark.parametrize("token", ["nonsense", "a" * 3000, "%F0%9F%8D%B7", "__secret__"])
def test_an_unknown_token_is_invalid(visitor, token):
    assert visitor.get(f"/password/reset/{token}").status == 404
    page = visitor.post(f"/password/reset/{token}", {"new_password": NEW})
    assert (page.path, page.flashes) == ("/password/forgot", [("danger", "This link is not valid.")])


def test_a_token_for_another_purpose_is_invalid(visitor, app, ada):
    path = link_for(app, ada, TokenPurpose.CHANGE_EMAIL)
    assert visitor.post(path, {"new_password": NEW}).flashes == [("danger", "This link is not valid.")]


def test_choosing_a_password_revokes_links_sessions_and_api_tokens(visitor, client_of, app, records, ada):
    devices = [client_of(ada), client_of(ada)]
    others = [link_for(app, ada), link_for(app, ada, TokenPurpose.CHANGE_EMAIL)]
    page = reset(devices[0], link_for(app, ada))
    # The current device shows no message about being signed out.
    assert (page.path, page.flashes) == ("/login/", [UPDATED])
    page = devices[1].get("/account/profile/")
    assert ("danger", "You were signed out because your password was changed.") in page.flashes
    assert [visitor.get(path).status for path in others] == [404, 404]
    assert records.fresh(ada).session_stamp != ada.session_stamp
    assert records.fresh(ada).password_changed_at is not None


def test_the_link_ends_a_lockout(visitor, new_visitor, app, records, ada):
    for name in ("ada", ada.email):
        for _attempt in range(6):
            page = visitor.log_in(name, "wrong")
        assert page.status == 429
    assert records.count(LoginThrottle) == 2
    assert forgot(visitor, ada.email).flashes == ON_ITS_WAY
    reset(visitor, link_for(app, ada))
    assert records.count(LoginThrottle) == 0
    assert new_visitor().log_in(ada.email, NEW).flashes == [("info", "Welcome, Ada Byron!")]


def test_the_link_does_not_replace_the_second_factor(visitor, app, records, ada):
    with app.app_context(), transaction() as session:
        session.add(Totp(member_id=ada.id, secret="x", confirmed_at=clock.now()))
    assert reset(visitor, link_for(app, ada)).path == "/login/"
    assert records.count(LoginSession) == 0
    page = visitor.get("/login/")
    page = visitor.submit(page.form("/login/"), username="ada", password=NEW, follow=False)
    assert page.location.startswith("/login/second-step")


@pytest.mark.both_databases
def test_twenty_concurrent_uses_of_a_link_set_one_password(app, new_visitor, records, ada):
    path = link_for(app, ada)
    barrier = threading.Barrier(20)

    def one(number):
        visitor = new_visitor()
        form = visitor.get(path).form(path)
        barrier.wait()
        flashes.extend(visitor.submit(form, new_password=f"soup number {number}, please").flashes)

    flashes = []
    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert flashes.count(UPDATED) == 1
    assert flashes.count(("info", "This link has already been used.")) == 19
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["password_changed"]


def test_a_refused_password_keeps_the_link_valid(visitor, app, records, ada):
    path = link_for(app, ada)
    for password, told in (("", CORRECT[0][1]), ("short", "Use at least 8 characters."), ("AdaByron", NAMED)):
        page = reset(visitor, path, password)
        assert (page.status, page.flashes) == (422, [("danger", told)])
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert not password or f'value="{password}"' not in page.text
    assert records.one(Token).used_at is None
    assert reset(visitor, path).flashes == [UPDATED]


def test_staff_need_longer_passwords(visitor, app, cast):
    path = link_for(app, cast.admin)
    assert "At least 15 characters." in visitor.get(path).text
    page = reset(visitor, path, "twelve or so")
    assert (page.status, page.flashes) == (422, [("danger", "Use at least 15 characters.")])


# -- change


@pytest.mark.both_databases
def test_changing_the_password_keeps_the_session(visitor, client_of, records, ada):
    device, other = client_of(ada), client_of(ada)
    with device.client.session_transaction() as session:
        copied = session["login"]
    page = change(device)
    assert (page.path, page.flashes) == ("/password/change", [UPDATED])
    assert device.get("/password/change").path == "/password/change"
    told = ("danger", "You were signed out because your password was changed.")
    assert told in other.get("/password/change").flashes
    # A copy of this device's cookie is invalid, too.
    with visitor.client.session_transaction() as session:
        session["login"], session["_user_id"] = copied, str(ada.id)
    assert visitor.get("/password/change").path == "/login/"
    assert visitor.log_in("ada", NEW).flashes == [("info", "Welcome, Ada Byron!")]
    assert records.fresh(ada).session_stamp != ada.session_stamp
    assert "password_changed" in [letter.kind for letter in records.all(OutboxEmail)]
    assert "password_changed" in actions(records)


def test_sending_the_form_again_changes_nothing(client_of, records, ada):
    device = client_of(ada)
    form = device.get("/password/change").form("/password/change")
    device.submit(form, password=PASSWORD, new_password=NEW)
    stored = records.fresh(ada).password
    page = device.submit(form, password=PASSWORD, new_password=NEW)
    assert (page.status, page.flashes) == (401, [("warning", "The password is incorrect.")])
    assert records.fresh(ada).password == stored
    assert device.get("/password/change").status == 200


def test_the_new_password_must_differ_from_the_current_one(client_of, records, ada):
    page = change(client_of(ada), new=PASSWORD)
    assert (page.status, page.flashes) == (422, [("danger", "The new password must differ from the current one.")])
    assert records.fresh(ada).password == ada.password


@pytest.mark.parametrize(
    ("current", "new", "status", "told"),
    [
        ("", NEW, 422, CORRECT),
        (PASSWORD, "", 422, CORRECT),
        ("wrong", NEW, 401, [("warning", "The password is incorrect.")]),
        (PASSWORD, "short", 422, [("danger", "Use at least 8 characters.")]),
        (PASSWORD, "password123", 422, [("danger", TOO_COMMON)]),
        (PASSWORD, "x" * 1025, 422, [("danger", "A password can have at most 1024 characters.")]),
    ],
)
def test_errors_are_shown_and_passwords_are_not_echoed(client_of, records, ada, current, new, status, told):
    page = change(client_of(ada), current, new)
    assert (page.status, page.flashes) == (status, told)
    assert [typed for typed in (current, new) if typed and f'value="{typed}"' in page.text] == []
    assert records.fresh(ada).password == ada.password


def test_guessing_the_current_password_is_throttled(client_of, ada):
    device = client_of(ada)
    answers = [change(device, f"guess number {number}") for number in range(6)]
    assert [page.status for page in answers] == [401] * 5 + [429]
    assert answers[-1].flashes == [("danger", "Too many failed attempts. Try again in 1 minute.")]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert change(device).status == 429


def test_the_login_continues_after_choosing_a_longer_password(visitor, app):
    short = "eleven char"
    with app.app_context():
        hashed = password_policy.hash_password(short)
    MemberFactory(username="boss", admin=True, password=hashed)
    page = visitor.log_in("boss", short)
    assert page.path == "/password/change"
    page = change(visitor, short, "quite a long password, this one")
    assert (page.path, page.flashes) == ("/", [UPDATED])
    assert visitor.get("/users/list/").status == 200


def test_a_reset_refuses_the_password_there_is(visitor, app, ada):
    path = link_for(app, ada)
    page = reset(visitor, path, PASSWORD)
    told = "The new password must differ from the current one."
    assert (page.status, page.flashes) == (422, [("danger", told)])
    assert "new_password-error" in page.text
    assert reset(visitor, path).path == "/login/"


def test_changing_the_password_requires_a_login(visitor):
    page = visitor.get("/password/change")
    assert (page.path, page.flashes) == ("/login/", [("info", "Please log in to access this page.")])
    page = visitor.post("/password/change", {"password": PASSWORD, "new_password": NEW})
    assert (page.status, page.flashes) == (401, [("info", "Please log in to access this page.")])
    assert page.form("/login/")
    assert NEW not in page.text


def test_a_member_without_a_password_reads_how_to_get_one(client_of, app, ada):
    device = client_of(ada)
    with app.app_context(), transaction() as session:
        session.get(Member, ada.id).password = None
    page = device.get("/password/change")
    assert "You log in without a password." in page.text
    assert device.post("/password/change", {"password": "x", "new_password": NEW}).status == 401


# -- password rules


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "k8#Wq2!x",
        "      spaces between us",
        "суп на ужин в восемь",
        "🍷🍲🥖🧀🍇🍰🕯🍽",
        "ليلة طويلة وعشاء",
        "x" + "".join(map(chr, range(0x4E00, 0x4E00 + 1023))),
    ],
)
def test_any_text_that_is_hard_to_guess_is_accepted(app, client_of, new_visitor, ada, password):
    assert change(client_of(ada), new=password).flashes == [UPDATED]
    assert new_visitor().log_in("ada", password).flashes == [("info", "Welcome, Ada Byron!")]


def test_passwords_are_compared_after_unicode_normalisation(client_of, new_visitor, ada):
    change(client_of(ada), new="cr\u00e8me br\u00fbl\u00e9e for two")
    assert new_visitor().log_in("ada", "cre\u0300me bru\u0302le\u0301e for two").flashes[0][0] == "info"


def test_a_password_that_cannot_be_encoded_is_a_wrong_one(app, ada):
    with app.app_context():
        assert not password_policy.matches(ada.password, "\ud800 and more")


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("password", TOO_COMMON),
        ("PassWord", TOO_COMMON),
        ("Password2024!", TOO_COMMON),
        ("P@ssw0rd!!", TOO_COMMON),
        ("p.a.s.s.w.o.r.d", TOO_COMMON),
        ("passwordpassword", TOO_COMMON),
        ("my-password-1", TOO_COMMON),
        ("dinnerparty", TOO_COMMON),
        ("D1nnerParty!", TOO_COMMON),
        ("dinner party 7", TOO_COMMON),
        ("aaaaaaaaaaaa", TOO_COMMON),
        ("abcabcabcabc", TOO_COMMON),
        ("12345678901234567890", TOO_COMMON),
        ("zyxwvutsrqpo", TOO_COMMON),
        ("qwertyuiopasdfgh", TOO_COMMON),
        ("iloveyouiloveyou", TOO_COMMON),
        ("countess", NAMED),
        ("c0unt3ss!", NAMED),
        ("ADA.BYRON.1815", NAMED),
        ("a-d-a-b-y-r-o-n", NAMED),
        ("byron-byron", NAMED),
        ("lovelace77", NAMED),
        ("ada in the evening garden", None),
        ("a countess would never guess", None),
    ],
)
def test_common_passwords_are_refused(app, password, told):
    names = ("countess", "lovelace@example.com", "Ada", "Byron")
    with app.test_request_context():
        assert password_policy.problem(password, names=names) == told
