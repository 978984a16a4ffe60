"""Messages that nothing else was done with: administrators can read them."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import UTCDateTime
from app.extensions import Model
from app.search_key import WORDS


class InboundMessage(Model):
    """A message that came to the site and was neither handled nor dropped."""

    __tablename__ = "inbound_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    # SHA-256 of the message: a server may hand over the same one twice.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    # The address without a token.
    recipient: Mapped[str] = mapped_column(String(320))
    # What the message says of its sender. It proves nothing.
    sender: Mapped[str] = mapped_column(String(255), info=WORDS)
    subject: Mapped[str] = mapped_column(String(255), info=WORDS)
    text: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    __table_args__ = (Index("ix_inbound_message_received_at", "received_at"),)

    def __repr__(self) -> str:
        return self.subject or self.sender
