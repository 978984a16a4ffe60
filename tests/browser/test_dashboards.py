"""Dashboards in a browser: by mouse, by keyboard and without JavaScript; charts that refresh; the editor."""

import re

import pytest

from app.dashboards import service
from app.dashboards.models import Dashboard
from app.database import transaction
from app.extensions import db

VALUES = [{"month": "May", "parties": 3}, {"month": "June", "parties": 5}]
MODULES = [
    {"id": "bars", "title": "Bars", "type": "bar", "data": {"values": VALUES}, "row": 1, "order": 0, "width": 6},
    {"id": "number", "title": "Number", "type": "number", "data": {"values": 7}, "row": 1, "order": 1, "width": 6},
    {
        "id": "lines",
        "title": "Lines",
        "type": "line",
        "data": {"values": VALUES},
        "row": 2,
        "order": 0,
        "width": 6,
        "refresh_seconds": 10,
        "inputs": [{"name": "months", "label": "Months", "type": "number", "default": 12}],
    },
]


@pytest.fixture
def board(app, cast):
    """Store a dashboard of the host."""

    def make(layout="grid", **changes):
        modules = [{**each, **changes.get(each["id"], {})} for each in MODULES]
        with app.app_context(), transaction():
            owner = db.session.merge(cast.host)
            return service.create(owner, "Season", {"layout": layout, "modules": modules}).slug

    return make


@pytest.fixture
def places(app):
    """Return the keys of the modules by row, as "bars number/lines", and their sizes."""

    def read(slug):
        with app.app_context():
            modules = db.session.query(Dashboard).filter_by(slug=slug).one().modules
        ordered = sorted(modules, key=lambda each: (each["row"], each["order"]))
        rows = {
            each["row"]: " ".join(other["id"] for other in ordered if other["row"] == each["row"]) for each in ordered
        }
        return "/".join(rows.values()), {each["id"]: (each["width"], each["height"]) for each in modules}

    return read


def drag(page, handle, target, x, y):
    """Drag the middle of `handle` to a point of `target`, given as parts of its size."""
    box = target.bounding_box()
    handle.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=5)
    page.mouse.up()


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_modules_are_dragged_and_resized(open_page, log_in, board, places, cast, locale):
    slug = board()
    page = open_page(locale=locale, extra_http_headers={"Accept-Language": locale})
    log_in(page, cast.host)
    page.goto(f"/dashboards/{slug}/arrange")
    modules = {key: page.locator(f"[data-module={key}]") for key in ("bars", "number", "lines")}
    status = page.locator("#arranged")
    is_rtl = page.evaluate("document.documentElement.dir") == "rtl"
    drag(page, modules["bars"].locator("[data-grip]"), modules["number"], 0.1 if is_rtl else 0.9, 0.5)
    status.filter(has_text="Bars").wait_for()
    assert places(slug)[0] == "number bars/lines"
    drag(page, modules["lines"].locator("[data-grip]"), modules["number"], 0.5, 0.01)
    status.filter(has_text="Lines").wait_for()
    assert places(slug)[0] == "lines/number bars"
    box = modules["lines"].bounding_box()
    corner = modules["lines"].locator("[data-corner]")
    column = box["width"] / 6
    corner.hover()
    page.mouse.down()
    now = corner.bounding_box()
    page.mouse.move(
        now["x"] + now["width"] / 2 + (-2 if is_rtl else 2) * column, now["y"] + now["height"] / 2 + 100, steps=5
    )
    page.mouse.up()
    page.locator("[data-module=lines][data-width='8']").wait_for()
    assert places(slug)[1]["lines"] == (8, 400)
    assert modules["lines"].bounding_box()["width"] > box["width"] * 1.2
    assert status.is_visible()


def test_modules_are_arranged_by_keyboard_and_the_place_is_told(page, log_in, board, places, cast, accessible):
    slug = board()
    log_in(page, cast.host)
    page.goto(f"/dashboards/{slug}")
    page.get_by_role("link", name="Arrange").press("Enter")
    # Before the script is there, a button sends its form.
    page.wait_for_url("**/arrange")
    right = page.get_by_role("button", name="Move towards the end: Bars")
    right.press("Enter")
    page.get_by_text("“Bars” is number 2 of 2 in row 1").wait_for()
    assert page.evaluate("document.activeElement.id") == "right-bars"
    # Nothing is loaded anew: the next key follows at once.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "down-bars"
    page.keyboard.press("Space")
    page.get_by_text("“Bars” is number 2 of 2 in row 2").wait_for()
    page.get_by_role("button", name="Wider: Number").press("Enter")
    page.get_by_text("7 of 12 columns wide").wait_for()
    assert places(slug) == ("number/lines bars", {"bars": (6, 300), "number": (7, 300), "lines": (6, 300)})
    assert page.locator("#arranged").get_attribute("role") == "status"
    accessible(page)


def test_a_free_module_is_dragged_anywhere(page, log_in, board, cast, app):
    slug = board("freeform", number={"x": 700}, lines={"y": 400})
    log_in(page, cast.host)
    page.goto(f"/dashboards/{slug}/arrange")
    grip = page.locator("[data-module=bars] [data-grip]")
    box = grip.bounding_box()
    grip.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 50, box["y"] + box["height"] / 2 + 120, steps=5)
    page.mouse.up()
    page.get_by_text("“Bars” is 50 pixels from the start and 120 from the top").wait_for()
    with app.app_context():
        module = db.session.query(Dashboard).filter_by(slug=slug).one().modules[0]
    assert (module["x"], module["y"]) == (50, 120)


def test_a_drag_that_is_given_up_changes_nothing(page, log_in, board, places, cast):
    slug = board()
    log_in(page, cast.host)
    page.goto(f"/dashboards/{slug}/arrange")
    grip = page.locator("[data-module=bars] [data-grip]")
    grip.hover()
    page.mouse.down()
    page.mouse.move(900, 400, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.locator(".dragged").count() == 0
    assert places(slug)[0] == "bars number/lines"


def test_a_chart_refreshes_keeps_its_height_and_tries_again_later(page, log_in, board, cast, app):
    slug = board()
    log_in(page, cast.host)
    page.clock.install()
    asked, broken = [], []
    page.route(
        re.compile("/modules/lines"),
        lambda route: (asked.append(route.request.url), route.abort() if broken else route.continue_()),
    )
    page.goto(f"/dashboards/{slug}?lines.months=3")
    module = page.locator("[data-module=lines]")
    height = module.bounding_box()["height"]
    page.evaluate("document.querySelector('[data-module=lines] .module-body').dataset.old = 'yes'")
    page.clock.run_for(10_500)
    page.locator("[data-old]").wait_for(state="detached")
    assert asked[0].endswith("?lines.months=3")
    assert module.bounding_box()["height"] == height
    # The interval doubles while it fails, and is told.
    broken.append(True)
    with page.expect_console_message(lambda message: "ERR_FAILED" in message.text):
        page.clock.run_for(10_500)
    page.get_by_text("This could not be updated.").wait_for()
    count = len(asked)
    page.clock.run_for(15_000)
    assert len(asked) == count
    broken.clear()
    page.clock.run_for(6_000)
    page.get_by_text("This could not be updated.").wait_for(state="hidden")


def test_the_editor_numbers_its_lines_and_leads_to_mistakes(page, log_in, board, cast, accessible):
    slug = board()
    log_in(page, cast.host)
    page.goto(f"/dashboards/{slug}/json")
    text = page.input_value("#text")
    assert page.locator(".line-numbers").inner_text().split() == [
        str(number) for number in range(1, text.count("\n") + 2)
    ]
    page.fill("#text", text.replace('"width": 6', '"width": "six"', 1))
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name=re.compile("Line \\d+")).first.click()
    selected = page.evaluate(
        "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.activeElement)"
    )
    assert selected.strip() == '"width": "six",'
    accessible(page)


def test_everything_but_dragging_works_without_javascript(open_page, log_in, board, places, cast):
    slug = board()
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    log_in(page, cast.host)
    page.goto(f"/dashboards/{slug}")
    assert page.locator("[data-module=lines] svg").first.is_visible()
    page.get_by_label("Months").fill("3")
    page.get_by_role("button", name="Show").click()
    assert "lines.months=3" in page.url
    assert page.get_by_label("Months").input_value() == "3"
    page.get_by_role("link", name="Arrange").click()
    page.get_by_role("button", name="Move towards the end: Bars").click()
    page.get_by_text("“Bars” is number 2 of 2 in row 1").wait_for()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("button", name="Add a module").click()
    page.get_by_label("Title").last.fill("Mine")
    page.get_by_label("Values").last.fill("[1, 2, 3]")
    page.get_by_label("Data", exact=True).last.select_option("values")
    page.get_by_role("button", name="Save").last.click()
    assert page.get_by_role("heading", name="Mine").is_visible()
    assert places(slug)[0] == "number bars/lines/mine"
