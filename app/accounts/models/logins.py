"""Logins, the devices they came from, and the counters that keep guessers out."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.accounts.models.people import Member
from app.database import UTCDateTime
from app.extensions import db


class LoginSession(db.Model):  # type: ignore[name-defined]
    """One login on one device. The cookie names it by a token; ended or gone here, the cookie opens nothing."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # When they last proved who they are: sensitive pages ask for that to be a few minutes ago.
    authenticated_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=clock.now)
    remember: Mapped[bool] = mapped_column(default=False)
    # Of somebody who can do harm to others: such logins last for less.
    staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What must be done before anything else: one of rules.DUTIES, or nothing.
    duty: Mapped[str | None] = mapped_column(String(20))
    user_agent: Mapped[str] = mapped_column(String(256), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    # A login that was ended elsewhere tells its reader why: one of logins.ENDINGS, and an administrator's words.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    end_cause: Mapped[str] = mapped_column(String(20), default="", server_default="")
    end_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")

    member: Mapped[Member] = relationship()


class Device(db.Model):  # type: ignore[name-defined]
    """A browser in which a member has logged in before, known by a cookie of its own."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("member_id", "token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)


class LoginGuard(db.Model):  # type: ignore[name-defined]
    """How often somebody failed to prove who they are, in one place where that can be tried.

    `key` is a hash of the place and of what was typed, so that a name nobody has is counted like any other.
    """

    __tablename__ = "login_guard"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ExternalIdentity(db.Model):  # type: ignore[name-defined]
    """Who a member is at an OpenID Connect provider."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
