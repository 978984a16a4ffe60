"""The page of statistics, with charts as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel import dates
from flask_appbuilder import expose, has_access
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from app.accounts.statistics import service as statistics_service
from app.crud.views import BaseView

# The size of a chart, and the gap between two columns, in units of the SVG.
WIDTH, HEIGHT, GAP = 600, 160, 4


@dataclass(frozen=True)
class Column:
    """One column of a chart: its rectangle, its label and its number."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int


class StatisticsView(BaseView):
    """Statistics of members."""

    route_base = "/statistics"
    default_view = "show"
    list_title = lazy_gettext("Statistics")

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the charts, and the same numbers as tables."""
        accounts = statistics_service.accounts()
        return str(
            self.render_template(
                "accounts/statistics.html",
                width=WIDTH,
                height=HEIGHT,
                charts=[
                    (_("New members by month"), _("Month"), _columns(statistics_service.joined(), "yMMM")),
                    (_("Logins by day"), _("Day"), _columns(statistics_service.logged_in(), "MMMd")),
                ],
                states=[
                    (_("Active"), accounts.active),
                    (_("Not active"), accounts.inactive),
                    (_("Banned"), accounts.banned),
                    (_("Deleted"), accounts.erased),
                    (_("With a second factor"), accounts.with_second_factor),
                    (_("Pending registrations"), accounts.pending),
                ],
                most=max(vars(accounts).values()) or 1,
            )
        )


def _columns(series: Sequence[tuple[date, int]], skeleton: str) -> list[Column]:
    """Return the columns of a chart. The highest one has the height of the chart."""
    most = max(count for _day, count in series) or 1
    step = WIDTH / len(series)
    return [
        Column(
            x=round(number * step + GAP / 2, 2),
            y=round(HEIGHT - HEIGHT * count / most, 2),
            width=round(step - GAP, 2),
            height=round(HEIGHT * count / most, 2),
            label=dates.format_skeleton(skeleton, day, locale=get_locale()),
            count=count,
        )
        for number, (day, count) in enumerate(series)
    ]
