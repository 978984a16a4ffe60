"""The data of a Vega-Lite specification, and what its transforms make of it."""

import datetime as dt
import itertools
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask_babel import gettext as _

from app.charts import memo
from app.charts.ends import ends
from app.charts.limits import MAX_COLUMNS, MAX_SOURCE_ROWS
from app.charts.model import Column, Table
from app.charts.reading import expressions, plots, time_units, values
from app.charts.reading.notes import CannotDrawError, Notes, nothing, unknown
from app.charts.reading.tables import table

Json = Mapping[str, object]
Row = dict[str, object]
# Of a test, for each row.
Answers = Sequence[bool]
T = TypeVar("T")
# The one kind of expression that is read: a field compared to a constant.
COMPARISON = re.compile(
    r"""\s*\(?\s*datum(?:\.(?P<name>\w+)|\[(?P<q>['"])(?P<quoted>[^'"\]]+)(?P=q)\])
    \s*(?P<sign>===?|!==?|<=|>=|<|>)\s*
    (?:(?P<number>-?\d+(?:\.\d+)?)|(?P<r>['"])(?P<text>[^'"\\]*)(?P=r)|(?P<word>true|false|null))\s*\)?\s*""",
    re.VERBOSE | re.ASCII,
)
SIGNS = {"==": "equal", "===": "equal", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
SUMS = {"count", "sum", "distinct", "valid", "missing"}


class Rows(list[Row]):
    """Rows, with the columns that were read of them: charts of one table share both."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        super().__init__(rows)
        self._known: dict[object, Any] = {}
        # Of which rows these are some.
        self._whole: tuple[Rows, Answers] | None = None

    def column(self, name: str) -> Sequence[object]:
        """Return the values of a field. Nobody may change the list."""
        return self.once(name, lambda: self._column(name))

    def some(self, answers: "Answers") -> "Rows":
        """Return those of which `answers` says yes."""
        found = Rows(itertools.compress(self, answers))
        found._whole = self, answers
        return found

    def _column(self, name: str) -> list[object]:
        if self._whole is not None:
            rows, answers = self._whole
            return [*itertools.compress(rows.column(name), answers)]
        if "." in name or "[" in name:
            return [get(row, name) for row in self]
        return [row.get(name) for row in self]

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Return what was made of the rows, or make it."""
        if key not in self._known:
            self._known[key] = make()
        found: T = self._known[key]
        return found


@dataclass
class Data:
    """Rows, and what a query says about their columns."""

    rows: Rows
    columns: dict[str, Column] = field(default_factory=dict)


def data(specification: Json, payload: object, notes: Notes) -> Data:
    """Return the data of the specification, or else the payload."""
    own = values.mapping(specification.get("data"))
    inline = own.get("values")
    if inline is None and isinstance(own.get("name"), str):
        inline = values.mapping(specification.get("datasets")).get(str(own["name"]))
    if inline is None:
        inline = payload
    if inline is None:
        raise nothing()
    if isinstance(inline, Table):
        found = table(inline, notes, MAX_SOURCE_ROWS)
        names = [column.name for column in found.columns]
        of_query = memo.once(found, "rows", lambda: Rows(dict(zip(names, row, strict=False)) for row in found.rows))
        return Data(of_query, {column.name: column for column in found.columns})
    if isinstance(inline, Mapping):
        listed = [each for each in inline.values() if isinstance(each, list)]
        inline = listed[0] if len(listed) == 1 else [inline]
    rows = Rows(
        dict(each) if isinstance(each, Mapping) else {"data": each}
        for each in notes.first(values.sequence(inline), MAX_SOURCE_ROWS)
    )
    if not rows:
        raise nothing()
    return Data(rows)


def get(row: Json, name: str) -> object:
    """Return the value of a field, also of one inside another (`a.b`, `a[0]`)."""
    if name in row or ("." not in name and "[" not in name):
        return row.get(name)
    found: object = row
    for step in re.findall(r"[^.\[\]'\"\\]+", name)[:10]:
        if isinstance(found, Mapping):
            found = found.get(step)
        else:
            listed = values.sequence(found)
            found = listed[int(step)] if step.isdecimal() and len(step) < 6 and int(step) < len(listed) else None
    return found


def transform(found: Data, described: object, notes: Notes) -> Data:
    """Return the data after all transforms. In 2017 they were one object instead of a list."""
    steps = [{"calculate": None, "filter": None, **described}] if isinstance(described, Mapping) else described
    are_own = False
    for step in values.sequence(steps):
        known = {name: value for name, value in values.mapping(step).items() if value is not None}
        name = next((name for name in TRANSFORMS if name in known), None)
        if name is None:
            refused = next(iter(known), None)
            if refused is None:
                continue
            raise unknown(refused)
        extra = set(known) & REFUSED
        if extra:
            raise unknown(min(extra))
        notes.work(len(found.rows), known)
        rows = found.rows
        if name in WRITING and not are_own:
            # Other charts share them.
            rows = Rows(map(dict, rows))
        are_own = are_own or name != "filter"
        made = TRANSFORMS[name](rows, known, notes)
        # A filter writes nothing, so what was read of the rows still holds.
        is_same = name == "filter" and isinstance(made, Rows)
        found = Data(made if is_same else Rows(notes.first(made, MAX_SOURCE_ROWS)), found.columns)  # type: ignore[arg-type]
    return found


# -- filter


def _filter(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    wanted = step["filter"]
    tests = [_test(rows, each) for each in (wanted if isinstance(wanted, list) else [wanted])]
    return rows.some(_all(rows, tests))


def _test(rows: Rows, wanted: object) -> Answers:
    """Return what a predicate says of each row. The specification is not deep, so this may call itself."""
    if isinstance(wanted, str):
        return _all(rows, [_comparison(rows, part) for part in wanted.split("&&")])
    described = values.mapping(wanted)
    if "and" in described:
        return _all(rows, [_test(rows, each) for each in values.sequence(described["and"])])
    if "or" in described:
        tests = [_test(rows, each) for each in values.sequence(described["or"])]
        return [*map(any, zip(*tests, strict=True))] if tests else [False] * len(rows)
    if "not" in described:
        return [*map(operator.not_, _test(rows, described["not"]))]
    name = described.get("field")
    if not isinstance(name, str):
        raise unknown(next(iter(described), "filter"))
    unit = described.get("timeUnit")
    sign = next((each for each in OPERATORS if each in described), None)
    if sign is None:
        raise unknown("filter")
    operand, compare, column = described[sign], OPERATORS[sign], rows.column(name)
    if sign in QUICK and type(operand) in {int, float} and values.are_plain(column) and not unit:
        return [*map(QUICK[sign], column, itertools.repeat(operand))]

    def test(value: object) -> bool:
        return compare(time_units.part(value, unit) if isinstance(unit, str) else value, operand)

    return values.remembered(test, column)


def _all(rows: Rows, tests: Sequence[Answers]) -> Answers:
    if len(tests) == 1:
        return tests[0]
    return [*map(all, zip(*tests, strict=True))] if tests else [True] * len(rows)


def _comparison(rows: Rows, written: str) -> Answers:
    found = COMPARISON.fullmatch(written[:200])
    if found is None:
        raise CannotDrawError(
            _("The expression “%(text)s” is not run; use a field with “equal”, “lt”, “range” …", text=written[:80])
        )
    name = found["name"] or found["quoted"]
    operand: object = found["text"] if found["number"] is None else float(found["number"])
    if found["word"]:
        operand = {"true": True, "false": False}.get(found["word"])
    sign = found["sign"]
    compare = _unequal if sign.startswith("!") else OPERATORS[SIGNS[sign]]
    return values.remembered(lambda value: compare(value, operand), rows.column(name))


def _comparable(value: object, operand: object) -> tuple[object, object] | None:
    """Return both as numbers, as moments, or as texts; None if they cannot be compared."""
    if isinstance(value, bool) or isinstance(operand, bool):
        return (value, operand) if isinstance(value, bool) and isinstance(operand, bool) else None
    numbers = values.number(value), values.number(operand)
    if None not in numbers:
        return numbers
    moments = values.moment(value), _moment(operand)
    if moments[0] is not None and moments[1] is not None:
        return values.at_midnight(moments[0]), values.at_midnight(moments[1])
    if isinstance(value, str) and isinstance(operand, str):
        return value, operand
    return None


def _moment(operand: object) -> dt.date | None:
    """Return a moment; Vega-Lite writes it as an object, too."""
    if isinstance(operand, Mapping):
        parts = [values.text(operand.get(name, 1)) for name in ("year", "month", "date")]
        return values.moment("-".join(parts))
    return values.moment(operand)


def _equal(value: object, operand: object) -> bool:
    if value is None or operand is None:
        return value is operand
    pair = _comparable(value, operand)
    return pair is not None and pair[0] == pair[1]


def _unequal(value: object, operand: object) -> bool:
    return not _equal(value, operand)


def _ordered(compare: Callable[[int], bool]) -> Callable[[object, object], bool]:
    def test(value: object, operand: object) -> bool:
        pair = _comparable(value, operand)
        if pair is None:
            return False
        left, right = pair
        return compare((left > right) - (left < right))  # type: ignore[operator]

    return test


def _in_range(value: object, operand: object) -> bool:
    ends = values.sequence(operand)
    if len(ends) != 2:
        return False
    return (ends[0] is None or OPERATORS["gte"](value, ends[0])) and (
        ends[1] is None or OPERATORS["lte"](value, ends[1])
    )


def _valid(value: object, operand: object) -> bool:
    return (value is not None and value == value) == (operand is not False)  # noqa: PLR0124 - not a number


OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "equal": _equal,
    "eq": _equal,
    "lt": _ordered(lambda sign: sign < 0),
    "lte": _ordered(lambda sign: sign <= 0),
    "gt": _ordered(lambda sign: sign > 0),
    "gte": _ordered(lambda sign: sign >= 0),
    "range": _in_range,
    "oneOf": lambda value, operand: any(_equal(value, each) for each in values.sequence(operand)),
    "in": lambda value, operand: any(_equal(value, each) for each in values.sequence(operand)),
    "valid": _valid,
}


# For columns that are nothing but numbers.
QUICK: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


# -- aggregates


def aggregate(name: str, found: Sequence[object]) -> float | None:
    """Return the count, sum, mean ... of values. Raises CannotDrawError for an aggregate that is not known."""
    if name == "count":
        return len(found)
    known = [value for value in found if value is not None and value != ""]
    if name in {"valid", "missing"}:
        return len(known) if name == "valid" else len(found) - len(known)
    if name == "distinct":
        return len({values.text(value) for value in found})
    if name not in AGGREGATES:
        raise unknown(name)
    numbers = [number for number in values.numbers(known) if number is not None]
    return AGGREGATES[name](numbers) if numbers else None


def _quartile(place: int) -> Callable[[Sequence[float]], float]:
    def quartile(numbers: Sequence[float]) -> float:
        return numbers[0] if len(numbers) == 1 else statistics.quantiles(numbers, n=4, method="inclusive")[place]

    return quartile


def _spread(numbers: Sequence[float]) -> float:
    return statistics.stdev(numbers) if len(numbers) > 1 else 0.0


AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "mean": statistics.fmean,
    "average": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "q1": _quartile(0),
    "q3": _quartile(2),
    "stdev": _spread,
}


def _groups(rows: Iterable[Row], by: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(values.text(get(row, name)) for name in by), []).append(row)
    return groups


def _names(listed: object) -> list[str]:
    return [each for each in values.sequence(listed)[:MAX_COLUMNS] if isinstance(each, str)]


def _summaries(listed: object) -> list[tuple[str, str, str]]:
    """Return the operation, the field and the new name of each summary."""
    found = []
    for each in map(values.mapping, values.sequence(listed)[:MAX_COLUMNS]):
        operation, name = values.text(each.get("op")), values.text(each.get("field"))
        found.append((operation, name, values.text(each.get("as")) or f"{operation}_{name}".strip("_")))
    return found


def _aggregate(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    by = _names(step.get("groupby"))
    summaries = _summaries(step["aggregate"])
    found = []
    for group in _groups(rows, by).values():
        row = {name: get(group[0], name) for name in by}
        for operation, name, new in summaries:
            row[new] = aggregate(operation, [get(each, name) for each in group])
        found.append(row)
    return found


def _join_aggregate(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    summaries = _summaries(step["joinaggregate"])
    for group in _groups(rows, _names(step.get("groupby"))).values():
        new = {new: aggregate(operation, [get(row, name) for row in group]) for operation, name, new in summaries}
        for row in group:
            row.update(new)
    return rows


def _window(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    """Add running sums, counts and places, over all rows up to each one."""
    if step.get("frame", [None, 0]) != [None, 0]:
        raise unknown("frame")
    summaries = _summaries(step["window"])
    ordered: list[Row] = rows
    for each in reversed([values.mapping(each) for each in values.sequence(step.get("sort"))[:5]]):
        name, is_down = values.text(each.get("field")), each.get("order") == "descending"
        ordered = sorted(ordered, key=lambda row: _sort_key(get(row, name)), reverse=is_down)
    for group in _groups(ordered, _names(step.get("groupby"))).values():
        for operation, name, new in summaries:
            _run(group, operation, name, new)
    return rows


def _run(group: Sequence[Row], operation: str, name: str, new: str) -> None:
    if operation not in {"row_number", "count", "sum", "mean"}:
        raise unknown(operation)
    total = 0.0
    for place, row in enumerate(group, start=1):
        total += values.number(get(row, name)) or 0
        row[new] = {"sum": total, "mean": total / place}.get(operation, place)


def _sort_key(value: object) -> tuple[int, float, str]:
    number = values.number(value)
    return (0, number, "") if number is not None else (1, 0.0, values.text(value))


# -- new fields


def _bin(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    name = values.text(step.get("field"))
    new = step.get("as")
    starts = _names(new) or [values.text(new) or f"bin_{name}"]
    size = bin_size(step["bin"], rows.column(name))
    for row in rows:
        value = values.number(get(row, name))
        start = None if value is None else plots.bin_start(value, size)
        row[starts[0]] = start
        if len(starts) > 1:
            row[starts[1]] = None if start is None else start + size
    return rows


def bin_size(described: object, found: Sequence[object]) -> float:
    """Return the size of bins that `bin` describes."""
    options = values.mapping(described)
    step = values.number(options.get("step"))
    if step is not None and step >= plots.SMALLEST_BIN:
        return step
    most = values.number(options.get("maxbins"))
    lowest, highest = ends(values.numbers(found)) or _ends_of_some(found)
    return plots.bin_size(lowest, highest, int(most) if most and most >= 1 else 10)


def _ends_of_some(found: Sequence[object]) -> tuple[float, float]:
    known = [number for number in values.numbers(found) if number is not None]
    return min(known, default=0), max(known, default=1)


def _calculate(rows: Rows, step: Json, notes: Notes) -> Sequence[Row]:
    new, ask = values.text(step.get("as")), expressions.compiled(step["calculate"], get)
    # About as often as the expression has parts.
    notes.work(len(rows), [None] * (len(str(step["calculate"])) // 5))
    if not new:
        raise unknown("calculate")
    for row in rows:
        row[new] = ask(row)
    return rows


def _time_unit(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    unit, name = values.text(step["timeUnit"]), values.text(step.get("field"))
    new = values.text(step.get("as")) or f"{unit}_{name}"
    for row in rows:
        row[new] = time_units.rounded(get(row, name), unit)
    return rows


def _fold(rows: Rows, step: Json, _notes: Notes) -> Sequence[Row]:
    names = _names(step["fold"])
    key, value = [*_names(step.get("as")), "key", "value"][:2] if len(_names(step.get("as"))) == 2 else ("key", "value")
    folded = ({**row, key: name, value: get(row, name)} for row in rows for name in names)
    # One more than may be shown, so that the rest is noticed.
    return list(itertools.islice(folded, MAX_SOURCE_ROWS + 1))


TRANSFORMS: dict[str, Callable[[Rows, Json, Notes], Sequence[Row]]] = {
    "filter": _filter,
    "aggregate": _aggregate,
    "joinaggregate": _join_aggregate,
    "window": _window,
    "bin": _bin,
    "timeUnit": _time_unit,
    "calculate": _calculate,
    "fold": _fold,
}
# They may stand beside another, as in 2017.
WRITING = {"joinaggregate", "window", "bin", "timeUnit", "calculate"}
REFUSED = {"lookup", "impute", "flatten", "pivot", "density", "regression", "loess", "quantile", "sample"}
