"""The URL arguments of a list, parsed and validated by pure functions.

Flask-AppBuilder's names are kept: `_oc_<View>` and `_od_<View>` order, `page_<View>` and `psize_<View>` page,
`_flt_<operator>_<column>` filters. A form without JavaScript cannot compose a name, so `_flt=<operator>_<column>`
followed by `_value=<value>` is accepted as well, and `_from_<column>` with `_until_<column>` for days. `q` is what was typed into
the search box, `_col_<View>` a column that is shown, `_month_<View>` a month that is shown as a calendar. `after_<View>` and `before_<View>`
are the keys of the rows beside the page, which lead there without reading the pages in between.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from app.http import MAX_PAGE, parse_int

MAX_PAGE_SIZE = 100
MAX_FILTERS = 20
# A page that is named by its number alone is found by reading the keys of all rows before it.
MAX_ROWS_BEFORE = 10_000
MAX_VALUE_LENGTH = 500
MAX_SEARCH_LENGTH = 100
MONTH = re.compile(r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
# Between the first and the last day of a period; either may be missing.
UNTIL = ".."
FROM_NAME, UNTIL_NAME = "_from_", "_until_"
FILTER = re.compile(r"([0-9]{1,2})_(\w[\w.]*)", re.ASCII)

Pairs = list[tuple[str, str]]


class Beside(NamedTuple):
    """The row that stands just after a page, or just before it, by its key as it stands in URLs."""

    key: str
    is_before: bool


@dataclass(frozen=True)
class FilterArgument:
    """One requested filter; `operator` is its index among the filters of `column`."""

    column: str
    operator: int
    value: str

    @property
    def pair(self) -> tuple[str, str]:
        """The name and value of its URL argument."""
        return f"_flt_{self.operator}_{self.column}", self.value


@dataclass(frozen=True)
class ListOptions:
    """The order, pages and filters that a list offers; `operators` are those of each searchable column.

    `searches` is true if there is a search box, `columns` are those that can be shown.
    """

    base_order: tuple[str, str]
    order_columns: Collection[str]
    page_size: int
    operators: Mapping[str, Collection[int]]
    searches: bool = False
    columns: Collection[str] = ()
    has_calendar: bool = False


@dataclass(frozen=True)
class ListArguments:
    """The validated arguments of one list. `order` is (column, "asc" | "desc"); pages count from 0.

    `ignored` is true if there were invalid arguments.
    """

    order: tuple[str, str]
    page: int
    page_size: int
    filters: tuple[FilterArgument, ...] = ()
    search: str = ""
    ignored: bool = False
    columns: tuple[str, ...] = ()
    month: str = ""
    beside: Beside | None = None


def parse(args: "MultiDict[str, str]", view: str, options: ListOptions) -> ListArguments:
    """Parse the arguments for the list of `view`; invalid ones are left out and reported as `ignored`."""
    order, invalid_order = parse_order(args, view, options)
    size, invalid_size = _number(args.get(f"psize_{view}"), options.page_size, 1, MAX_PAGE_SIZE)
    beside = _beside(args, view)
    page, invalid_page = _number(args.get(f"page_{view}"), 0, 0, MAX_PAGE if beside else MAX_ROWS_BEFORE // size)
    requested = list(filter_arguments(args))
    filters = tuple(
        flt for flt in requested[:MAX_FILTERS] if flt and flt.operator in options.operators.get(flt.column, ())
    )
    search, invalid_search = _search(args.get("q", ""), options)
    asked = dict.fromkeys(args.getlist(f"_col_{view}"))
    columns = tuple(column for column in asked if column in options.columns)
    month = args.get(f"_month_{view}", "")
    is_month = options.has_calendar and MONTH.fullmatch(month) is not None
    ignored = (
        *(bool(month) and not is_month, invalid_order, invalid_page, invalid_size, invalid_search),
        *(len(filters) < len(requested), len(columns) < len(asked)),
    )
    return ListArguments(order, page, size, filters, search, any(ignored), columns, month if is_month else "", beside)


def parse_order(args: "MultiDict[str, str]", view: str, options: ListOptions) -> tuple[tuple[str, str], bool]:
    """Return the requested order, or the list's own, and whether an invalid order was requested."""
    column, direction = args.get(f"_oc_{view}", ""), args.get(f"_od_{view}", "asc")
    if not column:
        return options.base_order, False
    if column not in options.order_columns or direction not in {"asc", "desc"}:
        return options.base_order, True
    return (column, direction), False


def _beside(args: "MultiDict[str, str]", view: str) -> Beside | None:
    """Return the row at which the page begins or ends. The first page, to which links without a number lead, has none."""
    names = {f"after_{view}": False, f"before_{view}": True}
    keys = [
        Beside(args[name], is_before)
        for name, is_before in names.items()
        if 0 < len(args.get(name, "")) <= MAX_VALUE_LENGTH
    ]
    return keys[0] if keys and args.get(f"page_{view}", "0").strip("0 ") else None


def filter_arguments(args: "MultiDict[str, str]") -> Iterator[FilterArgument | None]:
    """Yield the filters of `args`, and None for each invalid one. Filters without a value are skipped."""
    named = [(name.removeprefix("_flt_"), value) for name, value in args.items(multi=True) if name.startswith("_flt_")]
    paired = zip(args.getlist("_flt"), args.getlist("_value"), strict=False)
    for name, value in (*named, *paired, *_periods(args)):
        text = value.strip()
        match = FILTER.fullmatch(name)
        if not text:
            continue
        if match is None or len(text) > MAX_VALUE_LENGTH or "\0" in text:
            yield None
        else:
            yield FilterArgument(match[2], int(match[1]), text)


def _periods(args: "MultiDict[str, str]") -> Iterator[tuple[str, str]]:
    """Yield the filters of days that a form with two fields has sent."""
    names = [name for name in args if name.startswith((FROM_NAME, UNTIL_NAME))]
    for column in dict.fromkeys(name.split("_", 2)[2] for name in names):
        first, last = (args.get(f"{name}{column}", "").strip() for name in (FROM_NAME, UNTIL_NAME))
        if first or last:
            yield f"0_{column}", f"{first}{UNTIL}{last}"


def build_url(path: str, args: "MultiDict[str, str]", filters: Iterable[FilterArgument], **changes: str | None) -> str:
    """Return `path` with `args`, but with these `filters` and `changes`; a change to None removes an argument."""
    pairs = kept(args, filters, *changes)
    pairs += [(name, value) for name, value in changes.items() if value is not None]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def kept(args: "MultiDict[str, str]", filters: Iterable[FilterArgument], *left_out: str) -> Pairs:
    """Return `args` with these filters instead of its own, without those that are `left_out`."""
    others = [
        (name, value)
        for name, value in args.items(multi=True)
        if name not in left_out
        and name not in {"_flt", "_value"}
        and not name.startswith(("_flt_", FROM_NAME, UNTIL_NAME))
    ]
    return [*others, *(flt.pair for flt in filters)]


def _search(text: str, options: ListOptions) -> tuple[str, bool]:
    """Return what to search for, and whether `text` was something that cannot be searched."""
    text = text.strip()
    invalid = bool(text) and (not options.searches or len(text) > MAX_SEARCH_LENGTH or "\0" in text)
    return ("" if invalid else text), invalid


def _number(text: str | None, default: int, least: int, most: int) -> tuple[int, bool]:
    """Return a number between `least` and `most`, and whether `text` was something else."""
    if text is None or not text.strip():
        return default, False
    number = parse_int(text.strip(), most, clamp=True)
    return (default, True) if number is None else (max(number, least), False)
