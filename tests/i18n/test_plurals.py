"""The plural rules agree with CLDR."""

import pytest
from babel import Locale

from app.i18n.plurals import SAMPLE, TABLE, rule_of


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
