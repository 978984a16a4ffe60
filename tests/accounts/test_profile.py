"""Members edit their profile."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select

from app.accounts.models import LoginSession, Member
from app.audit.models import AuditEvent
from app.database import transaction
from app.outbox.models import OutboxEmail
from app.parties.hosting.mail import party_cancelled
from app.parties.models import Rsvp
from tests.support.factories import PASSWORD, DinnerPartyFactory, MemberFactory, RsvpFactory

PATH = "/account/profile/"
OFFERED = {"diets", "allergens"}
SAVED = [("info", "Settings saved.")]


@pytest.fixture
def ada_browser(client_of, ada):
    return client_of(ada)


def save(visitor, **fields):
    return visitor.submit(visitor.get(PATH).form(PATH), **fields)


def test_a_member_edits_every_field_of_the_profile(ada_browser, ada, records):
    page = save(
        ada_browser,
        first_name=" Augusta  Ada ",
        last_name="King",
        timezone="europe/london",
        diets=["vegan", "no_alcohol"],
        allergens=["nuts"],
    )
    assert (page.path, page.flashes) == (PATH, SAVED)
    member = records.fresh(ada)
    assert (member.first_name, member.last_name, member.timezone) == ("Augusta Ada", "King", "Europe/London")
    assert (member.diets, member.allergens) == (["vegan", "no_alcohol"], ["nuts"])
    page = ada_browser.get(PATH)
    assert page.form(PATH).fields.getlist("diets") == ["vegan", "no_alcohol"]
    assert page.form(PATH).fields["last_name"] == "King"
    assert "ada@example.com" in page.text
    assert save(ada_browser, diets=[], allergens=[]).flashes == SAVED
    assert records.fresh(ada).diets == []


def test_a_member_chooses_how_clocks_and_dates_are_written(ada_browser, ada, app, records):
    party = DinnerPartyFactory(starts_at=datetime(2040, 7, 1, 19, tzinfo=UTC))
    RsvpFactory(party=party, member=ada)
    for locale, hour_cycle, day in (("en", "h23", "Sunday, July 1, 2040, 19:00"), ("en_GB", "", "1 July 2040, 19:00"),
                                    ("en_GB", "h12", "1 July 2040, 7:00 pm"), ("en", "", "July 1, 2040, 7:00 PM")):  # fmt: skip
        assert save(ada_browser, locale=locale, hour_cycle=hour_cycle, timezone="UTC").flashes == SAVED
        with app.app_context(), transaction() as session:
            rsvp = session.scalars(select(Rsvp).where(Rsvp.member_id == ada.id)).one()
            party_cancelled(rsvp.party, [rsvp])
            email = session.scalars(select(OutboxEmail)).one()
            session.delete(email)
        assert day in email.text.replace("\u202f", " ")
        clock = day.rpartition(", ")[2].replace(":00 ", " ")
        assert clock in ada_browser.get(f"/parties/{party.slug}").text.replace("\u202f", " ")
    assert records.fresh(ada).hour_cycle is None


def test_changes_are_in_the_audit_log_without_dietary_information(ada_browser, ada, records):
    save(ada_browser, last_name="King", allergens=["nuts"])
    (event,) = (event for event in records.all(AuditEvent) if event.action == "profile_changed")
    assert (event.actor, event.subject_id) == ("ada", ada.id)
    assert (event.before, event.after) == ({"last_name": "Byron"}, {"last_name": "King", "allergens": "changed"})
    before = records.count(AuditEvent)
    assert save(ada_browser).flashes == SAVED
    assert records.count(AuditEvent) == before


def test_a_new_language_applies_at_once_and_after_logging_out(ada_browser, ada, records):
    page = save(ada_browser, locale="es")
    assert '<html lang="es" dir="ltr">' in page.text
    assert [category for category, _text in page.flashes] == ["info"]
    assert records.fresh(ada).locale == "es"
    ada_browser.post("/logout/")
    assert '<html lang="es"' in ada_browser.get("/login/").text


def test_the_language_switch_still_works(ada_browser, ada, records):
    save(ada_browser, locale="es")
    ada_browser.post("/lang/", {"locale": "ar", "next": PATH})
    assert records.fresh(ada).locale == "ar"
    page = ada_browser.get(PATH)
    assert 'lang="ar" dir="rtl"' in page.text
    assert page.form(PATH).fields["locale"] == "ar"


def test_a_member_without_a_choice_sees_the_current_language(client_of, records):
    member = MemberFactory(locale=None, timezone=None)
    visitor = client_of(member)
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es"
    fields = visitor.get(PATH).form(PATH).fields
    assert (fields["locale"], fields["timezone"]) == ("es", "UTC")


@pytest.mark.parametrize(
    "changes",
    [
        {"first_name": ""},
        {"last_name": "x" * 65},
        {"timezone": "Mars/Olympus"},
        {"timezone": ""},
        {"locale": "xx"},
        {"diets": ["stones"]},
        {"allergens": ["nuts", "<b>"]},
    ],
)
def test_an_invalid_form_shows_errors_and_keeps_its_values(ada_browser, ada, records, changes):
    before = records.dump()
    page = save(ada_browser, **{"first_name": "Kept", "last_name": "Here", **changes})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert 'value="Kept"' in page.text or 'value="Here"' in page.text
    assert records.dump() == before


@pytest.mark.parametrize("name", ["O'Hara", "<script>alert(1)</script>", "🍷 ليلى", "a\x00b"])
def test_markup_in_a_name_is_escaped(ada_browser, ada, records, name):
    page = save(ada_browser, first_name=name)
    assert page.flashes == SAVED
    assert "<script>alert" not in page.text
    assert records.fresh(ada).first_name == name.replace("\x00", "")


@pytest.mark.both_databases
def test_fields_that_the_form_does_not_have_are_ignored(ada_browser, ada, records):
    form = ada_browser.get(PATH).form(PATH).fields.to_dict()
    columns = {column.key: "1" for column in Member.__table__.columns if column.key not in {*form, *OFFERED}}
    more = {"roles": ["1", "2"], "groups": "1", "banned_at": "2020-01-01", "email": "mine@example.com", "password": "x"}
    before = records.fresh(ada)
    page = ada_browser.post(PATH, {**columns, **more, **form, "last_name": "King"})
    assert page.flashes == SAVED
    after = records.fresh(ada)
    kept = [key for key in columns if key not in {"changed_on", "changed_by_fk"}]
    assert {key: getattr(after, key) for key in kept} == {key: getattr(before, key) for key in kept}
    assert {"password", "email", "active", "username", "session_stamp", "erase_at"} <= set(kept)
    assert after.last_name == "King"
    assert ada_browser.get("/users/list/").status == 403
    ada_browser.post("/logout/")
    assert ada_browser.log_in("ada", PASSWORD).path == "/"


def test_only_its_owner_edits_a_profile(visitor):
    page = visitor.get(PATH)
    assert (page.path, page.flashes) == ("/login/", [("info", "Please log in to access this page.")])
    assert visitor.post(PATH, {"first_name": "x"}).path == "/account/profile/"


def test_a_form_sent_after_the_session_expired_can_be_resubmitted(ada_browser, ada, records):
    form = ada_browser.get(PATH).form(PATH)
    with ada_browser.app.app_context(), transaction() as session:
        session.execute(delete(LoginSession))
    page = ada_browser.submit(form, last_name="King", diets=["vegan", "halal"])
    assert page.status == 401
    page = ada_browser.submit(page.form("/login/"), username="ada", password=PASSWORD)
    page = ada_browser.submit(page.form(PATH))
    assert page.flashes == SAVED
    assert (records.fresh(ada).last_name, records.fresh(ada).diets) == ("King", ["vegan", "halal"])
