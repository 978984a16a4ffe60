"""Hostile input: markup is escaped everywhere, forms are sent once, and the back button shows nothing after logout."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from app import clock
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty
from tests.site.conftest import populate_site
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory

# Each breaks out of another context; an element of theirs, a script that ran or an evaluated sum is a hole.
TITLE = "'\"></bdi></title></textarea><script>alert(1)</script><img src=x onerror=alert(1) data-hole>{{1337*7}}%(x)s%"
NAME = "\"'><svg data-hole onload=alert(1)>{{1337*7}}\u202e%s"
TEXT = f"javascript:alert(1)\n{TITLE}\n<a data-hole href=javascript:alert(1)>x</a><!--\u2028\n]]>${{1337*7}}"
SUM = str(1337 * 7)
HOLES = "[data-hole], [src=x], [href^='javascript:']"
PARSE = f"""async addresses => {{
    const found = {{}}
    for (const address of addresses) {{
        const text = await (await fetch(address)).text()
        const parsed = new DOMParser().parseFromString(text, "text/html")
        found[address] = {{
            shown: text.includes("data-hole"),
            holes: parsed.querySelectorAll("{HOLES}").length,
            sums: text.includes("{SUM}"),
        }}
    }}
    return found
}}"""
# Of the pages of one reader, at least so many show one of the texts.
MIN_SHOWN = 10


@pytest.fixture
def people(app):
    """Members whose names are markup."""
    return {
        name: MemberFactory(username=name, first_name=NAME, last_name=NAME, admin=name == "boss")
        for name in ("host", "friend", "boss")
    }


@pytest.fixture
def populated_site(app, people):
    """A site on which every text is markup."""
    texts = {"title": TITLE, "venue": TITLE, "address": TEXT[:255], "main_dish": TITLE, "description": TEXT}
    party = DinnerPartyFactory(host=people["host"], slug="the-party", **texts)
    return populate_site(
        app,
        party,
        RsvpFactory(party=party, member=people["boss"], note=TEXT, name=NAME),
        people["friend"],
        DishClaimFactory={"dish": NAME, "slot__name": NAME},
        ApiKeyFactory={"name": NAME},
        GroupFactory={"name": NAME, "label": NAME, "description": TITLE},
        GuestMessageFactory={"subject": TITLE, "text": TEXT},
        InvitationFactory={"name": NAME},
        OutboxEmailFactory={
            "subject": TITLE,
            "text": TEXT,
            "html": TEXT,
            "name": NAME,
            "last_error": TEXT,
            "failed": True,
        },
        MenuItemFactory={"name": NAME},
        PartyReportFactory={"note": TEXT},
        RegistrationFactory={"first_name": NAME, "last_name": NAME},
    )


@pytest.fixture
def holes():
    """Return the markup of ours that became elements; scripts that the CSP blocked are reported separately."""

    def holes(page):
        found = page.locator(HOLES).count()
        return [f"{page.url}: {found} elements"] * bool(found) + [f"{page.url}: a sum"] * (SUM in page.content())

    return holes


@pytest.fixture
def page(open_page):
    """A page on which any dialog counts as a hole."""
    page, dialogs = open_page(), []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield page
    assert dialogs == []


def test_markup_is_escaped_on_every_page(populated_site, people, page, log_in, holes, client_of):
    """Hosts open their own pages, and an administrator the others.

    The browser parses the pages without showing them, which is faster. What scripts make of texts is tested below.
    """
    host, found = client_of(people["host"]), []
    addresses = {populated_site.address(rule): "boss" for rule in populated_site.pages()}
    addresses |= {address: "host" for address in addresses if host.get(address, follow=False).status == 200}
    assert len(set(addresses.values())) == 2
    for reader in ("host", "boss"):
        page.context.clear_cookies()
        log_in(page, people[reader])
        parsed = page.evaluate(PARSE, [address for address, who in addresses.items() if who == reader])
        assert sum(parsed[address]["shown"] for address in parsed) > MIN_SHOWN
        found += [address for address, page_found in parsed.items() if page_found["holes"] or page_found["sums"]]
    assert found == []


def test_markup_is_escaped_in_emails(populated_site, people, page, log_in, holes, records):
    log_in(page, people["friend"])
    page.goto("/parties/the-party")
    page.click("main [value=yes]")
    expect(page.locator(".flash.info")).to_contain_text("data-hole")
    assert holes(page) == []
    page.click("header form[action$='/logout/'] button")
    log_in(page, people["boss"])
    letters = records.all(OutboxEmail)
    assert len(letters) > 1
    for letter in letters:
        page.goto(f"/letters/show/{letter.id}")
        expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
        assert holes(page) == []


def test_markup_is_escaped_in_a_redisplayed_form(people, page, log_in, holes):
    page.goto("/register/form")
    page.locator("main details summary").click()
    for name in ("username", "email", "first_name", "last_name"):
        page.fill(f"main [name={name}]", NAME)
    page.click("main [type=submit]")
    expect(page.locator("[name=first_name]")).to_have_value(NAME)
    assert holes(page) == []

    log_in(page, people["boss"])
    page.goto("/dinnerparties/add")
    page.fill("[name=title]", TITLE)
    page.fill("main [name=description]", TITLE)
    page.click("main [type=submit]")
    expect(page.locator("[name=title]")).to_have_value(TITLE)
    expect(page.locator("main [name=description]")).to_have_value(TITLE)
    assert holes(page) == []

    page.goto("/dinnerparties/list/")
    page.click("text=Advanced")
    page.fill("[name=_value]", TITLE)
    page.click("text=Apply")
    expect(page.locator(".chip.on bdi")).to_have_text(TITLE)
    assert holes(page) == []


def test_markup_is_escaped_in_choices(populated_site, people, page, log_in, holes):
    log_in(page, people["boss"])
    page.goto("/dinnerparties/add")
    page.get_by_role("combobox", name="Host").press_sequentially("ho")
    expect(page.get_by_role("option").filter(has_text="data-hole").first).to_be_visible()
    assert holes(page) == []


def test_markup_is_escaped_in_the_confirmation_of_a_deletion(populated_site, people, page, log_in, holes, records):
    log_in(page, people["boss"])
    page.goto(f"/dinnerparties/delete/{populated_site.party.id}")
    expect(page.locator("h1")).to_contain_text(TITLE)
    page.goto("/dinnerparties/list/")
    page.get_by_role("link", name="Delete").click()
    page.click("dialog [value=ok]")
    expect(page.locator(".flash.info")).to_be_visible()
    assert holes(page) == []
    assert records.count(DinnerParty) == 0


def test_clicking_twice_creates_one_party(app, page, log_in, cast, records):
    log_in(page, cast.host)
    page.goto("/parties/new")
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    page.fill("[name=title]", "Once")
    page.fill("[name=starts_at]", f"{clock.now() + timedelta(days=7):%Y-%m-%dT19:00}")
    button = page.locator("main [value=publish]")
    # The database is locked for a while, so the first response is pending when the button is clicked again.
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        button.evaluate("button => { for (const wait of [0, 100, 200]) setTimeout(() => button.click(), wait) }")
        page.wait_for_timeout(400)
        connection.rollback()
    expect(page.locator(".flash.info")).to_be_visible()
    assert records.count(DinnerParty) == sent.count("POST") == 1


def test_the_back_button_shows_nothing_after_logging_out(page, log_in, cast):
    log_in(page, cast.host)
    assert page.goto("/user/host").headers["cache-control"] == "no-store"
    expect(page.locator("main")).to_contain_text("host@example.com")
    page.click("header form[action$='/logout/'] button")
    expect(page.locator(".flash.info")).to_be_visible()
    page.go_back()
    expect(page.locator("main [name=password]")).to_be_visible()
    assert "host@example.com" not in page.content()
