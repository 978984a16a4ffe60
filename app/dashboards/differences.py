"""What differs between two versions of a dashboard: in sentences, and line by line."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

# What a module is apart from its place.
PLACE = {"row", "order", "width", "height", "x", "y"}
# Lines around a difference, and the most that a page shows.
CONTEXT, MAX_LINES = 3, 2000
KINDS = {"-": "removed", "+": "added", " ": "same"}


def sentences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what changed from one configuration to the next."""
    old = {each["id"]: each for each in before["modules"]}
    new = {each["id"]: each for each in after["modules"]}
    added = [module for key, module in new.items() if key not in old]
    removed = [module for key, module in old.items() if key not in new]
    found = [_("The module “%(title)s” was added.", title=module["title"]) for module in added]
    found += [_("The module “%(title)s” was removed.", title=module["title"]) for module in removed]
    for earlier, module in ((old[key], module) for key, module in new.items() if key in old):
        if _content(earlier) != _content(module):
            found.append(_("The module “%(title)s” was changed.", title=module["title"]))
        if _spot(earlier) != _spot(module):
            found.append(_("The module “%(title)s” was moved or resized.", title=module["title"]))
    if before["layout"] != after["layout"]:
        found.append(_("The layout was changed."))
    return found


def lines(before: str, after: str) -> list[tuple[str, str]]:
    """Return the differing lines of two texts with some around them: pairs of removed, added, same or left_out, and text."""
    return list(_lines(before.splitlines(), after.splitlines()))[:MAX_LINES]


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    # The first two lines name the files.
    for line in list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT))[2:]:
        if line.startswith("@@"):
            yield "left_out", ""
        else:
            yield KINDS[line[0]], line[1:]


def _content(module: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in module.items() if name not in PLACE}


def _spot(module: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in module.items() if name in PLACE}
