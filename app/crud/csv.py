"""Export of a list as a CSV file, an option of generated views."""

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
# Without it, spreadsheets do not recognise UTF-8.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# How a formula starts in spreadsheets; Japanese editions accept full-width characters.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class CsvExport(ListMixin):
    """Adds the page `csv` to a generated view: all pages of its list, with the same filters and order, as a file.

    `csv_columns` are the columns of the file. Downloading requires the permission `can_csv`.
    """

    csv_columns: Sequence[str] = ()

    def _check_columns(self) -> None:
        super()._check_columns()
        for column in self.csv_columns:
            require_label(self, column)

    @expose("/csv")
    @has_access
    def csv(self) -> BaseResponse:
        """Download the list."""
        return self.file_of_list()

    def file_of_list(self) -> BaseResponse:
        """Return the file, or redirect to the list, which reports invalid arguments."""
        arguments = self._list_arguments()
        applied = self._set_filters(arguments)
        if arguments.ignored or len(applied) < len(arguments.filters):
            return self._back_to_list()
        keys = self.datamodel.keys(self._filters.get_joined_filters(self._base_filters), arguments.order, MAX_ROWS + 1)
        if len(keys) > MAX_ROWS:
            flash(_("There are more than %(number)d rows. Add a filter first.", number=MAX_ROWS), "warning")
            return self._back_to_list()
        return attached(f"{self.route_base.strip('/')}-{clock.now():%Y-%m-%d}", self._csv(keys))

    def _back_to_list(self) -> BaseResponse:
        query = urlencode(list(request.args.items(multi=True)))
        return redirect(f"{url_for(f'{self.endpoint}.list')}?{query}", 303)

    def _csv(self, keys: list[Any]) -> Iterator[str]:
        """Yield the file in pieces. Rows are loaded while they are sent."""
        labels = {name: shown for name, shown in self._formatters().items() if isinstance(shown, Labels)}
        yield lines([[_text(str(self.label_columns[column])) for column in self.csv_columns]])
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[start : start + ROWS_AT_ONCE]
            found = self.datamodel.get_many(some, self._base_filters, (*self.csv_columns, *self.load_columns))
            rows = {self.datamodel.get_pk_value(row): row for row in found}
            # Rows that were deleted in the meantime are left out.
            values = self.datamodel.get_values([rows[key] for key in some if key in rows], self.csv_columns)
            yield lines([[cell(row[column], labels.get(column)) for column in self.csv_columns] for row in values])


def attached(name: str, pieces: Iterable[str]) -> Response:
    """Return a response that sends the `pieces` of a file `name`.csv."""
    return Response(
        stream_with_context(chain([BYTE_ORDER_MARK], pieces)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Format rows of cells as CSV."""
    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def cell(value: Any, labels: Labels | None = None) -> str:
    """Format a value so that no spreadsheet takes it for a formula."""
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
