"""What differs between two versions of a dashboard: in sentences, and line by line."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from app.dashboards.texts import title_of

# What a module is apart from its place.
PLACE = {"row", "order", "width", "height", "x", "y"}
# Lines around a difference, and the most that a page shows.
CONTEXT, MAX_LINES = 3, 2000
# Lines between the first and the last difference that are compared with each other: the time grows with their square.
MAX_COMPARED = 3000
KINDS = {"-": "removed", "+": "added", " ": "same"}


def sentences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what changed from one configuration to the next."""
    old = {each["id"]: each for each in before["modules"]}
    new = {each["id"]: each for each in after["modules"]}
    added = [module for key, module in new.items() if key not in old]
    removed = [module for key, module in old.items() if key not in new]
    found = [_("The module “%(title)s” was added.", title=title_of(module)) for module in added]
    found += [_("The module “%(title)s” was removed.", title=title_of(module)) for module in removed]
    for earlier, module in ((old[key], module) for key, module in new.items() if key in old):
        if _content(earlier) != _content(module):
            found.append(_("The module “%(title)s” was changed.", title=title_of(module)))
        if _spot(earlier) != _spot(module):
            found.append(_("The module “%(title)s” was moved or resized.", title=title_of(module)))
    if before["layout"] != after["layout"]:
        found.append(_("The layout was changed."))
    return found


def lines(before: str, after: str) -> list[tuple[str, str]]:
    """Return the differing lines of two texts with some around them: pairs of removed, added, same or left_out, and text."""
    return list(_lines(before.splitlines(), after.splitlines()))[:MAX_LINES]


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    before, after = _differing(before, after)
    if len(before) + len(after) > MAX_COMPARED:
        yield from (("removed", line) for line in before)
        yield from (("added", line) for line in after)
        return
    # The first two lines name the files.
    for line in list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT))[2:]:
        if line.startswith("@@"):
            yield "left_out", ""
        else:
            yield KINDS[line[0]], line[1:]


def _differing(before: Sequence[str], after: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the lines from the first to the last difference, with those around."""
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    most = shorter - start
    end = next((at for at in range(most) if before[-1 - at] != after[-1 - at]), most)
    first, rest = max(start - CONTEXT, 0), max(end - CONTEXT, 0)
    return before[first : len(before) - rest], after[first : len(after) - rest]


def _content(module: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in module.items() if name not in PLACE}


def _spot(module: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in module.items() if name in PLACE}
