"""Check-in of guests by the codes of their tickets."""

from flask_babel import lazy_gettext
from sqlalchemy import select, update

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.i18n import formats
from app.parties import secret_links
from app.parties.check_in import rules as check_in_rules
from app.parties.enums import HELD, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list import seats

NOT_VALID = lazy_gettext("This ticket is not valid for this party.")


def find_by_code(party: DinnerParty, code: str) -> Rsvp:
    """Return the RSVP whose ticket has `code`. Raises DomainError if it is no ticket of this party."""
    statement = select(Rsvp).where(Rsvp.id == secret_links.rsvp_id_of_code(code), Rsvp.party_id == party.id)
    rsvp = db.session.scalars(statement).one_or_none()
    if rsvp is None or not secret_links.is_ticket_code(rsvp, code):
        raise DomainError(NOT_VALID)
    return rsvp


def ensure_open(party: DinnerParty) -> None:
    """Raise DomainError if check-in is closed."""
    if party.status not in HELD:
        raise DomainError(lazy_gettext("Check-in is not available because this party is not taking place."), "warning")
    window = check_in_rules.check_in_window(party.starts_at, party.ends_at, clock.now())
    if window is check_in_rules.CheckInWindow.EARLY:
        opens = formats.date_time(party.starts_at - check_in_rules.OPENS_BEFORE, party.timezone)
        raise DomainError(lazy_gettext("Check-in starts on %(date)s.", date=opens), "warning")
    if window is check_in_rules.CheckInWindow.LATE:
        closed = formats.date_time(party.ends_at + check_in_rules.CLOSES_AFTER, party.timezone)
        raise DomainError(lazy_gettext("Check-in closed on %(date)s.", date=closed), "warning")


def check_in(party: DinnerParty, code: str) -> Rsvp:
    """Check a guest in. Raises DomainError if they have arrived already, or have no seat."""
    rsvp = _lock_and_find(party, code)
    if not _change_status(rsvp, RsvpStatus.YES, RsvpStatus.CHECKED_IN):
        raise _error(party, rsvp)
    return rsvp


def check_out(party: DinnerParty, code: str) -> Rsvp:
    """Undo a check-in. Raises DomainError if the guest is not checked in."""
    rsvp = _lock_and_find(party, code)
    if not _change_status(rsvp, RsvpStatus.CHECKED_IN, RsvpStatus.YES):
        raise DomainError(lazy_gettext("Nothing changed: %(name)s was not checked in.", name=str(rsvp)), "warning")
    return rsvp


def _lock_and_find(party: DinnerParty, code: str) -> Rsvp:
    """Lock the party and return the RSVP of a ticket. Raises DomainError if check-in is closed."""
    rsvp = find_by_code(party, code)
    # This locks the party, and ends expired offers.
    seats.release_and_reoffer(party.id)
    db.session.refresh(party, ["status", "starts_at", "duration_minutes"])
    ensure_open(party)
    if rsvp.member_id == party.host_id:
        raise DomainError(NOT_VALID)
    return rsvp


def _change_status(rsvp: Rsvp, before: str, after: str) -> bool:
    """Change the status if it still is `before`. Return whether it was: of two devices, only one succeeds."""
    statement = (
        update(Rsvp)
        .where(Rsvp.id == rsvp.id, Rsvp.status == before)
        .values(status=after, checked_in_at=clock.now() if after == RsvpStatus.CHECKED_IN else None)
        .returning(Rsvp.id)
    )
    changed = db.session.execute(statement).first() is not None
    db.session.refresh(rsvp)
    return changed


def _error(party: DinnerParty, rsvp: Rsvp) -> DomainError:
    if rsvp.status == RsvpStatus.CHECKED_IN and rsvp.checked_in_at is not None:
        at = formats.time(rsvp.checked_in_at, party.timezone)
        text = lazy_gettext("%(name)s was already checked in at %(time)s.", name=str(rsvp), time=at)
        return DomainError(text, "warning")
    if rsvp.status == RsvpStatus.NO_SHOW:
        text = lazy_gettext("%(name)s is marked as a no-show. Undo that on the guest list first.", name=str(rsvp))
        return DomainError(text, "warning")
    return DomainError(NOT_VALID)
