"""The key by which words of people are searched and sorted: the same rule in Python, SQLite and PostgreSQL.

Letters are decomposed (NFKD), marks of Latin, Greek, Cyrillic, Arabic and Hebrew letters removed, and case is folded;
what is no letter with a mark to Unicode, but is to readers (ı, ø, ß, ...), is listed below. Keys compare by code points.
Why: docs/adr/0035-search-and-sort-by-a-key.md
"""

import functools
import re
import unicodedata
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Index, String, Table, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.extensions import metadata

# The info of a column with words that people wrote: generated lists sort it by its key.
WORDS = {"words": True}
ESCAPE = "\\"
# The beginning of the name of an index by three letters, before that of its table.
WORDS_INDEX = "ix_words_"
# Vowel signs of Indic scripts and Thai are marks too, but no word is the same without them.
MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
ONE_LETTER = dict(zip("ıøđłħŧð", "iodlhtd", strict=True))
# Letters of Western Europe, Greek and Cyrillic ones.
FREQUENT = "[\u00c0-\u0167\u0391-\u03c2\u0400-\u042f\u1e9e]"
SEVERAL_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}


def key(text: str) -> str:
    """Return the key of `text`."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text).translate(_translation())


@functools.cache
def _translation() -> dict[int, str | None]:
    """Return what becomes of the letters of a decomposed text; marks become nothing."""
    edges = iter(MARKS)
    marks: list[int] = []
    for edge in edges:
        marks += range(marks.pop(), ord(next(edges)) + 1) if edge == "-" else [ord(edge)]
    return {**dict.fromkeys(marks), **{ord(letter): folded for letter, folded in _folded().items()}}


def _folded() -> dict[str, str]:
    """Return the keys of letters that are not decomposed."""
    letters = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", strict=True))
    for letter in map(chr, range(0x80, 0x1F000)):
        lower = letter.casefold()
        if (
            letter.isalpha()
            and letter != lower
            and len(lower) == 1
            and unicodedata.normalize("NFKD", letter + lower) == letter + lower
        ):
            letters[letter] = lower
    listed = ONE_LETTER | SEVERAL_LETTERS
    letters |= {letter: listed[lower] for letter, lower in letters.items() if lower in listed}
    return {**letters, **listed, "ẞ": "ss"}


def pattern(text: str, before: str = "", after: str = "") -> str:
    """Return the pattern of LIKE for keys with the key of `text`, in which `%` and `_` are literal."""
    escaped = "".join(ESCAPE + sign if sign in {"%", "_", ESCAPE} else sign for sign in key(text))
    return f"{before}{escaped}{after}"


class search_key(FunctionElement[str]):  # noqa: N801 - a function of SQL
    """The key of a column."""

    name = "search_key"
    type = String()
    inherit_cache = True


def is_like(column: Any, text: str, before: str = "", after: str = "") -> ColumnElement[bool]:
    """Compare keys: return whether that of `column` is that of `text` with `before` and `after` around it."""
    return search_key(column).like(pattern(text, before, after), escape=ESCAPE)


def is_words(attribute: Any) -> bool:
    """Whether an attribute holds words of people."""
    return "words" in attribute.property.columns[0].info


def mark_words(table: Table, *columns: str) -> None:
    """Say so of columns that another package has declared."""
    for column in columns:
        table.c[column].info.update(WORDS)


@compiles(search_key)
def _compile(element: search_key, compiler: Any, **kwargs: Any) -> str:
    """Give the argument, and so the key, a collation; written as PostgreSQL returns it of an index."""
    return f'search_key({compiler.process(element.clauses, **kwargs)}::text COLLATE "C")'


@compiles(search_key, "sqlite")
def _compile_for_sqlite(element: search_key, compiler: Any, **kwargs: Any) -> str:
    """SQLite knows the case of ASCII: Python is asked for other texts only."""
    text = compiler.process(element.clauses, **kwargs)
    return f"CASE WHEN {text} NOT GLOB '*[^ -~]*' THEN lower({text}) ELSE search_key({text}) END"


@event.listens_for(Engine, "connect")
def _add_to_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] == "sqlite3":
        connection.create_function("search_key", 1, _key_or_none, deterministic=True)


def _key_or_none(value: object) -> object:
    return key(value) if isinstance(value, str) else value


def postgresql_function() -> str:
    """Return the statement that creates the function in PostgreSQL. A migration has a copy of its own.

    `translate` compares each letter with all of its list, so that the long one takes half a millisecond. Texts in most
    languages need a short one or none, which a pattern tells much faster.
    """
    letters = {letter: folded for letter, folded in _folded().items() if not letter.isascii()}
    frequent = {letter: folded for letter, folded in letters.items() if re.match(FREQUENT, letter)}
    plain = f"regexp_replace(normalize(value, NFKD), '[{MARKS}]+', '', 'g')"
    return (
        "CREATE OR REPLACE FUNCTION search_key(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ "
        "SELECT lower(CASE WHEN octet_length(value) = length(value) THEN value "
        f"WHEN value !~ '[{_ranges(letters.keys())}]' THEN {plain} "
        f"WHEN value !~ '[{_ranges(letters.keys() - frequent.keys())}]' THEN {_replaced(plain, frequent)} "
        f'ELSE {_replaced(plain, letters)} END COLLATE "C") $$'
    )


def _replaced(sql: str, letters: Mapping[str, str]) -> str:
    """Return the expression with `letters` replaced."""
    single = {letter: folded for letter, folded in letters.items() if len(folded) == 1}
    sql = f"translate({sql}, '{''.join(single)}', '{''.join(single.values())}')"
    for letter, folded in letters.items():
        if len(folded) > 1:
            sql = f"replace({sql}, '{letter}', '{folded}')"
    return sql


def _ranges(letters: AbstractSet[str]) -> str:
    """Return what a pattern has in brackets for the characters that have one of `letters` in them."""
    ranges: list[list[int]] = []
    for code in range(0x80, 0x1F200):
        if not 0xD800 <= code < 0xE000 and not letters.isdisjoint(unicodedata.normalize("NFKD", chr(code))):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in ranges)


@event.listens_for(metadata, "before_create")
def _add_to_postgresql(_metadata: object, connection: Connection, **_options: object) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(postgresql_function())
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")


def index_words(*columns: Any) -> Index:
    """Return the index by which PostgreSQL finds what is anywhere in some columns of a table, by groups of three letters.

    It needs the extension pg_trgm; a migration leaves the index out where that cannot be had. Its name tells of it.
    """
    keys = [search_key(column).label(f"{column.name}_key") for column in columns]
    index = Index(
        f"{WORDS_INDEX}{columns[0].table.name}",
        *keys,
        postgresql_using="gin",
        postgresql_ops={key.name: "gin_trgm_ops" for key in keys},
    )
    return index.ddl_if(dialect="postgresql")
