"""The journeys with the keyboard alone: what is needed can be reached by Tab, is seen when it has the focus, and works by Enter and Space.

That of a guest is in test_journeys.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app import clock
from app.accounts.models import Registration
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty
from tests.support.factories import DinnerPartyFactory

MOST_STEPS = 80
# Whether the focus is shown, and where it is not hidden.
SHOWN = """element => { const {outlineStyle, outlineWidth} = getComputedStyle(element);
    const {width, height} = element.getBoundingClientRect();
    return outlineStyle !== "none" && outlineWidth !== "0px" && width > 1 && height > 1; }"""


@pytest.fixture
def reach(page):
    """Press Tab until the focus is on an element, and return it."""

    def reach(selector):
        target = page.locator(selector).first
        for _step in range(MOST_STEPS):
            page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                assert target.evaluate(SHOWN), f"the focus on {selector} cannot be seen"
                return target
        return pytest.fail(f"{selector} cannot be reached by Tab")

    return reach


@pytest.fixture
def write(page, reach):
    """Reach fields one after the other, and type into them."""

    def write(**texts):
        for name, text in texts.items():
            reach(f"main [name={name}]")
            page.keyboard.type(text)

    return write


def test_a_visitor_registers(page, write, records):
    page.goto("/register/form")
    write(first_name="Ada", last_name="Byron", email="ada@example.com", password="soup for the two of us")
    page.keyboard.press("Enter")
    page.wait_for_url("**/register/sent")
    assert records.one(Registration).email == "ada@example.com"


def test_a_host_publishes_a_party(page, log_in, reach, write, cast, records):
    log_in(page, cast.host)
    page.goto("/parties/new")
    write(title="Soup")
    reach("main [name=starts_at]")
    # Day and time are parts of one field.
    page.keyboard.type(f"{clock.now() + timedelta(days=7):%m%d%Y}")
    page.keyboard.press("Tab")
    page.keyboard.type("0700PM")
    reach("main [value=publish]")
    page.keyboard.press("Enter")
    expect(page.locator(".flash.info")).to_be_visible()
    assert records.one(DinnerParty).status == PartyStatus.PUBLISHED


def test_an_administrator_changes_a_row_and_deletes_it(page, log_in, reach, cast, records):
    party = DinnerPartyFactory(host=cast.host, title="Bread")
    log_in(page, cast.admin)
    page.goto("/dinnerparties/list/")
    reach(f"main a[href*='/dinnerparties/edit/{party.id}']")
    page.keyboard.press("Enter")
    reach("main [name=number_seats]")
    page.keyboard.press("Control+A")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.locator(".flash.info")).to_be_visible()
    assert records.one(select(DinnerParty)).number_seats == 12
    page.goto("/dinnerparties/list/")
    reach(f"main a[href*='/dinnerparties/delete/{party.id}']")
    page.keyboard.press("Enter")
    # The question has the focus until it is answered.
    expect(page.locator("dialog [value=cancel]")).to_be_focused()
    reach("dialog [value=ok]")
    page.keyboard.press("Enter")
    expect(page.locator(".flash.info")).to_be_visible()
    assert records.count(DinnerParty) == 0
