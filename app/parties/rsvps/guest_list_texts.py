"""Flash messages for hosts, after they approved, removed or checked in guests."""

from collections import Counter

from flask_babel import gettext as _
from flask_babel import ngettext

from app.outbox import texts as outbox_texts
from app.parties.enums import RsvpStatus
from app.parties.models import Rsvp
from app.parties.rsvps.approval import RemovalResult
from app.parties.rsvps.types import RsvpResult
from app.parties.texts import Flash


def approved(result: RsvpResult) -> Flash:
    """Return the flash after a request was approved."""
    rsvp = result.rsvp
    if rsvp.status == RsvpStatus.WAITLISTED:
        return requests_approved(0, 1)
    if rsvp.status == RsvpStatus.OFFERED:
        text = ngettext(
            "Approved; only %(num)d of %(size)d seats is free and was offered.",
            "Approved; only %(num)d of %(size)d seats are free and were offered.",
            result.offered,
            size=rsvp.party_size,
        )
        return text, "warning"
    return requests_approved(1, 0)


def requests_approved(seated: int, waiting: int) -> Flash:
    """Return the flash after so many requests got seats, and so many a place on the waiting list."""
    if not waiting:
        text = ngettext("Approved; seat confirmed.", "%(num)d requests approved; seats confirmed.", seated)
        return text, "info"
    if not seated:
        text = ngettext(
            "Approved, but the table is full: moved to the waiting list.",
            "%(num)d requests approved, but the table is full: moved to the waiting list.",
            waiting,
        )
        return text, "warning"
    return _(
        "Requests that now have seats: %(seated)d; on the waiting list: %(waiting)d.", seated=seated, waiting=waiting
    ), "warning"


def removing() -> str:
    """Return what follows when guests are removed."""
    reason = outbox_texts.not_sent()
    if not reason:
        return _(
            "They will be notified, and their seats are offered to the next guest on the waiting list. They "
            "cannot answer again."
        )
    text = _("Their seats are offered to the next guest on the waiting list. They cannot answer again.")
    return f"{text} {reason}"


def declined(rsvp: Rsvp) -> Flash:
    """Return the flash after a request was declined."""
    return outbox_texts.sent(
        _("%(name)s has been told that there is no seat for them.", name=str(rsvp)),
        otherwise=_("The request of %(name)s was declined.", name=str(rsvp)),
    )


def all_approved(counts: Counter[str]) -> Flash:
    """Return the flash after several requests were approved."""
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
    """Return the flash after a guest was removed."""
    text = ngettext(
        "%(name)s removed; %(num)d seat offered to the next in line.",
        "%(name)s removed; %(num)d seats offered to the next in line.",
        offered,
        name=str(rsvp),
    )
    return text, "info"


def all_removed(result: RemovalResult) -> Flash:
    """Return the flash after several guests were removed."""
    text = " ".join(
        (
            ngettext("%(num)d guest removed.", "%(num)d guests removed.", result.guests),
            ngettext(
                "%(num)d seat offered to the next in line.",
                "%(num)d seats offered to the next in line.",
                result.offered,
            ),
        )
    )
    return text, "info"


def checked_in(rsvp: Rsvp) -> Flash:
    """Return the flash after a guest was checked in."""
    text = ngettext(
        "%(name)s is checked in; party of %(num)d.",
        "%(name)s is checked in; party of %(num)d.",
        rsvp.party_size,
        name=str(rsvp),
    )
    return text, "info"


def all_no_show(count: int) -> Flash:
    """Return the flash after no-shows were marked."""
    text = ngettext(
        "%(num)d guest was marked as a no-show. Their seats are free again.",
        "%(num)d guests were marked as no-shows. Their seats are free again.",
        count,
    )
    return text, "info"
