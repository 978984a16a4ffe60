"""The administration in a browser: its menu, its lists on a phone, and the palette."""

from playwright.sync_api import expect

from tests.support.factories import DinnerPartyFactory, RsvpFactory

PHONE = {"viewport": {"width": 390, "height": 844}}
LIST = "/dinnerparties/list/"


def test_twenty_rows_of_a_list_fit_on_three_screens_of_a_phone(open_page, log_in, accessible, cast):
    party = DinnerPartyFactory(host=cast.host, number_seats=30)
    RsvpFactory.create_batch(19, party=party)
    page = open_page(**PHONE)
    log_in(page, cast.admin)
    page.goto("/rsvps/list/")
    expect(page.locator("tbody tr")).to_have_count(20)
    assert page.evaluate("document.documentElement.scrollHeight") < 2500
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    accessible(page)
    # The bar of actions appears with what is chosen, and stays in sight.
    expect(page.locator(".bulk")).to_be_hidden()
    page.get_by_label("Choose row 2", exact=True).check()
    expect(page.locator(".bulk output")).to_have_text("1 chosen")
    expect(page.locator(".bulk")).to_be_in_viewport()
    page.locator("td.name a").first.click()
    page.wait_for_url("**/rsvps/show/*")


def test_the_menu_is_a_drawer_on_a_phone(open_page, log_in, accessible, cast):
    page = open_page(**PHONE, locale="ar")
    log_in(page, cast.admin)
    page.goto("/manage/")
    accessible(page)
    expect(page.locator(".sidebar")).to_be_hidden()
    page.locator(".drawer").click()
    expect(page.locator(".sidebar")).to_be_visible()
    accessible(page)
    page.keyboard.press("Escape")
    expect(page.locator(".sidebar")).to_be_hidden()


def test_the_palette_leads_to_a_party_by_keyboard_alone(page, log_in, accessible, cast):
    DinnerPartyFactory(host=cast.host, title="Apples")
    party = DinnerPartyFactory(host=cast.host, title="Apple pie")
    log_in(page, cast.admin)
    page.goto("/")
    page.keyboard.press("Control+k")
    text = page.get_by_role("combobox", name="Page, party or member")
    expect(text).to_be_focused()
    page.keyboard.type("pie apple")
    expect(page.get_by_role("option")).to_have_count(1)
    accessible(page)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/dinnerparties/show/{party.id}")


def test_a_list_is_filtered_and_a_cell_changed_in_its_place(page, log_in, accessible, cast, records):
    party = DinnerPartyFactory(host=cast.host, title="Soup")
    DinnerPartyFactory(host=cast.host, title="Draft", draft=True)
    log_in(page, cast.admin)
    page.goto(LIST)
    page.locator("summary", has_text="Status").click()
    accessible(page)
    page.get_by_role("link", name="Published").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Change: Seats").click()
    field = page.get_by_label("Seats", exact=False).and_(page.locator("td input"))
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Change: Seats")).to_be_focused()
    page.keyboard.press("Enter")
    field.fill("11")
    accessible(page)
    page.get_by_role("button", name="Save", exact=True).and_(page.locator("td button")).click()
    expect(page.locator(".flash.info")).to_contain_text("1 row changed.")
    assert records.fresh(party).number_seats == 11
    assert page.url.endswith("_flt_0_status=published")
    page.goto(f"{LIST}?_month_DinnerPartyModelView={party.starts_at:%Y-%m}")
    accessible(page)
