"""Texts of the waiting list: its history, and why each group is offered seats or not.

Hosts read names. Guests read positions instead.
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
from app.parties.waiting_list.allocation import AllocationReason, QueueEntry
from app.parties.waiting_list.models import WaitingListEvent


@dataclass(frozen=True)
class HistoryEntry:
    """One event as its reader sees it."""

    at: datetime
    who: str
    what: str


def history(
    party: DinnerParty, events: Iterable[WaitingListEvent], *, own: Rsvp | None, with_names: bool
) -> list[HistoryEntry]:
    """Return the events as texts: for the guest of the RSVP `own`, or with the names of all guests for hosts."""
    return [
        HistoryEntry(event.at, _who(event, own, with_names=with_names), _what(event, party.timezone))
        for event in events
    ]


def queue_texts(party: DinnerParty, free: int) -> dict[int, tuple[int, str]]:
    """Return, by RSVP id, the position of each waiting group and why it is offered some of `free` seats or none."""
    groups = waiting_list_queries.queue(party.id)
    allocations = allocation.allocate_seats(
        groups,
        free,
        strict_order=allocation.is_strict_order(party.starts_at, clock.now()),
        guest_seats=allocation.max_guest_seats(party.number_seats),
    )
    texts = {}
    for position, (group, allocated) in enumerate(zip(groups, allocations, strict=True), 1):
        texts[group.rsvp_id] = position, TEXT_OF_REASON[allocated.reason](group, party, free)
        free -= allocated.seats
    return texts


def _what(event: WaitingListEvent, timezone: str) -> str:
    if event.kind == WaitingListEventKind.OFFERED:
        return _offered(event, timezone)
    return TEXT_OF_EVENT[event.kind](event)


def _who(event: WaitingListEvent, own: Rsvp | None, *, with_names: bool) -> str:
    if event.rsvp is None:
        return str(_("Seats"))
    if with_names:
        return str(event.rsvp)
    if own is not None and event.rsvp_id == own.id:
        return str(_("You"))
    return str(_("Number %(place)d", place=event.place) if event.place else _("Another guest"))


def _joined(event: WaitingListEvent) -> str:
    text = ngettext(
        "Joined the waiting list as number %(place)d, requesting %(num)d seat.",
        "Joined the waiting list as number %(place)d, requesting %(num)d seats.",
        event.seats or 0,
        place=event.place,
    )
    return _with_minimum(text, event)


def _changed(event: WaitingListEvent) -> str:
    text = ngettext(
        "Changed the request to %(num)d seat; now number %(place)d on the waiting list.",
        "Changed the request to %(num)d seats; now number %(place)d on the waiting list.",
        event.seats or 0,
        place=event.place,
    )
    return _with_minimum(text, event)


def _with_minimum(text: str, event: WaitingListEvent) -> str:
    if not event.least or event.least == event.seats:
        return str(text)
    fewer = ngettext("Would also accept %(num)d seat.", "Would also accept %(num)d seats.", event.least)
    return f"{text} {fewer}"


def _seated(event: WaitingListEvent) -> str:
    return str(ngettext("Reserved %(num)d free seat.", "Reserved %(num)d free seats.", event.seats or 0))


def _freed(event: WaitingListEvent) -> str:
    return str(ngettext("%(num)d seat became free.", "%(num)d seats became free.", event.seats or 0))


def _offered(event: WaitingListEvent, timezone: str) -> str:
    return str(
        ngettext(
            "First group that fits the free seat. Offered until %(date)s.",
            "First group that fits the %(num)d free seats. Offered until %(date)s.",
            event.seats or 0,
            date=formats.date_time(event.until, timezone) if event.until else formats.NOTHING,
        )
    )


def _skipped(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "Skipped: %(num)d seat was free, but at least %(least)d were needed. In the last 48 hours, free "
            "seats go to the first group that fits.",
            "Skipped: %(num)d seats were free, but at least %(least)d were needed. In the last 48 hours, "
            "free seats go to the first group that fits.",
            event.seats or 0,
            least=event.least,
        )
    )


def _claimed(event: WaitingListEvent) -> str:
    return str(ngettext("Accepted the offered seat.", "Accepted the %(num)d offered seats.", event.seats or 0))


def _declined(event: WaitingListEvent) -> str:
    if event.place is None:
        return str(
            ngettext(
                "Declined %(num)d seat and left the waiting list.",
                "Declined %(num)d seats and left the waiting list.",
                event.seats or 0,
            )
        )
    return str(
        ngettext(
            "Declined %(num)d seat; now number %(place)d on the waiting list.",
            "Declined %(num)d seats; now number %(place)d on the waiting list.",
            event.seats or 0,
            place=event.place,
        )
    )


def _expired(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "Did not accept %(num)d seat in time; now number %(place)d on the waiting list.",
            "Did not accept %(num)d seats in time; now number %(place)d on the waiting list.",
            event.seats or 0,
            place=event.place or 0,
        )
    )


def _revoked(event: WaitingListEvent) -> str:
    return str(
        ngettext(
            "The offer of %(num)d seat was withdrawn.", "The offer of %(num)d seats was withdrawn.", event.seats or 0
        )
    )


TEXT_OF_EVENT: dict[str, Callable[[WaitingListEvent], str]] = {
    WaitingListEventKind.JOINED: _joined,
    WaitingListEventKind.CHANGED: _changed,
    WaitingListEventKind.LEFT: lambda _event: str(_("Left the waiting list.")),
    WaitingListEventKind.REMOVED: lambda _event: str(_("Removed by the host.")),
    WaitingListEventKind.SEATED: _seated,
    WaitingListEventKind.FREED: _freed,
    WaitingListEventKind.SKIPPED: _skipped,
    WaitingListEventKind.CLAIMED: _claimed,
    WaitingListEventKind.DECLINED: _declined,
    WaitingListEventKind.EXPIRED: _expired,
    WaitingListEventKind.REVOKED: _revoked,
}


def _too_few(group: QueueEntry, party: DinnerParty, free: int) -> str:
    needed = ngettext(
        "%(num)d free seat is available, but at least %(least)d are needed.",
        "%(num)d free seats are available, but at least %(least)d are needed.",
        free,
        least=group.minimum,
    )
    if not allocation.is_strict_order(party.starts_at, clock.now()):
        rest = _("In the last 48 hours before the start, free seats go to the first group that fits.")
    else:
        rest = _(
            "Guests further down the list do not get them before: they are reserved until %(date)s. After "
            "that, they go to the first group that fits.",
            date=formats.date_time(party.starts_at - allocation.NO_OVERTAKING_UNTIL, party.timezone),
        )
    return f"{needed} {rest}"


def _behind(_group: QueueEntry, party: DinnerParty, _free: int) -> str:
    return str(
        _(
            "A larger group is ahead on the waiting list. Free seats are reserved for it until %(date)s. "
            "After that, they go to the first group that fits.",
            date=formats.date_time(party.starts_at - allocation.NO_OVERTAKING_UNTIL, party.timezone),
        )
    )


TEXT_OF_REASON: dict[AllocationReason, Callable[[QueueEntry, DinnerParty, int], str]] = {
    AllocationReason.OFFERED: lambda *_facts: str(_("Free seats will be offered shortly.")),
    AllocationReason.FULL: lambda *_facts: str(
        _("No seats are free. The first on the waiting list gets the next offer.")
    ),
    AllocationReason.TOO_FEW: _too_few,
    AllocationReason.BEHIND: _behind,
    AllocationReason.PAUSED: lambda *_facts: str(
        _(
            "An earlier offer was not accepted. The next offer comes when more seats become free. Until "
            "then, the free seats can be reserved at any time."
        )
    ),
    AllocationReason.TOO_MANY: lambda *_facts: str(_("The party has fewer seats in total than requested.")),
}
