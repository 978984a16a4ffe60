"""The languages of the site, and how to find one for a visitor.

A locale is shipped when `translations/` holds a catalog for it, or for the language that it is a region of, if LANGUAGES
in the configuration has it: a region has the texts of its language and its own dates and times. LANGUAGES orders them.
A key is `str(babel.Locale)`, as directories and the database have it; a tag is BCP 47, for HTML and HTTP.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from babel import Locale
from babel.core import UnknownLocaleError, get_global
from flask import Flask, current_app

from app.i18n.plurals import PluralRule, rule_of

SOURCE = "en"
ALIASES = {"iw": "he", "no": "nb", "zh_CN": "zh_Hans", "zh_SG": "zh_Hans", "zh_TW": "zh_Hant"}
MAX_TAG_LENGTH = 35


@dataclass(frozen=True)
class LocaleInfo:
    """A shipped locale."""

    key: str
    tag: str
    plural: PluralRule

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
    """Find the catalogs of `app`."""
    found = {path.parent.parent.name for path in directory(app).glob("*/LC_MESSAGES/messages.po")} | {SOURCE}
    listed = [key for key in app.config.get("LANGUAGES", ()) if not found.isdisjoint(chain(key))]
    shipped_keys = [*listed, *sorted(found.difference(listed))]
    app.extensions["locales"] = {key: _info(key) for key in shipped_keys}


def directory(app: Flask | None = None) -> Path:
    """Return the directory of the site's catalogs: the last one in Flask-Babel's configuration."""
    return Path((app or current_app).extensions["babel"].translation_directories[-1])


def shipped() -> tuple[LocaleInfo, ...]:
    """Return the shipped locales in the order of the language menu."""
    return tuple(_shipped().values())


def find(key: str | None) -> LocaleInfo | None:
    """Return the shipped locale with exactly this key, if there is one."""
    return _shipped().get(key or "")


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
    return match(current_app.config["BABEL_DEFAULT_LOCALE"]) or _shipped()[SOURCE]


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


def direction(key: str) -> str:
    """Return `ltr` or `rtl`; `ltr` for an unknown locale."""
    locale = parse(key)
    return locale.text_direction if locale else "ltr"


@lru_cache(maxsize=1024)
def parse(tag: str) -> Locale | None:
    """Return the locale that a key or tag names, or None."""
    name = tag.replace("-", "_")
    if not name or len(name) > MAX_TAG_LENGTH:
        return None
    try:
        return Locale.parse(ALIASES.get(name, name))
    except (ValueError, UnknownLocaleError):
        return None


@lru_cache(maxsize=1024)
def chain(tag: str) -> tuple[str, ...]:
    """Return the keys from a locale up through its CLDR parents; they all share one script."""
    locale = parse(tag)
    key = str(locale) if locale else ""
    parents: dict[str, str] = dict(get_global("parent_exceptions"))
    script = _script(tag)
    keys = []
    while key and key != "root" and _script(key) == script:
        keys.append(key)
        key = parents.get(key) or key.rpartition("_")[0]
    return tuple(keys)


@lru_cache(maxsize=1024)
def language_and_script(tag: str) -> tuple[str, str] | None:
    """Return the language and the script it is written in, such as ("sr", "Cyrl"), or None."""
    locale = parse(tag)
    if locale is None:
        return None
    likely = get_global("likely_subtags")
    full = likely.get(f"{locale.language}_{locale.territory}") or likely.get(locale.language) or ""
    return locale.language, locale.script or full.partition("_")[2].partition("_")[0]


def _script(tag: str) -> str:
    return (language_and_script(tag) or ("", ""))[1]


def _info(key: str) -> LocaleInfo:
    return LocaleInfo(key=key, tag=key.replace("_", "-"), plural=rule_of(key))


def _shipped() -> dict[str, LocaleInfo]:
    known: dict[str, LocaleInfo] = current_app.extensions["locales"]
    return known
