"""Read JSON that people have written: where each value stands, and each mistake in it.

Python's parser tells the first mistake only, keeps the last of two equal keys, takes NaN for a number, and follows
nested brackets until the stack ends.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, TypeAlias

from flask_babel import gettext as _
from flask_babel import ngettext

Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]
BLANKS = re.compile(r"[ \t\r\n]*")
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
WORD = re.compile(r"[+-]?[\w.+-]+")
# Between two entries of a list.
COMMA = re.compile(r"[ \t\r\n]*+,[ \t\r\n]*+(?!\])")
# Entries of a list whose places are known; no list that the schema describes has as many.
MAX_PLACED = 1000
# What no page, image or database can hold.
UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
WORDS = {"true": True, "false": False, "null": None}
# What may be unusable, or too large: escapes of characters, long whole numbers and long exponents.
SUSPICIOUS = re.compile(r"\\u(?:00[01]|007f|d[89a-f]|fff)|(?<![.\d])\d{16}|[eE]\+?\d{3}", re.IGNORECASE)
# Whole numbers beyond are rounded by JavaScript.
MAX_INTEGER = 2**53 - 1
MAX_DIGITS = 400
MAX_SHOWN = 80
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: `path` is as in "modules[0].width"; `line` and `column` count from 1, and are 0 if unknown."""

    message: str
    path: str = ""
    line: int = 0
    column: int = 0


class UnreadableError(Exception):
    """The text ends, or goes on as JSON does not: nothing after it can be understood."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass
class Document:
    """A text and what was read of it. `places` tells where the value, or the key, of a path begins."""

    text: str
    value: Any = None
    places: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, message: str, path: Path, at: int | None = None) -> Problem:
        """Return a problem with its line: that of the nearest value around a path that is not there."""
        around = path
        while at is None:
            at = self.places.get(around, None if around else 0)
            around = around[:-1]
        line = self.text.count("\n", 0, at) + 1
        return Problem(message, written(path), line, at - self.text.rfind("\n", 0, at))


def written(path: Path) -> str:
    """Return a path as people read it."""
    parts = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return shortened(parts.removeprefix("."))


def shortened(text: str) -> str:
    """Return the beginning of a text, as a message repeats it."""
    shown = UNUSABLE.sub("\ufffd", text[:MAX_SHOWN])
    return shown if len(text) <= MAX_SHOWN else shown + "…"


def read(text: str, max_depth: int, max_problems: int) -> Document:
    """Read a text. What is wrong is in the document; then `value` may lack what could not be read."""
    document = Document(text.removeprefix(BYTE_ORDER_MARK))
    reader = _Reader(document, max_depth, max_problems)
    try:
        reader.read()
    except UnreadableError as error:
        document.problems.append(document.problem(str(error), reader.path(), error.at))
    return document


def read_fast(text: str, max_depth: int) -> Document | None:
    """Return the document of a text without mistakes, but without places; None for any other. It is ten times as fast."""
    if SUSPICIOUS.search(text) or UNUSABLE.search(text):
        return None
    try:
        value = json.loads(text.removeprefix(BYTE_ORDER_MARK), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return None if depth(value) > max_depth else Document(text, value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError
    return value


def _refuse(name: str) -> None:
    raise ValueError(name)


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)


def depth(value: Any) -> int:
    """Return how many brackets stand in each other, without recursion."""
    level, inner = 0, [value]
    while inner := [each for each in inner if isinstance(each, dict | list)]:
        level += 1
        inner = [each for found in inner for each in (found.values() if isinstance(found, dict) else found)]
    return level


@dataclass
class _Open:
    """An object or list whose end was not read yet, and the path to it."""

    container: Any
    path: Path
    # Of the entry that is being read, or was read last.
    key: Key | None = None


class _Reader:
    """Reads one text, without recursion: the open brackets are a list."""

    def __init__(self, document: Document, max_depth: int, max_problems: int) -> None:
        self.document, self.text = document, document.text
        self.max_depth, self.max_problems = max_depth, max_problems
        self.open: list[_Open] = []
        self.at = 0

    def path(self) -> Path:
        """Return where the next value belongs."""
        if not self.open:
            return ()
        last = self.open[-1]
        return last.path if last.key is None else (*last.path, last.key)

    def read(self) -> None:
        self._skip_blanks()
        self.document.value = self._value()
        while self.open:
            if len(self.document.problems) >= self.max_problems:
                return
            self._next(self.open[-1])
        self._skip_blanks()
        if self.at < len(self.text):
            raise UnreadableError(_("Nothing may follow after the end."), self.at)

    def _next(self, last: _Open) -> None:
        """Read the next entry of the innermost bracket, or its end."""
        self._skip_blanks()
        is_object = isinstance(last.container, dict)
        end = "}" if is_object else "]"
        if self._peek() == end:
            self.at += 1
            self.open.pop()
            return
        if last.container:
            if self._peek() != ",":
                raise UnreadableError(_("A comma or “%(sign)s” is missing here.", sign=end), self.at)
            self.at += 1
            self._skip_blanks()
            if self._peek() == end:
                raise UnreadableError(_("There must be no comma before “%(sign)s”.", sign=end), self.at)
        if is_object:
            self._entry(last)
            return
        if len(last.container) >= MAX_PLACED:
            self._read_entries(last.container)
        last.key = len(last.container)
        last.container.append(None)
        last.container[last.key] = self._value()

    def _read_entries(self, container: list[Any]) -> None:
        """Read entries until one may have a mistake, without their places: there may be half a million."""
        while True:
            try:
                value, end = DECODER.scan_once(self.text, self.at)  # type: ignore[attr-defined]
            except (StopIteration, ValueError, RecursionError):
                return
            comma, read = COMMA.match(self.text, end), self.text[self.at : end]
            is_deep = isinstance(value, dict | list) and len(self.open) + depth(value) > self.max_depth
            if comma is None or is_deep or SUSPICIOUS.search(read) or UNUSABLE.search(read):
                return
            container.append(value)
            self.at = comma.end()

    def _entry(self, last: _Open) -> None:
        start = self.at
        if self._peek() != '"':
            raise UnreadableError(_('Each name must be in quotation marks, as in "name".'), start)
        last.key = key = self._string()
        path = self.path()
        if key in last.container:
            self._report(_("“%(name)s” stands here a second time.", name=shortened(key)), path, start)
        self._skip_blanks()
        if self._peek() != ":":
            raise UnreadableError(_("A colon is missing after “%(name)s”.", name=shortened(key)), self.at)
        self.at += 1
        self._skip_blanks()
        last.container[key] = None
        last.container[key] = self._value()
        self.document.places[path] = start

    def _value(self) -> Any:
        path = self.path()
        self.document.places[path] = self.at
        sign = self._peek()
        if sign in {"{", "["}:
            return self._bracket({} if sign == "{" else [], path)
        if sign == '"':
            return self._string()
        return self._number_or_word(path)

    def _bracket(self, container: Any, path: Path) -> Any:
        if len(self.open) >= self.max_depth:
            raise UnreadableError(too_deep(self.max_depth), self.at)
        self.at += 1
        self.open.append(_Open(container, path))
        return container

    def _string(self) -> str:
        start = self.at
        try:
            value, self.at = scanstring(self.text, self.at + 1, True)  # noqa: FBT003 - positional only
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise UnreadableError(_("The closing quotation mark is missing."), error.pos) from error
            if error.msg.startswith("Invalid control"):
                text = _("A text must be on one line. Write \\n for a new line.")
                raise UnreadableError(text, error.pos) from error
            raise UnreadableError(
                _("What follows the backslash has no meaning. Write \\\\ for a backslash."), error.pos
            ) from error
        if UNUSABLE.search(value):
            self._report(unusable(), self.path(), start)
        return str(value)

    def _number_or_word(self, path: Path) -> Any:
        start = self.at
        word = WORD.match(self.text, start)
        if word is None:
            raise UnreadableError(_("A value is missing here."), start)
        self.at = word.end()
        if word[0] in WORDS:
            return WORDS[word[0]]
        number = NUMBER.fullmatch(word[0])
        if number is None:
            raise UnreadableError(
                _("“%(word)s” is no value. Texts are in quotation marks.", word=shortened(word[0])), start
            )
        value = _number(number)
        if value is None:
            self._report(too_large(), path, start)
        return value

    def _report(self, message: str, path: Path, at: int | None) -> None:
        self.document.problems.append(self.document.problem(message, path, at))

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip_blanks(self) -> None:
        found = BLANKS.match(self.text, self.at)
        self.at = found.end() if found else self.at


def too_deep(levels: int) -> str:
    return ngettext(
        "Brackets are nested deeper than %(num)d level.", "Brackets are nested deeper than %(num)d levels.", levels
    )


def unusable() -> str:
    return _("This text has a character that cannot be shown.")


def too_large() -> str:
    return _("This number has too many digits. Write it as a text, in quotation marks.")


def is_number(value: float) -> bool:
    """Whether every program that reads JSON understands a number alike."""
    if isinstance(value, int):
        return abs(value) <= MAX_INTEGER
    return value - value == 0


def _number(found: re.Match[str]) -> float | None:
    if len(found[0]) > MAX_DIGITS:
        return None
    value = float(found[0]) if found[1] or found[2] else int(found[0])
    return value if is_number(value) else None


def walk(value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield each value in a value with its path, without recursion."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, found = waiting.pop()
        yield path, found
        if isinstance(found, dict):
            waiting += [((*path, key), each) for key, each in found.items()]
        elif isinstance(found, list):
            waiting += [((*path, number), each) for number, each in enumerate(found)]
