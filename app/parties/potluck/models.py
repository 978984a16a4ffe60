"""Dishes that guests are asked to bring, and who brings them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.parties.enums import Course
from app.parties.models import MAX_WANTED, DinnerParty, Rsvp
from app.search_key import WORDS


class DishSlot(Model):
    """A dish that guests are asked to bring, `wanted` times. Only the guarded UPDATEs of `potluck.service` change `claimed`."""

    __tablename__ = "dish_slot"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    course: Mapped[Course] = mapped_column(EnumString(Course, 16))
    name: Mapped[str] = mapped_column(String(120), info=WORDS)
    wanted: Mapped[int] = mapped_column(default=1)
    claimed: Mapped[int] = mapped_column(default=0)

    party: Mapped[DinnerParty] = relationship()
    claims: Mapped[list["DishClaim"]] = relationship(back_populates="slot", passive_deletes=True)

    __table_args__ = (
        one_of("course", Course),
        CheckConstraint(f"wanted BETWEEN 1 AND {MAX_WANTED}", name="wanted"),
        CheckConstraint("claimed BETWEEN 0 AND wanted", name="claimed"),
    )

    @property
    def course_name(self) -> str:
        """The course in the reader's language."""
        return str(self.course.label)

    @property
    def open(self) -> int:
        """How many are still needed."""
        return self.wanted - self.claimed

    def __repr__(self) -> str:
        return self.name


class DishClaim(Model):
    """What a guest brings. It is deleted when the guest no longer comes."""

    __tablename__ = "dish_claim"

    id: Mapped[int] = mapped_column(primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("dish_slot.id", ondelete="CASCADE"))
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"), index=True)
    quantity: Mapped[int] = mapped_column(default=1)
    # What exactly it will be: "lemon tart".
    dish: Mapped[str] = mapped_column(String(120), default="", info=WORDS)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    slot: Mapped[DishSlot] = relationship(back_populates="claims")
    rsvp: Mapped[Rsvp] = relationship()

    __table_args__ = (
        UniqueConstraint("slot_id", "rsvp_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MAX_WANTED}", name="quantity"),
    )

    def __repr__(self) -> str:
        return self.dish or self.slot.name
