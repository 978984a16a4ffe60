"""Named queries: right numbers on both databases, asked by those who may."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import config
from app import audit, clock, metrics, scheduler
from app.charts.model import Refusal
from app.dashboards.data import reader
from app.dashboards.data import service as data
from app.database import transaction
from app.extensions import db
from app.named_queries import QUERIES
from app.outbox.models import EmailState
from app.parties.enums import OfferState, PartyStatus, RsvpStatus, WaitingListEventKind
from app.parties.models import CoHost, RsvpPerson
from app.parties.waiting_list.models import WaitingListEvent
from tests.support.factories import (
    DinnerPartyFactory,
    MemberFactory,
    OutboxEmailFactory,
    RsvpFactory,
    WaitOfferFactory,
)
from tests.support.statements import count_statements

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
JUNE_BEGINS = datetime(2030, 6, 1, tzinfo=UTC)
MAY, JUNE = date(2030, 5, 1), date(2030, 6, 1)
OWN = {"my_parties_per_month", "my_guests_per_party", "my_no_shows"}


@pytest.fixture(autouse=True)
def noon():
    clock.set_now(NOON)


@pytest.mark.both_databases
def test_parties_are_counted_in_the_month_in_which_they_begin_in_utc(rows, cast):
    # The first moment of May, and the last of June.
    DinnerPartyFactory(host=cast.host, starts_at=datetime(2030, 5, 1, tzinfo=UTC))
    DinnerPartyFactory(host=cast.friend, starts_at=datetime(2030, 6, 30, 23, 59, 59, tzinfo=UTC))
    DinnerPartyFactory(host=cast.host, starts_at=NOON, status=PartyStatus.DONE)
    DinnerPartyFactory(host=cast.host, starts_at=NOON, cancelled=True)
    DinnerPartyFactory(host=cast.host, starts_at=NOON, draft=True)
    DinnerPartyFactory(host=cast.host, starts_at=datetime(2030, 7, 1, tzinfo=UTC))
    assert rows(cast.admin, "parties_per_month", months=3) == [[date(2030, 4, 1), 0, 0], [MAY, 1, 0], [JUNE, 2, 1]]
    assert rows(cast.admin, "parties_per_month", months=1, host="Host") == [[JUNE, 1, 1]]
    assert rows(cast.host, "my_parties_per_month", months=2) == [[MAY, 1, 0], [JUNE, 1, 1]]
    assert rows(cast.stranger, "my_parties_per_month", months=1) == [[JUNE, 0, 0]]


@pytest.mark.both_databases
def test_seats_and_answers_are_those_of_parties_that_are_held(app, rows, cast):
    party = DinnerPartyFactory(host=cast.host, starts_at=NOON, number_seats=10)
    RsvpFactory(party=party, party_size=3)
    RsvpFactory(party=party, waiting=True, party_size=2)
    RsvpFactory(party=party, declined=True)
    RsvpFactory(party=party, status=RsvpStatus.WITHDRAWN)
    RsvpFactory(party=party, maybe=True)
    RsvpFactory(party=DinnerPartyFactory(starts_at=NOON, draft=True))
    assert rows(cast.admin, "seats_and_answers", months=1) == [[JUNE, 10, 4, 2, 1, 1, 2]]
    assert rows(cast.admin, "seats_and_answers", months=1, host="friend") == [[JUNE, 0, 0, 0, 0, 0, 0]]
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=party.id, member_id=cast.friend.id))
    for member in (cast.host, cast.friend):
        assert rows(member, "my_guests_per_party") == [[party.title, NOON, 10, 4, 2, 2]]
    assert rows(cast.stranger, "my_guests_per_party") == []


@pytest.mark.both_databases
def test_the_latest_parties_of_a_host_are_shown_in_their_order(rows, ask, cast):
    first, second, third = (
        DinnerPartyFactory(host=cast.host, starts_at=NOON + timedelta(days=day)) for day in range(3)
    )
    assert [row[0] for row in rows(cast.host, "my_guests_per_party", parties=2)] == [second.title, third.title]
    assert [row[0] for row in rows(cast.host, "my_guests_per_party", party=first.slug)] == [first.title]
    others = DinnerPartyFactory(host=cast.friend)
    refused = ask(cast.host, {"query": "my_guests_per_party", "parameters": {"party": others.slug}})
    assert refused == Refusal(f"You host no party “{others.slug}”.")


@pytest.mark.both_databases
def test_no_shows_are_counted_by_people_at_parties_that_have_begun(rows, cast):
    party = DinnerPartyFactory(host=cast.host, starts_at=NOON - timedelta(days=1), status=PartyStatus.DONE)
    RsvpFactory(party=party, here=True, party_size=3)
    RsvpFactory(party=party, status=RsvpStatus.NO_SHOW)
    RsvpFactory(party=DinnerPartyFactory(starts_at=NOON + timedelta(days=1)), status=RsvpStatus.NO_SHOW)
    assert rows(cast.admin, "no_shows", months=2) == [[MAY, 0, 0, None], [JUNE, 3, 1, 25.0]]
    assert rows(cast.host, "my_no_shows", months=1) == [[JUNE, 3, 1, 25.0]]
    assert rows(cast.friend, "my_no_shows", months=1) == [[JUNE, 0, 0, None]]


@pytest.mark.both_databases
def test_guests_wait_from_when_they_last_joined_to_each_offer(app, rows, cast):
    for hours, state in ((2, OfferState.CLAIMED), (6, OfferState.EXPIRED)):
        offer = WaitOfferFactory(created_at=NOON, state=state)
        with app.app_context(), transaction():
            for ago in (hours, 100):
                db.session.add(
                    WaitingListEvent(
                        party_id=offer.party_id,
                        rsvp_id=offer.rsvp_id,
                        kind=WaitingListEventKind.JOINED,
                        at=NOON - timedelta(hours=ago),
                    )
                )
    assert rows(cast.admin, "waiting_times", months=2) == [[MAY, 0, 0, None, None], [JUNE, 2, 1, 4.0, 6.0]]


@pytest.mark.both_databases
def test_diets_are_counted_by_season_and_those_of_few_people_left_out(app, rows, cast):
    def eat(starts_at, *diets):
        answer = RsvpFactory(party=DinnerPartyFactory(starts_at=starts_at, number_seats=20), party_size=len(diets))
        with app.app_context(), transaction():
            db.session.add_all(
                RsvpPerson(rsvp_id=answer.id, position=number, diets=each) for number, each in enumerate(diets)
            )

    eat(NOON, *[["vegan", "no_pork"]] * 4)
    eat(NOON - timedelta(days=10), ["no_pork"])
    # Spring, and a key that the underscore of no_pork would match as a pattern.
    eat(NOON - timedelta(days=20), *[["vegan"]] * 5, *[["noxpork"]] * 5)
    assert rows(cast.admin, "diets_by_season", months=12) == [
        [date(2030, 3, 1), "Vegan", 5],
        [JUNE, "No pork", 5],
    ]


@pytest.mark.both_databases
def test_accounts_logins_and_emails_are_counted(app, rows, cast):
    with app.app_context(), transaction():
        audit.record("logged_in", "member")
    MemberFactory(locale="en_AU", joined_at=NOON - timedelta(days=31))
    MemberFactory(locale=None, erased_at=NOON)
    MemberFactory(locale="ar")
    OutboxEmailFactory(state=EmailState.SENT, created_at=NOON - timedelta(days=1))
    OutboxEmailFactory(state=EmailState.FAILED, created_at=datetime(2030, 6, 15, tzinfo=UTC))
    today, yesterday = NOON.date(), NOON.date() - timedelta(days=1)
    assert rows(cast.admin, "registrations_per_month", months=2) == [[MAY, 1], [JUNE, 7]]
    assert rows(cast.admin, "logins_per_day", days=2) == [[yesterday, 0], [today, 1]]
    assert rows(cast.admin, "languages_of_members") == [
        ["English", 5], ["English (United Kingdom)", 1], ["العربية", 1],
    ]  # fmt: skip
    assert rows(cast.admin, "emails_by_state", days=2) == [[yesterday, 0, 0, 1, 0], [today, 0, 0, 0, 1]]


def test_the_site_tells_how_fast_it_is_and_how_far_its_languages_are(app, ask, rows, cast, monkeypatch):
    assert isinstance(ask(cast.admin, {"query": "site_performance"}), Refusal)
    monkeypatch.setitem(app.config, "METRICS_TOKEN", "x" * 20)
    app.extensions["counters"].delete()
    with app.app_context():
        metrics.count(f"{metrics.DURATION}_bucket", 3, le="0.1")
        metrics.count(f"{metrics.DURATION}_bucket", 1, le="+Inf")
    shown = {row[0]: row[1:] for row in rows(cast.admin, "site_performance")}
    assert (shown["≤ 0.1 s"], shown["> 10 s"], shown["≤ 0.05 s"]) == ([3, 75.0], [1, 25.0], [0, 0.0])
    languages = {row[0]: row for row in rows(cast.admin, "translation_progress")}
    assert {"Español", "العربية"} <= set(languages)
    assert all(translated > 1000 for _name, translated, *_more in languages.values())


def test_those_who_may_not_are_refused_and_others_are_answered(ask, cast, client_of):
    for name, query in QUERIES.items():
        answers = {who: ask(member, {"query": name}) for who, member in (("admin", cast.admin), ("host", cast.host))}
        assert ask(None, {"query": name}) == Refusal("You may not see these data.")
        if name != "site_performance":
            assert not isinstance(answers["admin"], Refusal), answers
        assert isinstance(answers["host"], Refusal) == (name not in OWN), name
        assert (query.permission is None) == (name in OWN)


@pytest.mark.both_databases
def test_no_query_takes_more_than_a_few_statements(app, ask, cast):
    DinnerPartyFactory(host=cast.host)
    for name in QUERIES:
        # The first one reads the permissions.
        ask(cast.admin, {"query": name, "parameters": {}})
        app.extensions.pop("dashboard_data")
        with count_statements() as statements:
            ask(cast.admin, {"query": name})
        # Permissions; two statements about the last months, and two about those that the job has not counted.
        assert len(statements) <= 6, "\n".join(statements)


@pytest.mark.both_databases
def test_periods_that_are_over_for_long_are_counted_once_a_day_by_a_job(app, rows, cast):
    def count():
        app.extensions.pop("dashboard_data", None)
        counted = rows(cast.admin, "parties_per_month", months=4)
        assert rows(cast.admin, "parties_per_month", months=4, host="host") == counted or is_stale
        return [parties for _month, parties, _cancelled in counted]

    def add(month):
        DinnerPartyFactory(host=cast.host, starts_at=datetime(2030, month, 3, tzinfo=UTC), status=PartyStatus.DONE)

    is_stale = False
    for month in (3, 3, 4, 5, 6):
        add(month)
    assert count() == [2, 1, 1, 1]
    job = next(job for job in scheduler.JOBS if job.name == "figures")
    with app.app_context():
        assert job.run() == "1018 figures counted"
        assert job.run() == ""
    assert count() == [2, 1, 1, 1]
    # The month before this one, and this one, are counted when somebody looks.
    is_stale = True
    for month in (3, 5, 6):
        add(month)
    assert count() == [2, 1, 2, 2]
    clock.set_now(NOON + timedelta(days=1))
    with app.app_context():
        assert job.run() == "1018 figures counted"
    is_stale = False
    assert count() == [3, 1, 2, 2]
    # The job does not run any more.
    add(3)
    clock.set_now(NOON + timedelta(days=3))
    assert count() == [4, 1, 2, 2]
    # A new month, before the job.
    clock.set_now(datetime(2030, 7, 1, tzinfo=UTC))
    assert count() == [1, 2, 2, 0]


def test_the_documents_name_every_query_its_columns_and_who_may_ask():
    text = (Path(config.ROOT) / "docs" / "dashboards.md").read_text("utf-8")

    def row(query):
        columns = ", ".join(f"`{each.name}`" + (f" ({each.unit})" if each.unit else "") for each in query.columns)
        parameters = ", ".join(f"`{each.name}`" for each in query.parameters)
        who = "`{}` on `{}`".format(*query.permission) if query.permission else "every member, about their own"
        return f"| `{query.name}` | {columns} | {parameters} | {who} |"

    assert not [query.name for query in QUERIES.values() if row(query) not in text]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("query", "column", "shown"),
    [
        ("parties_per_month", "cancelled", {"Off"}),
        ("parties_per_month", "parties", {"First", "Last", "Off"}),
        ("emails_by_state", "sent", {"arrived"}),
    ],
)
def test_a_value_leads_to_the_list_of_what_it_counts(ask, cast, client_of, query, column, shown):
    for title, day, is_off in (
        ("Before", datetime(2030, 4, 30, 23, 59, 59, tzinfo=UTC), False),
        ("First", datetime(2030, 5, 1, tzinfo=UTC), False),
        ("Last", datetime(2030, 5, 31, 23, 59, 59, tzinfo=UTC), False),
        ("Off", datetime(2030, 5, 15, tzinfo=UTC), True),
        ("After", JUNE_BEGINS, False),
    ):
        DinnerPartyFactory(title=title, starts_at=day, cancelled=is_off)
    for subject, state, hours in (
        ("arrived", EmailState.SENT, 0),
        ("lost", EmailState.FAILED, 0),
        ("old", EmailState.SENT, 24),
    ):
        OutboxEmailFactory(subject=subject, state=state, created_at=NOON - timedelta(hours=hours))
    table = ask(cast.admin, {"query": query, "parameters": {"months": 2} if "month" in query else {"days": 1}})
    page = client_of(cast.admin).get(table.links[column][0])
    assert page.status == 200
    assert page.flashes == []
    everything = {"Before", "First", "Last", "Off", "After", "arrived", "lost", "old"}
    assert {text for text in everything if f">{text}<" in re.sub(r"\s*([<>])\s*", r"\1", page.text)} == shown


def test_what_is_chosen_by_host_leads_nowhere(ask, cast):
    assert ask(cast.admin, {"query": "parties_per_month", "parameters": {"host": "Host"}}).links == {}


def test_who_sees_it_by_a_link_is_not_led_to_what_they_may_not_see(app, cast):
    with app.test_request_context(), reader.reading_as(db.session.merge(cast.admin)):
        assert data.load({"query": "parties_per_month"}, {}).links == {}
