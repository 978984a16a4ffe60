"""How languages count. The forms of a catalog that counts in another way are mapped by the numbers they stand for.

The table is our own, so no release of Babel changes what the forms of a shipped catalog mean; a language that is not in it
counts as CLDR says. At run time no header of a file is evaluated.
"""

import gettext
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from babel import Locale
from babel.core import UnknownLocaleError, get_global
from babel.plural import PluralRule as CldrRule
from babel.plural import to_gettext

# Numbers that show what a form is for; every rule of the table repeats after 100.
SAMPLE = range(201)


@dataclass(frozen=True)
class PluralRule:
    """How a language counts: `count` forms, chosen by `expression` (gettext's C-like syntax) from n."""

    count: int
    expression: str

    @property
    def header(self) -> str:
        """The value of a catalog's Plural-Forms header."""
        return f"nplurals={self.count}; plural=({self.expression});"

    def form(self, n: int) -> int:
        """Return the index of the form for `n` things."""
        return _function(self.expression)(abs(n))

    def numbers(self, form: int) -> tuple[int, ...]:
        """Return the numbers up to 200 that a form is used for."""
        return _numbers(self, form)


@cache
def _numbers(rule: PluralRule, form: int) -> tuple[int, ...]:
    return tuple(n for n in SAMPLE if rule.form(n) == form)


_function = cache(gettext.c2py)

_NONE = PluralRule(1, "0")
_ONE = PluralRule(2, "n != 1")
_ZERO_OR_ONE = PluralRule(2, "n > 1")
_FEW = "n%10>=2 && n%10<=4 && (n%100<12 || n%100>14)"
_SLAVIC = PluralRule(3, f"n%10==1 && n%100!=11 ? 0 : {_FEW} ? 1 : 2")
_POLISH = PluralRule(3, f"n==1 ? 0 : {_FEW} ? 1 : 2")
_CZECH = PluralRule(3, "n==1 ? 0 : n>=2 && n<=4 ? 1 : 2")
_SLOVENE = PluralRule(4, "n%100==1 ? 0 : n%100==2 ? 1 : n%100==3 || n%100==4 ? 2 : 3")
_ROMANIAN = PluralRule(3, "n==1 ? 0 : n==0 || (n%100>0 && n%100<20) ? 1 : 2")
_LITHUANIAN = PluralRule(3, "n%10==1 && (n%100<11 || n%100>19) ? 0 : n%10>=2 && (n%100<11 || n%100>19) ? 1 : 2")
_HEBREW = PluralRule(3, "n==1 ? 0 : n==2 ? 1 : 2")
_ARABIC = PluralRule(6, "n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5")

_LANGUAGES = {
    _NONE: "id ja ko ms th zh",
    _ONE: "bg ca da de el en es et eu fi gl hu it nb nl nn pt_PT sv sw ta tr ur",
    # Vietnamese since CLDR 49: its pronouns distinguish, though its nouns do not.
    _ZERO_OR_ONE: "fa fr hi pt vi",
    _SLAVIC: "be bs hr ru sr uk",
    _POLISH: "pl",
    _CZECH: "cs sk",
    _SLOVENE: "sl",
    _ROMANIAN: "ro",
    _LITHUANIAN: "lt",
    _HEBREW: "he",
    _ARABIC: "ar",
}
TABLE = {language: rule for rule, languages in _LANGUAGES.items() for language in languages.split()}
ENGLISH = TABLE["en"]


HEADER = re.compile(r"\s*nplurals\s*=\s*(\d{1,2})\s*;\s*plural\s*=\s*([^;]{1,1000}?)\s*;?\s*")
MAX_FORMS = 12


def rule_of(key: str) -> PluralRule:
    """Return the rule of a locale such as `pt_BR`; raises LookupError when it is no language of CLDR."""
    parent = get_global("parent_exceptions").get(key, "")
    rule = TABLE.get(key) or TABLE.get(parent) or TABLE.get(key.partition("_")[0]) or _rule_of_cldr(key)
    if rule is None:
        msg = f"The plural rule of {key} is unknown: it is not a language of CLDR."
        raise LookupError(msg)
    return rule


def form_mapping(header: str, rule: PluralRule) -> tuple[int, tuple[int, ...]]:
    """Return how many forms a header declares, and for each form of `rule` the index of its own for the same numbers.

    Where it has several, the one for most of the numbers. Raises ValueError if it cannot be understood.
    """
    if header == rule.header:
        return rule.count, tuple(range(rule.count))
    return _mapped(header, rule)


@cache
def _mapped(header: str, rule: PluralRule) -> tuple[int, tuple[int, ...]]:
    found = HEADER.fullmatch(header)
    count = int(found[1]) if found else 0
    forms: list[int] = []
    if found and 0 < count <= MAX_FORMS:
        with suppress(ArithmeticError, RecursionError, ValueError):
            # Numbers and their operators alone, of which gettext takes a limited number.
            theirs = gettext.c2py(found[2])
            forms = [theirs(n) for n in SAMPLE]
    if not forms or not all(0 <= form < count for form in forms):
        msg = f"not a plural rule: {header[:40]}"
        raise ValueError(msg)
    return count, tuple(
        Counter(forms[n] for n in rule.numbers(form)).most_common(1)[0][0] for form in range(rule.count)
    )


@cache
def _rule_of_cldr(key: str) -> PluralRule | None:
    """Return the rule of CLDR without the categories that only fractions and millions have."""
    try:
        cldr = Locale.parse(key).plural_form
    except (ValueError, UnknownLocaleError):
        return None
    used = {cldr(n) for n in SAMPLE}
    found = HEADER.fullmatch(to_gettext(CldrRule({tag: rule for tag, rule in cldr.rules.items() if tag in used})))
    return PluralRule(int(found[1]), found[2].removeprefix("(").removesuffix(")")) if found else None
