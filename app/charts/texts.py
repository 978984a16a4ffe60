"""Texts of charts: what others wrote is cleaned at the border, numbers and times are written as the reader does."""

import datetime as dt
import math
import re
import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit

from babel import Locale, dates, numbers
from flask_babel import get_locale
from flask_babel import gettext as _

from app.charts.model import Value
from app.i18n import formats, selectors

# What XML cannot hold, and what changes the direction of the text around it.
UNFIT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff]+"
)
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Pixels of a letter in the type of charts, on average.
LETTER, WIDE_LETTER = 6.6, 12.0
MAX_TEXT = 300
# From here on, numbers are written with an exponent.
LIMIT = 1e15
SMALLEST = 1e-9


def clean(text: object) -> str:
    """Return a text that may stand in XML, on one line and of a bounded length."""
    written = str(text)[:MAX_TEXT]
    return written if written.isascii() and written.isprintable() else UNFIT.sub(" ", written).strip()


def width(text: str) -> float:
    """Return about how many pixels a text takes."""
    if text.isascii():
        return len(text) * LETTER
    return sum(WIDE_LETTER if unicodedata.east_asian_width(letter) in "WF" else LETTER for letter in text)


def shortened(text: str, pixels: float) -> str:
    """Return the beginning of a text, if all of it is wider."""
    if width(text) <= pixels:
        return text
    while text and width(text) + LETTER > pixels:
        text = text[: min(len(text) - 1, int(pixels / LETTER))]
    return f"{text.rstrip()}{ELLIPSIS}" if text else ""


def isolated(text: str) -> str:
    """Keep the direction of a text from reordering what stands beside it."""
    if text.isascii() or not any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in text):
        return text
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def safe_url(url: str) -> str:
    """Return the URL if it leads to a page of this site or of another one, else nothing."""
    if not url or UNFIT.search(url) or "\\" in url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme:
        return url if parts.scheme in {"http", "https"} and parts.netloc else ""
    return url if url.startswith(("/", "?", "#")) and not parts.netloc else ""


# -- numbers


@lru_cache(maxsize=64)
def _symbols(locale: Locale) -> tuple[str, str, str] | None:
    """Return the signs of a locale for groups, fractions and the minus, or None where groups are not of three digits."""
    if str(locale.decimal_formats[None].pattern) != "#,##0.###":
        return None
    return (
        numbers.get_group_symbol(locale),
        numbers.get_decimal_symbol(locale),
        numbers.get_minus_sign_symbol(locale),
    )


def number(value: float | None, unit: str = "") -> str:
    """Format a number in the current language with at least three digits that matter; nothing is a dash."""
    if value is None or not math.isfinite(value):
        return formats.NOTHING
    return _with_unit(_number(value), unit)


def _number(value: float) -> str:
    size = abs(value)
    locale = get_locale()
    if size >= LIMIT or 0 < size < SMALLEST:
        return str(numbers.format_scientific(value, format="0.##E0", locale=locale))
    digits = 3 if size >= 1 or not size else 2 - math.floor(math.log10(size))
    symbols = _symbols(locale)
    if symbols is None:
        return str(numbers.format_decimal(value, format=f"#,##,##0.{'#' * digits}", locale=locale))
    written = f"{size:,.{digits}f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    group, decimal, minus = symbols
    if (group, decimal) != (",", "."):
        written = written.replace(",", "\0").replace(".", decimal).replace("\0", group)
    return f"{minus}{written}" if value < 0 and written != "0" else written


def _with_unit(text: str, unit: str) -> str:
    if not unit:
        return text
    if unit == "%":
        return _percent_pattern(get_locale()).replace("#", text)
    return f"{text}\N{NO-BREAK SPACE}{isolated(clean(unit))}"


@lru_cache(maxsize=64)
def _percent_pattern(locale: Locale) -> str:
    return str(numbers.format_percent(0.07, locale=locale)).replace("7", "#")


def part(value: float) -> str:
    """Format a part of 1 as a percentage."""
    digits = 0 if abs(value) >= 0.1 or not value else 1
    return number(round(value * 100, digits), "%")


def tick(value: float, step: float, unit: str = "") -> str:
    """Format a number of an axis; large ones are short, as "2M"."""
    if abs(value) >= 100_000 and abs(value) < LIMIT:
        return isolated(
            _with_unit(str(numbers.format_compact_decimal(value, locale=get_locale(), fraction_digits=2)), unit)
        )
    return number(
        round(value, max(0, 2 - math.floor(math.log10(step)))) if step and abs(value) < LIMIT else value, unit
    )


# -- moments


def moment(value: dt.date) -> str:
    """Format a day, or a moment in the zone of the reader."""
    return formats.value(value)


def pattern(skeleton: str, value: dt.date) -> str:
    """Format a day or a moment by the name of a pattern, as "yMMM"."""
    if skeleton == "time":
        return formats.time(value).partition(" (")[0] if isinstance(value, dt.datetime) else ""
    return dates.format_skeleton(skeleton, value, locale=get_locale())


def zone() -> dt.tzinfo:
    """Return the zone of the reader."""
    return selectors.zone_info()


def shown(value: Value, unit: str = "") -> str:
    """Format a value of any kind."""
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, int | float):
        return number(as_float(value), unit)
    if isinstance(value, dt.date):
        return moment(value)
    return clean(value) or formats.NOTHING if value is not None else formats.NOTHING


def as_float(value: object) -> float | None:
    """Return a number as one that can be drawn, or None."""
    try:
        known = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return known if abs(known) <= 1e100 else None
