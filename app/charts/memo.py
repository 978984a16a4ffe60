"""What is made once for all charts of a request: a payload that several show is read once, a chart drawn once."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from flask import g, has_app_context

T = TypeVar("T")


def once(about: object, description: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` makes of an object, kept until the request ends. `description` says what that is."""
    if not has_app_context():
        return make()
    known: dict[object, tuple[object, T]] = g.setdefault("chart_memo", {})
    key = (id(about), description)
    if key not in known:
        # The object is kept as well: no other one gets its identity meanwhile.
        known[key] = about, make()
    return known[key][1]
