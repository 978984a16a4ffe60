"""Validation of registrations by the site and by packages, and the ways to activate an account."""

import sys
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import insert, select

from app import clock
from app.accounts.models import GUEST, ExternalIdentity, LoginSession, Member, Registration
from app.accounts.registration.hooks import registration_failed, registration_stored, registration_validating
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import EmailState, OutboxEmail
from config import ConfigurationError
from tests.accounts.test_registration import ADA, SENT, link_in, register
from tests.support.factories import MemberFactory, RegistrationFactory

CORRECT = ("danger", "Please correct the fields that are marked.")
TAKEN = "This username is already taken."
READY = ("info", "If ada@example.com can be registered, the account is ready and you can log in now.")
NOT_NOW = "Not possible to register you at the moment, try again later"
TERMS = "https://dinner.example/terms"
ADA_ELSEWHERE = {"issuer": "https://id.example", "subject": "ada-1815", "email": "countess@example.com",
                 "first_name": "Augusta", "last_name": "King"}  # fmt: skip


@pytest.fixture
def configure(app, monkeypatch):
    """Change settings of the site."""
    return lambda **settings: [monkeypatch.setitem(app.config, name, value) for name, value in settings.items()]


def actions(records):
    return [event.action for event in records.all(AuditEvent)]


# -- rules of the site


def test_all_errors_are_shown_at_once(visitor, records, configure):
    configure(TERMS_URL=TERMS)
    page = register(visitor, username="a!", password="short", email="nowhere", first_name="")
    assert (page.status, page.flashes) == (422, [CORRECT])
    for told in ("Use 3 to 20 letters (a-z)", "Use at least 8 characters.", "Please accept the terms of use",
                 "Invalid email address.", "This field is required."):  # fmt: skip
        assert told in page.words, told
    assert "short" not in page.form("/register/form").fields.getlist("password")
    assert records.count(Registration) == records.count(OutboxEmail) == 0


def test_an_empty_field_has_only_that_error(visitor):
    page = register(visitor, username="", password="")
    # Once above the form and once at the field: a username is proposed.
    assert page.words.count("This field is required.") == 2
    assert "Use 3 to 20 letters" not in page.words


@pytest.mark.parametrize("name", ["admin", "ADMIN", "No-Reply"])
def test_a_reserved_username_is_taken_whatever_its_case(visitor, name):
    assert TAKEN in register(visitor, username=name).words


def test_a_username_of_a_pending_registration_is_taken_until_it_expires(visitor, records):
    RegistrationFactory(username="ada", email="other@example.com")
    page = register(visitor, username="ADA")
    assert (page.status, page.flashes) == (422, [CORRECT])
    assert TAKEN in page.words
    clock.set_now(clock.now() + timedelta(hours=49))
    assert register(visitor).flashes == [("info", SENT)]
    assert records.one(Registration).email == "ada@example.com"


def test_an_email_address_as_username_does_not_reveal_a_registration(visitor, cast):
    known = register(visitor, username=cast.friend.email)
    unknown = register(visitor, username="nobody@example.com")
    assert known.words.replace(cast.friend.email, "") == unknown.words.replace("nobody@example.com", "")
    assert TAKEN not in known.words


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "Use at least 8 characters."),
        ("x" * 1025, "A password can have at most 1,024 characters."),
        ("password123", "This password is too common and easy to guess. Choose another one."),
        ("Byron, Ada", "Your name is easy to guess. Do not use it in your password."),
    ],
)
def test_a_weak_password_is_an_error_at_the_field(visitor, records, password, problem):
    page = register(visitor, password=password)
    assert (page.status, page.flashes) == (422, [CORRECT])
    assert problem.replace("1,024", "1024") in page.words.replace("1,024", "1024")
    assert records.count(Registration) == 0


def test_the_page_says_how_long_a_password_must_be(visitor, configure):
    configure(PASSWORD_MIN_LENGTH=12)
    page = visitor.get("/register/form")
    assert "At least 12 characters." in page.words
    assert 'autocomplete="new-password"' in page.text
    assert "data-strength" in page.text


def test_terms_must_be_accepted_and_the_time_is_stored(visitor, records, configure):
    assert "accepts_terms" not in visitor.get("/register/form").form("/register/form").names
    configure(TERMS_URL=TERMS)
    page = register(visitor)
    assert (page.status, page.flashes) == (422, [CORRECT])
    assert "Please accept the terms of use to register." in page.words
    assert f'href="{TERMS}"' in page.text
    assert register(visitor, accepts_terms="y").flashes == [("info", SENT)]
    accepted = records.one(Registration).terms_accepted_at
    assert accepted
    clock.set_now(clock.now() + timedelta(hours=1))
    visitor.post(link_in(records.one(OutboxEmail)))
    assert records.one(Member).terms_accepted_at == accepted


# -- rules of packages


def test_errors_of_several_packages_are_combined_with_those_of_the_site(app, visitor, records):
    def yields(_app, applicant):
        assert applicant.password == "short"
        yield "email", "Use your address at work."

    def returns(_app, applicant):
        return [("", f"No {applicant.first_name} today."), ("email", "Use your address at work.")]

    def accept(_app, applicant):
        return None

    with (
        registration_validating.connected_to(yields, sender=app),
        registration_validating.connected_to(returns, sender=app),
        registration_validating.connected_to(accept, sender=app),
    ):
        page = register(visitor, password="short")
    assert (page.status, page.flashes) == (422, [CORRECT])
    assert "Use at least 8 characters." in page.words
    assert page.words.count("Use your address at work.") == 2
    assert "No Ada today." in page.words
    assert register(visitor).flashes == [("info", SENT)]


def test_packages_are_notified_in_the_transaction_and_without_the_password(app, visitor, cast, records):
    told = []

    def note(_app, applicant, registration, member):
        told.append((applicant, registration.username, member))
        db.session.execute(insert(Role).values(name="Of a package"))

    with registration_stored.connected_to(note, sender=app):
        register(visitor)
        register(visitor, username="augusta", email=cast.friend.email)
    ((applicant, username, member),) = told
    assert (applicant.email, username, member) == ("ada@example.com", "ada", None)
    assert ADA["password"] not in repr(told) + applicant.password
    assert "Of a package" in [role.name for role in records.all(Role)]


def test_a_package_can_still_refuse_in_the_transaction(app, visitor, records):
    def refuse(_app, **_known):
        raise DomainError("The list of guests is full.", "warning", field="email")

    with registration_stored.connected_to(refuse, sender=app):
        page = register(visitor)
    assert (page.status, page.flashes) == (422, [("warning", "The list of guests is full.")])
    assert records.count(Registration) == records.count(OutboxEmail) == 0


def test_a_failed_registration_is_reported_and_the_form_kept(app, visitor, records):
    told = []

    def contradict(_app, **_known):
        db.session.execute(insert(Role).values(name=GUEST))

    def note(_app, applicant, errors):
        told.append((applicant.username, applicant.password, errors))

    with (
        registration_stored.connected_to(contradict, sender=app),
        registration_failed.connected_to(note, sender=app),
    ):
        page = register(visitor)
    sorry = "Not possible to register you at the moment, try again later"
    assert (page.status, page.flashes) == (422, [("danger", sorry)])
    assert page.form("/register/form").fields["username"] == "ada"
    assert told == [("ada", "", [("", sorry)])]
    assert records.count(Registration) == records.count(OutboxEmail) == 0


def test_packages_are_notified_of_refused_registrations(app, visitor):
    told = []

    def note(_app, applicant, errors):
        told.append((applicant.username, applicant.password, errors))

    with registration_failed.connected_to(note, sender=app):
        register(visitor, username="ad", password="short", email="")
        register(visitor)
    ((username, password, errors),) = told
    assert (username, password) == ("ad", "")
    assert {name for name, _text in errors} == {"username", "password", "email"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package that registers a plug-in."""

    def install(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        described = tmp_path / f"{name}-1.0.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text(f"[dinnerparty.plugins]\nguests = {name}:register\n")
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    sys.modules.pop("dinner_guests", None)


def test_an_installed_package_registers_by_its_entry_point(package, new_app):
    package("dinner_guests", "def register(app):\n    app.config['REGISTERED'] = app.name\n")
    assert new_app().config["REGISTERED"] == "app"


@pytest.mark.parametrize(
    "source", ["import nothing_like_it", "", "def register(app):\n    raise ValueError('no list')"]
)
def test_a_package_that_cannot_register_stops_the_start(package, new_app, source):
    package("dinner_guests", source)
    with pytest.raises(ConfigurationError, match=r"The plug-in guests \(dinner_guests:register\) cannot be loaded: "):
        new_app()


# -- activation without e-mail


def test_activation_none_creates_an_account_at_once(visitor, records, configure):
    configure(ACTIVATION="none")
    page = register(visitor)
    assert (page.path, page.flashes) == ("/login/", [READY])
    assert records.one(Member).username == "ada"
    assert records.one(Registration).password is None
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["welcome"]
    assert actions(records) == ["registered", "activated"]
    page = visitor.submit(page.form("/login/"), username="ada", password=ADA["password"])
    assert page.flashes == [("info", "Welcome, Ada Byron!")]


def test_activation_auto_login_logs_in_and_welcomes(visitor, records, configure):
    configure(ACTIVATION="auto-login")
    page = register(visitor)
    assert (page.path, page.flashes) == ("/", [("info", "Welcome, Ada Byron!")])
    assert records.one(LoginSession).member_id == records.one(Member).id
    assert visitor.get("/user/ada").status == 200


def test_activation_auto_login_still_asks_for_required_actions(app, visitor, configure):
    with app.app_context(), transaction():
        db.session.scalars(select(Role).where(Role.name == GUEST)).one().second_factor_required = True
    configure(ACTIVATION="auto-login")
    assert ("warning", "Your role requires a second factor. Add one to continue.") in register(visitor).flashes


@pytest.mark.parametrize("activation", ["none", "auto-login"])
def test_activation_at_once_does_not_reveal_known_addresses(visitor, cast, records, configure, activation):
    configure(ACTIVATION=activation)
    page = register(visitor, email=cast.friend.email)
    assert (page.path, page.flashes) == ("/login/", [(READY[0], READY[1].replace("ada@", "friend@"))])
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["already_registered"]
    assert "ada" not in [member.username for member in records.all(Member)]
    assert records.count(LoginSession) == 0


def test_activation_at_once_replaces_a_pending_registration(visitor, records, configure):
    register(visitor)
    path = link_in(records.one(OutboxEmail))
    configure(ACTIVATION="none")
    register(visitor)
    assert visitor.post(path).flashes == [("info", "This account is already activated.")]
    assert records.count(Member) == 1


# -- failing signal receivers


@pytest.mark.parametrize("signal", [registration_validating, registration_stored, registration_failed])
def test_a_failing_signal_receiver_keeps_the_form(app, visitor, records, caplog, signal):
    def breaks(_sender, **_told):
        raise ZeroDivisionError

    def refuses(_sender, applicant):
        return [("username", "Not that one.")] if signal is registration_failed else []

    with signal.connected_to(breaks, sender=app), registration_validating.connected_to(refuses, sender=app):
        page = register(visitor)
    told = CORRECT if signal is registration_failed else ("danger", NOT_NOW)
    assert (page.status, page.flashes) == (422, [told])
    assert page.form("/register/form").fields["first_name"] == ADA["first_name"]
    assert records.count(Registration) == records.count(OutboxEmail) == 0
    assert "ZeroDivisionError" in caplog.text
    assert register(visitor).flashes == [("info", SENT)]


# -- closed, or by invitation


@pytest.mark.parametrize(
    ("mode", "told"),
    [("closed", "Registration is closed."), ("invitation", "Registration is by invitation only.")],
)
def test_with_registration_closed_or_by_invitation_the_form_is_not_shown(visitor, records, configure, mode, told):
    configure(REGISTRATION=mode)
    for page in (visitor.get("/register/form"), visitor.post("/register/form", ADA)):
        assert (page.path, page.history, page.flashes) == ("/", [303], [("info", told)])
    assert records.count(Registration) == records.count(OutboxEmail) == 0
    for path in ("/", "/login/", "/register/activation/unknown"):
        assert "/register/form" not in visitor.get(path).text
    page = visitor.post("/register/activation/unknown")
    assert (page.path, page.flashes) == ("/login/", [("danger", "Registration not found")])


def test_pending_registrations_can_be_activated_after_registration_closes(visitor, records, configure):
    register(visitor)
    configure(REGISTRATION="closed")
    page = visitor.post(link_in(records.one(OutboxEmail)))
    assert page.flashes == [("info", "Your account is activated, you can now log in.")]


def test_a_logged_in_member_is_redirected_from_registration(client_of, cast):
    page = client_of(cast.friend).get("/register/form")
    assert (page.path, page.flashes) == ("/", [("info", "You are already logged in.")])


# -- from an OpenID Connect provider


@pytest.fixture
def from_elsewhere(visitor):
    """A visitor who came from a provider with an unknown identity."""
    with visitor.client.session_transaction() as session:
        session["openid"] = ADA_ELSEWHERE
    return visitor


def test_claims_of_the_provider_prefill_the_form_and_can_be_changed(from_elsewhere, records):
    shown = from_elsewhere.get("/register/form").form("/register/form").fields
    assert [shown[name] for name in ("email", "first_name", "last_name")] == ["countess@example.com", "Augusta", "King"]
    register(from_elsewhere, email="ada@example.com")
    registration = records.one(Registration)
    assert (registration.email, registration.identity_subject) == ("ada@example.com", "ada-1815")


@pytest.mark.both_databases
def test_activating_links_the_identity_and_the_session_forgets_it(from_elsewhere, records):
    register(from_elsewhere)
    assert from_elsewhere.get("/register/form").form("/register/form").fields["first_name"] == ""
    assert records.count(ExternalIdentity) == 0
    from_elsewhere.post(link_in(records.one(OutboxEmail)))
    identity = records.one(ExternalIdentity)
    assert (identity.issuer, identity.subject) == ("https://id.example", "ada-1815")
    assert identity.member_id == records.one(Member).id
    assert actions(records) == ["registered", "identity_linked", "activated"]


@pytest.mark.both_databases
def test_an_identity_linked_to_another_member_meanwhile_is_not_moved(app, from_elsewhere, records):
    register(from_elsewhere)
    other = MemberFactory()
    with app.app_context(), transaction():
        db.session.add(ExternalIdentity(member_id=other.id, issuer="https://id.example", subject="ada-1815"))
    page = from_elsewhere.post(link_in(records.one(OutboxEmail)))
    assert page.flashes == [("info", "Your account is activated, you can now log in.")]
    assert records.one(ExternalIdentity).member_id == other.id


def test_an_invalid_form_keeps_the_identity_in_the_session(from_elsewhere, records):
    register(from_elsewhere, username="a")
    register(from_elsewhere)
    assert records.one(Registration).identity_subject == "ada-1815"


def test_registering_the_address_of_another_does_not_link_the_identity(from_elsewhere, new_visitor, records):
    register(from_elsewhere, password="a password of the stranger")
    owner = new_visitor()
    register(owner)
    path = link_in(max(records.all(OutboxEmail), key=lambda letter: letter.id))
    owner.submit(owner.get(path).form(path), password=ADA["password"])
    assert records.one(Member).username == "ada"
    assert records.count(ExternalIdentity) == 0


# -- administrators


def test_registration_events_are_in_the_audit_log(visitor, records):
    register(visitor)
    visitor.post(link_in(records.one(OutboxEmail)))
    registered, activated = records.all(AuditEvent)
    assert (registered.action, registered.subject_type, registered.subject) == ("registered", "registration", "ada")
    assert (activated.action, activated.actor, activated.subject) == ("activated", "ada", "ada")
    assert ADA["password"] not in str([(event.before, event.after) for event in (registered, activated)])


def test_several_registrations_are_discarded_at_once_with_one_flash(admin, records):
    chosen = [str(RegistrationFactory().id) for _number in range(3)]
    page = admin.post("/registrations/action_post", {"action": "discard", "rowid": chosen[:1]})
    assert page.flashes == [("info", "Registration discarded.")]
    page = admin.post("/registrations/action_post", {"action": "discard", "rowid": chosen[1:]})
    assert page.flashes == [("info", "2 registrations discarded.")]
    assert records.count(Registration) == 0
    assert actions(records).count("registration_discarded") == 3
    page = admin.post("/registrations/action_post", {"action": "discard"})
    assert page.flashes == [("warning", "Select at least one row.")]


def test_the_pending_email_of_a_discarded_registration_is_not_sent(visitor, admin, records):
    register(visitor)
    admin.post(f"/registrations/action/discard/{records.one(Registration).id}")
    letter = records.one(OutboxEmail)
    assert (letter.state, letter.secret) == (EmailState.FAILED, None)


def test_one_registration_is_discarded_from_its_page(admin, records):
    registration = RegistrationFactory()
    page = admin.get(f"/registrations/delete/{registration.id}")
    page = admin.submit(page.form(f"/registrations/delete/{registration.id}"))
    assert page.flashes == [("info", "Registration discarded.")]
    (event,) = [event for event in records.all(AuditEvent) if event.action == "registration_discarded"]
    assert (event.actor, event.subject) == ("boss", registration.username)


def test_a_bulk_resend_skips_activated_registrations(admin, records):
    waiting = [RegistrationFactory(), RegistrationFactory()]
    done = RegistrationFactory(activated=True)
    page = admin.post("/registrations/action_post", {"action": "resend", "rowid": [str(row.id) for row in waiting]})
    assert page.flashes == [("info", "2 activation e-mails sent again.")]
    page = admin.post(f"/registrations/action/resend/{done.id}")
    assert page.flashes == [("info", "This account is already activated.")]
    assert records.count(OutboxEmail) == 2
