"""Export of a list as a CSV file or an Excel workbook, an option of generated views."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode

from flask import Response, flash, redirect, request, stream_with_context, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud import xlsx
from app.crud.list_mixin import ListMixin
from app.crud.view_config import Labels, require_label
from app.i18n import cells

MAX_ROWS = 100_000
ROWS_AT_ONCE = 500
# The argument of the URL that asks for a workbook.
FORMAT, XLSX = "_format", "xlsx"
# Without it, spreadsheets do not recognise UTF-8.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


class CsvExport(ListMixin):
    """Adds the page `csv` to a generated view: all pages of its list, with the same filters and order, as a file.

    `csv_columns` are the columns of the file, unless the list shows others. With `?_format=xlsx` it is a workbook.
    Downloading requires the permission `can_csv`.
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
        name = f"{self.route_base.strip('/')}-{clock.now():%Y-%m-%d}"
        columns = arguments.columns or self.csv_columns
        if request.args.get(FORMAT) == XLSX:
            return xlsx.attached(name, str(self.list_title), self._rows(keys, columns))
        return attached(name, self._csv(keys, columns))

    def _back_to_list(self) -> BaseResponse:
        query = urlencode(list(request.args.items(multi=True)))
        return redirect(f"{url_for(f'{self.endpoint}.list')}?{query}", 303)

    def _csv(self, keys: list[Any], columns: Sequence[str]) -> Iterator[str]:
        """Yield the file in pieces. Rows are loaded while they are sent."""
        rows = self._rows(keys, columns)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            yield cells.lines([[cells.plain(value) for value in row] for row in some])

    def _rows(self, keys: list[Any], columns: Sequence[str]) -> Iterator[list[Any]]:
        """Yield the titles, then the values of each row; a choice by its label."""
        labels = {name: shown for name, shown in self._formatters().items() if isinstance(shown, Labels)}
        yield [str(self.label_columns[column]) for column in columns]
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[start : start + ROWS_AT_ONCE]
            found = self.datamodel.get_many(some, self._base_filters, (*columns, *self.load_columns))
            rows = {self.datamodel.get_pk_value(row): row for row in found}
            # Rows that were deleted in the meantime are left out.
            for row in self.datamodel.get_values([rows[key] for key in some if key in rows], columns):
                yield [labelled(row[column], labels.get(column)) for column in columns]


def attached(name: str, pieces: Iterable[str]) -> Response:
    """Return a response that sends the `pieces` of a file `name`.csv."""
    return Response(
        stream_with_context(chain([BYTE_ORDER_MARK], pieces)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def labelled(value: Any, labels: Labels | None) -> Any:
    """Return a choice by its label, any other value as it is."""
    return labels(value) if labels is not None and value is not None else value


def cell(value: Any, labels: Labels | None = None) -> str:
    """Format a value so that no spreadsheet takes it for a formula; a choice by its label."""
    return cells.plain(labelled(value, labels))
