"""E-mail addresses in text."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_LENGTH = 254
# Marks of direction and width that copying brings along, and that no reader can see.
INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0xAD])
# No part of an address that somebody has, but around addresses in lists of all languages.
BREAKS = r"\s<>()\[\]{}|/\\,;:\"=“”«»„‟‹›…،؛؟、，；：？！。（）［］＜＞「」『』【】|·•・–—"
CANDIDATE = re.compile(rf"[^{BREAKS}@]*@[^{BREAKS}]*")
# Most addresses are plain ones, for which no other answer is possible.
PLAIN = re.compile(
    r"([a-z0-9]+(?:[._+-][a-z0-9]+)*)@((?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:[a-z]{2,3}|example))", re.IGNORECASE
)
# Control characters but line breaks and tabs, and halves of characters.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
MAILTO = re.compile(r"\bmailto:([^\s?<>\"]+)(?:\?[^\s<>\"]*)?", re.IGNORECASE)
EDGES = "'’‘`*_~.!?¡¿#&-"


class Found(NamedTuple):
    """A piece of text with an @, and the address it is, if any; it stands at text[start:end]."""

    text: str
    email: str | None
    start: int
    end: int


def clean(text: str) -> str:
    """Return the text without invisible and control characters and "mailto:"; spaces and line breaks are kept."""
    kept = MAILTO.sub(r"\1", text.translate(INVISIBLE)).replace("\xa0", " ").replace("＠", "@")
    return CONTROL.sub("", kept)


@lru_cache(maxsize=4096)
def normalize(text: str) -> str | None:
    """Return the address in the form that is stored and compared; None if it is none that the site can write to."""
    if not 3 <= len(text) <= MAX_LENGTH or not text.strip("@"):
        return None
    plain = PLAIN.fullmatch(text)
    if (
        plain
        and len(plain[1]) <= 64
        and len(max(plain[2].split("."), key=len)) <= 63
        and "xn--" not in plain[2].lower()
    ):
        return f"{plain[1]}@{plain[2].lower()}"
    # Loaded only if it is needed: the process that reads a list is a new one each time.
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        return None


def find(text: str) -> Iterator[Found]:
    """Yield each piece of cleaned text that has an @, in order. Each @ of the text is in one of them."""
    for match in CANDIDATE.finditer(text):
        piece = match[0].split("?")[0] if "?" in match[0].partition("@")[2] else match[0]
        trimmed = piece.strip(EDGES)
        start = match.start() + piece.find(trimmed)
        email = normalize(trimmed) or normalize(unicodedata.normalize("NFKC", trimmed))
        yield Found(trimmed if email else match[0], email, start if email else match.start(), match.end())


def without(text: str, found: list[Found]) -> str:
    """Return the text without the pieces that were found."""
    kept, last = [], 0
    for piece in found:
        kept.append(text[last : piece.start])
        last = piece.end
    return " ".join([*kept, text[last:]])
