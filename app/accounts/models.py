"""Tables of accounts: members, registrations, roles, login sessions, second factors and tokens."""

import secrets
from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla.models import Group, RegisterUser, User, assoc_user_group
from flask_appbuilder.security.sqla.models import Role as Role
from flask_babel import gettext
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    exists,
    false,
    func,
    or_,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app import clock
from app.accounts.enums import MemberState, RequiredAction, TokenPurpose
from app.database import Json, UTCDateTime
from app.enums import EnumString
from app.extensions import Model

ADMIN, GUEST, PUBLIC, TRANSLATOR = "Admin", "Guest", "Public", "Translator"


# A column more for FAB's own class: a class of ours beside it would make two objects of one row.
Role.second_factor_required = Column(Boolean, nullable=False, default=False, server_default=false())


class AccessVersion(Model):
    """One row that changes whenever a role's permissions do: processes cache permissions under it."""

    __tablename__ = "access_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(8))


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
            return str(gettext("(deleted account)"))
        return f"{self.first_name} {self.last_name}".strip() or str(self.username)

    @property
    def is_active(self) -> bool:
        """Whether they may come in; Flask-Login and Flask-AppBuilder ask for this name."""
        return bool(self.active) and self.banned_at is None and self.erased_at is None

    @property
    def state(self) -> MemberState:
        """The state of the account."""
        if self.erased_at is not None:
            return MemberState.DELETED
        if self.banned_at is not None:
            return MemberState.BANNED
        if not self.active:
            return MemberState.INACTIVE
        return MemberState.ACTIVE if self.erase_at is None else MemberState.DELETION_SCHEDULED

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


class MemberInvitation(Model):
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


class LoginSession(Model):
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
    # What the member must do before any other page is shown.
    required_action: Mapped[RequiredAction | None] = mapped_column("duty", EnumString(RequiredAction, 20))
    user_agent: Mapped[str] = mapped_column(String(256), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    # A login that was ended elsewhere tells its reader why: one of logins.ENDINGS, and an administrator's words.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    end_cause: Mapped[str] = mapped_column(String(20), default="", server_default="")
    end_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")

    member: Mapped[Member] = relationship()


class TrustedDevice(Model):
    """A browser in which a member has logged in before, known by a cookie of its own."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("member_id", "token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)


class LoginThrottle(Model):
    """How often somebody failed to prove who they are, in one place where that can be tried.

    `key` is a hash of the place and of what was typed, so that a name nobody has is counted like any other.
    """

    __tablename__ = "login_guard"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ExternalIdentity(Model):
    """Who a member is at an OpenID Connect provider."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class Totp(Model):
    """An authenticator app that shows a new code every 30 seconds (RFC 6238). It counts once it is confirmed."""

    __tablename__ = "totp"

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    # Encrypted with a key derived from the site's secret: it must be read again, so it cannot be hashed.
    secret: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The step of 30 seconds whose code was used last: each code works once.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Model):
    """One of the codes for the day on which the second factor is lost."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Passkey(Model):
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


class Token(Model):
    """A secret for one purpose that works once and not for long. Only its hash is kept."""

    __tablename__ = "token"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[TokenPurpose] = mapped_column(EnumString(TokenPurpose, 20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    member: Mapped[Member | None] = relationship()

    __table_args__ = (Index("ix_token_member_id_purpose", "member_id", "purpose"),)
