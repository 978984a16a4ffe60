"""What happened to a row, as its generated forms see it: what a change has written to the journal, and how it is undone."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import Integer
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, FileField, HiddenField, PasswordField, SelectField, SelectMultipleField

from app.crud.fields import AutocompleteField, ChecklistField
from app.crud.upload_field import UploadField
from app.errors import DomainError

ADDED, CHANGED, DELETED, UNDONE, RESTORED = "added", "changed", "deleted", "undone", "restored"
ENTRIES_PER_PAGE = 20
MAX_SHOWN = 300
SECRET = re.compile(r"passw|secret|token|hash|stamp", re.IGNORECASE)
CHANGED_AGAIN = lazy_gettext("Nothing was undone, because this was changed again in the meantime.")
CANNOT_UNDO = lazy_gettext("This change cannot be undone here.")


@dataclass(frozen=True)
class Entry:
    """One entry of the journal. `before` and `after` have the columns that changed, as JSON values."""

    id: int
    at: datetime
    who: str
    what: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What happens to a row, for the journal."""

    kind: str
    subject: str
    item: Any
    name: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Journal(Protocol):
    """Where it is written what happened; app.audit has one."""

    def write(self, change: Change) -> None:
        """Write an entry in the transaction of the change, unless that has written its own."""

    def read(self, subject: str, key: int, start: int, count: int, /) -> list[Entry]:
        """Return entries about a row, the newest first."""

    def may_read(self) -> bool:
        """Whether the reader may see entries."""

    def label(self, column: str) -> str:
        """Return the label of a column that no view has."""


class NoJournal:
    """For an application that keeps none."""

    def write(self, change: Change) -> None:
        """Write nothing."""

    def read(self, _subject: str, _key: int, _start: int, _count: int, /) -> list[Entry]:
        """Return nothing."""
        return []

    def may_read(self) -> bool:
        """Return False."""
        return False

    def label(self, column: str) -> str:
        """Return the name of the column."""
        return column


def journal() -> Journal:
    """Return the journal of the application."""
    found: Journal = current_app.extensions.get("journal") or NoJournal()
    return found


def is_kept(model: type[Any]) -> bool:
    """Whether the rows of a model have a history: the journal knows them by one number."""
    keys = model.__mapper__.primary_key
    return len(keys) == 1 and isinstance(keys[0].type, Integer)


# -- what a form shows, as JSON


def values(form: Any, columns: Iterable[str]) -> dict[str, Any]:
    """Return what a form shows of `columns`, without secrets and files."""
    return {name: _value(form[name]) for name in columns if name in form and _is_told(form[name])}


def values_of(row: Any, columns: Iterable[str], named: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Any]:
    """Return what a row stores in `columns`, as a form would show it; `named` has the relations with a natural key."""
    found = {name: getattr(row, name) for name in columns if not SECRET.search(name)}
    return {name: _stored(name, value, named) for name, value in found.items() if not isinstance(value, bytes)}


def _stored(name: str, value: Any, named: Mapping[str, tuple[str, Sequence[str]]]) -> Any:
    if isinstance(value, list) and all(hasattr(each, "__mapper__") for each in value):
        return sorted(map(str, value))
    if name in named and value is not None:
        return str(getattr(value, named[name][0]))
    return _plain(value)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values that differ, before and after."""
    differing = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in differing}, {name: after[name] for name in differing}


def _is_told(field: Field) -> bool:
    is_hidden = isinstance(field, PasswordField | UploadField | FileField | HiddenField)
    return not is_hidden and not SECRET.search(field.short_name)


def _value(field: Field) -> Any:
    if isinstance(field, AutocompleteField):
        return field.text or None
    if isinstance(field, ChecklistField):
        return sorted(str(row) for row in field.rows_shown())
    return _plain(field.data)


def _plain(data: Any) -> Any:
    if hasattr(data, "__mapper__"):
        return str(data)
    if isinstance(data, Enum) and not isinstance(data, str):
        return data.name
    if isinstance(data, datetime | date | time):
        return data.isoformat()
    if isinstance(data, Decimal):
        return str(data)
    return None if data == "" else data


# -- undoing


def undo(form: Any, entry: Entry) -> None:
    """Set the fields of a form, which shows a stored row, to what they were before. Raises DomainError if that is not safe."""
    problem = why_not(form, entry)
    if problem is not None:
        raise problem
    for name, value in entry.before.items():
        try:
            _set(form[name], value)
        except (ValueError, ArithmeticError, TypeError) as error:
            raise DomainError(CANNOT_UNDO, "warning") from error


def why_not(form: Any, entry: Entry) -> DomainError | None:
    """Return why the change of an entry cannot be undone with a form that shows the stored row."""
    if not entry.before or any(name not in form or not _is_told(form[name]) for name in entry.before):
        return DomainError(CANNOT_UNDO, "warning")
    if values(form, entry.before) != {name: entry.after.get(name) for name in entry.before}:
        return DomainError(CHANGED_AGAIN, "warning")
    return None


def _set(field: Field, value: Any) -> None:
    if isinstance(field, AutocompleteField):
        field.text = value or ""
    elif isinstance(field, ChecklistField):
        keys = {str(row): key for key, row in field.choosable().items()}
        if not set(value or ()) <= set(keys):
            raise ValueError(value)
        field.data = [keys[name] for name in value or ()]
    elif value is not None and isinstance(field.data, datetime | date | Decimal | None.__class__):
        field.process_data(_parsed(field, value))
    else:
        field.process_data(value)


def _parsed(field: Field, value: Any) -> Any:
    """Return a value of JSON as its column has it."""
    kind = type(field).__name__
    if "DateTime" in kind:
        return datetime.fromisoformat(value)
    if "Date" in kind:
        return date.fromisoformat(value)
    return Decimal(value) if "Decimal" in kind else value


def as_sent(form: Any) -> MultiDict[str, str]:
    """Return what a browser would send for a form."""
    sent: MultiDict[str, str] = MultiDict()
    for name, field in form._fields.items():
        for value in _sent(field):
            sent.add(name, value)
    return sent


def _sent(field: Field) -> Sequence[str]:
    if isinstance(field, UploadField | FileField | HiddenField):
        return ()
    if isinstance(field, BooleanField):
        return ["y"] if field.data else []
    if isinstance(field, SelectMultipleField):
        return [str(value) for value in field.data or ()]
    if isinstance(field, SelectField):
        return [str(choice[0]) for choice in field.iter_choices() if choice[2]][:1]
    return [str(field._value())]  # noqa: SLF001
