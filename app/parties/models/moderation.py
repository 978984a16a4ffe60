"""Public parties that somebody finds wrong."""

from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import UTCDateTime
from app.extensions import db
from app.parties.models.common import one_of
from app.parties.models.party import DinnerParty

SPAM, OFFENSIVE, FAKE, DANGEROUS, OTHER = "spam", "offensive", "fake", "dangerous", "other"
REPORT_REASONS = {
    SPAM: lazy_gettext("It is advertising"),
    OFFENSIVE: lazy_gettext("It insults or excludes people"),
    FAKE: lazy_gettext("There will be no such dinner"),
    DANGEROUS: lazy_gettext("It may be dangerous"),
    OTHER: lazy_gettext("Something else"),
}
OPEN, UPHELD, DISMISSED = "open", "upheld", "dismissed"
REPORT_STATES = {
    OPEN: lazy_gettext("Open"),
    UPHELD: lazy_gettext("Party hidden"),
    DISMISSED: lazy_gettext("Dismissed"),
}
LONGEST_REPORT = 1000


class PartyReport(db.Model):  # type: ignore[name-defined]
    """What somebody finds wrong with a public party, and what an administrator made of it."""

    __tablename__ = "party_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), index=True)
    # None: a visitor, or a member who was erased.
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default=OPEN)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))

    party: Mapped[DinnerParty] = relationship()
    reporter: Mapped[Member | None] = relationship(foreign_keys=[reporter_id])
    decided_by: Mapped[Member | None] = relationship(foreign_keys=[decided_by_id])

    __table_args__ = (
        one_of("reason", REPORT_REASONS),
        one_of("state", REPORT_STATES),
        Index("ix_party_report_state_created_at_id", "state", "created_at", "id"),
    )

    def __repr__(self) -> str:
        return str(REPORT_REASONS[self.reason])
