"""The address book of a host."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.address_key import duplicate_column, keep_keys, key_column
from app.database import UTCDateTime
from app.extensions import Model
from app.search_key import WORDS


class Contact(Model):
    """An entry of a member's address book: a person whom the member has invited before."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()
    name: Mapped[str] = mapped_column(String(130), default="", info=WORDS)
    invited_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    owner: Mapped[Member] = relationship()

    def __repr__(self) -> str:
        return self.name or self.email


keep_keys(Contact, "email")
Index("uq_contact_owner_id_email_key", Contact.owner_id, Contact.email_key, Contact.duplicate, unique=True)
Index("ix_contact_email_key", Contact.email_key)
