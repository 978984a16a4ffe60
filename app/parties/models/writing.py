"""What hosts write to their guests, and when guests are reminded."""

import secrets
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import Json, UTCDateTime
from app.extensions import db
from app.parties.models.common import one_of
from app.parties.models.party import DinnerParty

BEFORE_START, BEFORE_DEADLINE = "start", "deadline"
REMINDER_KINDS = {
    BEFORE_START: lazy_gettext("Before the party, to those who come"),
    BEFORE_DEADLINE: lazy_gettext("Before the last day to answer, to those who have not answered"),
}
MOST_HOURS_BEFORE = 14 * 24
MOST_REMINDERS = 6
LONGEST_SUBJECT, LONGEST_MESSAGE = 120, 5000
COMING, MAYBES, WAITING, ASKING, SILENT = "coming", "maybe", "waiting", "asking", "silent"
# Whom a host can write to. Who said no, or left, is left alone.
AUDIENCES = {
    COMING: lazy_gettext("Those who come"),
    MAYBES: lazy_gettext("Those who said maybe"),
    WAITING: lazy_gettext("Those on the waiting list"),
    ASKING: lazy_gettext("Those who wait for your answer"),
    SILENT: lazy_gettext("Those who were invited and have not answered"),
}


class Reminder(db.Model):  # type: ignore[name-defined]
    """A letter that is due so many hours before something; it moves with the party, because no date is stored."""

    __tablename__ = "reminder"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    hours_before: Mapped[int] = mapped_column()
    # None: still to come.
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)

    party: Mapped[DinnerParty] = relationship()

    __table_args__ = (
        one_of("kind", REMINDER_KINDS),
        CheckConstraint(f"hours_before BETWEEN 1 AND {MOST_HOURS_BEFORE}", name="hours_before"),
        UniqueConstraint("party_id", "kind", "hours_before"),
    )

    def __repr__(self) -> str:
        return str(REMINDER_KINDS[self.kind])


class GuestMessage(db.Model):  # type: ignore[name-defined]
    """What a host wrote to guests, and to how many of them: to those of AUDIENCES that `statuses` names.

    `mark` is that of the form: one that is sent twice is written once.
    """

    __tablename__ = "guest_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    subject: Mapped[str] = mapped_column(String(LONGEST_SUBJECT))
    text: Mapped[str] = mapped_column(Text)
    statuses: Mapped[list[str]] = mapped_column(Json, default=list)
    recipients: Mapped[int] = mapped_column(default=0)
    mark: Mapped[str] = mapped_column(String(64), default=lambda: secrets.token_hex(16))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    party: Mapped[DinnerParty] = relationship()
    author: Mapped[Member | None] = relationship()

    __table_args__ = (UniqueConstraint("party_id", "mark"),)

    def __repr__(self) -> str:
        return self.subject
