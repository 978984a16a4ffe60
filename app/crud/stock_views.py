"""Views of Flask-AppBuilder that are not on our bases: its functions raise ValueError for a page that is no number."""

from flask import Flask, request
from werkzeug.datastructures import ImmutableMultiDict

from app.crud.list_arguments import MAX_PAGE_SIZE
from app.crud.views import BaseView
from app.extensions import appbuilder_of
from app.http import MAX_PAGE, parse_int

MOST = {"page_": MAX_PAGE, "psize_": MAX_PAGE_SIZE}


def init_app(app: Flask) -> None:
    app.before_request(_drop_invalid_pages)


def _drop_invalid_pages() -> None:
    """Leave out invalid numbers of pages and rows, and limit others. Our own views tell the reader about them."""
    if not any(name.startswith(tuple(MOST)) for name in request.args):
        return
    views = [view for view in appbuilder_of().baseviews if view.blueprint and view.blueprint.name == request.blueprint]
    if not views or isinstance(views[0], BaseView):
        return
    kept = []
    for name, value in request.args.items(multi=True):
        prefix = next((prefix for prefix in MOST if name.startswith(prefix)), None)
        number = parse_int(value, MOST[prefix], clamp=True) if prefix else None
        if prefix is None or number is not None:
            kept.append((name, value if prefix is None else str(number)))
    # Where Werkzeug caches it.
    request.__dict__["args"] = ImmutableMultiDict(kept)
