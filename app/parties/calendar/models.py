"""Calendar feeds, and what calendars were sent by e-mail."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, ForeignKey, Index, String, event, inspect, select, update
from sqlalchemy.orm import InstanceState, Mapped, aliased, mapped_column, relationship
from sqlalchemy.orm.attributes import History

from app import clock
from app.accounts.models import Member
from app.address_key import address_key
from app.database import UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.parties.models import DinnerParty, Rsvp

# What calendars show of a party. Its last change is told to those who read the feed.
SHOWN = (
    *("title", "slug", "host_id", "starts_at", "timezone", "duration_minutes", "venue", "area"),
    *("address", "address_for_guests", "main_dish", "description", "status"),
)


class CalendarFeed(Model):
    """The secret URL of a member's calendar feed. Each member has at most one; only the hash of its token is stored."""

    __tablename__ = "calendar_feed"

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    member: Mapped[Member] = relationship()


class Method(StrEnum):
    """What an iTIP message (RFC 5546) asks a calendar to do."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class CalendarEntry(Model):
    """What the calendar behind an e-mail address was last sent about a party.

    The address is stored by its key. `sequence` is the SEQUENCE it was sent: it counts the changes of the party, and also
    each cancellation for this guest alone.
    """

    __tablename__ = "calendar_entry"

    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), primary_key=True)
    method: Mapped[Method] = mapped_column(EnumString(Method, 16))
    sequence: Mapped[int] = mapped_column()
    # The party's own number of changes when this was sent.
    party_sequence: Mapped[int] = mapped_column()
    # The first SEQUENCE with which the party was sent as it was then. A reply to an earlier one is out of date.
    current_from: Mapped[int] = mapped_column()
    # The last reply that was handled: when it was written, and the SHA-256 of its text. Mail servers may deliver it again.
    replied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reply_digest: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (one_of("method", Method), Index("ix_calendar_entry_email", "email"))


@event.listens_for(DinnerParty, "before_update")
def _record_change(_mapper: object, _connection: Connection, party: DinnerParty) -> None:
    state: InstanceState[DinnerParty] = inspect(party)
    if any(state.attrs[name].history.has_changes() for name in SHOWN):
        party.changed_at = clock.now()


@event.listens_for(Member, "after_update")
def _follow_email(_mapper: object, connection: Connection, member: Member) -> None:
    """Let the calendar of a member who has a new e-mail address hear of the parties that they have answered."""
    history: History = inspect(member).attrs.email.history
    if not history.has_changes() or not history.deleted:
        return
    old, new, other = address_key(history.deleted[0]), address_key(member.email), aliased(CalendarEntry)
    connection.execute(
        update(CalendarEntry)
        .where(
            CalendarEntry.email == old,
            CalendarEntry.party_id.in_(select(Rsvp.party_id).where(Rsvp.member_id == member.id)),
            CalendarEntry.party_id.not_in(select(other.party_id).where(other.email == new)),
        )
        .values(email=new)
    )
