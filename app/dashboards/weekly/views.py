"""The buttons for the e-mail of a dashboard each week."""

from flask_appbuilder import expose, permission_name
from werkzeug.wrappers import Response as BaseResponse

from app.dashboards import texts
from app.dashboards.enums import Action
from app.dashboards.texts import Flash
from app.dashboards.view_base import BaseDashboardView, current_member
from app.dashboards.weekly import service as weekly
from app.outbox import service as outbox


class DashboardWeeklyView(BaseDashboardView):
    """Members subscribe to a dashboard that they may see."""

    default_view = "subscribe"
    class_permission_name = "DashboardView"

    @expose("/<slug>/weekly", methods=["POST"])
    @permission_name("read")
    def subscribe(self, slug: str) -> BaseResponse:
        """Send the dashboard to the reader each week."""
        return self.act(lambda: self._subscribe(slug), "DashboardView.show", slug=slug)

    @expose("/<slug>/weekly/cancel", methods=["POST"])
    @permission_name("read")
    def cancel(self, slug: str) -> BaseResponse:
        """Send it no longer."""
        return self.act(lambda: self._cancel(slug), "DashboardView.show", slug=slug)

    def _subscribe(self, slug: str) -> Flash:
        weekly.subscribe(self.get(slug, Action.READ), current_member())
        return texts.subscribed(can_send=outbox.handles())

    def _cancel(self, slug: str) -> Flash:
        weekly.cancel(self.get(slug, Action.READ), current_member())
        return texts.unsubscribed()
