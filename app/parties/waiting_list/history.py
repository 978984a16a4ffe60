"""What happened in line, noted as it happens: rows that are rendered in words for each reader."""

from datetime import datetime

from app.extensions import db
from app.parties.enums import WaitingListEventKind
from app.parties.models import Rsvp
from app.parties.waiting_list.models import WaitingListEvent


def record(  # noqa: PLR0913 - what may be told of a step
    kind: WaitingListEventKind,
    party_id: int,
    answer_id: int | None = None,
    *,
    place: int | None = None,
    seats: int | None = None,
    least: int | None = None,
    until: datetime | None = None,
) -> None:
    """Note a step of somebody who waits or waited, or of the table."""
    db.session.add(
        WaitingListEvent(
            party_id=party_id, rsvp_id=answer_id, kind=kind, place=place, seats=seats, least=least, until=until
        )
    )


def record_request(kind: WaitingListEventKind, rsvp: Rsvp, place: int) -> None:
    """Note what somebody in line asks for."""
    record(kind, rsvp.party_id, rsvp.id, place=place, seats=rsvp.party_size, least=rsvp.min_party)
