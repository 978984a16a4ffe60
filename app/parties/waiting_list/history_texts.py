"""The waiting list in words: what happened to whom, and why somebody is offered seats or is not.

Guests read of others by their place in line, hosts by their names.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from app import clock
from app.i18n import formats
from app.parties.enums import WaitingListEventKind
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list import allocation
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.allocation import Allocation, AllocationReason, QueueEntry
from app.parties.waiting_list.models import WaitingListEvent


@dataclass(frozen=True)
class HistoryEntry:
    """One step, as it is read: `who` is a name where it is one of a person, and then `named`."""

    at: datetime
    who: str
    named: bool
    what: str


def history(events: Iterable[WaitingListEvent], *, own: Rsvp | None, named: bool) -> list[HistoryEntry]:
    """Return what happened, for the owner of the answer `own`, or with the names of all when `named`."""
    return [
        HistoryEntry(event.at, _who(event, own, named=named), named, TEXT_OF_EVENT[event.kind](event))
        for event in events
    ]


def allocation_text(verdict: Allocation, waiter: QueueEntry, party: DinnerParty, free: int) -> str:
    """Return why a group is offered seats or is not, of `free` that it could have."""
    return TEXT_OF_REASON[verdict.why](waiter, party, free)


def queue_texts(party: DinnerParty, free: int) -> dict[int, tuple[int, str]]:
    """Return the place of each answer that waits, and why it gets seats or does not."""
    groups = waiting_list_queries.queue(party.id)
    verdicts = allocation.allocate_seats(
        groups,
        free,
        guarded=allocation.is_strict_order(party.starts_at, clock.now()),
        table=allocation.guest_seats(party.number_seats),
    )
    told = {}
    for number, (waiter, verdict) in enumerate(zip(groups, verdicts, strict=True), 1):
        told[waiter.key] = number, allocation_text(verdict, waiter, party, free)
        free -= verdict.seats
    return told


def _who(event: WaitingListEvent, own: Rsvp | None, *, named: bool) -> str:
    if event.rsvp is None:
        return str(_("The table"))
    if named:
        return str(event.rsvp)
    if own is not None and event.rsvp_id == own.id:
        return str(_("You"))
    return str(_("Number %(place)d", place=event.place) if event.place else _("Another guest"))


def _joined(event: WaitingListEvent) -> str:
    text = ngettext(
        "Joined the waiting list as number %(place)d, for %(num)d seat.",
        "Joined the waiting list as number %(place)d, for %(num)d seats.",
        event.seats or 0,
        place=event.place,
    )
    return _with_least(text, event)


def _changed(event: WaitingListEvent) -> str:
    text = ngettext(
        "Asks for %(num)d seat now, as number %(place)d.",
        "Asks for %(num)d seats now, as number %(place)d.",
        event.seats or 0,
        place=event.place,
    )
    return _with_least(text, event)


def _with_least(text: str, event: WaitingListEvent) -> str:
    if not event.least or event.least == event.seats:
        return str(text)
    fewer = ngettext("Would also come with %(num)d.", "Would also come with %(num)d.", event.least)
    return f"{text} {fewer}"


def _seated(event: WaitingListEvent) -> str:
    return str(ngettext("Took %(num)d seat that was free.", "Took %(num)d seats that were free.", event.seats or 0))


def _freed(event: WaitingListEvent) -> str:
    return str(ngettext("%(num)d seat became free.", "%(num)d seats became free.", event.seats or 0))


def _offered(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "Was the first whom the free seat fits, and may take it until %(date)s.",
            "Was the first whom %(num)d free seats fit, and may take them until %(date)s.",
            event.seats or 0,
            date=formats.date_time(event.until) if event.until else formats.NOTHING,
        )
    )


def _skipped(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "Was passed over: %(num)d seat was free, and it takes %(least)d. In the last 48 hours, seats go to the "
            "first whom they fit.",
            "Was passed over: %(num)d seats were free, and it takes %(least)d. In the last 48 hours, seats go to the "
            "first whom they fit.",
            event.seats or 0,
            least=event.least,
        )
    )


def _claimed(event: WaitingListEvent) -> str:
    return str(
        ngettext("Took the seat that was offered.", "Took the %(num)d seats that were offered.", event.seats or 0)
    )


def _declined(event: WaitingListEvent) -> str:
    if event.place is None:
        return str(
            ngettext("Gave %(num)d seat back, and left.", "Gave %(num)d seats back, and left.", event.seats or 0)
        )
    return str(
        ngettext(
            "Gave %(num)d seat back, and waits on as number %(place)d.",
            "Gave %(num)d seats back, and waits on as number %(place)d.",
            event.seats or 0,
            place=event.place,
        )
    )


def _expired(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "Did not take %(num)d seat in time, and waits on as number %(place)d.",
            "Did not take %(num)d seats in time, and waits on as number %(place)d.",
            event.seats or 0,
            place=event.place or 0,
        )
    )


def _revoked(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "The offer of %(num)d seat was taken back.", "The offer of %(num)d seats was taken back.", event.seats or 0
        )
    )


TEXT_OF_EVENT: dict[str, Callable[[WaitingListEvent], str]] = {
    WaitingListEventKind.JOINED: _joined,
    WaitingListEventKind.CHANGED: _changed,
    WaitingListEventKind.LEFT: lambda _event: str(_("Left the waiting list.")),
    WaitingListEventKind.REMOVED: lambda _event: str(_("Was removed by the host.")),
    WaitingListEventKind.SEATED: _seated,
    WaitingListEventKind.FREED: _freed,
    WaitingListEventKind.OFFERED: _offered,
    WaitingListEventKind.SKIPPED: _skipped,
    WaitingListEventKind.CLAIMED: _claimed,
    WaitingListEventKind.DECLINED: _declined,
    WaitingListEventKind.EXPIRED: _expired,
    WaitingListEventKind.REVOKED: _revoked,
}


def _too_few(waiter: QueueEntry, party: DinnerParty, free: int) -> str:
    needed = ngettext(
        "Of the seats that are free, %(num)d is within reach, and it takes %(least)d.",
        "Of the seats that are free, %(num)d are within reach, and it takes %(least)d.",
        free,
        least=waiter.least,
    )
    if not allocation.is_strict_order(party.starts_at, clock.now()):
        rest = _("In the last 48 hours before the start, seats go to the first whom they fit.")
    else:
        rest = _(
            "Nobody behind gets them before: they are kept until %(date)s, and go to the first whom they fit from then on.",
            date=formats.date_time(party.starts_at - allocation.NO_OVERTAKING_UNTIL, party.timezone),
        )
    return f"{needed} {rest}"


def _behind(_waiter: QueueEntry, party: DinnerParty, _free: int) -> str:
    return str(
        _(
            "A larger group is in front. Free seats are kept for it until %(date)s, and go to the first whom they fit "
            "from then on.",
            date=formats.date_time(party.starts_at - allocation.NO_OVERTAKING_UNTIL, party.timezone),
        )
    )


TEXT_OF_REASON: dict[AllocationReason, Callable[[QueueEntry, DinnerParty, int], str]] = {
    AllocationReason.OFFERED: lambda *_facts: str(_("Free seats are about to be offered.")),
    AllocationReason.FULL: lambda *_facts: str(_("No seat is free. The first in line is asked first.")),
    AllocationReason.TOO_FEW: _too_few,
    AllocationReason.BEHIND: _behind,
    AllocationReason.RESTING: lambda *_facts: str(
        _(
            "An offer was let pass. The next one comes when other seats become free; what is free may be taken until then."
        )
    ),
    AllocationReason.TOO_MANY: lambda *_facts: str(_("The whole table has fewer seats than that.")),
}
