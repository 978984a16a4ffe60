"""API keys: for programs that act as a member, at `/api/` only.

A key is 256 random bits behind a prefix by which it is recognised, also by whoever scans repositories for leaked ones.
It is stored as a fast hash, which is enough for what cannot be guessed. The table is Flask-AppBuilder's, and its hooks
(in `security.py`) end here, as our pages do. Its columns hold naive times; ours are UTC.
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
from app.database import is_unavailable
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

READ, READ_AND_WRITE = "read", "read,write"
SCOPES = {READ: lazy_gettext("Read only"), READ_AND_WRITE: lazy_gettext("Read and write")}
LIVE, EXPIRED, REVOKED = "live", "expired", "revoked"
STATES = {LIVE: lazy_gettext("In use"), EXPIRED: lazy_gettext("Expired"), REVOKED: lazy_gettext("Revoked")}
DAYS, DEFAULT_DAYS = (30, 90, 365), 90
MAX_LIVE_KEYS = 20
MAX_NAME_LENGTH = 64
# The prefix and a few characters more: what one recognises a key by.
SHOWN_CHARACTERS = 4
READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Keys whose form was sent twice get the same number, by which the database refuses the second.
MARKS = uuid.UUID("5f9a7e0c-2d0b-4f0e-9a53-3c8f4f0c61f4")


class MadeAlreadyError(DomainError):
    """A form that was sent twice: its key was made the first time."""

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
    """A key that was just made, and the only copy of its secret."""

    key: ApiKey
    secret: str


def create(
    member: Member, name: str, scope: str | None = READ, expires_at: datetime | None = None, *, mark: str = ""
) -> NewKey:
    """Make a key for `member` that works for a year at most, and write to them.

    `mark` stands for the form it was asked for with: the second key of a form is refused with MadeAlreadyError, or with
    IntegrityError when both come at once. Raises DomainError when the member has too many.
    """
    prefix = current_app.config["FAB_API_KEY_PREFIXES"][0]
    secret = prefix + rules.new_token()
    number = str(uuid.uuid5(MARKS, f"{member.id}:{mark}")) if mark else str(uuid.uuid4())
    members.lock(member)
    if get(number) is not None:
        raise MadeAlreadyError
    if _count_live(member) >= MAX_LIVE_KEYS:
        raise DomainError(
            lazy_gettext(
                "You cannot have more than %(number)d API keys. Revoke one that you no longer need.",
                number=MAX_LIVE_KEYS,
            )
        )
    now = clock.now()
    expires_at = min(expires_at or now + timedelta(days=DEFAULT_DAYS), now + timedelta(days=max(DAYS)))
    key = ApiKey(
        uuid=number,
        name=name[:MAX_NAME_LENGTH],
        key_hash=rules.token_hash(secret),
        lookup_hash=rules.token_hash(secret),
        key_prefix=secret[: len(prefix) + SHOWN_CHARACTERS],
        user_id=member.id,
        scopes=scope if scope in SCOPES else READ,
        active=True,
        created_on=_naive(now),
        expires_on=_naive(expires_at),
    )
    db.session.add(key)
    db.session.flush()
    audit.record("api_key_created", "member", member, actor=member, after=_told(key))
    mail.api_key_created(member, number, key.name, SCOPES[str(key.scopes)], expires_at)
    return NewKey(key, secret)


def revoke(member: Member, number: str) -> ApiKey | None:
    """Let a key of `member` open nothing any more and return it; None when they have no such key that still did."""
    key = get(number)
    if key is None or key.user_id != member.id or state(key) == REVOKED:
        return None
    key.revoked_on = _naive(clock.now())
    db.session.flush()
    audit.record("api_key_revoked", "member", member, actor=member, before=_told(key))
    return key


def revoke_all(member: Member) -> None:
    """Let no key of `member` open anything any more. Whoever does so, an administrator, is who is logged in."""
    revoke_keys(of(member.id))


def revoke_keys(keys: Iterable[ApiKey]) -> int:
    """Let keys open nothing any more, as an administrator; return how many still did."""
    live = [key for key in keys if state(key) != REVOKED]
    for key in live:
        key.revoked_on = _naive(clock.now())
        audit.record("api_key_revoked", "member", db.session.get(Member, key.user_id), before=_told(key))
    db.session.flush()
    return len(live)


def of(member_id: int) -> list[ApiKey]:
    """Return the keys of a member, the newest first; those that opened something once are among them."""
    statement = select(ApiKey).where(ApiKey.user_id == member_id).order_by(ApiKey.created_on.desc(), ApiKey.id.desc())
    return list(db.session.scalars(statement))


def get(number: str) -> ApiKey | None:
    """Return the key with that number."""
    return db.session.execute(select(ApiKey).where(ApiKey.uuid == number)).scalar_one_or_none()


def state(key: ApiKey) -> str:
    """Return one of STATES."""
    if key.revoked_on is not None or not key.active:
        return REVOKED
    return EXPIRED if key.expires_on is not None and key.expires_on <= _naive(clock.now()) else LIVE


def find(secret: str) -> tuple[ApiKey, Member] | None:
    """Return the key of that secret and whose it is, if both may come in."""
    statement = (
        select(ApiKey, Member)
        .join(Member, Member.id == ApiKey.user_id)
        .where(ApiKey.lookup_hash == rules.token_hash(secret))
    )
    row = db.session.execute(statement).one_or_none()
    return (row[0], row[1]) if row is not None and state(row[0]) == LIVE and row[1].is_active else None


def allows(key: ApiKey, method: str) -> bool:
    """Whether `key` may be used for a request of `method`."""
    return method in READING or key.scopes == READ_AND_WRITE


def note_use(key: ApiKey) -> None:
    """Note that `key` was used, every few minutes; where that cannot be written now, it goes on all the same.

    On a connection of its own: the request that uses the key has its transaction for itself.
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
        log.warning("The last-used time of an API key could not be saved", exc_info=True)


def _count_live(member: Member) -> int:
    statement = select(func.count()).where(
        ApiKey.user_id == member.id,
        ApiKey.active.is_(True),
        ApiKey.revoked_on.is_(None),
        ApiKey.expires_on > _naive(clock.now()),
    )
    return db.session.execute(statement).scalar_one()


def _told(key: ApiKey) -> dict[str, str | None]:
    return {
        "name": key.name,
        "prefix": key.key_prefix,
        "scope": key.scopes,
        "expires_at": key.expires_on.isoformat() + "Z" if key.expires_on else None,
    }


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
