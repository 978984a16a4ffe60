"""Hosts let in who asked for a seat without having been invited. To decline is `leaving.remove`."""

from flask_babel import lazy_gettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties.models import AWAITING, OFFERED, YES, Rsvp
from app.parties.service import seats
from app.parties.service.answers import seat_or_queue, told
from app.parties.service.wishes import Outcome, Wish, held


def approve(answer: Rsvp) -> Outcome:
    """Give a guest who asked the seats they want, or a place in line.

    Raises DomainError when they do not ask any more, or the party takes nobody any more.
    """
    party = answer.party
    line = seats.free(party.id)
    db.session.refresh(answer)
    if answer.status != AWAITING:
        raise DomainError(lazy_gettext("Nothing changed: this request was answered or withdrawn."), "warning")
    if not party.is_open:
        raise DomainError(lazy_gettext("This party takes no guests any more."))
    answer.approved_at = clock.now()
    # Whoever would also come with fewer is offered those in line, and decides for themselves.
    wish = Wish(YES, size=answer.party_size, least=answer.party_size)
    least = answer.min_party
    seat_or_queue(answer, (answer.party_size, answer.party_size), wish, line)
    answer.min_party = least
    db.session.flush()
    outcome = told(party, answer, before=AWAITING)
    if outcome.place is not None:
        seats.free(party.id)
    return held(answer, changed=True) if answer.status == OFFERED else outcome
