"""What hosts read after they saw to their guests: a text and its category."""

from collections import Counter

from flask_babel import gettext as _
from flask_babel import ngettext

from app.parties.enums import RsvpStatus
from app.parties.models import Rsvp
from app.parties.rsvps.approval import RemovalResult
from app.parties.rsvps.types import RsvpResult
from app.parties.texts import Flash


def approved(outcome: RsvpResult) -> Flash:
    """Return what is said after somebody who asked was let in."""
    rsvp = outcome.rsvp
    if rsvp.status == RsvpStatus.WAITLISTED:
        return _("Approved, but the table is full: moved to the waiting list."), "warning"
    if rsvp.status == RsvpStatus.OFFERED:
        text = ngettext(
            "Approved; only %(num)d of %(size)d seats is free and was offered.",
            "Approved; only %(num)d of %(size)d seats are free and were offered.",
            outcome.offered,
            size=rsvp.party_size,
        )
        return text, "warning"
    return _("Approved; seat confirmed."), "info"


def all_approved(counts: Counter[str]) -> Flash:
    """Return what is said after several were let in."""
    sentences = []
    if counts[RsvpStatus.YES]:
        sentences.append(
            ngettext(
                "%(num)d request approved; seats confirmed.",
                "%(num)d requests approved; seats confirmed.",
                counts[RsvpStatus.YES],
            )
        )
    waiting = counts[RsvpStatus.WAITLISTED] + counts[RsvpStatus.OFFERED]
    if waiting:
        sentences.append(
            ngettext(
                "%(num)d approved, but the table is full: moved to the waiting list.",
                "%(num)d approved, but the table is full: moved to the waiting list.",
                waiting,
            )
        )
    return " ".join(sentences), "warning" if waiting else "info"


def removed(rsvp: Rsvp, offered: int) -> Flash:
    """Return what is said after a guest was taken off the table."""
    text = ngettext(
        "%(name)s removed; %(num)d seat offered to the next in line.",
        "%(name)s removed; %(num)d seats offered to the next in line.",
        offered,
        name=str(rsvp),
    )
    return text, "info"


def all_removed(done: RemovalResult) -> Flash:
    """Return what is said after several guests were taken off the table."""
    text = " ".join(
        (
            ngettext("%(num)d guest removed.", "%(num)d guests removed.", done.guests),
            ngettext(
                "%(num)d seat offered to the next in line.", "%(num)d seats offered to the next in line.", done.offered
            ),
        )
    )
    return text, "info"


def checked_in(rsvp: Rsvp) -> Flash:
    """Return what is said at the door."""
    text = ngettext(
        "%(name)s is checked in; party of %(num)d.",
        "%(name)s is checked in; party of %(num)d.",
        rsvp.party_size,
        name=str(rsvp),
    )
    return text, "info"


def all_no_show(count: int) -> Flash:
    """Return what is said after those were marked who did not come."""
    text = ngettext(
        "%(num)d guest was marked as a no-show. Their seats are free again.",
        "%(num)d guests were marked as no-shows. Their seats are free again.",
        count,
    )
    return text, "info"
