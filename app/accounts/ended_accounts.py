"""Nothing is stored for an account that has been deleted or merged into another one, however long the request has waited.

A request may have loaded its member before the account ended, and wait for a lock that the deletion holds. Before each
commit of whatever was written, the accounts of it are read again: whose request it is, and whom stored rows refer to.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import g, has_request_context
from flask_babel import lazy_gettext
from sqlalchemy import event, func, inspect, select
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, SessionTransaction
from werkzeug.local import LocalProxy

from app.accounts.models import Member
from app.errors import AccountEndedError
from app.extensions import db

# The first half of PostgreSQL's advisory locks; the second one is the key of the member.
LOCK = 0x6D656D62
ENDING, WRITTEN = "ending_accounts", "written_accounts"


def claim(member: Member) -> None:
    """Let nobody else store anything for `member` until the end of this transaction, which ends the account.

    SQLite has one writer at a time. On PostgreSQL others do not wait for this, because they hold locks that the caller
    is still to wait for: they are refused.
    """
    if _is_postgresql(db.session):
        db.session.execute(select(func.pg_advisory_xact_lock(LOCK, member.id)))
    db.session.info.setdefault(ENDING, set()).add(member.id)


@event.listens_for(Session, "after_flush")
def _note_rows(session: Session, _context: object) -> None:
    """Note the members to whom stored rows refer, and those who are changed themselves."""
    if not (session.new or session.dirty or session.deleted):
        return
    noted: set[int] = session.info.setdefault(WRITTEN, set())
    for row in session.new:
        noted.update(_referred(row, changed_only=False))
    for row in session.dirty:
        noted.update(_referred(row, changed_only=True))
        if isinstance(row, Member) and session.is_modified(row):
            noted.add(row.id)


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        state.session.info.setdefault(WRITTEN, set())


@event.listens_for(Session, "before_commit")
def _refuse_ended(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    if WRITTEN not in session.info:
        return
    members = {*session.info[WRITTEN], *_requesters()} - session.info.get(ENDING, set())
    if members and not _are_there(session, sorted(members)):
        raise AccountEndedError(
            lazy_gettext("Nothing was stored, because this account has just been deleted or merged into another one.")
        )


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(WRITTEN, None)
        session.info.pop(ENDING, None)


def _are_there(session: Session, members: list[int]) -> bool:
    """Whether none of the accounts has ended, nor is about to; none can before the end of this transaction."""
    if _is_postgresql(session):
        # A statement of its own: the next one sees what was committed before the locks were taken.
        locks = func.bool_and(func.pg_try_advisory_xact_lock_shared(LOCK, Member.id))
        if not session.scalar(select(locks).where(Member.id.in_(members))):
            return False
    ended = select(Member.id).where(Member.id.in_(members), Member.erased_at.is_not(None))
    return session.execute(ended).first() is None


def _requesters() -> Iterator[int]:
    """Yield the key of whoever is logged in, or sends the token or key of an API."""
    for name in ("_login_user", "user") if has_request_context() else ():
        user = g.get(name)
        # Nobody has asked yet whom the proxy stands for.
        state = None if isinstance(user, LocalProxy) else inspect(user, raiseerr=False)
        if isinstance(user, Member) and state is not None and state.identity:
            yield state.identity[0]


def _referred(row: Any, *, changed_only: bool) -> Iterator[int]:
    state = inspect(row)
    for name in _references(state.mapper):
        key = state.dict.get(name)
        if key is not None and (not changed_only or state.attrs[name].history.has_changes()):
            yield key


@cache
def _references(mapper: Mapper[Any]) -> tuple[str, ...]:
    """Return the attributes of a model that are keys of members."""
    return tuple(
        mapper.get_property_by_column(column).key
        for column in mapper.columns
        if any(key.column is Member.__table__.c.id for key in column.foreign_keys)
    )


def _is_postgresql(session: Any) -> bool:
    return bool(session.get_bind(Member).dialect.name == "postgresql")
