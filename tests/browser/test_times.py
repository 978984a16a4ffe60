"""A reader whose time zone only the browser knows reads a time on their own clock, too, where that shows another one."""

from datetime import UTC, datetime

import pytest

from tests.support.factories import DinnerPartyFactory, MemberFactory

START = datetime(2040, 1, 10, 19, tzinfo=UTC)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, timezone="Europe/Madrid", starts_at=START)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("America/New_York", ["Jan 10, 2040, 2:00 PM your time"]), ("Europe/Paris", [])],
)
def test_a_stranger_reads_the_time_of_the_browser_only_if_it_differs(open_page, party, zone, shown):
    page = open_page(timezone_id=zone)
    page.goto(f"/parties/{party.slug}")
    times = page.locator(".invitation .overline")
    assert "from 8 PM to 11 PM (Madrid time)" in times.text_content().replace("\u202f", " ")
    yours = times.locator(".elsewhere")
    assert [text.replace("\u202f", " ") for text in yours.all_text_contents()] == shown


def test_the_profile_comes_before_the_browser(open_page, log_in, party):
    page = open_page(timezone_id="America/New_York")
    log_in(page, MemberFactory(timezone="Asia/Tokyo"))
    page.goto(f"/parties/{party.slug}")
    texts = page.locator(".invitation .overline .elsewhere").all_text_contents()
    assert [text.replace("\u202f", " ") for text in texts] == [
        "Wednesday, January 11, 2040, from 4 AM to 7 AM your time"
    ]
