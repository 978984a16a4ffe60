"""Links to dashboards."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.dashboards.models import Dashboard
from app.database import UTCDateTime
from app.extensions import Model


class DashboardLink(Model):
    """A link that shows what its creator may see. Only the hash of its token is stored."""

    __tablename__ = "dashboard_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int] = mapped_column(ForeignKey("dashboard.id", ondelete="CASCADE"), index=True)
    creator_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    dashboard: Mapped[Dashboard] = relationship()
    creator: Mapped[Member] = relationship()

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= clock.now()

    def __repr__(self) -> str:
        return self.dashboard.name
