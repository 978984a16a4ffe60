"""Pages of rows in order: bounded, with the relations that are shown, at a cost that does not grow with the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload, undefer

from app import replica
from app.crud.filters import Filters
from app.crud.list_arguments import MAX_ROWS_BEFORE, Beside
from app.crud.row_keys import RowKeys
from app.http import MAX_PAGE
from app.search_key import is_words, search_key
from config import ConfigurationError

# Counting a million rows would take longer than the page.
MAX_COUNTED = 10_000


@dataclass(frozen=True)
class Page:
    """One page of rows. `count` is exact unless `is_capped`; then there are at least that many."""

    rows: list[Any]
    number: int
    size: int
    count: int
    is_capped: bool = False
    # Whether there are rows after these.
    has_next: bool = False


class RowPages(RowKeys):
    """The rows of a model, page by page."""

    def page(  # noqa: PLR0913
        self,
        filters: Filters | None,
        order: tuple[str, str],
        *,
        number: int = 0,
        size: int | None = None,
        columns: Iterable[str] = (),
        beside: Beside | None = None,
    ) -> Page:
        """Return one page, with the relations among `columns` loaded; beyond the last page, the last one.

        `beside` is the row before or after the page: the index leads there, so a deep page costs what the first one does.
        Without it, all keys before the page are read, but rows are fetched for those of the page only.
        """

        def read() -> Page:
            found = self._page_beside(filters, order, beside, number, size, columns) if beside and size else None
            most = MAX_ROWS_BEFORE // size if beside and size else MAX_PAGE
            return found or self._page(filters, order, min(max(number, 0), most), size, columns)

        return replica.read(read)

    def has_row_order(self, column: str) -> bool:
        """Whether every row has a place in the order by `column`, so that a page can begin at a row."""
        return not column or ("." not in column and not getattr(self._stored(column), "nullable", True))

    def _stored(self, column: str) -> Any:
        return self.order_by(column).property.columns[0]

    def _page_beside(  # noqa: PLR0913, PLR0917
        self,
        filters: Filters | None,
        order: tuple[str, str],
        beside: Beside,
        number: int,
        size: int,
        columns: Iterable[str],
    ) -> Page | None:
        """Return the page after or before a row; None if that has no place in the order, or there is nothing."""
        key = self.parse_pk(beside.key)
        if key is None or not self.has_row_order(order[0]):
            return None
        direction = order[1] if not beside.is_before else "asc" if order[1] == "desc" else "desc"
        keys = self._keys(filters, (order[0], direction)).where(self._is_beyond(key, (order[0], direction)))
        rows = self._fetched(keys.limit(size + 1), direction, columns)
        if not rows:
            return None
        if beside.is_before and len(rows) <= size:
            return self._page(filters, order, 0, size, columns)
        count = self._count(filters)
        known = max(min(count, MAX_COUNTED), number * size + len(rows))
        more = beside.is_before or len(rows) > size
        rows = rows[:size][::-1] if beside.is_before else rows[:size]
        return Page(rows, number, size, known, count > MAX_COUNTED, more)

    def _is_beyond(self, key: Any, order: tuple[str, str]) -> ColumnElement[bool]:
        """Return the condition that a row comes after the one with a key."""
        position = self._ordered(select(*self._pks), order[0])[1]
        of_row = select(position).where(self.has_key(key)).correlate(None).scalar_subquery()
        own = tuple_(position, *self._pks)
        there = tuple_(of_row, *(key if self.is_pk_composite() else (key,)))
        return own < there if order[1] == "desc" else own > there

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
        return Page(rows[:size], number, size, known, capped, len(rows) > size)

    def keys(self, filters: Filters | None, order: tuple[str, str], most: int) -> list[Any]:
        """Return the keys of the first `most` rows, in order."""
        found = self.session.execute(self._keys(filters, order).limit(most))
        size = len(self._pks)
        return [tuple(row[:size]) if self.is_pk_composite() else row[0] for row in found]

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

    # -- statements

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
        return self._fetched(keys, order[1], columns)

    def _fetched(self, keys: Select[Any], direction: str, columns: Iterable[str]) -> list[Any]:
        """Return the rows with these keys, in the order of their positions."""
        page = keys.subquery("page")
        pks = [page.c[f"pk{index}"] for index in range(len(self._pks))]
        same = and_(*(own == found for own, found in zip(self._pks, pks, strict=True)))
        rows = select(self.obj).join(page, same).options(*self._eager(columns))
        rows = rows.order_by(*_directed(direction, page.c.position, *pks))
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
