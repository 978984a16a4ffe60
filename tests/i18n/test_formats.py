"""Times and values are formatted for the reader."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from enum import Enum, StrEnum

import pytest
from flask import Flask, render_template_string
from flask_babel import lazy_gettext
from markupsafe import Markup

from app.i18n import formats, locales
from app.i18n.selectors import force_locale
from tests.i18n.conftest import MakeSite

Speak = Callable[..., Flask]
DINNER = dt.datetime(2026, 1, 31, 17, 30, tzinfo=dt.UTC)


class Status(StrEnum):
    """An enumeration without labels."""

    OPEN = "open"


class Labelled(Enum):
    """An enumeration with labels."""

    YES = 1

    @property
    def label(self) -> object:
        return lazy_gettext("Search")


def spaces(text: str) -> str:
    """Replace the narrow and no-break spaces of CLDR."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_a_time_is_shown_in_the_readers_time_zone(speak: Speak) -> None:
    speak("en", "Europe/Berlin")
    assert spaces(formats.date_time(DINNER)) == "Jan 31, 2026, 6:30 PM"
    assert formats.date(DINNER) == "Saturday, January 31, 2026"
    assert spaces(formats.time(DINNER)) == "6:30 PM"


def test_a_time_in_another_time_zone_names_it(speak: Speak) -> None:
    speak("en", "America/New_York")
    assert spaces(formats.date_time(DINNER)) == "Jan 31, 2026, 12:30 PM"
    assert spaces(formats.date_time(DINNER, "Europe/Berlin")) == "Jan 31, 2026, 6:30 PM (Berlin, UTC+1)"
    assert spaces(formats.time(DINNER, "Europe/Berlin")) == "6:30 PM (Berlin, UTC+1)"


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        # Babel calls these Greenwich Mean Time, Irish Standard Time and Pacific Standard Time.
        ("Europe/Dublin", "2027-07-01T18:00", "7:00 PM (Dublin, UTC+1)"),
        ("Europe/Dublin", "2027-01-01T19:00", "7:00 PM (Dublin, UTC)"),
        ("America/Vancouver", "2027-01-16T02:00", "7:00 PM (Vancouver, UTC-7)"),
        ("Asia/Calcutta", "2027-01-01T13:30", "7:00 PM (Kolkata, UTC+5:30)"),
        ("America/St_Johns", "2027-01-01T22:30", "7:00 PM (St. John’s, UTC-3:30)"),
        ("US/Pacific", "2027-01-02T03:00", "7:00 PM (Los Angeles, UTC-8)"),
        ("UTC", "2027-01-01T19:00", "7:00 PM (UTC)"),
        ("Etc/GMT+5", "2027-01-02T00:00", "7:00 PM (UTC-5)"),
    ],
)
def test_a_zone_is_named_by_its_place_and_offset(speak: Speak, zone: str, moment: str, expected: str) -> None:
    speak("en", "Pacific/Auckland")
    assert spaces(formats.time(dt.datetime.fromisoformat(moment), zone)) == expected


def test_the_place_is_in_the_language_of_the_reader(speak: Speak) -> None:
    speak("es", "Pacific/Auckland")
    assert formats.place("Europe/Dublin") == "Dublín"


def test_a_reader_whose_time_zone_is_not_known_is_told_it(site: Flask) -> None:
    with site.test_request_context():
        assert spaces(formats.date_time(DINNER)) == "Jan 31, 2026, 5:30 PM (UTC)"
        assert spaces(formats.time(DINNER, "Europe/London")) == "5:30 PM (London, UTC)"
    with site.app_context(), force_locale("en", None):
        assert spaces(formats.time(DINNER, "Europe/Berlin")) == "6:30 PM (Berlin, UTC+1)"


def test_a_time_is_shown_as_it_was_told_by_earlier_rules(speak: Speak) -> None:
    speak("en", "Europe/Madrid")
    told = formats.planned_time(
        dt.datetime.fromisoformat("2027-01-15T19:00"), dt.timedelta(hours=-8), "America/Vancouver"
    )
    assert spaces(told) == "Friday, January 15, 2027, 7:00 PM (Vancouver, UTC-8)"


@pytest.mark.parametrize(
    ("locale", "hour_cycle", "expected"),
    [
        ("en", None, "Jan 31, 2026, 5:30 PM"),
        ("en", "h23", "Jan 31, 2026, 17:30"),
        ("en_GB", None, "31 Jan 2026, 17:30"),
        ("en_GB", "h12", "31 Jan 2026, 5:30 pm"),
        ("es", "h12", "31 ene 2026, 5:30 p. m."),
        ("ar", "h23", "31\u200f/01\u200f/2026، 17:30"),
        ("en", "h99", "Jan 31, 2026, 5:30 PM"),
    ],
)
def test_a_reader_can_choose_region_and_clock(
    make_site: MakeSite, locale: str, hour_cycle: str | None, expected: str
) -> None:
    site = make_site()
    site.config["LANGUAGES"] = ["en", "en_GB", "es", "ar"]
    locales.init_app(site)
    with site.app_context(), force_locale(locale, "UTC", hour_cycle):
        assert spaces(formats.date_time(DINNER)) == expected
        assert spaces(formats.time(dt.time(17, 30))) in expected


def test_a_time_zone_with_the_same_offset_is_not_named(speak: Speak) -> None:
    speak("es", "Europe/Madrid")
    assert spaces(formats.date_time(DINNER, "Europe/Berlin")) == "31 ene 2026, 18:30"


def test_the_date_is_that_of_the_time_zone(speak: Speak) -> None:
    speak("en", "UTC")
    late = dt.datetime(2026, 1, 31, 23, 30, tzinfo=dt.UTC)
    assert formats.date(late, "Europe/Berlin", "short") == "2/1/26"
    assert formats.date(dt.date(2026, 1, 31), "Europe/Berlin", "short") == "1/31/26"


def test_an_unknown_time_zone_is_the_readers_and_a_naive_time_is_utc(speak: Speak) -> None:
    speak("es", "Europe/Madrid")
    assert spaces(formats.date_time(DINNER.replace(tzinfo=None), "Mars/Olympus")) == "31 ene 2026, 18:30"


def test_arabic_dates_are_localised(speak: Speak) -> None:
    speak("ar", "Asia/Riyadh")
    assert formats.date(DINNER) == "السبت، 31 يناير 2026"
    assert "برلين" in formats.date_time(DINNER, "Europe/Berlin")


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (None, "—"),
        ("", "—"),
        ([], "—"),
        (True, "Sí"),
        (False, "No"),
        (1234, "1234"),
        (1234.5, "1.234,5"),
        (Decimal("12345.5"), "12.345,5"),
        ("text", "text"),
        (DINNER, "31 ene 2026, 18:30"),
        (dt.date(2026, 1, 31), "31 ene 2026"),
        (dt.time(18, 30), "18:30"),
        (dt.timedelta(minutes=90), "90 minutos"),
        (Status.OPEN, "open"),
        (Labelled.YES, "Buscar"),
        (["a", None, True], "a, — y Sí"),
        (lazy_gettext("Search"), "Buscar"),
    ],
)
def test_values_are_shown_as_labels(
    speak: Speak, write_po: Callable[..., object], thing: object, expected: str
) -> None:
    write_po("es", 'msgid "Yes"\nmsgstr "Sí"\n\nmsgid "No"\nmsgstr "No"\n')
    speak("es", "Europe/Madrid")
    assert spaces(formats.value(thing)) == expected


def test_html_stays_html_and_text_is_escaped(speak: Speak) -> None:
    speak("en")
    assert render_template_string("{{ a|value }}{{ b|value }}", a=Markup("<b>"), b="<i>") == "<b>&lt;i&gt;"


def test_the_filters_have_the_names_of_the_functions(speak: Speak) -> None:
    speak("es", "Europe/Madrid")
    html = render_template_string("{{ d|date_time }}|{{ d|date(width='short') }}|{{ d|time('UTC') }}", d=DINNER)
    assert spaces(html) == "31 ene 2026, 18:30|31/1/26|17:30 (UTC)"


def test_what_is_remembered_for_one_reader_is_shown_to_no_other(speak: Speak) -> None:
    app = speak("en", "Europe/Berlin")
    readers = [
        ("en", "Europe/Berlin", None), ("en", "Europe/Berlin", "h23"), ("en", "America/New_York", None),
        ("es", "Europe/Berlin", None), ("en", None, None), ("ar", "Europe/Berlin", "h12"),
    ]  # fmt: skip

    def read(reader: tuple[str, str | None, str | None]) -> str:
        with app.app_context(), force_locale(*reader):
            return formats.date_time(DINNER)

    alone = {reader: read(reader) for reader in readers}
    assert len(set(alone.values())) == len(readers)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(read, readers * 20)) == [alone[reader] for reader in readers] * 20
