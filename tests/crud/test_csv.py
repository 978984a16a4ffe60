"""CSV downloads of lists."""

import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from app.accounts.models import Member
from app.crud import csv as module
from app.crud.csv import CsvExport, cell
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.extensions import appbuilder_of
from config import ConfigurationError
from tests.support.factories import MemberFactory

JOINED = datetime(2030, 6, 1, 18, 30, tzinfo=UTC)


class Folk(ModelView):
    """The common base of these views."""

    datamodel = SQLAInterface(Member)
    base_order = ("username", "asc")
    list_title = show_title = "Folk"
    label_columns = {
        name: name.capitalize()
        for name in ("username", "email", "first_name", "joined_at", "roles", "active", "locale")
    }
    list_columns = show_columns = ["username"]
    search_columns = ["username", "active"]
    order_columns = ["username", "email"]
    choices_columns = {"locale": {"en": "English"}}


class FolkView(CsvExport, Folk):
    route_base = "/folk"
    csv_columns = ["username", "first_name", "active", "roles", "locale", "joined_at", "last_login", "login_count"]
    label_columns = {**Folk.label_columns, "last_login": "=Last", "login_count": "Logins"}
    base_permissions = ["can_list", "can_show", "can_csv"]


class PlainView(Folk):
    route_base = "/plain"
    base_permissions = ["can_list", "can_show"]


@pytest.fixture
def visitor(ours):
    return ours(FolkView, PlainView)


def rows_of(page):
    assert page.status == 200
    assert page.response.mimetype == "text/csv"
    return list(csv.reader(StringIO(page.text.removeprefix("\ufeff"))))


@pytest.mark.both_databases
def test_a_file_has_all_rows_in_the_order_of_the_list(visitor, monkeypatch):
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 10)
    for number in range(25):
        MemberFactory(username=f"member{number:02}")
    page = visitor.get("/folk/csv?_oc_FolkView=username&_od_FolkView=desc&page_FolkView=1&psize_FolkView=10")
    head, *rows = rows_of(page)
    assert head == ["Username", "First_name", "Active", "Roles", "Locale", "Joined_at", "'=Last", "Logins"]
    assert [row[0] for row in rows] == [f"member{number:02}" for number in range(24, -1, -1)]


def test_a_file_has_the_filtered_rows(visitor):
    for name in ("ada", "bea"):
        MemberFactory(username=name)
    assert [row[0] for row in rows_of(visitor.get("/folk/csv?_flt_0_username=ad"))[1:]] == ["ada"]


def test_values_are_machine_readable_and_choices_are_labels(visitor):
    MemberFactory(username="ada", first_name="Áda, “the” first", joined_at=JOINED)
    page = visitor.get("/folk/csv")
    assert page.response.get_data().startswith(b"\xef\xbb\xbf")
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.headers["Content-Disposition"].startswith('attachment; filename="folk-')
    assert page.headers["Cache-Control"] != "public"
    expected = ["ada", "Áda, “the” first", "Yes", "Guest", "English", "2030-06-01T18:30:00+00:00", "", ""]
    assert rows_of(page)[1] == expected


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_formulas_are_escaped(start):
    assert cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert cell([f"{start}1"]) == f"'{start}1"
    assert cell(-1) == "-1"
    assert cell("1=1") == "1=1"


def cells_of(page):
    """The cells of a workbook: the type and the text of each."""
    assert page.status == 200, page
    book = ZipFile(BytesIO(page.response.get_data()))
    sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{main}c")]
        for row in sheet.iter(f"{main}row")
    ]


def test_a_workbook_has_numbers_and_moments_and_no_formula(visitor):
    MemberFactory(username="ada", first_name="=HYPERLINK(1)", joined_at=JOINED, login_count=7)
    page = visitor.get("/folk/csv?_format=xlsx")
    assert page.headers["Content-Disposition"].endswith('.xlsx"')
    head, row = cells_of(page)
    assert head[0] == ("inlineStr", "Username")
    assert head[-2] == ("inlineStr", "=Last")
    texts, (moment, login_count) = row[:5], row[5:]
    assert [text for _kind, text in texts] == ["ada", "=HYPERLINK(1)", "Yes", "Guest", "English"]
    assert {kind for kind, _text in texts} == {"inlineStr"}
    # Days since the end of 1899.
    assert (moment[0], round(float(moment[1]), 6)) == ("n", round(47635 + 18.5 / 24, 6))
    assert login_count == ("n", "7")


def test_a_file_has_the_columns_that_the_list_shows(visitor):
    MemberFactory(username="ada")
    assert rows_of(visitor.get("/folk/csv?_col_FolkView=active&_col_FolkView=username")) == [
        ["Active", "Username"],
        ["Yes", "ada"],
    ]


def test_an_invalid_filter_downloads_nothing(visitor):
    MemberFactory(username="ada")
    page = visitor.get("/folk/csv?_flt_0_password=x&_flt_0_username=a")
    assert page.path == "/folk/list/"
    assert [category for category, _text in page.flashes] == ["warning"]


def test_a_file_that_would_be_too_long_is_refused(visitor, monkeypatch):
    monkeypatch.setattr(module, "MAX_ROWS", 3)
    MemberFactory.create_batch(4)
    page = visitor.get("/folk/csv")
    assert page.path == "/folk/list/"
    assert page.flashes == [("warning", "There are more than 3 rows. Add a filter first.")]


def test_the_list_links_to_its_file_with_its_filters(visitor):
    MemberFactory(username="ada")
    assert "/folk/csv?_flt_0_username=ad" in visitor.get("/folk/list/?_flt_0_username=ad").text
    assert "/csv" not in visitor.get("/plain/list/").text
    assert visitor.get("/plain/csv").status == 404


def test_a_column_without_a_label_fails_at_startup(app):
    class Nameless(FolkView):
        csv_columns = ["password"]

    with app.app_context(), pytest.raises(ConfigurationError, match="label_columns"):
        appbuilder_of(app).add_view_no_menu(Nameless)
