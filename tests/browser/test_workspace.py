"""What hosts do in the pages of their party, with JavaScript."""

from playwright.sync_api import expect

from app import clock
from app.parties import secret_links
from app.parties.menu.models import MenuItem
from app.parties.models import DinnerParty
from tests.support.factories import DinnerPartyFactory, MenuItemFactory, RsvpFactory

CAMERA = """
const canvas = document.createElement("canvas");
const brush = canvas.getContext("2d");
setInterval(() => brush.fillRect(0, 0, Math.random() * 9, 9), 50);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
const seen = %s;
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return [{ rawValue: seen.length > 1 ? seen.shift() : seen[0] }]; }
};
"""


def test_rows_of_the_menu_are_added_and_moved_in_the_page(page, log_in, cast, accessible, records):
    party = DinnerPartyFactory(host=cast.host)
    MenuItemFactory(party=party, name="Soup", course="starter")
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}/menu")
    page.fill("[name=dishes-0-name]", "Cold soup")
    page.get_by_role("button", name="Add a dish").click()
    expect(page.locator("[name=dishes-1-name]")).to_be_focused()
    page.keyboard.type("Bread")
    page.select_option("[name=dishes-1-course]", "starter")
    page.get_by_role("button", name="Allergens and diets: Dish 2").click()
    page.get_by_label("Cereals with gluten").check()
    page.get_by_role("button", name="Move up: Bread").click()
    expect(page.locator("[name=dishes-0-name]")).to_have_value("Bread")
    expect(page.locator("[name=dishes-1-name]")).to_have_value("Cold soup")
    expect(page.locator(".flash")).to_contain_text("Nothing has been saved yet.")
    accessible(page)
    assert [item.name for item in records.all(MenuItem)] == ["Soup"]
    page.get_by_role("button", name="Save the menu").click()
    page.wait_for_url("**/kitchen")
    assert [(item.name, item.allergens) for item in records.all(MenuItem)] == [("Bread", ["gluten"]), ("Cold soup", [])]


def test_a_half_filled_form_survives_and_is_gone_when_it_was_sent(page, log_in, cast, records):
    log_in(page, cast.host)
    page.goto("/parties/new")
    page.fill("[name=title]", "Fondue")
    page.fill("[name=starts_at]", "2040-01-01T18:00")
    page.locator("[name=starts_at]").blur()
    expect(page.locator("[name=ends_at]")).to_have_value("2040-01-01T21:00")
    page.wait_for_function("Object.keys(localStorage).some((key) => key.startsWith('draft:'))")
    page.goto("/parties/new")
    expect(page.locator("[name=title]")).to_have_value("Fondue")
    expect(page.locator("[name=ends_at]")).to_have_value("2040-01-01T21:00")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("[name=title]")).to_have_value("")
    page.goto("/parties/new")
    expect(page.locator("[data-draft-notice]")).to_be_hidden()
    # A refused form is kept as well.
    page.fill("[name=title]", "Raclette")
    page.fill("[name=number_seats]", "0")
    page.click("main [value=publish]")
    expect(page.locator(".summary")).to_be_visible()
    page.goto("/parties/new")
    expect(page.locator("[name=title]")).to_have_value("Raclette")
    page.fill("[name=number_seats]", "4")
    page.click("main [value=publish]")
    page.wait_for_url("**/overview")
    page.goto("/parties/new")
    expect(page.locator("[name=title]")).to_have_value("")
    assert records.one(DinnerParty).title == "Raclette"
    page.fill("[name=title]", "Secret")
    page.locator("[name=title]").blur()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []


def test_the_time_zone_is_that_of_the_town_unless_the_host_says_another(page, log_in, cast):
    log_in(page, cast.host)
    page.goto("/parties/new")
    zone, address = page.locator("[name=timezone]"), page.locator("[name=address]")
    for typed, found in (
        ("Paris Street 3, 28012 Madrid", "Europe/Madrid"),
        ("Rua Direita, São Paulo", "America/Sao_Paulo"),
        ("9 Larch Road, Leeds", "America/Sao_Paulo"),
    ):
        address.fill(typed)
        address.blur()
        expect(zone).to_have_value(found)
        expect(page.locator("[data-zone-name]")).to_have_text(found)
    page.get_by_text("Time zone:").click()
    zone.fill("Asia/Tokyo")
    address.fill("Madrid")
    address.blur()
    expect(zone).to_have_value("Asia/Tokyo")


def test_the_overview_renews_itself_and_keeps_the_focus(page, log_in, cast, accessible):
    party = DinnerPartyFactory(host=cast.host)
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}/overview")
    accessible(page)
    page.get_by_role("link", name="Reminders").focus()
    RsvpFactory(party=party, member=cast.friend)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".names")).to_contain_text("Friend Doe")
    expect(page.get_by_role("link", name="Reminders")).to_be_focused()


def test_the_tabs_scroll_on_a_phone_to_the_one_that_is_open(open_page, log_in, cast, accessible):
    page = open_page(viewport={"width": 390, "height": 800}, locale="ar")
    party = DinnerPartyFactory(host=cast.host, starts_at=clock.now())
    RsvpFactory(party=party, member=cast.friend, here=True)
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}/hosts")
    expect(page.locator(".party-tabs [aria-current]")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    accessible(page)


def test_the_door_scans_tickets_of_this_party_only(page, log_in, cast, app):
    party = DinnerPartyFactory(host=cast.host, starts_at=clock.now())
    rsvp = RsvpFactory(party=party, member=cast.friend)
    with app.app_context():
        code = secret_links.ticket_code(rsvp)
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}/door")
    # This browser reads no codes: the page says what to do instead.
    expect(page.get_by_role("button", name="Scan tickets")).to_be_hidden()
    seen = [
        "https://evil.example/parties/x/door/1-A",
        "hello",
        f"https://dinner.example/parties/{party.slug}/door/{code}",
    ]
    page.add_init_script(CAMERA % seen)
    page.goto(f"/parties/{party.slug}/door")
    page.get_by_role("button", name="Scan tickets").click()
    page.wait_for_url(f"**/door/{code}")
    page.get_by_role("button", name="Check Friend Doe in").click()
    expect(page.locator(".arrived")).to_have_text("1 of 1 is here.")


def test_the_preview_of_an_email_looks_as_it_is_sent(page, log_in, cast, accessible):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}/write")
    page.fill("[name=subject]", "The weather")
    page.fill("[name=text]", "Bring a coat.")
    page.get_by_role("button", name="Preview").click()
    email = page.frame_locator("iframe.email-preview")
    expect(email.locator("body")).to_contain_text("Bring a coat.")
    assert email.locator(".email").evaluate("element => getComputedStyle(element).maxWidth") == "544px"
