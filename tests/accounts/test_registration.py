"""Registration: the form, the activation e-mail, and the link."""

import re
import threading
from datetime import timedelta

import pytest

from app import clock
from app.accounts import rules
from app.accounts.models import Member, Registration
from app.accounts.rules import token_hash
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory

ADA = {
    "username": "ada",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Byron",
    "password": "dinner at eight, please",
}
SENT = "If ada@example.com can be registered, we have sent an activation link there."


def register(visitor, **changes):
    page = visitor.get("/register/form")
    return visitor.submit(page.form("/register/form"), **{**ADA, **changes})


def link_in(letter):
    assert letter.secret
    path = re.search(r"/register/activation/\S+", letter.text).group()
    return path.replace("__secret__", letter.secret).rstrip(".")


def test_registering_stores_a_registration_and_its_email_together(visitor, records):
    page = register(visitor)
    assert page.flashes == [("info", SENT)]
    assert page.path == "/register/sent"
    registration = records.one(Registration)
    letter = records.one(OutboxEmail)
    assert (registration.username, registration.email) == ("ada", "ada@example.com")
    assert (letter.kind, letter.recipient) == ("activation", "ada@example.com")
    assert records.count(Member) == 0


def test_the_link_shows_a_button_and_its_post_activates(visitor, records, new_visitor):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    page = visitor.get(path)
    assert page.status == 200
    assert records.count(Member) == 0
    page = visitor.submit(page.form(path))
    assert page.flashes == [("info", "Your account is activated, you can now log in.")]
    assert records.one(Member).username == "ada"
    page = visitor.submit(page.form("/login/"), username="ADA", password=ADA["password"])
    assert page.flashes == [("info", "Welcome, Ada Byron!")]
    assert {letter.kind for letter in records.all(OutboxEmail)} == {"activation", "welcome"}


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_changes_nothing(visitor, records, method):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    before = records.dump()
    getattr(visitor.client, method)(path)
    assert records.dump() == before


def test_a_link_works_once(visitor, records):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    visitor.post(path)
    page = visitor.post(path)
    assert page.flashes == [("info", "This account is already activated.")]
    assert records.count(Member) == 1


def test_a_link_expires_after_48_hours_and_can_be_resent(visitor, records):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    clock.set_now(clock.now() + timedelta(hours=48, seconds=1))
    page = visitor.post(path)
    assert page.flashes == [("warning", "This link has expired. Request a new one.")]
    assert records.count(Member) == 0
    visitor.submit(page.form("/register/resend"))
    newest = max(records.all(OutboxEmail), key=lambda letter: letter.id)
    assert visitor.post(link_in(newest)).flashes == [("info", "Your account is activated, you can now log in.")]


@pytest.mark.parametrize("token", ["nonsense", "a" * 3000, "%F0%9F%8D%B7", "__secret__"])
def test_an_unknown_token_is_not_found(visitor, token):
    assert visitor.get(f"/register/activation/{token}").status == 404
    page = visitor.post(f"/register/activation/{token}")
    assert page.flashes == [("danger", "Registration not found")]


def test_a_truncated_token_is_not_found(visitor, records):
    register(visitor)
    page = visitor.post(link_in(records.one(OutboxEmail))[:-1])
    assert page.flashes == [("danger", "Registration not found")]
    assert records.count(Member) == 0


def test_the_token_is_in_clear_only_in_the_unsent_email(visitor, records):
    register(visitor)
    letter, registration = records.one(OutboxEmail), records.one(Registration)
    assert registration.registration_hash == token_hash(letter.secret)
    assert letter.secret not in letter.text + letter.html + letter.subject + letter.dedupe_key
    assert letter.secret not in str({**records.dump(), "letter": None})


def test_a_known_address_gets_the_same_page_and_another_email(visitor, new_visitor, records, cast):
    unknown = register(visitor)
    known = register(new_visitor(), username="augusta", email=cast.friend.email)
    assert known.words.replace(cast.friend.email, "") == unknown.words.replace("ada@example.com", "")
    assert [category for category, _text in known.flashes] == ["info"]
    letter = next(letter for letter in records.all(OutboxEmail) if letter.recipient == cast.friend.email)
    assert letter.kind == "already_registered"
    assert records.count(Registration) == 1


@pytest.mark.both_databases
def test_registering_again_replaces_the_first_registration(visitor, records):
    register(visitor, first_name="Adda")
    old = link_in(records.one(OutboxEmail))
    register(visitor)
    assert records.one(Registration).first_name == "Ada"
    assert visitor.post(old).flashes == [("danger", "Registration not found")]


def test_a_contested_registration_needs_the_last_password(visitor, new_visitor, records):
    register(visitor)
    register(new_visitor(), password="a password of the stranger")
    path = link_in(max(records.all(OutboxEmail), key=lambda letter: letter.id))
    page = visitor.get(path)
    page = visitor.submit(page.form(path), password=ADA["password"])
    told = ("danger", "Enter the password that you chose most recently when you registered.")
    assert (page.status, page.flashes) == (422, [told])
    assert visitor.post(path).flashes == [told]
    assert records.count(Member) == 0
    register(visitor)
    path = link_in(max(records.all(OutboxEmail), key=lambda letter: letter.id))
    page = visitor.submit(visitor.get(path).form(path), password=ADA["password"])
    assert page.flashes == [("info", "Your account is activated, you can now log in.")]


def test_registering_twice_with_the_same_password_needs_no_password(visitor, records):
    register(visitor)
    register(visitor, first_name="Augusta Ada")
    path = link_in(max(records.all(OutboxEmail), key=lambda letter: letter.id))
    assert visitor.post(path).flashes == [("info", "Your account is activated, you can now log in.")]


def test_of_two_pending_activation_emails_only_the_newer_one_is_sent(visitor, records):
    register(visitor)
    register(visitor)
    older, newer = sorted(records.all(OutboxEmail), key=lambda letter: letter.id)
    assert (older.state, older.last_error, older.secret) == ("failed", "Superseded by a newer e-mail.", None)
    assert newer.state == "queued"


def test_an_email_address_gets_at_most_three_emails_a_day(visitor, records):
    for _attempt in range(6):
        assert register(visitor).flashes == [("info", SENT)]
    assert records.count(OutboxEmail) == 3
    clock.set_now(clock.now() + timedelta(days=1, minutes=1))
    register(visitor)
    assert records.count(OutboxEmail) == 4


@pytest.mark.parametrize("taken", ["friend", "FRIEND", "Friend"])
def test_a_taken_username_is_refused_at_the_field_whatever_its_case(visitor, cast, records, taken):
    MemberFactory(username="friend-of-all")
    page = register(visitor, username=cast.friend.username.upper() if taken.isupper() else cast.friend.username)
    assert page.status == 422
    assert page.flashes == [("danger", "Please correct the fields that are marked.")]
    assert "This username is already taken." in page.text
    assert 'value="ada@example.com"' in page.text
    assert records.count(Registration) == 0


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 21, "admin", "ADMIN", "a@b", "a b", "-ada", "ada.", "ада", "<b>", "🍷🍷🍷", "a\x00da\x00" * 9],
)
def test_a_username_that_cannot_be_part_of_a_url_is_refused(visitor, records, name):
    page = register(visitor, username=name)
    assert page.status == 422
    assert [category for category, _text in page.flashes] == ["danger"]
    assert records.count(Registration) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"email": ""},
        {"email": "no address"},
        {"email": "ada@example.com\r\nBcc: all@example.com"},
        {"first_name": ""},
        {"last_name": "x" * 65},
        {"password": ""},
        {"password": "short"},
        {"password": "x" * 1025},
    ],
)
def test_errors_are_shown_at_the_fields_and_the_rest_is_kept(visitor, records, changes):
    page = register(visitor, **changes)
    assert page.status == 422
    assert page.flashes == [("danger", "Please correct the fields that are marked.")]
    assert 'value="ada"' in page.text
    assert ADA["password"] not in page.text
    assert records.count(Registration) == 0


@pytest.mark.parametrize(
    "name", ["O'Hara", "<script>alert(1)</script>", "'; DROP TABLE ab_user; --", "🍷 ليلى", "a\x00b"]
)
@pytest.mark.both_databases
def test_markup_in_a_name_is_escaped(visitor, records, name):
    page = register(visitor, first_name=name)
    assert page.flashes == [("info", SENT)]
    letter = records.one(OutboxEmail)
    assert "<script>" not in letter.html
    assert records.one(Registration).first_name == name.replace("\x00", "")


def test_filling_in_the_honeypot_field_asks_whether_it_is_a_person(visitor, records):
    page = register(visitor, comment="https://spam.example", email="A&B@example.com")
    assert page.flashes == [("warning", "One more step: please confirm that you are a person.")]
    assert records.count(Registration) == records.count(OutboxEmail) == 0
    assert ADA["password"] not in page.text
    form = page.form("/register/form")
    assert form.fields["first_name"] == ADA["first_name"]
    page = visitor.submit(form)
    assert page.flashes == [("info", "If A&B@example.com can be registered, we have sent an activation link there.")]
    path = link_in(records.one(OutboxEmail))
    visitor.submit(visitor.get(path).form(path))
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=ADA["password"])
    assert page.flashes == [("info", "Welcome, Ada Byron!")]


def test_what_a_person_typed_wrongly_is_shown_after_the_honeypot(visitor, records):
    page = visitor.submit(register(visitor, comment="x", username="a b").form("/register/form"))
    assert (page.status, page.flashes[0][0]) == (422, "danger")
    assert page.form("/register/form").fields["email"] == ADA["email"]
    assert records.count(Registration) == 0


def test_a_password_is_sealed_for_an_hour(visitor):
    form = register(visitor, comment="x").form("/register/form")
    clock.set_now(clock.now() + timedelta(hours=1, seconds=2))
    assert "This field is required." in visitor.submit(form).text


def test_password_managers_find_no_meaning_in_the_honeypot(visitor):
    field = re.search(r"<input[^>]*name=\"comment\"[^>]*>", visitor.get("/register/form").text).group()
    assert 'autocomplete="off"' in field
    assert "data-1p-ignore" in field


@pytest.mark.both_databases
def test_an_expired_registration_does_not_reserve_its_username(visitor, records):
    RegistrationFactory(username="ada", email="other@example.com", expired=True)
    assert register(visitor).flashes == [("info", SENT)]
    assert records.one(Registration).email == "ada@example.com"


@pytest.mark.both_databases
def test_activation_fails_cleanly_when_the_username_was_taken_meanwhile(visitor, records):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    MemberFactory(username="ada", email="another@example.com")
    page = visitor.post(path)
    assert page.flashes == [("danger", "Not possible to register you at the moment, try again later")]
    assert records.one(Registration).activated_at is None


def test_resending_to_an_unknown_address_shows_the_same_page_and_sends_nothing(visitor, records):
    page = visitor.post("/register/resend", {"email": "nobody@example.com"})
    assert page.flashes == [("info", "If nobody@example.com can be registered, we have sent an activation link there.")]
    assert records.count(OutboxEmail) == 0


def test_the_email_is_in_the_visitors_language(new_visitor, records):
    visitor = new_visitor()
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es"
    register(visitor)
    letter = records.one(OutboxEmail)
    assert letter.locale == "es"
    assert 'lang="es"' in letter.html


def test_links_use_the_public_url_whatever_the_host_header(visitor, records):
    answer = visitor.client.get("/register/form", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    register(visitor)
    assert "evil.example" not in str(records.dump())


@pytest.mark.both_databases
def test_twenty_concurrent_registrations_of_a_username_store_one(app, new_visitor, records):
    barrier = threading.Barrier(20)

    def one(number):
        visitor = new_visitor()
        page = visitor.get("/register/form")
        barrier.wait()
        pages.append(visitor.submit(page.form("/register/form"), **{**ADA, "email": f"ada{number}@example.com"}))

    pages = []
    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(page.status for page in pages) == [200] + [422] * 19
    assert all("This username is already taken." in page.text for page in pages if page.status == 422)
    assert records.one(Registration).username == "ada"


@pytest.mark.both_databases
def test_twenty_concurrent_activations_create_one_member(visitor, new_visitor, records):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    barrier = threading.Barrier(20)

    def one():
        visitor = new_visitor()
        visitor.get("/login/")
        barrier.wait()
        flashes.append(visitor.post(path).flashes[0])

    flashes = []
    threads = [threading.Thread(target=one) for _number in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert flashes.count(("info", "Your account is activated, you can now log in.")) == 1
    assert flashes.count(("info", "This account is already activated.")) == 19
    assert records.count(Member) == 1
    assert [letter.kind for letter in records.all(OutboxEmail)].count("welcome") == 1


def test_the_password_is_stored_as_a_hash(visitor, records):
    register(visitor)
    visitor.post(link_in(records.one(OutboxEmail)))
    member = records.one(Member)
    assert ADA["password"] not in str(records.dump())
    assert member.password.startswith("$argon2id$")
    assert records.one(Registration).password is None
    assert ADA["password"] != PASSWORD


@pytest.mark.rate_limits
def test_invalid_forms_do_not_count_towards_the_limit(visitor):
    for _attempt in range(61):
        assert register(visitor, email="").status == 422
    assert register(visitor).path == "/register/sent"


@pytest.mark.parametrize(
    ("state", "flash"),
    [
        ("unknown", ("danger", "Registration not found")),
        ("expired", ("warning", "This link has expired. Request a new one.")),
        ("activated", ("info", "This account is already activated.")),
    ],
)
def test_an_unusable_link_says_so_when_it_is_opened(visitor, state, flash):
    token = "unknown" if state == "unknown" else RegistrationFactory(**{state: True}).token
    page = visitor.get(f"/register/activation/{token}")
    assert page.flashes == [flash]
    assert visitor.get("/login/").flashes == []


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Ada Byron", ["ada.byron", "ada.byron2"]),
        ("José Álvarez Núñez", ["jose.alvarez.nunez"]),
        ("Maximiliana von und zu Oberpfaffenhofen", ["maximiliana.von.und"]),
        ("ليلى حداد", ["guest-"]),
        ("Admin", ["guest-"]),
    ],
)
def test_a_username_is_proposed_from_the_name(name, proposed):
    found = list(rules.usernames_like(name))
    assert all(rules.is_username(username) for username in found)
    assert all(username.startswith(start) for username, start in zip(found, proposed, strict=False))


def test_nobody_has_to_think_of_a_username(visitor, records):
    MemberFactory(username="ada.byron")
    register(visitor, username="")
    assert records.one(Registration).username == "ada.byron2"
