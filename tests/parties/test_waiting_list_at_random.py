"""Random steps of guests, hosts and the clock, sequential and concurrent: the invariants hold after each of them.

DINNERPARTY_THOROUGH=yes runs for longer.
"""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from app import clock
from app.extensions import db
from app.parties.enums import OfferState, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps.types import RsvpResult
from app.parties.waiting_list.models import WaitOffer
from tests.parties.waiting_list import PartySteps, recreate_party
from tests.support import THOROUGH
from tests.support.factories import MemberFactory

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
GUESTS, THREADS, STEPS_EACH = 6, (50 if THOROUGH else 20), 4
# A tenth of Hypothesis' default, because an example is a whole party.
EXAMPLES_SHARE, STEPS = 10, 20
guest = st.integers(0, GUESTS - 1)
size = st.integers(1, 4)


@pytest.fixture
def guests(app):
    return [member.id for member in MemberFactory.create_batch(GUESTS)]


class PartyMachine(RuleBasedStateMachine):
    """One party from its creation; the clock moves only by rules."""

    app = host = guest_ids = None

    def __init__(self):
        super().__init__()
        clock.set_now(NOW)
        # Whether time has passed since the last accepted step.
        self.settled = True

    @initialize(
        seats=st.integers(3, 7),
        hours=st.sampled_from((10, 47, 60, 200)),
        groups=st.lists(st.tuples(size, st.none() | size), min_size=GUESTS, max_size=GUESTS),
    )
    def create_party(self, seats, hours, groups):
        self.table = PartySteps(
            self.app, recreate_party(self.app, self.host, seats_=seats, hours=hours), self.guest_ids
        )
        for who, (many, least) in enumerate(groups):
            self.table.answer(who, many, least, wait=True)
        self.seated = self.table.seated()

    def step(self, outcome, *, by=None):
        """Check a step, which may have cost only those in `by` their seats."""
        self.settled = self.settled or outcome is not None
        seated = self.table.seated()
        lost = {key for key, held in self.seated.items() if seated.get(key, 0) < held}
        assert lost <= {self.guest_ids[each] for each in by or ()}, "somebody lost seats by what others did"
        self.seated = seated

    @rule(who=guest, many=size, least=st.none() | size, wait=st.booleans())
    def answer(self, who, many, least, wait):
        before = dict(self.seated)
        outcome = self.table.answer(who, many, least, wait=wait)
        shrank = before.get(self.guest_ids[who], 0) > many
        self.step(outcome, by=[who] if shrank else ())

    @rule(who=guest)
    def say_no(self, who):
        self.step(self.table.say_no(who), by=[who])

    @rule(who=guest)
    def withdraw(self, who):
        self.step(self.table.withdraw(who), by=[who])

    @rule(who=guest)
    def withdraw_from_a_seat(self, who):
        seated = [each for each in range(GUESTS) if self.guest_ids[each] in self.seated]
        if seated:
            self.withdraw(seated[who % len(seated)])

    @rule(who=guest)
    def remove(self, who):
        self.step(self.table.remove(who), by=[who])

    @rule(who=guest)
    def claim(self, who):
        who = self.with_an_offer(who)
        offer = self.pending(who)
        outcome = self.table.claim(who)
        self.step(outcome)
        if offer is None:
            return
        if offer.is_open:
            assert isinstance(outcome, RsvpResult)
            assert self.seated[self.guest_ids[who]] == offer.seats
        else:
            # It was void when it was read, whether or not the scheduler had run.
            assert outcome is None or outcome.offer_expired
            assert self.table.status(who) != RsvpStatus.YES

    @rule(who=guest, stay=st.booleans())
    def decline(self, who, stay):
        who = self.with_an_offer(who)
        offer = self.pending(who)
        self.step(self.table.decline(who, stay=stay))
        # A guest who is offered seats again is offered other seats, and more.
        again = self.pending(who)
        assert None in {offer, again} or (again.id != offer.id and (again.seats > offer.seats or not offer.is_open))

    @rule(wanted=st.booleans())
    def ask_for_approval(self, wanted):
        self.step(self.table.ask_for_approval(wanted=wanted))

    @rule(who=guest)
    def approve(self, who):
        asked = [each for each in range(GUESTS) if self.table.status(each) == RsvpStatus.AWAITING_APPROVAL]
        if asked:
            self.step(self.table.approve(asked[who % len(asked)]))

    @rule(who=guest)
    def check_in(self, who):
        self.step(self.table.check_in(who))

    @rule(who=guest)
    def check_out(self, who):
        self.step(self.table.check_out(who))

    @rule(who=guest)
    def miss(self, who):
        self.step(self.table.miss(who), by=[who])

    @rule(who=guest)
    def came(self, who):
        self.step(self.table.came(who))

    @rule(number=st.integers(1, 9))
    def set_seats(self, number):
        held = sum(self.seated.values()) + sum(offer.seats for offer in self.all_pending() if offer.is_open)
        with self.app.app_context():
            status = db.session.get(DinnerParty, self.table.party_id).status
        outcome = self.table.set_seats(number)
        assert (outcome is None) == (number < held) or status != "published"
        self.step(outcome)

    @rule()
    def end_an_offer(self):
        self.step(self.table.end_an_offer())

    @rule()
    def sweep(self):
        self.table.sweep()
        self.settled = True
        self.step(None)

    @rule(hours=st.sampled_from((0.1, 0.6, 3, 6, 12, 13, 30)))
    def wait(self, hours):
        clock.set_now(clock.now() + timedelta(hours=hours))
        self.settled = False
        assert not any(offer.is_open for offer in self.all_pending() if offer.expires_at <= clock.now())

    @rule(who=guest)
    def shrink(self, who):
        large = [each for each in range(GUESTS) if self.seated.get(self.guest_ids[each], 0) > 1]
        if large:
            self.answer(large[who % len(large)], 1, None, wait=False)

    @precondition(lambda self: len(self.table.seated()) > 1)
    @rule(sure=st.integers(0, 3))
    def cancel(self, sure):
        if sure == 3:
            self.step(self.table.cancel())
            assert self.table.status(0) != RsvpStatus.OFFERED

    @invariant()
    def invariants_hold(self):
        assert not self.table.violations(settled=self.settled)

    def all_pending(self):
        with self.app.app_context():
            return list(db.session.scalars(select(WaitOffer).where(WaitOffer.state == OfferState.PENDING)))

    def with_an_offer(self, who):
        """Return a guest with an open offer, or any guest if there is none."""
        keys = {offer.rsvp_id for offer in self.all_pending()}
        with self.app.app_context():
            members = set(db.session.scalars(select(Rsvp.member_id).where(Rsvp.id.in_(keys))))
        among = [each for each in range(GUESTS) if self.guest_ids[each] in members]
        return among[who % len(among)] if among else who

    def pending(self, who):
        with self.app.app_context():
            statement = select(WaitOffer).join(WaitOffer.rsvp).where(WaitOffer.state == OfferState.PENDING)
            return db.session.scalars(statement.where(Rsvp.member_id == self.guest_ids[who])).one_or_none()


def test_random_sequential_steps_keep_the_invariants(app, cast, guests):
    here = type("EveningHere", (PartyMachine,), {"app": app, "host": cast.host, "guest_ids": guests})
    run_state_machine_as_test(
        here,
        settings=settings(
            max_examples=max(settings.default.max_examples // EXAMPLES_SHARE, 1),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # Shrinking takes minutes: the usual run shows the failing example as it is.
            phases=tuple(Phase) if THOROUGH else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


def all_at_once(app, act):
    """Run `act` in many threads at once, each with its number."""
    barrier = threading.Barrier(THREADS)

    def one(number):
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def some_step(table, chance):
    who = chance.randrange(len(table.guests))
    many = chance.randint(1, 4)
    least = chance.choice((None, chance.randint(1, many)))
    steps = (
        *[lambda: table.answer(who, many, least, wait=chance.random() < 0.5)] * 5,
        *[lambda: table.claim(who)] * 3,
        lambda: table.decline(who, stay=chance.random() < 0.5),
        *[lambda: table.withdraw(who)] * 2,
        lambda: table.say_no(who),
        lambda: table.remove(who),
        lambda: table.approve(who),
        lambda: table.check_in(who),
        lambda: table.check_out(who),
        lambda: table.ask_for_approval(wanted=chance.random() < 0.3),
        lambda: table.set_seats(chance.randint(5, 12)),
        table.end_an_offer,
        table.sweep,
    )
    return chance.choice(steps)()


def test_random_concurrent_steps_keep_the_invariants(app, cast):
    clock.set_now(NOW)
    guests = [member.id for member in MemberFactory.create_batch(20)]
    table = PartySteps(app, recreate_party(app, cast.host, seats_=9, hours=200), guests)
    seed = random.randrange(10**6)  # noqa: S311 - repeatable, not secret

    def act(number):
        chance = random.Random(f"{seed} {number}")  # noqa: S311
        return [some_step(table, chance) for _step in range(STEPS_EACH)]

    all_at_once(app, act)
    table.sweep()
    assert table.violations() == [], f"seed {seed}"


def test_control_overbooking_is_detected(app, cast):
    """The control: reading first and writing later overbooks, and the checks above detect it."""
    guests = [member.id for member in MemberFactory.create_batch(THREADS)]
    table = PartySteps(app, recreate_party(app, cast.host, seats_=9, hours=200), guests)
    all_have_read = threading.Barrier(THREADS)

    def naive(number):
        with app.app_context():
            taken = db.session.get(DinnerParty, table.party_id).seats_taken
            db.session.rollback()
            all_have_read.wait()
            statement = update(DinnerParty).where(DinnerParty.id == table.party_id).values(seats_taken=taken + 1)
            db.session.execute(statement)
            db.session.add(
                Rsvp(
                    party_id=table.party_id,
                    member_id=guests[number],
                    email=f"{number}@example.com",
                    status=RsvpStatus.YES,
                )
            )
            db.session.commit()

    all_at_once(app, naive)
    assert f"2 seats count as taken, {THREADS + 1} are held" in table.violations()
