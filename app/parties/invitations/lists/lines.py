"""Addresses in running text: a To: line, a chat, notes. A name is the text since the last address."""

import re
from collections.abc import Iterator

from . import addresses, names
from .tables import Role, Row, Sheet

# What stands before an address and is no name.
LABELS = {
    "mail",
    "email",
    "e-mail",
    "mailto",
    "to",
    "cc",
    "bcc",
    "from",
    "von",
    "de",
    "an",
    "para",
    "от",
    "кому",
    "من",
    "إلى",
}
ROLES = (Role.NAME, Role.EMAIL, Role.SEATS)


def read(text: str) -> Sheet:
    """Return a row for each address, and for each line without one."""
    return Sheet("", list(_rows(text)), roles=ROLES)


def _rows(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        cleaned = addresses.clean(line).strip()
        found = [piece for piece in addresses.find(cleaned) if piece.email or piece.text.strip("@")]
        if not found:
            if cleaned.strip("".join(names.AROUND)):
                yield Row(number, [cleaned])
            continue
        last = 0
        for at, piece in enumerate(found):
            end = found[at + 1].start if at + 1 < len(found) else len(cleaned)
            name, before = names.take_count(cleaned[last : piece.start])
            behind, after = _behind(cleaned[piece.end : end])
            last = piece.end + behind
            seats = after or before
            shown = _name(name)
            if not shown and len(found) == 1 and not name.strip("".join(names.AROUND)):
                # The name may stand behind a single address, in brackets or after a dash.
                shown = _name(names.take_count(cleaned[piece.end :])[0])
            yield Row(number, [shown, piece.text, str(seats) if seats else ""])


def _behind(text: str) -> tuple[int, int | None]:
    """Return how much of the text behind an address belongs to it, and the number of people it says."""
    stripped = text.lstrip(" )>]")
    skipped = len(text) - len(stripped)
    _rest, number = names.take_count(stripped[:8].split(",")[0].split(";")[0])
    if number is None:
        return 0, None
    match = names.COUNT.search(stripped[:8])
    return skipped + (
        match.end() if match and match.start() < 2 else 0
    ), number if match and match.start() < 2 else None


def _name(text: str) -> str:
    """Return the name in the text before an address; nothing if it is a sentence."""
    sent = names.STAMP.match(text.strip())
    kept = text.strip()[sent.end() :] if sent else text.strip()
    if sent and ":" in kept.rstrip(" :"):
        # Somebody wrote more than the address.
        return ""
    for _time in range(2):
        kept = names.clean(names.LABEL.sub("", names.BULLET.sub("", kept)))
    kept = names.clean(re.sub(r"^\d+(?=\s)|(?<=\s)\d+$", "", kept))
    if kept.lower().rstrip(":") in LABELS:
        return ""
    return names.turn(kept) if names.is_name_like(kept) else ""
