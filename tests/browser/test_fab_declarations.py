"""What Flask-AppBuilder offers beside the table and the form is accessible, in both directions of writing."""

import pytest

from app.extensions import db
from tests.crud import test_cascades, test_charts, test_fab_declarations, test_files
from tests.crud.conftest import _with_views
from tests.support.databases import application
from tests.support.factories import DinnerPartyFactory, RsvpFactory

VIEWS = tuple(
    dict.fromkeys(
        (
            *test_fab_declarations.OURS,
            *test_fab_declarations.BASES,
            *test_charts.OURS,
            test_files.Papers,
            test_cascades.Trips,
        )
    )
)
DESK, PHONE = SIZES = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PATHS = [
    "/thumbnails/list/",
    "/thumbnails/show/1",
    "/thumbnails/edit/1",
    "/blocks/list/",
    "/blocks/show/1",
    "/blocks/edit/1",
    "/items/list/",
    "/items/show/1",
    "/items/edit/1",
    "/carousel/list/",
    "/links/list/",
    "/masters/list/",
    "/several/list/",
    "/master/list/",
    "/master/list/1",
    "/compact/list/",
    "/compact/edit/1",
    "/wishform/form",
    "/begin/",
    "/columnchart/chart/",
    "/barchart/chart/",
    "/linechart/chart/",
    "/areachart/chart/",
    "/piechart/chart/",
    "/timed/chart/",
    "/both/list/",
    "/papers/add",
    "/trips/add",
]


@pytest.fixture
def app(app, database_url, tmp_path):
    own = _with_views(application(database_url, tmp_path), VIEWS)
    for venue, seats in (("Berlin", 4), ("Berlin", 8), ("Cádiz", 50), ("Tunis", 20)):
        RsvpFactory(party=DinnerPartyFactory(title=f"Soup in {venue}", venue=venue, number_seats=seats), name="Zoe")
    test_cascades.fill(own)
    with own.app_context():
        test_files.Base.metadata.create_all(db.engine)
    yield own
    with own.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(("locale", "examined"), [("en", DESK), ("ar", PHONE)])
def test_each_page_is_accessible_and_fits(open_page, accessible, locale, examined):
    """Each page is measured in both sizes in both directions, and examined in one size in each: see test_pages."""
    page = open_page(locale=locale, viewport=examined)
    for path in PATHS:
        assert page.goto(path).status == 200, path
        page.evaluate("document.querySelectorAll('details.fold').forEach(fold => { fold.open = true })")
        # Starting with the current size, because resizing takes as long as loading a page.
        for size in sorted(SIZES, key=lambda size: size != page.viewport_size):
            page.set_viewport_size(size)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} is {wide} px wider than {size['width']}"
            if size == examined:
                accessible(page)


def test_the_choices_of_a_field_follow_the_other_field(page):
    page.goto("/trips/add")
    city = page.get_by_label("City")
    assert city.locator("option").all_inner_texts() == ["—"]
    page.get_by_label("Country").select_option("Spain")
    city.select_option("Cádiz")
    page.get_by_label("Country").select_option("Germany")
    city.locator("option", has_text="Berlin").wait_for(state="attached")
    city.select_option("Berlin")
    page.get_by_label("Name").fill("Rest")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert page.locator("tbody tr").inner_text().replace("\n", "").split("\t")[:3] == ["Rest", "Germany", "Berlin"]


def test_an_image_is_sent_and_shown(page):
    page.goto("/papers/add")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("File").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"Dear Ada"})
    photo = {"name": "a.png", "mimeType": "image/png", "buffer": test_files.picture()}
    page.get_by_label("Photo").set_input_files(photo)
    page.get_by_role("button", name="Save").click()
    assert page.locator("img.preview").evaluate("image => image.decode().then(() => image.naturalWidth)") == 20
