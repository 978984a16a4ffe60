"""Good news goes away by itself; bad news, and what somebody points at, stays."""

import pytest
from playwright.sync_api import expect

MINUTE = 60_000
INFO, WARNING = ".flash.info", ".flash.warning"


@pytest.fixture
def welcomed(open_page, log_in, cast):
    """Log in with a stopped clock, so that the page says welcome."""

    def make(motion):
        page = open_page(reduced_motion=motion)
        page.clock.install()
        log_in(page, cast.friend)
        expect(page.locator(INFO)).to_contain_text("Welcome")
        return page

    return make


def test_good_news_fades_away(welcomed):
    page = welcomed("no-preference")
    page.clock.run_for(2_000)
    expect(page.locator(INFO)).to_be_visible()
    page.clock.run_for(MINUTE)
    expect(page.locator(INFO)).to_have_count(0)


def test_good_news_stays_while_somebody_points_at_it_or_has_its_button(welcomed):
    page = welcomed("no-preference")
    page.hover(INFO)
    page.clock.run_for(MINUTE)
    expect(page.locator(INFO)).to_be_visible()
    page.focus(f"{INFO} .dismiss")
    page.mouse.move(0, 0)
    page.clock.run_for(MINUTE)
    expect(page.locator(INFO)).to_be_visible()
    page.focus("#main a")
    page.clock.run_for(MINUTE)
    expect(page.locator(INFO)).to_have_count(0)


def test_nothing_fades_for_readers_who_want_no_motion(welcomed):
    page = welcomed("reduce")
    page.clock.run_for(MINUTE)
    expect(page.locator(INFO)).to_be_visible()


def test_bad_news_stays(open_page):
    page = open_page(reduced_motion="no-preference")
    page.clock.install()
    page.goto("/login/")
    with page.expect_response(lambda response: response.status == 401):
        page.press("main [name=password]", "Enter")
    page.clock.run_for(MINUTE)
    expect(page.locator(WARNING)).to_be_visible()
