"""Checks of the catalogs. A problem is reported like a compiler error: file, line, text, reason."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from babel.messages.catalog import Catalog

from app import doctor
from app.doctor import Finding, error, ok
from app.i18n import catalogs, files, locales, po, quality, validity
from app.i18n.catalogs import CatalogError
from app.i18n.plurals import rule_of

MAX_FAULTS = 5
SERVED = "Until it is mended and the site is started again, the text of before is shown, or the English one."


@dataclass(frozen=True)
class Problem:
    """A mistake in a catalog or in the template."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@doctor.check("languages", quick=True)
def languages() -> Iterator[Finding]:
    """Whether the texts of each language are served as they are in its files."""
    for key in (info.key for info in (*locales.shipped(), *locales.hidden())):
        faults = catalogs.status(key, *locales.directories(), cache=locales.cache()).faults
        for fault in faults[:MAX_FAULTS]:
            yield error(f"{key}: {fault}.", SERVED)
        if len(faults) > MAX_FAULTS:
            yield error(f"{key}: {len(faults) - MAX_FAULTS} more.", SERVED)
        if not faults:
            yield ok(f"{key}: the texts are served as they are in the files.")


def check(root: Path, directory: Path) -> list[Problem]:
    """Return everything that is wrong with the template and the catalogs in `directory`."""
    path = directory / "messages.pot"
    fresh = files.extract(root)
    problems = []
    if not path.exists() or path.read_bytes() != files.dump(fresh, None).encode():
        problems.append(Problem(path, 1, "not what the sources say: run `flask i18n extract`"))
    for catalog in files.po_paths(directory):
        problems += check_catalog(catalog, fresh)
    return [
        replace(each, path=each.path.relative_to(root)) if each.path.is_relative_to(root) else each for each in problems
    ]


def check_catalog(path: Path, template: Catalog) -> list[Problem]:
    """Return everything that is wrong with one catalog."""
    key = files.key_of(path)
    try:
        rule = rule_of(key)
        catalog = catalogs.read(path)
    except CatalogError as error:
        return [Problem(path, line, message) for line, message in error.problems]
    except LookupError as error:
        return [Problem(path, 1, str(error.args[0]))]
    # A language that was never complete may be unfinished.
    unfinished = _incomplete(catalog, template) if catalog.is_kept_complete else ()
    problems = [Problem(path, line, reason) for line, reason in unfinished]
    terms = quality.glossary(path.parents[1])
    for message in catalogs.messages(catalog):
        texts = catalogs.texts_of(message)
        if all(texts):
            wrong = validity.problems(catalogs.sources_of(message), texts, rule)
            seen = () if message.fuzzy else quality.problems(catalogs.sources_of(message), texts, key, terms)
            problems += [Problem(path, message.lineno or 1, _quote(message.id, reason)) for reason in (*wrong, *seen)]
    problems += [
        Problem(path, first.line, _quote(first.sources, f"its translation seems to be that of “{second.sources[0]}”"))
        for first, second in quality.swapped(catalogs.read_entries(path).entries)
    ]
    if path.read_bytes() != files.dump(catalog, key).encode():
        problems.append(Problem(path, 1, "not in the canonical form: run `flask i18n format`"))
    return sorted(problems, key=lambda problem: problem.line)


def _incomplete(catalog: Catalog, template: Catalog) -> Iterator[tuple[int, str]]:
    """Yield line and reason of every message that is missing, unfinished or obsolete."""
    wanted = {(message.context, catalogs.sources_of(message)) for message in catalogs.messages(template)}
    found = set()
    for message in catalogs.messages(catalog):
        key = (message.context, catalogs.sources_of(message))
        found.add(key)
        line = message.lineno or 1
        if key not in wanted:
            yield line, _quote(message.id, "is not in the sources: run `flask i18n update`")
        elif message.fuzzy:
            yield line, _quote(message.id, "is marked fuzzy: correct it and remove the mark")
        elif not all(catalogs.texts_of(message)):
            yield line, _quote(message.id, "is not translated")
    for obsolete in catalog.obsolete.values():
        yield obsolete.lineno or 1, _quote(obsolete.id, "is obsolete: run `flask i18n format`")
    for _context, sources in sorted(wanted - found, key=str):
        yield 1, _quote(sources, "is missing: run `flask i18n update`")


def _quote(msgid: str | tuple[str, ...] | list[str], reason: str) -> str:
    return po.quoted(msgid if isinstance(msgid, str) else msgid[0], reason)
