"""Values as cells of a CSV file, so that no spreadsheet takes one for a formula."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch
from io import StringIO
from typing import Any

from app.i18n import formats

# How a formula starts in spreadsheets; Japanese editions accept full-width characters.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Format rows of cells as CSV."""
    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def text(text: str) -> str:
    """Return a text that is no formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


@singledispatch
def plain(value: object) -> str:
    """Format a value for programs: numbers and moments as they are in every language."""
    return text(str(value))


@plain.register
def _nothing(_value: None) -> str:
    return ""


plain.register(bool, formats.value)


@plain.register(int)
@plain.register(float)
@plain.register(Decimal)
def _number(value: float | Decimal) -> str:
    return str(value)


@plain.register
def _moment(value: datetime) -> str:
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


@plain.register
def _day(value: date) -> str:
    return value.isoformat()


@plain.register
def _mapping(value: Mapping) -> str:  # type: ignore[type-arg]
    return json.dumps(value, ensure_ascii=False) if value else ""


@plain.register(list)
@plain.register(tuple)
def _several(value: Sequence[Any]) -> str:
    return text(", ".join(str(each) for each in value))
