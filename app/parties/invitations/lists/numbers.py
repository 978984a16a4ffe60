"""Numbers of people in cells."""

import re
import unicodedata

MAX_SEATS = 1000
# "2", "2.0", "2 people".
PLAIN = re.compile(r"(\d{1,9})(?:[.,]0+)?(?:\s*[^\W\d][^\d\n]{0,24})?")
SUM = re.compile(r"(\d{1,3})\s*\+\s*(\d{1,3})(?:\s*\+\s*(\d{1,3}))?")
YES = frozenset(
    [
        "yes",
        "y",
        "x",
        "true",
        "si",
        "sí",
        "sì",
        "oui",
        "ja",
        "j",
        "tak",
        "sim",
        "да",
        "evet",
        "نعم",
        "כן",
        "はい",
        "是",
        "✓",
        "✔",
        "☑",
    ]
)
NO = frozenset(
    [
        "no",
        "n",
        "none",
        "false",
        "non",
        "nein",
        "nee",
        "nie",
        "não",
        "nao",
        "нет",
        "hayır",
        "nej",
        "لا",
        "לא",
        "いいえ",
        "否",
        "-",
        "–",
        "—",
        "☐",
    ]
)


def digits(text: str) -> str:
    """Return the text with the digits of all scripts as 0 to 9."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def count(text: str) -> int | None:
    """Return the number of people in a cell, up to MAX_SEATS; None if it says none, or several."""
    written = digits(text).strip().lstrip("'~≈ ")
    parts = SUM.fullmatch(written)
    if parts:
        return min(sum(int(part) for part in parts.groups() if part), MAX_SEATS)
    match = PLAIN.fullmatch(written)
    return min(int(match[1]), MAX_SEATS) if match else None


def plus_ones(text: str) -> int | None:
    """Return how many companions a cell says: a number, yes or no, or their names."""
    written = digits(text).strip()
    number = count(written.lstrip("+"))
    if number is not None:
        return number
    word = written.lower().strip(" .!")
    if word in YES:
        return 1
    return 0 if word in NO else None
