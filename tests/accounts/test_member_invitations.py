"""Administrators invite people to register."""

import re
import threading
from datetime import timedelta

import pytest

from app import clock
from app.accounts.models import ExternalIdentity, Member, MemberInvitation, Registration
from app.accounts.rules import token_hash
from app.audit.models import AuditEvent
from app.outbox.models import OutboxEmail
from tests.accounts.test_registration import ADA, register
from tests.support.factories import MemberFactory, MemberInvitationFactory, RegistrationFactory

TYPED = {name: ADA[name] for name in ("username", "first_name", "last_name", "password")}
ACTIVATED = ("info", "Your account is activated, you can now log in.")
USED = ("info", "This invitation has already been used. You can log in.")


@pytest.fixture
def by_invitation(app, monkeypatch):
    """A site with registration by invitation only."""
    monkeypatch.setitem(app.config, "REGISTRATION", "invitation")


def invite(admin, email="ada@example.com", locale="en"):
    page = admin.get("/memberinvitations/add")
    return admin.submit(page.form("/memberinvitations/add"), email=email, locale=locale)


def accept(visitor, token, **changes):
    path = f"/register/invited/{token}"
    return visitor.submit(visitor.get(path).form(path), **{**TYPED, **changes})


def emails(records, kind):
    return [letter for letter in records.all(OutboxEmail) if letter.kind == kind]


@pytest.mark.both_databases
def test_an_invited_person_gets_an_email_and_registers_with_one_form(by_invitation, admin, visitor, records, cast):
    assert invite(admin, "Ada@Example.com", "es").flashes == [("info", "Invitation sent to ada@example.com.")]
    letter, invitation = records.one(OutboxEmail), records.one(MemberInvitation)
    assert (letter.kind, letter.recipient, letter.locale) == ("invitation", "ada@example.com", "es")
    assert cast.admin.display_name in letter.text
    assert invitation.token_hash == token_hash(letter.secret)
    assert letter.secret not in str({**records.dump(), "letter": None})
    path = re.search(r"/register/invited/\S+", letter.text).group().replace("__secret__", letter.secret)
    page = visitor.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.form(path).fields["email"] == "ada@example.com"
    page = visitor.submit(page.form(path), **TYPED)
    assert (page.path, page.flashes) == ("/login/", [ACTIVATED])
    assert page.headers["Referrer-Policy"] == "same-origin"
    (member,) = [member for member in records.all(Member) if member.username == "ada"]
    assert (member.email, [letter.kind for letter in records.all(OutboxEmail)]) == (
        "ada@example.com",
        ["invitation", "welcome"],
    )
    assert records.one(MemberInvitation).used_at
    page = visitor.submit(page.form("/login/"), username="ada", password=ADA["password"])
    assert page.flashes == [("info", "Welcome, Ada Byron!")]
    events = [(event.action, event.actor) for event in records.all(AuditEvent)]
    assert ("member_invited", "boss") in events
    assert ("activated", "ada") in events


def test_an_invitation_works_while_registration_is_open_too(visitor, records):
    assert accept(visitor, MemberInvitationFactory().token).flashes == [ACTIVATED]
    assert records.count(Member) == 1


def test_the_email_address_cannot_be_changed(visitor, records):
    invitation = MemberInvitationFactory()
    page = accept(visitor, invitation.token, email="another@example.com")
    assert page.flashes == [ACTIVATED]
    assert records.one(Member).email == invitation.email


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_changes_nothing(visitor, records, method):
    invitation = MemberInvitationFactory()
    before = records.dump()
    getattr(visitor.client, method)(f"/register/invited/{invitation.token}")
    assert records.dump() == before


def test_errors_are_shown_at_the_fields_and_keep_the_invitation_valid(visitor, cast, records):
    invitation = MemberInvitationFactory()
    page = accept(visitor, invitation.token, username=cast.friend.username, password="short")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert "This username is already taken." in page.words
    assert "Use at least 8 characters." in page.words
    assert page.form(invitation.token).fields["email"] == invitation.email
    assert records.fresh(invitation).used_at is None
    assert accept(visitor, invitation.token).flashes == [ACTIVATED]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("traits", "path", "told"),
    [
        ({"used": True}, "/login/", USED),
        ({"expired": True}, "/", ("warning", "This invitation has expired. Ask for a new one.")),
        (None, "/", ("danger", "Invitation not found")),
    ],
)
def test_an_invalid_invitation_says_why(visitor, records, method, traits, path, told):
    token = "unknown" if traits is None else MemberInvitationFactory(**traits).token
    page = getattr(visitor, method)(f"/register/invited/{token}", *([TYPED] if method == "post" else []))
    assert (page.path, page.flashes) == (path, [told])
    assert page.history == [303]
    assert records.count(Member) == 0


def test_an_invitation_is_valid_for_14_days(visitor):
    invitation = MemberInvitationFactory()
    clock.set_now(clock.now() + timedelta(days=13, hours=23))
    assert visitor.get(f"/register/invited/{invitation.token}").status == 200
    clock.set_now(clock.now() + timedelta(hours=1, seconds=1))
    page = visitor.get(f"/register/invited/{invitation.token}")
    assert page.flashes == [("warning", "This invitation has expired. Ask for a new one.")]


def test_a_person_who_has_an_account_by_now_is_redirected_to_the_login(visitor):
    invitation = MemberInvitationFactory()
    MemberFactory(email=invitation.email)
    page = visitor.get(f"/register/invited/{invitation.token}")
    assert (page.path, page.flashes) == ("/login/", [USED])


def test_with_registration_closed_an_invitation_is_invalid(app, admin, visitor, records, monkeypatch):
    invitation = MemberInvitationFactory()
    monkeypatch.setitem(app.config, "REGISTRATION", "closed")
    for page in (
        visitor.get(f"/register/invited/{invitation.token}"),
        visitor.post(f"/register/invited/{invitation.token}"),
    ):
        assert (page.path, page.flashes) == ("/", [("info", "Registration is closed.")])
    closed = [("warning", "Registration is closed, so invitations cannot be used.")]
    assert invite(admin).flashes == closed
    assert admin.post(f"/memberinvitations/action/send_again/{invitation.id}").flashes == closed
    assert records.count(OutboxEmail) == 0


def test_accepting_an_invitation_replaces_a_pending_registration(visitor, records):
    invitation = MemberInvitationFactory(email="ada@example.com")
    register(visitor, password="one that was typed before")
    assert accept(visitor, invitation.token).flashes == [ACTIVATED]
    assert records.count(Registration) == 0
    assert records.one(Member).username == "ada"


def test_a_username_of_a_pending_registration_is_taken(visitor):
    RegistrationFactory(username="ada")
    page = accept(visitor, MemberInvitationFactory().token)
    assert "This username is already taken." in page.words


def test_accepting_an_invitation_links_the_oidc_identity(visitor, records):
    with visitor.client.session_transaction() as session:
        session["openid"] = {"issuer": "https://id.example", "subject": "ada-1815", "first_name": "Augusta"}
    invitation = MemberInvitationFactory()
    fields = visitor.get(f"/register/invited/{invitation.token}").form(invitation.token).fields
    assert (fields["first_name"], fields["email"]) == ("Augusta", invitation.email)
    accept(visitor, invitation.token)
    assert records.one(ExternalIdentity).member_id == records.one(Member).id
    with visitor.client.session_transaction() as session:
        assert "openid" not in session


@pytest.mark.both_databases
@pytest.mark.parametrize("names", ["different", "the same"])
def test_twenty_concurrent_uses_of_an_invitation_create_one_member(new_visitor, records, names):
    path = f"/register/invited/{MemberInvitationFactory().token}"
    barrier = threading.Barrier(20)

    def one(number):
        visitor = new_visitor()
        form = visitor.get(path).form(path)
        barrier.wait()
        username = f"ada{number}" if names == "different" else "ada"
        flashes.extend(visitor.submit(form, **{**TYPED, "username": username}).flashes)

    flashes = []
    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(flashes) == sorted([ACTIVATED] + [USED] * 19)
    assert records.count(Member) == 1
    assert len(emails(records, "welcome")) == 1


# -- administrators


def test_an_address_with_an_account_or_an_invitation_is_not_invited(admin, cast, records):
    MemberInvitationFactory(email="ada@example.com")
    for email, told in (
        (cast.friend.email.upper(), "This e-mail address already has an account."),
        ("Ada@example.com", "This e-mail address has already been invited. You can send that invitation again."),
    ):
        page = invite(admin, email)
        assert (page.status, page.flashes) == (422, [("warning", told)])
        assert page.words.count(told) >= 2
    page = invite(admin, "nowhere")
    assert page.flashes == [("danger", "Please correct the fields that are marked.")]
    assert records.count(OutboxEmail) == 0
    assert records.count(MemberInvitation) == 1


@pytest.mark.both_databases
def test_two_concurrent_invitations_of_an_address_send_one_email(client_of, cast, records):
    admins = [client_of(cast.admin) for _number in range(2)]
    forms = [admin.get("/memberinvitations/add").form("/memberinvitations/add") for admin in admins]
    barrier = threading.Barrier(2)

    def one(admin, form):
        barrier.wait()
        flashes.extend(admin.submit(form, email="ada@example.com", locale="en").flashes)

    flashes = []
    threads = [threading.Thread(target=one, args=pair) for pair in zip(admins, forms, strict=True)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    told = {text for _category, text in flashes}
    assert told == {
        "Invitation sent to ada@example.com.",
        "This e-mail address has already been invited. You can send that invitation again.",
    }
    assert len(emails(records, "invitation")) == records.count(MemberInvitation) == 1


def test_resending_renews_the_link_and_invalidates_the_old_one(admin, visitor, records):
    invitation = MemberInvitationFactory(expired=True)
    page = admin.post(f"/memberinvitations/action/send_again/{invitation.id}")
    assert page.flashes == [("info", f"Invitation sent again to {invitation.email}.")]
    old = visitor.get(f"/register/invited/{invitation.token}")
    assert old.flashes == [("danger", "Invitation not found")]
    assert accept(visitor, records.one(OutboxEmail).secret).flashes == [ACTIVATED]


def test_of_two_pending_emails_only_the_newer_one_is_sent(admin, records):
    invite(admin)
    admin.post(f"/memberinvitations/action/send_again/{records.one(MemberInvitation).id}")
    older, newer = records.all(OutboxEmail)
    assert (older.state, older.secret, newer.state) == ("failed", None, "queued")
    assert records.one(MemberInvitation).sent_count == 2


def test_a_bulk_resend_skips_members_and_shows_one_flash(admin, cast, records):
    chosen = [MemberInvitationFactory(), MemberInvitationFactory(), MemberInvitationFactory(email=cast.friend.email)]
    ids = [str(invitation.id) for invitation in chosen]
    page = admin.post("/memberinvitations/action_post", {"action": "send_again", "rowid": ids})
    assert page.flashes == [("info", "2 invitations sent again.")]
    page = admin.post("/memberinvitations/action_post", {"action": "send_again", "rowid": ids[2:]})
    assert page.flashes == [("warning", "There are no pending invitations.")]
    assert records.count(OutboxEmail) == 2


def test_a_withdrawn_invitation_is_invalid(admin, visitor, records):
    invitation = MemberInvitationFactory()
    assert admin.post(f"/memberinvitations/delete/{invitation.id}").flashes == [("info", "Invitation withdrawn.")]
    page = visitor.get(f"/register/invited/{invitation.token}")
    assert page.flashes == [("danger", "Invitation not found")]
    assert "invitation_withdrawn" in [event.action for event in records.all(AuditEvent)]


def test_only_administrators_can_invite(client_of, cast, visitor):
    MemberInvitationFactory()
    for path in ("/memberinvitations/list/", "/memberinvitations/add", "/memberinvitations/show/1"):
        assert client_of(cast.friend).get(path).status == 403
        assert visitor.get(path).path == "/login/"


def test_the_pages_show_the_invitation_but_not_its_token(admin, records):
    invitation = MemberInvitationFactory()
    for path in ("/memberinvitations/list/", f"/memberinvitations/show/{invitation.id}"):
        page = admin.get(path)
        assert invitation.email in page.text
        assert records.one(MemberInvitation).token_hash not in page.text
