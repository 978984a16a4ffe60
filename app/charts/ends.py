"""The lowest and the highest of a column of numbers, found once for all charts of a page that share it."""

import math
from collections.abc import Sequence

from flask import g, has_app_context

# Shorter ones are looked at again: remembering them would take as long. Not all are remembered: they stay in memory.
MANY, MOST = 500, 64

Ends = tuple[float, float] | None


def ends(found: Sequence[object]) -> Ends:
    """Return the lowest and the highest, or None if something is no number, or nothing is there."""
    if len(found) < MANY or not has_app_context():
        return _ends(found)
    known: dict[int, tuple[Sequence[object], Ends]] = g.setdefault("chart_ends", {})
    if id(found) not in known:
        if len(known) >= MOST:
            del known[next(iter(known))]
        # The column is kept as well: no other one gets its identity meanwhile.
        known[id(found)] = found, _ends(found)
    return known[id(found)][1]


def _ends(found: Sequence[object]) -> Ends:
    if not found or not set(map(type, found)) <= {int, float}:
        return None
    lowest, highest = min(found), max(found)  # type: ignore[type-var]
    try:
        # What is no number may hide in the middle, where it is neither the lowest nor the highest. A sum finds it.
        is_finite = math.isfinite(sum(found))  # type: ignore[arg-type]
    except OverflowError:
        return None
    return (lowest, highest) if is_finite else None  # type: ignore[return-value]
