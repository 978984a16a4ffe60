"""The pages of saved views."""

import time
from typing import Any

from flask import Flask, abort, current_app, flash, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.baseviews import BaseCRUDView
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response as BaseResponse

from app.administration import service
from app.administration.models import MAX_NAME_LENGTH, SavedView
from app.crud.views import BaseView
from app.database import run_with_retry
from app.errors import DomainError
from app.extensions import appbuilder_of

# What each process has read, and for how long it is shown: no list takes a statement for it.
KNOWN, MAX_KNOWN, SECONDS = "saved_views", 1000, 60
# When the reader has changed something, in their session. Clocks of machines differ by less.
CHANGED_KEY, SKEW_SECONDS = "saved_views_changed", 5


def init_app(app: Flask) -> None:
    """Let the lists show what their reader has saved."""
    app.jinja_env.globals["saved_views"] = saved_views


def saved_views() -> list[tuple[str, str, bool]] | None:
    """Return the saved views of the list that is shown: name, URL, and whether it is this one; None where none can be saved."""
    if not current_user.is_authenticated or not (request.endpoint or "").endswith(".list"):
        return None
    shown = service.without_page(request.query_string.decode("utf-8", "replace"))
    return [
        (name, f"{request.path}?{query}", query == shown)
        for view, name, query in _known(current_user.id)
        if view == request.blueprint
    ]


def _known(owner_id: int) -> list[tuple[str, str, str]]:
    """Return the view, name and query of what a member has saved, as this process has read it a moment ago.

    The session of whoever has just changed it says when: a process that has read it before that reads it again.
    """
    read: dict[int, tuple[float, list[tuple[str, str, str]]]] = current_app.extensions.setdefault(KNOWN, {})
    now = time.time()
    read_at, known = read.get(owner_id, (0.0, []))
    if now - read_at < SECONDS and read_at > session.get(CHANGED_KEY, 0.0) + SKEW_SECONDS:
        return known
    if len(read) >= MAX_KNOWN:
        read.clear()
    known = [(each.view, each.name, each.query) for each in service.saved_views(owner_id)]
    read[owner_id] = now, known
    return known


def _note_change() -> None:
    session[CHANGED_KEY] = time.time()


class SavedViewsView(BaseView):
    """What the reader has saved. Each list that they may open has a button for it."""

    route_base = "/manage/views"
    default_view = "overview"
    is_managed = True

    @expose("/")
    @login_required
    def overview(self) -> str:
        """Show all saved views, to be renamed and deleted."""
        lists = {view.endpoint: view for view in _lists()}
        saved = [
            (each, str(lists[each.view].list_title), f"{url_for(f'{each.view}.list')}?{each.query}")
            for each in service.saved_views(current_user.id)
            if each.view in lists
        ]
        return str(self.render_template("administration/saved_views.html", saved=saved, most=MAX_NAME_LENGTH))

    @expose("/save/<view>", methods=["POST"])
    @login_required
    def save(self, view: str) -> BaseResponse:
        """Save the filters, the order and the columns of a list."""
        if not any(each.endpoint == view for each in _lists()):
            abort(404)
        query = request.form.get("query", "")
        name = request.form.get("name", "")
        try:
            saved = run_with_retry(lambda: service.save(current_user.id, view, name, query))
        except DomainError as refused:
            flash(str(refused), refused.category)
        else:
            _note_change()
            flash(_("The view “%(name)s” is saved.", name=saved.name), "info")
        return redirect(f"{url_for(f'{view}.list')}?{service.without_page(query)}", 303)

    @expose("/<int:key>/rename", methods=["POST"])
    @login_required
    def rename(self, key: int) -> BaseResponse:
        """Give a saved view another name."""
        saved = _own(key)

        def act() -> None:
            service.rename(saved, request.form.get("name", ""))

        return self._done(act, _("Renamed."))

    @expose("/<int:key>/delete", methods=["POST"])
    @login_required
    def delete(self, key: int) -> BaseResponse:
        """Delete a saved view."""
        saved = _own(key)
        return self._done(lambda: service.delete(saved), _("The view “%(name)s” is deleted.", name=saved.name))

    @staticmethod
    def _done(act: Any, message: str) -> BaseResponse:
        try:
            run_with_retry(act)
        except DomainError as refused:
            flash(str(refused), refused.category)
        else:
            _note_change()
            flash(message, "info")
        return redirect(url_for("SavedViewsView.overview"), 303)


def _own(key: int) -> SavedView:
    saved = service.saved_view(current_user.id, key)
    if saved is None:
        abort(404)
    return saved


def _lists() -> list[Any]:
    """Return the generated lists that the member may open."""
    appbuilder = appbuilder_of()
    return [
        view
        for view in appbuilder.baseviews
        if isinstance(view, BaseCRUDView)
        and hasattr(view, "list")
        and appbuilder.sm.has_access("can_list", view.class_permission_name)
    ]
