"""The dishes on a party's menu."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Json
from app.enums import EnumString, one_of
from app.extensions import Model
from app.food import ALLERGENS, DIETS
from app.parties.enums import Course
from app.parties.models import DinnerParty
from app.search_key import WORDS


class MenuItem(Model):
    """A dish of a menu. `diets` are those it suits, `allergens` what it contains: keys of app.food."""

    __tablename__ = "menu_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    course: Mapped[Course] = mapped_column(EnumString(Course, 16))
    name: Mapped[str] = mapped_column(String(120), info=WORDS)
    allergens: Mapped[list[str]] = mapped_column(Json, default=list)
    diets: Mapped[list[str]] = mapped_column(Json, default=list)

    party: Mapped[DinnerParty] = relationship()

    __table_args__ = (one_of("course", Course),)

    @property
    def course_name(self) -> str:
        """The course in the reader's language."""
        return str(self.course.label)

    @property
    def allergen_names(self) -> list[str]:
        """Its allergens in the reader's language."""
        return [str(ALLERGENS[key]) for key in self.allergens if key in ALLERGENS]

    @property
    def diet_names(self) -> list[str]:
        """The diets it suits, in the reader's language."""
        return [str(DIETS[key]) for key in self.diets if key in DIETS]

    @property
    def is_described(self) -> bool:
        """Whether somebody has said what is in it, or whom it suits."""
        return bool(self.allergens or self.diets)

    def __repr__(self) -> str:
        return self.name
