"""Reading .po files strictly: what a program may write is read, what is damaged is named with its line.

Babel's reader guesses: it ends a text whose closing quote is missing one letter early, keeps one of two definitions, and
takes half a file for a whole one. Here nothing is guessed. The entries that can be read are returned beside the faults.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

CONFLICT = re.compile(r"(<{7}|\|{7}|={7}|>{7})( |$)")
KEYWORD = re.compile(r"(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d{1,2})\])?[ \t]*(\".*)")
ANY_KEYWORD = re.compile(r"(msgctxt|msgid_plural|msgid|msgstr)\b")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
UNDECODABLE = "\ufffd"
CUT_OFF = "the file is cut off here"
# What Unicode calls line ends, too, is part of a text here: str.splitlines() would break it there.
LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line; `text` is the English text it belongs to, if that is known."""

    line: int
    reason: str
    text: str = ""


@dataclass(slots=True)
class Entry:
    """One text of a file; `line` is that of its msgid."""

    line: int = 0
    context: str | None = None
    sources: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    flags: set[str] = field(default_factory=set)
    user_comments: list[str] = field(default_factory=list)
    auto_comments: list[str] = field(default_factory=list)
    is_obsolete: bool = False

    @property
    def key(self) -> tuple[str | None, str]:
        return self.context, self.sources[0]


@dataclass
class File:
    """What could be read of a file, and what is wrong with it."""

    header: dict[str, str] = field(default_factory=dict)
    # Those above the header.
    comments: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    obsolete: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def parse(data: bytes) -> File:
    """Read a file. A byte order mark, other line ends, other wrapping and another order are no faults."""
    file = File()
    if not data.strip():
        file.faults.append(Fault(1, "the file is empty"))
        return file
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.faults.append(Fault(1, "the file is in UTF-16: save it as UTF-8"))
        return file
    reader = _Reader(file)
    for number, line in enumerate(LINE_END.split(data.decode("utf-8-sig", errors="replace")), 1):
        reader.read(number, line.strip(" \t"))
    reader.end(ends_with_line=data.endswith((b"\n", b"\r")))
    _take_header(file)
    _find_duplicates(file)
    file.faults.sort(key=lambda fault: fault.line)
    return file


class _Damaged(ValueError):  # noqa: N818
    """A line that cannot be read."""


@dataclass(slots=True)
class _Draft:
    """An entry that is being read: its strings by keyword, the plural forms by "msgstr[0]" and so on."""

    entry: Entry = field(default_factory=Entry)
    strings: dict[str, list[str]] = field(default_factory=dict)
    last: str = ""
    is_damaged: bool = False

    @property
    def text(self) -> str:
        return "".join(self.strings.get("msgid", ()))


class _Reader:
    def __init__(self, file: File) -> None:
        self._file = file
        self._draft = _Draft()
        self._in_conflict = False
        self._line = 0

    def read(self, number: int, line: str) -> None:
        if not line:
            return
        self._line = number
        if CONFLICT.match(line):
            self._read_conflict(number, line)
            return
        if UNDECODABLE in line:
            self._blame(number, "this is not UTF-8: save the file as UTF-8")
            return
        try:
            if line.startswith("#~"):
                rest = line[2:].lstrip(" ")
                if rest and not rest.startswith("|"):
                    self._read_line(number, rest, is_obsolete=True)
            else:
                self._read_line(number, line, is_obsolete=False)
        except _Damaged as error:
            if line.startswith("#~"):
                # Nobody needs it: it goes with the next format.
                self._draft = _Draft()
            else:
                self._blame(number, str(error))

    def end(self, *, ends_with_line: bool) -> None:
        if self._in_conflict:
            self._in_conflict = False
            self._blame(self._line, "the merge conflict does not end: the file is cut off")
        draft = self._draft
        is_short = (
            draft.strings and not draft.entry.is_obsolete and not draft.is_damaged and not _has_translation(draft)
        )
        is_alone = not draft.strings and not ends_with_line and (draft.entry.user_comments or draft.entry.flags)
        if is_short or is_alone:
            self._blame(self._line, CUT_OFF)
        self._finish()

    def _read_conflict(self, number: int, line: str) -> None:
        """Skip both sides of a conflict: only a person knows which of them is right."""
        if line.startswith("<"):
            self._blame(number, "this is a merge conflict: choose one of the two sides, and remove the marks")
            self._in_conflict = True
        elif not self._in_conflict:
            self._blame(number, "this is the rest of a merge conflict")
        self._draft.is_damaged = True
        if line.startswith(">"):
            self._in_conflict = False

    def _read_line(self, number: int, line: str, *, is_obsolete: bool) -> None:
        draft = self._draft
        if draft.last.startswith("msgstr") and is_obsolete != draft.entry.is_obsolete:
            draft = self._finish()
        if line.startswith("#"):
            if draft.last.startswith("msgstr"):
                draft = self._finish()
            _read_comment(draft.entry, line)
        elif line.startswith('"'):
            if not draft.last:
                if draft.is_damaged:
                    return
                raise _Damaged("this text belongs to nothing: a keyword such as msgstr is missing before it")
            draft.strings[draft.last].append(_unquoted(line))
        else:
            self._read_keyword(number, line, is_obsolete=is_obsolete)

    def _read_keyword(self, number: int, line: str, *, is_obsolete: bool) -> None:
        found = ANY_KEYWORD.match(line)
        if found and found[1] in {"msgctxt", "msgid"} and self._starts_another(found[1]):
            self._finish()
        draft = self._draft
        draft.entry.is_obsolete = is_obsolete
        match = KEYWORD.fullmatch(line)
        if not match:
            if found and found[1] == "msgid":
                draft.strings.setdefault("msgid", [])
            raise _Damaged(
                f'after {found[0]} there must be a text in quotes, "like this"'
                if found
                else f"this cannot be read: {line[:40]}"
            )
        word, form, string = match.groups()
        name = word if form is None else f"{word}[{int(form)}]"
        if form is not None and word != "msgstr":
            raise _Damaged(f"{word} has no forms")
        if name in draft.strings:
            raise _Damaged(f"{name} is there twice")
        if word == "msgid":
            draft.entry.line = number
        draft.last = name
        draft.strings[name] = []
        draft.strings[name].append(_unquoted(string))

    def _starts_another(self, word: str) -> bool:
        """Whether a msgctxt or msgid belongs to the next entry. One without a translation is cut off, or damaged."""
        draft = self._draft
        if not draft.strings:
            return False
        if word == "msgid" and set(draft.strings) == {"msgctxt"}:
            return False
        if not _has_translation(draft) and not draft.is_damaged and not draft.entry.is_obsolete:
            self._blame(draft.entry.line or self._line, "its translation is missing: there is no msgstr")
        return True

    def _blame(self, number: int, reason: str) -> None:
        self._draft.is_damaged = True
        if not self._in_conflict:
            self._file.faults.append(Fault(number, reason, self._draft.text))

    def _finish(self) -> _Draft:
        draft, self._draft = self._draft, _Draft(is_damaged=self._in_conflict)
        if draft.strings and not draft.is_damaged:
            try:
                _complete(draft)
            except _Damaged as error:
                if not draft.entry.is_obsolete:
                    self._file.faults.append(Fault(draft.entry.line or self._line, str(error), draft.text))
            else:
                (self._file.obsolete if draft.entry.is_obsolete else self._file.entries).append(draft.entry)
        return self._draft


def _has_translation(draft: _Draft) -> bool:
    return any(name.startswith("msgstr") for name in draft.strings)


def _complete(draft: _Draft) -> None:
    """Make an entry of the strings that were read."""
    strings = {name: "".join(parts) for name, parts in draft.strings.items()}
    entry = draft.entry
    if "msgid" not in strings:
        raise _Damaged("msgid is missing")
    entry.context = strings.get("msgctxt")
    forms = {int(name[7:-1]): text for name, text in strings.items() if name.startswith("msgstr[")}
    if "msgid_plural" in strings:
        entry.sources = strings["msgid"], strings["msgid_plural"]
        if "msgstr" in strings or not forms:
            raise _Damaged("it has a plural, so its translations must be msgstr[0], msgstr[1] and so on")
        entry.texts = tuple(forms.get(form, "") for form in range(max(forms) + 1))
    else:
        entry.sources = (strings["msgid"],)
        if forms:
            raise _Damaged("it has no msgid_plural, so its translation must be msgstr")
        entry.texts = (strings.get("msgstr", ""),)


def _read_comment(entry: Entry, line: str) -> None:
    kind, rest = line[:2], line[2:].strip()
    if kind in {"#,", "#="}:
        entry.flags |= {flag for flag in (part.strip() for part in rest.split(",")) if flag}
    elif kind == "#.":
        entry.auto_comments.append(rest)
    elif kind not in {"#:", "#|"}:
        comment = line[1:].strip()
        if comment:
            entry.user_comments.append(comment)


def _unquoted(line: str) -> str:
    found = STRING.match(line)
    if not found:
        raise _Damaged("the closing quote is missing")
    if found.end() != len(line):
        rest = line[found.end() :].strip()
        if '"' in rest:
            raise _Damaged('a quote inside of a text must be written as \\"')
        raise _Damaged(f"there is something after the closing quote: {rest[:40]}")
    text = line[1:-1]
    return ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code in ESCAPES:
        return ESCAPES[code]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8) % 256)
    raise _Damaged(f"\\{code} means nothing: write \\\\ for a backslash")


def _take_header(file: File) -> None:
    """Take the header out of the entries."""
    found = next((entry for entry in file.entries if entry.key == (None, "")), None)
    if not found:
        if not any(not fault.text and fault.reason != CUT_OFF for fault in file.faults):
            file.faults.append(Fault(1, 'the header is missing: an empty msgid "" at the beginning'))
        return
    if found is not file.entries[0]:
        file.faults.append(Fault(found.line, "this header is not at the beginning"))
    file.entries.remove(found)
    file.comments = found.user_comments
    for line in filter(None, (line.strip() for line in found.texts[0].split("\n"))):
        name, colon, value = line.partition(":")
        if not colon or " " in name.strip():
            file.faults.append(Fault(found.line, f"the header is damaged: {line[:40]}"))
        else:
            file.header[name.strip().lower()] = value.strip()
    charset = file.header.get("content-type", "").rpartition("charset=")[2].strip().lower()
    # CHARSET is what xgettext writes into a new template.
    if charset not in {"", "utf-8", "utf8", "us-ascii", "ascii", "charset"}:
        file.faults.append(Fault(found.line, f"the header says {charset}: save the file as UTF-8"))


def _find_duplicates(file: File) -> None:
    """Drop entries that are there twice and equal; two that differ are a fault, of which the later one is kept."""
    kept: dict[tuple[str | None, str], Entry] = {}
    for entry in file.entries:
        known = kept.pop(entry.key, None)
        kept[entry.key] = entry
        if known and (known.sources, known.texts) != (entry.sources, entry.texts):
            what = f"is defined twice: here and in line {known.line}; keep the right one"
            file.faults.append(Fault(entry.line, what, entry.sources[0]))
    file.entries = list(kept.values())


def lines_of(faults: list[Fault]) -> Iterator[tuple[int, str]]:
    """Yield the line and the words for each fault."""
    for fault in faults:
        yield fault.line, quoted(fault.text, fault.reason) if fault.text else fault.reason


def quoted(text: str, reason: str, length: int = 60) -> str:
    """Return `reason` after the beginning of the text it is about."""
    one_line = " ".join(text.split())
    short = one_line if len(one_line) <= length else f"{one_line[: length - 3]}..."
    return f'"{short}": {reason}'
