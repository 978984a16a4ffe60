"""The waiting list: offers, and what happened in line."""

from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import UTCDateTime
from app.extensions import db
from app.parties.models.answers import Rsvp
from app.parties.models.common import MOST_SEATS, one_of
from app.parties.models.party import DinnerParty

PENDING, CLAIMED, DECLINED, EXPIRED, REVOKED = "pending", "claimed", "declined", "expired", "revoked"
OFFER_STATES = {
    PENDING: lazy_gettext("Open"),
    CLAIMED: lazy_gettext("Claimed"),
    DECLINED: lazy_gettext("Declined"),
    EXPIRED: lazy_gettext("Expired"),
    REVOKED: lazy_gettext("Taken back"),
}


class Step:
    """What may happen to those who wait; the kinds of LineEvent."""

    JOINED, CHANGED, LEFT, REMOVED, SEATED = "joined", "changed", "left", "removed", "seated"
    FREED, OFFERED, SKIPPED = "freed", "offered", "skipped"
    CLAIMED, DECLINED, EXPIRED, REVOKED = CLAIMED, DECLINED, EXPIRED, REVOKED
    ALL = (JOINED, CHANGED, LEFT, REMOVED, SEATED, FREED, OFFERED, SKIPPED, CLAIMED, DECLINED, EXPIRED, REVOKED)


class WaitOffer(db.Model):  # type: ignore[name-defined]
    """Seats held for somebody who waited, until `expires_at`. Past that it is void, whatever `state` still says."""

    __tablename__ = "wait_offer"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"), index=True)
    seats: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(16), default=PENDING)

    party: Mapped[DinnerParty] = relationship()
    rsvp: Mapped[Rsvp] = relationship()

    __table_args__ = (
        CheckConstraint(f"seats BETWEEN 1 AND {MOST_SEATS}", name="seats"),
        one_of("state", OFFER_STATES),
        Index("ix_wait_offer_party_id_state", "party_id", "state"),
        Index("ix_wait_offer_state_expires_at_id", "state", "expires_at", "id"),
        Index("ix_wait_offer_created_at_id", "created_at", "id"),
        Index(
            "uq_wait_offer_rsvp_id_pending",
            "rsvp_id",
            unique=True,
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    @property
    def is_open(self) -> bool:
        """Whether its seats can still be claimed."""
        return self.state == PENDING and self.expires_at > clock.now()

    def __repr__(self) -> str:
        return f"{self.rsvp!r} ({self.seats})"


class LineEvent(db.Model):  # type: ignore[name-defined]
    """One step of what happened to those who wait for a seat at a party; rendered in words for each reader.

    `place` is the place in line at that moment, `seats` and `least` what was asked for or offered; see `Step`.
    """

    __tablename__ = "line_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    # None: it happened to the table.
    rsvp_id: Mapped[int | None] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    place: Mapped[int | None]
    seats: Mapped[int | None]
    least: Mapped[int | None]
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    rsvp: Mapped[Rsvp | None] = relationship()

    __table_args__ = (one_of("kind", Step.ALL), Index("ix_line_event_party_id_id", "party_id", "id"))
