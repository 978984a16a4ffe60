"""How generated views read and write their tables: bounded, ordered, eager queries; errors as DomainError."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface
from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload, undefer

from app import replica
from app.crud import typed_values
from app.crud.db_errors import GoneError, translate_db_errors
from app.crud.fields import find_by_key
from app.crud.filters import FilterConverter, Filters, Period
from app.database import UTCDateTime, transaction
from app.http import MAX_PAGE, parse_int
from app.search_key import is_words, search_key
from config import ConfigurationError

# Counting a million rows would take longer than the page.
MAX_COUNTED = 10_000
MAX_KEY_LENGTH = 320


@dataclass(frozen=True)
class Page:
    """One page of rows. `count` is exact unless `is_capped`; then there are at least that many."""

    rows: list[Any]
    number: int
    size: int
    count: int
    is_capped: bool = False

    @property
    def has_next(self) -> bool:
        """Whether there are rows after these."""
        return self.is_capped or (self.number + 1) * self.size < self.count


class SQLAInterface(StockSQLAInterface):
    """A model as the generated views use it."""

    filter_converter_class = FilterConverter

    # -- reading

    def get_filters(
        self, search_columns: Sequence[str] | None = None, search_filters: dict[str, list[Any]] | None = None
    ) -> Filters:
        """Return the filters that `search_columns` may have, none of them set.

        Flask-AppBuilder's converts all columns of the model, each time.
        """
        return Filters(self.filter_converter_class, self, search_columns, search_filters)

    def page(
        self,
        filters: Filters | None,
        order: tuple[str, str],
        *,
        number: int = 0,
        size: int | None = None,
        columns: Iterable[str] = (),
    ) -> Page:
        """Return one page, with the relations among `columns` loaded; beyond the last page, the last one.

        Keys are found first and rows fetched for these only: a deep page costs little more than the first one.
        """
        return replica.read(lambda: self._page(filters, order, min(max(number, 0), MAX_PAGE), size, columns))

    def _page(
        self,
        filters: Filters | None,
        order: tuple[str, str],
        number: int,
        size: int | None,
        columns: Iterable[str],
    ) -> Page:
        rows = self._rows(filters, order, number, size, columns)
        if size is None:
            return Page(rows, 0, max(len(rows), 1), len(rows))
        if len(rows) <= size and (rows or not number):
            return Page(rows, number, size, number * size + len(rows))
        count = self._count(filters)
        capped = count > MAX_COUNTED
        if not rows and not capped:
            number = max(count - 1, 0) // size
            rows = self._rows(filters, order, number, size, columns)
        elif not rows:
            return self._page(filters, order, 0, size, columns)
        # A page beyond what was counted has shown that there are more.
        known = max(min(count, MAX_COUNTED), number * size + len(rows))
        return Page(rows[:size], number, size, known, capped)

    def query(  # noqa: PLR0913, PLR0917 - Flask-AppBuilder's signature
        self,
        filters: Filters | None = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        select_columns: list[str] | None = None,
        outer_default_load: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> tuple[int, list[Any]]:
        """Return a count, at most MAX_COUNTED, and the rows of a page, or of all when there is no `page_size`.

        Flask-AppBuilder's counts all rows, joins before it cuts out the page, and has no order unless one is asked for.
        """
        order = (order_column, order_direction or "asc")
        found = self.page(filters, order, number=page or 0, size=page_size, columns=select_columns or ())
        return found.count, found.rows

    def get(
        self,
        id: Any,  # noqa: A002 - Flask-AppBuilder's name
        filters: Filters | None = None,
        select_columns: list[str] | None = None,
        outer_default_load: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> Any | None:
        """Return the row with a key, unless `filters` hide it; None for what cannot be a key.

        Flask-AppBuilder's passes any text to the database, which fails.
        """
        key = self.parse_pk(id)
        return next(iter(self.get_many([key], filters, select_columns or ())), None) if key is not None else None

    def get_locked(self, pk: Any, filters: Filters | None = None, columns: Iterable[str] = ()) -> Any | None:
        """Return the row with a key as it is stored now, and hold it until the end of the transaction.

        Raises SQLAlchemyError when another request holds it for too long.
        """
        key = self.parse_pk(pk)
        if key is None or not self._hold(key):
            return None
        return next(iter(self.get_many([key], filters, columns, fresh=True)), None)

    def get_many(
        self, keys: Iterable[Any], filters: Filters | None = None, columns: Iterable[str] = (), *, fresh: bool = False
    ) -> list[Any]:
        """Return those rows with the given keys that `filters` do not hide; `fresh` reads them again if known."""
        known = {self.parse_pk(key) for key in keys} - {None}
        if not known:
            return []
        key = tuple_(*self._pks) if self.is_pk_composite() else self._pks[0]
        statement = self._filtered(select(self.obj), filters).where(key.in_(known))
        statement = statement.options(*self._eager(columns)).order_by(*self._pks)
        return list(self.session.scalars(statement, execution_options={"populate_existing": fresh}).unique())

    def keys(self, filters: Filters | None, order: tuple[str, str], most: int) -> list[Any]:
        """Return the keys of the first `most` rows, in order."""
        found = self.session.execute(self._keys(filters, order).limit(most))
        size = len(self._pks)
        return [tuple(row[:size]) if self.is_pk_composite() else row[0] for row in found]

    def get_pk_value(self, item: Any) -> Any:
        """Return the key of a row; if it has several columns, a tuple. Flask-AppBuilder's list cannot stand in a set."""
        values = tuple(getattr(item, attribute.key) for attribute in self._pks)
        return values if self.is_pk_composite() else values[0]

    def get_keys(self, lst: Iterable[Any]) -> list[Any]:
        """Return the keys of rows as they stand in URLs; one of several columns is JSON, as Flask-AppBuilder has it."""
        keys = [self.get_pk_value(row) for row in lst]
        return [json.dumps(key, default=_tagged) for key in keys] if self.is_pk_composite() else keys

    def grouped(self, keys: Sequence[Any], measures: Sequence[Any], filters: Filters | None, most: int) -> list[Any]:
        """Return the first `most` groups of rows with equal `keys`, in their order: the keys and the measures of each."""
        statement = self._filtered(select(*keys, *measures).select_from(self.obj), filters)
        return list(self.session.execute(statement.group_by(*keys).order_by(*keys).limit(most)))

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
        if self.is_date(column) or self.is_datetime(column):
            try:
                return self.parse_value(column, text)
            except ValueError:
                return None
        return text

    def has_key(self, key: Any) -> ColumnElement[bool]:
        """Return the condition that a row has that key."""
        values = key if self.is_pk_composite() else [key]
        return and_(*(attribute == value for attribute, value in zip(self._pks, values, strict=True)))

    def parse_value(self, column: str, text: str, key: str | None = None, allowed: Sequence[Any] = ()) -> Any:
        """Return what a filter compares `column` with; of a relation, the related row's key.

        `key` is the attribute by which a related row is named, `allowed` limits these rows. Raises ValueError for what
        no row can have.
        """
        if self.is_relation(column):
            found = self.find_related(column, text, key, allowed)
            if found is None:
                raise ValueError(text)
            return self.get_related_interface(column).get_pk_value(found)
        if self.is_datetime(column):
            return self._as_stored(column, typed_values.moment(text))
        if self.is_enum(column):
            return self._enum_value(column, text)
        read = next((read for marker, read in typed_values.READERS if getattr(self, marker)(column)), str)
        return read(text)

    def parse_period(self, column: str, text: str) -> Period:
        """Return the day, minute or second of the reader that `text` means; raises ValueError for what is none."""
        start, end, is_day = typed_values.period(text)
        return Period(self._as_stored(column, start), self._as_stored(column, end), is_day)

    def _as_stored(self, column: str, moment: datetime) -> datetime:
        is_aware = isinstance(self.list_columns[column].type, UTCDateTime)
        return moment if is_aware else moment.replace(tzinfo=None)

    def enum_of(self, column: str) -> type[Enum] | None:
        """Return the Python enumeration whose members a column of SQLAlchemy's type Enum has."""
        found: type[Enum] | None = self.list_columns[column].type.enum_class if self.is_enum(column) else None
        return found

    def _enum_value(self, column: str, text: str) -> Any:
        enum, names = self.enum_of(column), self.list_columns[column].type.enums
        if enum is not None:
            return next((member for member in enum if member.name == text), None) or enum(text)
        if text not in names:
            raise ValueError(text)
        return text

    def order_by(self, column: str) -> InstrumentedAttribute[Any]:
        """Return the attribute that `column` orders by; raises ConfigurationError for what is no column."""
        name = getattr(getattr(self.obj, column, None), "_col_name", column)
        root, _dot, leaf = name.partition(".")
        model = self.get_related_model(root) if leaf and self.is_relation_many_to_one(root) else self.obj
        attribute = getattr(model, leaf or root, None)
        if not isinstance(attribute, InstrumentedAttribute) or not hasattr(attribute.property, "columns"):
            msg = f"{self.obj.__name__} cannot be sorted by {column!r}"
            raise ConfigurationError(msg)
        return attribute

    def is_ordered(self, column: str) -> bool:
        """Whether rows can be ordered by `column`."""
        try:
            self.order_by(column)
        except ConfigurationError:
            return False
        return True

    def get_order_columns_list(self, list_columns: list[str] | None = None) -> list[str]:
        """Return the columns among `list_columns` that the database can order by. Flask-AppBuilder's offers properties."""
        return [column for column in list_columns or self.get_columns_list() if self.is_ordered(column)]

    def stored(self, columns: Iterable[str]) -> list[str]:
        """Return those of `columns` that the row itself stores."""
        return [column for column in columns if column in self.obj.__mapper__.attrs]

    # -- related rows

    def related_rows(self, column: str, allowed: Sequence[Any] = ()) -> Select[Any]:
        """Return the statement for the rows that `column` may refer to; `allowed` limits them as base_filters do."""
        related = self.get_related_interface(column)
        return related._filtered(select(related.obj), related.get_filters().add_filter_list(allowed))  # noqa: SLF001

    def find_related(self, column: str, text: str, key: str | None = None, allowed: Sequence[Any] = ()) -> Any | None:
        """Return the row that `text` names by the attribute `key`, or else by its primary key."""
        related = self.get_related_interface(column)
        found = find_by_key(related.obj, key, text, self.related_rows(column, allowed)) if key else None
        return found or related.get(text, related.get_filters().add_filter_list(allowed))

    # -- writing: Flask-AppBuilder's shows errors with the SQL statement and its values

    def add(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Store a new row; raises DomainError."""
        with translate_db_errors():
            self._finish(lambda: self.session.add(item), commit=commit)

    def edit(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Store a changed row; raises DomainError. The row belongs to the session already: nothing is merged."""
        self.add(item, commit)

    def delete(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Delete a row; raises DomainError."""
        with translate_db_errors(deleting=True):
            self._finish(lambda: self.session.delete(item), commit=commit)

    def delete_all(self, items: list[Any]) -> None:
        """Delete all of these rows or none; raises DomainError."""
        with translate_db_errors(deleting=True), transaction() as session:
            for item in items:
                self.lock(item)
                session.delete(item)

    def lock(self, item: Any) -> None:
        """Hold the row of `item` until the end of the transaction; raises GoneError when it was deleted meanwhile."""
        if not self._hold(self.get_pk_value(item)):
            raise GoneError

    def _hold(self, key: Any) -> bool:
        """Lock the row with a key; return whether there is one. An UPDATE, because SQLite knows no FOR UPDATE."""
        first = self._pks[0]
        held = update(self.obj).where(self.has_key(key)).values({first: first}).returning(first)
        with self.session.no_autoflush:
            return self.session.execute(held).first() is not None

    def _finish(self, change: Any, *, commit: bool) -> None:
        if commit:
            with transaction():
                change()
        else:
            change()
            self.session.flush()

    # -- statements

    @property
    def _pks(self) -> list[InstrumentedAttribute[Any]]:
        mapper = self.obj.__mapper__
        return [getattr(self.obj, mapper.get_property_by_column(column).key) for column in mapper.primary_key]

    @staticmethod
    def _filtered(statement: Select[Any], filters: Filters | None) -> Select[Any]:
        restricted: Select[Any] = filters.apply_all(statement) if filters else statement
        return restricted

    def _rows(
        self,
        filters: Filters | None,
        order: tuple[str, str],
        number: int,
        size: int | None,
        columns: Iterable[str],
    ) -> list[Any]:
        """Return the rows of a page, and one more where there is a next page."""
        keys = self._keys(filters, order)
        if size is not None:
            keys = keys.limit(size + 1).offset(number * size)
        page = keys.subquery("page")
        pks = [page.c[f"pk{index}"] for index in range(len(self._pks))]
        same = and_(*(own == found for own, found in zip(self._pks, pks, strict=True)))
        rows = select(self.obj).join(page, same).options(*self._eager(columns))
        rows = rows.order_by(*_directed(order[1], page.c.position, *pks))
        return list(self.session.scalars(rows).unique())

    def _keys(self, filters: Filters | None, order: tuple[str, str]) -> Select[Any]:
        """Return a statement for the keys of all rows in order, as `pk0`, with what they are ordered by, `position`."""
        pks = [attribute.label(f"pk{index}") for index, attribute in enumerate(self._pks)]
        keys, position = self._ordered(self._filtered(select(*pks), filters), order[0])
        return keys.add_columns(position.label("position")).order_by(*_directed(order[1], position, *self._pks))

    def _ordered(self, statement: Select[Any], column: str) -> tuple[Select[Any], ColumnElement[Any]]:
        """Return `statement`, joined with what its order needs, and the expression to order by."""
        if not column:
            return statement, self._pks[0].expression
        attribute = self.order_by(column)
        if "." not in column:
            return statement, _position(attribute, attribute.expression)
        relation = getattr(self.obj, column.partition(".")[0])
        other = aliased(relation.property.mapper.class_)
        position = _position(attribute, getattr(other, attribute.key))
        return statement.outerjoin(other, relation.of_type(other)), position

    def _count(self, filters: Filters | None) -> int:
        """Return the number of rows, and MAX_COUNTED + 1 when there are more."""
        some = self._filtered(select(*self._pks), filters).limit(MAX_COUNTED + 1).subquery()
        return self.session.scalar(select(func.count()).select_from(some)) or 0

    def _eager(self, columns: Iterable[str]) -> list[Any]:
        """Return options that load the relations, and what is deferred, among `columns` along with the rows.

        One related row is joined, because the page was cut before; a collection takes one more statement.
        """
        names = dict.fromkeys(column.partition(".")[0] for column in columns)
        relations = [
            (selectinload if self.list_properties[name].uselist else joinedload)(getattr(self.obj, name))
            for name in names
            if self.is_relation(name)
        ]
        plain = self.obj.__mapper__.column_attrs
        deferred = [undefer(getattr(self.obj, name)) for name in names if name in plain and plain[name].deferred]
        return [*relations, *deferred]


def _position(attribute: InstrumentedAttribute[Any], expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what rows are ordered by: the key of words, any other value itself."""
    return search_key(expression) if is_words(attribute) else expression


def _directed(direction: str, *each: Any) -> list[Any]:
    return [one.desc() if direction == "desc" else one.asc() for one in each]


def _tagged(value: Any) -> dict[str, str]:
    """Return a value of a key that JSON does not have."""
    return {"_type": "datetime" if isinstance(value, datetime) else "date", "value": value.isoformat()}
