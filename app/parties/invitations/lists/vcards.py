"""vCards 2.1, 3.0 and 4.0.

They are read as bytes, because each property of a vCard 2.1 may have an encoding of its own.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import addresses, encodings, names
from .tables import MAX_ROWS, Refusal, RefusedError, Role, Row, Sheet

ROLES = (Role.NAME, Role.EMAIL, Role.LANGUAGE, Role.NOTE)
START = re.compile(rb"^\s*begin[ \t]*:[ \t]*vcard", re.IGNORECASE | re.MULTILINE)
# Pictures, sounds and keys are most of what address books export.
IDENTIFIERS = {"UID", "URL", "SOURCE", "PRODID", "REV", "X-ABUID", "X-GOOGLE-ID"}
LARGE = {"PHOTO", "LOGO", "SOUND", "KEY"}
# The parameters that say how a value is written.
CODED = re.compile(r"CHARSET=|ENCODING=|QUOTED-PRINTABLE|BASE64", re.IGNORECASE)
WANTED = {"FN", "N", "EMAIL", "ORG", "KIND", "X-ADDRESSBOOKSERVER-KIND", "LANG", "NICKNAME", "NOTE"}


class Property(NamedTuple):
    """A line of a card, unfolded."""

    name: str
    parameters: tuple[str, ...]
    value: bytes


def read(data: bytes, wanted: str = "") -> tuple[Sheet, str]:
    """Return a row for each card, and the encoding of those that do not say theirs."""
    lines = list(_unfold(data))
    encoding = _encoding(lines, wanted)
    rows: list[Row] = []
    number, inside = 1, False
    card: list[bytes] = []
    for at, line in lines:
        head = line[:40].strip().lower().replace(b" ", b"")
        if head == b"begin:vcard":
            # A card without its end is one, too.
            if inside and card:
                rows.append(_row(number, card, encoding))
            number, card, inside = at, [], True
        elif head == b"end:vcard":
            rows.append(_row(number, card, encoding))
            card, inside = [], False
        elif inside:
            card.append(line)
        elif b"@" in line:
            rows.append(Row(at, ["", addresses.clean(_decode(line, encoding)).strip()]))
        if len(rows) > MAX_ROWS:
            raise RefusedError(Refusal.TOO_LONG)
    if inside and card:
        rows.append(_row(number, card, encoding))
    return Sheet("", rows, roles=ROLES), encoding


def plain_text(data: bytes, encoding: str) -> str:
    """Return the cards as text without encodings of their own, and without what is no text in them."""
    return "\n".join(_plain_line(line, encoding) for _at, line in _unfold(data) if _name_of(line) not in LARGE)


def _plain_line(line: bytes, encoding: str) -> str:
    if not re.search(rb"charset|encoding|quoted-printable|base64", line.partition(b":")[0], re.IGNORECASE):
        return _decode(line, encoding)
    (part,) = [*_properties([line]), Property("", (), b"")][:1]
    own = [each for each in part.parameters if not CODED.match(each)]
    text = _text(part, encoding).replace("\r\n", "\n").replace("\n", "\\n")
    return f"{';'.join([part.name, *own])}:{text}" if part.name else ""


def _name_of(line: bytes) -> str:
    head = re.split(rb"[;:]", line[:200], maxsplit=1)[0]
    return head.rpartition(b".")[2].strip().decode("ascii", "replace").upper()


def _unfold(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, joined where they were folded or end in a soft line break."""
    held: list[bytes] = []
    first, quoted = 0, False
    for number, line in enumerate(re.split(rb"\r\n|\n|\r", data), 1):
        if held and quoted and held[-1].endswith(b"="):
            held[-1] = held[-1][:-1]
            held.append(line)
        elif held and line[:1] in {b" ", b"\t"} and line.strip():
            held.append(line[1:])
        else:
            if held:
                yield first, b"".join(held)
            held, first = [line], number
            quoted = b"quoted-printable" in line.partition(b":")[0].lower()
    if held:
        yield first, b"".join(held)


def _encoding(lines: Sequence[tuple[int, bytes]], wanted: str) -> str:
    own = b"\n".join(
        line for _at, line in lines if _name_of(line) in WANTED and b"charset" not in line.partition(b":")[0].lower()
    )
    return encodings.decode(own, wanted)[1]


def _properties(card: Sequence[bytes]) -> Iterator[Property]:
    for line in card:
        name = _name_of(line)
        if name in WANTED or (name not in LARGE | IDENTIFIERS and b"@" in line):
            head, value = _split(line)
            parameters = tuple(part.strip() for part in head.decode("utf-8", "replace").split(";")[1:])
            yield Property(name, parameters, value)


def _split(line: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and behind the first colon outside quotes."""
    quoted = False
    for at, byte in enumerate(line[:2000]):
        if byte == 0x22:
            quoted = not quoted
        elif byte == 0x3A and not quoted:
            return line[:at], line[at + 1 :]
    return line.partition(b":")[0], line.partition(b":")[2]


def _text(part: Property, encoding: str) -> str:
    said = [each.upper() for each in part.parameters]
    value = part.value
    if any("QUOTED-PRINTABLE" in each for each in said):
        value = quopri.decodestring(value)
    elif any(each in {"ENCODING=B", "ENCODING=BASE64", "BASE64"} for each in said):
        try:
            value = base64.b64decode(value, validate=False)
        except binascii.Error:
            return ""
    own = next((each.partition("=")[2].strip('"') for each in said if each.startswith("CHARSET=")), "")
    return _decode(value, own or encoding)


def _decode(value: bytes, encoding: str) -> str:
    for candidate in dict.fromkeys((encoding, "utf-8", "cp1252")):
        try:
            return value.decode(candidate)
        except (LookupError, UnicodeError):
            continue
    return value.decode("utf-8", "replace")


def _parts(text: str) -> list[str]:
    """Return the values between semicolons."""
    return [_plain(part) for part in re.split(r"(?<!\\);", text)]


def _plain(text: str) -> str:
    return addresses.clean(re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], text)).strip()


def _row(number: int, card: Sequence[bytes], encoding: str) -> Row:
    found: dict[str, list[tuple[Property, str]]] = {}
    for part in _properties(card):
        found.setdefault(part.name, []).append((part, _text(part, encoding)))

    def first(name: str) -> str:
        return next((_plain(text) for _part, text in found.get(name, ()) if _plain(text)), "")

    emails = _emails(found.get("EMAIL", ()))
    other = [
        _plain(text)
        for name, values in found.items()
        if name not in {"EMAIL", "KIND", "LANG"}
        for _part, text in values
        if "@" in text
    ]
    name = first("FN") if not first("FN").count("@") else ""
    if not name:
        name = _structured(next((text for _part, text in found.get("N", ())), "")) or first("NICKNAME") or first("ORG")
    kind = (first("KIND") or first("X-ADDRESSBOOKSERVER-KIND")).lower()
    note = " ".join([f"({kind})" if kind == "group" else "", *other]).strip()
    return Row(number, [names.clean(name), " ::: ".join(emails), first("LANG"), note])


def _emails(values: Sequence[tuple[Property, str]]) -> list[str]:
    """Return the addresses, the preferred one first."""

    def rank(value: tuple[Property, str]) -> tuple[int, int]:
        said = ";".join(value[0].parameters).upper()
        pref = re.search(r"PREF=\"?(\d+)", said)
        if pref:
            return 0, int(pref[1])
        return (0, 1) if re.search(r"\bPREF\b", said) else (1, 0)

    plain = [(rank(value), _plain(value[1])) for value in values]
    return [
        re.sub(r"^mailto:", "", text, flags=re.IGNORECASE)
        for _rank, text in sorted(plain, key=lambda each: each[0])
        if text
    ]


def _structured(text: str) -> str:
    """Return the name of its parts: family name; first name; others."""
    parts = [*_parts(text), "", ""]
    family, given = parts[0], parts[1]
    order = (family, given) if names.is_east_asian(family + given) else (given, family)
    return " ".join(part for part in order if part)
