"""Optimistic lock of every generated form and API: what was read must still be stored when it is written.

A version has a digest of each column that can be edited. So a change elsewhere in the row (its last login) is no conflict,
and a form can tell what somebody else has changed from what its own user has. That of a form is made of what it shows.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import inspect
from wtforms import Field, SelectMultipleField

FIELD = "row_version"
DIGEST_LENGTH = 8
SEPARATOR = "-"


def version(row: Any, columns: Iterable[str]) -> str:
    """Return the version of the stored values of `columns`. It has no meaning but for comparison."""
    return SEPARATOR.join(_digest(_stored(row, column)) for column in columns)


def version_shown(form: Any, columns: Iterable[str]) -> str:
    """Return the version of what a form shows of `columns`."""
    return SEPARATOR.join(digest_shown(form[column]) for column in columns)


def changed(sent: str, now: str, columns: Sequence[str]) -> dict[str, str]:
    """Return those of `columns` that differ between two versions, with their digests in the one that was sent.

    All do, if `sent` is no version of these columns.
    """
    digests = sent.split(SEPARATOR)
    if len(digests) != len(columns):
        return dict.fromkeys(columns, "")
    pairs = zip(columns, digests, now.split(SEPARATOR), strict=True)
    return {column: before for column, before, after in pairs if before != after}


def digest_shown(field: Field) -> str:
    """Return a hash of what a field shows: it cannot tell nothing from an empty text, and has no seconds."""
    value = field.data
    if isinstance(field, SelectMultipleField):
        value = sorted(value or ())
    elif isinstance(value, datetime):
        value = value.strftime("%Y-%m-%dT%H:%M")
    elif hasattr(value, "__mapper__"):
        value = _key(value)
    return _digest(None if value == "" else value)


def _digest(value: Any) -> str:
    text = json.dumps(value, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def _stored(row: Any, column: str) -> Any:
    """Return the value of a column; of a relation the keys, and that to one row need not be loaded for it."""
    mapper = inspect(row).mapper
    relation = mapper.relationships.get(column)
    if relation is None:
        return getattr(row, column)
    if relation.uselist:
        return sorted(map(_key, getattr(row, column)), key=str)
    key = [getattr(row, mapper.get_property_by_column(local).key) for local in relation.local_columns]
    return None if None in key else key


def _key(row: Any) -> list[Any]:
    key: list[Any] = list(row.__mapper__.primary_key_from_instance(row))
    return key
