"""Dinner parties, and who hosts them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import UTCDateTime
from app.extensions import db
from app.parties.models.common import MOST_SEATS, one_of

if TYPE_CHECKING:
    from app.parties.models.answers import Rsvp

PUBLIC, UNLISTED, PRIVATE = "public", "unlisted", "private"
DRAFT, PUBLISHED, CANCELLED, DONE = "draft", "published", "cancelled", "done"
VISIBILITIES = {
    PUBLIC: lazy_gettext("Public"),
    UNLISTED: lazy_gettext("By link only"),
    PRIVATE: lazy_gettext("Private"),
}
PARTY_STATUSES = {
    DRAFT: lazy_gettext("Draft"),
    PUBLISHED: lazy_gettext("Published"),
    CANCELLED: lazy_gettext("Cancelled"),
    DONE: lazy_gettext("Done"),
}
LONGEST_PARTY_MINUTES = 7 * 24 * 60
LONGEST_NOTE, LONGEST_URL = 500, 500
USUAL_GROUP = 4


class DinnerParty(db.Model):  # type: ignore[name-defined]
    """A dinner: people x dishes x seats. `seats_taken` moves only by the guarded UPDATE of `service.seats`."""

    __tablename__ = "dinner_party"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    duration_minutes: Mapped[int] = mapped_column(default=180)
    venue: Mapped[str] = mapped_column(String(120), default="")
    address: Mapped[str] = mapped_column(String(255), default="")
    main_dish: Mapped[str] = mapped_column(String(120), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    number_seats: Mapped[int] = mapped_column(default=8)
    seats_taken: Mapped[int] = mapped_column(default=0)
    # How many may come with one answer.
    max_party: Mapped[int] = mapped_column(default=USUAL_GROUP)
    rsvp_deadline: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Whoever was not invited asks the host for a seat.
    approval: Mapped[bool] = mapped_column(default=False)
    # The address is told to those who come, and to nobody else.
    address_for_guests: Mapped[bool] = mapped_column(default=False)
    map_url: Mapped[str] = mapped_column(String(LONGEST_URL), default="")
    # Which share link opens the party: each new one is the next. None does while it is 0, or below: switched off.
    share_round: Mapped[int] = mapped_column(default=0)
    # An administrator has taken it off the public pages, and why.
    hidden_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hidden_reason: Mapped[str] = mapped_column(String(LONGEST_NOTE), default="")
    visibility: Mapped[str] = mapped_column(String(16), default=PUBLIC)
    status: Mapped[str] = mapped_column(String(16), default=DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    # How often guests were told of a change; calendars go by it.
    ics_sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    host: Mapped[Member] = relationship()
    # Those who host beside the owner, the first of them first.
    co_hosts: Mapped[list[Member]] = relationship(secondary="co_host", order_by="CoHost.created_at", viewonly=True)
    answers: Mapped[list["Rsvp"]] = relationship(
        back_populates="party", cascade="all, delete-orphan", passive_deletes=True
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("seats_taken >= 0 AND seats_taken <= number_seats", name="seats"),
        CheckConstraint(f"number_seats BETWEEN 1 AND {MOST_SEATS}", name="number_seats"),
        CheckConstraint(f"max_party BETWEEN 1 AND {MOST_SEATS}", name="max_party"),
        CheckConstraint(f"duration_minutes BETWEEN 1 AND {LONGEST_PARTY_MINUTES}", name="duration_minutes"),
        one_of("visibility", VISIBILITIES),
        one_of("status", PARTY_STATUSES),
        Index("ix_dinner_party_starts_at_id", "starts_at", "id"),
        Index("ix_dinner_party_visibility_status_starts_at_id", "visibility", "status", "starts_at", "id"),
        Index("ix_dinner_party_title_id", "title", "id"),
    )

    @property
    def seats_free(self) -> int:
        """Seats that nobody holds."""
        return self.number_seats - self.seats_taken

    @property
    def is_full(self) -> bool:
        """Whether the next guest would have to wait."""
        return self.seats_free <= 0

    @property
    def ends_at(self) -> datetime:
        """The moment the party is planned to end."""
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    @property
    def is_past(self) -> bool:
        """Whether it has begun; nobody answers any more."""
        return self.starts_at <= clock.now()

    @property
    def is_open(self) -> bool:
        """Whether it takes answers at all."""
        return self.status == PUBLISHED and not self.is_past

    @property
    def is_cancellable(self) -> bool:
        """Whether it is still to come, and can be called off."""
        return self.status in {DRAFT, PUBLISHED} and not self.is_past

    @property
    def is_changeable(self) -> bool:
        """Whether its host may still change it."""
        return self.is_open or self.status == DRAFT

    @property
    def is_listed(self) -> bool:
        """Whether everybody may find it."""
        return self.visibility == PUBLIC and self.hidden_at is None

    @property
    def answers_until(self) -> datetime:
        """The last moment for an answer."""
        return min(self.rsvp_deadline or self.starts_at, self.starts_at)

    def __repr__(self) -> str:
        return self.title


# Only the generated UI asks for it.
DinnerParty.is_hidden = column_property(DinnerParty.hidden_at.is_not(None), deferred=True)


class CoHost(db.Model):  # type: ignore[name-defined]
    """A member who hosts a party beside its owner: they change it and see its guests; calling it off is the owner's."""

    __tablename__ = "co_host"

    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    member: Mapped[Member] = relationship()
