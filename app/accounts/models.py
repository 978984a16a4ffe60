"""Tables of accounts: members, registrations, login sessions, second factors and tokens."""

import secrets
from datetime import datetime
from typing import Any

from flask_appbuilder.models.mixins import ImageColumn
from flask_appbuilder.security.sqla.models import ApiKey, Group, RegisterUser, Role, User, assoc_user_role
from flask_babel import gettext
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    exists,
    false,
    or_,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app import clock
from app.accounts.enums import MemberState, RequiredAction, TokenPurpose
from app.address_key import duplicate_column, keep_keys, key_column
from app.database import Json, UTCDateTime
from app.enums import EnumString
from app.extensions import Model
from app.search_key import index_words, mark_words

ADMIN, GUEST, PUBLIC, TRANSLATOR = "Admin", "Guest", "Public", "Translator"
# Twice as large as they are shown, for dense screens.
PICTURE = ImageColumn(size=(480, 480, True), thumbnail_size=(96, 96, True))


# A column added to Flask-AppBuilder's class: a subclass would load a second object for the same row.
Role.second_factor_required = Column(Boolean, nullable=False, default=False, server_default=false())


class AccessVersion(Model):
    """One row whose version changes with the permissions of any role. Processes cache permissions under it."""

    __tablename__ = "access_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(8))


def new_stamp() -> str:
    """Return a random stamp. API tokens contain the member's stamp: a new one makes them invalid."""
    return secrets.token_hex(8)


class Member(User):
    """A person with an account. It extends Flask-AppBuilder's user."""

    __tablename__ = "ab_user"

    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    # h23 or h12; None: as usual in the language.
    hour_cycle: Mapped[str | None] = mapped_column(String(3))
    joined_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=clock.now, index=True)
    # Renewed to end all logins and API tokens of this member.
    session_stamp: Mapped[str] = mapped_column(String(32), default=new_stamp, server_default="")
    password_changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Set by an administrator, who knows it: the member chooses another one at the next login.
    password_is_temporary: Mapped[bool] = mapped_column(default=False, server_default=false())
    # When the member, as a host, hears of answers: at once, or once a day. Who unsubscribed from them never does.
    answers_at_once: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The moment of the last daily e-mail.
    answers_told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    terms_accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    banned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ban_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    # When the account will be deleted at its owner's request, and when it was.
    erase_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    username_key: Mapped[str] = key_column("username")
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()
    # Seen by those who see the name. Its file goes with the value.
    picture: Mapped[str | None] = mapped_column(PICTURE)
    # Keys of app.food: the defaults of the member's RSVPs.
    diets: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    allergens: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")

    __table_args__ = {"extend_existing": True}

    @property
    def display_name(self) -> str:
        """The name that other people see."""
        if self.erased_at is not None:
            return str(gettext("(deleted account)"))
        return f"{self.first_name} {self.last_name}".strip() or str(self.username)

    @property
    def is_active(self) -> bool:
        """Whether the member may log in. Flask-Login and Flask-AppBuilder read this property."""
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


mark_words(Member.__table__, "first_name", "last_name")
mark_words(Role.__table__, "name")
mark_words(Group.__table__, "name", "label")
mark_words(ApiKey.__table__, "name")
keep_keys(Member, "username", "email")
Index("uq_ab_user_username_key", Member.username_key, Member.duplicate, unique=True)
index_words(*(Member.__table__.c[name] for name in ("username", "first_name", "last_name", "email")))
# Flask-AppBuilder's begin with the person.
Index("ix_ab_user_role_role_id", assoc_user_role.c.role_id)
Index("ix_ab_api_key_created_on_id", ApiKey.created_on, ApiKey.id)
# Those of who has made and changed an account are NULL in most.
for _column in (Member.created_by_fk, Member.changed_by_fk):
    _has_value = _column.is_not(None)
    Index(f"ix_ab_user_{_column.key}", _column, postgresql_where=_has_value, sqlite_where=_has_value)
Index("uq_ab_user_email_key", Member.email_key, Member.duplicate, unique=True)


# Flask-AppBuilder's lists of people are of its own class, which would be second objects of the same rows.
for _model, _list in ((Role, "user"), (Group, "users")):
    if _model.__mapper__.configured:
        msg = "Import app before Flask-AppBuilder's security manager and APIs, which fix its lists of people"
        raise ImportError(msg)
    _model.__mapper__.get_property(_list, _configure_mappers=False).argument = Member


class Registration(RegisterUser):
    """A request for an account that waits for its activation. `registration_hash` is the hash of the link's token."""

    __tablename__ = "ab_register_user"

    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    sent_count: Mapped[int | None] = mapped_column(default=0)
    last_sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The address was registered again with another password. Only its owner can activate, with the newer password.
    contested: Mapped[bool] = mapped_column(default=False)
    # The row stays until it expires, so that a used link is not "unknown".
    activated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    terms_accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The identity at an OpenID Connect provider that is linked at the activation.
    identity_issuer: Mapped[str | None] = mapped_column(String(255))
    identity_subject: Mapped[str | None] = mapped_column(String(255))
    # What the visitor wanted an account for (registration/wishes.py).
    wish: Mapped[dict[str, Any] | None] = mapped_column(Json)
    username_key: Mapped[str] = key_column("username")
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()

    __table_args__ = {"extend_existing": True}

    def __repr__(self) -> str:
        return str(self.username)


keep_keys(Registration, "username", "email")
Index("uq_ab_register_user_username_key", Registration.username_key, Registration.duplicate, unique=True)
Index("ix_ab_register_user_registration_hash", Registration.registration_hash)
Index("uq_ab_register_user_email_key", Registration.email_key, Registration.duplicate, unique=True)


class MemberInvitation(Model):
    """An invitation to register, sent by an administrator. It works also where registration is by invitation only."""

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
    email_key: Mapped[str] = key_column("email")
    duplicate: Mapped[int] = duplicate_column()

    invited_by: Mapped[Member | None] = relationship()

    def __repr__(self) -> str:
        return self.email


keep_keys(MemberInvitation, "email")
Index("ix_member_invitation_created_at_id", MemberInvitation.created_at, MemberInvitation.id)
Index("uq_member_invitation_email_key", MemberInvitation.email_key, MemberInvitation.duplicate, unique=True)


class LoginSession(Model):
    """One login on one device. The cookie holds its token, and works only while the row exists and has not ended."""

    __tablename__ = "login_session"
    # For the list of a member's devices.
    __table_args__ = (Index("ix_login_session_member_id_last_seen_at", "member_id", "last_seen_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # The last (re)authentication. Sensitive pages need a recent one.
    authenticated_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=clock.now)
    remember: Mapped[bool] = mapped_column(default=False)
    # Whether the member has more than ordinary roles. Such sessions are shorter.
    staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What the member must do before any other page is shown.
    required_action: Mapped[RequiredAction | None] = mapped_column("duty", EnumString(RequiredAction, 20))
    user_agent: Mapped[str] = mapped_column(String(256), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    # A session that was ended elsewhere: its SessionEndCause, and the reason that an administrator gave.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    end_cause: Mapped[str] = mapped_column(String(20), default="", server_default="")
    end_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")

    member: Mapped[Member] = relationship()


class ProviderSession(Model):
    """The session at an OpenID Connect provider that a login came from. Either of the two can end both."""

    __tablename__ = "provider_session"

    login_id: Mapped[int] = mapped_column(ForeignKey("login_session.id", ondelete="CASCADE"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    # The hash of the provider's own name for it, which may be long.
    sid_hash: Mapped[str | None] = mapped_column(String(64))
    # Encrypted. The provider wants it back at the logout.
    id_token: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_provider_session_issuer_sid_hash", "issuer", "sid_hash"),
        Index("ix_provider_session_issuer_subject", "issuer", "subject"),
    )


class TrustedDevice(Model):
    """A browser in which a member has logged in before. It has a cookie with a token."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("member_id", "token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)


class LoginThrottle(Model):
    """The failures of one name at one kind of check.

    `key` is a hash of the kind and the typed name, so that unknown names are counted like known ones.
    """

    __tablename__ = "login_guard"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ExternalIdentity(Model):
    """The identity of a member at an OpenID Connect provider."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class DirectoryPerson(Model):
    """A person of the LDAP directory by their unique id, and the account that is theirs.

    Without a member it is a question to the administrator: the person has tried to log in, and their username or e-mail
    address is that of the account `contested`, which may be theirs or somebody else's.
    """

    __tablename__ = "directory_person"
    __table_args__ = (Index("ix_directory_person_created_at_id", "created_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    # The name of the attribute, a colon, and its value.
    unique_id: Mapped[str] = mapped_column(String(200), unique=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), unique=True)
    contested_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    # As the directory had them last.
    username: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(130), default="", server_default="")
    dn: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # When the directory was last asked, and since when it does not let them log in any more.
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    lost_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    member: Mapped[Member | None] = relationship(foreign_keys=member_id)
    contested: Mapped[Member | None] = relationship(foreign_keys=contested_id)

    def __repr__(self) -> str:
        return self.username


class Totp(Model):
    """An authenticator app that shows a new code every 30 seconds (RFC 6238). It works once it is confirmed."""

    __tablename__ = "totp"

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    # Encrypted with a key derived from SECRET_KEY. It cannot be hashed, because verifying a code needs it.
    secret: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The 30-second step of the last used code: each code works once.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Model):
    """A code that replaces the second factor once."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Passkey(Model):
    """The public key of a WebAuthn key pair. The private key never leaves the member's device."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    # base64url, as browsers send it. The decoded id has at most 1,023 bytes.
    credential_id: Mapped[str] = mapped_column(String(1364), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    transports: Mapped[str] = mapped_column(String(100), default="")
    backed_up: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    def __repr__(self) -> str:
        return self.name


# Only lists of members load it. A login must not wait for it.
Member.has_second_factor = column_property(
    or_(
        exists().where(Totp.member_id == Member.id, Totp.confirmed_at.is_not(None)),
        exists().where(Passkey.member_id == Member.id),
    ),
    deferred=True,
)


class Token(Model):
    """A secret for one purpose that works once and expires. Only its hash is stored."""

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
