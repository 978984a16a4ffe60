"""The page of statistics."""

from collections.abc import Sequence
from datetime import date

from babel import dates
from flask_appbuilder import expose, has_access
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from app.accounts.statistics import service as statistics_service
from app.charts.model import Axis, Mark, Plot, Point, Series
from app.crud.views import BaseView


class StatisticsView(BaseView):
    """Statistics of members."""

    route_base = "/statistics"
    default_view = "show"
    list_title = lazy_gettext("Statistics")

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the charts, and the same numbers as tables."""
        return str(
            self.render_template(
                "accounts/statistics.html",
                charts=[
                    (_("Accounts"), _states(statistics_service.accounts())),
                    (_("New members by month"), _columns(_("Month"), statistics_service.joined(), "yMMM")),
                    (_("Logins by day"), _columns(_("Day"), statistics_service.logged_in(), "MMMd")),
                ],
            )
        )


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
    return Plot([Series(str(_("Number")), points, Mark.BAR)], x=Axis(unit), is_flipped=is_flipped)
