"""Many guests answer at the same moment, through several processes: exactly as many sit down as there are chairs."""

import secrets
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import insert, update

from app.accounts.models import LoginSession, Member
from app.accounts.rules import token_hash
from app.extensions import db
from app.outbox.models import Letter
from app.parties.models import DinnerParty, Rsvp
from app.parties.service import seats
from tests.support.factories import DinnerPartyFactory, RsvpFactory

pytestmark = pytest.mark.both_databases
GUESTS, SEATS = 200, 8


@pytest.fixture
def guests(app, cast):
    """200 members who are logged in: each with the cookie and the token that their browser would send."""
    with app.app_context():
        rows = [
            {"username": f"guest{n}", "email": f"guest{n}@example.com", "first_name": "Guest", "last_name": str(n),
             "active": True, "roles": []}
            for n in range(GUESTS)
        ]  # fmt: skip
        host = db.session.get(Member, cast.friend.id)
        members = [Member(**{**row, "roles": list(host.roles)}) for row in rows]
        db.session.add_all(members)
        db.session.flush()
        tokens = [secrets.token_urlsafe(32) for _member in members]
        db.session.execute(
            insert(LoginSession),
            [
                {"token_hash": token_hash(token), "member_id": member.id}
                for member, token in zip(members, tokens, strict=True)
            ],
        )
        db.session.commit()
        return [_browser(app, member.id, token) for member, token in zip(members, tokens, strict=True)]


def _browser(app: Flask, member_id: int, token: str) -> tuple[str, str]:
    csrf = secrets.token_hex(20)
    session = {"login": token, "_user_id": str(member_id), "_fresh": True, "csrf_token": csrf}
    cookie = app.session_interface.get_signing_serializer(app).dumps(session)
    return cookie, URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(csrf)


def test_200_answers_for_8_seats_through_two_processes(app, server, guests, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=SEATS)
    running = server.start(WORKERS="2", SECRET_KEY=app.secret_key)
    barrier = threading.Barrier(GUESTS)

    def answer(browser):
        cookie, csrf = browser
        with closing(HTTPConnection(urlsplit(running.url).netloc, timeout=120)) as connection:
            connection.connect()
            barrier.wait()
            connection.request(
                "POST",
                f"/parties/{party.slug}/rsvp",
                urlencode({"answer": "yes", "csrf_token": csrf}),
                {"Cookie": f"session={cookie}", "Content-Type": "application/x-www-form-urlencoded"},
            )
            response = connection.getresponse()
            response.read()
            return response.status

    with ThreadPoolExecutor(GUESTS) as pool:
        statuses = Counter(pool.map(answer, guests))
    assert statuses == {303: GUESTS}
    answers = Counter(row.status for row in records.all(Rsvp))
    assert answers == {"yes": SEATS, "waitlisted": GUESTS + 1 - SEATS}
    assert records.fresh(party).seats_taken == SEATS
    letters = Counter(letter.kind for letter in records.all(Letter))
    assert letters == {"rsvp_yes": SEATS - 1, "rsvp_waitlisted": GUESTS + 1 - SEATS}


def _at_once(app, count, act):
    barrier = threading.Barrier(count)

    def one(number):
        with app.app_context():
            barrier.wait()
            result = act(number)
            db.session.commit()
            return result

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_the_guarded_update_seats_as_many_as_there_are_chairs(app, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=SEATS)
    taken = _at_once(app, 30, lambda _number: seats.take(party.id, 1))
    assert taken.count(True) == SEATS - 1
    assert records.fresh(party).seats_taken == SEATS


def test_reading_first_and_writing_then_would_sell_seats_twice(app, cast):
    """The control: without the guard, the same threads seat more than there are chairs."""
    party = DinnerPartyFactory(host=cast.host, number_seats=SEATS)
    all_have_read = threading.Barrier(30)

    def naive(_number):
        taken = db.session.get(DinnerParty, party.id).seats_taken
        db.session.rollback()
        all_have_read.wait()
        if taken < SEATS:
            statement = update(DinnerParty).where(DinnerParty.id == party.id).values(seats_taken=taken + 1)
            db.session.execute(statement)
        return taken < SEATS

    assert _at_once(app, 30, naive).count(True) > SEATS


def test_one_guest_in_many_tabs_holds_one_seat(app, client_of, new_visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    tabs = [client_of(cast.friend) for _number in range(6)]
    barrier = threading.Barrier(len(tabs))

    def answer(tab):
        barrier.wait()
        return tab.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}).flashes[0][0]

    with ThreadPoolExecutor(len(tabs)) as pool:
        assert set(pool.map(answer, tabs)) == {"info"}
    assert records.fresh(party).seats_taken == 2
    assert records.count(Rsvp) == 2


def test_seats_given_back_at_once_all_go_to_those_who_wait(app, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=4)
    seated = [RsvpFactory(party=party) for _number in range(3)]
    for _number in range(5):
        RsvpFactory(party=party, waiting=True)
    guests = [client_of(row.member) for row in seated]
    barrier = threading.Barrier(len(guests))

    def withdraw(guest):
        barrier.wait()
        return guest.post(f"/parties/{party.slug}/withdraw").flashes

    with ThreadPoolExecutor(len(guests)) as pool:
        assert list(pool.map(withdraw, guests)) == [[("info", "Your seats have been released.")]] * 3
    assert Counter(row.status for row in records.all(Rsvp)) == {"yes": 4, "cancelled": 3, "waitlisted": 2}
    assert records.fresh(party).seats_taken == 4
