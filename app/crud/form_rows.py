"""Rows of a form that are added, removed and moved by buttons: each sends the form, which comes back with all that was typed."""

import re
from collections.abc import Mapping

from werkzeug.datastructures import ImmutableMultiDict, MultiDict

# The name of the buttons. Their values are "add", "remove-2", "up-2" and "down-2"; "open-2" only shows more of a row.
ROW_BUTTON = "row"
OPEN = "open-"
ADD, REMOVE, UP, DOWN = "add", "remove", "up", "down"
COMMAND = re.compile(r"(add|remove|up|down)(?:-([0-9]{1,4}))?", re.ASCII)


def rearrange(
    sent: MultiDict[str, str], name: str, command: str, *, blank: Mapping[str, str], most: int
) -> ImmutableMultiDict[str, str]:
    """Return the fields of a form whose rows are called `name`-0-..., `name`-1-..., after `command`.

    Values are kept as they were typed, valid or not. A new row has the fields of `blank`. A command that makes no sense
    changes nothing.
    """
    rows = _rows(sent, name)
    others = [(key, value) for key, value in sent.items(multi=True) if _split(key, name) is None]
    verb, number = _parse(command)
    if verb == ADD and len(rows) < most:
        rows.append(list(blank.items()))
    elif number is not None and number < len(rows):
        target = {UP: number - 1, DOWN: number + 1}.get(verb, number)
        row = rows.pop(number)
        if verb != REMOVE:
            rows.insert(min(max(target, 0), len(rows)), row)
    numbered = [(f"{name}-{at}-{field}", value) for at, row in enumerate(rows) for field, value in row]
    return ImmutableMultiDict([*others, *numbered])


def _parse(command: str) -> tuple[str, int | None]:
    match = COMMAND.fullmatch(command)
    if match is None:
        return "", None
    return match[1], int(match[2]) if match[2] else None


def _rows(sent: MultiDict[str, str], name: str) -> list[list[tuple[str, str]]]:
    """Return the fields of each row, in the order of the numbers, which may have gaps."""
    found: dict[int, list[tuple[str, str]]] = {}
    for key, value in sent.items(multi=True):
        split = _split(key, name)
        if split is not None:
            found.setdefault(split[0], []).append((split[1], value))
    return [found[number] for number in sorted(found)]


def _split(key: str, name: str) -> tuple[int, str] | None:
    match = re.fullmatch(rf"{re.escape(name)}-([0-9]{{1,4}})-(.+)", key, re.ASCII | re.DOTALL)
    return (int(match[1]), match[2]) if match else None
