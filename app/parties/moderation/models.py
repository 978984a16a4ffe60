"""Reports of public parties."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.parties.enums import ReportReason, ReportState
from app.parties.models import DinnerParty

MAX_REPORT_LENGTH = 1000


class PartyReport(Model):
    """A report of a public party, and what an administrator decided."""

    __tablename__ = "party_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"), index=True)
    # None for a visitor, and for a member who deleted their account.
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    reason: Mapped[ReportReason] = mapped_column(EnumString(ReportReason, 16))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[ReportState] = mapped_column(EnumString(ReportState, 16), default=ReportState.OPEN)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)

    party: Mapped[DinnerParty] = relationship()
    reporter: Mapped[Member | None] = relationship(foreign_keys=[reporter_id])
    decided_by: Mapped[Member | None] = relationship(foreign_keys=[decided_by_id])

    __table_args__ = (
        one_of("reason", ReportReason),
        one_of("state", ReportState),
        Index("ix_party_report_created_at_id", "created_at", "id"),
        Index("ix_party_report_state_created_at_id", "state", "created_at", "id"),
    )

    def __repr__(self) -> str:
        return str(self.reason.label)
