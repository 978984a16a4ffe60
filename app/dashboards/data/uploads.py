"""CSV files of dashboards: reading them in bounds, and guessing what their columns are."""

import csv
import io
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from app.charts.model import Column, Kind, Table, Value
from app.dashboards.data.models import MAX_FILE_NAME, DashboardUpload
from app.dashboards.models import Dashboard
from app.dashboards.rules import MAX_UPLOAD_BYTES, MAX_UPLOAD_COLUMNS, MAX_UPLOAD_ROWS, MAX_UPLOADS
from app.errors import DomainError
from app.extensions import db
from app.i18n import cells

FIELD = "file"
DELIMITERS = (",", ";", "\t")
# With a point before decimals and commas between thousands, or the other way round.
POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
BOOLEANS = {"true": True, "false": False}
# Floating-point numbers know so many digits.
MAX_DIGITS, MAX_NAME = 15, 80
ROWS_AT_ONCE = 500
Reader = Callable[[str], Value]


def of(dashboard: Dashboard) -> list[DashboardUpload]:
    """Return the files of a dashboard, the latest first, without their rows."""
    statement = select(DashboardUpload).where(DashboardUpload.dashboard_id == dashboard.id)
    return list(db.session.scalars(statement.order_by(DashboardUpload.id.desc())))


def store(dashboard: Dashboard, name: str, content: bytes) -> DashboardUpload:
    """Add a file to a dashboard. Its key is what a module names as its `upload`. Raises DomainError for the field."""
    statement = select(func.count()).select_from(DashboardUpload).where(DashboardUpload.dashboard_id == dashboard.id)
    if db.session.execute(statement).scalar_one() >= MAX_UPLOADS:
        raise _refused(
            _("A dashboard has at most %(limit)d files: delete one that is no longer shown.", limit=MAX_UPLOADS)
        )
    table = parse(content)
    upload = DashboardUpload(
        dashboard_id=dashboard.id,
        name="".join(filter(str.isprintable, name)).strip()[:MAX_FILE_NAME] or "data.csv",
        content={
            "columns": [[column.name, column.kind] for column in table.columns],
            "rows": [[_stored(value) for value in row] for row in table.rows],
        },
        row_count=len(table.rows),
    )
    db.session.add(upload)
    db.session.flush()
    return upload


def find(key: str) -> DashboardUpload | None:
    """Return a file with its rows."""
    statement = select(DashboardUpload).options(undefer(DashboardUpload.content))
    return db.session.scalars(statement.where(DashboardUpload.key == key)).one_or_none()


def delete(dashboard: Dashboard, key: str) -> bool:
    """Delete a file of a dashboard; return whether there was one. Modules that show it say that it is gone."""
    statement = delete_rows(DashboardUpload).where(
        DashboardUpload.dashboard_id == dashboard.id, DashboardUpload.key == key
    )
    return db.session.execute(statement.returning(DashboardUpload.id)).first() is not None


def copies(dashboard: Dashboard) -> tuple[dict[str, Any], list[DashboardUpload]]:
    """Return what a clone of a dashboard shows, and the files that it needs, which are not stored yet."""
    modules = [{**module, "data": dict(module.get("data") or {})} for module in dashboard.modules]
    shown = {module["data"]["upload"] for module in modules if "upload" in module["data"]}
    statement = select(DashboardUpload).options(undefer(DashboardUpload.content))
    own = statement.where(DashboardUpload.dashboard_id == dashboard.id, DashboardUpload.key.in_(map(str, shown)))
    made = {}
    for source in db.session.scalars(own) if shown else ():
        values = {"name": source.name, "content": source.content, "row_count": source.row_count}
        made[source.key] = DashboardUpload(key=secrets.token_hex(8), **values)
    for module in modules:
        if module["data"].get("upload") in made:
            module["data"]["upload"] = made[module["data"]["upload"]].key
    return {**dashboard.configuration, "modules": modules} if made else dashboard.configuration, [*made.values()]


def table(upload: DashboardUpload) -> Table:
    """Return the rows of a file."""
    columns = tuple(Column(name, name, Kind(kind)) for name, kind in upload.content["columns"])
    readers = [_READERS.get(column.kind) for column in columns]
    rows = [
        tuple(read(value) if read and value is not None else value for read, value in zip(readers, row, strict=True))
        for row in upload.content["rows"]
    ]
    return Table(columns, rows)


def csv_lines(upload: DashboardUpload) -> Iterator[str]:
    """Yield a file as CSV, in pieces. Its texts are no formulas: an editor may have uploaded it, and the owner opens it."""
    yield cells.lines([[cells.text(name) for name, _kind in upload.content["columns"]]])
    for start in range(0, upload.row_count, ROWS_AT_ONCE):
        yield cells.lines(map(_cells, upload.content["rows"][start : start + ROWS_AT_ONCE]))


def _cells(row: Iterable[Value]) -> list[str]:
    # In words that are read as booleans again, in every language.
    return [str(value).lower() if isinstance(value, bool) else cells.plain(value) for value in row]


_READERS: dict[Kind, Callable[[Any], Value]] = {Kind.DATE: date.fromisoformat, Kind.MOMENT: datetime.fromisoformat}


def _stored(value: Value) -> str | float | None:
    return value.isoformat() if isinstance(value, date) else value


# -- reading, without a database


def parse(content: bytes) -> Table:
    """Return the table in a CSV file. Raises DomainError."""
    if len(content) > MAX_UPLOAD_BYTES:
        raise _refused(_("The file has more than %(limit)d KB.", limit=MAX_UPLOAD_BYTES // 1024))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused(_("Line %(line)d is not in UTF-8. Save the file as CSV in UTF-8.", line=line)) from error
    delimiter = _delimiter(text)
    names, lines = _lines(text, delimiter)
    columns, rows = [], []
    for number, name in enumerate(_unique(names)):
        kind, values = _column([line[number] for line in lines], prefers_comma=delimiter == ";")
        columns.append(Column(name, name, kind))
        rows.append(values)
    return Table(tuple(columns), list(zip(*rows, strict=True)))


def _delimiter(text: str) -> str:
    """Return what most often separates the titles of the columns."""
    first = text.lstrip("\r\n").partition("\n")[0]
    counts = {each: len(next(csv.reader([first[:10_000]], delimiter=each), [])) for each in DELIMITERS}
    return max(DELIMITERS, key=lambda each: counts[each])


def _lines(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """Return the titles and the rows, all of one length. Empty lines do not count."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] = []
    rows: list[list[str]] = []
    try:
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            if not names:
                names = [cell.strip() for cell in line]
                if len(names) > MAX_UPLOAD_COLUMNS:
                    raise _refused(_("The file has more than %(limit)d columns.", limit=MAX_UPLOAD_COLUMNS))
                continue
            if len(line) > len(names):
                raise _refused(_("Line %(line)d has more cells than there are columns.", line=reader.line_num))
            if len(rows) >= MAX_UPLOAD_ROWS:
                raise _refused(_("The file has more than %(limit)d rows.", limit=MAX_UPLOAD_ROWS))
            rows.append([cell.strip() for cell in line] + [""] * (len(names) - len(line)))
    except csv.Error as error:
        raise _refused(_("Line %(line)d cannot be read as CSV.", line=reader.line_num)) from error
    if not rows:
        raise _refused(_("The file has no rows. Its first line has the names of the columns."))
    return names, rows


def _unique(names: Iterable[str]) -> Iterable[str]:
    """Yield a name for each column, none twice."""
    seen: Counter[str] = Counter()
    for number, given in enumerate(names, 1):
        name = given[:MAX_NAME] or _("Column %(number)d", number=number)
        seen[name] += 1
        while seen[name] > 1:
            name = f"{name[: MAX_NAME - 8]} ({seen[name]})"
            seen[name] += 1
        yield name


def _column(cells: list[str], *, prefers_comma: bool) -> tuple[Kind, list[Value]]:
    """Return what the cells of a column are, and their values. If both readings of numbers fit, the delimiter decides."""
    filled = [cell for cell in cells if cell]
    numbers: list[tuple[Kind, re.Pattern[str] | None, Reader]] = [
        (Kind.NUMBER, POINT, lambda cell: _number(cell.replace(",", ""))),
        (Kind.NUMBER, COMMA, lambda cell: _number(cell.replace(".", "").replace(",", "."))),
    ]
    if prefers_comma:
        numbers.reverse()
    kinds = [
        *numbers,
        (Kind.DATE, DAY, date.fromisoformat),
        (Kind.MOMENT, MOMENT, _moment),
        (Kind.BOOLEAN, None, lambda cell: BOOLEANS[cell.lower()]),
    ]
    for kind, pattern, read in kinds if filled else ():
        try:
            if pattern is None or all(map(pattern.fullmatch, filled)):
                return kind, [read(cell) if cell else None for cell in cells]
        except (KeyError, ValueError):
            # Such as the 31st of February.
            continue
    return Kind.TEXT, [cell or None for cell in cells]


def _number(text: str) -> int | float:
    if len(text) > 300:
        raise ValueError("no number that a chart could show")
    return float(text) if "." in text or len(text) > MAX_DIGITS else int(text)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refused(text: str) -> DomainError:
    return DomainError(text, field=FIELD)
