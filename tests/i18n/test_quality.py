"""Mistakes of translators and programs, each in one text of a catalog: the checks name them, and nothing else."""

import pytest

from app.i18n import po, quality, validity
from app.i18n.plurals import rule_of
from app.i18n.quality import Term

HELLO = "Hello %(name)s, your dinner is on Friday."
HOLA = "Hola, %(name)s: tu cena es el viernes."
AHLAN = "مرحبًا %(name)s، مأدبتك يوم الجمعة."
LINK = "See https://example.org/help for 30 tips."
GUESTS = ("%(num)d guest came.", "%(num)d guests came.")
TERMS = (Term("guest", ("invitad",), ("huésped",)), Term("dinner", ("cena",), ()))

# Language, English text, a good translation, and the same with a mistake.
SEEDED = [
    ("es", HELLO, HOLA, "Hola: tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(nombre)s: tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)d: tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name): tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena es el viernes, %(name)s."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena es el viernes al 100 %."),
    ("es", HELLO, HOLA, "Hola, %(name)s: <b>tu cena</b> es el viernes."),
    ("es", HELLO, HOLA, " Hola, %(name)s: tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena es el viernes. "),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena es el viernes"),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena es el viernes?"),
    ("es", HELLO, HOLA, "Hola, %(name)s:  tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s:\ntu cena es el viernes."),
    ("es", HELLO, HOLA, "Hello %(name)s, your dinner is on Friday."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena es el viernes ."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cеna es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena (es el viernes."),
    ("es", HELLO, HOLA, "hola, %(name)s: tu cena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu ce\xadna es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena\u2028es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena\u2029es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu \u202ecena es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena\u200b es el viernes."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena &amp; fiesta."),
    ("es", HELLO, HOLA, "Hola, %(name)s: tu cena\\n es el viernes."),
    ("es", "Your reservation", "Tu reservación", "Tu reservacio\u0301n"),
    ("es", "Your reservation", "Tu reservación", "Tu reservaciÃ³n"),
    ("es", "Come in?", "¿Pasas?", "Pasas?"),
    ("es", LINK, "En https://example.org/help hay 30 consejos.", "En https://example.com/help hay 30 consejos."),
    ("es", LINK, "En https://example.org/help hay 30 consejos.", "En https://example.org/help hay 50 consejos."),
    ("es", "The guest of the day", "La invitada del día", "El huésped del día"),
    ("es", "Your dinner", "Tu cena", "Tu almuerzo"),
    ("ar", HELLO, AHLAN, AHLAN.replace("الجمعة", "Friday night")),
    ("ar", HELLO, AHLAN, AHLAN.replace("،", ",").replace("%(name)s", "يا %(name)s صديقي")[:-1] + "، أهلًا, هنا."),
    ("ar", "Come in?", "أتدخل؟", "أتدخل."),
    ("es", "Your seat is kept for you until the end of Friday.", "Tu plaza se guarda hasta el final del viernes.", "Tu."),
]  # fmt: skip


def problems(language: str, source: str, text: str) -> list[str]:
    found = validity.problems([source], [text], rule_of(language))
    return [*found, *quality.problems([source], [text], language, TERMS if language == "es" else ())]


@pytest.mark.parametrize(("language", "source", "good", "wrong"), SEEDED)
def test_a_mistake_is_named_and_the_good_text_is_not(language: str, source: str, good: str, wrong: str) -> None:
    assert problems(language, source, good) == []
    assert problems(language, source, wrong)


def test_plural_forms_are_checked_one_by_one() -> None:
    good = ("Ha venido %(num)d invitado.", "Han venido %(num)d invitados.")
    for wrong, count in ((good, 0), ((good[0], good[1][:-1]), 1), ((good[0], "Han venido  %(num)d invitados."), 1)):
        assert len(list(quality.problems(GUESTS, wrong, "es"))) == count


@pytest.mark.parametrize(
    ("language", "source", "text"),
    [
        ("es", "No", "No"),
        ("es", "Hello,", "Hola:"),
        ("es", "50,000 rows", "50.000 filas"),
        ("ar", "Next 30 days", "الأيام الثلاثون القادمة"),
        ("ar", "Log in with OpenID", "الدخول عبر OpenID"),
        ("ar", "12 hours, for example 7:00 p.m.", "12 ساعة، مثل 7:00 م"),
        ("zh_Hans", "Please wait.", "请稍候。"),
        ("fr", "Really?", "Vraiment\u202f?"),
        ("ja", "Saved…", "保存中..."),
    ],
)
def test_what_languages_do_is_no_mistake(language: str, source: str, text: str) -> None:
    assert problems(language, source, text) == []


def test_neighbours_with_each_others_translations_are_found() -> None:
    words = {
        "guest": "invitado",
        "dinner": "cena",
        "table": "mesa",
        "seat": "plaza",
        "host": "anfitrión",
        "menu": "menú",
    }
    rows = [(f"Change the {a} of the {b}", f"Cambiar {x} de {y}") for a, x in words.items() for b, y in words.items()]
    entries = [po.Entry(number, None, (source,), (text,)) for number, (source, text) in enumerate(rows)]
    assert list(quality.swapped(entries)) == []
    entries[8].texts, entries[9].texts = entries[9].texts, entries[8].texts
    assert (entries[8], entries[9]) in list(quality.swapped(entries))
