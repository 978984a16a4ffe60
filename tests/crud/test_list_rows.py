"""The rows of generated lists: what is escaped, and where each one leads."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from flask import Flask, url_for
from flask_babel import Babel
from markupsafe import Markup, escape

from app.crud.list_rows import ListRows, cell
from app.i18n import formats

EVIL = '<b>"&'
SHOWN = "&lt;b&gt;&#34;&amp;"


class Filters:
    def __init__(self, *found):
        self.found = found

    def get_filters_values(self):
        return self.found


def list_rows(**changes):
    given = {
        "view": "Folk", "columns": ["name", "age", "state"], "labels": {"name": EVIL, "age": "Age", "state": "State"},
        "formatters": {"state": str.upper}, "name_column": "name", "is_linked": True, "tones": {"state": {"bad": "danger"}},
        "minor": ["age"], "inline": ["age"], "has_boxes": True, "links": ["edit", "delete"], "filters": Filters(),
    }  # fmt: skip
    return ListRows(**{**given, **changes})


@pytest.fixture(autouse=True)
def request_of_site():
    """An application with the routes of one view: the rest of the site is not asked."""
    app = Flask(__name__)
    Babel(app)
    for page in ("show", "edit", "delete"):
        app.add_url_rule(f"/folk/{page}/<pk>", f"Folk.{page}")
    app.add_url_rule("/folk/set/<column>", "Folk.set_field")
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("value", "formatter", "html"),
    [
        (EVIL, None, f"<bdi>{SHOWN}</bdi>"),
        (EVIL, lambda value: value, SHOWN),
        (EVIL, lambda _value: Markup("<i>kept</i>"), "<i>kept</i>"),
        (None, None, formats.NOTHING),
        (12, None, "12"),
        (Decimal("1.5"), None, "1.5"),
        (True, None, "Yes"),
    ],
)
def test_a_cell_is_escaped_unless_its_formatter_returns_html(value, formatter, html):
    assert cell(value, formatter) == html


def test_a_row_has_a_box_a_link_a_badge_and_its_actions():
    row = str(list_rows().html([7], [{"name": EVIL, "age": 3, "state": "bad"}]))
    assert f'<td data-label="{SHOWN}" class="name"><a href="/folk/show/7"><bdi>{SHOWN}</bdi></a></td>' in row
    assert 'name="rowid" value="7" aria-label="Choose row 1"' in row
    assert '<td data-label="Age" class="minor">3 <a class="in-place" href="/folk/set/age?rowid=7">' in row
    assert '<td data-label="State" class="state"><span class="badge danger">BAD</span></td>' in row
    assert '<a href="/folk/edit/7">Edit</a> <a class="risky" href="/folk/delete/7" data-post=' in row


@pytest.mark.parametrize("key", [0, -3, "KEY-OF-A-ROW", "a b", 'x"><b>', "ü", "[1, 2]", "a/b?c#d%20"])
def test_each_row_has_the_url_that_would_be_built_for_it_alone(key):
    page = str(list_rows(links=[]).html([1, key], [{"name": "a", "age": 1, "state": "b"}] * 2))
    assert f'href="{escape(url_for("Folk.show", pk=key))}"' in page
    assert f'href="{escape(url_for("Folk.set_field", column="age", rowid=key))}"' in page
    assert 'href="/folk/show/1"' in page


def test_a_list_that_is_part_of_a_page_says_so_in_its_links():
    of_page = SimpleNamespace(is_related_view=True, column_name="host"), "x&y=1"
    own = SimpleNamespace(is_related_view=False, column_name="city"), "z"
    row = str(list_rows(filters=Filters(of_page, own)).html([7], [{"name": "a", "age": 1, "state": "b"}]))
    assert '"/folk/show/7?_flt_0_host=x%26y%3D1"' in row
    assert '"/folk/edit/7?_flt_0_host=x%26y%3D1"' in row
    assert '"/folk/delete/7"' in row
    assert "city" not in row


def test_pages_that_are_not_there_have_no_links():
    row = str(list_rows(view="Nowhere", inline=[]).html([7], [{"name": "a", "age": date(2030, 1, 1), "state": "b"}]))
    assert "<a" not in row
    assert '<time datetime="2030-01-01">' in row
