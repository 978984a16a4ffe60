"""Translated texts break neither pages nor processes, whatever is in the catalogs."""

import logging
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask, render_template_string
from flask_babel import gettext, lazy_gettext, ngettext, npgettext, pgettext
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from wtforms import StringField
from wtforms.validators import InputRequired, Length, NumberRange

from app.i18n import catalogs, runtime
from app.i18n.plurals import rule_of
from tests.i18n.conftest import MakeSite, WritePo

Speak = Callable[..., Flask]

GUESTS = """
msgid "%(num)d guest"
msgid_plural "%(num)d guests"
"""


def test_a_text_is_translated(write_po: WritePo, speak: Speak) -> None:
    write_po("es", 'msgid "Party"\nmsgstr "Fiesta"\n')
    speak("es")
    assert gettext("Party") == "Fiesta"
    assert str(lazy_gettext("Party")) == "Fiesta"
    assert render_template_string("{{ _('Party') }}") == "Fiesta"


def test_a_text_with_a_meaning_is_kept_apart_from_the_same_text_without(write_po: WritePo, speak: Speak) -> None:
    write_po("es", 'msgid "May"\nmsgstr "Puede"\n\nmsgctxt "month"\nmsgid "May"\nmsgstr "Mayo"\n')
    speak("es")
    assert gettext("May") == "Puede"
    assert pgettext("month", "May") == "Mayo"
    assert render_template_string("{{ pgettext('month', 'May') }}") == "Mayo"
    assert npgettext("month", "%(num)d day", "%(num)d days", 2) == "2 days"
    assert render_template_string("{{ npgettext('m', '%(num)d day', '%(num)d days', 1) }}") == "1 day"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "zero"), (1, "one"), (2, "two"), (3, "few 3"), (10, "few 10"), (11, "many 11"), (99, "many 99"),
     (100, "other 100"), (101, "other 101"), (102, "other 102"), (103, "few 103"), (111, "many 111")],
)  # fmt: skip
def test_arabic_has_six_plural_forms(write_po: WritePo, speak: Speak, number: int, expected: str) -> None:
    forms = ["zero", "one", "two", "few %(num)d", "many %(num)d", "other %(num)d"]
    write_po("ar", GUESTS + "\n".join(f'msgstr[{index}] "{form}"' for index, form in enumerate(forms)))
    speak("ar")
    assert ngettext("%(num)d guest", "%(num)d guests", number) == expected
    assert render_template_string("{{ ngettext('%(num)d guest', '%(num)d guests', n) }}", n=number) == expected


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize(("number", "form"), [(0, "many 0"), (1, "one"), (2, "many 2"), (101, "many 101")])
def test_english_and_spanish_have_two(write_po: WritePo, speak: Speak, locale: str, number: int, form: str) -> None:
    write_po(locale, GUESTS + 'msgstr[0] "one"\nmsgstr[1] "many %(num)d"\n')
    speak(locale)
    assert ngettext("%(num)d guest", "%(num)d guests", number) == form


@pytest.mark.parametrize(("number", "expected"), [(0, "0 guests"), (1, "1 guest"), (3, "3 guests")])
@pytest.mark.parametrize("locale", ["ar", "ja"])
def test_an_untranslated_plural_is_proper_english(
    write_po: WritePo, speak: Speak, locale: str, number: int, expected: str
) -> None:
    write_po(locale, GUESTS + "\n".join(f'msgstr[{form}] ""' for form in range(rule_of(locale).count)))
    speak(locale)
    assert ngettext("%(num)d guest", "%(num)d guests", number) == expected


def test_a_plural_with_one_form_missing_is_english_as_a_whole(write_po: WritePo, speak: Speak) -> None:
    write_po("es", GUESTS + 'msgstr[0] "un invitado"\nmsgstr[1] ""\n')
    speak("es")
    assert ngettext("%(num)d guest", "%(num)d guests", 1) == "1 guest"


def test_a_trans_block_has_plurals_too(write_po: WritePo, speak: Speak) -> None:
    forms = 'msgstr[0] "un invitado"\nmsgstr[1] "%(count)s invitados"\n'
    write_po("es", 'msgid "%(count)s guest"\nmsgid_plural "%(count)s guests"\n' + forms)
    speak("es")
    template = "{% trans count=n %}{{ count }} guest{% pluralize %}{{ count }} guests{% endtrans %}"
    assert [render_template_string(template, n=n) for n in (1, 4)] == ["un invitado", "4 invitados"]


def test_a_plural_text_without_a_number_is_the_singular(write_po: WritePo, speak: Speak) -> None:
    forms = "\n".join(
        f'msgstr[{index}] "{name}"' for index, name in enumerate(["zero", "one", "two", "few", "many", "other"])
    )
    write_po("ar", 'msgid "seat"\nmsgid_plural "seats"\n' + forms)
    speak("ar")
    assert gettext("seat") == "one"


def test_a_damaged_plural_header_is_no_code_and_costs_the_plural_texts_alone(write_po: WritePo, speak: Speak) -> None:
    plural = 'msgid "seat"\nmsgid_plural "seats"\nmsgstr[0] "silla"\nmsgstr[1] "sillas"\n'
    path = write_po("es", plural + '\nmsgid "Party"\nmsgstr "Fiesta"\n')
    path.write_text(path.read_text().replace("n != 1", "__import__('os').abort()"))
    speak("es")
    assert ngettext("seat", "seats", 2) == "seats"
    assert gettext("Party") == "Fiesta"


def test_plural_forms_serve_the_numbers_that_the_header_of_their_file_names(write_po: WritePo, speak: Speak) -> None:
    path = write_po("es", 'msgid "seat"\nmsgid_plural "seats"\nmsgstr[0] "sillas"\nmsgstr[1] "silla"\n')
    path.write_text(path.read_text().replace("n != 1", "n == 1"))
    speak("es")
    assert [ngettext("seat", "seats", n) for n in (0, 1, 2)] == ["sillas", "silla", "sillas"]


def test_a_fuzzy_text_is_not_served(write_po: WritePo, speak: Speak) -> None:
    write_po("es", '#, fuzzy\nmsgid "Party"\nmsgstr "Partido"\n')
    speak("es")
    assert gettext("Party") == "Party"


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '\\" onmouseover=\\"alert(1)', "it's", "a & b"])
def test_a_translation_cannot_become_html(write_po: WritePo, speak: Speak, hostile: str) -> None:
    write_po("es", f'msgid "Hi %(name)s"\nmsgstr "{hostile} %(name)s"\n\nmsgid "Hi"\nmsgstr "{hostile}"\n')
    speak("es")
    page = render_template_string("<p title=\"{{ _('Hi') }}\">{{ _('Hi %(name)s', name='x') }}</p>")
    inside = page.removeprefix("<p title=").removesuffix("</p>")
    assert not any(mark in inside.replace('">', "", 1)[1:] for mark in ('"', "'", "<"))


def test_variables_are_escaped_in_html_and_left_alone_in_text(speak: Speak) -> None:
    app = speak("en")
    source = "{{ _('Hi %(name)s', name=name) }}|{% trans name=name %}Hi {{ name }}{% endtrans %}"
    assert render_template_string(source, name="<b>") == "Hi &lt;b&gt;|Hi &lt;b&gt;"
    text = app.jinja_env.overlay(autoescape=False).from_string(source)
    assert text.render(name="<b>") == "Hi <b>|Hi <b>"


def test_only_texts_known_to_be_html_are_html(write_po: WritePo, speak: Speak, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "HTML_MSGIDS", frozenset({"Read <a>%(what)s</a>"}))
    write_po(
        "es",
        'msgid "Read <a>%(what)s</a>"\nmsgstr "Lee <a>%(what)s</a>"\n\nmsgid "Not <b>so</b>"\nmsgstr "No <b>es</b>"\n',
    )
    speak("es")
    assert render_template_string("{{ _('Read <a>%(what)s</a>', what='<i>') }}") == "Lee <a>&lt;i&gt;</a>"
    assert render_template_string("{{ _('Not <b>so</b>') }}") == "No &lt;b&gt;es&lt;/b&gt;"


def test_translating_user_input_cannot_inject_html(speak: Speak) -> None:
    speak("en")
    assert render_template_string("{{ _(error) }}", error="<script>") == "&lt;script&gt;"
    assert render_template_string("{{ _(error) }}", error=Markup("<script>")) == "&lt;script&gt;"
    assert render_template_string("{{ _(error) }}", error=lazy_gettext("100 % <b>")) == "100 % &lt;b&gt;"


@pytest.mark.parametrize("text", ["100 % d", "100%", "%(nobody)s", "%s %s", "%", "%(n)q"])
def test_percent_signs_in_a_plain_text_are_just_percent_signs(write_po: WritePo, speak: Speak, text: str) -> None:
    write_po("es", f'msgid "Full"\nmsgstr "{text}"\n')
    speak("es")
    assert gettext("Full") == text
    assert gettext("Full", number=3) == text
    assert render_template_string("{{ _('Full') }}{{ _('Full', number=3) }}") == text * 2


@pytest.mark.parametrize(
    "text", ["Hola %(nombre)s", "Hola", "Hola %(name)d", "Hola %(name)s 100 % d", "%(name)s%", "%s"]
)
def test_a_wrong_placeholder_falls_back_to_english_and_is_logged(
    write_po: WritePo, speak: Speak, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_po("es", f'msgid "Hi %(name)s"\nmsgstr "{text}"\n')
    speak("es")
    assert gettext("Hi %(name)s", name="Ana") == "Hi Ana"
    assert render_template_string("{{ _('Hi %(name)s', name='Ana') }}") == "Hi Ana"
    assert 'messages.po:6: "Hi %(name)s": not served in es' in caplog.text


def test_a_missing_variable_is_logged_and_never_an_error(speak: Speak, caplog: pytest.LogCaptureFixture) -> None:
    speak("en")
    with caplog.at_level(logging.ERROR):
        assert gettext("Hi %(name)s", other=1) == "Hi %(name)s"
        assert render_template_string("{{ _('Hi %(name)s', other=1) }}") == "Hi %(name)s"
    assert "Formatting failed: variables ['other'], text" in caplog.text


def test_a_doubled_percent_sign_is_shown_once_everywhere(speak: Speak) -> None:
    speak("en")
    assert gettext("100 %% sure") == "100 % sure"
    assert gettext("%(n)d %% sure", n=3) == "3 % sure"
    assert render_template_string("{{ _('100 %% sure') }}{% trans %}100 % sure{% endtrans %}") == "100 % sure" * 2


def test_without_variables_placeholders_are_kept_for_later(speak: Speak) -> None:
    speak("en")
    assert gettext("Not above %(max)s") % {"max": 3} == "Not above 3"


def test_a_lazy_text_escapes_its_variables(speak: Speak) -> None:
    speak("en")
    text = lazy_gettext("Hi %(name)s", name="<script>")
    assert escape(text) == "Hi &lt;script&gt;"
    assert render_template_string("{{ text }}", text=text) == "Hi &lt;script&gt;"


def test_a_lazy_text_in_json_is_plain_text(speak: Speak) -> None:
    app = speak("en")
    assert app.json.dumps(lazy_gettext("Tom & Ana")) == '"Tom & Ana"'
    assert app.json.dumps({"day": date(2026, 1, 31)}).startswith('{"day": "Sat')


def test_a_trans_block_may_be_indented(write_po: WritePo, speak: Speak) -> None:
    write_po("es", 'msgid "Hello there"\nmsgstr "Hola"\n')
    speak("es")
    assert render_template_string("{% trans %}\n   Hello\n   there\n{% endtrans %}") == "Hola"


class Form(FlaskForm):
    """A form with messages of WTForms."""

    name = StringField(validators=[InputRequired(), Length(max=3)])
    seats = StringField(validators=[NumberRange(min=1)])


def _errors(app: Flask, locale: str, **data: str) -> dict[str, list[str]]:
    with app.test_request_context(f"/?_l_={locale}", method="POST", data=data):
        form = Form(meta={"csrf": False})
        form.validate()
        return dict(form.errors)


def test_the_messages_of_forms_come_from_the_catalogs_below_ours(site: Flask) -> None:
    assert _errors(site, "es")["name"] == ["Este campo es obligatorio."]
    assert _errors(site, "en")["name"] == ["This field is required."]


def test_our_catalogs_take_precedence_over_those_of_packages(write_po: WritePo, make_site: MakeSite) -> None:
    write_po("es", 'msgid "This field is required."\nmsgstr "Falta."\n\nmsgid "Search"\nmsgstr "Encuentra"\n')
    assert _errors(make_site(), "es")["name"] == ["Falta."]


def test_plurals_in_forms_follow_our_rule(write_po: WritePo, make_site: MakeSite) -> None:
    source = "Field cannot be longer than %(max)d character"
    forms = "\n".join(f'msgstr[{form}] "form {form}: %(max)d"' for form in range(6))
    write_po("ar", f'msgid "{source}."\nmsgid_plural "{source}s."\n{forms}\n')
    assert _errors(make_site(), "ar", name="abcd")["name"] == ["form 3: 3"]


def test_an_unreadable_file_loses_only_its_own_texts(
    write_po: WritePo, speak: Speak, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_po("es", "")
    path.write_text('msgid "Party"\nmsgxyz "Fiesta"\n')
    speak("es")
    assert gettext("Party") == "Party"
    assert gettext("Search") == "Buscar"
    assert 'messages.po:2: "Party": this cannot be read: msgxyz' in caplog.text


@pytest.mark.parametrize(
    "locale", ["ar", "de", "es", "fr", "he", "ja", "pl", "pt_BR", "ru", "sl", "zh_Hans", "uk", "cs"]
)
def test_unreadable_catalogs_of_packages_are_skipped(site: Flask, locale: str) -> None:
    with site.app_context():
        texts = catalogs.upstream(locale, rule_of(locale))
    assert all(all(forms) for forms in texts.values())
    assert texts[None, "This field is required."]


def test_a_regional_catalog_extends_that_of_its_language(write_po: WritePo, speak: Speak) -> None:
    write_po("pt", 'msgid "Party"\nmsgstr "Festa"\n\nmsgid "Bus"\nmsgstr "Autocarro"\n')
    write_po("pt_BR", 'msgid "Bus"\nmsgstr "Ônibus"\n')
    speak("pt_BR")
    assert (gettext("Party"), gettext("Bus")) == ("Festa", "Ônibus")


def test_a_catalog_never_falls_back_to_another_script(write_po: WritePo, speak: Speak) -> None:
    write_po("zh_Hans", 'msgid "Party"\nmsgstr "聚会"\n')
    write_po("zh_Hant", "")
    speak("zh_Hant")
    assert gettext("Party") == "Party"


def test_outside_of_an_application_a_text_is_english() -> None:
    assert gettext("Hi %(name)s", name="Ana") == "Hi Ana"
