"""Guests answer, alone or as a group, take what they are offered, and leave again."""

from dataclasses import dataclass

from flask_babel import lazy_gettext, lazy_ngettext

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.parties import mail, queries, rules
from app.parties.models import (
    CLAIMED,
    DECLINED,
    EXPIRED,
    NO,
    OFFERED,
    REMOVED,
    REVOKED,
    WAITLISTED,
    WITHDRAWN,
    YES,
    DinnerParty,
    Rsvp,
    Step,
    WaitOffer,
)
from app.parties.rules import Waiter
from app.parties.service import seats
from app.parties.service.line import tell, tell_asked
from app.parties.service.seats import Line

CLOSED = {
    rules.Closed.DRAFT: lazy_gettext("This party is not published yet."),
    rules.Closed.CANCELLED: lazy_gettext("This party was cancelled."),
    rules.Closed.LATE: lazy_gettext("The RSVP deadline has passed; contact the host."),
}
NO_OFFER = lazy_gettext("No seats are offered to you at the moment.")


@dataclass(frozen=True)
class Wish:
    """What a guest asks for. What is None stays as it was; a group without `least` comes together or not at all.

    With `wait` they would rather wait for all their seats than come with those that are free.
    """

    answer: str
    size: int | None = None
    least: int | None = None
    note: str | None = None
    wait: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of an answer: the row as it is now, and whether it was so before."""

    answer: Rsvp
    changed: bool
    place: int | None = None
    # The seats that are held for them until they decide.
    offered: int = 0
    # They held seats before, and hold more or fewer now.
    resized: bool = False
    # Their offer ran out before they decided.
    lapsed: bool = False


@dataclass(frozen=True)
class Partly:
    """Nothing was stored: only `free` of `size` seats are free, and the guest has to say what they would rather."""

    free: int
    size: int


def rsvp(party: DinnerParty, member: Member, wish: Wish) -> Outcome | Partly:
    """Record what a member wishes; a yes becomes seats, a place on the waiting list, or a question.

    Raises DomainError when the party takes no answers or not such a one, and IntegrityError when the same member
    answered for the first time in another request at the same moment.
    """
    _refuse_closed(party)
    _refuse_host(party, member)
    answer = queries.answer_of(party, member)
    if answer is None:
        return _first_answer(party, member, wish)
    line = _look_again(party, answer)
    if answer.status == REMOVED:
        raise DomainError(lazy_gettext("You were removed from this table; contact the host."))
    return _change(party, answer, wish, line)


def claim(party: DinnerParty, member: Member) -> Outcome:
    """Take the seats that are offered. Raises DomainError when none are; one that ran out is told as `lapsed`."""
    answer, offer = _offered(party, member)
    if not offer.is_open:
        return _no_longer_open(answer, offer)
    offer.state = CLAIMED
    answer.status, answer.waitlisted_at, answer.resting = YES, None, False
    answer.party_size, answer.min_party = offer.seats, min(answer.min_party, offer.seats)
    answer.answered_at = clock.now()
    tell(Step.CLAIMED, party.id, answer.id, seats=offer.seats)
    db.session.flush()
    mail.rsvp_yes(party, answer)
    return Outcome(answer, changed=True)


def decline(party: DinnerParty, member: Member, *, stay: bool) -> Outcome:
    """Give offered seats to the next in line, and go, or `stay` in line.

    A group that was offered only a part of its seats keeps its place, and is not asked about so few again. Others
    stand at the end. Raises DomainError when nothing is offered.
    """
    answer, offer = _offered(party, member)
    if not offer.is_open:
        if not stay and answer.status == WAITLISTED:
            _leave(answer, WITHDRAWN)
            return Outcome(answer, changed=True)
        return _no_longer_open(answer, offer)
    offer.state, answer.answered_at = DECLINED, clock.now()
    if not stay:
        answer.status, answer.waitlisted_at = WITHDRAWN, None
    elif offer.seats < answer.party_size:
        answer.status, answer.min_party = WAITLISTED, offer.seats + 1
    else:
        answer.waitlisted_at = queries.end_of_line(party.id)
        answer.status, answer.resting = WAITLISTED, True
    db.session.flush()
    place = _place(answer)
    tell(Step.DECLINED, party.id, answer.id, place=place, seats=offer.seats)
    seats.free(party.id, offer.seats)
    # With others that are free, more may be within reach than was offered.
    return _held(answer, changed=True) if answer.status == OFFERED else Outcome(answer, changed=True, place=place)


def withdraw(party: DinnerParty, member: Member) -> Outcome:
    """Give up seats, a place in line or a maybe; freed seats are offered to the next in line at once.

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
    _leave(answer, WITHDRAWN)
    return Outcome(answer, changed=True)


def remove(answer: Rsvp) -> int:
    """Take an answer off the table, as an administrator; return how many seats were offered to the next in line.

    Raises DomainError when it is the host's.
    """
    if answer.member_id == answer.party.host_id:
        raise DomainError(lazy_gettext("The host keeps their seat; cancel the party instead."))
    seats.lock(answer.party_id)
    db.session.refresh(answer)
    return _leave(answer, REMOVED, step=Step.REMOVED, state=REVOKED)


# -- who may


def _refuse_closed(party: DinnerParty | rules.Table) -> None:
    reason = rules.closed(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise DomainError(CLOSED[reason])


def _refuse_host(party: DinnerParty, member: Member) -> None:
    if party.host_id == member.id:
        raise DomainError(lazy_gettext("You are the host: your seat is at this table already."), "info")


def _look_again(party: DinnerParty, answer: Rsvp | None = None) -> Line:
    """Hold the party until the end of the transaction: it, or the answer, may have changed just now.

    Seats that time has freed are handed on first.
    """
    line = seats.free(party.id)
    _refuse_closed(line.table)
    if answer is not None:
        db.session.refresh(answer)
    return line


def _group(party: DinnerParty, wish: Wish, answer: Rsvp | None) -> tuple[int, int]:
    """Return how many come, and how few would; raises DomainError for a group that may not come."""
    before = answer.party_size if answer else 1
    if wish.answer == NO:
        return before, answer.min_party if answer else 1
    size = wish.size or before
    kept = answer.min_party if answer and wish.size is None else size
    least = wish.least or min(kept, size)
    most = max(party.max_party, before)
    if size > most:
        message = lazy_ngettext(
            "%(num)d person may come with one answer here.", "Up to %(num)d people may come with one answer here.", most
        )
        raise DomainError(message, field="party_size")
    if least > size:
        raise DomainError(lazy_gettext("That is more than all of you."), field="min_party")
    return size, least


# -- answering


def _first_answer(party: DinnerParty, member: Member, wish: Wish) -> Outcome | Partly:
    group = _group(party, wish, None)
    answer = Rsvp(
        party_id=party.id,
        member_id=member.id,
        email=member.email,
        name=member.display_name,
        party_size=group[0],
        min_party=group[1],
        status=wish.answer,
        note=wish.note or "",
        answered_at=clock.now(),
        locale=member.locale,
        timezone=member.timezone,
    )
    if wish.answer != YES:
        _look_again(party)
    elif not seats.take(party.id, answer.party_size):
        # Look again under the lock: seats given back just now must not miss who queues just now.
        partly = _seat_or_queue(answer, group, wish, _look_again(party))
        if partly:
            return partly
    db.session.add(answer)
    db.session.flush()
    return _told(party, answer, before=None)


def _change(party: DinnerParty, answer: Rsvp, wish: Wish, line: Line) -> Outcome | Partly:
    if answer.status == OFFERED and wish.answer == YES:
        return _held(answer, changed=False)
    group = _group(party, wish, answer)
    if wish.answer != YES:
        return _say_no(answer, wish, group)
    if answer.status == YES:
        return _resize(party, answer, wish, group, line)
    return _ask(party, answer, wish, group, line)


def _ask(party: DinnerParty, answer: Rsvp, wish: Wish, group: tuple[int, int], line: Line) -> Outcome | Partly:
    """Ask for seats, anew or otherwise than before."""
    before, asked = answer.status, _asked(answer)
    waited = before == WAITLISTED
    if waited and not answer.resting and not _is_new(answer, wish, group):
        return Outcome(answer, changed=False, place=_place(answer))
    # Who asks for more than before stands at the end again.
    partly = _seat_or_queue(answer, group, wish, line, stays=waited and group[0] <= asked[0])
    if partly:
        return partly
    answer.note = answer.note if wish.note is None else wish.note
    db.session.flush()
    outcome = _told(party, answer, before=before)
    if waited:
        # Whoever asks for less may stand in nobody's way any more, their own included.
        seats.free(party.id)
    return _held(answer, changed=True) if answer.status == OFFERED else outcome


def _held(answer: Rsvp, *, changed: bool) -> Outcome:
    """Return what somebody is told who has seats held for them."""
    offer = queries.pending_offer(answer)
    return Outcome(answer, changed=changed, offered=offer.seats if offer else 0)


def _say_no(answer: Rsvp, wish: Wish, group: tuple[int, int]) -> Outcome:
    if answer.status == wish.answer and not _is_new(answer, wish, group):
        return Outcome(answer, changed=False)
    if answer.status != wish.answer:
        _leave(answer, wish.answer)
    _write_down(answer, wish, group)
    db.session.flush()
    return Outcome(answer, changed=True)


def _resize(party: DinnerParty, answer: Rsvp, wish: Wish, group: tuple[int, int], line: Line) -> Outcome:
    """Take the seats that a group needs more, or hand on those it needs no more."""
    if not _is_new(answer, wish, group):
        return Outcome(answer, changed=False)
    more = group[0] - answer.party_size
    if more > 0:
        # At the end of the line: nobody grows past those who wait.
        free = line.seats_for(Waiter(0, more, 1))
        if free < more or not seats.take_in_turn(party.id, more):
            raise DomainError(_too_few(free), "warning", field="party_size")
    _write_down(answer, wish, group)
    if more:
        answer.answered_at = clock.now()
    db.session.flush()
    if more < 0:
        seats.free(party.id, -more, unseen=-more)
    if more:
        mail.rsvp_yes(party, answer)
    return Outcome(answer, changed=True, resized=True)


def _too_few(free: int) -> object:
    if not free:
        return lazy_gettext("No more seats are free; you keep those you have.")
    return lazy_ngettext(
        "Only %(num)d more seat is free; you keep those you have.",
        "Only %(num)d more seats are free; you keep those you have.",
        free,
    )


def _seat_or_queue(
    answer: Rsvp, group: tuple[int, int], wish: Wish, line: Line, *, stays: bool = False
) -> Partly | None:
    """Take the seats, or a place in line: the one that the answer has, if it `stays`, or the last. Or ask first."""
    size, least = group
    place = next((number for number, each in enumerate(line.queue) if stays and each.key == answer.id), None)
    free = line.seats_for(Waiter(answer.id or 0, size, 1), place=place)
    if free < size and free and not wish.wait and (wish.least is None or free >= least):
        return Partly(free, size)
    seated = free >= size and seats.take_in_turn(answer.party_id, size)
    if wish.wait and not seated:
        # They have just said that they do not come with so few.
        least = max(least, min(free + 1, size))
    if seated:
        answer.waitlisted_at = None
    elif not stays:
        answer.waitlisted_at = queries.end_of_line(answer.party_id)
    answer.status = YES if seated else WAITLISTED
    answer.party_size, answer.min_party, answer.answered_at, answer.resting = size, least, clock.now(), False
    return None


def _told(party: DinnerParty, answer: Rsvp, *, before: str | None) -> Outcome:
    """Write the letter about a new answer, and note what it means for the line."""
    if answer.status == YES:
        if before == WAITLISTED:
            tell(Step.SEATED, party.id, answer.id, seats=answer.party_size)
        mail.rsvp_yes(party, answer)
        return Outcome(answer, changed=True)
    if answer.status != WAITLISTED:
        return Outcome(answer, changed=True)
    place = queries.place_in_line(answer)
    tell_asked(Step.CHANGED if before == WAITLISTED else Step.JOINED, answer, place)
    if before != WAITLISTED:
        mail.rsvp_waitlisted(party, answer, place)
    return Outcome(answer, changed=True, place=place)


def _asked(answer: Rsvp) -> tuple[int, int]:
    return answer.party_size, answer.min_party


def _is_new(answer: Rsvp, wish: Wish, group: tuple[int, int]) -> bool:
    """Whether a wish says anything that the answer does not say yet."""
    return _asked(answer) != group or wish.note not in {None, answer.note} or wish.wait


def _write_down(answer: Rsvp, wish: Wish, group: tuple[int, int]) -> None:
    answer.party_size, answer.min_party = group
    answer.note = answer.note if wish.note is None else wish.note


# -- leaving


def _leave(answer: Rsvp, status: str, *, step: str = Step.LEFT, state: str = DECLINED) -> int:
    """Change an answer to one that holds nothing, and hand on what it held; return how many seats were offered."""
    before, place = answer.status, _place(answer)
    held = answer.party_size if before == YES else 0
    if before == OFFERED:
        held = seats.end_offer(answer, state)
    answer.status, answer.waitlisted_at, answer.resting, answer.answered_at = status, None, False, clock.now()
    if before in rules.IN_LINE:
        tell(step, answer.party_id, answer.id, place=place)
    db.session.flush()
    return seats.free(answer.party_id, held, unseen=held if before == YES else 0).offered


# -- offers


def _offered(party: DinnerParty, member: Member) -> tuple[Rsvp, WaitOffer]:
    """Return a member's answer and the latest offer to it, under the party's lock and as time has left them."""
    answer = queries.answer_of(party, member)
    if answer is None:
        raise DomainError(NO_OFFER, "warning")
    seats.free(party.id)
    db.session.refresh(answer)
    offer = queries.latest_offer(answer)
    if offer is None:
        raise DomainError(NO_OFFER, "warning")
    return answer, offer


def _no_longer_open(answer: Rsvp, offer: WaitOffer) -> Outcome:
    """Tell what became of an offer that was to be decided once more, or too late."""
    if offer.state == CLAIMED and answer.status == YES:
        return Outcome(answer, changed=False)
    if offer.state == EXPIRED and answer.status == WAITLISTED:
        return Outcome(answer, changed=False, place=_place(answer), lapsed=True)
    raise DomainError(NO_OFFER, "warning")


def _place(answer: Rsvp) -> int | None:
    return queries.place_in_line(answer) if answer.status == WAITLISTED else None
