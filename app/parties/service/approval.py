"""Hosts let in who asked for a seat without having been invited, or tell them that there is none."""

from flask_babel import lazy_gettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import mail, queries
from app.parties.models import AWAITING, OFFERED, PUBLISHED, WAITLISTED, YES, Rsvp, Step
from app.parties.service import seats
from app.parties.service.answers import seat_or_queue, told
from app.parties.service.leaving import remove
from app.parties.service.line import tell_asked
from app.parties.service.wishes import Outcome, Wish, held


def approve(answer: Rsvp) -> Outcome:
    """Give a guest who asked the seats they want, or a place in line.

    Raises DomainError when they do not ask any more, or the party takes nobody any more.
    """
    party = answer.party
    line = seats.free(party.id)
    _refuse_answered(answer)
    if line.table.status != PUBLISHED or line.table.starts_at <= clock.now():
        raise DomainError(lazy_gettext("This party takes no guests any more."))
    answer.approved_at = clock.now()
    # Whoever would also come with fewer is offered those in line, and decides for themselves.
    wish = Wish(YES, size=answer.party_size, least=answer.party_size)
    least = answer.min_party
    seat_or_queue(answer, (answer.party_size, answer.party_size), wish, line)
    answer.min_party = least
    db.session.flush()
    return _stand_in_line(answer) if answer.status == WAITLISTED else told(party, answer, before=AWAITING)


def decline(answer: Rsvp) -> None:
    """Tell a guest who asked that there is no seat for them. Raises DomainError when they do not ask any more."""
    seats.lock(answer.party_id)
    _refuse_answered(answer)
    remove(answer)


def _refuse_answered(answer: Rsvp) -> None:
    db.session.refresh(answer)
    if answer.status != AWAITING:
        raise DomainError(lazy_gettext("Nothing changed: this request was answered or withdrawn."), "warning")


def _stand_in_line(answer: Rsvp) -> Outcome:
    """Offer a group that has just joined the line what is free of the seats it wants; one letter tells either."""
    where = queries.place_in_line(answer)
    tell_asked(Step.JOINED, answer, where)
    seats.free(answer.party_id)
    if answer.status == OFFERED:
        return held(answer, changed=True)
    mail.rsvp_waitlisted(answer.party, answer, where)
    return Outcome(answer, changed=True, place=where)
