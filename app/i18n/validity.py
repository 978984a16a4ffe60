"""What a translation must keep of its source, so that it can break neither a format string nor a page."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from app.i18n.plurals import PluralRule

PLACEHOLDER = re.compile(r"%\((?P<name>\w+)\)[#0\- +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]")
# "%s" and the like; "100 % done" is prose, though Python would take it for a conversion too.
POSITIONAL = re.compile(r"(?<!%)%[diorsx]\b")
# All that Python's % operator looks at: conversions, and percent signs that it would stumble over.
CONVERSION = re.compile(r"%%|%(?:\(\w*\))?[#0\- +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]|%")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# The number of a plural may be left out of a form that stands for one number only ("A guest").
COUNTS = frozenset({"num", "n", "count"})
# Control characters but line breaks and tabs, what sets the direction of text that follows, and what is invisible.
# Marks of direction and joiners are letters of their languages.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff]")


def has_placeholders(*texts: str) -> bool:
    """Tell whether a text has a named placeholder such as %(name)s."""
    return any(PLACEHOLDER.search(text) for text in texts)


def is_format(*texts: str) -> bool:
    """Tell whether a source text is made to go through Python's % operator."""
    return any(PLACEHOLDER.search(text) or POSITIONAL.search(text) or "%%" in text for text in texts)


def format_problems(sources: Sequence[str], texts: Sequence[str], rule: PluralRule) -> list[str]:
    """Return what would break, or lose, a value when the texts are formatted like their source.

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
    """Return how the tags of the texts differ from those of the source, attributes included."""
    expected = Counter(TAG.findall(sources[-1]))
    problems = []
    for text in texts:
        found = Counter(TAG.findall(text))
        problems += [f"tag {tag} is missing" for tag in expected - found]
        problems += [f"tag {tag} is not in the source" for tag in found - expected]
    return problems


def text_problems(sources: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return what an eye does not see: spaces at the edges, control and direction characters."""
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
    """Yield everything that is wrong with a complete translation."""
    if len(sources) > 1 and len(texts) != rule.count:
        yield f"{len(texts)} plural forms instead of {rule.count}"
        return
    yield from format_problems(sources, texts, rule)
    yield from markup_problems(sources, texts)
    yield from text_problems(sources, texts)


def _conversions(text: str) -> Counter[str]:
    return Counter(found for found in CONVERSION.findall(text) if found != "%%")


def _optional(sources: Sequence[str], rule: PluralRule, form: int) -> set[str]:
    """Return what a plural form may leave out: its number, and what the English singular lacks."""
    if len(rule.numbers(form)) > 1:
        return set()
    counts = {found.group() for found in PLACEHOLDER.finditer(sources[-1]) if found["name"] in COUNTS}
    return counts | (_conversions(sources[-1]).keys() - _conversions(sources[0]).keys())
