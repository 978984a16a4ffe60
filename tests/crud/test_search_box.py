"""The search box above a generated list."""

import csv
import re
from io import StringIO
from urllib.parse import quote

import pytest

from app.accounts.models import Member
from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from tests.support.factories import MemberFactory

IGNORED = [("warning", "Some options in the web address are not valid and were ignored.")]


class Folk(ModelView):
    """The common base of these views."""

    datamodel = SQLAInterface(Member)
    base_order = ("username", "asc")
    list_title = show_title = "Folk"
    label_columns = {
        name: name.capitalize() for name in ("username", "email", "first_name", "last_name", "active", "locale")
    }
    list_columns = show_columns = ["username", "email"]
    order_columns = ["username"]


class SearchedView(CsvExport, Folk):
    route_base = "/searched"
    search_columns = ["username", "first_name", "last_name", "active", "locale"]
    choices_columns = {"locale": {"en": "English"}}
    csv_columns = ["username"]
    base_permissions = ["can_list", "can_show", "can_csv"]


class ClosedView(Folk):
    route_base = "/closed"
    search_columns = ["active"]
    base_permissions = ["can_list", "can_show"]


@pytest.fixture
def visitor(ours):
    MemberFactory(username="ada", first_name="Ada", last_name="Lovelace", email="one@example.com")
    MemberFactory(username="elo", first_name="Élodie", last_name="100%", email="two@example.com")
    MemberFactory(username="ada2", first_name="Ada", last_name="Yonath", email="three@example.com", active=False)
    return ours(SearchedView, ClosedView)


def found(page):
    return re.findall(r'data-label="Username" class="name"><a[^>]*><bdi>(\w+)', page.text)


def search_form(page):
    return next(form for form in page.forms if "q" in form.names and "_flt" not in form.names)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("LOVE", ["ada"]),
        ("ada", ["ada", "ada2"]),
        ("  yonath   ada ", ["ada2"]),
        ("élodie", ["elo"]),
        ("ÉLO", ["elo"]),
        ("0%", ["elo"]),
        ("a%a", []),
        ("example.com", []),
        ("en", []),
        (" ".join("a" * 50), []),
        ("", ["ada", "ada2", "elo"]),
    ],
)
def test_rows_are_found_by_words_in_any_text_column(visitor, text, names):
    page = visitor.get(f"/searched/list/?q={quote(text)}")
    assert (found(page), page.flashes) == (names, [])
    assert search_form(page).fields["q"] == text.strip()


def test_the_search_and_the_filters_hold_together(visitor):
    page = visitor.get("/searched/list/?q=ada&_flt_0_active=1&_oc_SearchedView=username&_od_SearchedView=desc")
    assert found(page) == ["ada"]
    assert search_form(page).fields.to_dict() == {
        "_flt_0_active": "1",
        "_oc_SearchedView": "username",
        "_od_SearchedView": "desc",
        "q": "ada",
    }
    assert next(form for form in page.forms if "_flt" in form.names).fields["q"] == "ada"
    (without_search,) = re.findall(r'href="([^"]*)">Show all', page.text)
    (without_filter,) = re.findall(r'href="([^"]*)"><span class="hidden">Remove this filter', page.text)
    assert "q=ada" in without_filter
    assert "_flt_0_active=1" in without_search
    assert found(visitor.get(without_filter.replace("&amp;", "&"))) == ["ada2", "ada"]
    assert found(visitor.get(without_search.replace("&amp;", "&"))) == ["elo", "ada"]


def test_a_search_without_result_says_so(visitor):
    page = visitor.get("/searched/list/?q=nobody")
    assert 'class="empty">Nothing was found. <a href="?">Show all</a>' in page.text


def test_the_file_has_the_rows_that_were_found(visitor):
    file = visitor.get("/searched/csv?q=love")
    assert [row[0] for row in csv.reader(StringIO(file.text.removeprefix("\ufeff")))][1:] == ["ada"]


@pytest.mark.parametrize("text", ["a" * 101, "a\0b"])
def test_what_cannot_be_searched_is_ignored_with_a_message(visitor, text):
    page = visitor.get(f"/searched/list/?q={quote(text)}")
    assert (page.flashes, len(found(page))) == (IGNORED, 3)


def test_without_text_columns_there_is_no_box(visitor):
    assert 'name="q"' not in visitor.get("/closed/list/").text
    assert visitor.get("/closed/list/?q=ada").flashes == IGNORED
