"""Search filters: those available for a column, and those of one request."""

import copy
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from flask import g, has_request_context
from flask_appbuilder.models.filters import BaseFilter, FilterRelation
from flask_appbuilder.models.filters import Filters as StockFilters
from flask_appbuilder.models.sqla.filters import (
    FilterEqual,
    FilterGreater,
    FilterNotEqual,
    FilterSmaller,
    SQLAFilterConverter,
)
from flask_babel import lazy_gettext
from sqlalchemy import Column, ColumnElement, Select, and_, or_
from sqlalchemy.sql import visitors

from app.crud import large_tables
from app.search_key import is_like, key

# More words are taken for one. SQLite limits how deep a condition may be.
MAX_WORDS = 8


# What is searched anywhere in the texts of a large table: shorter words are looked for at the beginning.
MIN_WORD = 3


def _anywhere(model: Any, text: str) -> str:
    """Return what a pattern for `text` begins with. An index by groups of three letters does not know shorter words."""
    return "" if len(key(text)) < MIN_WORD and large_tables.is_large(model) else "%"


class _Like(BaseFilter):
    """Text like the value. Flask-AppBuilder's takes `%` and `_` in it for any text, and finds no other case beyond ASCII."""

    before, after, negated = "", "", False

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        """Return `query` restricted to what matches `value`."""
        before = _anywhere(self.model, str(value)) if self.before and self.after else self.before
        found = is_like(getattr(self.model, self.column_name), str(value), before, self.after)
        return query.where(~found if self.negated else found)


class FilterStartsWith(_Like):
    """Text that starts with the value."""

    name, arg_name, after = lazy_gettext("Starts with"), "sw", "%"


class FilterEndsWith(_Like):
    """Text that ends with the value."""

    name, arg_name, before = lazy_gettext("Ends with"), "ew", "%"


class FilterContains(_Like):
    """Text with the value somewhere in it."""

    name, arg_name, before, after = lazy_gettext("Contains"), "ct", "%", "%"


class FilterNotStartsWith(FilterStartsWith):
    """Text that does not start with the value."""

    name, arg_name, negated = lazy_gettext("Not Starts with"), "nsw", True


class FilterNotEndsWith(FilterEndsWith):
    """Text that does not end with the value."""

    name, arg_name, negated = lazy_gettext("Not Ends with"), "new", True


class FilterNotContains(FilterContains):
    """Text without the value."""

    name, arg_name, negated = lazy_gettext("Not Contains"), "nct", True


class SearchFilter(BaseFilter):
    """Rows of which each word of the value is in one of several columns."""

    name = lazy_gettext("Search")

    def __init__(self, columns: Sequence[str], datamodel: Any) -> None:
        super().__init__("", datamodel)
        self.columns = columns

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        """Return `query` restricted to what has all words."""
        columns = [getattr(self.model, column) for column in self.columns]
        return query.where(
            *(
                or_(*(is_like(column, word, _anywhere(self.model, word), "%") for column in columns))
                for word in value.split(maxsplit=MAX_WORDS - 1)
            )
        )


class FilterRelated(FilterRelation):
    """Rows that belong to the related row with the key `value`. It is compared; Flask-AppBuilder's fetches the row."""

    name, arg_name = lazy_gettext("Is"), "rel_o_m"

    def apply(self, query: Select[Any], value: Any) -> Select[Any]:
        """Return `query` restricted to the rows of one related row."""
        related = self.datamodel.get_related_interface(self.column_name)
        if self.datamodel.is_relation_many_to_one(self.column_name) and not related.is_pk_composite():
            return query.where(self.datamodel.get_relation_fk(self.column_name) == value)
        relation = getattr(self.model, self.column_name)
        exists = relation.any if relation.property.uselist else relation.has
        return query.where(exists(related.has_key(value)))


class FilterRelatedToMany(FilterRelated):
    """The same of a collection; only its name in the API differs."""

    arg_name = "rel_m_m"


class FilterNotRelated(FilterRelation):
    """Rows that belong to another related row, or to none; as above."""

    name, arg_name = lazy_gettext("Is not"), "nrel_o_m"

    def apply(self, query: Select[Any], value: Any) -> Select[Any]:
        """Return `query` without the rows of one related row."""
        key = self.datamodel.get_relation_fk(self.column_name)
        return query.where(or_(key != value, key.is_(None)))


class FilterSame(FilterEqual):
    """The same text. Flask-AppBuilder's asks for the text alone, for which few columns have an index; many have one of keys."""

    def apply(self, query: Select[Any], value: Any) -> Select[Any]:
        """Return `query` restricted to the rows with this text."""
        found: Select[Any] = super().apply(query, value)
        return found.where(is_like(getattr(self.model, self.column_name), value)) if isinstance(value, str) else found


TEXT = [
    FilterStartsWith,
    FilterEndsWith,
    FilterContains,
    FilterSame,
    FilterNotStartsWith,
    FilterNotEndsWith,
    FilterNotContains,
    FilterNotEqual,
]
ORDERED = [FilterEqual, FilterGreater, FilterSmaller, FilterNotEqual]
EQUAL = [FilterEqual, FilterNotEqual]


class Period(NamedTuple):
    """From one moment to another: the day, minute or second that a person means by a moment."""

    start: datetime
    end: datetime
    is_day: bool = False


class OfMoments(BaseFilter):
    """A filter of moments; its value is a Period. Flask-AppBuilder's know no day and no zone of the reader."""

    def apply(self, query: Select[Any], value: Period) -> Select[Any]:
        """Return `query` restricted to the moments that fit `value`."""
        return query.where(self._condition(getattr(self.model, self.column_name), value))

    def _condition(self, column: Any, value: Period) -> ColumnElement[bool]:
        raise NotImplementedError


class FilterWithin(OfMoments):
    """In the period; `is_of_days` tells the page to ask for a day."""

    name, arg_name, is_of_days = lazy_gettext("Equal to"), "eq", True

    def _condition(self, column: Any, value: Period) -> ColumnElement[bool]:
        return and_(column >= value.start, column < value.end)


class FilterOutside(OfMoments):
    """Not in the period."""

    name, arg_name, is_of_days = lazy_gettext("Not Equal to"), "neq", True

    def _condition(self, column: Any, value: Period) -> ColumnElement[bool]:
        return or_(column < value.start, column >= value.end)


class FilterAfter(OfMoments):
    """After a moment, or after the whole day."""

    name, arg_name = lazy_gettext("Greater than"), "gt"

    def _condition(self, column: Any, value: Period) -> ColumnElement[bool]:
        return column >= value.end if value.is_day else column > value.start


class FilterBefore(OfMoments):
    """Before a moment, or before the day."""

    name, arg_name = lazy_gettext("Smaller than"), "lt"

    def _condition(self, column: Any, value: Period) -> ColumnElement[bool]:
        return column < value.start


MOMENTS = [FilterWithin, FilterAfter, FilterBefore, FilterOutside]


class FilterIn(BaseFilter):
    """One of several values. Flask-AppBuilder's takes what is no value of the column for NULL."""

    name, arg_name = lazy_gettext("Is one of"), "in"

    def apply(self, query: Select[Any], value: Any) -> Select[Any]:
        """Return `query` restricted to the rows with one of the values."""
        return query.where(getattr(self.model, self.column_name).in_(value))


class FilterNotIn(BaseFilter):
    """None of several values; as above."""

    name, arg_name = lazy_gettext("Is none of"), "not_in"

    def apply(self, query: Select[Any], value: Any) -> Select[Any]:
        """Return `query` without the rows with one of the values."""
        return query.where(getattr(self.model, self.column_name).not_in(value))


class FilterConverter(SQLAFilterConverter):
    """Which filters a column has; their positions are those of Flask-AppBuilder, as they stand in addresses."""

    conversion_table: tuple[tuple[str, list[type[BaseFilter]]], ...] = (
        ("is_relation_many_to_one", [FilterRelated, FilterNotRelated]),
        ("is_relation_one_to_one", [FilterRelated]),
        ("is_relation_many_to_many", [FilterRelatedToMany]),
        ("is_relation_one_to_many", [FilterRelatedToMany]),
        ("is_enum", EQUAL),
        ("is_text", TEXT),
        ("is_string", TEXT),
        ("is_integer", ORDERED),
        ("is_float", ORDERED),
        ("is_numeric", ORDERED),
        ("is_date", ORDERED),
        ("is_boolean", EQUAL),
        ("is_datetime", MOMENTS),
    )


LISTED = {"is_text", "is_string", "is_integer", "is_float", "is_numeric"}


class ApiFilterConverter(FilterConverter):
    """The filters of an API: programs can send a list of values, a search form cannot."""

    conversion_table = tuple(
        (marker, [*filters, FilterIn, FilterNotIn] if marker in LISTED else filters)
        for marker, filters in FilterConverter.conversion_table
    )


# Those whose value is converted to the type of the column; that of a view's own filter is what was sent.
CONVERTED = {make for _marker, filters in ApiFilterConverter.conversion_table for make in filters}


WITH_WORDS = (FilterStartsWith, FilterEndsWith, FilterContains, FilterSame)
WITH_INDEX = (FilterEqual, FilterSame, FilterGreater, FilterSmaller, FilterWithin, FilterAfter, FilterBefore)


class Filters(StockFilters):
    """Filters and their values. The available ones are computed once; each request gets a `fresh()` copy."""

    def __init__(
        self,
        filter_converter: type[SQLAFilterConverter],
        datamodel: Any,
        search_columns: Sequence[str] | None = None,
        search_filters: dict[str, list[BaseFilter]] | None = None,
    ) -> None:
        self.search_columns = list(search_columns or ())
        self.filter_converter, self.datamodel = filter_converter, datamodel
        self.clear_filters()
        self._search_filters = self._all_filters = self._get_filters(self.search_columns)
        for column, more in (search_filters or {}).items():
            made = [each(column, datamodel) if isinstance(each, type) else each for each in more]
            self._search_filters[column] = [*self._search_filters.get(column, []), *made]

    def fresh(self) -> Self:
        """Return a copy with no filter set."""
        other = copy.copy(self)
        other.clear_filters()
        return other

    def text_columns(self) -> list[str]:
        """Return the columns that the search box searches: in a large table, those with an index of words."""
        columns = [
            column
            for column, filters in self._search_filters.items()
            if any(type(each) is FilterContains for each in filters)
        ]
        if not large_tables.is_large(self.datamodel.obj):
            return columns
        words = large_tables.indexed(self.datamodel.obj.__table__).words
        return [column for column in columns if column in words]

    def offered(self) -> dict[str, list[int]]:
        """Return the positions of the filters of each column that can be used: in a large table, of those with an index."""
        positions = {column: list(range(len(filters))) for column, filters in self._search_filters.items()}
        if not large_tables.is_large(self.datamodel.obj):
            return positions
        answered = {column: self._answered(column) for column in positions}
        kept = {
            column: [each for each in found if type(self._search_filters[column][each]) in answered[column]]
            for column, found in positions.items()
        }
        return {column: found for column, found in kept.items() if found}

    def _answered(self, column: str) -> tuple[type[BaseFilter], ...]:
        """Return the filters that an index answers. Those that say "not" leave nearly all rows, or have none."""
        model, indexes = self.datamodel.obj, large_tables.indexed(self.datamodel.obj.__table__)
        own = tuple(type(each) for each in self._search_filters[column] if type(each) not in CONVERTED)
        if self.datamodel.is_relation(column):
            pairs = getattr(model, column).property.local_remote_pairs
            remote = [there for _here, there in pairs] if getattr(model, column).property.uselist else [pairs[0][0]]
            is_found = any(each.name in large_tables.indexed(each.table).first for each in remote)
            return (*own, FilterRelated, FilterRelatedToMany) if is_found else own
        stored = getattr(model, column).property.columns[0]
        names = {each.name for each in visitors.iterate(stored) if isinstance(each, Column)}
        has_first = bool(names) and names <= indexes.first
        return (*own, *(WITH_WORDS if column in indexes.words else ()), *(WITH_INDEX if has_first else ()))

    def add_search(self, text: str) -> None:
        """Add the search for `text` in all text columns."""
        self._add_filter(SearchFilter(self.text_columns(), self.datamodel), text)

    def add_within(self, column: str, period: Period) -> None:
        """Add the condition that a moment is in a period."""
        self._add_filter(FilterWithin(column, self.datamodel), period)

    def limit_to_equality(self, columns: Iterable[str]) -> None:
        """Leave only "is" and "is not" for columns with a few known values."""
        for column in set(columns) & set(self._search_filters):
            self._search_filters[column] = [make(column, self.datamodel) for make in EQUAL]

    def copy(self) -> Self:
        """Return the same filters, to be added to. Flask-AppBuilder's converts all columns of the model anew."""
        other = copy.copy(self)
        other.filters, other.values = list(self.filters), list(self.values)
        return other

    def get_joined_filters(self, filters: StockFilters) -> Self:
        """Return these filters and `filters`; as above."""
        other = self.copy()
        other.filters += filters.filters
        other.values += filters.values
        return other


class OwnFilters:
    """Gives each request its own filters. Flask-AppBuilder stores them in the view, which all threads share."""

    _possible_filters: Any = None

    @property
    def _filters(self) -> Filters:
        """The filters of this request; outside of a request, those that are available."""
        if not has_request_context():
            return self._possible_filters
        kept: dict[int, Filters] = g.setdefault("filters_of_views", {})
        if id(self) not in kept:
            kept[id(self)] = self._possible_filters.fresh()
        return kept[id(self)]

    @_filters.setter
    def _filters(self, filters: Filters) -> None:
        self._possible_filters = filters
