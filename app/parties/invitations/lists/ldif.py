"""LDIF, the exchange format of directories, as Thunderbird and others export address books."""

import base64
import binascii
import re
from collections.abc import Iterator

from . import addresses, encodings, names
from .tables import MAX_ROWS, Refusal, RefusedError, Role, Row, Sheet

ROLES = (Role.NAME, Role.EMAIL, Role.LANGUAGE, Role.NOTE)
START = re.compile(rb"\A(?:\s*(?:#[^\n]*|version:\s*\d+)\r?\n)*\s*dn::?\s", re.IGNORECASE)
EMAILS = (
    "mail",
    "rfc822mailbox",
    "email",
    "mozillasecondemail",
    "mailalternateaddress",
    "secondemail",
    "mailalternativeaddress",
)
# Pictures and certificates are most of what address books export.
LARGE = re.compile(r"(?:\w*photo|audio|user\w*certificate|userpkcs12)\b", re.IGNORECASE)
GROUPS = {"groupofnames", "groupofuniquenames", "mailgroup"}


def read(data: bytes, wanted: str = "") -> tuple[Sheet, str]:
    """Return a row for each entry."""
    text, encoding = encodings.decode(data, wanted)
    rows = []
    entries = list(_entries(text, encoding))
    known = {value.lower() for _number, entry in entries for name in EMAILS for value in entry.get(name, ())}
    for number, entry in entries:
        rows.append(_row(number, entry, known))
        if len(rows) > MAX_ROWS:
            raise RefusedError(Refusal.TOO_LONG)
    return Sheet("", rows, roles=ROLES), encoding


def plain_text(text: str) -> str:
    """Return the entries without what is no text in them. The other lines keep their numbers."""
    kept, is_large = [], False
    for line in text.splitlines():
        is_large = bool(LARGE.match(line)) or (is_large and line.startswith(" "))
        kept.append("#" if is_large else line)
    return "\n".join(kept)


def _entries(text: str, encoding: str) -> Iterator[tuple[int, dict[str, list[str]]]]:
    entry: dict[str, list[str]] = {}
    start = 1
    for number, line in [*_unfold(text), (0, "")]:
        if line.strip():
            start = start if entry else number
            name, value = _attribute(line, encoding)
            if name:
                entry.setdefault(name, []).append(value)
        elif entry:
            if set(entry) != {"version"}:
                yield start, entry
            entry = {}


def _unfold(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, joined where they were folded, without comments."""
    first, held = 0, [""]
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith(" ") and held[0]:
            held.append(line[1:])
        elif not line.startswith("#"):
            if first:
                yield first, "".join(held)
            first, held = number, [line]


def _attribute(line: str, encoding: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        return ("", "") if "@" not in line else ("text", line)
    if value.startswith(":"):
        try:
            raw = base64.b64decode(value[1:].strip(), validate=False)
        except binascii.Error:
            return name.lower(), ""
        value = encodings.decode(raw, "utf-8")[0] if encoding.startswith("utf") else encodings.decode(raw)[0]
    return name.partition(";")[0].strip().lower(), addresses.clean(value).strip()


def _row(number: int, entry: dict[str, list[str]], known: set[str]) -> Row:
    def first(name: str) -> str:
        return next((value for value in entry.get(name, ()) if value), "")

    emails = [value for name in EMAILS for value in entry.get(name, ()) if value]
    given, family = first("givenname") or first("gn"), first("sn") or first("surname")
    order = (family, given) if names.is_east_asian(family) else (given, family)
    name = " ".join(part for part in order if part) if given and family else first("displayname") or first("cn")
    name = name or given or family or first("mozillanickname") or first("o")
    is_group = bool(GROUPS & {value.lower() for value in entry.get("objectclass", ())})
    # The name of an entry repeats its address, as members of a group do those of other entries.
    other = [
        found.text
        for key, values in entry.items()
        if key not in EMAILS
        for value in values
        if "@" in value
        for found in addresses.find(value)
        if found.text.lower() not in known
    ]
    note = " ".join(["(group)" if is_group else "", *other]).strip()
    name = "" if "@" in name else name
    return Row(number, [name, " ::: ".join(emails), first("preferredlanguage"), note])
