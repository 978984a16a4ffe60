"""API keys: programs use them to act as a member, below `/api/` only.

A key has 256 random bits after a prefix, by which scanners of leaked secrets recognise it. It cannot be guessed, so a
fast hash is enough to store it. The table is Flask-AppBuilder's; both its hooks (in `security.py`) and our pages use
this module. Its columns hold naive times, in UTC.
"""

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import current_app
from flask_appbuilder.security.sqla.models import ApiKey
from flask_babel import lazy_gettext
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app import audit, clock
from app.accounts import mail, members, rules
from app.accounts.models import Member
from app.database import is_unavailable, reason
from app.enums import LabelledEnum
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

DAYS, DEFAULT_DAYS = (30, 90, 365), 90
MAX_LIVE_KEYS = 20
MAX_NAME_LENGTH = 64
# Shown of a key after its prefix, to recognise it by.
SHOWN_CHARACTERS = 4
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# When a form is submitted twice, both keys get the same UUID, and the database refuses the second.
FORM_NAMESPACE = uuid.UUID("5f9a7e0c-2d0b-4f0e-9a53-3c8f4f0c61f4")


class KeyScope(LabelledEnum):
    """What a key may do. The value is stored in `scopes`."""

    READ = "read", lazy_gettext("Read only")
    READ_AND_WRITE = "read,write", lazy_gettext("Read and write")


class KeyState(LabelledEnum):
    """Whether a key works."""

    LIVE = "live", lazy_gettext("In use")
    EXPIRED = "expired", lazy_gettext("Expired")
    REVOKED = "revoked", lazy_gettext("Revoked")


class AlreadyCreatedError(DomainError):
    """A form was submitted twice. Its key was created the first time."""

    def __init__(self) -> None:
        super().__init__(
            lazy_gettext(
                "This key has already been created and is shown only once. If you did not copy it, revoke it "
                "and create another one."
            ),
            "warning",
        )


@dataclass(frozen=True)
class NewKey:
    """A key that was just created, and the only copy of its secret."""

    key: ApiKey
    secret: str


def create(
    member: Member, name: str, scope: str | None = KeyScope.READ, expires_at: datetime | None = None, *, mark: str = ""
) -> NewKey:
    """Create a key for `member` that is valid for a year at most, and send them an e-mail.

    An unknown `scope` becomes READ. `mark` identifies the submitted form: a second key of the same form raises
    AlreadyCreatedError, or IntegrityError when both are created at once. Raises DomainError when the member has too many
    keys.
    """
    prefix = current_app.config["FAB_API_KEY_PREFIXES"][0]
    secret = prefix + rules.new_token()
    number = str(uuid.uuid5(FORM_NAMESPACE, f"{member.id}:{mark}")) if mark else str(uuid.uuid4())
    members.lock(member)
    if get(number) is not None:
        raise AlreadyCreatedError
    now = clock.now()
    live = select(func.count()).where(
        ApiKey.user_id == member.id,
        ApiKey.active.is_(True),
        ApiKey.revoked_on.is_(None),
        ApiKey.expires_on > _naive(now),
    )
    if db.session.execute(live).scalar_one() >= MAX_LIVE_KEYS:
        raise DomainError(
            lazy_gettext(
                "You cannot have more than %(number)d API keys. Revoke one that you no longer need.",
                number=MAX_LIVE_KEYS,
            )
        )
    expires_at = min(expires_at or now + timedelta(days=DEFAULT_DAYS), now + timedelta(days=max(DAYS)))
    key = ApiKey(
        uuid=number,
        name=name[:MAX_NAME_LENGTH],
        key_hash=rules.token_hash(secret),
        lookup_hash=rules.token_hash(secret),
        key_prefix=secret[: len(prefix) + SHOWN_CHARACTERS],
        user_id=member.id,
        scopes=scope_of(scope).value,
        active=True,
        created_on=_naive(now),
        expires_on=_naive(expires_at),
    )
    db.session.add(key)
    db.session.flush()
    audit.record("api_key_created", "member", member, actor=member, after=_audited(key))
    mail.api_key_created(member, number, key.name, scope_of(key.scopes).label, expires_at)
    return NewKey(key, secret)


def revoke(member: Member, number: str) -> ApiKey | None:
    """Revoke a key of `member` and return it. Return None when they have no such key, or when it was revoked before."""
    key = get(number)
    if key is None or key.user_id != member.id or state(key) == KeyState.REVOKED:
        return None
    key.revoked_on = _naive(clock.now())
    db.session.flush()
    audit.record("api_key_revoked", "member", member, actor=member, before=_audited(key))
    return key


def revoke_all(member: Member) -> None:
    """Revoke all keys of `member`. The audit log names the administrator who is logged in."""
    revoke_keys(of(member.id))


def revoke_keys(keys: Iterable[ApiKey]) -> int:
    """Revoke keys of any members, and return how many were not revoked before."""
    unrevoked = [key for key in keys if state(key) != KeyState.REVOKED]
    for key in unrevoked:
        key.revoked_on = _naive(clock.now())
        audit.record("api_key_revoked", "member", db.session.get(Member, key.user_id), before=_audited(key))
    db.session.flush()
    return len(unrevoked)


def of(member_id: int, most: int | None = None) -> list[ApiKey]:
    """Return the keys of a member, the newest first; after them, those that were revoked.

    `most` leaves out those that were created long before.
    """
    statement = select(ApiKey).where(ApiKey.user_id == member_id)
    order = (ApiKey.revoked_on.is_not(None), ApiKey.created_on.desc(), ApiKey.id.desc())
    return list(db.session.scalars(statement.order_by(*order).limit(most)))


def get(number: str) -> ApiKey | None:
    """Return the key with that UUID."""
    return db.session.execute(select(ApiKey).where(ApiKey.uuid == number)).scalar_one_or_none()


def scope_of(stored: str | None) -> KeyScope:
    """Return the scope of a stored text. Flask-AppBuilder's API may store others: they can read."""
    return KeyScope.READ_AND_WRITE if stored == KeyScope.READ_AND_WRITE else KeyScope.READ


def state(key: ApiKey) -> KeyState:
    """Return whether a key works."""
    if key.revoked_on is not None or not key.active:
        return KeyState.REVOKED
    return KeyState.EXPIRED if key.expires_on is not None and key.expires_on <= _naive(clock.now()) else KeyState.LIVE


def find(secret: str) -> tuple[ApiKey, Member] | None:
    """Return the key with that secret and its member, if the key works and the member may log in."""
    statement = (
        select(ApiKey, Member)
        .join(Member, Member.id == ApiKey.user_id)
        .where(ApiKey.lookup_hash == rules.token_hash(secret))
    )
    row = db.session.execute(statement).one_or_none()
    return (row[0], row[1]) if row is not None and state(row[0]) == KeyState.LIVE and row[1].is_active else None


def allows(key: ApiKey, method: str) -> bool:
    """Whether `key` may be used for a request of `method`."""
    return method in SAFE_METHODS or key.scopes == KeyScope.READ_AND_WRITE


def note_use(key: ApiKey) -> None:
    """Store when `key` was used, once a minute. When the database cannot write now, log that and go on.

    This uses a connection of its own, because the transaction belongs to the request.
    """
    now = clock.now()
    before = _naive(now - rules.SEEN_RESOLUTION)
    if key.last_used_on is not None and before < key.last_used_on:
        return
    old = or_(ApiKey.last_used_on.is_(None), ApiKey.last_used_on <= before)
    used = update(ApiKey).where(ApiKey.id == key.id, old).values(last_used_on=_naive(now))
    try:
        with db.engine.begin() as connection:
            connection.execute(used)
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        log.warning("The last-used time of an API key could not be saved (%s)", reason(error))


def _audited(key: ApiKey) -> dict[str, str | None]:
    return {
        "name": key.name,
        "prefix": key.key_prefix,
        "scope": key.scopes,
        "expires_at": key.expires_on.isoformat() + "Z" if key.expires_on else None,
    }


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
