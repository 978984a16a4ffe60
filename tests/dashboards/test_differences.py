"""What differs between two versions, line by line."""

import time

from app.dashboards.configuration import differences


def test_a_difference_is_shown_with_the_lines_around_it():
    before = "\n".join("abcdefghij")
    after = before.replace("e", "E")
    shown = differences.lines(before, after)
    assert shown[0] == ("left_out", "")
    assert shown[1:] == [
        *(("same", line) for line in "bcd"),
        *[("removed", "e"), ("added", "E")],
        *(("same", line) for line in "fgh"),
    ]
    assert differences.lines(before, before) == []
    assert differences.lines("a", "a\nb")[1:] == [("same", "a"), ("added", "b")]


def test_large_texts_that_differ_everywhere_do_not_hold_up_anybody():
    before = "\n".join(str(number if number % 2 else -number) for number in range(40_000))
    after = before.replace("-", "+")
    started = time.process_time()
    shown = differences.lines(before, after)
    # Compared with each other, they would take hours.
    assert time.process_time() - started < 20
    assert len(shown) == differences.MAX_LINES
    assert ("removed", "-2") in shown
