"""Answers, and who comes with them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask_babel import lazy_gettext
from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    event,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import InstanceState, Mapped, aliased, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import Json, UTCDateTime
from app.extensions import db
from app.food import ALLERGENS, DIETS
from app.parties.models.common import MOST_SEATS, one_of
from app.parties.models.party import DinnerParty

if TYPE_CHECKING:
    from app.parties.models.invitations import Invitation

YES, NO, MAYBE, WAITLISTED, WITHDRAWN, REMOVED = "yes", "no", "maybe", "waitlisted", "cancelled", "removed"
OFFERED, AWAITING, CHECKED_IN, NO_SHOW = "offered", "awaiting_approval", "checked_in", "no_show"
ANSWERS = {
    AWAITING: lazy_gettext("Waiting for the host"),
    YES: lazy_gettext("Coming"),
    NO: lazy_gettext("Not coming"),
    MAYBE: lazy_gettext("Maybe"),
    WAITLISTED: lazy_gettext("On the waiting list"),
    OFFERED: lazy_gettext("Seats are offered"),
    WITHDRAWN: lazy_gettext("Withdrawn"),
    REMOVED: lazy_gettext("Removed by the host"),
    CHECKED_IN: lazy_gettext("Is here"),
    NO_SHOW: lazy_gettext("Did not come"),
}
# Answers that hold seats: `seats_taken` counts them, and the offers that are open.
SEATED = (YES, CHECKED_IN)


def _whole_group(context: Any) -> int:
    """Return the fewest seats of a group that said nothing of fewer: all of them."""
    return int(context.get_current_parameters().get("party_size") or 1)


class Rsvp(db.Model):  # type: ignore[name-defined]
    """One person's answer to one party: a row whose status changes, never a second row."""

    __tablename__ = "rsvp"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    # The invitation it was given by. Whoever has no account is written to with its link.
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitation.id", ondelete="SET NULL"), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(130), default="")
    party_size: Mapped[int] = mapped_column(default=1)
    # "We would also come with fewer": how few.
    min_party: Mapped[int] = mapped_column(default=_whole_group)
    status: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(500), default="")
    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    waitlisted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Let an offer pass: is asked again when other seats become free, and until then is in nobody's way.
    resting: Mapped[bool] = mapped_column(default=False)
    # The host has let them in; nobody asks a second time.
    approved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    checked_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    party: Mapped[DinnerParty] = relationship(back_populates="answers")
    member: Mapped[Member | None] = relationship()
    invitation: Mapped["Invitation | None"] = relationship(back_populates="answer")

    __table_args__ = (
        CheckConstraint(f"party_size BETWEEN 1 AND {MOST_SEATS}", name="party_size"),
        CheckConstraint("min_party BETWEEN 1 AND party_size", name="min_party"),
        one_of("status", ANSWERS),
        Index("ix_rsvp_party_id_status_waitlisted_at_id", "party_id", "status", "waitlisted_at", "id"),
    )

    def __repr__(self) -> str:
        return self.name or self.email


Index("uq_rsvp_party_id_lower_email", Rsvp.party_id, func.lower(Rsvp.email), unique=True)


class RsvpPerson(db.Model):  # type: ignore[name-defined]
    """One of those who come with an answer, and what they do not eat. The host sees it, and it is purged afterwards."""

    __tablename__ = "rsvp_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(String(130), default="")
    diets: Mapped[list[str]] = mapped_column(Json, default=list)
    allergens: Mapped[list[str]] = mapped_column(Json, default=list)
    note: Mapped[str] = mapped_column(String(200), default="")

    answer: Mapped[Rsvp] = relationship()

    __table_args__ = (UniqueConstraint("rsvp_id", "position"),)

    @property
    def diet_names(self) -> list[str]:
        """How they eat, in the reader's language."""
        return [str(DIETS[key]) for key in self.diets if key in DIETS]

    @property
    def allergen_names(self) -> list[str]:
        """What they must not eat, in the reader's language."""
        return [str(ALLERGENS[key]) for key in self.allergens if key in ALLERGENS]

    def __repr__(self) -> str:
        return self.name


@event.listens_for(Member, "after_update")
def _follow_address(_mapper: object, connection: Connection, member: Member) -> None:
    """Let a member's answers follow their address: the next who has the old one answers for themselves."""
    state: InstanceState[Member] = inspect(member)
    if state.attrs.email.history.has_changes():
        other = aliased(Rsvp)
        # Where somebody without an account has answered with the new one, two answers cannot have it: each keeps its own.
        taken = select(other.party_id).where(
            func.lower(other.email) == member.email.lower(), other.member_id.is_distinct_from(member.id)
        )
        follows = Rsvp.member_id == member.id, Rsvp.party_id.not_in(taken)
        connection.execute(update(Rsvp).where(*follows).values(email=member.email))
