"""Public dinners as a month: on the day of their place, with the months beside it, within bounds."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.crud import calendar_layout
from app.parties.pages import month
from tests.support.factories import DinnerPartyFactory
from tests.support.statements import count_statements

NOW = datetime(2030, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _march(cast):
    clock.set_now(NOW)


def days(page):
    """The days that have dinners, with their text."""
    found = re.findall(r'<time datetime="([^"]*)">.*?</time>(.*?)(?=<time|</ol>)', page.text, re.DOTALL)
    texts = {day: " ".join(re.sub("<[^>]*>", " ", rest).split()) for day, rest in found}
    return {day: text.replace("\u202f", " ") for day, text in texts.items() if text}


@pytest.mark.both_databases
def test_a_month_has_its_coming_public_dinners_on_the_days_of_their_places(visitor, cast):
    soup = DinnerPartyFactory(
        host=cast.host, title="Soup", timezone="America/New_York", starts_at=datetime(2030, 4, 1, 3, tzinfo=UTC)
    )
    DinnerPartyFactory(host=cast.host, title="Full", starts_at=NOW + timedelta(days=1), number_seats=1)
    DinnerPartyFactory(host=cast.host, title="April", starts_at=datetime(2030, 4, 20, 18, tzinfo=UTC))
    DinnerPartyFactory(host=cast.host, title="Secret", starts_at=NOW + timedelta(days=2), private=True)
    DinnerPartyFactory(host=cast.host, title="Past", starts_at=NOW - timedelta(days=2))
    page = visitor.get("/parties/?month=2030-03")
    assert days(page) == {"2030-03-16": "12 PM (UTC) · Fully booked Full", "2030-03-31": "11 PM (New York time) Soup"}
    assert f'href="/parties/{soup.slug}"' in page.text
    assert "<h2>March 2030</h2>" in page.text
    assert set(days(visitor.get("/parties/?month=2030-04"))) == {"2030-04-20"}


def test_the_months_beside_it_keep_what_was_looked_for_and_end_somewhere(visitor, cast):
    DinnerPartyFactory(host=cast.host, title="Soup", area="Lavapiés", starts_at=NOW + timedelta(days=20))
    DinnerPartyFactory(host=cast.host, title="Stew", area="Gràcia", starts_at=NOW + timedelta(days=21))
    listed = visitor.get("/parties/?area=gracia")
    assert 'href="?area=gracia&amp;month=2030-03"' in listed.text
    first = visitor.get("/parties/?area=gracia&month=2030-03")
    assert "There is nothing in this month." in first.text
    assert 'rel="prev"' not in first.text
    assert re.search(r'rel="next"\s+href="/parties/\?area=gracia&amp;month=2030-04"', first.text)
    following = visitor.get("/parties/?area=gracia&month=2030-04")
    assert list(days(following).values()) == ["12 PM (UTC) Stew"]
    assert 'rel="prev"' in following.text
    assert following.form("/parties/").fields["month"] == "2030-04"
    assert 'rel="next"' not in visitor.get("/parties/?month=2032-03").text


@pytest.mark.parametrize("text", ["2030-02", "2032-04", "2030-13", "9999-12", "March", "2030-3", "-1"])
def test_other_months_are_the_list(app, visitor, text):
    with app.test_request_context():
        assert month.parse(text) is None
    assert "As a calendar" in visitor.get(f"/parties/?month={text}").text


def test_a_week_begins_as_in_the_language(visitor):
    def first_day(language):
        text = visitor.get("/parties/?month=2030-03", headers={"Accept-Language": language}).text
        return re.search(r'class="weekdays"[^>]*>\s*<span>([^<]*)', text)[1]

    assert (first_day("en"), first_day("es"), first_day("ar")) == ("Mon", "lun", "الاثنين")


def test_a_month_is_one_statement_and_has_a_bound(visitor, cast, monkeypatch):
    monkeypatch.setattr(calendar_layout, "MAX_ROWS", 2)
    for day in range(1, 4):
        DinnerPartyFactory(host=cast.host, title=f"Dinner {day}", starts_at=NOW + timedelta(days=day))
    with count_statements() as statements:
        page = visitor.get("/parties/?month=2030-03")
    assert len([each for each in statements if "dinner_party" in each]) == 1
    assert list(days(page)) == ["2030-03-16", "2030-03-17"]
    assert "Only the first 2 are shown. Add a filter." in page.text
