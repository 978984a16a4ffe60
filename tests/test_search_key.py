"""Words are searched and sorted by one key, which Python, SQLite and PostgreSQL compute alike."""

import re
import unicodedata

import pytest
from sqlalchemy import String, literal, select

from app import search_key
from app.extensions import appbuilder_of, db
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory

SAME = [
    ("ambar", "Ámbar"),
    ("agri isik", "AĞRI IŞIK"),
    ("istanbul", "İstanbul"),
    ("strasse", "STRAẞE"),
    ("lodz", "Łódź"),
    ("tonder", "TØNDER"),
    ("aeroe", "Æröe"),
    ("σισυφοσ", "ΣΊΣΥΦΟΣ"),
    ("елка", "Ёлка"),
    ("محمد", "مُحَمَّد"),
    ("fine", "ﬁｎｅ"),
]


@pytest.mark.parametrize(("key", "spelling"), SAME)
def test_the_key_has_neither_case_nor_marks(key, spelling):
    assert search_key.key(spelling) == search_key.key(unicodedata.normalize("NFD", spelling)) == key


def test_vowel_signs_that_make_another_word_stay():
    assert search_key.key("कि") != search_key.key("कु")
    assert search_key.key("か") != search_key.key("が")


@pytest.mark.both_databases
def test_the_database_computes_the_same_key(app):
    assigned = [chr(code) for code in range(1, 0x20000) if unicodedata.category(chr(code))[0] in "LMNPSZ"]
    texts = [f"a{''.join(assigned[start : start + 64])}" for start in range(0, len(assigned), 64)]
    with app.app_context():
        for start in range(0, len(texts), 100):
            some = texts[start : start + 100]
            keys = db.session.execute(select(*(search_key.search_key(literal(each)) for each in some))).one()
            # What is too new for one of both is left out.
            different = [(each, got) for each, got in zip(some, keys, strict=True) if got != search_key.key(each)]
            assert different == []
        assert db.session.scalar(select(search_key.search_key(literal(None)))) is None


@pytest.mark.both_databases
def test_patterns_are_literal(app):
    with app.app_context():
        for wanted, found in (("%", False), ("Á_", False), ("ám", True), ("ÁMBAR", True), ("b\\", False)):
            assert db.session.scalar(select(search_key.is_like(literal("Ámbar"), wanted, "%", "%"))) is found, wanted


# -- the lists


NAMES = ("Zoë", "Álvaro", "Ámbar", "amber", "Bo")


@pytest.mark.both_databases
def test_generated_lists_search_and_sort_by_the_key(client_of, cast):
    for name in NAMES:
        DinnerPartyFactory(host=cast.host, title=f"{name}s table")
    admin = client_of(cast.admin)

    def titles(query):
        return re.findall(r">([^<>]*)s table<", admin.get(f"/dinnerparties/list/?{query}").text)

    assert titles("_oc_DinnerPartyModelView=title&_od_DinnerPartyModelView=asc") == [
        "Álvaro", "Ámbar", "amber", "Bo", "Zoë"
    ]  # fmt: skip
    operators = {"_flt_0_title=AMB": {"Ámbar", "amber"}, "_flt_2_title=ámbar": {"Ámbar"}, "_flt_6_title=Ä": set(),
                 "q=zoe": {"Zoë"}, "q=ALVARO+Tablé": {"Álvaro"}}  # fmt: skip
    assert {query: set(titles(query)) for query in operators} == operators


@pytest.mark.both_databases
def test_the_api_and_suggestions_search_by_the_key(client_of, cast):
    amber = MemberFactory(username="amber", first_name="Ámbar", last_name="Łoś")
    admin = client_of(cast.admin)
    found = admin.get("/dinnerparties/options/host?q=lOs").json
    assert [each["value"] for each in found] == [amber.username]
    RsvpFactory(party=DinnerPartyFactory(host=cast.host, slug="soup"), name="Æsa Ørn")
    assert "Æsa" in client_of(cast.host).get("/parties/soup/guests?q=aesa+orn").text


def test_lists_sort_what_people_write_by_its_key(app):
    """A column of words that lists order has to say that it is one."""
    codes = {"username", "email", "recipient", "slug"}
    forgotten = set()
    with app.app_context():
        for view in appbuilder_of(app).baseviews:
            for column in getattr(view, "order_columns", None) or ():
                attribute = view.datamodel.order_by(column)
                stored = attribute.property.columns[0]
                is_choice = column in getattr(view, "choices_columns", {})
                if isinstance(stored.type, String) and not is_choice and stored.name not in codes:
                    forgotten |= set() if search_key.is_words(attribute) else {str(attribute)}
    assert forgotten == set()
