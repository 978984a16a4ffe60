"""The page of statistics: of the house, and of accounts."""

from collections.abc import Iterator, Sequence
from datetime import date

from babel import dates
from flask_appbuilder import expose, has_access
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from app.accounts.statistics import service as statistics_service
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
        return str(
            self.render_template(
                "accounts/statistics.html",
                charts=[
                    *self._of_house(),
                    (_("Accounts"), _states(statistics_service.accounts())),
                    (_("New members by month"), _columns(_("Month"), statistics_service.joined(), "yMMM")),
                    (_("Logins by day"), _columns(_("Day"), statistics_service.logged_in(), "MMMd")),
                ],
            )
        )

    def _of_house(self) -> Iterator[tuple[str, Plot]]:
        """Yield title and chart of each named query that the reader may ask."""
        for name, kind in OF_HOUSE.items():
            query = QUERIES[name]
            if query.permission is None or self.appbuilder.sm.has_access(*query.permission):
                rows = query.read(*(parameter.default for parameter in query.parameters))
                yield str(query.title), by_kind.plot_of(query.table(rows), kind, Notes())


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
