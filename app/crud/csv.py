"""A list as a file for spreadsheets: an opt-in of generated views."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch
from io import StringIO
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from flask import Response, flash, redirect, request, stream_with_context, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud.list_mixin import ListMixin
from app.crud.view_config import Labels, require_label
from app.i18n import formats

MAX_ROWS = 100_000
ROWS_AT_ONCE = 500
# Without it, spreadsheets take UTF-8 for the code page of the nineties.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# What spreadsheets take for a formula, in their Japanese editions in full width, too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class CsvExport(ListMixin):
    """Adds a page `csv` to a generated view: what its list shows with the same address, all pages of it, as a file.

    `csv_columns` are the columns of the file. Whoever may download needs the permission `can_csv`.
    """

    csv_columns: Sequence[str] = ()

    def _check_columns(self) -> None:
        super()._check_columns()
        for column in self.csv_columns:
            require_label(self, column)

    @expose("/csv")
    @has_access
    def csv(self) -> BaseResponse:
        """Return the rows that the list finds, as a file."""
        answer: BaseResponse = self.file_of_list()
        return answer

    def file_of_list(self) -> BaseResponse:
        """Return the file, or lead back to the list where that says what is wrong."""
        arguments = self._list_arguments()
        applied = self._set_filters(arguments.filters)
        if arguments.ignored or len(applied) < len(arguments.filters):
            # More than was asked for would be no help: the list tells what is wrong.
            return self._back_to_list()
        keys = self.datamodel.keys(self._filters.get_joined_filters(self._base_filters), arguments.order, MAX_ROWS + 1)
        if len(keys) > MAX_ROWS:
            flash(_("There are more than %(number)d rows. Add a filter first.", number=MAX_ROWS), "warning")
            return self._back_to_list()
        return attached(f"{self.route_base.strip('/')}-{clock.now():%Y-%m-%d}", self._csv(keys))

    def _back_to_list(self) -> BaseResponse:
        asked = urlencode(list(request.args.items(multi=True)))
        return redirect(f"{url_for(f'{self.endpoint}.list')}?{asked}", 303)

    def _csv(self, keys: list[Any]) -> Iterator[str]:
        """Yield the file in pieces: rows are fetched as they are sent."""
        labels = {name: shown for name, shown in self._formatters().items() if isinstance(shown, Labels)}
        yield lines([[_text(str(self.label_columns[column])) for column in self.csv_columns]])
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[start : start + ROWS_AT_ONCE]
            found = self.datamodel.get_many(some, self._base_filters, (*self.csv_columns, *self.load_columns))
            rows = {self.datamodel.get_pk_value(row): row for row in found}
            # What was deleted meanwhile is left out.
            values = self.datamodel.get_values([rows[key] for key in some if key in rows], self.csv_columns)
            yield lines([[cell(row[column], labels.get(column)) for column in self.csv_columns] for row in values])


def attached(name: str, pieces: Iterable[str]) -> Response:
    """Return a file `name`.csv; `pieces` of it are asked for as they are sent."""
    return Response(
        stream_with_context(chain([BYTE_ORDER_MARK], pieces)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of what `cell` returned as they stand in a file."""
    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def cell(value: Any, labels: Labels | None = None) -> str:
    """Return what stands in a cell: no spreadsheet takes it for a formula."""
    if value is None:
        return ""
    return _text(labels(value)) if labels is not None else _plain(value)


@singledispatch
def _plain(value: object) -> str:
    return _text(str(value))


_plain.register(bool, formats.value)


@_plain.register(int)
@_plain.register(float)
@_plain.register(Decimal)
def _number(value: float | Decimal) -> str:
    return str(value)


@_plain.register
def _moment(value: datetime) -> str:
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


@_plain.register
def _day(value: date) -> str:
    return value.isoformat()


@_plain.register
def _mapping(value: Mapping) -> str:  # type: ignore[type-arg]
    return json.dumps(value, ensure_ascii=False) if value else ""


@_plain.register(list)
@_plain.register(tuple)
def _several(value: Sequence[Any]) -> str:
    return _text(", ".join(str(each) for each in value))


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
