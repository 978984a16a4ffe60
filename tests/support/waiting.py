"""Waiting for what another process does."""

import time
from collections.abc import Callable

SECONDS = 30


def wait_until(condition: Callable[[], object], *, alive: Callable[[], bool] = lambda: True) -> None:
    """Return as soon as `condition` holds; fail after a while, or when the process is not `alive` any more."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert alive(), "the process ended before"
        assert time.monotonic() < deadline, "it did not happen"
        # Asking all the time would take the processor from the process that is waited for.
        time.sleep(0.02)
