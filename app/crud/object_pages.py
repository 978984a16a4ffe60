"""What the page of one row shows beside its facts: its name, its state, what can be done with it now, and where else it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_babel import gettext as _
from flask_sqlalchemy.model import Model as UnnamedModel
from markupsafe import Markup, escape

from app.extensions import appbuilder_of
from app.i18n import formats

# Columns that say how it stands with a row, where a view does not declare `state_columns`.
STATE_COLUMNS = ("status", "state")
UNNAMED = {object.__repr__, UnnamedModel.__repr__}


@dataclass(frozen=True)
class Choice:
    """What a reader can do with a row: a link, or a button if `posts`."""

    text: object
    url: str
    confirmation: object = None
    posts: bool = False
    # A link to a page that asks before it deletes.
    is_risky: bool = False


@dataclass(frozen=True)
class State:
    """A label, and its tone: good, warning or danger, or an empty text."""

    label: str
    tone: str = ""


@dataclass(frozen=True)
class ObjectPage:
    """The head of the page of one row."""

    name: str
    # What kind of thing it is, and the URL of the list of these.
    kind: str
    list_title: str
    list_url: str | None
    states: tuple[State, ...] = ()
    primary: Choice | None = None
    more: tuple[Choice, ...] = ()
    # Other pages about it: titles and URLs.
    elsewhere: tuple[tuple[str, str], ...] = ()


def head(view: Any, item: Any, page: str = "show") -> ObjectPage:
    """Describe the row `item` of a generated view, ours or one of Flask-AppBuilder's."""
    choices = list(_choices(view, item)) if page == "show" else []
    wanted = [choice for name, choice in choices if name in (*getattr(view, "primary_actions", ()), "edit")]
    primary = wanted[0] if wanted else None
    return ObjectPage(
        name=name_of(view, item),
        kind=_("History") if page == "history" else str(getattr(view, f"{page}_title", "") or view.show_title),
        list_title=str(view.list_title),
        list_url=_url(view, "list"),
        states=tuple(_states(view, item)),
        primary=primary,
        more=tuple(choice for _name, choice in choices if choice is not primary),
        elsewhere=tuple(_elsewhere(view, item, page)),
    )


def name_of(view: Any, item: Any) -> str:
    """Return how a row is called. Where its model does not say, its kind and key."""
    own = getattr(view, "item_name", None)
    return str(own(item)) if own is not None else default_name(view, item)


def default_name(view: Any, item: Any) -> str:
    """Return the text of a row, or its kind and key."""
    model: Any = type(item)
    text = "" if model.__str__ is object.__str__ and model.__repr__ in UNNAMED else str(item).strip()
    return text or f"{view.show_title} {_key(view, item)}"


def _key(view: Any, item: Any) -> Any:
    """Return the key of a row as it stands in URLs."""
    key = view.datamodel.get_keys([item])[0]
    return view._serialize_pk_if_composite(key) if isinstance(key, list | tuple) else key  # noqa: SLF001


def _states(view: Any, item: Any) -> Iterator[State]:
    columns = getattr(view, "state_columns", None)
    if columns is None:
        columns = [column for column in STATE_COLUMNS if column in view.show_columns]
    tones = getattr(view, "state_tones", {})
    for column in columns:
        value = getattr(item, column)
        if value in {None, "", False}:
            continue
        shown = view.formatters_columns.get(column)
        label = view.label_columns[column] if value is True else shown(value) if shown else formats.value(value)
        yield State(str(label), tones.get(column, {}).get(value, ""))


def _choices(view: Any, item: Any) -> Iterator[tuple[str, Choice]]:
    """Yield what the reader may do with `item` in its state: the actions of the view, and its own pages."""
    key = _key(view, item)
    named = {name: action for name, action in view.actions.items() if action.single}
    for name in dict.fromkeys([*getattr(view, "primary_actions", ()), "edit", *named]):
        if name == "edit":
            url = _url(view, "edit", pk=key)
            if url:
                yield name, Choice(_("Edit"), url)
            continue
        action = named.get(name)
        applies = getattr(getattr(action, "func", None), "applies", None)
        url = f"{view.endpoint}.action"
        if action is None or url not in current_app.view_functions or (applies is not None and not applies(item)):
            continue
        if view.appbuilder.sm.has_access(view.get_action_permission_name(name), view.class_permission_name):
            yield (
                name,
                Choice(action.text, url_for(url, name=name, pk=key), confirmation=action.confirmation, posts=True),
            )
    url = _url(view, "delete", pk=key)
    if url:
        yield "delete", Choice(_("Delete"), url, _("Are you sure you want to delete this item?"), is_risky=True)


def _elsewhere(view: Any, item: Any, page: str) -> Iterator[tuple[str, str]]:
    public = getattr(view, "public_url", lambda _item: None)(item)
    if public:
        yield _("Public page"), public
    for name, title in (("show", _("Details")), ("history", _("History"))):
        url = _url(view, name, pk=_key(view, item)) if name != page else None
        if url and (name != "history" or view.may_read_history()):
            yield title, url


def _url(view: Any, page: str, **arguments: Any) -> str | None:
    """Return the URL of a page of a view, if there is one and the reader may open it."""
    endpoint = f"{view.endpoint}.{page}"
    if endpoint not in current_app.view_functions:
        return None
    permission = PERMISSION_PREFIX + view.get_method_permission(page)
    allowed = view.appbuilder.sm.has_access(permission, view.class_permission_name)
    return url_for(endpoint, **arguments) if allowed else None


# -- related rows


def linked(value: Any) -> Markup | str:
    """Return related rows by name; each leads to its page if the reader may open it."""
    if value is None or value == []:
        return formats.NOTHING
    rows = value if isinstance(value, list) else [value]
    each = [_linked(row) for row in rows]
    return (
        each[0]
        if len(each) == 1
        else Markup("<ul>{}</ul>").format(Markup("").join(map(Markup("<li>{}</li>").format, each)))
    )


def row_name(row: Any) -> str:
    """Return how a row of any model is called, as on its page."""
    views = _views_of(type(row))
    return name_of(views[0], row) if views else str(row)


def names(value: Any) -> Markup | str:
    """Return the names of related rows."""
    if value is None or value == []:
        return formats.NOTHING
    text = formats.value([row_name(row) for row in value] if isinstance(value, list) else row_name(value))
    return Markup(f"<bdi>{escape(text)}</bdi>")  # noqa: S704 - escaped


def _linked(row: Any) -> Markup:
    view = next((view for view in _views_of(type(row)) if _url(view, "show", pk=0)), None)
    name = Markup("<bdi>{}</bdi>").format(row_name(row))
    if view is None or not _is_visible(view, row):
        return name
    url = url_for(f"{view.endpoint}.show", pk=_key(view, row))
    return Markup('<a href="{}">{}</a>').format(url, escape(name))


def _views_of(model: type[Any]) -> list[Any]:
    """Return the views with pages for the rows of a model."""
    views = appbuilder_of().baseviews
    appbuilder: Any = appbuilder_of()
    known: dict[type[Any], list[Any]]
    known, counted = getattr(appbuilder, "views_of_models", ({}, 0))
    if counted != len(views):
        known = {}
        for view in views:
            if hasattr(view, "datamodel") and hasattr(view, "show_title"):
                known.setdefault(view.datamodel.obj, []).append(view)
        appbuilder.views_of_models = known, len(views)
    return known.get(model, [])


def _is_visible(view: Any, row: Any) -> bool:
    """Whether the filters of a view let the reader see a row."""
    filters = view._base_filters  # noqa: SLF001 - Flask-AppBuilder's name
    if not filters.values:
        return True
    return view.datamodel.get(_key(view, row), filters) is not None
