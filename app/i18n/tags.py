"""Names of languages: keys as Babel and directories have them, tags as HTTP has them, and how they are related."""

from functools import cached_property, lru_cache

from babel import Locale
from babel.core import UnknownLocaleError, get_global

SOURCE = "en"
ALIASES = {"iw": "he", "no": "nb", "zh_CN": "zh_Hans", "zh_SG": "zh_Hans", "zh_TW": "zh_Hant"}
MAX_TAG_LENGTH = 35


def direction(key: str) -> str:
    """Return `ltr` or `rtl`; `ltr` for an unknown locale."""
    locale = parse(key)
    return locale.text_direction if locale else "ltr"


class KnownLocale(Locale):
    """A locale that is made once for a process, with all that Babel reads of it. Its key is asked for with each text."""

    @cached_property
    def key(self) -> str:
        return super().__str__()

    def __str__(self) -> str:
        return self.key


@lru_cache(maxsize=1024)
def parse(tag: str) -> Locale | None:
    """Return the locale that a key or tag names, or None."""
    name = tag.replace("-", "_")
    if not name or len(name) > MAX_TAG_LENGTH:
        return None
    try:
        return KnownLocale.parse(ALIASES.get(name, name))
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
