"""Members, and those who are about to become one."""

import secrets
from datetime import datetime

from flask_appbuilder.security.sqla.models import Group, RegisterUser, User, assoc_user_group
from flask_babel import gettext
from sqlalchemy import ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import Json, UTCDateTime
from app.extensions import db


def new_stamp() -> str:
    """Return what stands in API tokens; with another one they open nothing any more."""
    return secrets.token_hex(8)


class Member(User):
    """A person with an account: FAB's user, and what a host needs to know to write to them."""

    __tablename__ = "ab_user"

    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    joined_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=clock.now)
    # Renewed whenever everybody who came in as this member must leave.
    session_stamp: Mapped[str] = mapped_column(String(32), default=new_stamp, server_default="")
    password_changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    terms_accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    banned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ban_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    # When the account is to be erased, as its owner wished; and when it was.
    erase_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # What they usually eat and never eat: keys of app.food, offered when they answer an invitation.
    diets: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    allergens: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")

    # What Flask-AppBuilder calls `groups` cannot be set: it wants its own class of users.
    memberships: Mapped[list[Group]] = relationship(secondary=assoc_user_group, overlaps="groups,users")

    __table_args__ = {"extend_existing": True}

    @property
    def display_name(self) -> str:
        """What other people read."""
        if self.erased_at is not None:
            return str(gettext("(erased)"))
        return f"{self.first_name} {self.last_name}".strip() or str(self.username)

    @property
    def is_active(self) -> bool:
        """Whether they may come in; Flask-Login and Flask-AppBuilder ask for this name."""
        return bool(self.active) and self.banned_at is None and self.erased_at is None

    @property
    def state(self) -> str:
        """How things stand with the account, in one word for programs."""
        if self.erased_at is not None:
            return "erased"
        if self.banned_at is not None:
            return "banned"
        if not self.active:
            return "inactive"
        return "active" if self.erase_at is None else "erasing"

    def __repr__(self) -> str:
        return self.display_name


Index("uq_ab_user_lower_username", func.lower(Member.__table__.c.username), unique=True)
Index("uq_ab_user_lower_email", func.lower(Member.__table__.c.email), unique=True)


class Registration(RegisterUser):
    """An account waiting for its owner to prove the address. `registration_hash` is that of the token."""

    __tablename__ = "ab_register_user"

    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    sent_count: Mapped[int | None] = mapped_column(default=0)
    last_sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Somebody registered this address again with another password: which of them reads its letters, only it can tell.
    contested: Mapped[bool] = mapped_column(default=False)
    # The row outlives its use until it expires: the same link opened again is then told so, not "unknown".
    activated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    terms_accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Who they are at an OpenID Connect provider, when they came from there; it is linked as they activate.
    identity_issuer: Mapped[str | None] = mapped_column(String(255))
    identity_subject: Mapped[str | None] = mapped_column(String(255))

    __table_args__ = {"extend_existing": True}

    def __repr__(self) -> str:
        return str(self.username)


Index("uq_ab_register_user_lower_username", func.lower(Registration.__table__.c.username), unique=True)
Index("uq_ab_register_user_lower_email", func.lower(Registration.__table__.c.email), unique=True)


class MemberInvitation(db.Model):  # type: ignore[name-defined]
    """A letter of an administrator that lets its reader register, also where registration is by invitation only."""

    __tablename__ = "member_invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    locale: Mapped[str] = mapped_column(String(16))
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    sent_count: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    invited_by: Mapped[Member | None] = relationship()

    def __repr__(self) -> str:
        return self.email


Index("uq_member_invitation_lower_email", func.lower(MemberInvitation.__table__.c.email), unique=True)
