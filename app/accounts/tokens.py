"""Tokens: each is issued for one purpose, works once and expires."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts import rules
from app.accounts.enums import TokenPurpose
from app.accounts.models import Member, Token
from app.extensions import db


def issue(
    purpose: TokenPurpose,
    member: Member | None = None,
    *,
    data: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
    value: str | None = None,
) -> str:
    """Store a new token and return its value. Only the hash of the value is stored.

    `data` is stored with the token. `expires_at` replaces the purpose's lifetime, `value` the random value.
    """
    value = value or rules.new_token()
    db.session.add(
        Token(
            purpose=purpose,
            token_hash=rules.token_hash(value),
            member_id=member.id if member is not None else None,
            data=dict(data or {}),
            expires_at=expires_at or clock.now() + rules.TOKEN_LIFETIMES[purpose],
        )
    )
    db.session.flush()
    return value


def find(purpose: TokenPurpose, value: str) -> Token | None:
    """Return the token with that purpose and value, also when it was used or has expired, or None."""
    statement = (
        select(Token)
        .options(joinedload(Token.member))
        .where(Token.token_hash == rules.token_hash(value), Token.purpose == purpose)
    )
    return db.session.execute(statement).scalar_one_or_none()


def is_valid(token: Token | None) -> bool:
    """Whether `token` can still be used."""
    return token is not None and token.used_at is None and token.expires_at > clock.now()


def use(purpose: TokenPurpose, value: str) -> Token | None:
    """Use up a token and return it, or None when it is unknown, was used or has expired.

    Of simultaneous requests, one succeeds.
    """
    now = clock.now()
    claim = (
        update(Token)
        .where(
            Token.token_hash == rules.token_hash(value),
            Token.purpose == purpose,
            Token.used_at.is_(None),
            Token.expires_at > now,
        )
        .values(used_at=now)
        .returning(Token.id)
    )
    if db.session.execute(claim).first() is None:
        return None
    token = find(purpose, value)
    if token is not None:
        db.session.refresh(token, ["used_at"])
    return token


def revoke(member: Member, *purposes: TokenPurpose) -> None:
    """Delete the unused tokens of `member` for `purposes`."""
    unused = delete(Token).where(Token.member_id == member.id, Token.purpose.in_(purposes), Token.used_at.is_(None))
    db.session.execute(unused)
