"""Invitations by e-mail, and the people a host has invited."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models import Member
from app.database import UTCDateTime
from app.extensions import db
from app.parties.models.answers import Rsvp
from app.parties.models.common import MOST_SEATS, NOWHERE
from app.parties.models.party import DinnerParty


class Invitation(db.Model):  # type: ignore[name-defined]
    """A personal link to a party. Its token is derived from its `round` when a letter is written; only the hash is kept."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(130), default="")
    locale: Mapped[str | None] = mapped_column(String(16))
    # How many may come with it.
    max_party: Mapped[int] = mapped_column(default=1)
    # None while it is being written: a token is made of its key.
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    # Each time somebody is invited again is another round: earlier links open nothing any more.
    round: Mapped[int] = mapped_column(default=1)
    # None: they asked for it themselves, by the share link.
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # None: the party is a draft, and the letter is written when it is published.
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    party: Mapped[DinnerParty] = relationship()
    invited_by: Mapped[Member | None] = relationship()
    answer: Mapped[Rsvp | None] = relationship(back_populates="invitation", uselist=False)

    __table_args__ = (
        CheckConstraint(f"max_party BETWEEN 1 AND {MOST_SEATS}", name="max_party"),
        Index("ix_invitation_created_at_id", "created_at", "id"),
    )

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody stands behind it any more: they wished so, or it was time."""
        return self.email.endswith(NOWHERE)

    def __repr__(self) -> str:
        return self.name or self.email


Index("uq_invitation_party_id_lower_email", Invitation.party_id, func.lower(Invitation.email), unique=True)


class Contact(db.Model):  # type: ignore[name-defined]
    """Somebody in a member's address book: whom they have invited before."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(130), default="")
    invited_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    owner: Mapped[Member] = relationship()

    def __repr__(self) -> str:
        return self.name or self.email


Index("uq_contact_owner_id_lower_email", Contact.owner_id, func.lower(Contact.email), unique=True)
