"""How generated views read and write their tables: bounded, eager queries; errors as DomainError."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Select, select, tuple_, update

from app.crud import typed_values
from app.crud.db_errors import GoneError, translate_db_errors
from app.crud.fields import find_by_key
from app.crud.filters import FilterConverter, Filters, Period
from app.crud.row_pages import RowPages
from app.database import transaction


class SQLAInterface(RowPages):
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

    def grouped(self, keys: Sequence[Any], measures: Sequence[Any], filters: Filters | None, most: int) -> list[Any]:
        """Return the first `most` groups of rows with equal `keys`, in their order: the keys and the measures of each."""
        statement = self._filtered(select(*keys, *measures).select_from(self.obj), filters)
        return list(self.session.execute(statement.group_by(*keys).order_by(*keys).limit(most)))

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

    # -- writing

    def add(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Store a new row; raises DomainError. Flask-AppBuilder's flashes the statement of the database with its values."""
        with translate_db_errors():
            self._finish(lambda: self.session.add(item), commit=commit)

    def edit(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Store a changed row; as above. The row belongs to the session already: nothing is merged."""
        self.add(item, commit)

    def delete(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Delete a row; as above."""
        with translate_db_errors(deleting=True):
            self._finish(lambda: self.session.delete(item), commit=commit)

    def delete_all(self, items: list[Any]) -> None:
        """Delete all of these rows or none; as above."""
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
