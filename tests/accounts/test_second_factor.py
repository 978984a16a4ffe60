"""Second factor: authenticator apps and recovery codes."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import update

from app import clock
from app.accounts.models import LoginSession, Member, Passkey, RecoveryCode, Totp
from app.accounts.second_factor import service as second_factor_service
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.authenticator import add_passkey
from tests.support.factories import PASSWORD, DinnerPartyFactory

OVERVIEW, APP, STEP = "/account/second-factor/", "/account/second-factor/app", "/login/second-step/"
NOON = datetime(2030, 1, 2, 12, 0, 5, tzinfo=UTC)
WRONG = [("warning", "This code is wrong or has already been used.")]
TOO_LATE = [("warning", "That took too long. Please log in again.")]


class Phone:
    """An authenticator app, whose clock may be wrong."""

    def __init__(self, secret):
        self.totp = pyotp.TOTP(secret)

    def code(self, slow=0):
        return self.totp.at(clock.now() - timedelta(seconds=slow))


@pytest.fixture(autouse=True)
def _at_noon():
    clock.set_now(NOON)


def later(**time):
    clock.set_now(clock.now() + timedelta(**time))


def add_app(visitor):
    """Add an app; return the phone and the recovery codes."""
    page = visitor.get(APP)
    phone = Phone(secret_on(page))
    page = visitor.submit(page.form(APP), code=phone.code())
    assert page.flashes == [("info", "Authenticator app added. From now on you need it to log in.")]
    later(seconds=30)
    return phone, codes_on(page)


def secret_on(page):
    return re.search(r'<code class="secret"[^>]*>([^<]+)', page.text).group(1).replace(" ", "")


def codes_on(page):
    return re.findall(r"<li><code>([^<]+)", page.text)


def first_step(visitor, name="ada", **more):
    return visitor.submit(visitor.get("/login/").form("/login/"), username=name, password=PASSWORD, **more)


def second_step(visitor, code):
    return visitor.submit(visitor.get(STEP).form(STEP), code=code)


def emails(records):
    return [letter.kind for letter in records.all(OutboxEmail)]


def actions(records):
    return [event.action for event in records.all(AuditEvent)]


@pytest.fixture
def with_second_factor(client_of, ada):
    """Ada's browser, phone and recovery codes."""
    visitor = client_of(ada)
    return visitor, *add_app(visitor)


# -- the authenticator app


def test_an_authenticator_app_is_added_with_its_first_code(client_of, ada, records):
    visitor = client_of(ada)
    assert "Add an authenticator app" in visitor.get(OVERVIEW).text
    page = visitor.get(APP)
    assert 'src="data:image/svg+xml' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert f"otpauth://totp/DinnerParty:ada?secret={secret_on(page)}&amp;issuer=DinnerParty" in page.text
    assert records.count(Totp) == 0
    page = visitor.submit(
        page.form(APP), code=f" {Phone(secret_on(page)).code()[:3]} {Phone(secret_on(page)).code()[3:]}"
    )
    assert (page.status, page.headers["Cache-Control"], len(set(codes_on(page)))) == (200, "no-store", 10)
    assert records.one(Totp).member_id == ada.id
    assert "10 codes left." in visitor.get(OVERVIEW).text
    assert emails(records) == ["second_factor_added"]
    assert actions(records)[-2:] == ["totp_added", "recovery_codes_made"]


def test_a_wrong_first_code_keeps_the_qr_code(client_of, ada, records):
    visitor = client_of(ada)
    page = visitor.get(APP)
    secret = secret_on(page)
    for code, category in (("000000", "warning"), ("", "danger"), ("x" * 65, "danger")):
        page = visitor.submit(page.form(APP), code=code)
        assert (page.status, [kind for kind, _ in page.flashes]) == (422, [category])
        assert secret_on(page) == secret
    assert records.count(Totp) == 0
    visitor.submit(page.form(APP), code=Phone(secret).code())
    assert records.count(Totp) == 1


def test_an_expired_or_foreign_qr_code_adds_nothing(client_of, ada, cast, records):
    visitor, friend = client_of(ada), client_of(cast.friend)
    page = visitor.get(APP)
    offer, phone = page.form(APP).fields["offer"], Phone(secret_on(page))
    for sender, sent in ((friend, offer), (visitor, "nonsense"), (visitor, "")):
        page = sender.post(APP, {"code": phone.code(), "offer": sent})
        assert page.flashes == [("warning", "That took too long. Please scan the new picture.")]
    assert records.count(Totp) == 0


def test_sending_the_form_twice_adds_one_app_and_keeps_the_codes(client_of, ada, records):
    visitor = client_of(ada)
    page = visitor.get(APP)
    form, phone = page.form(APP), Phone(secret_on(page))
    codes = codes_on(visitor.submit(form, code=phone.code()))
    page = visitor.submit(form, code=phone.code())
    assert page.flashes == [("info", "This authenticator app has already been added.")]
    assert (len(codes), records.count(RecoveryCode)) == (10, 10)
    visitor.post("/logout/")
    first_step(visitor)
    assert second_step(visitor, codes[0]).flashes == [("info", "Welcome, Ada Byron!")]


def test_another_app_replaces_the_first(with_second_factor):
    visitor, old, old_codes = with_second_factor
    assert "replaces your current one" in visitor.get(APP).text
    new, codes = add_app(visitor)
    visitor.post("/logout/")
    first_step(visitor)
    for useless in (old.code(), old_codes[0]):
        assert second_step(visitor, useless).flashes == WRONG
    assert second_step(visitor, new.code()).flashes == [("info", "Welcome, Ada Byron!")]
    assert set(codes).isdisjoint(old_codes)


def test_secret_and_codes_are_not_stored_in_clear(with_second_factor, records):
    _visitor, phone, codes = with_second_factor
    stored = str(records.dump())
    assert phone.totp.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_adding_and_removing_require_reauthentication(with_second_factor, records):
    visitor, _phone, _codes = with_second_factor
    later(minutes=11)
    for path in (APP, f"{APP}/remove", "/account/second-factor/codes", "/passkeys/add", "/passkeys/1/remove"):
        page = visitor.get(path)
        assert (page.path, page.flashes) == (
            "/login/again",
            [("warning", "Please reauthenticate to access this page.")],
        )
        assert visitor.post(path).path == "/login/again"
    assert visitor.post("/passkeys/add/options").status == 401
    assert visitor.get(OVERVIEW).status == 200
    assert records.count(Totp) == 1


# -- the second step


def test_the_login_asks_for_a_code(with_second_factor, records):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    page = first_step(visitor)
    assert (page.path, page.flashes) == (STEP, [])
    assert records.count(LoginSession) == 0
    assert visitor.get("/parties/new").path == "/login/"
    page = second_step(visitor, phone.code())
    assert (page.path, page.flashes) == ("/", [("info", "Welcome, Ada Byron!")])
    assert visitor.get("/parties/new").path == "/parties/new"
    assert visitor.get(STEP).path == "/"


def test_the_clock_of_the_phone_may_be_thirty_seconds_off(with_second_factor):
    visitor, phone, _codes = with_second_factor
    for slow, right in ((60, False), (-60, False), (30, True), (0, True), (-30, True)):
        later(minutes=5)
        visitor.post("/logout/")
        first_step(visitor)
        page = second_step(visitor, phone.code(slow))
        assert page.flashes == ([("info", "Welcome, Ada Byron!")] if right else WRONG)


def test_codes_may_have_digits_of_any_script_and_spaces(with_second_factor):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    arabic = phone.code().translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert second_step(visitor, f"{arabic[:3]} {arabic[3:]}").flashes == [("info", "Welcome, Ada Byron!")]


def test_a_code_works_once(with_second_factor, new_visitor):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    code = phone.code()
    second_step(visitor, code)
    other = new_visitor()
    first_step(other)
    page = second_step(other, code)
    assert (page.status, page.flashes) == (401, WRONG)


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_twenty_concurrent_uses_of_a_code_log_in_once(app, with_second_factor, ada, records, kind):
    _visitor, phone, codes = with_second_factor
    code = phone.code() if kind == "app" else codes[0]
    results, start = [], threading.Barrier(20)

    def use():
        with app.test_request_context():
            start.wait()
            try:
                with transaction():
                    second_factor_service.verify_code(db.session.get(Member, ada.id), code)
                results.append("in")
            except DomainError:
                results.append("out")

    threads = [threading.Thread(target=use) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(results) == ["in"] + ["out"] * 19
    assert len([code for code in records.all(RecoveryCode) if code.used_at]) == (kind == "recovery")


def test_a_wrong_code_keeps_the_first_step(with_second_factor, records):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor, remember_me="y")
    page = second_step(visitor, "000000")
    assert (page.status, page.flashes) == (401, WRONG)
    assert visitor.submit(page.form(STEP), code="").status == 422
    assert visitor.submit(page.form(STEP), code=phone.code()).flashes == [("info", "Welcome, Ada Byron!")]
    assert records.one(LoginSession).remember


def test_the_requested_page_survives_the_second_step(with_second_factor):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    page = visitor.get("/parties/new?x=1")
    page = visitor.submit(page.form("/login/"), username="ada", password=PASSWORD)
    page = visitor.submit(page.form(STEP), code=phone.code())
    assert (page.path, page.response.request.query_string) == ("/parties/new", b"x=1")


def test_an_interrupted_form_of_any_length_survives_the_second_step(with_second_factor, ada):
    visitor, phone, _codes = with_second_factor
    party = DinnerPartyFactory(host=ada)
    form = visitor.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit")
    later(hours=1)
    page = visitor.submit(form, description="A long story. " * 1000)
    page = visitor.submit(page.form("/login/"), username="ada", password=PASSWORD)
    assert len(page.url) < 500
    page = visitor.submit(page.form(STEP), code="000000")
    page = visitor.submit(page.form(STEP), code=phone.code())
    assert page.form(f"/parties/{party.slug}/edit").fields["description"].startswith("A long story.")


def test_the_second_step_is_bound_to_one_browser_and_ten_minutes(with_second_factor, new_visitor):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    form = visitor.get(STEP).form(STEP)
    page = new_visitor().get(STEP)
    assert (page.path, page.flashes) == ("/login/", TOO_LATE)
    other = new_visitor()
    other.get("/login/")
    assert other.post(STEP, {"code": phone.code()}).flashes == TOO_LATE
    later(minutes=10, seconds=1)
    page = visitor.submit(form, code=phone.code())
    assert (page.path, page.flashes) == ("/login/", TOO_LATE)


def test_a_member_banned_between_the_steps_is_not_logged_in(with_second_factor, app, ada, records):
    visitor, phone, _codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    form = visitor.get(STEP).form(STEP)
    with app.app_context(), transaction():
        db.session.execute(update(Member).where(Member.id == ada.id).values(banned_at=clock.now(), ban_reason="Spam"))
    assert visitor.submit(form, code=phone.code()).flashes == TOO_LATE
    assert records.count(LoginSession) == 0


def test_too_many_wrong_codes_lock_the_second_step_in_every_browser(with_second_factor, new_visitor, records):
    visitor, phone, codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    for _attempt in range(5):
        page = second_step(visitor, "000000")
    other = new_visitor()
    first_step(other)
    for page in (second_step(visitor, phone.code()), second_step(other, codes[0])):
        assert page.flashes == [("danger", "Too many failed attempts. Try again in 1 minute.")]
        assert (page.status, page.headers["Retry-After"]) == (429, "60")
    assert emails(records).count("second_step_locked") == 1
    assert actions(records).count("second_step_failed") == 5
    later(minutes=1, seconds=1)
    assert second_step(visitor, phone.code()).flashes == [("info", "Welcome, Ada Byron!")]


@pytest.mark.rate_limits
def test_guessing_codes_is_rate_limited(with_second_factor):
    visitor, _phone, _codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    form = visitor.get(STEP).form(STEP)
    statuses = [visitor.submit(form, code="").status for _attempt in range(11)]
    assert statuses == [422] * 10 + [429]


# -- recovery codes


def test_a_recovery_code_works_once_and_its_use_is_emailed(with_second_factor, records):
    visitor, _phone, codes = with_second_factor
    visitor.post("/logout/")
    first_step(visitor)
    assert second_step(visitor, codes[0].upper().replace("-", " ")).flashes == [("info", "Welcome, Ada Byron!")]
    letter = records.all(OutboxEmail)[-1]
    assert (letter.kind, "9 codes left." in letter.text) == ("recovery_code_used", True)
    assert "recovery_code_used" in actions(records)
    visitor.post("/logout/")
    first_step(visitor)
    assert second_step(visitor, codes[0]).flashes == WRONG
    assert second_step(visitor, codes[1]).flashes == [("info", "Welcome, Ada Byron!")]


def test_new_recovery_codes_replace_the_old_ones(with_second_factor, records):
    visitor, _phone, old = with_second_factor
    page = visitor.get("/account/second-factor/codes")
    assert records.count(RecoveryCode) == 10
    page = visitor.submit(page.form("/codes"))
    assert page.flashes == [("info", "These are your new recovery codes. The old ones no longer work.")]
    new = codes_on(page)
    assert page.headers["Cache-Control"] == "no-store"
    assert not any(code in visitor.get(OVERVIEW).text for code in new)
    visitor.post("/logout/")
    first_step(visitor)
    assert second_step(visitor, old[5]).flashes == WRONG
    assert second_step(visitor, new[5]).flashes == [("info", "Welcome, Ada Byron!")]


def test_recovery_codes_need_a_second_factor(client_of, cast, records):
    page = client_of(cast.friend).post("/account/second-factor/codes")
    assert page.flashes == [("warning", "Recovery codes are a backup for a second factor. Add a second factor first.")]
    assert records.count(RecoveryCode) == 0


def test_after_a_change_of_the_sites_secret_recovery_codes_still_work(
    with_second_factor, app, monkeypatch, caplog, records
):
    visitor, phone, codes = with_second_factor
    monkeypatch.setitem(app.config, "SECRET_KEY", "another secret, long enough to be one")
    page = first_step(visitor)
    assert "or enter one of your recovery codes" in page.text
    assert second_step(visitor, phone.code()).flashes == WRONG
    assert "cannot be decrypted: SECRET_KEY was changed" in caplog.text
    assert second_step(visitor, codes[0]).flashes == [("info", "Welcome, Ada Byron!")]
    page = visitor.get(OVERVIEW)
    assert "can no longer be verified because the keys of this site have changed" in page.text
    add_app(visitor)
    assert "can no longer be verified because the keys" not in visitor.get(OVERVIEW).text


# -- removing guests


def test_without_the_last_factor_the_password_is_enough(with_second_factor, records):
    visitor, _phone, _codes = with_second_factor
    page = visitor.get(f"{APP}/remove")
    page = visitor.submit(page.form(f"{APP}/remove"))
    assert (page.path, page.flashes) == (OVERVIEW, [("info", "Authenticator app removed.")])
    assert records.count(Totp) == records.count(RecoveryCode) == 0
    assert emails(records)[-1] == "second_factor_removed"
    assert actions(records)[-1] == "totp_removed"
    assert visitor.post(f"{APP}/remove").flashes == [("info", "The authenticator app has already been removed.")]
    visitor.post("/logout/")
    assert first_step(visitor).flashes == [("info", "Welcome, Ada Byron!")]


def require_second_factor(app, name="Guest"):
    with app.app_context(), transaction():
        db.session.execute(update(Role).where(Role.name == name).values(second_factor_required=True))


def test_a_required_second_factor_must_be_added_first(app, client_of, ada, records):
    require_second_factor(app)
    visitor = client_of(ada)
    for path in ("/", "/parties/new", "/account/profile/", "/users/list/", "/passkeys/1/rename"):
        page = visitor.get(path)
        assert (page.path, page.flashes) == (
            OVERVIEW,
            [("warning", "Your role requires a second factor. Add one to continue.")],
        )
    visitor.post("/parties/new", {"title": "Mine"})
    later(minutes=11)
    assert visitor.get(APP).path == "/login/again"
    page = visitor.submit(visitor.get(APP).form("/login/again"), password=PASSWORD)
    assert page.path == APP
    add_app(visitor)
    assert visitor.get("/parties/new").path == "/parties/new"
    assert records.one(LoginSession).required_action is None


def test_a_passkey_completes_the_required_action_too(app, client_of, ada):
    require_second_factor(app)
    visitor = client_of(ada)
    add_passkey(visitor)
    assert visitor.get("/parties/new").path == "/parties/new"


def test_the_last_required_factor_cannot_be_removed(with_second_factor, app, records):
    visitor, _phone, _codes = with_second_factor
    require_second_factor(app)
    refusal = "Your role requires a second factor. Add another one before you remove this one."
    assert visitor.post(f"{APP}/remove").flashes == [("danger", refusal)]
    assert (records.count(Totp), records.count(RecoveryCode)) == (1, 10)
    add_passkey(visitor)
    assert visitor.post(f"{APP}/remove").flashes == [("info", "Authenticator app removed.")]
    assert visitor.post(f"/passkeys/{records.one(Passkey).id}/remove").flashes == [("danger", refusal)]
    assert (records.count(Passkey), records.count(RecoveryCode)) == (1, 10)


def test_an_administrator_resets_the_second_factor(with_second_factor, app, ada, records):
    visitor, _phone, _codes = with_second_factor
    add_passkey(visitor)
    visitor.post("/logout/")
    first_step(visitor)
    with app.test_request_context(), transaction():
        second_factor_service.reset(db.session.get(Member, ada.id))
    assert records.count(Totp) == records.count(RecoveryCode) == records.count(Passkey) == 0
    assert emails(records)[-1] == "second_factor_reset"
    assert actions(records)[-1] == "second_factor_reset"
    assert visitor.get(STEP).flashes == TOO_LATE
    assert first_step(visitor).flashes == [("info", "Welcome, Ada Byron!")]
    with app.test_request_context(), pytest.raises(DomainError, match="Ada Byron has no second factor"), transaction():
        second_factor_service.reset(db.session.get(Member, ada.id))
