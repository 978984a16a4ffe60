"""What readers see of pages whose parts are right each for itself: widths, edges, levels, and colours that the system replaces."""

import json
import shlex
import urllib.request

import pytest
from playwright.sync_api import expect

from app.database import transaction
from app.parties.models import RsvpPerson
from tests.support.factories import DinnerPartyFactory, MenuItemFactory, RsvpFactory

# The labels and the controls of neighbours, by the block that they stand in: the distances of their tops, in pixels.
UNLEVEL = """() => [...document.querySelectorAll(".columns")].flatMap((row) => {
    const fields = [...row.children].filter((field) => field.matches(".field:not(:has(> .choice))") && field.checkVisibility());
    const tops = (field) => [...field.querySelectorAll(":scope > :is(label, legend, input, select, textarea)")].map(
        (part) => part.getBoundingClientRect().top);
    return fields.slice(1).map((field, i) => [fields[i], field])
        .filter(([one, other]) => one.getBoundingClientRect().top === other.getBoundingClientRect().top)
        .flatMap(([one, other]) => tops(one).map((top, i) => Math.abs(top - tops(other)[i])));
})"""
# Values with less room than a short word.
CRAMPED = """() => [...document.querySelectorAll("main :is(dd, td)")].filter(
    (value) => value.checkVisibility() && value.textContent.trim() && value.clientWidth < 48).map((value) => value.innerText)"""
OUTSIDE = """() => [...document.querySelectorAll("details.menu")].filter((menu) => menu.checkVisibility()).flatMap((menu) => {
    menu.open = true;
    const {left, right} = menu.querySelector("ul").getBoundingClientRect();
    menu.open = false;
    return left < 0 || right > innerWidth ? [[menu.innerText, left, right]] : [];
})"""


def test_a_kitchen_sheet_can_be_read_at_any_width(app, page, log_in, cast):
    party = DinnerPartyFactory(host=cast.host)
    MenuItemFactory(party=party, name="Paella with saffron, rabbit and beans", allergens=["gluten", "crustaceans"])
    answer = RsvpFactory(party=party, member=cast.friend)
    with app.app_context(), transaction() as session:
        session.add(RsvpPerson(rsvp_id=answer.id, position=0, diets=["vegetarian"], allergens=["gluten"]))
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}/kitchen")
    expect(page.get_by_text("Vegetarian", exact=True)).to_be_visible()
    # On a desktop a table is one. On phones each row is a card.
    for width, display in ((1280, "table"), (940, "table"), (320, "block")):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(CRAMPED) == []
        assert page.locator("main table").first.evaluate("table => getComputedStyle(table).display") == display


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_menus_open_inside_the_window_of_a_phone(open_page, log_in, cast, locale):
    page = open_page(locale=locale, viewport={"width": 320, "height": 640})
    page.goto("/")
    assert page.evaluate(OUTSIDE) == []
    log_in(page, cast.admin)
    for address in ("/", "/dashboards/", "/dinnerparties/list/"):
        page.goto(address)
        assert page.evaluate(OUTSIDE) == []


def test_labels_and_fields_beside_each_other_are_level(page, log_in, cast, party):
    log_in(page, cast.host)
    seen = []
    for address in ("/parties/new", f"/parties/{party.slug}/invitations", "/account/"):
        page.goto(address)
        seen += page.evaluate(UNLEVEL)
    assert seen
    assert max(seen) < 1


def test_an_api_key_is_shown_in_full_and_its_first_request_works(open_page, log_in, cast):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    log_in(page, cast.host)
    page.goto("/account/keys/new")
    page.fill("main [name=name]", "A program")
    page.click("main [type=submit]")
    for name in ("secret", "base", "curl"):
        shown = page.locator(f"#{name}")
        assert shown.evaluate(
            "field => [field.scrollWidth - field.clientWidth, field.scrollHeight - field.clientHeight]"
        ) == [0, 0]
        page.click(f"[data-copy={name}]")
        expect(page.locator(f"[data-copy={name}]")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == shown.input_value()
    _curl, _option, header, url = shlex.split(page.input_value("#curl"))
    asked = urllib.request.Request(url, headers=dict([header.split(": ")]))  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        assert "result" in json.load(answer)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_legend_of_the_seats_tells_them_apart_in_the_colours_of_the_system(open_page, log_in, cast, scheme):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party)
    page = open_page(forced_colors="active", color_scheme=scheme)
    log_in(page, cast.host)
    page.goto(f"/parties/{party.slug}")
    marks = page.locator(".legend .key").evaluate_all(
        "keys => keys.map((key) => { const {backgroundColor, borderStyle} = getComputedStyle(key, '::before');"
        " return backgroundColor + borderStyle; })"
    )
    assert len(set(marks)) == len(marks) == 3
