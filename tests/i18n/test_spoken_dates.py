"""Dates are shown as people say them."""

import contextlib
import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from app import clock
from app.i18n import locales, spoken_dates
from app.i18n.selectors import force_locale
from tests.i18n.test_formats import spaces

MADRID = ZoneInfo("Europe/Madrid")
NOW = dt.datetime(2026, 11, 26, 12, tzinfo=MADRID)
SATURDAY = dt.datetime(2026, 12, 5, 20, tzinfo=MADRID)


SPAN, PLACE = "%(day)s, from %(start)s to %(end)s", "%(city)s time"
CATALOGS = {
    "en": {},
    "es": {SPAN: "%(day)s, de %(start)s a %(end)s", PLACE: "hora de %(city)s", "today": "hoy", "tomorrow": "mañana"},
    "ar": {SPAN: "%(day)s، من %(start)s إلى %(end)s", PLACE: "بتوقيت %(city)s", "today": "اليوم", "tomorrow": "غدًا"},
}


@pytest.fixture
def speak(make_site, write_po):
    """Speak a language in a time zone, until the test ends."""
    clock.set_now(NOW)
    for locale, texts in CATALOGS.items():
        write_po(locale, "".join(f'msgid "{text}"\nmsgstr "{translated}"\n\n' for text, translated in texts.items()))
    site = make_site()
    site.config["LANGUAGES"] = ["en", "en_GB", "es", "ar"]
    locales.init_app(site)
    with site.app_context(), contextlib.ExitStack() as stack:
        yield lambda locale, zone: stack.enter_context(force_locale(locale, zone))


@pytest.mark.parametrize(
    ("locale", "day", "span", "other_year", "place"),
    [
        (
            "en",
            "Saturday, December 5",
            "Saturday, December 5, from 8 PM to 11 PM",
            "Wednesday, January 6, 2027",
            "(Madrid time)",
        ),
        (
            "en_GB",
            "Saturday 5 December",
            "Saturday 5 December, from 20:00 to 23:00",
            "Wednesday, 6 January 2027",
            "(Madrid time)",
        ),
        (
            "es",
            "sábado, 5 de diciembre",
            "sábado, 5 de diciembre, de 20:00 a 23:00",
            "miércoles, 6 de enero de 2027",
            "(hora de Madrid)",
        ),
        ("ar", "السبت، 5 ديسمبر", "السبت، 5 ديسمبر، من 8 م إلى 11 م", "الأربعاء، 6 يناير 2027", "(بتوقيت مدريد)"),
    ],
)
def test_the_right_words_in_each_language(speak, locale, day, span, other_year, place):
    speak(locale, "Europe/Madrid")
    end = SATURDAY + dt.timedelta(hours=3)
    assert spoken_dates.spoken_day(SATURDAY) == day
    assert spaces(spoken_dates.spoken_span(SATURDAY, end)) == span
    assert spoken_dates.spoken_day(dt.datetime(2027, 1, 6, 20, tzinfo=MADRID)) == other_year
    speak(locale, "America/New_York")
    assert spaces(spoken_dates.spoken_span(SATURDAY, end, "Europe/Madrid")) == f"{span} {place}"


@pytest.mark.parametrize(
    ("locale", "start", "minutes", "shown"),
    [
        ("en", "2026-12-05T20:00", 330, "Saturday, December 5, from 8:00 PM to 1:30 AM"),
        ("en", "2026-12-05T00:00", 60, "Saturday, December 5, from 12 AM to 1 AM"),
        ("en_GB", "2026-12-05T19:30", 120, "Saturday 5 December, from 19:30 to 21:30"),
        ("en", "2026-12-05T20:00", 2880, "Saturday, December 5, 8 PM, until Monday, December 7, 8 PM"),
    ],
)
def test_a_dinner_from_its_start_to_its_end(speak, locale, start, minutes, shown):
    speak(locale, "Europe/Madrid")
    first = dt.datetime.fromisoformat(start).replace(tzinfo=MADRID)
    assert spaces(spoken_dates.spoken_span(first, first + dt.timedelta(minutes=minutes))) == shown


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Madrid", "Saturday, December 5, 8 PM"),
        # The same clock under another name.
        ("Europe/Berlin", "Saturday, December 5, 8 PM"),
        ("America/New_York", "Saturday, December 5, 8 PM (Madrid time)"),
    ],
)
def test_the_place_is_named_where_the_clock_differs(speak, zone, shown):
    speak("en", zone)
    assert spaces(spoken_dates.spoken(SATURDAY, "Europe/Madrid")) == shown


def test_a_zone_without_a_place_is_named_by_its_offset(speak):
    speak("en", "Europe/Madrid")
    assert spaces(spoken_dates.spoken(SATURDAY, "UTC")) == "Saturday, December 5, 7 PM (UTC)"


@pytest.mark.parametrize(
    ("locale", "days", "shown"),
    [
        ("en", 0, "today"),
        ("en", 1, "tomorrow"),
        ("en", 9, "in 9 days"),
        ("en", 30, "in 4 weeks"),
        ("en", -2, "2 days ago"),
        ("es", 0, "hoy"),
        ("es", 9, "dentro de 9 días"),
        ("ar", 1, "غدًا"),
        ("ar", 2, "خلال يومين"),
        ("ar", 11, "خلال 11 يومًا"),
    ],
)
def test_how_far_away_a_day_is(speak, locale, days, shown):
    speak(locale, "Europe/Madrid")
    # Days count, not hours: tonight is today, and half past midnight is tomorrow.
    start = NOW.replace(hour=0, minute=30) + dt.timedelta(days=days)
    assert spoken_dates.days_until(start) == shown
