"""The tour of the README in a real browser; for a guest and a host also on a served site."""

import re
from datetime import timedelta

import pytest
from flask_babel import gettext
from playwright.sync_api import expect
from sqlalchemy import select

from app import clock
from app.accounts.models import Member
from app.i18n.selectors import force_locale
from app.outbox.models import OutboxEmail
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty
from tests.support.factories import PASSWORD, DinnerPartyFactory, MemberFactory, RsvpFactory

# As a newcomer sees the site: e-mail waits in the outbox.
pytestmark = pytest.mark.usefixtures("no_mail_server")

ROLES = {"info": "status", "warning": "alert", "danger": "alert"}


@pytest.fixture
def site(site, request):
    """The URL of the site; with the mark `processes` it is served in separate processes, which takes seconds."""
    if request.node.get_closest_marker("processes"):
        return request.getfixturevalue("server").start().url
    return site


@pytest.fixture
def says(app, keep):
    """Wait for the one flash on a page, and compare it, in the language of the page. Keep a picture of that step."""

    def says(page, category, text, **values):
        locale = page.locator("html").get_attribute("lang")
        with app.app_context(), force_locale(locale, "UTC"):
            translated = gettext(text, **values)
        assert locale == "en" or translated != text % values
        expect(page.locator(".flash")).to_have_count(1)
        expect(page.locator(f".flash.{category}[role={ROLES[category]}]")).to_contain_text(translated)
        keep(page)

    return says


def typed(page):
    """Return the values of the form on a page."""
    fields = page.locator("main form.card").evaluate("form => Object.fromEntries(new FormData(form))")
    return fields | {"csrf_token": None}


# -- as a guest


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"locale": "en"}, id="English", marks=pytest.mark.processes),
        pytest.param({"locale": "ar"}, id="Arabic"),
        pytest.param({"locale": "en", "java_script_enabled": False}, id="English without JavaScript"),
    ],
)
def test_the_journey_of_a_guest(open_page, log_in, says, cast, records, options):
    party = DinnerPartyFactory(host=cast.host, title="Paella on the terrace")
    full = DinnerPartyFactory(host=cast.host, title="عشاء منسف", number_seats=3, full=True)
    scripted = options.get("java_script_enabled", True)
    page = open_page(**options)

    page.goto("/")
    page.click("main a[href='/register/form']")
    page.fill("main [name=email]", "ada@")
    page.click("main [type=submit]")
    says(page, "danger", "Please correct the fields that are marked.")
    expect(page.locator("[name=email]")).to_have_value("ada@")
    if scripted:
        expect(page.locator(".summary")).to_be_focused()
    for name, value in {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"}.items():
        page.fill(f"main [name={name}]", value)
    page.click("main form summary")
    page.fill("main [name=username]", "ada")
    page.fill("main [name=password]", PASSWORD)
    page.click("main [type=submit]")
    says(page, "warning", "E-mail waits in the outbox, because no mail server is configured.")

    link = link_in_outbox(open_page(), log_in, cast.admin)
    page.goto(link)
    page.click("main [type=submit]")
    says(page, "info", "Your account is activated, you can now log in.")
    page.goto(link)
    expect(page.locator("main [type=submit]")).to_have_count(0)

    page.goto("/login/")
    page.fill("main [name=username]", "ada@example.com")
    page.fill("main [name=password]", "wrong")
    page.click("main [type=submit]")
    says(page, "warning", "Invalid login. Please try again.")
    page.fill("main [name=password]", PASSWORD)
    page.click("main [type=submit]")
    says(page, "info", "Welcome, %(name)s!", name="Ada Byron")

    page.click(f"text={party.title}")
    page.click("main [name=answer][value=yes]")
    expect(page.locator(".flash.info[role=status]")).to_contain_text(cast.host.first_name)
    assert records.fresh(party).seats_taken == 2
    page.click("header.top a[href='/parties/']")
    page.click(f"text={full.title}")
    page.click("main [name=answer][value=yes]")
    expect(page.locator(".flash.warning[role=alert]")).to_contain_text("1")
    expect(page.locator(".note")).to_contain_text("1")
    kinds = records.all(select(OutboxEmail.kind).where(OutboxEmail.recipient == "ada@example.com"))
    assert {"activation", "welcome", "rsvp_yes", "rsvp_waitlisted"} == set(kinds)

    page.click("header.top a[href='/user/ada']")
    expect(page.locator("main .next-dinner, main .course")).to_have_count(2)
    page.click(f"text={party.title}")
    page.click("form[action$=withdraw] button")
    if scripted:
        page.click("dialog [value=ok]")
    says(page, "info", "Your seats have been released.")
    assert records.fresh(party).seats_taken == 1

    page.click("form[action$='/logout/'] button")
    says(page, "info", "You are logged out.")
    assert records.one(select(Member).where(Member.username == "ada")).locale == options["locale"]


def link_in_outbox(page, log_in, admin):
    """Return the link in the newest e-mail of the outbox, as an administrator sees it."""
    log_in(page, admin)
    page.get_by_role("link", name="Manage").click()
    page.locator(".sidebar").get_by_role("link", name="Outbox").click()
    page.get_by_role("row").filter(has_text="ada@example.com").locator("td.name a").click()
    link = page.locator("main a[href*='/register/activation/']")
    expect(link).to_have_text(link.get_attribute("href"))
    return link.get_attribute("href")


# -- as a host


@pytest.mark.processes
def test_the_journey_of_a_host(page, log_in, says, accessible, cast, records):
    log_in(page, cast.host)
    page.get_by_role("link", name="Host a dinner").first.click()
    page.click("main [value=publish]")
    says(page, "danger", "Please correct the fields that are marked.")
    accessible(page)
    page.fill("[name=title]", "Soup & <b>bread</b>")
    page.fill("main [name=description]", "Come hungry.\nLeave happy.")
    page.fill("[name=starts_at]", f"{clock.now() + timedelta(days=7):%Y-%m-%dT19:00}")
    page.fill("[name=number_seats]", "4")
    page.click("main [value=save_draft]")
    says(page, "info", "Party “%(title)s” saved as draft.", title="Soup & <b>bread</b>")
    assert records.one(DinnerParty).status == PartyStatus.DRAFT

    page.get_by_role("button", name="Publish").click()
    says(page, "info", "Party “%(title)s” published.", title="Soup & <b>bread</b>")
    expect(page.locator(".steps .next")).to_contain_text("Invite")
    accessible(page)
    party = records.one(DinnerParty)
    for guest in (cast.friend, cast.stranger):
        RsvpFactory(party=party, member=guest)

    page.get_by_role("link", name="Settings").click()
    page.fill("[name=starts_at]", f"{clock.now() + timedelta(days=7):%Y-%m-%dT20:00}")
    page.click("main [value=publish]")
    says(page, "warning", "Saved. 2 guests will get an updated calendar entry.")

    page.get_by_role("link", name="Settings").click()
    page.fill("[name=title]", "Less soup")
    page.fill("[name=number_seats]", "2")
    before = typed(page)
    page.click("main [value=publish]")
    says(page, "danger", "3 seats are already taken; you cannot go below that.")
    expect(page.locator("#number_seats-error")).to_contain_text("3 seats are already taken; you cannot go below that.")
    assert typed(page) == before
    assert records.fresh(party).number_seats == 4
    accessible(page)

    page.get_by_role("link", name="Cancel").click()
    page.click("text=Cancel this party")
    page.click("text=Yes, cancel the party")
    says(page, "warning", "Party cancelled; 2 guests will be told.")
    expect(page.locator(".party-name .badge")).to_have_text("Cancelled")
    assert records.fresh(party).status == PartyStatus.CANCELLED


# -- as an administrator


def test_the_journey_of_an_administrator(page, log_in, says, accessible, cast, records):
    for title in ("Bread", "Apples", "Cheese"):
        DinnerPartyFactory(host=cast.host, title=title)
    log_in(page, cast.admin)
    page.get_by_role("link", name="Manage").click()
    page.get_by_role("link", name="Dinner parties").click()
    page.get_by_role("link", name="Title").click()
    assert column(page, "Title") == ["Apples", "Bread", "Cheese"]
    page.get_by_role("link", name="Title").click()
    assert column(page, "Title") == ["Cheese", "Bread", "Apples"]

    page.click("text=Advanced")
    page.select_option("[name=_flt]", label="Title · Contains")
    page.fill("[name=_value]", "e")
    page.click("text=Apply")
    assert column(page, "Title") == ["Cheese", "Bread", "Apples"]
    page.click("text=Advanced")
    page.select_option("[name=_flt]", label="Title · Starts with")
    page.fill("[name=_value]", "b")
    page.click("text=Apply")
    expect(page.locator(".chip.on")).to_have_count(2)
    assert column(page, "Title") == ["Bread"]
    page.get_by_role("link", name="Remove this filter").last.click()
    expect(page.locator(".chip.on")).to_have_count(1)

    page.get_by_role("row").get_by_role("link", name="Cheese").click()
    page.get_by_role("link", name="Edit").click()
    page.fill("[name=number_seats]", "12")
    page.click("main [type=submit]")
    says(page, "info", "Party “%(title)s” saved.", title="Cheese")
    assert records.one(select(DinnerParty).where(DinnerParty.title == "Cheese")).number_seats == 12

    page.goto("/dinnerparties/list/")
    page.get_by_role("link", name="Add", exact=True).click()
    page.click("main [type=submit]")
    says(page, "danger", "Please correct the fields that are marked.")
    accessible(page)
    page.fill("[name=title]", "Figs")
    page.get_by_role("combobox", name="Host").fill("friend")
    page.fill("[name=starts_at]", "2020-01-01T19:00")
    page.fill("[name=timezone]", "Europe/Madrid")
    page.click("main [type=submit]")
    says(page, "warning", "Saved, but the date of “%(title)s” is in the past.", title="Figs")
    assert column(page, "Host")[-1] == "Friend Doe"

    page.get_by_role("row").filter(has_text="Bread").get_by_role("link", name="Delete").click()
    page.click("dialog [value=cancel]")
    assert records.count(DinnerParty) == 4
    page.get_by_role("row").filter(has_text="Bread").get_by_role("link", name="Delete").click()
    accessible(page)
    page.click("dialog [value=ok]")
    expect(page.locator(".flash.info[role=status]")).to_be_visible()
    assert sorted(column(page, "Title")) == ["Apples", "Cheese", "Figs"]


def test_an_administrator_acts_on_many_rows_at_once(page, log_in, says, cast, records):
    people = MemberFactory.create_batch(3)
    log_in(page, cast.admin)
    page.goto("/users/list/?_flt_0_username=member")
    page.click("text=Deactivate")
    page.click("dialog [value=ok]")
    says(page, "warning", "Select at least one row.")
    page.check("[data-check-all]")
    page.click("text=Deactivate")
    page.click("dialog [value=ok]")
    says(page, "info", "3 users deactivated.")
    assert not any(records.fresh(person).active for person in people)
    expect(page.locator(".chip.on")).to_have_count(1)

    page.goto("/users/list/")
    page.check("[data-check-all]")
    page.click("text=Deactivate")
    page.click("dialog [value=ok]")
    says(page, "danger", "You cannot deactivate yourself.")
    assert records.fresh(cast.friend).active


def column(page, label):
    """Return the cells of the column `label` of a generated list."""
    return [text.strip() for text in page.locator(f"td[data-label='{label}']").all_inner_texts()]


# -- as any reader


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with JavaScript", "without"])
def test_the_language_can_be_chosen_on_any_page(open_page, says, cast, java_script_enabled):
    party = DinnerPartyFactory(host=cast.host)
    page = open_page(java_script_enabled=java_script_enabled)
    page.goto(f"/parties/{party.slug}")
    for name, language, direction in (("العربية", "ar", "rtl"), ("Español", "es", "ltr"), ("English", "en", "ltr")):
        page.click("header.top .account summary")
        # How far a language is stands beside its name.
        page.get_by_role("button", name=re.compile(f"^{name}(?! \\()")).click()
        says(page, "info", "Language changed to %(language)s.", language=name)
        assert page.url.endswith(f"/parties/{party.slug}")
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("html").get_attribute("dir") == direction


def test_the_site_can_be_used_with_the_keyboard_alone(page, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    page.goto(f"/login/?next=/parties/{party.slug}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("friend")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(party.title)
    seat = page.locator("main [value=yes]")
    for _ in range(20):
        page.keyboard.press("Tab")
        if seat.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".flash.info")).to_be_visible()
    assert records.fresh(party).seats_taken == 2
