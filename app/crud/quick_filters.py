"""The filters beside the search box of a list: each value of a column with few values, and periods of moments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from flask import request
from flask_babel import lazy_gettext

from app.crud import list_arguments
from app.crud.filters import FilterWithin
from app.crud.list_arguments import FilterArgument
from app.http import own_path

# A column with more values is found under Advanced.
MAX_VALUES, MAX_COLUMNS = 12, 6
PERIODS = {
    "today": lazy_gettext("Today"),
    "this-week": lazy_gettext("This week"),
    "this-month": lazy_gettext("This month"),
    "last-7-days": lazy_gettext("Last 7 days"),
    "last-30-days": lazy_gettext("Last 30 days"),
    "next-7-days": lazy_gettext("Next 7 days"),
    "next-30-days": lazy_gettext("Next 30 days"),
}

Values = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class QuickFilter:
    """One column: its values with the URL of the list that has only those, and the value that is chosen.

    `kept` are the other arguments of the list, for the form in which the days of a moment are typed.
    """

    column: str
    label: str
    values: list[tuple[str, str, bool]]
    chosen: str
    remove_url: str
    is_period: bool
    kept: list[tuple[str, str]]


def offered(filters: dict[str, Any], choices: dict[str, Any], is_boolean: Callable[[str], bool]) -> list[str]:
    """Return the columns among `filters` that have a quick filter, as those of a view that declares none."""
    found = [
        column
        for column, operators in filters.items()
        if is_boolean(column)
        or 0 < len(choices.get(column, ())) <= MAX_VALUES
        or (operators and isinstance(operators[0], FilterWithin))
    ]
    return found[:MAX_COLUMNS]


def shown(
    columns: Sequence[tuple[str, str, Values | None]], applied: Sequence[FilterArgument], page: str
) -> Iterator[QuickFilter]:
    """Yield the quick filter of each column with its label and values; the values of a moment are periods."""
    for column, label, values in columns:
        current = next((each for each in applied if each.column == column and each.operator == 0), None)
        rest = [each for each in applied if each is not current]
        without = list_arguments.build_url(own_path(), request.args, rest, **{page: None})
        more = f"{without}{'&' if '?' in without else '?'}_flt_0_{column}="
        named = values if values is not None else [(name, str(text)) for name, text in PERIODS.items()]
        chosen = current.value if current else ""
        yield QuickFilter(
            column,
            label,
            [(text, more + quote_plus(value), value == chosen) for value, text in named],
            value_shown(chosen, dict(named)),
            without,
            values is None,
            list_arguments.kept(request.args, rest, page) if values is None else [],
        )


def value_shown(value: str, labels: dict[str, str]) -> str:
    """Return the value of a filter for people."""
    start, dots, end = value.partition(list_arguments.UNTIL)
    return labels.get(value) or (f"{start} – {end}".strip() if dots else value)
