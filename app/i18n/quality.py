"""Checks for mistakes that break nothing, but that a reader would see: each was made by a translator or a program once.

They run in `flask i18n check` only. What they find has to be certain: a check that cries wolf is switched off by its readers.
"""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from app.i18n.po import Entry
from app.i18n.tags import language_and_script
from app.i18n.validity import PLACEHOLDER, TAG

# The same mark in all scripts, so that only the meaning is compared.
MARKS = {
    **dict.fromkeys("。।۔։．", "."),
    **dict.fromkeys("؟？", "?"),
    "！": "!",
    "：": ":",
    **dict.fromkeys("،，、", ","),
    "؛": ";",
    "…": "…",
}
ENDS = frozenset(".!?:…")
CLOSERS = "\"'”’»“)]}\u200e\u200f "
URL = re.compile(r"(?:https?://|mailto:)[^\s<>\"'“”«»،,]+|\b[\w.+-]+@[\w-]+\.[\w.-]+\w", re.ASCII)
NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
MOJIBAKE = re.compile(r"Ã[\x80-\xbf\u0152-\u2122¡-¿]|â€|Â[\xa0-\xbf]|[ØÙ][\xa0-\xbf\u0152-\u2122§©†]|ï¿½|Ð[\xa0-\xbf]")
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]{2,8});", re.IGNORECASE)
PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("“", "”"), ("«", "»"))
SPACE_BEFORE_MARK = re.compile(r"[^\W_][ \xa0\u202f]+[.,;:!?،؛؟](?=\s|$)")
# Marks of other scripts, where it is certain.
ARABIC_MARKS = {",": "،", ";": "؛", "?": "؟"}
COMMAS = dict.fromkeys(("ar", "fa", "ur", "ckb", "ps", "sd", "ug"), ARABIC_MARKS)
WRONG_MARK = re.compile(r"[\u0620-\u064a\u066e-\u06d3][,;?]")
FRENCH_SPACING = frozenset({"fr", "br"})
# From so many words on, two equal texts are not names.
FEW_WORDS = 3
# From so many letters on, a translation of a fifth of the length has lost something, and one of four times has gained.
LONG_TEXT, SHORTEST, LONGEST = 40, 0.2, 3.0
THOUSANDS = re.compile(r"(?<=\d)[.,٬\xa0\u202f](?=\d{3}\b)")
# "p.m." and "No." end with a full stop that is no end.
ABBREVIATION = re.compile(r"(?:\b[a-z]\.)+$|^\w{1,3}\.$")
# A few letters of these say a sentence.
SHORT_SCRIPTS = frozenset({"Hans", "Hant", "Jpan", "Kore"})
MAX_WORDS_OF_PAIR = 60
SWAPPED = 0.5
OFTEN = 3
GLOSSARY = "glossary.csv"


@dataclass(frozen=True)
class Term:
    """A line of a glossary: how an English word is translated, or how it is not. Beginnings of words stand for their forms."""

    english: str
    translations: tuple[str, ...]
    forbidden: tuple[str, ...]


def problems(sources: Sequence[str], texts: Sequence[str], key: str, terms: Sequence[Term] = ()) -> Iterator[str]:
    """Yield what a reader would take for a mistake in a complete translation of a locale."""
    language, script = language_and_script(key) or (key, "")
    for text in dict.fromkeys(texts):
        # Plural forms are compared with the English text of the same number, which is mostly the plural.
        source = sources[0] if text == texts[0] and text != texts[-1] else sources[-1]
        plain, plain_source = _prose(text), _prose(source)
        yield from _characters(text, source)
        yield from _marks(text, source, language)
        yield from _structure(text, source)
        yield from _words(plain, plain_source, language, script, is_plural=len(sources) > 1)
        yield from _terms(text, source, terms)


def swapped(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield neighbours whose translations are each other's, by what their words mean in the other texts of the catalog."""
    found = [entry for entry in entries if len(entry.sources) == 1 and entry.texts[0] and "fuzzy" not in entry.flags]
    pairs = [(_meanings(entry.sources[0]), _meanings(entry.texts[0])) for entry in found]
    in_sources, in_texts = Counter[str](), Counter[str]()
    together: dict[str, Counter[str]] = defaultdict(Counter)
    for source, text in pairs:
        in_sources.update(source)
        in_texts.update(text)
        if len(source) * len(text) <= MAX_WORDS_OF_PAIR**2:
            for word in source:
                together[word].update(text)

    def fit(source: frozenset[str], text: frozenset[str], *, is_own: bool) -> float:
        """Return how well the words of a translation are known as those of a source, from 0 to 1."""
        # What stands here together counts only if it does so elsewhere, too.
        own = 1 if is_own else 0
        scores = [
            max((2 * (together[word][other] - own) / (in_sources[word] + in_texts[other]) for other in text), default=0)
            for word in source
        ]
        return sum(scores) / len(scores) if scores else 0

    for (first, (source, text)), (second, (next_source, next_text)) in pairwise(zip(found, pairs, strict=True)):
        # What both are about says nothing, nor does a word that is seldom elsewhere.
        own = frozenset(word for word in source - next_source if in_sources[word] >= OFTEN)
        others = frozenset(word for word in next_source - source if in_sources[word] >= OFTEN)
        if own and others and text != next_text:
            as_they_are = fit(own, text, is_own=True) + fit(others, next_text, is_own=True)
            crossed = fit(own, next_text, is_own=False) + fit(others, text, is_own=False)
            if crossed - as_they_are > SWAPPED:
                yield first, second


def glossary(folder: Path) -> tuple[Term, ...]:
    """Return the terms of a language, of the file glossary.csv in its folder, if there is one."""
    path = folder / GLOSSARY
    return _glossary(path, path.stat().st_mtime_ns) if path.exists() else ()


@lru_cache(maxsize=64)
def _glossary(path: Path, _changed_at: int) -> tuple[Term, ...]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return tuple(
            Term(row["english"].strip(), _alternatives(row.get("translation")), _alternatives(row.get("forbidden")))
            for row in csv.DictReader(lines)
            if (row.get("english") or "").strip()
        )


def _alternatives(cell: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in (cell or "").split("|"))))


def _characters(text: str, source: str) -> Iterator[str]:
    if not unicodedata.is_normalized("NFC", text):
        yield "letters and their accents are separate characters: they must be in the form NFC"
    found = MOJIBAKE.search(text)
    if found:
        yield f"“{found[0]}” was read in a wrong encoding"
    for entity in sorted(set(ENTITY.findall(text)) - set(ENTITY.findall(source))):
        yield f"{entity} is shown as it stands: write the character"
    if "\\n" in text and "\\n" not in source:
        yield "“\\n” is shown as it stands: it must be a line break"
    if "  " in text.strip() and "  " not in source.strip():
        yield "there are two spaces in a row"


def _marks(text: str, source: str, language: str) -> Iterator[str]:
    yield from _ends(text, source)
    if language in {"es", "ast"}:
        yield from _unpaired(text, ("¿", "?"), ("¡", "!"))
    yield from _unpaired(text, *(pair for pair in PAIRS if source.count(pair[0]) == source.count(pair[1])))
    prose = _prose(text)
    if language in COMMAS:
        found = WRONG_MARK.search(prose)
        if found:
            yield f"“{found[0][-1]}” must be “{COMMAS[language][found[0][-1]]}” here"
    if language not in FRENCH_SPACING and not SPACE_BEFORE_MARK.search(source):
        found = SPACE_BEFORE_MARK.search(prose)
        if found:
            yield f"there is a space before “{found[0][-1]}”"


def _ends(text: str, source: str) -> Iterator[str]:
    ours, theirs = _end(text), _end(source)
    is_greeting = source.rstrip().endswith(",") and ours == ":"
    if ours != theirs and not is_greeting and not (theirs and ABBREVIATION.search(source)):
        yield f"it ends with {f'“{ours}”' if ours else 'no mark'}, the English text with {f'“{theirs}”' if theirs else 'none'}"


def _unpaired(text: str, *pairs: tuple[str, str]) -> Iterator[str]:
    for opening, closing in pairs:
        if text.count(opening) != text.count(closing):
            yield f"“{opening}” and “{closing}” must come in pairs"


def _structure(text: str, source: str) -> Iterator[str]:
    if text.count("\n") != source.count("\n"):
        yield f"it has {text.count(chr(10))} line breaks, the English text {source.count(chr(10))}"
    ours, theirs = Counter(URL.findall(text)), Counter(URL.findall(source))
    for url in (ours - theirs) + (theirs - ours):
        yield f"{url} differs from the address in the English text"
    counted = Counter(found[0] for found in PLACEHOLDER.finditer(text))
    wanted = Counter(found[0] for found in PLACEHOLDER.finditer(source))
    for name, count in counted.items():
        if count > max(wanted[name], 1):
            yield f"placeholder {name} is there {count} times"
    # Numbers may be written as words.
    numbers, wanted_numbers = set(_numbers(text)), set(_numbers(source))
    if numbers - wanted_numbers and wanted_numbers - numbers:
        yield f"the number {min(numbers - wanted_numbers)} is not in the English text"


def _words(text: str, source: str, language: str, script: str, *, is_plural: bool) -> Iterator[str]:
    words, source_words = WORD.findall(text), WORD.findall(source)
    is_sentence = sum(word.islower() for word in source_words) >= FEW_WORDS
    if text == source and language != "en" and is_sentence:
        yield "it is the English text"
        return
    yield from _scripts(words, source_words, script, is_sentence=is_sentence)
    for first, second in pairwise(re.findall(r"[^\W\d_]+|[^\w\s]", text)):
        if len(first) > 1 and first.isalpha() and first.casefold() == second.casefold() and not _has_twice(source):
            yield f"“{first} {second}”: the same word twice"
    if text[:1].islower() and source[:1].isupper() and len(source_words) > 1 and script == "Latn":
        yield "it must begin with a capital as the English text"
    if len(source) >= LONG_TEXT and not is_plural and script not in SHORT_SCRIPTS:
        ratio = len(text) / len(source)
        if ratio < SHORTEST:
            yield "it is so short that something is missing"
        elif ratio > LONGEST:
            yield "it is so long that there is something more"


def _scripts(words: list[str], source_words: list[str], script: str, *, is_sentence: bool) -> Iterator[str]:
    known = {part for word in source_words for part in (word.casefold(), re.split("['’]", word.casefold())[0])}
    unknown = [word for word in words if word.casefold() not in known]
    if script == "Latn":
        foreign = [word for word in unknown if not _is_latin(word)]
        if foreign:
            yield f"“{foreign[0]}” has letters of another script"
    elif script:
        foreign = [word for word in unknown if _is_latin(word) and len(word) >= FEW_WORDS]
        if foreign:
            yield f"“{foreign[0]}” is not in the script of the language, nor in the English text"
        elif is_sentence and all(map(_is_latin, words)):
            yield "there is no word in the script of the language"


def _terms(text: str, source: str, terms: Iterable[Term]) -> Iterator[str]:
    folded = text.casefold()
    for term in terms:
        if not _has_term(term.english, source):
            continue
        if term.translations and not any(each.casefold() in folded for each in term.translations):
            yield f"the glossary translates “{term.english}” as {' or '.join(f'“{each}”' for each in term.translations)}"
        for word in term.forbidden:
            if re.search(rf"\b{re.escape(word.casefold())}", folded):
                yield f"the glossary forbids “{word}” for “{term.english}”"


@lru_cache(maxsize=4096)
def _has_term(english: str, source: str) -> bool:
    return bool(re.search(rf"\b{re.escape(english)}(?:s|es)?\b", PLACEHOLDER.sub("", source), re.IGNORECASE))


def _prose(text: str) -> str:
    """Return a text without what is not language."""
    return URL.sub(" ", TAG.sub(" ", PLACEHOLDER.sub("%", text))).strip()


def _end(text: str) -> str:
    """Return the mark that a text ends with, the same for all scripts, or nothing."""
    bare = text.strip().replace("...", "…").rstrip(CLOSERS)
    last = MARKS.get(bare[-1:], bare[-1:])
    return last if last in ENDS else ""


def _numbers(text: str) -> list[str]:
    return [
        "".join(str(unicodedata.digit(digit)) for digit in found)
        for found in NUMBER.findall(THOUSANDS.sub("", _prose(text)))
    ]


@lru_cache(maxsize=65536)
def _is_latin(word: str) -> bool:
    return all("LATIN" in unicodedata.name(letter, "") or letter in "ªº" for letter in word if letter.isalpha())


def _has_twice(source: str) -> bool:
    return any(first.casefold() == second.casefold() for first, second in pairwise(WORD.findall(source)))


def _meanings(text: str) -> frozenset[str]:
    """Return the words that tell what a text is about: long ones by their beginnings, as they are inflected."""
    return frozenset(word.casefold()[:6] for word in WORD.findall(_prose(text)) if len(word) > 2)
