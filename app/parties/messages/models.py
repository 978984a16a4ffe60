"""Messages to guests, and reminders."""

import secrets
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, true
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import Json, UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.parties.enums import ReminderKind
from app.parties.models import DinnerParty
from app.search_key import WORDS

MAX_HOURS_BEFORE = 14 * 24
MAX_REMINDERS = 6
MAX_SUBJECT_LENGTH, MAX_MESSAGE_LENGTH, MAX_QUESTION_LENGTH = 120, 5000, 2000


class Reminder(Model):
    """A reminder some hours before the start or the deadline. No date is stored, so that it moves with the party."""

    __tablename__ = "reminder"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    kind: Mapped[ReminderKind] = mapped_column(EnumString(ReminderKind, 16))
    hours_before: Mapped[int] = mapped_column()
    # None if it was not sent yet.
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)

    party: Mapped[DinnerParty] = relationship()

    __table_args__ = (
        one_of("kind", ReminderKind),
        CheckConstraint(f"hours_before BETWEEN 1 AND {MAX_HOURS_BEFORE}", name="hours_before"),
        UniqueConstraint("party_id", "kind", "hours_before"),
    )

    def __repr__(self) -> str:
        return str(self.kind.label)


class GuestMessage(Model):
    """A message from a host to guests. `statuses` are the audiences, values of `Audience`.

    `mark` is the fingerprint of the draft: a form that is submitted twice is sent once.
    """

    __tablename__ = "guest_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT_LENGTH), info=WORDS)
    text: Mapped[str] = mapped_column(Text)
    statuses: Mapped[list[str]] = mapped_column(Json, default=list)
    recipients: Mapped[int] = mapped_column(default=0)
    mark: Mapped[str] = mapped_column(String(64), default=lambda: secrets.token_hex(16))
    # Whether guests can reply to the e-mail address of the author.
    with_address: Mapped[bool] = mapped_column(default=False, server_default=false())
    # A message to many is written in batches: the keys (app.parties.guest_addresses) of those who still get an e-mail.
    unwritten: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    is_written: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    party: Mapped[DinnerParty] = relationship()
    author: Mapped[Member | None] = relationship()

    __table_args__ = (
        UniqueConstraint("party_id", "mark"),
        Index(
            "ix_guest_message_id_unwritten",
            "id",
            sqlite_where=sql_text("NOT is_written"),
            postgresql_where=sql_text("NOT is_written"),
        ),
    )

    def __repr__(self) -> str:
        return self.subject
