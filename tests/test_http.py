"""Numbers from URLs and forms."""

import pytest

from app.http import MAX_ID, MAX_NUMBERED_PAGE, page_number, parse_int


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), (str(MAX_ID), MAX_ID), (str(MAX_ID + 1), None), ("9" * 5000, None)]
    # As people write them whose keyboard has other digits.
    + [("٣", 3), ("۱۲", 12), ("१२", 12), ("１２", 12), ("1٢", 12), ("٩" * 5000, None)]
    + [(text, None) for text in (None, "", " ", "-1", "+1", "1.0", "1e3", "²", "x", "1_000", "①")],
)
def test_numbers_are_decimal_digits_up_to_a_limit(text, number):
    assert parse_int(text) == number


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("11", 10), ("9" * 5000, 10), ("x", None)])
def test_larger_numbers_are_clamped_on_request(text, number):
    assert parse_int(text, 10, clamp=True) == number


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 1), ("page=3", 3), ("page=0", 1), ("page=x", 1), ("page=" + "9" * 5000, MAX_NUMBERED_PAGE)],
)
def test_a_page_that_is_no_number_is_the_first(app, query, number):
    with app.test_request_context(f"/?{query}"):
        assert page_number() == number
