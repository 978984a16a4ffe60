"""Who gets which dashboard by e-mail."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.dashboards.models import Dashboard
from app.database import UTCDateTime
from app.extensions import Model


class DashboardSubscription(Model):
    """A member who gets a dashboard by e-mail each week, the next time at `due_at`."""

    __tablename__ = "dashboard_subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int] = mapped_column(ForeignKey("dashboard.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    dashboard: Mapped[Dashboard] = relationship()
    member: Mapped[Member] = relationship()

    __table_args__ = (UniqueConstraint("dashboard_id", "member_id"),)

    def __repr__(self) -> str:
        return f"{self.dashboard.name}, {self.member.display_name}"
