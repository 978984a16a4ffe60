"""What the database refuses, in words: constraints decide races, and no text of a database reaches a person."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from flask_babel import lazy_gettext
from sqlalchemy import Column, Index, Table, UniqueConstraint
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql import visitors

from app.address_key import KEYS
from app.database import is_unavailable, reason
from app.errors import DomainError
from app.extensions import metadata

log = logging.getLogger(__name__)

Kind = Literal["unique", "foreign key", "check", "not null", "other"]
KINDS: dict[str, Kind] = {
    "23505": "unique",
    "23503": "foreign key",
    "23514": "check",
    "23502": "not null",
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign key",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_NOTNULL": "not null",
}
MESSAGES = {
    "unique": lazy_gettext("An entry like this already exists."),
    "foreign key": lazy_gettext("A selected entry no longer exists."),
    "check": lazy_gettext("A value is out of the allowed range."),
    "not null": lazy_gettext("This field must be filled in."),
    "other": lazy_gettext("This conflicts with existing data."),
}
IN_USE = lazy_gettext("It is still in use elsewhere and cannot be deleted.")
CHANGED_MEANWHILE = lazy_gettext(
    "Someone else has changed this in the meantime. Check the marked fields, then save again."
)
DELETED = lazy_gettext("The selected rows no longer exist.")
INVALID_VALUE = lazy_gettext("A value is too large or of the wrong type.")
NOT_STORED = lazy_gettext("A database error occurred. Nothing was changed; please try again.")

# SQLite says "<kind> constraint failed: " and then table.column, ..., or index 'name', or the name of the constraint.
SQLITE_SUBJECT = re.compile(r"constraint failed: (?:index ')?([^']+)")


class ConstraintError(DomainError):
    """A row violated a constraint. `constraint` is its name, if known, and `columns` are its columns."""

    def __init__(self, message: object, *, kind: Kind, constraint: str, columns: tuple[str, ...]) -> None:
        super().__init__(message, field=columns[0] if columns else None)
        self.kind, self.constraint, self.columns = kind, constraint, columns


class ConflictError(DomainError):
    """Another user changed or deleted the row in the meantime."""

    def __init__(self) -> None:
        super().__init__(CHANGED_MEANWHILE, "warning")


class GoneError(DomainError):
    """The row was deleted in the meantime."""

    def __init__(self) -> None:
        super().__init__(DELETED, "warning")


class UnavailableError(DomainError):
    """The database is down, locked or full, so the same may work later."""

    def __init__(self) -> None:
        super().__init__(NOT_STORED)


@contextmanager
def translate_db_errors(*, deleting: bool = False) -> Iterator[None]:
    """Turn database errors in the block into DomainErrors."""
    try:
        yield
    except StaleDataError as error:
        raise ConflictError from error
    except IntegrityError as error:
        raise constraint_error(error, deleting=deleting) from error
    except (DataError, OverflowError) as error:
        raise DomainError(INVALID_VALUE) from error
    except SQLAlchemyError as error:
        if isinstance(error, StatementError) and isinstance(error.orig, ValueError | OverflowError):
            raise DomainError(INVALID_VALUE) from error
        if is_unavailable(error):
            log.error("The database is not available (%s)", reason(error))  # noqa: TRY400 - one line for each request
            raise UnavailableError from error
        log.exception("The database rejected a change")
        raise DomainError(NOT_STORED) from error


def constraint_error(error: IntegrityError, *, deleting: bool = False) -> ConstraintError:
    """Return an error with a message for people for an IntegrityError of SQLite or PostgreSQL."""
    driver = error.orig
    kind = KINDS.get(str(getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", "")), "other")
    name, columns = _subject(driver)
    message = IN_USE if deleting and kind in {"foreign key", "not null"} else MESSAGES[kind]
    # The field of an address, not its key.
    shown = tuple(KEYS.get(column, column) for column in columns if column != "duplicate")
    return ConstraintError(message, kind=kind, constraint=name, columns=shown)


def _subject(driver: BaseException | None) -> tuple[str, tuple[str, ...]]:
    """Return the name and columns of the violated constraint, as far as the driver reports them."""
    diagnostics = getattr(driver, "diag", None)
    if diagnostics is not None:
        name = diagnostics.constraint_name or ""
        return name, (diagnostics.column_name,) if diagnostics.column_name else _columns_of(name)
    match = SQLITE_SUBJECT.search(str(driver))
    subject = match[1] if match else ""
    if "." not in subject:
        return subject, _columns_of(subject)
    pairs = [name.strip().rpartition(".") for name in subject.split(",")]
    columns = tuple(column for _table, _dot, column in pairs)
    return _name_of(pairs[0][0], columns), columns


def _columns_of(constraint: str) -> tuple[str, ...]:
    """Return the columns of a constraint or unique index by its name."""
    for table in metadata.tables.values():
        for candidate in (*table.constraints, *table.indexes):
            if constraint and _name_in_database(table, candidate) == constraint:
                return _columns(candidate) if isinstance(candidate, Index) else _names(candidate)
    return ()


def _name_in_database(table: Table, candidate: Any) -> str:
    """Return the name of a constraint or index; those of Flask-AppBuilder's columns have theirs from the migration."""
    if candidate.name is None and isinstance(candidate, UniqueConstraint):
        return "_".join(("uq", table.name, *_names(candidate)))
    return str(candidate.name)


def _names(constraint: object) -> tuple[str, ...]:
    return tuple(column.name for column in getattr(constraint, "columns", ()))


def _columns(index: Index) -> tuple[str, ...]:
    found = (
        element.name
        for expression in index.expressions
        if not isinstance(expression, str)
        for element in visitors.iterate(expression)
        if isinstance(element, Column)
    )
    return tuple(dict.fromkeys(found))


def _name_of(table: str, columns: tuple[str, ...]) -> str:
    """Return the name of the unique constraint on just these columns, or nothing."""
    known = metadata.tables.get(table)
    if known is None:
        return ""
    candidates = [(str(item.name), _names(item)) for item in known.constraints]
    candidates += [(str(item.name), _columns(item)) for item in known.indexes if item.unique]
    return next((name for name, names in candidates if set(names) == set(columns)), "")
