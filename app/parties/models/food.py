"""What is on the table, and what guests bring along."""

from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import Json, UTCDateTime
from app.extensions import db
from app.food import ALLERGENS, DIETS
from app.parties.models.answers import Rsvp
from app.parties.models.common import one_of
from app.parties.models.party import DinnerParty

STARTER, MAIN, SIDE, DESSERT, DRINK = "starter", "main", "side", "dessert", "drink"
# In the order in which they are served.
COURSES = {
    STARTER: lazy_gettext("Starter"),
    MAIN: lazy_gettext("Main course"),
    SIDE: lazy_gettext("Side dish"),
    DESSERT: lazy_gettext("Dessert"),
    DRINK: lazy_gettext("Drinks"),
}
MOST_DISHES, MOST_WANTED = 40, 100


class MenuItem(db.Model):  # type: ignore[name-defined]
    """Something that is on the table. `diets` are those it suits, `allergens` what is in it: keys of app.food."""

    __tablename__ = "menu_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    course: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    allergens: Mapped[list[str]] = mapped_column(Json, default=list)
    diets: Mapped[list[str]] = mapped_column(Json, default=list)

    party: Mapped[DinnerParty] = relationship()

    __table_args__ = (one_of("course", COURSES),)

    @property
    def course_name(self) -> str:
        """When it is served, in the reader's language."""
        return str(COURSES[self.course])

    @property
    def allergen_names(self) -> list[str]:
        """What is in it, in the reader's language."""
        return [str(ALLERGENS[key]) for key in self.allergens if key in ALLERGENS]

    @property
    def diet_names(self) -> list[str]:
        """Whom it suits, in the reader's language."""
        return [str(DIETS[key]) for key in self.diets if key in DIETS]

    def __repr__(self) -> str:
        return self.name


class DishSlot(db.Model):  # type: ignore[name-defined]
    """Something that guests are asked to bring, `wanted` times. `claimed` moves only by the guarded UPDATE of `service.potluck`."""

    __tablename__ = "dish_slot"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    course: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    wanted: Mapped[int] = mapped_column(default=1)
    claimed: Mapped[int] = mapped_column(default=0)

    party: Mapped[DinnerParty] = relationship()
    claims: Mapped[list["DishClaim"]] = relationship(back_populates="slot", passive_deletes=True)

    __table_args__ = (
        one_of("course", COURSES),
        CheckConstraint(f"wanted BETWEEN 1 AND {MOST_WANTED}", name="wanted"),
        CheckConstraint("claimed BETWEEN 0 AND wanted", name="claimed"),
    )

    @property
    def course_name(self) -> str:
        """When it is served, in the reader's language."""
        return str(COURSES[self.course])

    @property
    def open(self) -> int:
        """How many nobody brings yet."""
        return self.wanted - self.claimed

    def __repr__(self) -> str:
        return self.name


class DishClaim(db.Model):  # type: ignore[name-defined]
    """What those who come with an answer bring along; it goes when they do not come."""

    __tablename__ = "dish_claim"

    id: Mapped[int] = mapped_column(primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("dish_slot.id", ondelete="CASCADE"))
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"), index=True)
    quantity: Mapped[int] = mapped_column(default=1)
    # What exactly it will be: "lemon tart".
    dish: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    slot: Mapped[DishSlot] = relationship(back_populates="claims")
    answer: Mapped[Rsvp] = relationship()

    __table_args__ = (
        UniqueConstraint("slot_id", "rsvp_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MOST_WANTED}", name="quantity"),
    )

    def __repr__(self) -> str:
        return self.dish or self.slot.name
