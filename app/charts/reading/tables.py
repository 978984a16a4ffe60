"""Any JSON as a table: rows as objects or lists, columns as lists, or names with one value each."""

import itertools
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from app.charts import memo
from app.charts.limits import MAX_COLUMNS, MAX_ROWS
from app.charts.model import Column, Kind, Table, Value
from app.charts.reading import values
from app.charts.reading.notes import Notes, nothing

# Where APIs keep their rows.
WRAPPERS = ("data", "values", "rows", "result", "results")


def table(payload: object, notes: Notes, limit: int = MAX_ROWS) -> Table:
    """Return a table. Raises CannotDrawError if there are no rows."""
    found, sentences = memo.once(payload, ("table", limit), lambda: _read(payload, limit))
    for sentence in sentences:
        notes.say(sentence)
    return found


def _read(payload: object, limit: int) -> tuple[Table, tuple[str, ...]]:
    notes = Notes()
    if isinstance(payload, Table):
        found = _bounded(payload, notes, limit)
    else:
        heads, rows = _rows(payload)
        found = _guessed(heads[:MAX_COLUMNS], notes.first(rows, limit))
    if not found.columns or not found.rows:
        raise nothing()
    if found.is_cut:
        notes.say(_("The data has more rows than are shown."))
    return found, notes.sentences


def _bounded(payload: Table, notes: Notes, limit: int) -> Table:
    heads = payload.columns[:MAX_COLUMNS]
    rows = notes.first(payload.rows, limit)
    return Table(heads, _typed([column.kind for column in heads], rows), payload.is_cut, payload.links)


def _rows(payload: object) -> tuple[list[str], Sequence[Sequence[object]]]:
    """Return the names of the columns, and the rows."""
    if isinstance(payload, Mapping):
        return _rows_of_mapping(payload)
    rows = values.sequence(payload)
    if any(isinstance(row, Mapping) for row in rows):
        names = list(itertools.islice(dict.fromkeys(name for row in rows for name in values.mapping(row)), MAX_COLUMNS))
        return names, [[values.mapping(row).get(name) for name in names] for row in rows]
    if any(isinstance(row, list | tuple) for row in rows):
        return _rows_of_lists([values.sequence(row) for row in rows])
    return [_("Value")], [[value] for value in rows]


def _rows_of_mapping(payload: Mapping[str, object]) -> tuple[list[str], Sequence[Sequence[object]]]:
    inner = next((payload[name] for name in WRAPPERS if isinstance(payload.get(name), list | Mapping)), None)
    if inner is not None and not all(isinstance(value, list | tuple) for value in payload.values()):
        # One step only, so that no depth is followed.
        return _rows(inner) if isinstance(inner, list) else _rows_of_columns(values.mapping(inner))
    return _rows_of_columns(payload)


def _rows_of_columns(payload: Mapping[str, object]) -> tuple[list[str], Sequence[Sequence[object]]]:
    lists = {name: values.sequence(column) for name, column in payload.items() if isinstance(column, list | tuple)}
    if lists:
        names = list(itertools.islice(lists, MAX_COLUMNS))
        return names, list(itertools.zip_longest(*(lists[name] for name in names)))
    return [_("Name"), _("Value")], [[name, value] for name, value in payload.items()]


def _rows_of_lists(rows: Sequence[Sequence[object]]) -> tuple[list[str], Sequence[Sequence[object]]]:
    width = min(max(len(row) for row in rows), MAX_COLUMNS)
    if len(rows) > 1 and rows[0] and all(isinstance(value, str) for value in rows[0]):
        heads = [values.text(value) for value in rows[0]]
        if any(values.number(value) is not None for value in rows[1]):
            return [*heads, *map(str, range(len(heads) + 1, width + 1))], rows[1:]
    return [str(number + 1) for number in range(width)], rows


def _guessed(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table whose columns have the kinds of their values."""
    kinds = [values.kind(each) for each in itertools.islice(itertools.zip_longest(*rows), len(heads))]
    columns = tuple(Column(head, values.text(head), kind) for head, kind in zip(heads, kinds, strict=False))
    return Table(columns, _typed(kinds, rows))


def _typed(kinds: Sequence[Kind], rows: Sequence[Sequence[object]]) -> list[tuple[Value, ...]]:
    """Return rows whose values are of these kinds. Shorter rows are filled."""
    columns = [list(each) for each in itertools.islice(itertools.zip_longest(*rows), len(kinds))]
    columns += [[None] * len(rows) for _kind in kinds[len(columns) :]]
    return list(zip(*(values.column(each, kind) for each, kind in zip(columns, kinds, strict=True)), strict=True))


def places(found: Table, *kinds: Kind) -> list[int]:
    """Return the places of the columns of these kinds."""
    return [place for place, column in enumerate(found.columns) if column.kind in kinds]


def column(found: Table, place: int) -> list[Value]:
    """Return the values of a column. Charts of one table share them: nobody may change the list."""
    return memo.once(found, place, lambda: [row[place] for row in found.rows])
