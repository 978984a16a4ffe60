"""The core tables of parties: DinnerParty, CoHost, Rsvp, RsvpPerson and Invitation.

They share one module because they refer to each other: an RSVP belongs to a party, can come from an invitation, and an
invitation leads to its RSVP. The rules for seats and access need all of them. Tables of one subject, such as offers of
seats or dishes, are in the package of that subject and build on these.
"""

from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.models.mixins import ImageColumn
from sqlalchemy import (
    CheckConstraint,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    event,
    exists,
    false,
    inspect,
    text,
    update,
)
from sqlalchemy.orm import InstanceState, Mapped, aliased, column_property, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.address_key import address_key, duplicate_column, keep_keys, key_column
from app.database import Json, UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.food import ALLERGENS, DIETS
from app.parties import wall_clock
from app.parties.enums import HELD, QUEUED, SEATED, PartyStatus, RsvpStatus, SeriesFrequency, Visibility
from app.search_key import WORDS, index_words, search_key

MAX_SEATS = 1000
# Domain of the e-mail addresses that replace those of anonymised people. RFC 2606 reserves it: no mail is delivered.
ANONYMISED_DOMAIN = "@invalid"
# Domain of what stands for the e-mail address of guests who gave none. RFC 2606 reserves it, and the outbox writes no such e-mail.
NO_ADDRESS_DOMAIN = "@no-address.invalid"

PICTURE = ImageColumn(size=(1600, 1200, False), thumbnail_size=(480, 320, True))
# The most weeks or months between two dates of a series.
MAX_SERIES_INTERVAL = 12
MAX_PARTY_MINUTES = 7 * 24 * 60
MAX_NOTE_LENGTH, MAX_URL_LENGTH = 500, 500
DEFAULT_MAX_PARTY = 4
MAX_DISHES, MAX_WANTED = 40, 100
MAX_NAME_LENGTH, MAX_TITLE_LENGTH, MAX_DISH_LENGTH, MAX_PERSON_NOTE_LENGTH = 130, 120, 120, 200


def _few(name: str, column: str) -> Index:
    """Return an index of the rows that have a value in a column which is NULL in most."""
    condition = text(f"{column} IS NOT NULL")
    return Index(name, column, postgresql_where=condition, sqlite_where=condition)


class DinnerParty(Model):
    """A dinner party. Only the guarded UPDATE in `waiting_list.seats` changes `seats_taken`."""

    __tablename__ = "dinner_party"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120), info=WORDS)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    # The start is a local time in a time zone (see wall_clock.py). The moment in UTC is derived from it.
    starts_at_local: Mapped[datetime | None] = mapped_column(DateTime, active_history=True)
    starts_at_fold: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC", active_history=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime, active_history=True)
    # The version of the time zone rules by which the moments were derived.
    zone_rules: Mapped[str] = mapped_column(String(16), default="", server_default="")
    duration_minutes: Mapped[int] = mapped_column(default=180)
    venue: Mapped[str] = mapped_column(String(120), default="", info=WORDS)
    address: Mapped[str] = mapped_column(String(255), default="")
    # Town or neighbourhood, for those who do not see the address.
    area: Mapped[str] = mapped_column(String(120), default="", server_default="", info=WORDS)
    main_dish: Mapped[str] = mapped_column(String(120), default="", info=WORDS)
    description: Mapped[str] = mapped_column(Text, default="")
    # Seen by those who may see the party. Its file goes with the value.
    picture: Mapped[str | None] = mapped_column(PICTURE)
    number_seats: Mapped[int] = mapped_column(default=8)
    seats_taken: Mapped[int] = mapped_column(default=0)
    # Maximum party size: how many people can come with one RSVP.
    max_party: Mapped[int] = mapped_column(default=DEFAULT_MAX_PARTY)
    rsvp_deadline_local: Mapped[datetime | None] = mapped_column(DateTime, active_history=True)
    rsvp_deadline_fold: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    rsvp_deadline: Mapped[datetime | None] = mapped_column(UTCDateTime, active_history=True)
    # Whether hosts approve guests who were not invited.
    approval: Mapped[bool] = mapped_column(default=False)
    # Whether strangers can answer by e-mail alone, if the party is public.
    answers_by_email: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether guests who come see who else does: those who agree to it.
    shows_guests: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether only confirmed guests and hosts see the postal address.
    address_for_guests: Mapped[bool] = mapped_column(default=True)
    map_url: Mapped[str] = mapped_column(String(MAX_URL_LENGTH), default="")
    # The number of the valid share link; each new one counts up. It is off while the number is 0 or negative.
    share_round: Mapped[int] = mapped_column(default=0)
    # When and why an administrator hid the party from the public.
    hidden_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hidden_reason: Mapped[str] = mapped_column(String(MAX_NOTE_LENGTH), default="")
    visibility: Mapped[Visibility] = mapped_column(EnumString(Visibility, 16), default=Visibility.PUBLIC)
    status: Mapped[PartyStatus] = mapped_column(EnumString(PartyStatus, 16), default=PartyStatus.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    # Number of changes that guests were notified of: SEQUENCE in iCalendar.
    ics_sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # When something that calendars show last changed. None if nothing has.
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The series that it is a date of; its key is that of the first party.
    series_id: Mapped[int | None] = mapped_column(ForeignKey("party_series.id"), index=True)

    host: Mapped[Member] = relationship()
    series: Mapped["PartySeries | None"] = relationship(back_populates="parties")
    # In the order in which they were added.
    co_hosts: Mapped[list[Member]] = relationship(secondary="co_host", order_by="CoHost.created_at", viewonly=True)
    rsvps: Mapped[list["Rsvp"]] = relationship(
        back_populates="party", cascade="all, delete-orphan", passive_deletes=True
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("seats_taken >= 0 AND seats_taken <= number_seats", name="seats"),
        CheckConstraint(f"number_seats BETWEEN 1 AND {MAX_SEATS}", name="number_seats"),
        CheckConstraint(f"max_party BETWEEN 1 AND {MAX_SEATS}", name="max_party"),
        CheckConstraint(f"duration_minutes BETWEEN 1 AND {MAX_PARTY_MINUTES}", name="duration_minutes"),
        one_of("visibility", Visibility),
        one_of("status", PartyStatus),
        Index("ix_dinner_party_starts_at_id", "starts_at", "id"),
        Index("ix_dinner_party_visibility_status_starts_at_id", "visibility", "status", "starts_at", "id"),
        Index("ix_dinner_party_title_id", "title", "id"),
        Index("ix_dinner_party_status_starts_at_id", "status", "starts_at", "id"),
        _few("ix_dinner_party_rsvp_deadline", "rsvp_deadline"),
        _few("ix_dinner_party_hidden_at", "hidden_at"),
    )

    @property
    def seats_free(self) -> int:
        return self.number_seats - self.seats_taken

    @property
    def is_full(self) -> bool:
        return self.seats_free <= 0

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    @property
    def is_draft(self) -> bool:
        return self.status == PartyStatus.DRAFT

    @property
    def is_cancelled(self) -> bool:
        return self.status == PartyStatus.CANCELLED

    @property
    def is_done(self) -> bool:
        """Whether it took place and was closed."""
        return self.status == PartyStatus.DONE

    @property
    def is_held(self) -> bool:
        """Whether it takes place or took place."""
        return self.status in HELD

    @property
    def is_past(self) -> bool:
        """Whether it has started."""
        return self.starts_at <= clock.now()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or was closed."""
        return self.is_done or self.ends_at <= clock.now()

    @property
    def is_late(self) -> bool:
        """Whether nobody can answer any more."""
        return self.answers_until <= clock.now()

    @property
    def is_open(self) -> bool:
        """Whether it is published and has not started. The answer deadline is not considered."""
        return self.status == PartyStatus.PUBLISHED and not self.is_past

    @property
    def is_cancellable(self) -> bool:
        """Whether it has not started, and is neither cancelled nor done."""
        return self.status in {PartyStatus.DRAFT, PartyStatus.PUBLISHED} and not self.is_past

    @property
    def is_changeable(self) -> bool:
        """Whether hosts can still edit it."""
        return self.is_open or self.status == PartyStatus.DRAFT

    @property
    def is_listed(self) -> bool:
        """Whether it is public, and not hidden by an administrator."""
        return self.visibility == Visibility.PUBLIC and self.hidden_at is None

    @property
    def answers_until(self) -> datetime:
        """The answer deadline; without one, the start."""
        return min(self.rsvp_deadline or self.starts_at, self.starts_at)

    def is_hosted_by(self, member_id: int | None) -> bool:
        """Whether the member is the owner or a co-host."""
        return member_id is not None and member_id in {self.host_id, *(member.id for member in self.co_hosts)}

    def __repr__(self) -> str:
        return self.title


def _forget_local_time(name: str) -> None:
    """Let an assigned moment set its local time."""

    @event.listens_for(getattr(DinnerParty, name), "set")
    def forget(party: DinnerParty, _value: object, _before: object, _initiator: object) -> None:
        setattr(party, f"{name}_local", None)


for _moment, _local, _fold in wall_clock.TIMES:
    _forget_local_time(_moment)


@event.listens_for(DinnerParty, "before_insert")
@event.listens_for(DinnerParty, "before_update")
def _settle_times(_mapper: object, _connection: Connection, party: DinnerParty) -> None:
    wall_clock.settle(party)


# Used by the generated administration only.
DinnerParty.is_hidden = column_property(DinnerParty.hidden_at.is_not(None), deferred=True)


class PartySeries(Model):
    """Parties that a host has planned together. Its key is that of its first party, whether or not that still exists.

    So calendars can relate the parties to each other by the UID of the first one.
    """

    __tablename__ = "party_series"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # As the first party was called.
    title: Mapped[str] = mapped_column(String(MAX_TITLE_LENGTH), info=WORDS)
    host_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    frequency: Mapped[SeriesFrequency] = mapped_column(EnumString(SeriesFrequency, 16))
    # Every so many weeks or months.
    every: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    host: Mapped[Member | None] = relationship()
    # Parties stay when their series is deleted.
    parties: Mapped[list[DinnerParty]] = relationship(order_by=DinnerParty.starts_at, back_populates="series")

    __table_args__ = (
        one_of("frequency", SeriesFrequency),
        Index("ix_party_series_created_at_id", "created_at", "id"),
        CheckConstraint(f"every BETWEEN 1 AND {MAX_SERIES_INTERVAL}", name="every"),
    )

    def __repr__(self) -> str:
        return self.title


class CoHost(Model):
    """A member who hosts a party with its owner. Co-hosts can edit it and see its guests, but not cancel it."""

    __tablename__ = "co_host"

    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    member: Mapped[Member] = relationship()


def shown_email(email: str) -> str:
    """Return an e-mail address as people read it: nothing, where the guest gave none."""
    return "" if email.endswith(NO_ADDRESS_DOMAIN) else email


def _party_size_of_row(context: Any) -> int:
    """Default of `min_party`: the whole group."""
    return int(context.get_current_parameters().get("party_size") or 1)


class Rsvp(Model):
    """The RSVP of a guest to a party. There is one row for each guest and party, whose status changes."""

    __tablename__ = "rsvp"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    # The invitation it was given with. E-mails to a guest without an account contain its personal link.
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitation.id", ondelete="SET NULL"), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()
    name: Mapped[str] = mapped_column(String(130), default="", info=WORDS)
    party_size: Mapped[int] = mapped_column(default=1)
    # Smallest party size with which the group would still come.
    min_party: Mapped[int] = mapped_column(default=_party_size_of_row)
    status: Mapped[RsvpStatus] = mapped_column(EnumString(RsvpStatus, 20))
    note: Mapped[str] = mapped_column(String(500), default="")
    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    waitlisted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The guest let an offer expire. They get no offer, and hold up nobody, until other seats become free.
    resting: Mapped[bool] = mapped_column(default=False)
    # When a host approved the RSVP. It is not asked for again.
    approved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    checked_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Whether other guests may read the name.
    shows_name: Mapped[bool] = mapped_column(default=False, server_default=false())

    party: Mapped[DinnerParty] = relationship(back_populates="rsvps")
    member: Mapped[Member | None] = relationship()
    invitation: Mapped["Invitation | None"] = relationship(back_populates="rsvp")

    __table_args__ = (
        CheckConstraint(f"party_size BETWEEN 1 AND {MAX_SEATS}", name="party_size"),
        CheckConstraint("min_party BETWEEN 1 AND party_size", name="min_party"),
        one_of("status", RsvpStatus),
        Index("ix_rsvp_party_id_status_waitlisted_at_id", "party_id", "status", "waitlisted_at", "id"),
        Index("ix_rsvp_answered_at_id", "answered_at", "id"),
        Index("ix_rsvp_status_answered_at_id", "status", "answered_at", "id"),
    )

    @property
    def is_confirmed(self) -> bool:
        """Whether the guest comes and is not checked in yet."""
        return self.status == RsvpStatus.YES

    @property
    def is_seated(self) -> bool:
        """Whether it holds seats. Those of an open offer do not count."""
        return self.status in SEATED

    @property
    def is_waitlisted(self) -> bool:
        return self.status == RsvpStatus.WAITLISTED

    @property
    def is_queued(self) -> bool:
        """Whether the guest is on the waiting list or has an offer of seats."""
        return self.status in QUEUED

    @property
    def is_awaiting_approval(self) -> bool:
        """Whether a host has to approve or decline it."""
        return self.status == RsvpStatus.AWAITING_APPROVAL

    @property
    def is_undecided(self) -> bool:
        """Whether the guest wants seats and has none yet."""
        return self.is_awaiting_approval or self.is_queued

    @property
    def is_active(self) -> bool:
        """Whether the guest has seats or wants some."""
        return self.is_seated or self.is_undecided

    @property
    def is_checked_in(self) -> bool:
        return self.status == RsvpStatus.CHECKED_IN

    @property
    def is_no_show(self) -> bool:
        """Whether the guest had seats and did not come."""
        return self.status == RsvpStatus.NO_SHOW

    @property
    def shown_email(self) -> str:
        return shown_email(self.email)

    def __repr__(self) -> str:
        return self.name or self.email


Index("ix_dinner_party_title_key_id", search_key(DinnerParty.__table__.c.title), DinnerParty.__table__.c.id).ddl_if(
    dialect="postgresql"
)
index_words(*(DinnerParty.__table__.c[name] for name in ("title", "slug", "venue", "area", "main_dish")))
keep_keys(Rsvp, "email")
# Guests without an account are found by their e-mail address.
Index(
    "ix_rsvp_email_key",
    Rsvp.email_key,
    postgresql_where=Rsvp.member_id.is_(None),
    sqlite_where=Rsvp.member_id.is_(None),
)
index_words(Rsvp.__table__.c.name, Rsvp.__table__.c.email)
Index("uq_rsvp_party_id_email_key", Rsvp.party_id, Rsvp.email_key, Rsvp.duplicate, unique=True)


class RsvpPerson(Model):
    """A person who comes with an RSVP, and their diet. Only hosts see it, and it is deleted after the party."""

    __tablename__ = "rsvp_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    rsvp_id: Mapped[int] = mapped_column(ForeignKey("rsvp.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(String(130), default="", info=WORDS)
    diets: Mapped[list[str]] = mapped_column(Json, default=list)
    allergens: Mapped[list[str]] = mapped_column(Json, default=list)
    note: Mapped[str] = mapped_column(String(200), default="")

    rsvp: Mapped[Rsvp] = relationship()

    __table_args__ = (UniqueConstraint("rsvp_id", "position"),)

    @property
    def diet_names(self) -> list[str]:
        """The diets, translated."""
        return [str(DIETS[key]) for key in self.diets if key in DIETS]

    @property
    def allergen_names(self) -> list[str]:
        """The allergens to avoid, translated."""
        return [str(ALLERGENS[key]) for key in self.allergens if key in ALLERGENS]

    def __repr__(self) -> str:
        return self.name


@event.listens_for(Member, "after_update")
def _follow_email(_mapper: object, connection: Connection, member: Member) -> None:
    """Update the e-mail address of the member's RSVPs. A new owner of the old address then answers for themselves."""
    state: InstanceState[Member] = inspect(member)
    if state.attrs.email.history.has_changes():
        other = aliased(Rsvp)
        # If a guest without an account has answered the same party with the new address, both RSVPs keep their address.
        conflicting = exists().where(
            other.party_id == Rsvp.party_id,
            other.email_key == address_key(member.email),
            other.member_id.is_distinct_from(member.id),
        )
        updated = Rsvp.member_id == member.id, ~conflicting
        values = {"email": member.email, "email_key": address_key(member.email), "duplicate": 0}
        connection.execute(update(Rsvp).where(*updated).values(values))


class Invitation(Model):
    """An invitation with a personal link. The token is derived from `round` for each e-mail; only its hash is stored."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()
    name: Mapped[str] = mapped_column(String(130), default="", info=WORDS)
    locale: Mapped[str | None] = mapped_column(String(16))
    # Maximum party size.
    max_party: Mapped[int] = mapped_column(default=1)
    # None until the row is stored: the token is derived from its key.
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    # Counts up when the guest is invited again: earlier links stop working.
    round: Mapped[int] = mapped_column(default=1)
    # Nobody invited them: they answer a public party by e-mail alone, and need approval where others do.
    asked_by_guest: Mapped[bool] = mapped_column(default=False, server_default=false())
    # None if the guest asked for it, there or on the page of the share link.
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # None while the party is a draft: the e-mail is sent when it is published.
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    party: Mapped[DinnerParty] = relationship()
    invited_by: Mapped[Member | None] = relationship()
    rsvp: Mapped[Rsvp | None] = relationship(back_populates="invitation", uselist=False)

    __table_args__ = (
        CheckConstraint(f"max_party BETWEEN 1 AND {MAX_SEATS}", name="max_party"),
        Index("ix_invitation_created_at_id", "created_at", "id"),
    )

    @property
    def is_anonymised(self) -> bool:
        """Whether the personal data was deleted, on request or after the retention period."""
        return self.email.endswith(ANONYMISED_DOMAIN)

    @property
    def shown_email(self) -> str:
        return shown_email(self.email)

    def __repr__(self) -> str:
        return self.name or self.email


keep_keys(Invitation, "email")
Index("ix_invitation_email_key", Invitation.email_key)
index_words(Invitation.__table__.c.name, Invitation.__table__.c.email)
Index("uq_invitation_party_id_email_key", Invitation.party_id, Invitation.email_key, Invitation.duplicate, unique=True)
