"""The plural rules agree with CLDR."""

import gettext

import pytest
from babel import Locale
from babel.messages.catalog import Catalog

from app.i18n.plurals import SAMPLE, TABLE, form_mapping, rule_of

POEDIT_POLISH = (
    "nplurals=4; plural=(n==1 ? 0 : (n%10>=2 && n%10<=4) && (n%100<12 || n%100>14) ? 1 : n!=1 && (n%10>=0 && n%10<=1)"
    " || (n%10>=5 && n%10<=9) || (n%100>=12 && n%100<=14) ? 2 : 3);"
)


@pytest.mark.parametrize("key", sorted(TABLE))
def test_each_plural_rule_agrees_with_cldr(key: str) -> None:
    rule, cldr = TABLE[key], Locale.parse(key).plural_form
    pairs = {(rule.form(number), cldr(number)) for number in SAMPLE}
    assert len(pairs) == len({form for form, _tag in pairs}) == len({tag for _form, tag in pairs}) == rule.count


def test_a_regional_locale_uses_the_rule_of_its_language_unless_it_has_its_own() -> None:
    assert [rule_of("pt_BR").form(0), rule_of("pt_PT").form(0)] == [0, 1]


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="The plural rule of tlh is unknown"):
        rule_of("tlh")


def test_negative_numbers_use_the_form_of_positive_ones() -> None:
    assert rule_of("en").form(-1) == 0


@pytest.mark.parametrize("key", ["cy", "ga", "lv", "mt", "is", "ka", "hy", "gd", "br", "kw", "pt_AO", "fil", "dsb"])
def test_every_language_of_cldr_has_a_rule(key: str) -> None:
    rule, cldr = rule_of(key), Locale.parse(key).plural_form
    pairs = {(rule.form(number), cldr(number)) for number in SAMPLE}
    assert len(pairs) == len({form for form, _tag in pairs}) == len({tag for _form, tag in pairs}) == rule.count


@pytest.mark.parametrize(
    ("key", "header", "expected"),
    [
        # Weblate: many (20, 30, …) is a form of its own.
        ("he", "nplurals=4; plural=(n == 1) ? 0 : ((n == 2) ? 1 : ((n > 10 && n % 10 == 0) ? 2 : 3));", (0, 1, 3)),
        # Babel 2.18, whose last two forms are the other way round.
        ("ar", "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=0 && n%100<=2 ? 4 : 5);",
         (0, 1, 2, 3, 5, 4)),
        # Babel 2.19: a form for millions before the usual one.
        ("es", "nplurals=3; plural=(n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2);", (0, 2)),
        ("fr", "nplurals=3; plural=(n == 0 || n == 1) ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;", (0, 2)),
        ("it", "nplurals=3; plural=(n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2)", (0, 2)),
        ("pt_BR", "nplurals=3; plural=(n == 0 || n == 1) ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;", (0, 2)),
        # Poedit and Crowdin.
        ("pl", POEDIT_POLISH, (0, 1, 2)),
        ("ja", "nplurals=1; plural=0;", (0,)),
        # One for all that are not one.
        ("ar", "nplurals=2; plural=(n != 1);", (1, 0, 1, 1, 1, 1)),
    ],
)  # fmt: skip
def test_forms_are_mapped_by_the_numbers_they_stand_for(key: str, header: str, expected: tuple[int, ...]) -> None:
    count, mapping = form_mapping(header, rule_of(key))
    assert mapping == expected
    assert max(mapping) < count


@pytest.mark.parametrize("key", sorted(TABLE))
def test_the_rules_of_this_babel_are_understood_too(key: str) -> None:
    rule, babel = rule_of(key), Catalog(locale=key)
    count, mapping = form_mapping(babel.plural_forms, rule)
    theirs = gettext.c2py(babel.plural_expr)
    wrong = [n for n in SAMPLE if mapping[rule.form(n)] != theirs(n)]
    assert (count, wrong) == (babel.num_plurals, [])


@pytest.mark.parametrize(
    "header",
    ["", "nplurals=INTEGER; plural=EXPRESSION;", "nplurals=2; plural=n > 1 ? 2 : 0;", "nplurals=2; plural=n/0;",
     "nplurals=2; plural=__import__('os').abort();", f"nplurals=2; plural={'(' * 400}n{')' * 400};", "nplurals=99; plural=n;"],
)  # fmt: skip
def test_a_header_that_means_nothing_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="not a plural rule"):
        form_mapping(header, rule_of("es"))
