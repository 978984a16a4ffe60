"""The channels of a Vega-Lite encoding: which values they take from the rows."""

import dataclasses
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import pgettext

from app.charts.model import Axis, Kind, Value
from app.charts.reading import plots, time_units, values, vega_rows
from app.charts.reading.notes import unknown
from app.charts.reading.vega_rows import Data, Json, Rows

TYPES = {"q": "quantitative", "n": "nominal", "o": "ordinal", "t": "temporal"}
# What is compared by its place or its size.
MEASURED = {"x", "y", "x2", "y2", "size", "theta", "text", "radius"}


@dataclass
class Channel:
    """One channel. `ranks` has the order of its categories, filled while values are read."""

    name: str
    definition: Json
    field: str = ""
    aggregate: str = ""
    unit: str = ""
    bin_size: float | None = None
    type: str = "nominal"
    ranks: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def is_discrete(self) -> bool:
        """Whether its values are categories."""
        if self.unit:
            return time_units.is_repeated(self.unit)
        return self.type in {"nominal", "ordinal"}

    @property
    def is_measure(self) -> bool:
        """Whether its values are numbers that can stand on an axis."""
        return self.type == "quantitative" and not self.is_discrete

    @property
    def stack(self) -> object:
        """What it says about stacking; True if nothing."""
        return self.definition.get("stack", True)

    def axis(self, data: Data) -> Axis:
        """Return the axis of this channel."""
        scale = values.mapping(self.definition.get("scale"))
        domain = [values.number(end) for end in values.sequence(scale.get("domain"))]
        lowest, highest = domain if len(domain) == 2 and None not in domain else (None, None)
        column = data.columns.get(self.field)
        is_counted = self.aggregate in {"count", "distinct", "valid", "missing"}
        return Axis(
            self.title(data),
            column.unit if column is not None and not is_counted else "",
            lowest,
            highest,
            is_logarithmic=scale.get("type") == "log",
        )

    def title(self, data: Data) -> str:
        """Return the title that is given, or that of the column."""
        axis = values.mapping(self.definition.get("axis", self.definition.get("legend")))
        for owner in (self.definition, axis):
            if isinstance(owner.get("title"), str | list):
                title = owner["title"]
                return " ".join(map(values.text, title)) if isinstance(title, list) else values.text(title)
        if self.aggregate == "count":
            return pgettext("count", "Number")
        column = data.columns.get(self.field)
        return values.text(column.title if column is not None else self.field)


def channel(name: str, definition: Json, data: Data) -> Channel | None:
    """Return a channel that shows a field or a count; None for a constant."""
    aggregate = definition.get("aggregate")
    if isinstance(aggregate, Mapping):
        raise unknown(next(iter(aggregate), "aggregate"))
    shown = definition.get("field")
    if isinstance(shown, Mapping):
        raise unknown(next(iter(shown), "field"))
    if not isinstance(shown, str):
        if aggregate != "count":
            return None
        shown = ""
    found = Channel(name, definition, shown, aggregate if isinstance(aggregate, str) else "", _unit(definition))
    binned = definition.get("bin")
    if binned is True or (isinstance(binned, Mapping) and not binned.get("binned")):
        found.bin_size = vega_rows.bin_size(binned, data.rows.column(shown))
    found.type = _type(found, data)
    return found


def _unit(definition: Json) -> str:
    unit = definition.get("timeUnit")
    if isinstance(unit, Mapping):
        unit = unit.get("unit")
    return time_units.plain(unit) if isinstance(unit, str) else ""


def _type(found: Channel, data: Data) -> str:
    written = found.definition.get("type")
    if isinstance(written, str) and written:
        known = TYPES.get(written[0].lower())
        if known is None:
            raise unknown(written)
        return known
    if found.aggregate or found.bin_size:
        return "quantitative"
    if found.unit:
        return "temporal"
    kind = values.kind(data.rows.column(found.field)[:1000])
    if kind in {Kind.DATE, Kind.MOMENT}:
        return "temporal"
    return "quantitative" if kind is Kind.NUMBER and found.name in MEASURED else "nominal"


def read(found: Channel, rows: Rows) -> Sequence[Value]:
    """Return the values of rows on a channel that is not aggregated. Charts of the same rows share numbers and times."""
    raw = rows.column(found.field)
    if found.type in {"quantitative", "temporal"} and not (found.unit or found.bin_size):
        convert = values.numbers if found.type == "quantitative" else values.times
        return rows.once((found.type, found.field), lambda: convert(raw))
    if found.unit:
        return values.remembered(lambda value: _part(found, value), raw)
    if found.bin_size and not found.is_discrete and values.are_plain(raw):
        return plots.bin_starts(raw, found.bin_size)  # type: ignore[arg-type]
    if found.bin_size:
        return values.remembered(lambda value: _bin(found, value, found.bin_size or 1), raw)
    return values.remembered(lambda value: _category(found, value), raw)


def _part(found: Channel, value: object) -> Value:
    part = time_units.rounded(value, found.unit)
    if not isinstance(part, int) or isinstance(part, bool):
        return part
    label = time_units.label(part, found.unit)
    found.ranks[label] = time_units.rank(part, found.unit)
    return label


def _bin(found: Channel, value: object, size: float) -> Value:
    known = values.number(value)
    if known is None:
        return None
    start = plots.bin_start(known, size)
    if not found.is_discrete:
        return start
    label = plots.bin_label(start, size)
    found.ranks[label] = start
    return label


def _category(found: Channel, value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, dt.date):
        label = values.text(value)
        found.ranks[label] = values.at_midnight(value).timestamp()
        return label
    label = values.text(value)
    number = values.number(value)
    if number is not None:
        found.ranks[label] = number
    return label


def table(channels: Mapping[str, Channel], rows: Rows) -> dict[str, Sequence[Value]]:
    """Return the values of each channel, one for each row, or for each group if something is aggregated."""
    summed = {name: each for name, each in channels.items() if each.aggregate}
    plain = {name: each for name, each in channels.items() if not each.aggregate}
    found = {name: read(each, rows) for name, each in plain.items()}
    if not summed:
        return found
    keys = zip(*found.values(), strict=True) if found else itertools.repeat((), len(rows))
    if all(each.aggregate == "count" for each in summed.values()):
        counts = Counter(keys)
        return {**_keys(plain, counts), **{name: [*counts.values()] for name in summed}}
    groups: dict[tuple[Value, ...], list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    return {**_keys(plain, groups), **{name: _summed(each, rows, groups) for name, each in summed.items()}}


def _keys(names: Iterable[str], groups: Iterable[tuple[Value, ...]]) -> dict[str, Sequence[Value]]:
    return {name: [key[place] for key in groups] for place, name in enumerate(names)}


def _summed(found: Channel, rows: Rows, groups: Mapping[tuple[Value, ...], Sequence[int]]) -> list[Value]:
    raw = rows.column(found.field)
    return [vega_rows.aggregate(found.aggregate, [raw[place] for place in group]) for group in groups.values()]


def categories(found: Channel, taken: Mapping[str, Sequence[Value]], rows: Rows) -> list[str]:
    """Return the categories of a channel in the order that its `sort` asks for, else the natural one."""
    own = [value for value in dict.fromkeys(taken[found.name]) if isinstance(value, str)]
    sort = found.definition.get("sort", "ascending")
    if sort is None:
        return own
    weights = _wanted(found, taken, rows, own)
    if weights is None and all(each in found.ranks for each in own):
        weights = found.ranks
    order = sort.get("order") if isinstance(sort, Mapping) else sort
    is_down = isinstance(order, str) and (order == "descending" or order.startswith("-"))
    if weights is None:
        return sorted(own, key=str.casefold, reverse=is_down)
    return sorted(own, key=lambda each: weights.get(each, 0), reverse=is_down)


def _wanted(
    found: Channel, taken: Mapping[str, Sequence[Value]], rows: Rows, own: Sequence[str]
) -> dict[str, float] | None:
    """Return what the categories are sorted by, if not by themselves."""
    sort = found.definition.get("sort")
    if isinstance(sort, list):
        places = {values.text(each): place for place, each in reversed(list(enumerate(sort)))}
        return {each: places.get(each, len(places)) for each in own}
    other = sort.get("encoding") if isinstance(sort, Mapping) else sort
    if isinstance(other, str) and other.lstrip("-") in taken:
        return _weights(found, taken, other.lstrip("-"))
    if isinstance(sort, Mapping) and isinstance(sort.get("field"), str):
        return _field_weights(found, rows, sort)
    return None


def _weights(found: Channel, taken: Mapping[str, Sequence[Value]], other: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for category, value in zip(taken[found.name], taken[other], strict=True):
        if isinstance(category, str):
            weights[category] = weights.get(category, 0) + (values.number(value) or 0)
    return weights


def _field_weights(found: Channel, rows: Rows, sort: Json) -> dict[str, float]:
    groups: dict[str, list[object]] = {}
    for category, value in zip(read(found, rows), rows.column(str(sort["field"])), strict=True):
        if isinstance(category, str):
            groups.setdefault(category, []).append(value)
    operation = sort.get("op", "mean")
    name = operation if isinstance(operation, str) else "mean"
    return {category: vega_rows.aggregate(name, group) or 0 for category, group in groups.items()}
