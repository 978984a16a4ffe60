"""What keeps rows from being deleted: the rows that refer to them, and the lists that show these."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from babel import lists
from flask import url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, ForeignKeyConstraint, Table, func, inspect, not_, select, tuple_
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty
from werkzeug.datastructures import MultiDict

from app.crud import list_arguments
from app.crud.db_errors import IN_USE, ConstraintError
from app.crud.list_arguments import FilterArgument
from app.errors import DomainError
from app.extensions import appbuilder_of, db

CASCADE, SET_NULL = "CASCADE", ("SET NULL", "SET DEFAULT")


@dataclass(frozen=True)
class Place:
    """Rows of one table that refer to what was to be deleted. `title` is that of their list, if there is one."""

    title: str
    count: int
    # The list of just these rows, if the reader may see it.
    url: str | None = None

    @property
    def text(self) -> str:
        """How many rows of which list."""
        if self.title:
            return _("%(list)s (%(num)d)", list=self.title, num=self.count)
        return ngettext("%(num)d other entry", "%(num)d other entries", self.count)

    @property
    def markup(self) -> Markup:
        """The text, as a link if there is one."""
        return Markup('<a href="{}">{}</a>').format(self.url, self.text) if self.url else escape(self.text)


class InUseError(DomainError):
    """Other rows refer to a row that was to be deleted."""

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__(_message([place.markup for place in places]))
        self.places = places
        self.text = str(_message([escape(place.text) for place in places]).unescape())


def _message(places: list[Markup]) -> Markup:
    listed = Markup(lists.format_list([str(place) for place in places], locale=get_locale()))  # noqa: S704 - escaped
    text = _("It is still in use elsewhere and cannot be deleted: %(places)s.", places="\0")
    head, _mark, tail = text.partition("\0")
    return Markup("").join([escape(head), listed, escape(tail)])


@contextmanager
def explained(items: Sequence[Any]) -> Iterator[None]:
    """Say where `items` are in use when the block, a transaction of its own, cannot delete them."""
    keys = [(type(item), inspect(item).identity) for item in items]
    try:
        yield
    except ConstraintError as error:
        places = _places(keys) if error.message is IN_USE else []
        if places:
            raise InUseError(places) from error
        raise


def _places(keys: list[tuple[type[Any], tuple[Any, ...]]]) -> list[Place]:
    """Return where rows of one model are in use, table by table."""
    mapper = inspect(keys[0][0])
    own = mapper.local_table
    rows = _columns(own.primary_key.columns).in_([key if len(key) > 1 else key[0] for _model, key in keys])
    counts: dict[Table, list[tuple[ForeignKeyConstraint, int]]] = {}
    for constraint, referring in _referring(own, rows, mapper, {own}):
        remaining = referring & not_(rows) if constraint.table is own else referring
        count = db.session.scalar(select(func.count()).select_from(constraint.table).where(remaining))
        if count:
            counts.setdefault(constraint.table, []).append((constraint, count))
    key = keys[0] if len(keys) == 1 else None
    return sorted((_place(table, found, key) for table, found in counts.items()), key=lambda place: not place.title)


def _referring(
    table: Table, rows: ColumnElement[bool], mapper: Mapper[Any] | None, seen: set[Table]
) -> Iterator[tuple[ForeignKeyConstraint, ColumnElement[bool]]]:
    """Yield each foreign key that refuses to lose `rows` of `table`, or those deleted with them, and its rows."""
    for constraint, found, effect in effects(table, rows, mapper):
        other = constraint.table
        if effect == CASCADE and other not in seen:
            yield from _referring(other, found, None, {*seen, other})
        elif effect is None:
            yield constraint, found


def effects(
    table: Table, rows: ColumnElement[bool], mapper: Mapper[Any] | None
) -> Iterator[tuple[ForeignKeyConstraint, ColumnElement[bool], str | None]]:
    """Yield each foreign key to `table`, the rows that refer to `rows` by it, and what becomes of them."""
    for other in table.metadata.sorted_tables:
        for constraint in sorted(other.foreign_key_constraints, key=lambda each: tuple(each.column_keys)):
            if constraint.referred_table is table:
                referred = [element.column for element in constraint.elements]
                found = _columns(constraint.columns).in_(select(*referred).where(rows).correlate(None))
                yield constraint, found, _effect(constraint, mapper)


def _effect(constraint: ForeignKeyConstraint, mapper: Mapper[Any] | None) -> str | None:
    """Return what a deletion does to the rows of `constraint`; None when it is refused."""
    for relation in mapper.relationships if mapper is not None else ():
        if relation.viewonly:
            continue
        if relation.secondary is constraint.table:
            return SET_NULL[0]
        if relation.direction is RelationshipDirection.ONETOMANY and _is_of(relation, constraint):
            if relation.cascade.delete:
                return CASCADE
            if not relation.passive_deletes and all(column.nullable for column in constraint.columns):
                return SET_NULL[0]
    ondelete = (constraint.ondelete or "").upper()
    return ondelete if ondelete == CASCADE or ondelete in SET_NULL else None


def _is_of(relation: RelationshipProperty[Any], constraint: ForeignKeyConstraint) -> bool:
    return {remote for _local, remote in relation.local_remote_pairs or ()} == set(constraint.columns)


def _columns(columns: Any) -> Any:
    each = list(columns)
    return each[0] if len(each) == 1 else tuple_(*each)


def places(counts: Mapping[Table, int]) -> list[Place]:
    """Return in which lists rows of tables stand, and how many."""
    return [_place(table, [(None, count)], None) for table, count in counts.items()]


def _place(
    table: Table,
    found: Sequence[tuple[ForeignKeyConstraint | None, int]],
    key: tuple[type[Any], tuple[Any, ...]] | None,
) -> Place:
    count = sum(number for _constraint, number in found)
    view = next((view for view in appbuilder_of().baseviews if _lists(view, table)), None)
    if view is None:
        return Place("", count)
    constraint = found[0][0] if len(found) == 1 else None
    url = _url(view, constraint, key) if key is not None and constraint is not None else None
    return Place(str(view.list_title), count, url)


def _lists(view: Any, table: Table) -> bool:
    """Whether `view` is the generated list of a table."""
    model = getattr(getattr(view, "datamodel", None), "obj", None)
    is_list = hasattr(view, "named_relations") and bool(view.is_routed("list"))
    return is_list and model is not None and inspect(model).local_table is table


def _url(view: Any, constraint: ForeignKeyConstraint, key: tuple[type[Any], tuple[Any, ...]]) -> str | None:
    """Return the URL of the rows that refer to `key`, if the reader may open the list and it has a filter for them."""
    model, identity = key
    relation = next(
        (
            relation.key
            for relation in inspect(view.datamodel.obj).relationships
            if set(relation.local_columns) == set(constraint.columns) and relation.mapper.class_ is model
        ),
        None,
    )
    row = db.session.get(model, identity)
    if relation is None or relation not in view.named_relations or row is None or not view.may("list"):
        return None
    value = str(getattr(row, view.named_relations[relation][0]))
    return list_arguments.build_url(url_for(f"{view.endpoint}.list"), MultiDict(), [FilterArgument(relation, 0, value)])
