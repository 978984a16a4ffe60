"""The pages of rows in a real browser: choosing by name with the keyboard, the permissions of a role, undoing a deletion."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.parties.enums import PartyStatus
from app.parties.menu.models import MenuItem
from app.parties.models import DinnerParty
from tests.support.factories import DinnerPartyFactory, MemberFactory, MenuItemFactory


def test_a_host_is_chosen_by_name_with_the_keyboard(page, log_in, accessible, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    noor = MemberFactory(username="nh", first_name="Noor", last_name="Haddad")
    log_in(page, cast.admin)
    page.goto(f"/dinnerparties/edit/{party.id}")
    box = page.get_by_role("combobox", name="Host")
    expect(box).to_have_value(cast.host.display_name)
    box.fill("noor h")
    expect(page.get_by_role("option", name="Noor Haddad")).to_be_visible()
    box.press("ArrowDown")
    accessible(page)
    box.press("Enter")
    expect(box).to_have_value("Noor Haddad")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".flash").first).to_be_visible()
    assert records.one(select(DinnerParty)).host_id == noor.id


def test_a_deletion_says_what_follows_and_is_undone(page, log_in, cast, records):
    dish = MenuItemFactory(name="Flan")
    log_in(page, cast.admin)
    page.goto(f"/menuitems/show/{dish.id}")
    page.get_by_role("link", name="Delete").click()
    expect(page.locator("#confirm-message")).to_have_text("You can undo this for 10 seconds.")
    page.locator("dialog [value=ok]").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".flash.info")).to_contain_text("“Flan” was restored.")
    assert records.one(select(MenuItem)).name == "Flan"


def test_what_was_asked_and_not_confirmed_is_not_done_by_another_button(page, log_in, cast, records):
    for name in ("Flan", "Figs"):
        MenuItemFactory(name=name)
    log_in(page, cast.admin)
    page.goto("/menuitems/list/")
    page.get_by_role("row").filter(has_text="Figs").get_by_role("link", name="Delete").click()
    page.locator("dialog [value=ok]").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.get_by_role("row").filter(has_text="Flan").get_by_role("link", name="Delete").click()
    page.locator("dialog [value=cancel]").click()
    undo.click()
    expect(page.locator(".flash.info")).to_contain_text("“Figs” was restored.")
    assert sorted(dish.name for dish in records.all(MenuItem)) == ["Figs", "Flan"]


def test_the_permissions_of_a_role_are_searched(page, log_in, cast):
    log_in(page, cast.admin)
    page.goto("/roles/add")
    page.get_by_label("Search").fill("ban")
    expect(page.get_by_role("row", name="Users")).to_be_visible()
    expect(page.get_by_role("row", name="Audit log")).to_be_hidden()


@pytest.mark.parametrize(
    "options", [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 390, "height": 800}}]
)
def test_the_pages_of_a_row_are_accessible(open_page, log_in, accessible, cast, options):
    party = DinnerPartyFactory(host=cast.host, status=PartyStatus.PUBLISHED)
    page = open_page(**options)
    log_in(page, cast.admin)
    page.goto(f"/dinnerparties/edit/{party.id}")
    page.get_by_label("Title").fill("Soup")
    page.get_by_role("button", name="Save").click()
    for path in (
        f"/dinnerparties/show/{party.id}",
        f"/dinnerparties/history/{party.id}",
        f"/dinnerparties/delete/{party.id}",
        "/roles/edit/2",
        "/statistics/",
    ):
        page.goto(path)
        for more in page.locator(".object summary").all():
            more.click()
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
