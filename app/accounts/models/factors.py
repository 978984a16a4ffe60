"""What members prove themselves with beside, or instead of, a password."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, exists, false, or_
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app import clock
from app.accounts.models.people import Member
from app.database import UTCDateTime
from app.extensions import db


class Totp(db.Model):  # type: ignore[name-defined]
    """An authenticator app that shows a new code every 30 seconds (RFC 6238). It counts once it is confirmed."""

    __tablename__ = "totp"

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    # Encrypted with a key derived from the site's secret: it must be read again, so it cannot be hashed.
    secret: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The step of 30 seconds whose code was used last: each code works once.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(db.Model):  # type: ignore[name-defined]
    """One of the codes for the day on which the second factor is lost."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Passkey(db.Model):  # type: ignore[name-defined]
    """A key pair of which the private half never leaves the member's device (WebAuthn)."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    # base64url, as browsers send it; at most 1,023 bytes before.
    credential_id: Mapped[str] = mapped_column(String(1364), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    transports: Mapped[str] = mapped_column(String(100), default="")
    backed_up: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    def __repr__(self) -> str:
        return self.name


# Only lists of members ask for it: whoever logs in must not wait for it.
Member.has_second_factor = column_property(
    or_(
        exists().where(Totp.member_id == Member.id, Totp.confirmed_at.is_not(None)),
        exists().where(Passkey.member_id == Member.id),
    ),
    deferred=True,
)
