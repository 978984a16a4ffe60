import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.crud.list_arguments import (
    MAX_PAGE_SIZE,
    MAX_ROWS_BEFORE,
    Beside,
    FilterArgument,
    ListOptions,
    build_url,
    parse,
)
from app.http import MAX_PAGE

OFFER = ListOptions(
    base_order=("title", "asc"),
    order_columns=["title", "id"],
    page_size=25,
    operators={"title": range(8), "id": range(4)},
)


def asked(*pairs):
    return parse(MultiDict(pairs), "View", OFFER)


def test_without_arguments_the_list_uses_its_defaults():
    found = asked()
    assert (found.order, found.page, found.page_size, found.filters) == (("title", "asc"), 0, 25, ())
    assert not found.ignored


def test_order_page_and_page_size_are_read():
    found = asked(("_oc_View", "id"), ("_od_View", "desc"), ("page_View", "3"), ("psize_View", "50"))
    assert (found.order, found.page, found.page_size) == (("id", "desc"), 3, 50)
    assert not found.ignored


@pytest.mark.parametrize(
    "pair",
    [
        ("_oc_View", "host.password"),
        ("_oc_View", "\0"),
        ("page_View", "word"),
        ("page_View", "-1"),
        ("page_View", "1.5"),
        ("psize_View", "many"),
        ("_flt_0_password", "a"),
        ("_flt_99_title", "a"),
        ("_flt_x_title", "a"),
        ("_flt_", "a"),
        ("_flt_0_title", "a\0b"),
        ("_flt_0_title", "a" * 501),
    ],
)
def test_invalid_arguments_are_ignored_and_reported(pair):
    found = asked(pair)
    assert (found.order, found.page, found.page_size, found.filters) == (("title", "asc"), 0, 25, ())
    assert found.ignored


def test_pages_and_sizes_are_bounded():
    found = asked(("page_View", "9" * 30), ("psize_View", "1000000"))
    assert (found.page, found.page_size) == (MAX_ROWS_BEFORE // MAX_PAGE_SIZE, MAX_PAGE_SIZE)
    assert asked(("psize_View", "0")).page_size == 1


def test_a_page_beside_a_row_may_be_any_and_the_first_page_is_beside_none():
    deep = asked(("page_View", "20000"), ("after_View", "7"))
    assert (deep.page, deep.beside) == (20_000, Beside("7", is_before=False))
    assert asked(("page_View", "3"), ("before_View", "7")).beside == Beside("7", is_before=True)
    assert asked(("after_View", "7")).beside is asked(("page_View", "0"), ("after_View", "7")).beside is None


def test_arguments_of_another_list_on_the_page_are_ignored():
    assert asked(("page_Other", "word")) == asked()


def test_a_filter_may_come_as_one_argument_or_as_a_pair():
    expected = (FilterArgument("title", 2, "soup"),)
    assert asked(("_flt_2_title", "soup")).filters == expected
    assert asked(("_flt", "2_title"), ("_value", "soup")).filters == expected


def test_a_filter_without_a_value_is_ignored():
    found = asked(("_flt_2_title", " "), ("_flt", "2_title"), ("_value", ""))
    assert found.filters == ()
    assert not found.ignored


def test_a_built_url_keeps_the_other_arguments():
    args = MultiDict([("_oc_View", "id"), ("_flt", "2_title"), ("_value", "a&b"), ("page_View", "4")])
    keep = [FilterArgument("title", 2, "a&b")]
    assert build_url("/list/", args, keep, page_View=None) == "/list/?_oc_View=id&_flt_2_title=a%26b"
    assert build_url("/list/", MultiDict(), []) == "/list/"


NAMES = st.sampled_from(["_oc_View", "_od_View", "page_View", "psize_View", "_flt", "_value", "_flt_0_title", "_flt_"])


@given(st.lists(st.tuples(NAMES | st.text(), st.text())))
def test_no_query_string_breaks_the_parser(pairs):
    found = asked(*pairs)
    assert 0 <= found.page <= MAX_PAGE
    assert 1 <= found.page_size <= MAX_PAGE_SIZE
    assert found.order[0] in OFFER.order_columns
    assert all(each.operator in OFFER.operators[each.column] for each in found.filters)
