"""All that is kept about a member, for them to take along."""

import io
import json
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from app import audit, clock
from app.accounts.api_keys import service as api_key_service
from app.accounts.models import (
    DirectoryPerson,
    ExternalIdentity,
    LoginSession,
    Member,
    Passkey,
    RecoveryCode,
    Totp,
    TrustedDevice,
)
from app.accounts.signals import member_exporting
from app.address_key import address_key
from app.audit.models import AuditEvent
from app.crud.files import StoredFile
from app.extensions import db
from app.outbox import unsubscribe
from app.outbox.models import SECRET, UNSUBSCRIBE, OutboxEmail

# Only the columns listed here are exported. Secrets are not among them.
ACCOUNT = (
    *("id", "username", "email", "first_name", "last_name", "locale", "timezone", "hour_cycle", "diets", "allergens"),
    "joined_at",
    *(
        "last_login",
        "login_count",
        "fail_login_count",
        "password_changed_at",
        "password_is_temporary",
        "terms_accepted_at",
        "active",
    ),
    *("banned_at", "ban_reason", "erase_at"),
)
LOGIN = (
    "created_at",
    "last_seen_at",
    "authenticated_at",
    "remember",
    "user_agent",
    "address",
    "ended_at",
    "end_reason",
)
DEVICE = ("created_at", "last_seen_at")
KEY = ("name", "key_prefix", "scopes", "created_on", "expires_on", "revoked_on", "last_used_on")
PASSKEY = ("name", "created_at", "last_used_at")
IDENTITY = ("issuer", "subject", "created_at")
DIRECTORY = ("unique_id", "dn", "username", "email", "created_at", "checked_at", "lost_at")
EMAIL = ("created_at", "sent_at", "state", "kind", "recipient", "name", "subject")
UNSUBSCRIPTION = ("email", "topic", "created_at")
OMITTED = "…"


class Archive:
    """The files of a data export."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def add(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def add_json(self, name: str, content: Any) -> None:
        """Add a file of JSON. Times become ISO 8601 in UTC."""
        self.add(name, json.dumps(content, default=_plain, ensure_ascii=False, indent=2).encode())

    def add_image(self, name: str, value: str | None) -> None:
        """Add the image that the value of a column names, if there is one."""
        stored = StoredFile.parse(value, is_image=True)
        content = stored.read() if stored is not None else None
        if stored is not None and content is not None:
            self.add(f"{name}.{stored.title.rpartition('.')[2]}", content)

    def zipped(self) -> bytes:
        """Return a ZIP file."""
        buffer = io.BytesIO()
        made = clock.now().timetuple()[:6]
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in self.files.items():
                packed.writestr(zipfile.ZipInfo(name, made), content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def export(member: Member) -> bytes:
    """Return a ZIP file with all data of `member`, and no data of others that they cannot see on the site."""
    archive = Archive()
    archive.add_json("account.json", _account(member))
    archive.add_image("picture", member.picture)
    archive.add_json("logins.json", _rows(_of(LoginSession, member), LOGIN))
    archive.add_json("devices.json", _rows(_of(TrustedDevice, member), DEVICE))
    archive.add_json("api_keys.json", _rows(api_key_service.of(member.id), KEY))
    archive.add_json("audit.json", _audit(member))
    archive.add_json("letters.json", _emails(member))
    archive.add_json("unsubscriptions.json", _rows(unsubscribe.of_address(member.email), UNSUBSCRIPTION))
    member_exporting.send(member, archive=archive)
    audit.record("data_exported", "member", member)
    return archive.zipped()


def pick(row: Any, columns: Iterable[str]) -> dict[str, Any]:
    """Return `columns` of a row."""
    return {column: getattr(row, column) for column in columns}


def _account(member: Member) -> dict[str, Any]:
    app = db.session.get(Totp, member.id)
    unused = select(func.count()).where(RecoveryCode.member_id == member.id, RecoveryCode.used_at.is_(None))
    return {
        **pick(member, ACCOUNT),
        "roles": sorted(role.name for role in member.roles),
        "authenticator_app_since": app.confirmed_at if app is not None else None,
        "unused_recovery_codes": db.session.execute(unused).scalar_one(),
        "passkeys": _rows(_of(Passkey, member), PASSKEY),
        "directory": _rows(_of(DirectoryPerson, member), DIRECTORY),
        "identities": _rows(_of(ExternalIdentity, member), IDENTITY),
    }


def _audit(member: Member) -> list[dict[str, Any]]:
    """Return the actions of the member and those on their account. Other actors and their addresses are left out."""
    about = and_(AuditEvent.subject_type == "member", AuditEvent.subject_id == member.id)
    statement = select(AuditEvent).where(or_(AuditEvent.actor_id == member.id, about)).order_by(AuditEvent.id)
    return [_event(event, member) for event in db.session.scalars(statement)]


def _event(event: AuditEvent, member: Member) -> dict[str, Any]:
    by_member = event.actor_id == member.id
    exported: dict[str, Any] = {"at": event.at, "action": event.action, "by_yourself": by_member}
    if by_member:
        exported["address"] = event.address
    if event.subject_type == "member" and event.subject_id == member.id:
        exported |= {"before": event.before, "after": event.after}
    return exported


def _emails(member: Member) -> list[dict[str, Any]]:
    statement = (
        select(OutboxEmail).where(OutboxEmail.recipient_key == address_key(member.email)).order_by(OutboxEmail.id)
    )
    return [
        {**pick(email, EMAIL), "text": email.text.replace(SECRET, OMITTED).replace(UNSUBSCRIBE, OMITTED)}
        for email in db.session.scalars(statement)
    ]


def _of(model: Any, member: Member) -> list[Any]:
    return list(db.session.scalars(select(model).where(model.member_id == member.id).order_by(model.id)))


def _rows(rows: Iterable[Any], columns: Iterable[str]) -> list[dict[str, Any]]:
    return [pick(row, columns) for row in rows]


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        # Flask-AppBuilder's columns hold naive times; they are UTC.
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
