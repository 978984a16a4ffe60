"""Catalogs as the site uses them: the site's own translations, else those of FAB and WTForms; unsafe ones are left out.

The .po files are the truth. What was read of them is kept beside the instance, keyed by their content, so that it cannot be
outdated and a process starts without parsing. If a file is damaged, what can be read of it is served, and of the rest what
was served before; `flask doctor` and the log say what is wrong.
"""

import hashlib
import json
import logging
import re
import tempfile
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import flask_appbuilder
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from wtforms.i18n import messages_path

from app.i18n import plurals, po, tags, validity
from app.i18n.plurals import ENGLISH, PluralRule, form_mapping, rule_of
from app.i18n.po import Entry, Fault

log = logging.getLogger(__name__)

Key = tuple[str | None, str]
Texts = dict[Key, tuple[str, ...]]
UPSTREAM = (
    (Path(flask_appbuilder.__file__).parent / "translations", "messages"),
    (Path(messages_path()), "wtforms"),
)
# A comment `# machine: <engine> <date>`: the translation is used, but no person has reviewed it.
MACHINE = "machine:"
# The comment at the top of a language that was complete once: it has to stay so. Babel would drop a header of our own.
KEEP_COMPLETE = "complete: every text of this language has to be translated"
# What decides how files are read: what was kept is not used after a change of it.
CODE = (Path(__file__), *(Path(str(module.__file__)) for module in (plurals, po, tags, validity)))


class CatalogError(ValueError):
    """A catalog that cannot be read without a guess; `line` is the number of the first damaged line in `path`."""

    def __init__(self, path: Path, line: int, message: str, others: Iterable[tuple[int, str]] = ()) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.message = message
        self.problems = [(line, message), *others]


@dataclass(frozen=True)
class Progress:
    """How far a catalog is. A text counts as translated when all of its forms are, and nobody doubts them."""

    texts: int = 0
    translated: int = 0
    fuzzy: int = 0
    unchecked: int = 0


@dataclass(frozen=True)
class Status:
    """What is known of the catalog of a locale without its texts."""

    progress: Progress
    # It was complete once, so it has to stay complete.
    is_kept_complete: bool = False
    # "file:line: what" for all that is not served as it is in the files.
    faults: tuple[str, ...] = ()


# The number of each text, the same for all locales: each of them needs only its own translations.
_numbers: dict[Key, int] = {}
_numbers_lock = threading.Lock()


class Translations:
    """The texts of one locale. The names of the methods are gettext's, with and without Flask-Babel's u."""

    def __init__(self, texts: Mapping[Key, tuple[str, ...]], rule: PluralRule) -> None:
        self._rule = rule
        # As one string of bytes they need a fifth of the memory. A text that is not there has no length.
        with _numbers_lock:
            packed = {
                _numbers.setdefault(key, len(_numbers)): "\0".join(forms).encode() for key, forms in texts.items()
            }
        count = max(packed, default=-1) + 1
        self._ends = array("I", bytes(4 * (count + 1)))
        end = 0
        for number in range(count):
            end += len(packed.get(number, b""))
            self._ends[number + 1] = end
        self._bytes = b"".join(packed[number] for number in sorted(packed))

    def __contains__(self, key: Key) -> bool:
        return bool(self._forms(key))

    def gettext(self, msgid: str) -> str:
        return self._singular(None, msgid)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return self._plural(None, singular, plural, n)

    def pgettext(self, context: str, msgid: str) -> str:
        return self._singular(context, msgid)

    def npgettext(self, context: str, singular: str, plural: str, n: int) -> str:
        return self._plural(context, singular, plural, n)

    ugettext, ungettext, upgettext, unpgettext = gettext, ngettext, pgettext, npgettext

    def _singular(self, context: str | None, msgid: str) -> str:
        texts = self._forms((context, msgid)) or (msgid,)
        return texts[0] if len(texts) == 1 else texts[self._rule.form(1)]

    def _plural(self, context: str | None, singular: str, plural: str, n: int) -> str:
        texts = self._forms((context, singular))
        if len(texts) == self._rule.count:
            return texts[self._rule.form(int(n))]
        # Not translated: English texts have English plurals.
        return (singular, plural)[ENGLISH.form(int(n))]

    def _forms(self, key: Key) -> tuple[str, ...]:
        number = _numbers.get(key)
        if number is None or number + 1 >= len(self._ends):
            return ()
        found = self._bytes[self._ends[number] : self._ends[number + 1]]
        return tuple(found.decode().split("\0")) if found else ()


def load(key: str, *directories: Path, cache: Path | None = None) -> Translations:
    """Return all texts of a shipped locale; later directories take precedence. What is wrong in the files is logged.

    `cache` is the folder for what was read, or None.
    """
    return _load(key, directories, cache, _digest(key, directories))


def status(key: str, *directories: Path, cache: Path | None = None) -> Status:
    """Return what is known of a locale, without its texts."""
    return _status(key, directories, cache, _digest(key, directories))


def forget() -> None:
    """Have the files be read again, as a new process does."""
    _load.cache_clear()
    _status.cache_clear()


# By the content of the files: several applications in a process share what was read.
@lru_cache(maxsize=64)
def _load(key: str, directories: tuple[Path, ...], cache: Path | None, digest: str) -> Translations:
    kept = _kept_file(key, cache)
    found = _unpacked(kept) if kept and kept.digest == digest else None
    _status, texts = found or _read_anew(key, directories, cache, digest)
    if tags.chain(key)[-1] == tags.SOURCE:
        # They are what is shown without a translation, too.
        texts = {text: forms for text, forms in texts.items() if forms != (text[1],)}
    return Translations(texts, rule_of(key))


@lru_cache(maxsize=64)
def _status(key: str, directories: tuple[Path, ...], cache: Path | None, digest: str) -> Status:
    kept = _kept_file(key, cache)
    return kept.status if kept and kept.digest == digest else _read_anew(key, directories, cache, digest)[0]


def upstream(key: str, rule: PluralRule) -> Texts:
    """Return the translations of FAB and WTForms for a locale, or for its language in the same script."""
    texts: Texts = {}
    for path in _upstream_paths(key):
        texts.update(_compiled(path, rule))
    return texts


def _upstream_paths(key: str) -> Iterator[Path]:
    for root, domain in UPSTREAM:
        name = _nearest(key, (path.name for path in root.iterdir() if path.is_dir()))
        if name:
            yield root / name / "LC_MESSAGES" / f"{domain}.mo"


def _is_kept_complete(file: po.File) -> bool:
    return any(comment.startswith("complete:") for comment in file.comments)


class PoCatalog(Catalog):
    """A catalog for the tools of translators, with what its header says about it."""

    is_kept_complete = False


def read(path: Path) -> PoCatalog:
    """Return a .po or .pot file, its plural forms in the order of our rule; raises CatalogError if anything is damaged."""
    catalog = PoCatalog(charset="utf-8")
    file = read_entries(path)
    catalog.is_kept_complete = _is_kept_complete(file)
    for entry in file.entries:
        _add(catalog, entry)
    for entry in file.obsolete:
        catalog.obsolete[entry.sources[0]] = Message(entry.sources[0], lineno=entry.line)
    return catalog


def read_entries(path: Path) -> po.File:
    """Return the entries of a file, their plural forms in the order of our rule; raises CatalogError."""
    file = _entries_for(path, locale_of(path))
    if file.faults:
        (line, message), *others = po.lines_of(file.faults)
        raise CatalogError(path, line, message, others)
    return file


def locale_of(path: Path) -> str | None:
    """Return the locale of a catalog by its folder; None for the template."""
    return path.parent.parent.name if path.suffix == ".po" else None


def entries_of(data: bytes, key: str) -> po.File:
    """Return the entries of an uploaded or sent file for a locale, with its faults."""
    file = po.parse(data)
    _map_plurals(file, key)
    return file


def _entries_for(path: Path, key: str | None) -> po.File:
    data = path.read_bytes()
    return entries_of(data, key) if key else po.parse(data)


def _map_plurals(file: po.File, key: str) -> None:
    """Bring the plural forms into the order of our rule, by the numbers that the header of the file says they are for."""
    language = file.header.get("language", "")
    if language and not _is_for(language, key):
        file.faults.append(Fault(1, f"the header says that this is {language}, the folder that it is {key}"))
    plural_entries = [entry for entry in file.entries if len(entry.sources) > 1]
    if not plural_entries:
        return
    header = file.header.get("plural-forms", "")
    try:
        count, mapping = form_mapping(header, rule_of(key))
    except ValueError:
        what = "is damaged" if header else "is missing"
        file.faults.append(
            Fault(1, f"the header's Plural-Forms {what}, so nobody knows which form is for which number")
        )
        file.entries = [entry for entry in file.entries if len(entry.sources) == 1]
        return
    for entry in plural_entries:
        if len(entry.texts) > count:
            what = f"it has {len(entry.texts)} plural forms, but the header says {count}"
            file.faults.append(Fault(entry.line, what, entry.sources[0]))
            file.entries.remove(entry)
        else:
            forms = entry.texts + ("",) * (count - len(entry.texts))
            entry.texts = tuple(forms[form] for form in mapping)


def _is_for(language: str, key: str) -> bool:
    """Whether the language that a header names is that of a locale: some programs add a region, others drop it."""
    found = tags.language_and_script(re.split(r"[@.]", language, maxsplit=1)[0])
    return found is None or found == tags.language_and_script(key)


def _add(catalog: Catalog, entry: Entry) -> None:
    is_plural = len(entry.sources) > 1
    catalog.add(
        entry.sources if is_plural else entry.sources[0],
        entry.texts if is_plural else entry.texts[0],
        flags=entry.flags,
        auto_comments=entry.auto_comments,
        user_comments=entry.user_comments,
        lineno=entry.line,
        context=entry.context,
    )


def messages(catalog: Catalog) -> Iterator[Message]:
    """Yield the messages of a catalog without its header."""
    return (message for message in catalog if message.id)


def sources_of(message: Message) -> tuple[str, ...]:
    """Return the English text of a message, or its singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def texts_of(message: Message) -> tuple[str, ...]:
    """Return the translation of a message, or all of its plural forms; missing ones are empty."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def is_unchecked(comments: Iterable[str]) -> bool:
    """Whether these are the comments of a text that a machine translated, and that no person has reviewed yet."""
    return any(comment.startswith(MACHINE) for comment in comments)


def progress_of(entries: Iterable[Entry]) -> Progress:
    """Return how far a catalog is."""
    texts = translated = fuzzy = unchecked = 0
    for entry in entries:
        texts += 1
        fuzzy += "fuzzy" in entry.flags
        translated += "fuzzy" not in entry.flags and all(entry.texts)
        unchecked += is_unchecked(entry.user_comments)
    return Progress(texts, translated, fuzzy, unchecked)


@dataclass
class _Reading:
    """What is read of all the files of a locale."""

    rule: PluralRule
    texts: Texts
    status: Status = field(default_factory=lambda: Status(Progress()))
    faults: list[str] = field(default_factory=list)

    def blame(self, path: Path, line: int, reason: str) -> None:
        self.faults.append(f"{path}:{line}: {reason}")
        log.error("%s:%s: %s", path, line, reason)

    def add(self, path: Path, key: str) -> None:
        """Add what is in a file: later ones take precedence."""
        try:
            file = _entries_for(path, key)
        except OSError as error:
            self.blame(path, 1, f"cannot be read: {error}")
            return
        for line, reason in po.lines_of(file.faults):
            self.blame(path, line, reason)
        for entry in file.entries:
            if "fuzzy" in entry.flags or not all(entry.texts):
                continue
            broken = next(validity.problems(entry.sources, entry.texts, self.rule), None)
            if broken:
                self.blame(path, entry.line, po.quoted(entry.sources[0], f"not served in {key}: {broken}"))
            else:
                self.texts[entry.key] = entry.texts
        self.status = Status(progress_of(file.entries), _is_kept_complete(file))


def _own_paths(key: str, directories: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    for directory in directories:
        for parent in reversed(tags.chain(key)):
            path = directory / parent / "LC_MESSAGES" / "messages.po"
            if path.exists():
                yield path, parent


def _read_anew(key: str, directories: tuple[Path, ...], cache: Path | None, digest: str) -> tuple[Status, Texts]:
    """Read the files of a locale, and keep what was read."""
    rule = rule_of(key)
    reading = _Reading(rule, upstream(key, rule))
    for path, parent in _own_paths(key, directories):
        reading.add(path, parent)
    found = replace(reading.status, faults=tuple(reading.faults))
    texts = reading.texts
    kept = _kept_file(key, cache) if found.faults else None
    before = _unpacked(kept) if kept else None
    if before:
        texts = before[1] | texts
        if before[0].progress.translated > found.progress.translated:
            found = replace(found, progress=before[0].progress)
    _keep(key, cache, digest, found, texts)
    return found, texts


def _digest(key: str, directories: Iterable[Path]) -> str:
    """Return what tells the content of all files that the texts of a locale are read from, and of this code."""
    digest = hashlib.sha256()
    for path in (*CODE, *_upstream_paths(key), *(path for path, _parent in _own_paths(key, directories))):
        with suppress(OSError):
            content = path.read_bytes()
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Kept:
    """What was read before, of files with this digest; the texts as JSON."""

    digest: str
    status: Status
    texts: str


def _kept_file(key: str, cache: Path | None) -> _Kept | None:
    if cache is None:
        return None
    try:
        head, _end, texts = (cache / f"{key}.json").read_text(encoding="utf-8").partition("\n")
        digest, numbers, is_kept_complete, faults = json.loads(head)
        return _Kept(digest, Status(Progress(*numbers), is_kept_complete, tuple(faults)), texts)
    except (OSError, ValueError, TypeError):
        return None


def _unpacked(kept: _Kept) -> tuple[Status, Texts] | None:
    try:
        return kept.status, {(context, msgid): tuple(forms) for context, msgid, *forms in json.loads(kept.texts)}
    except (ValueError, TypeError):
        return None


def _keep(key: str, cache: Path | None, digest: str, found: Status, texts: Texts) -> None:
    """Write what was read; where that is not possible, every process reads the files."""
    if cache is None:
        return
    head = [digest, list(asdict(found.progress).values()), found.is_kept_complete, found.faults]
    rows = [[context, msgid, *forms] for (context, msgid), forms in texts.items()]
    content = f"{json.dumps(head)}\n{json.dumps(rows, ensure_ascii=False, separators=(',', ':'))}"
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=cache, suffix=".new", delete=False) as file:
            file.write(content)
        Path(file.name).replace(cache / f"{key}.json")


def _compiled(path: Path, rule: PluralRule) -> Texts:
    """Return the texts of a package's catalog, without plurals, because its plural rules may differ."""
    try:
        with path.open("rb") as file:
            catalog = read_mo(file)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        log.warning("Texts could not be read from %s", path, exc_info=True)
        return {}
    return {
        (message.context, message.id): (message.string,)
        for message in messages(catalog)
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.string
        and not any(validity.problems((message.id,), (message.string,), rule))
    }


def _nearest(key: str, names: Iterator[str]) -> str | None:
    """Return the directory for a locale, or else one for the same language and script."""
    wanted = tags.language_and_script(key)
    found = sorted(name for name in names if tags.language_and_script(name) == wanted)
    return next((name for name in found if name == key), found[0] if found else None)
