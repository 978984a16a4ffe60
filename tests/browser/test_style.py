"""The style page for administrators: what docs/design.md tells, drawn by the macros of the pages."""

LOOK = """pane => { const {backgroundColor, direction} = getComputedStyle(pane);
    return [backgroundColor, direction, getComputedStyle(pane.querySelector(".button.primary")).backgroundColor]; }"""


def test_the_style_page_shows_the_components_by_day_and_by_night_in_both_directions(page, log_in, accessible, cast):
    log_in(page, cast.admin)
    page.goto("/style/")
    looks = [pane.evaluate(LOOK) for pane in page.locator(".style-pane").all()]
    assert [direction for _paper, direction, _button in looks] == ["ltr", "rtl", "ltr", "rtl"]
    assert looks[0][0] == looks[1][0] != looks[2][0] == looks[3][0]
    assert looks[0][2] != looks[2][2]
    for component in (
        ".flash.danger",
        ".button[disabled]",
        ".badge.good",
        ".field.invalid",
        ".rows",
        ".facts",
        ".seats",
        ".chart",
    ):
        assert page.locator(f".style-pane {component}").count() >= 4, component
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    accessible(page)


def test_the_style_page_is_for_administrators(page, log_in, cast):
    log_in(page, cast.host)
    assert page.goto("/style/").status == 403
