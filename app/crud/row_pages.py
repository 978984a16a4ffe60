"""Pages of rows in order: bounded, with the relations that are shown, at a cost that does not grow with the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload, undefer

from app import replica
from app.crud.filters import Filters
from app.crud.row_keys import RowKeys
from app.http import MAX_PAGE
from app.search_key import is_words, search_key
from config import ConfigurationError

# Counting a million rows would take longer than the page. Programs are told more exactly than people.
MAX_COUNTED, MAX_COUNTED_FOR_PEOPLE = 10_000, 1_000


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
        most: int = MAX_COUNTED,
    ) -> Page:
        """Return one page, with the relations among `columns` loaded; beyond the last page, the last one.

        At most `most` rows are counted.
        Keys are found first and rows fetched for these only: a deep page costs little more than the first one.
        """
        return replica.read(lambda: self._page(filters, order, min(max(number, 0), MAX_PAGE), size, columns, most))

    def _page(  # noqa: PLR0913, PLR0917 - what `page` is asked for
        self,
        filters: Filters | None,
        order: tuple[str, str],
        number: int,
        size: int | None,
        columns: Iterable[str],
        most: int,
    ) -> Page:
        rows = self._rows(filters, order, number, size, columns)
        if size is None:
            return Page(rows, 0, max(len(rows), 1), len(rows))
        if len(rows) <= size and (rows or not number):
            return Page(rows, number, size, number * size + len(rows))
        count = self._count(filters, most)
        capped = count > most
        if not rows and not capped:
            number = max(count - 1, 0) // size
            rows = self._rows(filters, order, number, size, columns)
        elif not rows:
            return self._page(filters, order, 0, size, columns, most)
        # A page beyond what was counted has shown that there are more.
        known = max(min(count, most), number * size + len(rows))
        return Page(rows[:size], number, size, known, capped)

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

    def _count(self, filters: Filters | None, most: int) -> int:
        """Return the number of rows, and `most` + 1 when there are more."""
        some = self._filtered(select(*self._pks), filters).limit(most + 1).subquery()
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
