"""Views of Flask-AppBuilder that are not on our bases, such as those of a package.

Its functions raise ValueError for a page that is no number, and its lists have no search box.
"""

from typing import Any

from flask import Flask, request
from flask_appbuilder.baseviews import BaseCRUDView as StockView
from flask_appbuilder.models.filters import Filters
from flask_appbuilder.models.sqla.filters import FilterContains
from flask_appbuilder.widgets import SearchWidget as StockSearchWidget
from werkzeug.datastructures import ImmutableMultiDict

from app.crud import object_pages
from app.crud.filters import SearchFilter
from app.crud.list_arguments import MAX_PAGE_SIZE, MAX_SEARCH_LENGTH
from app.crud.list_mixin import SearchWidget
from app.crud.views import BaseView
from app.extensions import appbuilder_of
from app.http import MAX_PAGE, parse_int

MOST = {"page_": MAX_PAGE, "psize_": MAX_PAGE_SIZE}
SEARCH_ARGUMENT = "q"


def init_app(app: Flask) -> None:
    app.before_request(_prepare)


def _prepare() -> None:
    name = request.blueprint
    views = [view for view in appbuilder_of().baseviews if view.blueprint and view.blueprint.name == name]
    if not views or isinstance(views[0], BaseView):
        return
    if any(name.startswith(tuple(MOST)) for name in request.args):
        _drop_invalid_pages()
    if not isinstance(views[0], StockView):
        return
    # A search widget of its own is left as it is.
    if views[0].search_widget is StockSearchWidget:
        _add_search(views[0])
    if "_get_show_widget" not in vars(views[0]):
        _add_head(views[0])


def _drop_invalid_pages() -> None:
    """Leave out invalid numbers of pages and rows, and limit others. Our own views tell the reader about them."""
    kept = []
    for name, value in request.args.items(multi=True):
        prefix = next((prefix for prefix in MOST if name.startswith(prefix)), None)
        number = parse_int(value, MOST[prefix], clamp=True) if prefix else None
        if prefix is None or number is not None:
            kept.append((name, value if prefix is None else str(number)))
    # Where Werkzeug caches it.
    request.__dict__["args"] = ImmutableMultiDict(kept)


def _add_head(view: Any) -> None:
    """Give the page of a row the head that ours have: its name, and what can be done with it."""
    stock_show = view._get_show_widget  # noqa: SLF001 - Flask-AppBuilder's name

    def show_widget(pk: Any, item: Any, *args: Any, **kwargs: Any) -> Any:
        return {**stock_show(pk, item, *args, **kwargs), "object": object_pages.head(view, item)}

    view._get_show_widget = show_widget  # noqa: SLF001


def _add_search(view: Any) -> None:
    """Give a view a box that searches the text among its `search_columns`, as ours have."""
    possible = view._filters.get_search_filters()  # noqa: SLF001 - Flask-AppBuilder's name
    columns = [name for name, filters in possible.items() if any(isinstance(each, FilterContains) for each in filters)]
    stock_list = view._get_list_widget  # noqa: SLF001

    class Search(SearchFilter):
        def __init__(self, _column: str, datamodel: Any, *_more: Any) -> None:
            # Flask-AppBuilder makes filters anew, with the column alone.
            super().__init__(columns, datamodel)

    def searched() -> str:
        return request.args.get(SEARCH_ARGUMENT, "").strip()[:MAX_SEARCH_LENGTH] if columns else ""

    def list_widget(filters: Filters, *args: Any, **kwargs: Any) -> Any:
        if searched():
            # A copy: those of the view are shared by all requests.
            filters = filters.get_joined_filters(view.datamodel.get_filters())
            filters._add_filter(Search("", view.datamodel), searched())  # noqa: SLF001
        return stock_list(filters, *args, **kwargs)

    def search_widget(**_stock: Any) -> SearchWidget:
        return SearchWidget(
            search_columns=[view.label_columns[name] for name in columns],
            search=searched(),
            max_search_length=MAX_SEARCH_LENGTH,
            clear_url=request.path,
            active_filters=[
                {"argument": pair} for pair in request.args.items(multi=True) if pair[0].startswith("_flt_")
            ],
        )

    view._get_list_widget, view.search_widget = list_widget, search_widget  # noqa: SLF001
