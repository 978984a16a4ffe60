"""The cells and rows of generated lists. They are written in Python, because calling a macro costs more than a cell."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any
from urllib.parse import urlencode

from flask import Flask, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.routing import BuildError

from app.i18n import formats

# Keys that are written the same in a URL: it is built once for the whole list, and each key is put into it.
PLAIN_KEY = re.compile(r"[A-Za-z0-9._-]+")
A_KEY = "KEY-OF-A-ROW"


def init_app(app: Flask) -> None:
    """Let templates show cells and rows."""
    app.jinja_env.globals.update(cell=cell, list_rows=ListRows)


def cell(value: Any, formatter: Callable[[Any], object] | None = None) -> Markup:
    """Return a value as HTML: a moment for programs, too, and words in the direction in which they are written."""
    if formatter:
        return escape(formatter(value))
    shown = escape(formats.value(value))
    if hasattr(value, "isoformat"):
        return Markup(f'<time datetime="{escape(value.isoformat())}">{shown}</time>')  # noqa: S704 - both are escaped
    return shown if value is None or isinstance(value, Number) else Markup(f"<bdi>{shown}</bdi>")  # noqa: S704 - as above


@dataclass(frozen=True, kw_only=True)
class ListRows:
    """The rows of a list. Each column is written from top to bottom: what its cells have in common is made once."""

    view: str
    columns: Sequence[str]
    labels: Mapping[str, object]
    formatters: Mapping[str, Callable[[Any], object]]
    # The column that leads to the page of a row, and whether the reader may open that.
    name_column: str
    is_linked: bool
    # Columns whose values are drawn as badges, with the tone of each; the first is the state of a row.
    tones: Mapping[str, Mapping[Any, str]]
    # Columns that are left out where it is narrow, and those that can be changed in the list.
    minor: Container[str]
    inline: Container[str]
    # Rows can be chosen for an action.
    has_boxes: bool
    # What each row ends with: pages of it, by name.
    links: Sequence[str]
    filters: Any

    def html(self, keys: Sequence[Any], values: Iterable[Mapping[str, Any]]) -> Markup:
        """Return the rows with these keys and values."""
        # Flask-AppBuilder's views give an iterator.
        shown = list(values)
        columns = [self._cells(name, keys, [row[name] for row in shown]) for name in self.columns]
        if self.has_boxes:
            columns.insert(0, self._boxes(keys))
        if self.links:
            columns.append(self._row_actions(keys))
        rows = [f"<tr>{''.join(cells)}</tr>\n" for cells in zip(*columns, strict=True)]
        return Markup("".join(rows))  # noqa: S704 - made of what is escaped below

    def _cells(self, name: str, keys: Sequence[Any], values: Sequence[Any]) -> list[str]:
        label, formatter, tones = escape(self.labels.get(name)), self.formatters.get(name), self.tones.get(name)
        links = self._urls("show", keys) if self.is_linked and name == self.name_column else None
        changes = self._changes(name, keys) if name in self.inline else None
        # The cell of a number is aligned with those below it.
        of_number, of_other = self._opening(name, label, ""), self._opening(name, label, "bare")
        cells = []
        for row, value in enumerate(values):
            shown: str = cell(value, formatter)
            if links and links[row]:
                shown = f'<a href="{links[row]}">{shown}</a>'
            elif tones is not None:
                shown = f'<span class="{_classes("badge", tones.get(value, ""))}">{shown}</span>'
            opening = of_number if value is None or isinstance(value, Number) else of_other
            cells.append(f"{opening}{shown}{changes[row] if changes else ''}</td>")
        return cells

    def _opening(self, name: str, label: str, kind: str) -> str:
        if name == self.name_column:
            kind = "name"
        elif name == next(iter(self.tones), None):
            kind = "state"
        classes = _classes(kind, "minor" if name in self.minor else "")
        return f'<td data-label="{label}" class="{classes}">' if classes else f'<td data-label="{label}">'

    def _changes(self, name: str, keys: Sequence[Any]) -> list[str]:
        """Return the links with which the cells of a column are changed where they are."""
        told = escape(_("Change: %(field)s", field=self.labels.get(name)))
        return [
            f' <a class="in-place" href="{url}"><span class="hidden">{told}</span><span aria-hidden="true">✎</span></a>'
            for url in self._urls("set_field", keys, "rowid", column=name)
        ]

    @staticmethod
    def _boxes(keys: Sequence[Any]) -> list[str]:
        """Return the boxes with which rows are chosen for an action."""
        told = [escape(_("Choose row %(number)d", number=number)) for number in range(1, len(keys) + 1)]
        return [
            f'<td class="pick"><label><input type="checkbox" name="rowid" value="{escape(key)}" aria-label="{label}">'
            "</label></td>"
            for key, label in zip(keys, told, strict=True)
        ]

    def _row_actions(self, keys: Sequence[Any]) -> list[str]:
        show, edit, delete = escape(_("Show")), escape(_("Edit")), escape(_("Delete"))
        sure = escape(_("Are you sure you want to delete this item?"))
        shapes = {
            "show": f'<a href="%s">{show}</a>',
            "edit": f'<a href="%s">{edit}</a>',
            "delete": f'<a class="risky" href="%s" data-post="{sure}" data-tells>{delete}</a>',
        }
        each = [(shapes[page].partition("%s"), self._urls(page, keys)) for page in self.links]
        return [
            f'<td class="row-actions">{" ".join(f"{start}{urls[row]}{end}" for (start, _s, end), urls in each if urls[row])}</td>'
            for row in range(len(keys))
        ]

    def _urls(self, page: str, keys: Sequence[Any], key_name: str = "pk", **arguments: Any) -> list[str | None]:
        """Return the escaped URL of a page for each key; None where there is none."""

        def build(key: Any) -> str | None:
            try:
                url = url_for(f"{self.view}.{page}", **{key_name: key}, **arguments)
            except BuildError:
                return None
            return str(escape(f"{url}{'&' if '?' in url else '?'}{related}" if related else url))

        related = urlencode(list(self._related())) if page in {"show", "edit"} else ""
        if all(PLAIN_KEY.fullmatch(str(key)) for key in keys):
            start, found, end = (build(A_KEY) or "").partition(A_KEY)
            if found:
                return [f"{start}{key}{end}" for key in keys]
        return [build(key) for key in keys]

    def _related(self) -> Iterator[tuple[str, str]]:
        """Yield the filters of the page that this list is a part of, as arguments."""
        for each, value in self.filters.get_filters_values():
            if each.is_related_view:
                yield f"_flt_0_{each.column_name}", str(value)


def _classes(*names: str) -> str:
    return " ".join(filter(None, names))
