"""On a page of an unfinished language, what is shown in English says so to browsers and screen readers."""

import pytest
from flask import jsonify, render_template_string
from flask_babel import lazy_gettext, lazy_pgettext

from app.i18n import untranslated
from app.i18n.untranslated import CLOSING, OPENING
from tests.i18n.conftest import MakeSite, WritePo

PAGE = """
<title>{{ _('Search') }}</title>
<p title="{{ _('Guests') }} > {{ label }}">{{ _('Guests') }}, {{ _('Party') }}, {{ label }}, {{ month }}</p>
<select><option>{{ _('Guests') }}</option></select>
<script type="application/json">{"a": "{{ _('Guests') }}"}</script><textarea>{{ label }}</textarea><!-- {{ label }} -->
{{ _('Hi %(name)s', name='<b>') }}
"""
LABEL, MONTH = lazy_gettext("Seats"), lazy_pgettext("month", "May")
ENGLISH = '<span lang="en" dir="ltr">{}</span>'


def test_english_texts_keep_their_language_and_direction(write_po: WritePo, make_site: MakeSite) -> None:
    texts = ("Search", "Guests", "Seats", "Hi %(name)s")
    empty = "".join(f'msgid "{text}"\nmsgstr ""\n\n' for text in texts)
    write_po("he", f'{empty}msgid "Party"\nmsgstr "מסיבה"\n\nmsgctxt "month"\nmsgid "May"\nmsgstr "מאי"\n')
    site = make_site(LANGUAGE_BETA_PERCENT=0)
    site.add_url_rule("/page", "page", lambda: render_template_string(PAGE, label=LABEL, month=MONTH))
    site.add_url_rule("/json", "json", lambda: jsonify(render_template_string("{{ _('Guests') }}")))
    client = site.test_client()
    guests, seats = ENGLISH.format("Guests"), ENGLISH.format("Seats")
    found = client.get("/page?_l_=he").text
    assert f'<p title="Guests > Seats">{guests}, מסיבה, {seats}, מאי</p>' in found
    assert "<option>Guests</option>" in found
    assert '{"a": "Guests"}</script><textarea>Seats</textarea><!-- Seats -->' in found
    assert ENGLISH.format("Hi &lt;b&gt;") in found
    assert client.get("/json?_l_=he").json == "Guests"
    assert "span" not in client.get("/page?_l_=en").text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (f"<p>{OPENING}A{CLOSING}</p>", f"<p>{ENGLISH.format('A')}</p>"),
        (f"<a title='{OPENING}A{CLOSING}>' href=x>", "<a title='A>' href=x>"),
        (f'<input value="<{OPENING}A{CLOSING}">{OPENING}B', '<input value="<A"><span lang="en" dir="ltr">B'),
        (f"<TITLE>{OPENING}A{CLOSING}</TITLE>", "<TITLE>A</TITLE>"),
        (f"1 < 2 {OPENING}A{CLOSING}", f"1 < 2 {ENGLISH.format('A')}"),
    ],
)
def test_marks_become_elements_only_where_html_has_elements(html: str, expected: str) -> None:
    assert untranslated.spans(html) == expected
