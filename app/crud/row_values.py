"""The values of some columns, read without their rows and written as a schema of the JSON API would write them.

A row costs ten times as much as its values: SQLAlchemy keeps track of each, and marshmallow looks for each attribute.
"""

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

# The fields that write a value without looking at its row. Those of these types write it as it is.
AS_IT_IS = {fields.String: str, fields.Integer: int, fields.Boolean: bool}
PLAIN = {
    *(*AS_IT_IS, fields.Float, fields.Decimal, fields.Raw),
    *(fields.Date, fields.Time, fields.DateTime, fields.AwareDateTime, fields.NaiveDateTime),
}
Write = Callable[[Any], Any]


class NotPlainError(Exception):
    """A schema needs the rows: it calls their methods, or lists what belongs to them."""


class RowValues:
    """What a schema reads of a model. Raises NotPlainError if it needs more than columns."""

    def __init__(self, datamodel: Any, schema: Schema) -> None:
        self._model = datamodel.obj
        self._joined: list[Any] = []
        # The first value is the key.
        self._read: list[Any] = [getattr(self._model, datamodel.get_pk_name())]
        self._parts = list(self._parts_of(datamodel, schema, self._model))

    def select(self) -> Select[Any]:
        """Return the statement for the values of all rows."""
        statement = select(*self._read).select_from(self._model)
        for relation in self._joined:
            statement = statement.outerjoin(relation)
        return statement

    def write(self, row: Any) -> dict[str, Any]:
        """Return what the schema would return for the row with these values."""
        return {key: write(row) for key, write in self._parts}

    def _parts_of(self, datamodel: Any, schema: Schema, model: Any) -> Iterator[tuple[str, Write]]:
        if any(schema._hooks[kind] for kind in ("pre_dump", "post_dump")):  # noqa: SLF001 - marshmallow tells it nowhere else
            raise NotPlainError
        for name, field in schema.dump_fields.items():
            key, attribute = field.data_key or name, field.attribute or name
            if type(field) is fields.Nested:
                yield key, self._related(datamodel, field, attribute, model)
            elif type(field) in PLAIN and attribute in datamodel.obj.__mapper__.column_attrs:
                yield key, self._value(field, attribute, getattr(model, attribute))
            else:
                raise NotPlainError

    def _value(self, field: fields.Field, name: str, column: Any) -> Write:
        get = self._index(column)
        if _is_written_as_it_is(field, column):
            return get
        return lambda row: field._serialize(get(row), name, None)  # noqa: SLF001 - what `serialize` calls with a value

    def _related(self, datamodel: Any, field: fields.Nested, name: str, model: Any) -> Write:
        if model is not self._model or field.many or not datamodel.is_relation_many_to_one(name):
            raise NotPlainError
        related = datamodel.get_related_interface(name)
        if related.is_pk_composite():
            raise NotPlainError
        other = aliased(related.obj)
        self._joined.append(getattr(model, name).of_type(other))
        is_there = self._index(getattr(other, related.get_pk_name()))
        parts = list(self._parts_of(related, field.schema, other))
        return lambda row: None if is_there(row) is None else {key: write(row) for key, write in parts}

    def _index(self, column: Any) -> Write:
        self._read.append(column)
        return itemgetter(len(self._read) - 1)


def _is_written_as_it_is(field: fields.Field, column: Any) -> bool:
    try:
        return issubclass(column.type.python_type, AS_IT_IS.get(type(field), ()))
    except NotImplementedError:
        return False
