"""The menu of Flask-AppBuilder as a sidebar: groups of links, each with the number of rows that wait for a decision."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request, url_for
from flask_appbuilder.baseviews import BaseModelView
from flask_appbuilder.menu import MenuItem
from flask_login import current_user
from sqlalchemy import Select, func, select

from app.extensions import appbuilder_of, db
from app.http import own_path
from app.i18n.selectors import current_locale

# More waiting rows are shown as "99+".
MOST = 99
# How long a process shows counts before it counts again. What it changes itself is counted at once.
SECONDS = 15
COUNTS = "waiting_counts"
# The menus that a process has shown, of each language and for what their readers may open.
MENUS, MOST_MENUS = "menus", 64


@dataclass(frozen=True)
class Waiting:
    """The rows of a view that wait for somebody: `rows` selects their keys, `sentence` tells how many there are.

    `query` is that of the list which shows them.
    """

    rows: Callable[[], Select[Any]]
    sentence: Callable[[int], str]
    query: str = ""


@dataclass(frozen=True)
class Link:
    """An entry of the sidebar."""

    label: str
    url: str
    view: Any = None

    @property
    def current(self) -> str:
        """Whether its page is open ("page"), or another one of its view ("true")."""
        if urlsplit(self.url).path == own_path():
            return "page"
        return "true" if self.view is not None and self.view.endpoint == request.blueprint else ""


@dataclass(frozen=True)
class Group:
    """Links with a heading; those of no group have none."""

    label: str
    links: list[Link]


def init_app(app: Flask) -> None:
    """Let templates show the sidebar."""
    app.jinja_env.globals.update(
        sidebar=groups, is_managed=is_managed, badges=badges, manage_url=manage_url, search_url=search_url
    )
    app.after_request(_count_again)


def manage_url() -> str:
    """Return the URL of the home of administrators: a view called ManageView, where there is one."""
    return url_for("ManageView.home") if "ManageView.home" in current_app.view_functions else ""


def search_url() -> str:
    """Return the URL of the search of administrators, for those who may open something of it."""
    return url_for("ManageView.search") if "ManageView.search" in current_app.view_functions and groups() else ""


def is_managed() -> bool:
    """Whether this page belongs to the administration: its view is generated, in the menu, or says so (`is_managed`)."""
    appbuilder, blueprint = appbuilder_of(), request.blueprint
    view = next((each for each in appbuilder.baseviews if each.endpoint == blueprint), None)
    if view is None or not groups():
        return False
    return (
        isinstance(view, BaseModelView)
        or getattr(view, "is_managed", False)
        or any(item.baseview is view for item in _items(appbuilder.menu.get_list()))
    )


def groups() -> list[Group]:
    """Return the menu of the member, with what they may open only; nothing for visitors."""
    if "sidebar" not in g:
        g.sidebar = _menu() if current_user.is_authenticated else []
    found: list[Group] = g.sidebar
    return found


def _menu() -> list[Group]:
    """Return the menu for those who may open the same entries, in the same language: made once."""
    appbuilder: Any = appbuilder_of()
    items = list(_items(appbuilder.menu.get_list()))
    allowed = appbuilder.sm.get_user_menu_access([item.name for item in items])
    shown = tuple(item.name for item in items if item.name in allowed and item.should_render())
    known: dict[object, list[Group]] = current_app.extensions.setdefault(MENUS, {})
    key = (shown, len(items), current_locale(), request.script_root)
    found = known.get(key)
    if found is None:
        if len(known) >= MOST_MENUS:
            known.clear()
        found = known[key] = list(_groups())
    return found


def _groups() -> Iterator[Group]:
    menu = appbuilder_of().menu
    views = {item.name: item.baseview for item in _items(menu.get_list())}
    data = [entry for entry in menu.get_data() if entry != "-"]
    plain = [_link(entry, views) for entry in data if "childs" not in entry and entry.get("url")]
    if plain:
        yield Group("", plain)
    for entry in data:
        links = [_link(child, views) for child in entry.get("childs", ()) if child != "-" and child.get("url")]
        if links:
            yield Group(str(entry["label"]), links)


def _link(entry: dict[str, Any], views: dict[str, Any]) -> Link:
    return Link(str(entry["label"]), str(entry["url"]), views.get(entry["name"]))


def _items(menu: list[MenuItem]) -> Iterator[MenuItem]:
    for item in menu:
        yield item
        yield from _items(item.childs)


# -- what waits


def badges() -> dict[str, str]:
    """Return the numbers beside the links, by the endpoints of their views."""
    return {name: f"{MOST}+" if count > MOST else str(count) for name, count in waiting_counts().items() if count}


def waiting_counts() -> dict[str, int]:
    """Return how many rows of each view wait, at most MOST + 1, by its endpoint: one statement, and none for SECONDS."""
    counted_at, counts = current_app.extensions.get(COUNTS, (0.0, {}))
    if not counted_at or time.monotonic() - counted_at > SECONDS:
        counts = _count({view.endpoint: getattr(view, "waiting", None) for view in appbuilder_of().baseviews})
        current_app.extensions[COUNTS] = time.monotonic(), counts
    known: dict[str, int] = counts
    return known


def _count(declared: dict[str, Waiting | None]) -> dict[str, int]:
    columns = [
        select(func.count()).select_from(waiting.rows().limit(MOST + 1).subquery()).scalar_subquery().label(name)
        for name, waiting in declared.items()
        if waiting is not None
    ]
    return dict(db.session.execute(select(*columns)).mappings().one()) if columns else {}


def _count_again(response: Response) -> Response:
    """Forget the counts after whatever may have changed them."""
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        current_app.extensions.pop(COUNTS, None)
    return response
