"""All that is kept about a member, for them to take along.

Somebody may have any number of logins, e-mails and guests: rows are read in batches and written as they come, so that an
export takes the memory of a batch.
"""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any

from sqlalchemy import ColumnElement, and_, func, or_, select

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
ROWS_AT_ONCE = 200
MAX_IN_MEMORY = 1024 * 1024


class Archive:
    """The ZIP file of a data export, which grows in `file`: beyond a megabyte that is on the disk."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
        self._zip = zipfile.ZipFile(self.file, "w", zipfile.ZIP_DEFLATED)
        self._made = clock.now().timetuple()[:6]

    def add(self, name: str, content: bytes) -> None:
        self._zip.writestr(self._entry(name), content)

    def add_text(self, name: str, pieces: Iterable[str]) -> None:
        """Add a file that is written piece by piece. Nothing else can be added meanwhile."""
        with self._zip.open(self._entry(name), "w") as entry, io.TextIOWrapper(entry, "utf-8", newline="") as text:
            text.writelines(pieces)

    def add_json(self, name: str, content: Any) -> None:
        """Add a file of JSON. Times become ISO 8601 in UTC. An iterator, or one in a mapping, becomes a list, row by row."""
        self.add_text(name, _json_pieces(content))

    def add_image(self, name: str, value: str | None) -> None:
        """Add the image that the value of a column names, if there is one."""
        stored = StoredFile.parse(value, is_image=True)
        content = stored.read() if stored is not None else None
        if stored is not None and content is not None:
            self.add(f"{name}.{stored.title.rpartition('.')[2]}", content)

    def finished(self) -> IO[bytes]:
        """Return the file, to be read from its beginning and closed."""
        self._zip.close()
        self.file.seek(0)
        return self.file

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, self._made)
        entry.compress_type = zipfile.ZIP_DEFLATED
        return entry


def export(member: Member) -> IO[bytes]:
    """Return a ZIP file with all data of `member`, and no data of others that they cannot see on the site."""
    archive = Archive()
    try:
        _fill(archive, member)
    except BaseException:
        archive.file.close()
        raise
    return archive.finished()


def _fill(archive: Archive, member: Member) -> None:
    archive.add_json("account.json", _account(member))
    archive.add_image("picture", member.picture)
    archive.add_json("logins.json", _of(LoginSession, member, LOGIN))
    archive.add_json("devices.json", _of(TrustedDevice, member, DEVICE))
    archive.add_json("api_keys.json", _rows(api_key_service.of(member.id), KEY))
    archive.add_json("audit.json", _audit(member))
    archive.add_json("letters.json", _emails(member))
    archive.add_json("unsubscriptions.json", _rows(unsubscribe.of_address(member.email), UNSUBSCRIPTION))
    member_exporting.send(member, archive=archive)
    audit.record("data_exported", "member", member)


def in_batches(statement: Any, size: int = ROWS_AT_ONCE) -> Iterator[Any]:
    """Yield what a statement finds without holding all of it: entities if it selects one, or else rows of columns."""
    found = db.session.execute(statement, execution_options={"yield_per": size})
    yield from found.scalars() if len(statement.column_descriptions) == 1 else found


def batched(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """Yield lists of rows, for what is read about many of them at once."""
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch


def mappings(columns: Iterable[str], model: Any, *conditions: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    """Yield `columns` of the rows of a model, oldest first."""
    statement = select(*(getattr(model, column) for column in columns)).where(*conditions).order_by(model.id)
    return (row._asdict() for row in in_batches(statement))


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
        "passkeys": _of(Passkey, member, PASSKEY),
        "directory": _of(DirectoryPerson, member, DIRECTORY),
        "identities": _of(ExternalIdentity, member, IDENTITY),
    }


def _audit(member: Member) -> Iterator[dict[str, Any]]:
    """Yield the actions of the member and those on their account. Other actors and their addresses are left out."""
    about = and_(AuditEvent.subject_type == "member", AuditEvent.subject_id == member.id)
    statement = select(AuditEvent).where(or_(AuditEvent.actor_id == member.id, about)).order_by(AuditEvent.id)
    return (_event(event, member) for event in in_batches(statement))


def _event(event: AuditEvent, member: Member) -> dict[str, Any]:
    by_member = event.actor_id == member.id
    exported: dict[str, Any] = {"at": event.at, "action": event.action, "by_yourself": by_member}
    if by_member:
        exported["address"] = event.address
    if event.subject_type == "member" and event.subject_id == member.id:
        exported |= {"before": event.before, "after": event.after}
    return exported


def _emails(member: Member) -> Iterator[dict[str, Any]]:
    for row in mappings((*EMAIL, "text"), OutboxEmail, OutboxEmail.recipient_key == address_key(member.email)):
        yield row | {"text": row["text"].replace(SECRET, OMITTED).replace(UNSUBSCRIBE, OMITTED)}


def _of(model: Any, member: Member, columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    return mappings(columns, model, model.member_id == member.id)


def _rows(rows: Iterable[Any], columns: Iterable[str]) -> list[dict[str, Any]]:
    return [pick(row, columns) for row in rows]


def _json_pieces(content: Any) -> Iterator[str]:
    """Yield JSON with a line for each key of a mapping and each row of an iterator."""
    if isinstance(content, Mapping):
        yield "{"
        for number, (key, value) in enumerate(content.items()):
            yield f"{',' if number else ''}\n{json.dumps(key, ensure_ascii=False)}: "
            yield from _json_pieces(value)
        yield "\n}"
    elif isinstance(content, Iterator):
        yield "["
        for number, row in enumerate(content):
            yield f"{',' if number else ''}\n{_json(row)}"
        yield "\n]"
    else:
        yield _json(content)


def _json(content: Any) -> str:
    return json.dumps(content, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        # Flask-AppBuilder's columns hold naive times; they are UTC.
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
