"""Dinner parties, the answers to them, and the waiting list: offers, and what happened in line."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    func,
    inspect,
    text,
    update,
)
from sqlalchemy.orm import InstanceState, Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import Json, UTCDateTime
from app.extensions import db
from app.food import ALLERGENS, DIETS

PUBLIC, UNLISTED, PRIVATE = "public", "unlisted", "private"
DRAFT, PUBLISHED, CANCELLED, DONE = "draft", "published", "cancelled", "done"
YES, NO, MAYBE, WAITLISTED, WITHDRAWN, REMOVED = "yes", "no", "maybe", "waitlisted", "cancelled", "removed"
OFFERED = "offered"
PENDING, CLAIMED, DECLINED, EXPIRED, REVOKED = "pending", "claimed", "declined", "expired", "revoked"

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
ANSWERS = {
    YES: lazy_gettext("Coming"),
    NO: lazy_gettext("Not coming"),
    MAYBE: lazy_gettext("Maybe"),
    WAITLISTED: lazy_gettext("On the waiting list"),
    OFFERED: lazy_gettext("Seats are offered"),
    WITHDRAWN: lazy_gettext("Withdrawn"),
    REMOVED: lazy_gettext("Removed by the host"),
}
STARTER, MAIN, SIDE, DESSERT, DRINK = "starter", "main", "side", "dessert", "drink"
# In the order in which they are served.
COURSES = {
    STARTER: lazy_gettext("Starter"),
    MAIN: lazy_gettext("Main course"),
    SIDE: lazy_gettext("Side dish"),
    DESSERT: lazy_gettext("Dessert"),
    DRINK: lazy_gettext("Drinks"),
}
OFFER_STATES = {
    PENDING: lazy_gettext("Open"),
    CLAIMED: lazy_gettext("Claimed"),
    DECLINED: lazy_gettext("Declined"),
    EXPIRED: lazy_gettext("Expired"),
    REVOKED: lazy_gettext("Taken back"),
}
LONGEST_PARTY_MINUTES = 7 * 24 * 60
MOST_SEATS = 1000
USUAL_GROUP = 4
MOST_DISHES = 40


class Step:
    """What may happen to those who wait; the kinds of LineEvent."""

    JOINED, CHANGED, LEFT, REMOVED, SEATED = "joined", "changed", "left", "removed", "seated"
    FREED, OFFERED, SKIPPED = "freed", "offered", "skipped"
    CLAIMED, DECLINED, EXPIRED, REVOKED = CLAIMED, DECLINED, EXPIRED, REVOKED
    ALL = (JOINED, CHANGED, LEFT, REMOVED, SEATED, FREED, OFFERED, SKIPPED, CLAIMED, DECLINED, EXPIRED, REVOKED)


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _whole_group(context: Any) -> int:
    """Return the fewest seats of a group that said nothing of fewer: all of them."""
    return int(context.get_current_parameters().get("party_size") or 1)


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
        _one_of("visibility", VISIBILITIES),
        _one_of("status", PARTY_STATUSES),
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
    def answers_until(self) -> datetime:
        """The last moment for an answer."""
        return min(self.rsvp_deadline or self.starts_at, self.starts_at)

    def __repr__(self) -> str:
        return self.title


class Rsvp(db.Model):  # type: ignore[name-defined]
    """One person's answer to one party: a row whose status changes, never a second row."""

    __tablename__ = "rsvp"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(130), default="")
    party_size: Mapped[int] = mapped_column(default=1)
    # "We would also come with fewer": how few.
    min_party: Mapped[int] = mapped_column(default=_whole_group)
    status: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(500), default="")
    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    waitlisted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Let an offer pass: is asked again when other seats become free, and until then is in nobody's way.
    resting: Mapped[bool] = mapped_column(default=False)

    party: Mapped[DinnerParty] = relationship(back_populates="answers")
    member: Mapped[Member | None] = relationship()

    __table_args__ = (
        CheckConstraint(f"party_size BETWEEN 1 AND {MOST_SEATS}", name="party_size"),
        CheckConstraint("min_party BETWEEN 1 AND party_size", name="min_party"),
        _one_of("status", ANSWERS),
        Index("ix_rsvp_party_id_status_waitlisted_at_id", "party_id", "status", "waitlisted_at", "id"),
    )

    def __repr__(self) -> str:
        return self.name or self.email


class CoHost(db.Model):  # type: ignore[name-defined]
    """A member who hosts a party beside its owner: they change it and see its guests; calling it off is the owner's."""

    __tablename__ = "co_host"

    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    member: Mapped[Member] = relationship()


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

    __table_args__ = (_one_of("course", COURSES),)

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

    def __repr__(self) -> str:
        return self.name


class CalendarFeed(db.Model):  # type: ignore[name-defined]
    """The secret address under which a member's calendar looks up their dinners. There is one, and it can be renewed."""

    __tablename__ = "calendar_feed"

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    member: Mapped[Member] = relationship()


Index("uq_rsvp_party_id_lower_email", Rsvp.party_id, func.lower(Rsvp.email), unique=True)


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
        _one_of("state", OFFER_STATES),
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

    __table_args__ = (_one_of("kind", Step.ALL), Index("ix_line_event_party_id_id", "party_id", "id"))


@event.listens_for(Member, "after_update")
def _follow_address(_mapper: object, connection: Connection, member: Member) -> None:
    """Let a member's answers follow their address: the next who has the old one answers for themselves."""
    state: InstanceState[Member] = inspect(member)
    if state.attrs.email.history.has_changes():
        connection.execute(update(Rsvp).where(Rsvp.member_id == member.id).values(email=member.email))
