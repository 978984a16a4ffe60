"""Pages of several lists, and lists with a form: Flask-AppBuilder's, without its session and its unchecked arguments."""

from typing import Any

from flask import make_response, redirect
from flask_appbuilder import MasterDetailView as StockMasterDetailView
from flask_appbuilder import MultipleView as StockMultipleView
from flask_appbuilder import expose, has_access
from flask_appbuilder.widgets import GroupFormListWidget
from werkzeug.wrappers import Response as BaseResponse

from app.crud.fab_attributes import refuse
from app.crud.views import SEE_OTHER, BaseView, ModelView


class MultipleView(BaseView, StockMultipleView):
    """Several lists or charts on one page. Each is shown to those who may open it alone.

    Without a `list_title`, the titles of its `views` are the title.
    """

    list_title: object = ""

    @expose("/list/")
    @has_access
    def list(self) -> str:
        """Show the views below each other. Flask-AppBuilder's shows them to members who may not open them."""
        # Flask-AppBuilder takes views that inherit from one of these for it, and has its own order.
        made = {type(view): view for view in self._views}
        views = [made[each] for each in self.views if each in made and made[each].may(made[each].part_page)]
        return str(
            self.render_template(
                self.list_template,
                title=self.list_title,
                views=views,
                views_widgets=[view.part() for view in views],
            )
        )


class MasterDetailView(ModelView, StockMasterDetailView):
    """A list beside the lists of its `related_views`, which show what belongs to the row that is chosen.

    It has no other page, unless `include_route_methods` names one.
    """

    include_route_methods = {"list"}

    def _init_properties(self) -> None:
        """Refuse what would have no effect, which Flask-AppBuilder's cannot know."""
        refuse(self, MasterDetailView)
        super()._init_properties()

    @expose("/list/")
    @expose("/list/<pk>")
    @has_access
    def list(self, pk: str | None = None) -> str:
        """Show the list, and what belongs to the row `pk`. Flask-AppBuilder's trusts the URL, and keeps all in the session."""
        widgets = self._list()
        if pk is not None:
            self._with_related(self._find(pk), widgets)
        return str(
            self.render_template(
                self.list_template,
                title=self.list_title,
                widgets=widgets,
                related_views=self._related_views if pk is not None else [],
            )
        )


class CompactCRUDMixin:
    """Before ModelView among the bases of a view: its forms stand above the list. The URL says which one is open."""

    def _form_page(
        self: Any, _template: str, title: object, widgets: dict[str, Any] | None, status: int, **_context: Any
    ) -> BaseResponse:
        if widgets is None:
            return redirect(self.back_url(), SEE_OTHER)
        lists = self._list()
        form = widgets.get("add") or widgets.get("edit")
        lists["list"] = GroupFormListWidget(
            list_widget=lists["list"], form_widget=form, form_action="", form_title=title
        )
        return make_response(self.render_template(self.list_template, title=self.list_title, widgets=lists), status)
