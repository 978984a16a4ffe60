"""Charts: Flask-AppBuilder's declarations, drawn on the server."""

import re
from decimal import Decimal

import pytest
from flask_appbuilder import DirectByChartView as StockDirectByChartView
from flask_appbuilder import GroupByChartView as StockGroupByChartView
from flask_appbuilder.charts.views import ChartView as StockChartView
from flask_appbuilder.charts.views import DirectChartView as StockDirectChartView
from flask_appbuilder.charts.views import TimeChartView as StockTimeChartView
from flask_appbuilder.models.group import aggregate_avg, aggregate_count, aggregate_sum
from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface

from app.charts.drawing import svg
from app.crud import (
    ChartView,
    DirectByChartView,
    DirectChartView,
    GroupByChartView,
    MasterDetailView,
    MultipleView,
    SQLAInterface,
    TimeChartView,
)
from app.crud.chart_data import as_number, chart_of, table_of
from app.errors import ConfigurationError
from app.extensions import db
from app.parties.models import DinnerParty, Rsvp
from tests.crud.test_fab_declarations import HOSTILE, in_our_look
from tests.support.factories import DinnerPartyFactory, RsvpFactory

KINDS = ("ColumnChart", "BarChart", "LineChart", "AreaChart", "PieChart")


def largest(rows, column):
    """A function of a view's own."""
    return max(getattr(row, column) for row in rows)


class Declared:
    chart_title = "Tables"
    label_columns = {
        "venue": "Venue",
        "number_seats": "Seats",
        "title": "Title",
        "starts_at": "Date",
        "visibility": "Visibility",
        "host.username": "Host",
    }
    search_columns = ["title"]
    group_by_columns = ["venue", "visibility"]
    direct_columns = {"Seats": ("title", "number_seats")}


class Grouped(Declared, GroupByChartView):
    datamodel = SQLAInterface(DinnerParty)
    definitions = [
        {
            "label": "By venue",
            "group": "venue",
            "series": [(aggregate_count, "venue"), (aggregate_sum, "number_seats"), (aggregate_avg, "number_seats")],
        },
        {"label": "By host", "group": "host.username", "series": [(largest, "number_seats")]},
        {"label": "Hostile", "group": "title", "series": [(aggregate_count, "title")], "formatter": str.upper},
    ]


class ColumnChart(Grouped):
    chart_type = "ColumnChart"


class BarChart(Grouped):
    chart_type = "BarChart"


class LineChart(Grouped):
    chart_type = "LineChart"


class AreaChart(Grouped):
    chart_type = "AreaChart"


class PieChart(Grouped):
    chart_type = "PieChart"


class Direct(Declared, DirectByChartView):
    datamodel = SQLAInterface(DinnerParty)
    definitions = [{"label": "Seats", "group": "title", "series": ["number_seats"]}]


class Counted(Declared, ChartView):
    datamodel = SQLAInterface(DinnerParty)
    choices_columns = {"visibility": {"public": "For all"}}


class Timed(Declared, TimeChartView):
    datamodel = SQLAInterface(DinnerParty)
    group_by_columns = ["starts_at"]


class DirectOld(Declared, DirectChartView):
    datamodel = SQLAInterface(DinnerParty)


class Both(MultipleView):
    views = [Counted, Direct]


class ChartOfAnswers(DirectByChartView):
    datamodel = SQLAInterface(Rsvp)
    chart_title = "How many come"
    label_columns = {"status": "Answer", "party_size": "Guests"}
    definitions = [{"label": "Guests", "group": "status", "series": ["party_size"]}]


class ChartMaster(MasterDetailView):
    datamodel = SQLAInterface(DinnerParty)
    base_order = ("id", "asc")
    list_title = "Tables"
    label_columns = {"title": "Table"}
    list_columns = ["title"]
    related_views = [ChartOfAnswers]


OURS = (
    ColumnChart,
    BarChart,
    LineChart,
    AreaChart,
    PieChart,
    Direct,
    Counted,
    Timed,
    DirectOld,
    Both,
    ChartOfAnswers,
    ChartMaster,
)


class StockDeclared:
    datamodel = StockSQLAInterface(DinnerParty, db.session)
    chart_title = "Tables"
    search_columns = ["title"]
    group_by_columns = ["venue", "visibility"]
    direct_columns = {"Seats": ("title", "number_seats")}
    definitions = [{"group": "venue", "series": [(aggregate_sum, "number_seats")]}]


class StockGrouped(StockDeclared, StockGroupByChartView):
    pass


class StockDirect(StockDeclared, StockDirectByChartView):
    definitions = [{"group": "title", "series": ["number_seats"]}]


class StockCounted(StockDeclared, StockChartView):
    pass


class StockTimed(StockDeclared, StockTimeChartView):
    group_by_columns = ["starts_at"]


class StockDirectOld(StockDeclared, StockDirectChartView):
    pass


STOCK = (StockGrouped, StockDirect, StockCounted, StockTimed, StockDirectOld)


@pytest.fixture
def tables(app):
    for city, seats in (("Berlin", 4), ("Berlin", 8), ("Cádiz", 50)):
        DinnerPartyFactory(title=f"{HOSTILE} {city}", venue=city, number_seats=seats)


def cells(page):
    return [
        re.sub(r"<[^>]*>|\s+", " ", cell).strip() for cell in re.findall(r"<t[dh][ >].*?</t[dh]>", page.text, re.DOTALL)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chart", ["", "0", "1", "2"])
def test_each_kind_is_drawn(ours, tables, kind, chart):
    page = ours(*OURS).get(f"/{kind.lower()}/chart/{chart}")
    assert in_our_look(page)
    assert '<svg class="drawn' in page.text
    assert 'role="img"' in page.text


@pytest.mark.parametrize("view", [Direct, Counted, Timed, DirectOld])
def test_each_view_is_drawn(ours, tables, view):
    page = ours(*OURS).get(f"/{view.__name__.lower()}/chart/")
    assert in_our_look(page)
    assert "<rect" in page.text or "<path" in page.text


@pytest.mark.parametrize("view", STOCK)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_stock_views_are_drawn(ours, tables, view):
    page = ours(*STOCK).get(f"/{view.__name__.lower()}/chart/")
    assert in_our_look(page)
    assert "<rect" in page.text or "<path" in page.text or "<circle" in page.text


def test_a_chart_has_its_figures_as_a_table(ours, tables):
    page = ours(*OURS).get("/columnchart/chart/")
    assert cells(page) == [
        *("Venue", "Number", "Sum: Seats", "Average: Seats"),
        *("Berlin", "2", "12", "6"),
        *("Cádiz", "1", "50", "50"),
    ]
    assert "The lowest value is 1 (Cádiz), the highest is 50 (Cádiz)." in page.text


def test_own_functions_and_columns_of_related_rows_work(ours, tables):
    page = ours(*OURS).get("/columnchart/chart/1")
    assert "largest Seats" in cells(page)
    assert "50" in cells(page)


def test_a_formatter_and_the_labels_of_choices_are_used(ours, tables):
    visitor = ours(*OURS)
    assert "BERLIN" in visitor.get("/columnchart/chart/2").text
    assert "For all" in cells(visitor.get("/counted/chart/visibility"))


def test_months_and_years(ours, app):
    DinnerPartyFactory()
    visitor = ours(*OURS)
    month, year = (cells(visitor.get(f"/timed/chart/starts_at/{period}"))[2] for period in ("month", "year"))
    assert re.fullmatch(r"[A-Z][a-z]{2} 20\d\d", month)
    assert re.fullmatch(r"20\d\d", year)
    assert visitor.get("/timed/chart/starts_at/week").status == 404
    assert visitor.get("/timed/chart/password/year").status == 404


def test_filters_restrict_a_chart(ours, tables):
    page = ours(*OURS).get("/columnchart/chart/?_flt_2_title=Berlin")
    assert "Berlin" in cells(page)
    assert "Cádiz" not in cells(page)


@pytest.mark.parametrize("chart", ["9", "-1", "x", "99999999999999999999"])
def test_there_is_no_other_chart(ours, tables, chart):
    assert ours(*OURS).get(f"/columnchart/chart/{chart}").status == 404


@pytest.mark.parametrize(
    ("page", "chart"),
    [
        ("/columnchart/chart/0?_flt_2_title=Berlin", "0"),
        ("/timed/chart/", "starts_at/month"),
        ("/counted/chart/", "venue"),
    ],
)
def test_a_chart_is_taken_away_as_files(ours, tables, page, chart):
    admin = ours(*OURS)
    urls = dict(re.findall(r'<a href="([^"]*?\.(svg|png|csv)[^"]*)" download>', admin.get(page).text))
    urls = {kind: url.replace("&amp;", "&") for url, kind in urls.items()}
    assert urls["csv"].startswith(f"/{page.split('/')[1]}/file/{chart}.csv")
    files = {kind: admin.get(url) for kind, url in urls.items()}
    assert files["svg"].response.data.startswith(b"<svg")
    assert files["png"].response.data.startswith(b"\x89PNG")
    assert ("Cádiz" in files["csv"].text) == (chart == "venue")
    assert "attachment" in files["csv"].headers["Content-Disposition"]


def test_there_are_no_files_of_another_chart(ours, tables):
    admin = ours(*OURS)
    assert admin.get("/columnchart/file/9.csv").status == 404
    assert admin.get("/columnchart/file/0.exe").status == 404


def test_the_other_charts_of_a_view_are_links(ours, tables):
    page = ours(*OURS).get("/columnchart/chart/1")
    assert 'href="/columnchart/chart/0">By venue</a>' in page.text
    assert 'href="/columnchart/chart/1" aria-current="page">By host</a>' in page.text


def test_charts_stand_on_one_page(ours, tables):
    page = ours(*OURS).get("/both/list/")
    assert in_our_look(page)
    assert page.text.count('<svg class="drawn') >= 2


def test_a_chart_stands_beside_the_row_that_it_is_about(ours, tables):
    rsvp = RsvpFactory(party_size=4)
    page = ours(*OURS).get(f"/chartmaster/list/{rsvp.party_id}")
    assert in_our_look(page)
    assert page.text.count('<svg class="drawn') == 1
    assert "How many come" in page.text


def test_without_rows_there_is_no_chart(ours):
    page = ours(*OURS).get("/columnchart/chart/")
    assert in_our_look(page)
    assert "There is nothing here yet." in page.text


@pytest.mark.parametrize(
    ("view", "missing"),
    [
        ({"chart_title": "Chart"}, "chart_title"),
        ({"definitions": []}, "definitions"),
        ({"label_columns": {}}, "label_columns"),
        (
            {"definitions": [{"label": "Seats", "group": "venue", "series": [(aggregate_sum, "number_seats", 1)]}]},
            "pairs of a function and a column",
        ),
    ],
)
def test_what_is_missing_in_a_declaration_is_said_at_the_start(view, missing):
    with pytest.raises(ConfigurationError, match=missing):
        type("Unfit", (Grouped,), view)()


# -- drawing


@pytest.mark.parametrize("kind", KINDS)
def test_strange_values_are_drawn(app, kind):
    with app.test_request_context():
        values = [None, 0, -3.5, 1e300, float("nan"), "x", "7", Decimal("2.25"), 10**400, True]
        chart, _is_cut = chart_of(
            table_of("x", ["y"], [(str(n), [as_number(row)]) for n, row in enumerate(values)]), kind
        )
        drawn = str(svg(chart, is_rtl=False))
        assert "7" in drawn
        assert not re.search(r"nan|inf[^o]|e\+", drawn)
        assert svg(chart_of(table_of("x", ["y"], []), kind)[0], is_rtl=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_chart_is_cut(app, kind):
    with app.test_request_context():
        many = table_of("x", [str(n) for n in range(20)], [(str(n), [1.0] * 20) for n in range(5_000)])
        chart, is_cut = chart_of(many, kind)
        assert is_cut
        assert len(svg(chart, is_rtl=False)) < 500_000
