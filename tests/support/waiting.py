"""Waiting for another process."""

import time
from collections.abc import Callable

SECONDS = 60


def wait_until(condition: Callable[[], object], *, alive: Callable[[], bool] = lambda: True) -> None:
    """Return as soon as `condition` is true; fail after a timeout, or when the process is no longer `alive`."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert alive(), "the process ended before"
        assert time.monotonic() < deadline, "it did not happen"
        # Polling without a pause would take CPU time from the other process.
        time.sleep(0.02)
