"""A generated list: its quick filters, the columns it shows, and what its rows look like."""

import re
from datetime import UTC, datetime

import pytest

from app import clock
from app.accounts.models import Member
from app.crud import quick_filters
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from tests.support.factories import MemberFactory

NOW = datetime(2030, 6, 5, 12, tzinfo=UTC)


class PeopleView(ModelView):
    """A view without further declarations."""

    datamodel = SQLAInterface(Member)
    route_base = "/people"
    base_order = ("username", "asc")
    base_permissions = ["can_list", "can_show"]
    list_title = show_title = "People"
    label_columns = {
        name: name.capitalize() for name in ("id", "username", "email", "active", "locale", "joined_at", "last_login")
    }
    list_columns = ["id", "username", "email", "active", "locale"]
    show_columns = ["username"]
    search_columns = ["username", "active", "locale", "joined_at"]
    order_columns = ["username", "last_login"]
    choices_columns = {"locale": {"en": "English", "es": "Spanish"}}
    state_tones = {"locale": {"en": "good"}}


class DatedView(PeopleView):
    """The same with a moment among its columns."""

    route_base = "/dated"
    list_columns = ["username", "joined_at", "locale"]


@pytest.fixture
def visitor(ours):
    clock.set_now(NOW)
    MemberFactory(username="ada", joined_at=datetime(2030, 6, 4, 23, tzinfo=UTC))
    MemberFactory(username="bea", active=False, joined_at=datetime(2030, 5, 1, tzinfo=UTC))
    MemberFactory(username="cleo", locale="es", joined_at=datetime(2030, 6, 5, 8, tzinfo=UTC))
    return ours(PeopleView, DatedView)


def names(page):
    return re.findall(r'class="name"><a [^>]*><bdi>(\w+)', page.text)


def choice(page, text):
    """The URL of a value of a quick filter."""
    (url,) = re.findall(rf'<a href="([^"]*)"[^>]*>{text}</a>', page.text)
    return url.replace("&amp;", "&")


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("Spanish", ["cleo"]),
        ("No", ["bea"]),
        ("Today", ["cleo"]),
        ("This week", ["ada", "cleo"]),
        ("Last 30 days", ["ada", "cleo"]),
    ],
)
def test_each_value_of_a_quick_filter_is_one_click_away(visitor, label, found):
    page = visitor.get("/people/list/?_oc_PeopleView=username")
    chosen = visitor.get(choice(page, label))
    assert (names(chosen), chosen.flashes) == (found, [])
    assert "_oc_PeopleView=username" in chosen.url
    assert 'class="chip on"' in chosen.text
    # It is removed where it was chosen.
    removed = visitor.get(re.findall(r'</details>\s*<a href="([^"]*)"', chosen.text)[0].replace("&amp;", "&"))
    assert names(removed) == ["ada", "bea", "cleo"]


def test_another_value_replaces_the_first_one(visitor):
    page = visitor.get(choice(visitor.get("/people/list/?_flt_0_active=1"), "Spanish"))
    english = visitor.get(choice(page, "English"))
    assert names(english) == ["ada"]


@pytest.mark.both_databases
def test_days_are_typed_from_and_until(visitor):
    page = visitor.get("/people/list/?q=a")
    form = next(form for form in page.forms if "_from_joined_at" in form.names)
    assert form.fields["q"] == "a"
    form.action = "/people/list/"
    assert names(visitor.submit(form, _from_joined_at="2030-05-01", _until_joined_at="2030-06-04")) == ["ada", "bea"]
    assert names(visitor.get("/people/list/?_until_joined_at=2030-05-31")) == ["bea"]
    wrong = visitor.get("/people/list/?_from_joined_at=soon")
    assert [category for category, _text in wrong.flashes] == ["warning"]


def test_only_columns_with_few_values_have_a_quick_filter(app):
    with app.app_context():
        filters = SQLAInterface(Member).get_filters(["username", "active", "locale", "joined_at"]).get_search_filters()
        many = {"locale": dict.fromkeys(map(str, range(13)), "")}
        assert quick_filters.offered(filters, many, lambda column: column == "active") == ["active", "joined_at"]


def test_the_reader_chooses_the_columns(visitor):
    page = visitor.get("/people/list/?q=ada")
    form = next(form for form in page.forms if "_col_PeopleView" in form.names)
    assert form.fields.getlist("_col_PeopleView") == ["id", "username", "email", "active", "locale"]
    form.action = "/people/list/"
    chosen = visitor.submit(form, _col_PeopleView=["username", "last_login"])
    assert set(re.findall(r'data-label="(\w+)"', chosen.text)) == {"Username", "Last_login"}
    assert names(chosen) == ["ada"]
    hidden = visitor.get("/people/list/?_col_PeopleView=password")
    assert [category for category, _text in hidden.flashes] == ["warning"]
    assert 'data-label="Username"' in hidden.text


def test_a_row_leads_to_its_page_and_its_state_is_coloured(visitor):
    page = visitor.get("/people/list/?q=ada")
    assert re.search(r'class="name"><a href="/people/show/\d+"><bdi>ada', page.text)
    assert re.search(r'class="state"><span class="badge good">English</span>', page.text)
    assert re.search(r'data-label="Id" class="\s*minor"', page.text)
    assert ">Show</a>" not in page.text


@pytest.mark.both_databases
def test_rows_with_a_moment_are_shown_as_a_month(visitor):
    (url,) = re.findall(r'href="([^"]*)">As a calendar', visitor.get("/dated/list/?_flt_0_active=1").text)
    june = visitor.get(url.replace("&amp;", "&"))
    assert june.flashes == []
    days = dict(re.findall(r'<time datetime="([\d-]+)">(?:(?!<time).)*?<bdi>(\w+)</bdi>', june.text, re.DOTALL))
    assert days == {"2030-06-04": "ada", "2030-06-05": "cleo"}
    assert june.text.count("<time datetime=") == 30
    assert re.search(r'<li class="d2 today" aria-current="date">\s*<time datetime="2030-06-05">', june.text)
    assert re.search(r'<li class="good">', june.text)
    (earlier,) = re.findall(r'rel="prev" href="([^"]*)"', june.text)
    may = visitor.get(earlier.replace("&amp;", "&"))
    assert "May 2030" in may.text
    # bea is not active: the filters hold in each month.
    assert "There is nothing in this month." in may.text
    everybody = visitor.get("/dated/list/?_month_DatedView=2030-05")
    assert ">bea</bdi>" in everybody.text


@pytest.mark.parametrize("month", ["2030-13", "may", "2030-5", "0001-01", "9999-12"])
def test_what_is_no_month_shows_the_list(visitor, month):
    page = visitor.get(f"/dated/list/?_month_DatedView={month}")
    assert [category for category, _text in page.flashes] == ["warning"]
    assert names(page) == ["ada", "bea", "cleo"]


def test_a_list_without_a_moment_has_no_calendar(visitor):
    assert "As a calendar" not in visitor.get("/people/list/").text
