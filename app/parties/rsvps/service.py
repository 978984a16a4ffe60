"""Guests answer, alone or as a group, change their RSVP, and withdraw it."""

from flask_babel import lazy_gettext, lazy_ngettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import queries, rules
from app.parties.enums import SEATED, WITHDRAWABLE, RsvpStatus, WaitingListEventKind
from app.parties.menu import service as menu_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import leaving, news
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.types import (
    PartialAvailability,
    PartySize,
    RsvpRequest,
    RsvpResult,
    offered_result,
    position,
)
from app.parties.waiting_list import history, seats
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.allocation import QueueEntry, SeatCount
from app.parties.waiting_list.seats import WaitingListState

CLOSED_ERRORS = {
    rules.ClosedReason.DRAFT: lazy_gettext("This party is not published yet."),
    rules.ClosedReason.CANCELLED: lazy_gettext("This party was cancelled."),
    rules.ClosedReason.LATE: lazy_gettext("The RSVP deadline has passed; contact the host."),
}
# RSVPs that their guest can no longer change.
DECIDED_ERRORS = {
    RsvpStatus.REMOVED: lazy_gettext("You were removed from this party; contact the host."),
    RsvpStatus.CHECKED_IN: lazy_gettext("You have already been checked in; contact the host."),
    RsvpStatus.NO_SHOW: lazy_gettext("You were marked as a no-show at this party; contact the host."),
}


def closed_error(reason: rules.ClosedReason) -> DomainError:
    """Return the error that says why a party accepts no RSVPs."""
    return DomainError(CLOSED_ERRORS[reason], code=reason.value)


def rsvp(party: DinnerParty, guest: Respondent, request: RsvpRequest) -> RsvpResult | PartialAvailability:
    """Record a guest's RSVP. See `record`."""
    return record(party, guest, queries.rsvp_of(party, guest), request)


def record(
    party: DinnerParty, guest: Respondent, rsvp: Rsvp | None, request: RsvpRequest
) -> RsvpResult | PartialAvailability:
    """Record a guest's RSVP, in the place of the `rsvp` that was just read. A yes takes seats, joins the waiting list, or asks back.

    Raises DomainError if the party does not accept the RSVP, and IntegrityError if another request stored the first RSVP
    of the same guest at the same moment.
    """
    _ensure_accepts_rsvps(party)
    _refuse_host(party, guest)
    if rsvp is None:
        return _first_rsvp(party, guest, request)
    waiting_list = _lock_and_refresh(party, rsvp)
    _ensure_changeable(rsvp)
    if guest.member is not None and rsvp.member_id is None:
        # It was given by a personal link.
        rsvp.member_id, rsvp.email, rsvp.name = guest.member.id, guest.email, guest.name
    _record_opened(guest)
    return _change(party, rsvp, guest, request, waiting_list)


def withdraw(party: DinnerParty, guest: Respondent) -> RsvpResult:
    """Withdraw an RSVP. Its seats are offered to the waiting list at once.

    Raises DomainError if there is nothing to withdraw.
    """
    _refuse_host(party, guest)
    if party.is_past:
        raise closed_error(rules.ClosedReason.LATE)
    rsvp = queries.rsvp_of(party, guest)
    if rsvp is not None:
        seats.lock(party.id)
        db.session.refresh(rsvp)
        _ensure_changeable(rsvp)
    if rsvp is None or rsvp.status not in WITHDRAWABLE:
        raise DomainError(lazy_gettext("Nothing changed: you have no seat at this party."), "warning")
    before = rsvp.status
    held = rsvp.party_size if before in SEATED else 0
    leaving.release(rsvp, RsvpStatus.WITHDRAWN)
    rsvp_mail.rsvp_no(party, rsvp)
    # After the deadline, seats are not offered to the waiting list any more.
    news.tell(party, rsvp, freed=held if party.is_late else 0)
    return RsvpResult(rsvp, changed=True, before=before)


# -- who may answer


def _ensure_accepts_rsvps(party: DinnerParty | SeatCount) -> None:
    reason = rules.closed_reason(party.status, party.answers_until, clock.now())
    if reason is not None:
        raise closed_error(reason)


def _refuse_host(party: DinnerParty, guest: Respondent) -> None:
    if guest.member is not None and party.host_id == guest.member.id:
        raise DomainError(lazy_gettext("You are the host. Your seat is already reserved."), "info")


def _ensure_changeable(rsvp: Rsvp) -> None:
    if rsvp.status in DECIDED_ERRORS:
        raise DomainError(DECIDED_ERRORS[rsvp.status], code=rsvp.status)


def _lock_and_refresh(party: DinnerParty, rsvp: Rsvp | None = None) -> WaitingListState:
    """Lock the party until the end of the transaction, and load what other requests have changed.

    Free seats are offered to the waiting list first.
    """
    waiting_list = seats.release_and_reoffer(party.id)
    _ensure_accepts_rsvps(waiting_list.count)
    if rsvp is not None:
        db.session.refresh(rsvp)
    return waiting_list


def _record_opened(guest: Respondent) -> None:
    """Record that the invitation was opened: a guest who answers by it has seen it."""
    if guest.invitation is not None and guest.invitation.opened_at is None:
        guest.invitation.opened_at = clock.now()


def _requested_size(party: DinnerParty, guest: Respondent, request: RsvpRequest, rsvp: Rsvp | None) -> PartySize:
    """Return the requested party size. Raises DomainError if it is too large, or the minimum exceeds it."""
    before = _size_of(rsvp) if rsvp else PartySize(1, 1)
    if request.answer == RsvpStatus.NO:
        return before
    size = request.size or before.size
    minimum = request.minimum or min(before.minimum if rsvp and request.size is None else size, size)
    largest = guest.max_party(party, rsvp)
    if size > largest:
        message = lazy_ngettext(
            "One answer can cover at most %(num)d person here.",
            "One answer can cover at most %(num)d people here.",
            largest,
        )
        raise DomainError(message, field="party_size")
    if minimum > size:
        raise DomainError(lazy_gettext("This is more than the size of your party."), field="min_party")
    return PartySize(size, minimum)


# -- recording an RSVP


def _first_rsvp(party: DinnerParty, guest: Respondent, request: RsvpRequest) -> RsvpResult | PartialAvailability:
    if guest.invitation is not None and queries.has_rsvp_of_other_account(party, guest):
        message = lazy_gettext("This invitation was answered with an account. Log in to change the answer.")
        raise DomainError(message, "warning")
    group = _requested_size(party, guest, request, None)
    rsvp = Rsvp(
        party_id=party.id,
        member_id=guest.member.id if guest.member else None,
        invitation_id=guest.invitation.id if guest.invitation else None,
        email=guest.email,
        name=request.name or guest.name,
        party_size=group.size,
        min_party=group.minimum,
        status=request.answer,
        note=request.note or "",
        shows_name=bool(request.shows_name),
        answered_at=clock.now(),
        locale=guest.member.locale if guest.member else guest.locale,
        timezone=guest.member.timezone if guest.member else guest.timezone,
    )
    if request.answer != RsvpStatus.YES:
        _lock_and_refresh(party)
    elif _needs_approval(party, guest, None):
        _lock_and_refresh(party)
        rsvp.status = RsvpStatus.AWAITING_APPROVAL
    elif party.seats_free < group.size or not seats.take(party.id, group.size, seats.IS_PUBLISHED, seats.NOBODY_WAITS):
        # Look again under the lock: seats that were just released must not miss a guest who is just joining.
        partial = seat_or_queue(rsvp, group, request, _lock_and_refresh(party))
        if partial:
            return partial
    _record_opened(guest)
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
    party: DinnerParty, rsvp: Rsvp, guest: Respondent, request: RsvpRequest, waiting_list: WaitingListState
) -> RsvpResult | PartialAvailability:
    if rsvp.status == RsvpStatus.OFFERED and request.answer == RsvpStatus.YES:
        return offered_result(rsvp, changed=False)
    group = _requested_size(party, guest, request, rsvp)
    if request.name and rsvp.member_id is None:
        rsvp.name = request.name
    if request.answer != RsvpStatus.YES:
        return _decline(party, rsvp, request, group)
    if rsvp.is_confirmed:
        return _resize(party, rsvp, request, group, waiting_list)
    if not rsvp.is_waitlisted and _needs_approval(party, guest, rsvp):
        return _request_approval(party, rsvp, request, group)
    return _request_seats(party, rsvp, request, group, waiting_list)


def _request_approval(party: DinnerParty, rsvp: Rsvp, request: RsvpRequest, group: PartySize) -> RsvpResult:
    before = rsvp.status
    if before == RsvpStatus.AWAITING_APPROVAL and not _differs(rsvp, request, group):
        return RsvpResult(rsvp, changed=False)
    rsvp.status, rsvp.answered_at = RsvpStatus.AWAITING_APPROVAL, clock.now()
    _apply(rsvp, request, group)
    db.session.flush()
    return record_and_notify(party, rsvp, before=before)


def _request_seats(
    party: DinnerParty, rsvp: Rsvp, request: RsvpRequest, group: PartySize, waiting_list: WaitingListState
) -> RsvpResult | PartialAvailability:
    before, was_waiting = rsvp.status, rsvp.is_waitlisted
    if was_waiting and not rsvp.resting and not _differs(rsvp, request, group):
        return RsvpResult(rsvp, changed=False, position=position(rsvp))
    # A group that asks for more than before moves to the end of the waiting list.
    keeps_position = was_waiting and group.size <= rsvp.party_size
    partial = seat_or_queue(rsvp, group, request, waiting_list, keeps_position=keeps_position)
    if partial:
        return partial
    _apply_texts(rsvp, request)
    db.session.flush()
    result = record_and_notify(party, rsvp, before=before)
    if was_waiting:
        # A group that asks for less may fit the free seats now, or no longer block another group.
        seats.release_and_reoffer(party.id)
    return offered_result(rsvp, changed=True) if rsvp.status == RsvpStatus.OFFERED else result


def _decline(party: DinnerParty, rsvp: Rsvp, request: RsvpRequest, group: PartySize) -> RsvpResult:
    """Record a no or a maybe, and release the seats."""
    before = rsvp.status
    if before == request.answer and not _differs(rsvp, request, group):
        return RsvpResult(rsvp, changed=False)
    if before != request.answer:
        leaving.release(rsvp, request.answer)
    _apply(rsvp, request, group)
    db.session.flush()
    if before != request.answer:
        _tell_calendar(party, rsvp, before=before)
    news.tell(party, rsvp)
    return RsvpResult(rsvp, changed=True)


def _tell_calendar(party: DinnerParty, rsvp: Rsvp, *, before: str | None) -> None:
    """E-mail a guest whose calendar shows the party in another way than they have just answered."""
    if rsvp.status == RsvpStatus.NO:
        rsvp_mail.rsvp_no(party, rsvp)
    elif before in SEATED:
        rsvp_mail.rsvp_maybe(party, rsvp)


def _resize(
    party: DinnerParty, rsvp: Rsvp, request: RsvpRequest, group: PartySize, waiting_list: WaitingListState
) -> RsvpResult:
    """Take the additional seats of a confirmed group, or release those it no longer needs."""
    if not _differs(rsvp, request, group):
        return RsvpResult(rsvp, changed=False)
    more = group.size - rsvp.party_size
    if more > 0:
        # Behind the whole waiting list: a confirmed group does not overtake waiting guests.
        free = waiting_list.seats_for(QueueEntry(0, more, 1))
        if free < more or not seats.take(party.id, more, seats.IS_PUBLISHED):
            raise DomainError(_too_few_error(free), "warning", field="party_size")
    _apply(rsvp, request, group)
    if more:
        rsvp.answered_at = clock.now()
    db.session.flush()
    if more < 0:
        seats.release_and_reoffer(party.id, -more, newly_freed=-more)
    if more:
        rsvp_mail.rsvp_yes(party, rsvp)
        news.tell(party, rsvp)
    return RsvpResult(rsvp, changed=True, resized=True)


def _too_few_error(free: int) -> object:
    if not free:
        return lazy_gettext("No more seats are free. You keep the ones you have.")
    return lazy_ngettext(
        "Only %(num)d more seat is free. You keep the ones you have.",
        "Only %(num)d more seats are free. You keep the ones you have.",
        free,
    )


def seat_or_queue(
    rsvp: Rsvp,
    group: PartySize,
    request: RsvpRequest,
    waiting_list: WaitingListState,
    *,
    keeps_position: bool = False,
) -> PartialAvailability | None:
    """Take seats for the group, or put it on the waiting list. The caller has locked the party.

    Return a PartialAvailability, and store nothing, if only some of the seats are free and the guest has to choose.
    """
    size, minimum = group
    index = next((i for i, entry in enumerate(waiting_list.queue) if keeps_position and entry.rsvp_id == rsvp.id), None)
    free = waiting_list.seats_for(QueueEntry(rsvp.id or 0, size, 1), index=index)
    if free < size and free and not request.wait and (request.minimum is None or free >= minimum):
        return PartialAvailability(free, size)
    is_seated = free >= size and seats.take(rsvp.party_id, size, seats.IS_PUBLISHED)
    if request.wait and not is_seated:
        # The guest has just chosen not to come with the free seats.
        minimum = max(minimum, min(free + 1, size))
    if is_seated:
        rsvp.waitlisted_at = None
    elif not keeps_position:
        rsvp.waitlisted_at = waiting_list_queries.next_waitlisted_at(rsvp.party_id)
    rsvp.status = RsvpStatus.YES if is_seated else RsvpStatus.WAITLISTED
    rsvp.party_size, rsvp.min_party, rsvp.answered_at, rsvp.resting = size, minimum, clock.now(), False
    return None


def record_and_notify(party: DinnerParty, rsvp: Rsvp, *, before: str | None) -> RsvpResult:
    """E-mail the guest, or the hosts, about a new status, and record it in the history of the waiting list."""
    was_waiting = before == RsvpStatus.WAITLISTED
    if RsvpStatus.AWAITING_APPROVAL not in {before, rsvp.status}:
        # Requests have an e-mail of their own, and hosts themselves approve them.
        news.tell(party, rsvp)
    if rsvp.is_confirmed:
        if was_waiting:
            history.record(WaitingListEventKind.SEATED, party.id, rsvp.id, seats=rsvp.party_size)
        rsvp_mail.rsvp_yes(party, rsvp)
        return RsvpResult(rsvp, changed=True, dietary_conflicts=menu_service.apply_profile_diet(rsvp))
    if rsvp.is_awaiting_approval:
        rsvp_mail.approval_requested(party, rsvp)
    if not rsvp.is_waitlisted:
        _tell_calendar(party, rsvp, before=before)
        return RsvpResult(rsvp, changed=True)
    position = waiting_list_queries.position(rsvp)
    history.record_request(WaitingListEventKind.CHANGED if was_waiting else WaitingListEventKind.JOINED, rsvp, position)
    if not was_waiting:
        rsvp_mail.rsvp_waitlisted(party, rsvp, position)
    return RsvpResult(rsvp, changed=True, position=position)


def _size_of(rsvp: Rsvp) -> PartySize:
    return PartySize(rsvp.party_size, rsvp.min_party)


def _differs(rsvp: Rsvp, request: RsvpRequest, group: PartySize) -> bool:
    """Whether a request says anything that the RSVP does not say yet."""
    told = request.note not in {None, rsvp.note} or request.shows_name not in {None, rsvp.shows_name}
    return _size_of(rsvp) != group or told or request.wait


def _apply(rsvp: Rsvp, request: RsvpRequest, group: PartySize) -> None:
    rsvp.party_size, rsvp.min_party = group
    _apply_texts(rsvp, request)


def _apply_texts(rsvp: Rsvp, request: RsvpRequest) -> None:
    rsvp.note = rsvp.note if request.note is None else request.note
    rsvp.shows_name = rsvp.shows_name if request.shows_name is None else request.shows_name
