"""The rules of the waiting list, as tables of cases."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.parties.waiting_list import allocation
from app.parties.waiting_list.allocation import AllocationReason, QueueEntry

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def line(*groups):
    """Return queue entries given as size, (size, smallest) or (size, smallest, "rests"); the first has the key 1."""
    waiters = []
    for key, group in enumerate(groups, 1):
        size, least, *rests = group if isinstance(group, tuple) else (group, group)
        waiters.append(QueueEntry(key, size, least, bool(rests)))
    return waiters


def offers(queue, free, *, strict_order, guest_seats=20):
    decided = allocation.allocate_seats(queue, free, strict_order=strict_order, guest_seats=guest_seats)
    return {verdict.rsvp_id: verdict.seats for verdict in decided if verdict.seats}


@pytest.mark.parametrize(
    ("groups", "free", "before_48_hours", "after"),
    [
        # no free seats, or nobody on the waiting list
        ([], 5, {}, {}),
        ([1, 1], 0, {}, {}),
        # first come, first served
        ([1, 1, 1], 2, {1: 1, 2: 1}, {1: 1, 2: 1}),
        ([2, 2], 5, {1: 2, 2: 2}, {1: 2, 2: 2}),
        ([4], 4, {1: 4}, {1: 4}),
        # a large group is not overtaken while the order is strict, and is afterwards
        ([4, 1], 2, {}, {2: 1}),
        ([4, 1, 1], 3, {}, {2: 1, 3: 1}),
        ([1, 4, 1], 3, {1: 1}, {1: 1, 3: 1}),
        ([4, 3, 2, 1], 3, {}, {2: 3}),
        # a group that would come with fewer is offered the free seats
        ([(4, 2), 1], 2, {1: 2}, {1: 2}),
        ([(4, 2), 1], 3, {1: 3}, {1: 3}),
        ([(4, 2), 1], 5, {1: 4, 2: 1}, {1: 4, 2: 1}),
        ([(4, 3), (4, 1)], 2, {}, {2: 2}),
        # a group that let an offer expire does not block others
        ([(1, 1, "rests"), 1], 1, {2: 1}, {2: 1}),
        ([(4, 4, "rests"), 2], 2, {2: 2}, {2: 2}),
        ([(1, 1, "rests")], 1, {}, {}),
        # nor does a group that could never fit
        ([21, 2], 3, {2: 2}, {2: 2}),
        ([(21, 2), 2], 3, {1: 3}, {1: 3}),
    ],
)
def test_seats_are_offered_in_turn(groups, free, before_48_hours, after):
    assert offers(line(*groups), free, strict_order=True) == before_48_hours
    assert offers(line(*groups), free, strict_order=False) == after


def test_each_group_gets_a_reason():
    queue = line((1, 1, "rests"), 30, 2, 4, 1)
    why = [verdict.reason for verdict in allocation.allocate_seats(queue, 4, strict_order=True, guest_seats=20)]
    assert why == [
        AllocationReason.PAUSED,
        AllocationReason.TOO_MANY,
        AllocationReason.OFFERED,
        AllocationReason.TOO_FEW,
        AllocationReason.BEHIND,
    ]
    why = [verdict.reason for verdict in allocation.allocate_seats(queue, 3, strict_order=False, guest_seats=20)]
    assert why == [
        AllocationReason.PAUSED,
        AllocationReason.TOO_MANY,
        AllocationReason.OFFERED,
        AllocationReason.TOO_FEW,
        AllocationReason.OFFERED,
    ]
    assert allocation.allocate_seats(line(1), 0, strict_order=True, guest_seats=20)[0].reason is AllocationReason.FULL


groups = st.lists(st.integers(1, 6).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))), max_size=8)


@given(groups, st.integers(0, 12), st.booleans())
def test_offers_fit_the_free_seats_and_the_accepted_party_sizes(given_groups, free, guarded):
    queue = line(*given_groups)
    offered = offers(queue, free, strict_order=guarded)
    assert sum(offered.values()) <= free
    assert all(group.minimum <= offered[group.rsvp_id] <= group.size for group in queue if group.rsvp_id in offered)
    left = free - sum(offered.values())
    missed = [group for group in queue if group.rsvp_id not in offered]
    if guarded:
        # Nobody is overtaken, and the next group does not fit into the rest.
        assert sorted(offered) == list(range(1, len(offered) + 1))
        assert not missed or missed[0].minimum > left
    else:
        assert all(group.minimum > left for group in missed)


@pytest.mark.parametrize(
    ("before", "guarded"),
    [(49 * HOUR, True), (48 * HOUR + timedelta(seconds=1), True), (48 * HOUR, False), (HOUR, False)],
)
def test_strict_order_ends_48_hours_before_the_start(before, guarded):
    assert allocation.is_strict_order(NOW + before, NOW) is guarded


@pytest.mark.parametrize(
    ("left", "lasts"),
    [
        (timedelta(days=30), 12 * HOUR),
        (24 * HOUR, 12 * HOUR),
        (23 * HOUR, 11.5 * HOUR),
        (4 * HOUR, 2 * HOUR),
        (70 * MINUTE, 35 * MINUTE),
        (60 * MINUTE, 30 * MINUTE),
        (40 * MINUTE, 30 * MINUTE),
        (30 * MINUTE, 30 * MINUTE),
        (10 * MINUTE, 10 * MINUTE),
        (timedelta(0), timedelta(0)),
    ],
)
def test_an_offer_is_shorter_near_the_start(left, lasts):
    assert allocation.offer_expiry(NOW, NOW + left) == NOW + lasts
