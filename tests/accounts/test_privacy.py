"""Data export and account deletion."""

import io
import json
import re
import threading
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from flask_appbuilder.security.sqla.models import ApiKey, assoc_user_role
from icalendar import Calendar
from sqlalchemy import insert, select, update

from app import clock
from app.accounts import login_throttle
from app.accounts.api_keys import service as api_key_service
from app.accounts.enums import TokenPurpose
from app.accounts.login import authentication
from app.accounts.models import (
    DirectoryPerson,
    ExternalIdentity,
    LoginSession,
    LoginThrottle,
    Member,
    MemberInvitation,
    Passkey,
    RecoveryCode,
    Registration,
    Token,
    Totp,
    TrustedDevice,
)
from app.accounts.privacy import data_export
from app.accounts.users import account_deletion
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailState, OutboxEmail
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import (
    PASSWORD,
    DinnerPartyFactory,
    MemberFactory,
    OutboxEmailFactory,
    RegistrationFactory,
    RsvpFactory,
)

HERE = "/account/data/"
LATER = timedelta(days=14, seconds=1)
ADA = {"username": "ada", "email": "friend@example.com", "first_name": "Ada", "last_name": "B.", "password": PASSWORD}


@pytest.fixture
def friend(client_of, cast):
    return client_of(cast.friend)


@pytest.fixture
def run_due_deletions(app):
    """Run due account deletions; return how many were carried out."""

    def due():
        with app.app_context():
            return account_deletion.run_due()

    return due


def ask(visitor, password=PASSWORD):
    """Request the deletion of the account."""
    return visitor.submit(visitor.get(f"{HERE}erase").form("/erase"), password=password)


def store(app, *rows):
    with app.app_context(), transaction():
        db.session.add_all(rows)


def emails(records, kind):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind]


def link_in(letter):
    return re.search(r"/account/data/keep/\S+", letter.text).group().replace("__secret__", letter.secret)


def events(records, action):
    return [event for event in records.all(AuditEvent) if event.action == action]


def files_in(page):
    with zipfile.ZipFile(io.BytesIO(page.response.get_data())) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


# -- data export


def secrets_of(app, member):
    """Store one secret of each kind for a member; return all of them."""
    store(
        app,
        Totp(member_id=member.id, secret="sealed totp secret", confirmed_at=clock.now()),
        RecoveryCode(member_id=member.id, code_hash="hash of a code"),
        Passkey(member_id=member.id, name="Phone", credential_id="credential", public_key=b"public key"),
        ExternalIdentity(member_id=member.id, issuer="https://id.example", subject="ada"),
        DirectoryPerson(member_id=member.id, unique_id="entryuuid:1815", username="ada", email="ada@example.com"),
        Token(
            purpose=TokenPurpose.RESET_PASSWORD,
            member_id=member.id,
            token_hash="hash of a token",
            expires_at=clock.now(),
        ),
    )
    with app.app_context(), transaction():
        key = api_key_service.create(member, "Calendar")
        hashes = [login.token_hash for login in db.session.scalars(select(LoginSession))]
        hashes += [device.token_hash for device in db.session.scalars(select(TrustedDevice))]
        stored = db.session.get(Member, member.id)
        hashes += [key.secret, key.key.lookup_hash, stored.password, stored.session_stamp]
    return [
        *hashes,
        "sealed totp secret",
        "hash of a code",
        "credential",
        "public key",
        "hash of a token",
        "open sesame",
    ]


def test_the_data_export_has_everything_but_secrets(friend, app, cast, records):
    secrets = secrets_of(app, cast.friend)
    OutboxEmailFactory(recipient="FRIEND@example.com", text="Open __secret__", secret="open sesame")
    OutboxEmailFactory(recipient=cast.stranger.email, text="a letter to the stranger")
    DinnerPartyFactory(host=cast.friend, title="Raclette")
    table = DinnerPartyFactory(host=cast.host, title="Tagine")
    RsvpFactory(party=table, member=cast.friend, note="I bring bread")
    RsvpFactory(party=table, member=cast.stranger, note="a note of the stranger")
    page = friend.submit(friend.get(HERE).form("/export"))
    assert page.headers["Content-Type"] == "application/zip"
    assert re.fullmatch(r'attachment; filename="friend-\d{4}-\d\d-\d\d\.zip"', page.headers["Content-Disposition"])
    assert page.headers["Cache-Control"] == "no-store"
    files = files_in(page)
    read = {name: json.loads(content) for name, content in files.items() if name.endswith(".json")}
    assert read["account.json"]["email"] == cast.friend.email
    assert read["account.json"]["roles"] == ["Guest"]
    assert read["account.json"]["passkeys"][0]["name"] == "Phone"
    assert read["account.json"]["joined_at"].endswith("Z")
    assert len(read["logins.json"]) == len(read["devices.json"]) == 1
    assert read["api_keys.json"][0]["name"] == "Calendar"
    assert [party["title"] for party in read["parties.json"]] == ["Raclette"]
    assert {answer["party"]["title"]: answer["note"] for answer in read["answers.json"]} == {
        "Raclette": "",
        "Tagine": "I bring bread",
    }
    assert "Open …" in [letter["text"] for letter in read["letters.json"]]
    assert "logged_in" in [event["action"] for event in read["audit.json"]]
    everything = b"".join(files.values()).decode()
    for secret in [*secrets, "the stranger", cast.stranger.email, cast.host.email]:
        assert secret not in everything
    assert friend.get(HERE).flashes == [("info", "The file you have just downloaded contains your data.")]
    assert len(events(records, "data_exported")) == 1


def test_the_data_export_does_not_name_administrators(friend, client_of, app, cast):
    store(app, AuditEvent(action="member_signed_out", subject_type="member", subject_id=cast.friend.id, subject="friend",
                          actor_id=cast.admin.id, actor="boss", address="203.0.113.9", after={"reason": "A test"}))  # fmt: skip
    audit = json.loads(files_in(friend.post(f"{HERE}export"))["audit.json"])
    told = next(event for event in audit if event["action"] == "member_signed_out")
    assert (told["by_yourself"], told["after"]) == (False, {"reason": "A test"})
    assert "boss" not in str(audit)
    assert "203.0.113.9" not in str(audit)


def test_the_data_export_leaves_out_parties_that_one_may_not_see(friend, cast):
    table = DinnerPartyFactory(private=True, title="A secret table")
    RsvpFactory(party=table, member=cast.friend, status=RsvpStatus.REMOVED)
    files = files_in(friend.post(f"{HERE}export"))
    assert json.loads(files["answers.json"])[0]["party"] is None
    assert b"A secret table" not in b"".join(files.values())


def test_the_data_export_has_a_calendar_in_the_parties_time_zones(friend, cast):
    clock.set_now(clock.now())
    summer = datetime(clock.now().year + 1, 7, 1, 18, 0, tzinfo=UTC)
    mine = DinnerPartyFactory(host=cast.friend, starts_at=summer, timezone="Europe/Madrid", title="Paella, for eight")
    far = DinnerPartyFactory(host=cast.friend, starts_at=summer.replace(year=2500), timezone="Asia/Tokyo")
    theirs = DinnerPartyFactory(timezone="Africa/Cairo")
    RsvpFactory(party=theirs, member=cast.friend)
    RsvpFactory(party=DinnerPartyFactory(title="Full"), member=cast.friend, waiting=True)
    DinnerPartyFactory(host=cast.friend, draft=True)
    first, again = (files_in(friend.post(f"{HERE}export"))["dinners.ics"] for _ in range(2))
    calendar = Calendar.from_ical(first)
    dinners = {str(event["uid"]): event for event in calendar.events}
    assert set(dinners) == {f"dinner-{party.id}@localhost" for party in (mine, theirs, far)}
    paella = dinners[f"dinner-{mine.id}@localhost"]
    assert paella.start.isoformat() == f"{summer.year}-07-01T20:00:00+02:00"
    assert paella.end - paella.start == timedelta(hours=3)
    assert (str(paella["summary"]), paella["dtstart"].params["TZID"]) == ("Paella, for eight", "Europe/Madrid")
    assert {zone.tz_name for zone in calendar.timezones} == {"Europe/Madrid", "Africa/Cairo"}
    assert first == again


@pytest.mark.both_databases
def test_the_data_export_of_many_rows_takes_no_more_memory(app, cast):
    email = {"recipient": cast.friend.email, "recipient_key": cast.friend.email, "kind": "welcome", "message_id": "",
             "locale": "en", "timezone": "UTC", "subject": "Hello", "text": "word " * 2000, "html": ""}  # fmt: skip
    with app.app_context(), transaction() as session:
        session.execute(insert(OutboxEmail), [{**email, "dedupe_key": f"many {number}"} for number in range(1500)])
    with app.app_context():
        member = db.session.get(Member, cast.friend.id)
        tracemalloc.start()
        try:
            packed = data_export.export(member)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    with packed, zipfile.ZipFile(packed) as archive:
        assert len(json.loads(archive.read("letters.json"))) == 1500
    # A third of what all rows would take, which are written as text, too.
    assert peak < 10 * 1024 * 1024


def test_the_data_export_requires_reauthentication(friend):
    form = friend.get(HERE).form("/export")
    clock.set_now(clock.now() + timedelta(minutes=11))
    assert friend.submit(form).flashes == [("warning", "Please reauthenticate to access this page.")]


@pytest.mark.rate_limits
def test_the_data_export_is_rate_limited(friend):
    statuses = [friend.post(f"{HERE}export").status for _ in range(11)]
    assert statuses == [200] * 10 + [429]


# -- scheduling and cancelling the deletion


def test_account_deletion_is_scheduled_and_emailed(friend, client_of, cast, records):
    clock.set_now(datetime(2031, 3, 1, 12, 0, tzinfo=UTC))
    friend, elsewhere = client_of(cast.friend), client_of(cast.friend)
    page = ask(friend)
    told = "Your account will be deleted on Mar 15, 2031, 12:00 PM. Until then you can keep it."
    assert page.flashes == [("warning", told)]
    assert page.path == HERE
    assert records.fresh(cast.friend).erase_at == datetime(2031, 3, 15, 12, 0, tzinfo=UTC)
    (letter,) = emails(records, "account_deletion_requested")
    assert "Mar 15, 2031" in letter.text
    assert letter.expires_at == records.fresh(cast.friend).erase_at
    assert len(events(records, "erasing_asked")) == 1
    assert elsewhere.get("/").flashes == [("danger", "You were signed out from another device of yours.")]
    assert "Your account will be deleted on" in friend.get("/account/devices/").text
    assert ask(friend).flashes == [("info", "Your account is already scheduled for deletion.")]


@pytest.mark.parametrize(("password", "status"), [("", 422), ("not my password", 401)])
def test_account_deletion_requires_the_password(friend, cast, records, password, status):
    page = ask(friend, password)
    assert page.status == status
    assert [category for category, _text in page.flashes] == ["danger" if status == 422 else "warning"]
    assert records.fresh(cast.friend).erase_at is None


def test_the_last_administrator_cannot_delete_their_account(client_of, app, cast, run_due_deletions, records):
    boss = client_of(cast.admin)
    assert ask(boss).flashes == [("danger", "The last administrator cannot be removed.")]
    second = MemberFactory(username="second", admin=True)
    assert ask(boss).path == HERE
    assert ask(client_of(second)).path == HERE
    clock.set_now(clock.now() + LATER)
    assert run_due_deletions() == 1
    assert records.fresh(cast.admin).erased_at
    assert records.fresh(second).erased_at is None
    assert run_due_deletions() == 0


def test_the_link_in_the_email_shows_a_button_that_keeps_the_account(friend, visitor, cast, records):
    ask(friend)
    path = link_in(emails(records, "account_deletion_requested")[0])
    before = records.dump()
    page = visitor.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert records.dump() == before
    page = visitor.submit(page.form(path))
    assert (page.path, page.flashes) == (
        "/login/",
        [("info", "Your account will not be deleted. We are glad that you are staying!")],
    )
    assert records.fresh(cast.friend).erase_at is None
    assert len(events(records, "erasing_cancelled")) == 1
    assert visitor.post(path).flashes == [("info", "This link has already been used.")]


@pytest.mark.parametrize("token", ["nonsense", "a" * 3000, "__secret__"])
def test_an_unknown_link_is_invalid(visitor, token):
    assert visitor.get(f"{HERE}keep/{token}").status == 404
    assert visitor.post(f"{HERE}keep/{token}").flashes == [("danger", "This link is not valid.")]


def test_the_link_works_until_the_grace_period_is_over(friend, visitor, records):
    ask(friend)
    path = link_in(emails(records, "account_deletion_requested")[0])
    clock.set_now(clock.now() + LATER)
    assert "The time to change your mind has passed." in visitor.get(path).text
    told = "This link has expired: the time to change your mind has passed."
    assert visitor.post(path).flashes == [("warning", told)]


def test_a_button_in_the_account_keeps_it_too(friend, run_due_deletions, cast, records):
    page = ask(friend)
    path = link_in(emails(records, "account_deletion_requested")[0])
    page = friend.submit(page.form("/stay"))
    assert page.flashes == [("info", "Your account will not be deleted. We are glad that you are staying!")]
    assert friend.post(f"{HERE}stay").flashes == [("info", "Your account is not scheduled for deletion.")]
    assert friend.get(path).status == 404
    clock.set_now(clock.now() + LATER)
    assert run_due_deletions() == 0
    assert records.fresh(cast.friend).username == "friend"


# -- after the deletion


def fill_account(app, member):
    """Store everything that an account can have."""
    secrets_of(app, member)
    store(
        app,
        MemberInvitation(email="Friend@example.com", token_hash="invited", locale="en", expires_at=clock.now()),
        LoginThrottle(key=login_throttle.key_of(authentication.ANYWHERE, member.email), failures=3),
    )
    RegistrationFactory(username="friend2", email=member.email)
    OutboxEmailFactory(recipient=member.email.upper())
    OutboxEmailFactory(recipient="old@example.com", kind="email_changed", dedupe_key=f"email_changed:{member.id}:x")
    OutboxEmailFactory(
        recipient="somebody@example.com", kind="email_changed", dedupe_key=f"email_changed:{member.id}0:x"
    )


@pytest.mark.both_databases
def test_account_deletion_leaves_only_an_id(app, client_of, visitor, cast, records, run_due_deletions):
    friend = client_of(cast.friend)
    fill_account(app, cast.friend)
    coming = clock.now() + timedelta(days=30)
    hosted = DinnerPartyFactory(host=cast.friend, title="Raclette", starts_at=coming)
    RsvpFactory(party=hosted, member=cast.stranger)
    past = DinnerPartyFactory(host=cast.friend, past=True)
    been = RsvpFactory(party=DinnerPartyFactory(past=True), member=cast.friend, note="I was late")
    full = DinnerPartyFactory(small=True, starts_at=coming)
    seat = RsvpFactory(party=full, member=cast.friend)
    waiting = RsvpFactory(party=full, member=cast.stranger, waiting=True)
    ask(friend)
    assert run_due_deletions() == 0
    clock.set_now(clock.now() + LATER)
    assert run_due_deletions() == 1
    assert run_due_deletions() == 0

    gone = records.fresh(cast.friend)
    number = gone.id
    assert (gone.username, gone.email) == (f"erased-{number}", f"erased-{number}@invalid")
    assert (gone.first_name, gone.last_name, gone.password, gone.locale, gone.timezone) == ("", "", None, None, None)
    assert (gone.active, gone.erase_at, gone.erased_at) == (False, None, clock.now())
    with app.test_request_context():
        assert gone.display_name == "(deleted account)"
    owned = LoginSession, TrustedDevice, Token, Totp, RecoveryCode, Passkey, ExternalIdentity, DirectoryPerson
    for model in owned:
        assert not [row for row in records.all(model) if row.member_id == number], model
    for model in (ApiKey, Registration, MemberInvitation, LoginThrottle):
        assert records.count(model) == 0, model
    with app.app_context():
        assert not db.session.execute(select(assoc_user_role).where(assoc_user_role.c.user_id == number)).all()

    assert records.fresh(hosted).status == PartyStatus.CANCELLED
    assert (records.fresh(past).status, records.fresh(past).address) == (PartyStatus.PUBLISHED, "")
    assert [letter.recipient for letter in emails(records, "party_cancelled")] == [cast.stranger.email]
    assert "Friend Doe" in emails(records, "party_cancelled")[0].text
    assert (records.fresh(seat).status, records.fresh(waiting).status) == (RsvpStatus.WITHDRAWN, RsvpStatus.OFFERED)
    assert records.fresh(full).seats_taken == 2
    assert [letter.recipient for letter in emails(records, "seat_offered")] == [cast.stranger.email]
    assert (records.fresh(been).status, records.fresh(been).party_size) == (RsvpStatus.YES, 1)
    for answer in records.all(select(Rsvp).where(Rsvp.member_id == number)):
        assert (answer.name, answer.email, answer.note) == ("", f"erased-{number}@invalid", "")

    (goodbye,) = emails(records, "account_deleted")
    assert (goodbye.recipient, goodbye.name) == (cast.friend.email, "Friend Doe")
    others = {letter.recipient for letter in records.all(OutboxEmail) if letter.kind != "account_deleted"}
    assert others == {cast.stranger.email, "somebody@example.com"}
    (event,) = events(records, "erased")
    assert (event.subject_id, event.subject, event.before, event.after) == (number, f"erased-{number}", {}, {})
    assert visitor.log_in("friend", PASSWORD).flashes == [("warning", "Invalid login. Please try again.")]
    assert friend.get(HERE).path == "/login/"


@pytest.mark.both_databases
def test_concurrent_runs_delete_an_account_once(app, client_of, cast, records):
    ask(client_of(cast.friend))
    ask(client_of(cast.stranger))
    clock.set_now(clock.now() + LATER)
    start, erased = threading.Barrier(2), []

    def purge():
        with app.app_context():
            start.wait()
            erased.append(account_deletion.run_due())

    threads = [threading.Thread(target=purge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(erased) == 2
    assert len(events(records, "erased")) == len(emails(records, "account_deleted")) == 2


def test_a_failing_account_deletion_does_not_stop_the_others(app, client_of, cast, run_due_deletions, records):
    ask(client_of(cast.friend))
    ask(client_of(cast.stranger))
    clock.set_now(clock.now() + LATER)
    broken = DinnerPartyFactory(host=cast.friend)
    # The database refuses a negative number of seats.
    with app.app_context(), transaction():
        RsvpFactory(party=DinnerPartyFactory(), member=cast.friend, party_size=5)
        db.session.execute(update(DinnerParty).where(DinnerParty.id != broken.id).values(seats_taken=1))
    assert run_due_deletions() == 1
    assert records.fresh(cast.friend).username == "friend"
    assert records.fresh(broken).status == PartyStatus.PUBLISHED
    assert records.fresh(cast.stranger).erased_at


def test_a_username_chosen_to_block_the_anonymised_one_does_no_harm(client_of, cast, run_due_deletions, records):
    MemberFactory(username=f"erased-{cast.friend.id}", email="clever@example.com")
    ask(client_of(cast.friend))
    clock.set_now(clock.now() + LATER)
    assert run_due_deletions() == 1
    assert records.fresh(cast.friend).username.startswith(f"erased-{cast.friend.id}-")


def test_others_see_a_deleted_member_without_a_profile_page(client_of, cast, run_due_deletions):
    party = DinnerPartyFactory(host=cast.friend, past=True)
    ask(client_of(cast.friend))
    clock.set_now(clock.now() + LATER)
    run_due_deletions()
    stranger = client_of(cast.stranger)
    page = stranger.get(f"/parties/{party.slug}")
    assert "Hosted by (deleted account)" in page.text
    assert "/user/erased" not in page.text
    assert stranger.get("/user/friend").status == 404
    assert stranger.get(f"/user/erased-{cast.friend.id}").status == 404


def test_the_same_address_can_register_again(client_of, visitor, cast, run_due_deletions, records):
    ask(client_of(cast.friend))
    clock.set_now(clock.now() + LATER)
    run_due_deletions()
    form = visitor.get("/register/form").form("/register/form")
    visitor.submit(form, **ADA)
    (letter,) = emails(records, "activation")
    path = re.search(r"/register/activation/\S+", letter.text).group().replace("__secret__", letter.secret)
    page = visitor.submit(visitor.get(path).form(path))
    assert page.flashes == [("info", "Your account is activated, you can now log in.")]
    page = visitor.log_in("ada", PASSWORD)
    assert page.flashes == [("info", "Welcome, Ada B.!")]


def test_the_last_email_is_deleted_once_it_was_sent(app, client_of, cast, run_due_deletions, records):
    ask(client_of(cast.friend))
    clock.set_now(clock.now() + LATER)
    run_due_deletions()
    run_due_deletions()
    (goodbye,) = emails(records, "account_deleted")
    with app.app_context(), transaction():
        db.session.execute(update(OutboxEmail).where(OutboxEmail.id == goodbye.id).values(state=EmailState.SENT))
    run_due_deletions()
    assert emails(records, "account_deleted") == []


# -- by an administrator


REASON = "Asked for it by mail."


def delete_account(visitor, *members):
    page = visitor.post("/users/action_post", {"action": "schedule_deletion", "rowid": [each.id for each in members]})
    form = page.form("/users/action_post")
    return page, visitor.submit(form, reason=REASON)


def test_an_administrator_deletes_an_account_for_its_member(client_of, visitor, cast, records, run_due_deletions):
    clock.set_now(datetime(2031, 3, 1, 12, 0, tzinfo=UTC))
    friend, admin = client_of(cast.friend), client_of(cast.admin)
    page, done = delete_account(admin, cast.friend)
    assert page.flashes == [("info", "One more step: give a reason.")]
    assert "It will be deleted in 14 days" in page.text
    said = "The account of Friend Doe will be deleted on Mar 15, 2031, 12:00 PM. They have got an e-mail with a link to keep it."
    assert done.flashes == [("info", said)]
    assert friend.get("/").flashes == [
        ("danger", "You were signed out by an administrator: Your account is scheduled for deletion.")
    ]
    (event,) = events(records, "erasing_scheduled")
    assert (event.actor_id, event.subject_id, event.after["reason"]) == (cast.admin.id, cast.friend.id, REASON)
    (letter,) = emails(records, "account_deletion_requested")
    assert "As you asked, an administrator has scheduled the deletion of your account friend" in letter.text
    assert letter.expires_at == records.fresh(cast.friend).erase_at
    assert delete_account(admin, cast.friend)[1].flashes == [
        ("warning", "Nothing changed: the deletion was already scheduled.")
    ]
    path = link_in(letter)
    assert visitor.submit(visitor.get(path).form(path)).flashes[0][0] == "info"
    assert records.fresh(cast.friend).erase_at is None
    delete_account(admin, cast.friend)
    clock.set_now(clock.now() + LATER)
    assert run_due_deletions() == 1
    assert records.fresh(cast.friend).email == f"erased-{cast.friend.id}@invalid"


def test_an_administrator_can_keep_an_account(client_of, cast, records, visitor):
    admin = client_of(cast.admin)
    delete_account(admin, cast.friend)
    path = link_in(emails(records, "account_deletion_requested")[0])
    assert admin.post(f"/users/action/cancel_deletion/{cast.friend.id}").flashes == [
        ("info", "1 account will not be deleted.")
    ]
    assert records.fresh(cast.friend).erase_at is None
    assert events(records, "erasing_cancelled")[0].actor_id == cast.admin.id
    assert visitor.get(path).status == 404
    assert admin.post(f"/users/action/cancel_deletion/{cast.friend.id}").flashes == [
        ("warning", "Nothing changed: no deletion was scheduled.")
    ]


@pytest.mark.both_databases
def test_administrators_do_not_delete_their_own_account_or_the_last_one(app, client_of, cast, records):
    admin = client_of(cast.admin)
    page = admin.post("/users/action_post", {"action": "schedule_deletion", "rowid": [cast.friend.id, cast.admin.id]})
    assert page.flashes == [("danger", "You cannot delete yourself.")]
    assert records.fresh(cast.friend).erase_at is None
    with app.app_context(), transaction():
        last = db.session.get(Member, cast.admin.id)
        with pytest.raises(DomainError, match="The last administrator"):
            account_deletion.schedule_by_administrator([last], REASON, cast.friend.id)
    delete_account(client_of(MemberFactory(admin=True)), cast.admin)
    assert records.fresh(cast.admin).erase_at is not None


def test_deleting_the_account_of_another_requires_a_fresh_login(client_of, cast, records):
    admin = client_of(cast.admin)
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = admin.post("/users/action_post", {"action": "schedule_deletion", "rowid": [cast.friend.id]})
    assert page.path == "/login/reauthenticate" or page.status == 401
    assert records.fresh(cast.friend).erase_at is None
