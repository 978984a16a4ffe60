"""Catalogs as tables for spreadsheets, with one row for each plural form, and back.

The form of a row is told by the numbers it is for, so no program can mix them up. A row that changes a translation also removes
the mark of a machine: a person has looked at it.
"""

import csv
import io
from collections.abc import Iterable, Iterator

from babel.messages.catalog import Message

from app.i18n import catalogs, cells, po, validity
from app.i18n.catalogs import PoCatalog
from app.i18n.plurals import PluralRule, rule_of

COLUMNS = ("context", "english", "english_plural", "numbers", "translation", "flags", "comments", "notes")
NEEDED = ("english", "translation")
FUZZY = "fuzzy"
# How many numbers tell what a form is for.
MOST_NUMBERS = 8
BYTE_ORDER_MARK = "\ufeff"


class ExchangeError(ValueError):
    """A table that cannot be taken; each problem is a line of words."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def export(catalog: PoCatalog, key: str) -> str:
    """Return a catalog as CSV that every spreadsheet reads as UTF-8."""
    rows = [row for message in catalogs.messages(catalog) for row in _rows(message, rule_of(key))]
    return BYTE_ORDER_MARK + cells.lines([COLUMNS, *([cells.text(cell) for cell in row] for row in rows)])


def table_of(file: po.File, key: str) -> str:
    """Return what a program wrote into a .po file as a table of its translations; raises ExchangeError if it is damaged."""
    if file.faults:
        raise ExchangeError(f"{line}: {reason}" for line, reason in po.lines_of(file.faults))
    rule = rule_of(key)
    rows = [
        [
            entry.context or "",
            entry.sources[0],
            entry.sources[1] if len(entry.sources) > 1 else "",
            numbers_of(rule, form) if len(entry.sources) > 1 else "",
            text,
            FUZZY if FUZZY in entry.flags else "",
            "\n".join(entry.user_comments),
            "",
        ]
        for entry in file.entries
        for form, text in enumerate(entry.texts)
        # What is not translated in the file takes nothing away.
        if all(entry.texts)
    ]
    return cells.lines([COLUMNS, *([cells.text(cell) for cell in row] for row in rows)])


def take(catalog: PoCatalog, key: str, data: str) -> int:
    """Put the translations of a CSV into a catalog, and return how many texts it changes. Raises ExchangeError, and changes nothing."""
    rule = rule_of(key)
    new: dict[tuple[str, str], list[str]] = {}
    comments: dict[tuple[str, str], tuple[str, str]] = {}
    problems = []
    for line, row in _read(data):
        place = (row["context"], row["english"])
        message = catalog.get(row["english"], row["context"] or None)
        if message is None:
            problems.append(f"{line}: {po.quoted(row['english'], 'is not in the catalog')}")
            continue
        forms = new.setdefault(place, list(_padded(message, rule)))
        numbers = [numbers_of(rule, form) for form in range(len(forms))] if len(forms) > 1 else [""]
        if row["numbers"] not in numbers and len(forms) > 1:
            reason = f"there is no form for the numbers “{row['numbers']}”: there are {'; '.join(numbers)}"
            problems.append(f"{line}: {po.quoted(row['english'], reason)}")
            continue
        forms[numbers.index(row["numbers"]) if len(forms) > 1 else 0] = row["translation"]
        comments[place] = row["flags"], row["comments"]
    for (context, english), forms in new.items():
        message = catalog.get(english, context or None)
        if message and all(forms):
            found = validity.problems(catalogs.sources_of(message), forms, rule)
            problems += [po.quoted(english, reason) for reason in found]
    if problems:
        raise ExchangeError(problems)
    return sum(_apply(catalog, place, forms, *comments[place]) for place, forms in new.items() if place in comments)


def numbers_of(rule: PluralRule, form: int) -> str:
    """Return the first numbers that a form is for, such as "2, 3, 4, 22, …"."""
    numbers = rule.numbers(form)
    more = ["…"] if len(numbers) > MOST_NUMBERS else []
    return ", ".join([*map(str, numbers[:MOST_NUMBERS]), *more])


def _rows(message: Message, rule: PluralRule) -> Iterator[list[str]]:
    sources, texts = catalogs.sources_of(message), _padded(message, rule)
    for form, text in enumerate(texts):
        yield [
            message.context or "",
            sources[0],
            sources[1] if len(sources) > 1 else "",
            numbers_of(rule, form) if len(sources) > 1 else "",
            text,
            FUZZY if message.fuzzy else "",
            "\n".join(message.user_comments),
            "\n".join(message.auto_comments),
        ]


def _padded(message: Message, rule: PluralRule) -> tuple[str, ...]:
    texts = catalogs.texts_of(message)
    count = rule.count if len(catalogs.sources_of(message)) > 1 else 1
    return texts + ("",) * (count - len(texts))


def _read(data: str) -> Iterator[tuple[int, dict[str, str]]]:
    text = data.removeprefix(BYTE_ORDER_MARK)
    # Spreadsheets of many countries write semicolons, or tabs.
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise ExchangeError([f"1: the columns {', '.join(missing)} are missing"])
    for row in rows:
        yield rows.line_num, {name: _unprotected(row.get(name) or "") for name in COLUMNS}


def _unprotected(cell: str) -> str:
    text = cell.replace("\r\n", "\n")
    return text[1:] if text[:1] == "'" and text[1:].startswith(cells.FORMULA) else text


def _apply(catalog: PoCatalog, place: tuple[str, str], forms: list[str], flags: str, comments: str) -> bool:
    context, english = place
    message = catalog.get(english, context or None)
    if message is None:
        return False
    before = message.fuzzy, tuple(message.user_comments)
    is_changed = tuple(forms) != catalogs.texts_of(message)
    message.string = forms[0] if isinstance(message.id, str) else tuple(forms)
    kept = [line for line in comments.split("\n") if line and not (is_changed and line.startswith(catalogs.MACHINE))]
    message.user_comments = kept
    message.flags = (message.flags - {FUZZY}) | ({FUZZY} if FUZZY in flags and not is_changed else set())
    return is_changed or before != (message.fuzzy, tuple(kept))
