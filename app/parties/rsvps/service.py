"""Guests answer, alone or as a group, change their answers, and withdraw them."""

from flask_babel import lazy_gettext, lazy_ngettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import queries, rules
from app.parties.enums import WITHDRAWABLE, RsvpStatus, WaitingListEventKind
from app.parties.menu import service as menu_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import leaving
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.types import PartialAvailability, RsvpRequest, RsvpResult, held_offer, position
from app.parties.waiting_list import allocation, history, seats
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.allocation import QueueEntry
from app.parties.waiting_list.seats import WaitingListState

CLOSED_ERRORS = {
    rules.ClosedReason.DRAFT: lazy_gettext("This party is not published yet."),
    rules.ClosedReason.CANCELLED: lazy_gettext("This party was cancelled."),
    rules.ClosedReason.LATE: lazy_gettext("The RSVP deadline has passed; contact the host."),
}
# Answers that are not their guest's to change any more.
DECIDED_ERRORS = {
    RsvpStatus.REMOVED: lazy_gettext("You were removed from this party; contact the host."),
    RsvpStatus.CHECKED_IN: lazy_gettext("You have already been checked in; contact the host."),
    RsvpStatus.NO_SHOW: lazy_gettext("You were marked as a no-show at this party; contact the host."),
}


def closed_error(reason: rules.ClosedReason) -> DomainError:
    """Return the error that says why a party takes no answers."""
    return DomainError(CLOSED_ERRORS[reason], code=reason.value)


def rsvp(party: DinnerParty, guest: Respondent, wish: RsvpRequest) -> RsvpResult | PartialAvailability:
    """Record what a member wishes; a yes becomes seats, a place on the waiting list, or a question.

    Raises DomainError when the party takes no answers or not such a one, and IntegrityError when the same member
    answered for the first time in another request at the same moment.
    """
    _refuse_closed(party)
    _refuse_host(party, guest)
    rsvp = queries.rsvp_of(party, guest)
    if rsvp is None:
        return _first_answer(party, guest, wish)
    line = _lock_and_refresh(party, rsvp)
    _refuse_decided(rsvp)
    _attach_account(rsvp, guest)
    return _change(party, rsvp, guest, wish, line)


def withdraw(party: DinnerParty, guest: Respondent) -> RsvpResult:
    """Give up seats, a place in line or a maybe; freed seats are offered to the next in line at once.

    Raises DomainError when there is nothing to give up.
    """
    _refuse_host(party, guest)
    if party.is_past:
        raise closed_error(rules.ClosedReason.LATE)
    rsvp = queries.rsvp_of(party, guest)
    if rsvp is not None:
        seats.lock(party.id)
        db.session.refresh(rsvp)
        _refuse_decided(rsvp)
    if rsvp is None or rsvp.status not in WITHDRAWABLE:
        raise DomainError(lazy_gettext("Nothing changed: you have no seat at this party."), "warning")
    leaving.release(rsvp, RsvpStatus.WITHDRAWN)
    return RsvpResult(rsvp, changed=True)


# -- who may


def _refuse_closed(party: DinnerParty | allocation.SeatCount) -> None:
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)


def _refuse_host(party: DinnerParty, guest: Respondent) -> None:
    if guest.member is not None and party.host_id == guest.member.id:
        raise DomainError(lazy_gettext("You are the host. Your seat is already reserved."), "info")


def _refuse_decided(rsvp: Rsvp) -> None:
    if rsvp.status in DECIDED_ERRORS:
        raise DomainError(DECIDED_ERRORS[rsvp.status], code=rsvp.status)


def _refuse_others(party: DinnerParty, guest: Respondent) -> None:
    """Refuse a link that somebody has answered with their account."""
    if guest.invitation is not None and queries.has_rsvp_of_other_account(party, guest):
        message = lazy_gettext("This invitation was answered with an account. Log in to change the answer.")
        raise DomainError(message, "warning")


def _lock_and_refresh(party: DinnerParty, rsvp: Rsvp | None = None) -> WaitingListState:
    """Hold the party until the end of the transaction: it, or the answer, may have changed just now.

    Seats that time has freed are handed on first.
    """
    line = seats.release_and_reoffer(party.id)
    _refuse_closed(line.table)
    if rsvp is not None:
        db.session.refresh(rsvp)
    return line


def _attach_account(rsvp: Rsvp, guest: Respondent) -> None:
    """Let an answer that was given by a link belong to the account of whoever changes it now."""
    if guest.member is not None and rsvp.member_id is None:
        rsvp.member_id, rsvp.email, rsvp.name = guest.member.id, guest.email, guest.name
    _note_opened(guest)


def _note_opened(guest: Respondent) -> None:
    """Whoever answers by an invitation has seen it."""
    if guest.invitation is not None and guest.invitation.opened_at is None:
        guest.invitation.opened_at = clock.now()


def _group(party: DinnerParty, guest: Respondent, wish: RsvpRequest, rsvp: Rsvp | None) -> tuple[int, int]:
    """Return how many come, and how few would; raises DomainError for a group that may not come."""
    before = rsvp.party_size if rsvp else 1
    if wish.answer == RsvpStatus.NO:
        return before, rsvp.min_party if rsvp else 1
    size = wish.size or before
    kept = rsvp.min_party if rsvp and wish.size is None else size
    least = wish.least or min(kept, size)
    most = guest.most(party, rsvp)
    if size > most:
        message = lazy_ngettext(
            "One answer can cover at most %(num)d person here.",
            "One answer can cover at most %(num)d people here.",
            most,
        )
        raise DomainError(message, field="party_size")
    if least > size:
        raise DomainError(lazy_gettext("This is more than the size of your party."), field="min_party")
    return size, least


# -- answering


def _first_answer(party: DinnerParty, guest: Respondent, wish: RsvpRequest) -> RsvpResult | PartialAvailability:
    _refuse_others(party, guest)
    group = _group(party, guest, wish, None)
    rsvp = Rsvp(
        party_id=party.id,
        member_id=guest.member.id if guest.member else None,
        invitation_id=guest.invitation.id if guest.invitation else None,
        email=guest.email,
        name=wish.name or guest.name,
        party_size=group[0],
        min_party=group[1],
        status=wish.answer,
        note=wish.note or "",
        answered_at=clock.now(),
        locale=guest.member.locale if guest.member else guest.locale,
        timezone=guest.member.timezone if guest.member else guest.timezone,
    )
    if wish.answer != RsvpStatus.YES:
        _lock_and_refresh(party)
    elif _needs_approval(party, guest, None):
        _lock_and_refresh(party)
        rsvp.status = RsvpStatus.AWAITING_APPROVAL
    elif not seats.take(party.id, rsvp.party_size):
        # Look again under the lock: seats given back just now must not miss who queues just now.
        partly = seat_or_queue(rsvp, group, wish, _lock_and_refresh(party))
        if partly:
            return partly
    _note_opened(guest)
    db.session.add(rsvp)
    db.session.flush()
    return record_and_notify(party, rsvp, before=None)


def _needs_approval(party: DinnerParty, guest: Respondent, rsvp: Rsvp | None) -> bool:
    return rules.needs_approval(
        approval=party.approval,
        is_invited=guest.is_invited,
        was_approved=rsvp is not None and rsvp.approved_at is not None,
    )


def _change(
    party: DinnerParty, rsvp: Rsvp, guest: Respondent, wish: RsvpRequest, line: WaitingListState
) -> RsvpResult | PartialAvailability:
    if rsvp.status == RsvpStatus.OFFERED and wish.answer == RsvpStatus.YES:
        return held_offer(rsvp, changed=False)
    group = _group(party, guest, wish, rsvp)
    if wish.name and rsvp.member_id is None:
        rsvp.name = wish.name
    if wish.answer != RsvpStatus.YES:
        return _decline(rsvp, wish, group)
    if rsvp.status == RsvpStatus.YES:
        return _resize(party, rsvp, wish, group, line)
    if rsvp.status != RsvpStatus.WAITLISTED and _needs_approval(party, guest, rsvp):
        return _ask_host(party, rsvp, wish, group)
    return _ask(party, rsvp, wish, group, line)


def _ask_host(party: DinnerParty, rsvp: Rsvp, wish: RsvpRequest, group: tuple[int, int]) -> RsvpResult:
    """Ask the host for a seat, again or otherwise than before."""
    before = rsvp.status
    if before == RsvpStatus.AWAITING_APPROVAL and not _is_new(rsvp, wish, group):
        return RsvpResult(rsvp, changed=False)
    rsvp.status, rsvp.answered_at = RsvpStatus.AWAITING_APPROVAL, clock.now()
    _apply(rsvp, wish, group)
    db.session.flush()
    return record_and_notify(party, rsvp, before=before)


def _ask(
    party: DinnerParty, rsvp: Rsvp, wish: RsvpRequest, group: tuple[int, int], line: WaitingListState
) -> RsvpResult | PartialAvailability:
    """Ask for seats, anew or otherwise than before."""
    before, asked = rsvp.status, _asked(rsvp)
    waited = before == RsvpStatus.WAITLISTED
    if waited and not rsvp.resting and not _is_new(rsvp, wish, group):
        return RsvpResult(rsvp, changed=False, place=position(rsvp))
    # Who asks for more than before stands at the end again.
    partly = seat_or_queue(rsvp, group, wish, line, stays=waited and group[0] <= asked[0])
    if partly:
        return partly
    rsvp.note = rsvp.note if wish.note is None else wish.note
    db.session.flush()
    outcome = record_and_notify(party, rsvp, before=before)
    if waited:
        # Whoever asks for less may stand in nobody's way any more, their own included.
        seats.release_and_reoffer(party.id)
    return held_offer(rsvp, changed=True) if rsvp.status == RsvpStatus.OFFERED else outcome


def _decline(rsvp: Rsvp, wish: RsvpRequest, group: tuple[int, int]) -> RsvpResult:
    if rsvp.status == wish.answer and not _is_new(rsvp, wish, group):
        return RsvpResult(rsvp, changed=False)
    if rsvp.status != wish.answer:
        leaving.release(rsvp, wish.answer)
    _apply(rsvp, wish, group)
    db.session.flush()
    return RsvpResult(rsvp, changed=True)


def _resize(
    party: DinnerParty, rsvp: Rsvp, wish: RsvpRequest, group: tuple[int, int], line: WaitingListState
) -> RsvpResult:
    """Take the seats that a group needs more, or hand on those it needs no more."""
    if not _is_new(rsvp, wish, group):
        return RsvpResult(rsvp, changed=False)
    more = group[0] - rsvp.party_size
    if more > 0:
        # At the end of the line: nobody grows past those who wait.
        free = line.seats_for(QueueEntry(0, more, 1))
        if free < more or not seats.take_in_turn(party.id, more):
            raise DomainError(_too_few(free), "warning", field="party_size")
    _apply(rsvp, wish, group)
    if more:
        rsvp.answered_at = clock.now()
    db.session.flush()
    if more < 0:
        seats.release_and_reoffer(party.id, -more, unseen=-more)
    if more:
        rsvp_mail.rsvp_yes(party, rsvp)
    return RsvpResult(rsvp, changed=True, resized=True)


def _too_few(free: int) -> object:
    if not free:
        return lazy_gettext("No more seats are free. You keep the ones you have.")
    return lazy_ngettext(
        "Only %(num)d more seat is free. You keep the ones you have.",
        "Only %(num)d more seats are free. You keep the ones you have.",
        free,
    )


def seat_or_queue(
    rsvp: Rsvp, group: tuple[int, int], wish: RsvpRequest, line: WaitingListState, *, stays: bool = False
) -> PartialAvailability | None:
    """Take the seats, or a place in line: the one that the answer has, if it `stays`, or the last. Or ask first."""
    size, least = group
    where = next((number for number, each in enumerate(line.queue) if stays and each.key == rsvp.id), None)
    free = line.seats_for(QueueEntry(rsvp.id or 0, size, 1), place=where)
    if free < size and free and not wish.wait and (wish.least is None or free >= least):
        return PartialAvailability(free, size)
    seated = free >= size and seats.take_in_turn(rsvp.party_id, size)
    if wish.wait and not seated:
        # They have just said that they do not come with so few.
        least = max(least, min(free + 1, size))
    if seated:
        rsvp.waitlisted_at = None
    elif not stays:
        rsvp.waitlisted_at = waiting_list_queries.next_waitlisted_at(rsvp.party_id)
    rsvp.status = RsvpStatus.YES if seated else RsvpStatus.WAITLISTED
    rsvp.party_size, rsvp.min_party, rsvp.answered_at, rsvp.resting = size, least, clock.now(), False
    return None


def record_and_notify(party: DinnerParty, rsvp: Rsvp, *, before: str | None) -> RsvpResult:
    """Write the letter about a new answer, and note what it means for the line."""
    if rsvp.status == RsvpStatus.YES:
        if before == RsvpStatus.WAITLISTED:
            history.record(WaitingListEventKind.SEATED, party.id, rsvp.id, seats=rsvp.party_size)
        rsvp_mail.rsvp_yes(party, rsvp)
        return RsvpResult(rsvp, changed=True, clashes=menu_service.remember_usual(rsvp))
    if rsvp.status == RsvpStatus.AWAITING_APPROVAL:
        rsvp_mail.approval_asked(party, rsvp)
    if rsvp.status != RsvpStatus.WAITLISTED:
        return RsvpResult(rsvp, changed=True)
    where = waiting_list_queries.position(rsvp)
    history.record_request(
        WaitingListEventKind.CHANGED if before == RsvpStatus.WAITLISTED else WaitingListEventKind.JOINED, rsvp, where
    )
    if before != RsvpStatus.WAITLISTED:
        rsvp_mail.rsvp_waitlisted(party, rsvp, where)
    return RsvpResult(rsvp, changed=True, place=where)


def _asked(rsvp: Rsvp) -> tuple[int, int]:
    return rsvp.party_size, rsvp.min_party


def _is_new(rsvp: Rsvp, wish: RsvpRequest, group: tuple[int, int]) -> bool:
    """Whether a wish says anything that the answer does not say yet."""
    return _asked(rsvp) != group or wish.note not in {None, rsvp.note} or wish.wait


def _apply(rsvp: Rsvp, wish: RsvpRequest, group: tuple[int, int]) -> None:
    rsvp.party_size, rsvp.min_party = group
    rsvp.note = rsvp.note if wish.note is None else wish.note
