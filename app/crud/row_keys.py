"""Which row is meant: its key, also of several columns, as it stands in URLs and in Python."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface
from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

from app.crud import typed_values
from app.database import UTCDateTime
from app.http import parse_int

MAX_KEY_LENGTH = 320


class RowKeys(StockSQLAInterface):
    """The keys of the rows of a model."""

    def get_pk_value(self, item: Any) -> Any:
        """Return the key of a row; if it has several columns, a tuple. Flask-AppBuilder's list cannot stand in a set."""
        values = tuple(getattr(item, attribute.key) for attribute in self._pks)
        return values if self.is_pk_composite() else values[0]

    def get_keys(self, lst: Iterable[Any]) -> list[Any]:
        """Return the keys of rows as they stand in URLs; one of several columns is JSON, as Flask-AppBuilder has it."""
        keys = [self.get_pk_value(row) for row in lst]
        return [json.dumps(key, default=_tagged) for key in keys] if self.is_pk_composite() else keys

    def parse_pk(self, text: Any) -> Any | None:
        """Return a key as the columns have it, or None for what cannot be one."""
        if not self.is_pk_composite():
            return self._parse_key(self._pks[0].key, text)
        try:
            parts = json.loads(text) if isinstance(text, str) else text
        except ValueError:
            return None
        if not isinstance(parts, list | tuple) or len(parts) != len(self._pks):
            return None
        key = tuple(self._parse_key(attribute.key, part) for attribute, part in zip(self._pks, parts, strict=True))
        return None if None in key else key

    def _parse_key(self, column: str, part: Any) -> Any | None:
        """Return what one column of a key has, or None."""
        text = str(part.get("value", "") if isinstance(part, dict) else part)
        if not 0 < len(text) <= MAX_KEY_LENGTH or "\0" in text:
            return None
        if self.is_integer(column):
            return parse_int(text, typed_values.MAX_INTEGER) or None
        try:
            if self.is_date(column):
                return date.fromisoformat(text)
            if self.is_datetime(column):
                read = datetime.fromisoformat(text)
                return self._as_stored(column, (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC))
        except (ValueError, OverflowError):
            return None
        return text

    def _as_stored(self, column: str, moment: datetime) -> datetime:
        is_aware = isinstance(self.list_columns[column].type, UTCDateTime)
        return moment if is_aware else moment.replace(tzinfo=None)

    def has_key(self, key: Any) -> ColumnElement[bool]:
        """Return the condition that a row has that key."""
        values = key if self.is_pk_composite() else [key]
        return and_(*(attribute == value for attribute, value in zip(self._pks, values, strict=True)))

    @property
    def _pks(self) -> list[InstrumentedAttribute[Any]]:
        mapper = self.obj.__mapper__
        return [getattr(self.obj, mapper.get_property_by_column(column).key) for column in mapper.primary_key]


def _tagged(value: Any) -> dict[str, str]:
    """Return a value of a key that JSON does not have."""
    return {"_type": "datetime" if isinstance(value, datetime) else "date", "value": value.isoformat()}
