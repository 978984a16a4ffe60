"""Tables of the waiting list: seat offers and events."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.parties.enums import OfferState, WaitingListEventKind
from app.parties.models import MAX_SEATS, DinnerParty, Rsvp


class WaitOffer(Model):
    """Seats that are held for a guest until `expires_at`. Later the offer is void, whatever `state` still says."""

    __tablename__ = "wait_offer"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"), index=True)
    seats: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[OfferState] = mapped_column(EnumString(OfferState, 16), default=OfferState.PENDING)

    party: Mapped[DinnerParty] = relationship()
    rsvp: Mapped[Rsvp] = relationship()

    __table_args__ = (
        CheckConstraint(f"seats BETWEEN 1 AND {MAX_SEATS}", name="seats"),
        one_of("state", OfferState),
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
        return self.state == OfferState.PENDING and self.expires_at > clock.now()

    @property
    def is_expired(self) -> bool:
        """Whether it expired before the guest decided. The stored state may still be pending."""
        return self.state in {OfferState.PENDING, OfferState.EXPIRED} and not self.is_open

    @property
    def is_claimed(self) -> bool:
        """Whether the guest accepted the seats."""
        return self.state == OfferState.CLAIMED

    def __repr__(self) -> str:
        return f"{self.rsvp!r} ({self.seats})"


class WaitingListEvent(Model):
    """An event of a waiting list; `history_texts` renders it for each reader.

    `place` is the position at that moment, `seats` what was requested or offered, `least` the minimum party size.
    """

    __tablename__ = "line_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    # None: the event concerns the party as a whole.
    rsvp_id: Mapped[int | None] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"), index=True)
    kind: Mapped[WaitingListEventKind] = mapped_column(EnumString(WaitingListEventKind, 16))
    place: Mapped[int | None]
    seats: Mapped[int | None]
    least: Mapped[int | None]
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    rsvp: Mapped[Rsvp | None] = relationship()

    __table_args__ = (one_of("kind", WaitingListEventKind), Index("ix_line_event_party_id_id", "party_id", "id"))
