"""The page of statistics: of the house, and of accounts."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from babel import dates
from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import get_locale, lazy_gettext, pgettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.statistics import service as statistics_service
from app.charts import downloads
from app.charts.model import Axis, Mark, Plot, Point, Series
from app.charts.reading import by_kind
from app.charts.reading.notes import Notes
from app.crud.views import BaseView
from app.named_queries import QUERIES

# The named queries about dinners and e-mails, and how they are drawn.
OF_HOUSE = {
    "parties_per_month": "bar",
    "seats_and_answers": "bar",
    "waiting_times": "bar",
    "emails_by_state": "stacked",
}


class StatisticsView(BaseView):
    """Statistics of the house: parties, seats, answers, waiting lists, e-mails and accounts."""

    route_base = "/statistics"
    default_view = "show"
    list_title = lazy_gettext("Statistics")

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the charts, and the same numbers as tables."""
        charts = [(title, draw(), _files(name)) for name, (title, draw) in self._charts().items()]
        return str(self.render_template("accounts/statistics.html", charts=charts))

    @expose(f"/<name>.<{downloads.ANY}:kind>")
    @has_access
    @permission_name("show")
    def file(self, name: str, kind: str) -> BaseResponse:
        """Send a chart as a drawing, a picture, or its figures."""
        charts = self._charts()
        if name not in charts:
            abort(404)
        title, draw = charts[name]
        try:
            return downloads.response(draw(), title, name, kind)
        except downloads.NoPictureError:
            flash(_("No picture could be made. Take the SVG file instead."), "warning")
            return redirect(url_for("StatisticsView.show"), 303)

    def _charts(self) -> dict[str, tuple[str, Callable[[], Plot]]]:
        """Return the charts that the reader may see by the names of their files: their titles, and what draws them."""
        of_house: dict[str, tuple[str, Callable[[], Plot]]] = {
            name: (str(QUERIES[name].title), partial(_of_house, name, kind))
            for name, kind in OF_HOUSE.items()
            if self._may_ask(QUERIES[name].permission)
        }
        return {
            **of_house,
            "accounts": (_("Accounts"), lambda: _states(statistics_service.accounts())),
            "members": (_("New members by month"), lambda: _columns(_("Month"), statistics_service.joined(), "yMMM")),
            "logins": (_("Logins by day"), lambda: _columns(_("Day"), statistics_service.logged_in(), "MMMd")),
        }

    def _may_ask(self, permission: tuple[str, str] | None) -> bool:
        return permission is None or self.appbuilder.sm.has_access(*permission)


def _of_house(name: str, kind: str) -> Plot:
    query = QUERIES[name]
    rows = query.read(*(parameter.default for parameter in query.parameters))
    return by_kind.plot_of(query.table(rows), kind, Notes())


def _files(name: str) -> dict[str, str]:
    return downloads.urls(lambda kind: url_for("StatisticsView.file", name=name, kind=kind))


def _states(accounts: statistics_service.Accounts) -> Plot:
    counts = [
        (_("Active"), accounts.active),
        (_("Not active"), accounts.inactive),
        (_("Banned"), accounts.banned),
        (_("Deleted"), accounts.erased),
        (_("With a second factor"), accounts.with_second_factor),
        (_("Pending registrations"), accounts.pending),
    ]
    return _bars(_("State"), counts, is_flipped=True)


def _columns(unit: str, series: Sequence[tuple[date, int]], skeleton: str) -> Plot:
    return _bars(unit, [(dates.format_skeleton(skeleton, day, locale=get_locale()), count) for day, count in series])


def _bars(unit: str, counts: Sequence[tuple[str, int]], *, is_flipped: bool = False) -> Plot:
    points = [Point(label, count) for label, count in counts]
    return Plot([Series(str(pgettext("count", "Number")), points, Mark.BAR)], x=Axis(unit), is_flipped=is_flipped)
