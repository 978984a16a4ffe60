"""Views of lists that members have saved."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import UTCDateTime
from app.extensions import Model

MAX_NAME_LENGTH, MAX_QUERY_LENGTH = 60, 2000


class SavedView(Model):
    """The filters, the order and the columns of a generated list, under a name. Only its owner sees it."""

    __tablename__ = "saved_view"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    # The endpoint of the generated view.
    view: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH))
    query: Mapped[str] = mapped_column(String(MAX_QUERY_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    __table_args__ = (UniqueConstraint("owner_id", "view", "name"),)

    def __repr__(self) -> str:
        return self.name
