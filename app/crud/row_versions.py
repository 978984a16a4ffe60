"""Optimistic lock of every generated form and API: what was read must still be stored when it is written.

The version of a row has a digest of each column that can be edited. So a change elsewhere in the row (its last login) is
no conflict, and a form can tell what somebody else has changed from what its own user has.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import inspect

FIELD = "row_version"
DIGEST_LENGTH = 8
SEPARATOR = "-"


def version(row: Any, columns: Iterable[str]) -> str:
    """Return the version of the stored values of `columns`. It has no meaning but for comparison."""
    return SEPARATOR.join(digest(_stored(row, column)) for column in columns)


def changed(sent: str, row: Any, columns: Sequence[str]) -> dict[str, str]:
    """Return those of `columns` that were changed since the version `sent`, with their digests in it.

    All were, if `sent` is no version of these columns.
    """
    digests = sent.split(SEPARATOR)
    if len(digests) != len(columns):
        return dict.fromkeys(columns, "")
    stored = version(row, columns).split(SEPARATOR)
    return {column: before for column, before, now in zip(columns, digests, stored, strict=True) if before != now}


def digest(value: Any) -> str:
    """Return a hash of a column's value, or of a form field's: related rows count by their keys, moments to the minute."""
    text = json.dumps(_plain(value), default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def _stored(row: Any, column: str) -> Any:
    """Return the value of a column; of a relation to one row its key, so that it need not be loaded."""
    relation = inspect(row).mapper.relationships.get(column)
    if relation is None or relation.uselist:
        return getattr(row, column)
    mapper = inspect(row).mapper
    key = [getattr(row, mapper.get_property_by_column(local).key) for local in relation.local_columns]
    return None if None in key else key


def _plain(value: Any) -> Any:
    if hasattr(value, "__mapper__"):
        return list(value.__mapper__.primary_key_from_instance(value))
    if isinstance(value, list | tuple | set | frozenset):
        return sorted((_plain(each) for each in value), key=str)
    if isinstance(value, datetime):
        # A form has no seconds.
        return value.strftime("%Y-%m-%dT%H:%M")
    # A form cannot tell nothing from an empty text.
    return None if value == "" else value
