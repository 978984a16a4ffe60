"""Checks that a translation keeps the placeholders and markup of its source text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from app.i18n.plurals import PluralRule

PLACEHOLDER = re.compile(r"%\((?P<name>\w+)\)[#0\- +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]")
# "%s" and the like; "100 % done" is prose, though Python would take it for a conversion too.
POSITIONAL = re.compile(r"(?<!%)%[diorsx]\b")
# Conversions of Python's % operator, and percent signs that would make it fail.
CONVERSION = re.compile(r"%%|%(?:\(\w*\))?[#0\- +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]|%")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# A plural form for one number only may leave the number out ("A guest").
COUNTS = frozenset({"num", "n", "count"})
# Control characters except line breaks and tabs, direction overrides, invisible characters, other line ends, and those of private
# use. Direction marks and joiners are allowed: some languages need them.
HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ue000-\uf8ff\ufeff\ufffd]"
)


def has_placeholders(*texts: str) -> bool:
    """Whether a text has a named placeholder such as %(name)s."""
    return any(PLACEHOLDER.search(text) for text in texts)


def is_format(*texts: str) -> bool:
    """Whether a source text is meant for Python's % operator."""
    return any(PLACEHOLDER.search(text) or POSITIONAL.search(text) or "%%" in text for text in texts)


def format_problems(sources: Sequence[str], texts: Sequence[str], rule: PluralRule) -> list[str]:
    """Return errors in the placeholders of a translation.

    `sources` is the English text, or its two forms; `texts` the translation, or all of its forms.
    """
    if not is_format(*sources):
        return []
    expected = _conversions(sources[-1])
    allowed = expected | _conversions(sources[0])
    problems = []
    for form, text in enumerate(texts):
        prefix = f"form {form}: " if len(texts) > 1 else ""
        found = _conversions(text)
        optional = _optional(sources, rule, form) if len(texts) > 1 else set()
        missing = [name for name in expected - found if name not in optional]
        problems += [f"{prefix}placeholder {name} is missing" for name in missing]
        problems += [
            f"{prefix}placeholder {name} is not in the source"
            for name in found - allowed
            # A name may be used twice; a position may not.
            if name not in allowed or not PLACEHOLDER.fullmatch(name)
        ]
    return problems


def markup_problems(sources: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return differences between the HTML tags of the texts and of the source, including attributes."""
    expected = Counter(TAG.findall(sources[-1]))
    problems = []
    for text in texts:
        found = Counter(TAG.findall(text))
        problems += [f"tag {tag} is missing" for tag in expected - found]
        problems += [f"tag {tag} is not in the source" for tag in found - expected]
    return problems


def text_problems(sources: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return errors that are invisible: spaces at the edges, control and direction characters."""
    problems = []
    for text in texts:
        problems += [
            f"{which} must {'' if theirs else 'not '}be white space as in the source"
            for which, ours, theirs in (
                ("the beginning", text[:1].isspace(), sources[0][:1].isspace()),
                ("the end", text[-1:].isspace(), sources[0][-1:].isspace()),
            )
            if ours != theirs
        ]
        hidden = sorted(set(HIDDEN.findall(text)))
        problems += [f"character U+{ord(character):04X} is not allowed" for character in hidden]
    return problems


def problems(sources: Sequence[str], texts: Sequence[str], rule: PluralRule) -> Iterator[str]:
    """Yield all errors of a complete translation."""
    if len(sources) > 1 and len(texts) != rule.count:
        yield f"{len(texts)} plural forms instead of {rule.count}"
        return
    yield from format_problems(sources, texts, rule)
    yield from markup_problems(sources, texts)
    yield from text_problems(sources, texts)


def _conversions(text: str) -> Counter[str]:
    return Counter(found for found in CONVERSION.findall(text) if found != "%%")


def _optional(sources: Sequence[str], rule: PluralRule, form: int) -> set[str]:
    """Return the placeholders that a plural form may leave out: its number, and those that the English singular lacks."""
    if len(rule.numbers(form)) > 1:
        return set()
    counts = {found.group() for found in PLACEHOLDER.finditer(sources[-1]) if found["name"] in COUNTS}
    return counts | (_conversions(sources[-1]).keys() - _conversions(sources[0]).keys())
