"""Concurrent RSVPs through several processes never exceed the seats."""

import secrets
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import insert, update

from app.accounts.models import LoginSession, Member
from app.accounts.rules import token_hash
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps.types import RsvpRequest
from app.parties.waiting_list import seats
from tests.support import THOROUGH
from tests.support.factories import DinnerPartyFactory, RsvpFactory

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]
SEATS = 8
GUESTS, GUEST_SEATS, LARGEST = (500 if THOROUGH else 120), 40, 4
CONNECTIONS_EACH = 20


@pytest.fixture
def guests(app, cast):
    """Logged-in members: their IDs, session cookies and CSRF tokens."""
    with app.app_context():
        host = db.session.get(Member, cast.friend.id)
        members = [
            Member(
                username=f"guest{n}",
                email=f"guest{n}@example.com",
                first_name="Guest",
                last_name=str(n),
                active=True,
                roles=list(host.roles),
            )
            for n in range(GUESTS)
        ]
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
        return [(member.id, *_browser(app, member.id, token)) for member, token in zip(members, tokens, strict=True)]


def _browser(app: Flask, member_id: int, token: str) -> tuple[str, str]:
    csrf = secrets.token_hex(20)
    session = {"login": token, "_user_id": str(member_id), "_fresh": True, "csrf_token": csrf}
    cookie = app.session_interface.get_signing_serializer(app).dumps(session)
    return cookie, URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(csrf)


def _size(number: int) -> int:
    return number % LARGEST + 1


def test_many_groups_reply_for_40_seats_through_two_processes(app, server, guests, cast, records):
    party, other = (DinnerPartyFactory(host=cast.host, number_seats=GUEST_SEATS + 1) for _number in range(2))
    running = server.start(WORKERS="2", SECRET_KEY=app.secret_key)
    barrier = threading.Barrier(GUESTS // CONNECTIONS_EACH)

    def answer(numbers):
        """Send the RSVPs of some guests, on a connection each, before reading the responses."""
        with ExitStack() as stack:
            connections = [
                stack.enter_context(closing(HTTPConnection(urlsplit(running.url).netloc, timeout=120)))
                for _number in numbers
            ]
            for connection in connections:
                connection.connect()
            barrier.wait()
            for number, connection in zip(numbers, connections, strict=True):
                _member, cookie, csrf = guests[number]
                size = _size(number)
                connection.request(
                    "POST",
                    f"/parties/{party.slug}/rsvp",
                    urlencode({"answer": "yes", "party_size": size, "min_party": size, "csrf_token": csrf}),
                    {"Cookie": f"session-{running.port}={cookie}", "Content-Type": "application/x-www-form-urlencoded"},
                )
            return [connection.getresponse().status for connection in connections]

    parts = [range(start, start + CONNECTIONS_EACH) for start in range(0, GUESTS, CONNECTIONS_EACH)]
    with ThreadPoolExecutor(len(parts)) as pool:
        statuses = Counter(status for part in pool.map(answer, parts) for status in part)
    assert statuses == {303: GUESTS}

    rows = [row for row in records.all(Rsvp) if row.party_id == party.id and row.member_id != cast.host.id]
    assert len(rows) == GUESTS
    assert all(row.party_size == _size(int(row.email.removeprefix("guest").partition("@")[0])) for row in rows)
    seated = [row for row in rows if row.status == "yes"]
    waiting = sorted((row for row in rows if row.status == "waitlisted"), key=lambda row: (row.waitlisted_at, row.id))
    assert len(seated) + len(waiting) == GUESTS
    taken = sum(row.party_size for row in seated)
    assert records.fresh(party).seats_taken == taken + 1
    # The first on the waiting list does not fit, and nobody overtook them.
    assert GUEST_SEATS - taken < waiting[0].party_size
    # The background worker may have told the host meanwhile.
    letters = Counter(letter.kind for letter in records.all(OutboxEmail) if letter.kind != "answers_digest")
    assert letters == {"rsvp_yes": len(seated), "rsvp_waitlisted": len(waiting)}
    assert abs(taken - _seated_one_after_the_other(app, other, guests)) < LARGEST


def _seated_one_after_the_other(app, party, guests):
    """Return the seats taken if the same guests reply one after the other: once one waits, all others wait, too."""
    with app.app_context():
        for number, (member_id, *_browser) in enumerate(guests):
            with transaction() as session:
                wish = RsvpRequest("yes", _size(number), _size(number))
                outcome = rsvp_service.rsvp(
                    session.get(DinnerParty, party.id), Respondent(session.get(Member, member_id)), wish
                )
            if outcome.rsvp.status == "waitlisted":
                break
        db.session.expire_all()
        return db.session.get(DinnerParty, party.id).seats_taken - 1


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


def test_the_guarded_update_never_exceeds_the_seats(app, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=SEATS)
    taken = _at_once(app, 30, lambda _number: seats.take(party.id, 1, seats.IS_PUBLISHED, seats.NOBODY_WAITS))
    assert taken.count(True) == SEATS - 1
    assert records.fresh(party).seats_taken == SEATS


def test_control_without_the_guard_the_party_is_overbooked(app, cast):
    """The control: without the guard, the same threads exceed the seats."""
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


def test_a_guest_replying_in_many_tabs_holds_one_seat(app, client_of, new_visitor, cast, records):
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


def test_seats_released_concurrently_are_all_offered_to_the_waiting_list(app, client_of, cast, records):
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
    assert Counter(row.status for row in records.all(Rsvp)) == {"yes": 1, "offered": 3, "cancelled": 3, "waitlisted": 2}
    assert records.fresh(party).seats_taken == 4
