"""The languages of the site, and how to find one for a visitor.

Each folder in `translations/` is one. A folder without a catalog is a region: it has the texts of its language, and dates and
times of its own. The setting LANGUAGES orders them, and leaves out those that it does not name.
A key is `str(babel.Locale)`, as directories and the database have it; a tag is BCP 47, for HTML and HTTP.

How far its catalog is decides the state of a language. A hidden one is for translators only; one in beta is offered, and said
to be unfinished.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

from babel import Locale
from flask import Flask, current_app

from app import plugins
from app.i18n import catalogs
from app.i18n.plurals import PluralRule, rule_of
from app.i18n.tags import SOURCE, chain, direction, language_and_script, parse

__all__ = ["SOURCE", "chain", "direction", "language_and_script", "parse"]


class State(Enum):
    """How far a language is."""

    HIDDEN = "hidden"
    BETA = "beta"
    COMPLETE = "complete"


@dataclass(frozen=True)
class LocaleInfo:
    """A locale."""

    key: str
    tag: str
    plural: PluralRule
    state: State = State.COMPLETE
    # How many texts are shown in English, and how many no person has checked.
    untranslated: int = 0
    unchecked: int = 0

    # Not at the start: Babel reads a file of 200 KB for each locale.
    @cached_property
    def name(self) -> str:
        """Its name in its own language."""
        name = Locale.parse(self.key).display_name or self.key
        return name[:1].upper() + name[1:]

    @cached_property
    def dir(self) -> str:
        """`ltr` or `rtl`."""
        return Locale.parse(self.key).text_direction


def init_app(app: Flask) -> None:
    """Look at the languages again when they are asked for next. So nothing is read for commands that need none."""
    app.extensions.pop("locales", None)


def directory(app: Flask | None = None) -> Path:
    """Return the directory of the site's catalogs: the last one in Flask-Babel's configuration."""
    return Path((app or current_app).extensions["babel"].translation_directories[-1])


def directories() -> tuple[Path, ...]:
    """Return all directories of catalogs, those of plug-ins first: later ones take precedence."""
    return *plugins.translations_of(current_app), directory()


def cache() -> Path:
    """Return the folder where what was read of the catalogs is kept."""
    return Path(current_app.instance_path) / "catalogs"


def shipped() -> tuple[LocaleInfo, ...]:
    """Return the locales that are offered, in the order of the language menu."""
    return tuple(_shipped().values())


def hidden() -> tuple[LocaleInfo, ...]:
    """Return the locales that only translators see."""
    return tuple(info for info in _known().values() if info.state == State.HIDDEN)


def find(key: str | None) -> LocaleInfo | None:
    """Return the offered locale with exactly this key, if there is one."""
    return _shipped().get(key or "")


def find_known(key: str | None) -> LocaleInfo | None:
    """Return the locale with exactly this key, offered or hidden, if there is one."""
    return _known().get(key or "")


class LanguageNames(Mapping[str, str]):
    """The names of the shipped locales by their keys, as they are when they are looked at."""

    def __getitem__(self, key: str) -> str:
        return _shipped()[key].name

    def __iter__(self) -> Iterator[str]:
        return iter(_shipped())

    def __len__(self) -> int:
        return len(_shipped())


def default() -> LocaleInfo:
    """Return the configured default locale, or English when that one is not shipped."""
    return match(current_app.config["BABEL_DEFAULT_LOCALE"]) or match(SOURCE) or next(iter(_shipped().values()))


def match(tag: str | None) -> LocaleInfo | None:
    """Return the shipped locale that fits `tag` best, or None.

    That is the locale itself, the nearest of its parents, or else one of the same language and script. A region also
    stands for its parent: en_GB for en_001, and so for Australia and India.
    """
    known = _shipped()
    of_parents = {parent: info for info in reversed(known.values()) for parent in chain(info.key)[1:2]}
    for key in chain(tag or ""):
        if key in known or key in of_parents:
            return known.get(key) or of_parents[key]
    written = language_and_script(tag or "")
    return next((info for info in known.values() if written and language_and_script(info.key) == written), None)


def _known() -> dict[str, LocaleInfo]:
    """Return all locales, those that are hidden, too."""
    found: dict[str, LocaleInfo] | None = current_app.extensions.get("locales")
    if found is None:
        found = current_app.extensions["locales"] = {key: _info(key) for key in _keys()}
    return found


def _shipped() -> dict[str, LocaleInfo]:
    return {key: info for key, info in _known().items() if info.state != State.HIDDEN}


def _keys() -> list[str]:
    folders = {path.name for path in directory().glob("*") if path.is_dir() and str(parse(path.name)) == path.name}
    found = folders | {SOURCE}
    wanted = list(current_app.config.get("LANGUAGES") or ())
    listed = [key for key in wanted if str(parse(key)) == key and not found.isdisjoint(chain(key))]
    return listed or [SOURCE, *sorted(found - {SOURCE})]


def _info(key: str) -> LocaleInfo:
    progress = catalogs.status(key, *directories(), cache=cache()).progress
    return LocaleInfo(
        key=key,
        tag=key.replace("_", "-"),
        plural=rule_of(key),
        state=State.COMPLETE if key == SOURCE else _state(progress.texts, progress.translated, progress.unchecked),
        untranslated=progress.texts - progress.translated,
        unchecked=progress.unchecked,
    )


def _state(texts: int, translated: int, unchecked: int) -> State:
    """Return how far a language is with so many texts; one without a catalog of its own has those of its language."""
    if 100 * translated < texts * current_app.config.get("LANGUAGE_BETA_PERCENT", 0):
        return State.HIDDEN
    if 100 * (translated - unchecked) < texts * current_app.config.get("LANGUAGE_COMPLETE_PERCENT", 100):
        return State.BETA
    return State.COMPLETE
