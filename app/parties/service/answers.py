"""Guests answer."""

from dataclasses import dataclass

from flask_babel import lazy_gettext

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.parties import mail, queries, rules
from app.parties.models import REMOVED, WAITLISTED, WITHDRAWN, YES, DinnerParty, Rsvp
from app.parties.service import seats

CLOSED = {
    rules.Closed.DRAFT: lazy_gettext("This party is not published yet."),
    rules.Closed.CANCELLED: lazy_gettext("This party was cancelled."),
    rules.Closed.LATE: lazy_gettext("The RSVP deadline has passed; contact the host."),
}


@dataclass(frozen=True)
class Outcome:
    """What became of an answer: the row as it is now, and whether it was so before."""

    answer: Rsvp
    changed: bool
    place: int | None = None


def rsvp(party: DinnerParty, member: Member, wish: str, party_size: int = 1) -> Outcome:
    """Record the `wish` (yes, no or maybe) of a member; a yes becomes a seat or a place on the waiting list.

    Raises DomainError when the party takes no answers, and IntegrityError when the same member answered for the
    first time in another request at the same moment.
    """
    _refuse_closed(party)
    _refuse_host(party, member)
    answer = queries.answer_of(party, member)
    if answer is None:
        return _first_answer(party, member, wish, party_size)
    _hold(party)
    db.session.refresh(answer)
    if answer.status == REMOVED:
        raise DomainError(lazy_gettext("You were removed from this table; contact the host."))
    return _change(party, answer, wish, party_size)


def withdraw(party: DinnerParty, member: Member) -> Outcome:
    """Give up a seat, a place in line or a maybe; a freed seat goes to the next in line at once.

    Raises DomainError when there is nothing to give up.
    """
    _refuse_host(party, member)
    if party.is_past:
        raise DomainError(CLOSED[rules.Closed.LATE])
    answer = queries.answer_of(party, member)
    if answer is not None:
        seats.lock(party.id)
        db.session.refresh(answer)
    if answer is None or answer.status not in rules.WITHDRAWABLE:
        raise DomainError(lazy_gettext("Nothing changed: you hold no seat here."), "warning")
    _move(answer, WITHDRAWN)
    return Outcome(answer, changed=True)


def remove(answer: Rsvp) -> int:
    """Take an answer off the table, as an administrator; return how many moved up in its place.

    Raises DomainError when it is the host's.
    """
    if answer.member_id == answer.party.host_id:
        raise DomainError(lazy_gettext("The host keeps their seat; cancel the party instead."))
    seats.lock(answer.party_id)
    db.session.refresh(answer)
    return len(_move(answer, REMOVED))


def _hold(party: DinnerParty) -> None:
    """Hold the party until the end of the transaction; it may have been called off just now."""
    seats.lock(party.id)
    db.session.refresh(party)
    _refuse_closed(party)


def _refuse_closed(party: DinnerParty) -> None:
    reason = rules.closed(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise DomainError(CLOSED[reason])


def _refuse_host(party: DinnerParty, member: Member) -> None:
    if party.host_id == member.id:
        raise DomainError(lazy_gettext("You are the host: your seat is at this table already."), "info")


def _first_answer(party: DinnerParty, member: Member, wish: str, party_size: int) -> Outcome:
    answer = Rsvp(
        party_id=party.id,
        member_id=member.id,
        email=member.email,
        name=member.display_name,
        party_size=party_size,
        status=wish,
        locale=member.locale,
        timezone=member.timezone,
    )
    if wish == YES:
        _seat_or_queue(party, answer)
    else:
        _hold(party)
    db.session.add(answer)
    db.session.flush()
    return _told(party, answer)


def _change(party: DinnerParty, answer: Rsvp, wish: str, party_size: int) -> Outcome:
    waits_already = wish == YES and answer.status == WAITLISTED
    if answer.status == wish or waits_already:
        return Outcome(answer, changed=False, place=_place(answer))
    if wish == YES:
        answer.party_size = party_size
        _seat_or_queue(party, answer)
        db.session.flush()
    else:
        _move(answer, wish)
    return _told(party, answer)


def _seat_or_queue(party: DinnerParty, answer: Rsvp) -> None:
    """Take the seats, or the last place in line."""
    answer.answered_at = clock.now()
    with db.session.no_autoflush:
        seated = seats.take(answer.party_id, answer.party_size)
        if not seated:
            # Look again under the lock: a seat given back just now must not miss who queues just now.
            _hold(party)
            seated = seats.take(answer.party_id, answer.party_size)
    answer.status = YES if seated else WAITLISTED
    answer.waitlisted_at = None if seated else clock.now()


def _move(answer: Rsvp, status: str) -> list[Rsvp]:
    """Change an answer to one that holds no seat, and hand on the seat it held; return who moved up."""
    held_seat = answer.status == YES
    answer.status, answer.waitlisted_at, answer.answered_at = status, None, clock.now()
    db.session.flush()
    return seats.free(answer.party_id, answer.party_size) if held_seat else []


def _told(party: DinnerParty, answer: Rsvp) -> Outcome:
    if answer.status == YES:
        mail.rsvp_yes(party, answer)
    elif answer.status == WAITLISTED:
        place = queries.place_in_line(answer)
        mail.rsvp_waitlisted(party, answer, place)
        return Outcome(answer, changed=True, place=place)
    return Outcome(answer, changed=True)


def _place(answer: Rsvp) -> int | None:
    return queries.place_in_line(answer) if answer.status == WAITLISTED else None
