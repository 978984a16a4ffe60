"""Our own table of plural rules: what a catalog's header says about plurals is never evaluated."""

import gettext
from dataclasses import dataclass
from functools import cache

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


def rule_of(key: str) -> PluralRule:
    """Return the rule of a locale such as `pt_BR`; raises LookupError when the table lacks its language."""
    try:
        return TABLE.get(key) or TABLE[key.partition("_")[0]]
    except KeyError:
        msg = f"The plural rule of {key} is unknown: add it to {__name__}."
        raise LookupError(msg) from None
