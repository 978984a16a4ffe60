"""Members, those who are about to become one, their logins, and the version of what roles may do."""

import secrets
from datetime import datetime

from flask_appbuilder.security.sqla.models import RegisterUser, User
from sqlalchemy import ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import UTCDateTime
from app.extensions import db

ADMIN, GUEST, PUBLIC, TRANSLATOR = "Admin", "Guest", "Public", "Translator"


class Member(User):
    """A person with an account: FAB's user, and what a host needs to know to write to them."""

    __tablename__ = "ab_user"

    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    joined_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=clock.now)

    __table_args__ = {"extend_existing": True}

    @property
    def display_name(self) -> str:
        """What other people read."""
        return f"{self.first_name} {self.last_name}".strip() or str(self.username)

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

    __table_args__ = {"extend_existing": True}

    def __repr__(self) -> str:
        return str(self.username)


Index("uq_ab_register_user_lower_username", func.lower(Registration.__table__.c.username), unique=True)
Index("uq_ab_register_user_lower_email", func.lower(Registration.__table__.c.email), unique=True)


class LoginSession(db.Model):  # type: ignore[name-defined]
    """One login on one device. The cookie names it by a token; gone here, the cookie opens nothing."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    remember: Mapped[bool] = mapped_column(default=False)
    user_agent: Mapped[str] = mapped_column(String(256), default="")
    address: Mapped[str] = mapped_column(String(64), default="")

    member: Mapped[Member] = relationship()


class AccessVersion(db.Model):  # type: ignore[name-defined]
    """One row that changes whenever a role's permissions do: processes cache permissions under it."""

    __tablename__ = "access_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(8))
