"""Records what happens on a waiting list, as rows. `history_texts` renders them for each reader."""

from datetime import datetime

from app.extensions import db
from app.parties.enums import WaitingListEventKind
from app.parties.models import Rsvp
from app.parties.waiting_list.models import WaitingListEvent


def record(  # noqa: PLR0913 - the columns of an event
    kind: WaitingListEventKind,
    party_id: int,
    rsvp_id: int | None = None,
    *,
    place: int | None = None,
    seats: int | None = None,
    least: int | None = None,
    until: datetime | None = None,
) -> None:
    """Record an event of an RSVP, or of the party if `rsvp_id` is None. `place` is the position on the waiting list."""
    db.session.add(
        WaitingListEvent(
            party_id=party_id, rsvp_id=rsvp_id, kind=kind, place=place, seats=seats, least=least, until=until
        )
    )


def record_request(kind: WaitingListEventKind, rsvp: Rsvp, position: int) -> None:
    """Record the seats that an RSVP on the waiting list asks for."""
    record(kind, rsvp.party_id, rsvp.id, place=position, seats=rsvp.party_size, least=rsvp.min_party)
