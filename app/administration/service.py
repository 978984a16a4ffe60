"""Save, rename and delete views of lists."""

from urllib.parse import parse_qsl, urlencode

from flask_babel import lazy_gettext
from sqlalchemy import Select, func, select

from app.administration.models import MAX_NAME_LENGTH, MAX_QUERY_LENGTH, SavedView
from app.errors import DomainError
from app.extensions import db

# Of one member for one list. Nobody finds one among more.
MAX_VIEWS = 20


def saved_views(owner_id: int, view: str | None = None) -> list[SavedView]:
    """Return the views that a member has saved, of one list or of all."""
    own = select(SavedView).where(SavedView.owner_id == owner_id)
    if view is not None:
        own = own.where(SavedView.view == view)
    return list(db.session.scalars(own.order_by(SavedView.view, SavedView.name, SavedView.id)))


def saved_view(owner_id: int, key: int) -> SavedView | None:
    """Return a view that the member has saved."""
    return db.session.scalar(select(SavedView).where(SavedView.id == key, SavedView.owner_id == owner_id))


def without_page(query: str) -> str:
    """Return what of the query of a list makes its view: all but the page."""
    pairs = parse_qsl(query, keep_blank_values=False, max_num_fields=None)
    return urlencode([(name, value) for name, value in pairs if not name.startswith("page_") and name != "_format"])


def save(owner_id: int, view: str, name: str, query: str) -> SavedView:
    """Store a view. One of the same name is replaced."""
    name, query = _valid_name(name), without_page(query)
    if not query:
        raise DomainError(
            lazy_gettext("Choose a filter, an order or columns first: this is the whole list."), "warning"
        )
    if len(query) > MAX_QUERY_LENGTH:
        raise DomainError(lazy_gettext("These filters are too long to be saved."), "warning")
    found = db.session.scalar(_named(owner_id, view, name))
    if found is not None:
        found.query = query
        return found
    count = select(func.count()).where(SavedView.owner_id == owner_id, SavedView.view == view)
    if db.session.scalar(count.select_from(SavedView)) >= MAX_VIEWS:  # type: ignore[operator]
        raise DomainError(
            lazy_gettext("You have saved %(number)d views of this list already. Delete one first.", number=MAX_VIEWS),
            "warning",
        )
    made = SavedView(owner_id=owner_id, view=view, name=name, query=query)
    db.session.add(made)
    db.session.flush()
    return made


def rename(saved: SavedView, name: str) -> None:
    """Give a view another name."""
    name = _valid_name(name)
    other = db.session.scalar(_named(saved.owner_id, saved.view, name))
    if other is not None and other is not saved:
        raise DomainError(lazy_gettext("You have a view of this name already."), "warning")
    saved.name = name


def _named(owner_id: int, view: str, name: str) -> Select[SavedView]:
    return select(SavedView).where(SavedView.owner_id == owner_id, SavedView.view == view, SavedView.name == name)


def _valid_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME_LENGTH:
        raise DomainError(
            lazy_gettext("Give the view a name of at most %(number)d characters.", number=MAX_NAME_LENGTH), "warning"
        )
    return name


def delete(saved: SavedView) -> None:
    """Delete a view."""
    db.session.delete(saved)
