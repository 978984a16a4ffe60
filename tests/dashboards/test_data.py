"""The data of charts: parameters, rights of the reader, and what is kept for a minute."""

from datetime import timedelta

import pytest

from app import clock
from app.charts.model import Refusal, Table
from app.dashboards.data import cache as data_cache
from app.dashboards.data.cache import DataCache
from tests.support.factories import DinnerPartyFactory, MemberFactory
from tests.support.statements import count_statements

MINE = {"query": "my_parties_per_month", "parameters": {"months": 1}}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({}, "This chart does not say where its data come from."),
        ({"query": "no_shows", "values": []}, "This chart does not say where its data come from."),
        ({"query": "secrets"}, "There is no query “secrets”."),
        ({"query": ["no_shows"]}, "There is no query “['no_shows']”."),
        ({"query": "no_shows", "parameters": [1]}, "The parameters of a query are an object of names and values."),
        ({"query": "no_shows", "parameters": {"month": 1}}, "The query “no_shows” has no parameter “month”."),
        ({"query": "no_shows", "parameters": {"months": "0"}}, "Months: Enter a whole number from 1 to 60."),
        ({"query": "no_shows", "parameters": {"months": 61}}, "Months: Enter a whole number from 1 to 60."),
        ({"query": "no_shows", "parameters": {"months": "9" * 5000}}, "Months: Enter a whole number from 1 to 60."),
        ({"query": "no_shows", "parameters": {"months": 1.5}}, "Months: Enter a text or a whole number."),
        ({"query": "no_shows", "parameters": {"months": True}}, "Months: Enter a text or a whole number."),
        ({"query": "no_shows", "parameters": {"months": {"$gt": 1}}}, "Months: Enter a text or a whole number."),
        ({"query": "no_shows", "parameters": {"host": "x' OR 1=1"}}, "There is no member “x' OR 1=1”."),
        (
            {"query": "no_shows", "parameters": {"host": "a\0"}},
            "Username of the host: Enter a name of at most 120 characters.",
        ),
        ({"values": {"a": 1}, "key": "b"}, "The data have no part “b”."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(ask, cast, source, reason):
    assert ask(cast.admin, source) == Refusal(reason)


def test_inputs_of_the_reader_replace_parameters(ask, cast):
    source = {"query": "parties_per_month", "parameters": {"months": 3, "host": ""}}
    assert len(ask(cast.admin, source).rows) == 3
    assert len(ask(cast.admin, source, {"months": "٥", "theme": "dark"}).rows) == 5
    assert len(ask(cast.admin, source, {"months": ""}).rows) == 12
    assert ask(cast.admin, source, {"months": "x"}) == Refusal("Months: Enter a whole number from 1 to 60.")


def test_values_stand_in_their_place_and_share_a_payload_by_keys(ask):
    assert ask(None, {"values": {"bar": [1, 2], "line": [3]}, "key": "bar"}) == [1, 2]
    assert ask(None, {"values": {"multicharts": {"bar": [1, 2]}}, "key": "bar"}) == [1, 2]
    assert ask(None, {"values": [1, 2]}) == [1, 2]


def test_each_reader_gets_what_is_theirs_also_from_what_is_kept(ask, cast):
    DinnerPartyFactory(host=cast.host, starts_at=clock.now())
    assert [ask(member, MINE).rows[0][1] for member in (cast.host, cast.friend, cast.host)] == [1, 0, 1]


def test_an_answer_is_kept_for_a_minute_by_its_arguments(ask, cast):
    now = clock.now()
    clock.set_now(now)

    def count(host=""):
        return ask(cast.admin, {"query": "parties_per_month", "parameters": {"months": 1, "host": host}}).rows[0][1]

    before = count()
    DinnerPartyFactory(host=cast.host, starts_at=now)
    assert (count(), count("host")) == (before, 1)
    clock.set_now(now + timedelta(seconds=59))
    with count_statements() as statements:
        assert count() == before
    assert not [statement for statement in statements if "dinner_party" in statement]
    clock.set_now(now + timedelta(seconds=60))
    assert count() == before + 1


def test_what_is_kept_is_not_for_those_without_the_right(ask, cast):
    source = {"query": "parties_per_month"}
    assert isinstance(ask(cast.admin, source), Table)
    assert isinstance(ask(cast.friend, source), Refusal)


def test_titles_are_in_the_language_of_the_reader_also_of_what_is_kept(ask, cast):
    spanish = MemberFactory(admin=True, locale="es")
    titles = [ask(who, {"query": "emails_by_state"}).columns[3].title for who in (cast.admin, spanish, cast.admin)]
    assert titles == ["Sent", "Enviado", "Sent"]


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(data_cache, "MAX_BYTES", 1000)
    monkeypatch.setattr(data_cache, "MAX_ENTRY_BYTES", 500)
    kept = DataCache()
    for number in range(5):
        kept.store(number, "x" * 300)
    assert [kept.find(number) is not None for number in range(5)] == [False, False, True, True, True]
    kept.store("large", "x" * 600)
    assert kept.find("large") is None
    kept.store(4, "y")
    assert kept.find(4) == ("y",)
    monkeypatch.setattr(data_cache, "MAX_ENTRIES", 2)
    kept.store(5, "z")
    assert [number for number in range(6) if kept.find(number)] == [4, 5]


@pytest.mark.parametrize(
    "source", [MINE, {"api": "/api/v1/parties/secret-supper"}, {"query": "no_shows", "parameters": {"months": 1}}]
)
def test_two_readers_in_one_minute_never_get_what_is_kept_for_the_other(ask, cast, source):
    DinnerPartyFactory(host=cast.host, starts_at=clock.now(), slug="secret-supper", visibility="private")
    alone = {}
    for reader in (cast.host, cast.friend, cast.admin):
        alone[reader.username] = ask(reader, source)
    # In another order, from what is kept.
    for reader in (cast.admin, cast.friend, cast.host):
        assert ask(reader, source) == alone[reader.username]
    assert alone[cast.host.username] != alone[cast.friend.username] or isinstance(alone[cast.friend.username], Refusal)
