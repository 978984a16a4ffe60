"""Flask-AppBuilder's signals of users, roles and groups, sent for whatever stores a change: pages, APIs, commands, logins.

Flask-AppBuilder sends them in methods of its security manager. Here the session sends them: before its commit the signals
whose receivers may store more, and after it those for notifications. One change of several steps is one signal. Bulk
statements, such as the login counters, send none.
"""

from dataclasses import dataclass, field
from typing import Any

from flask import has_app_context
from flask_appbuilder.security import signals
from flask_appbuilder.security.sqla.manager import SecurityManager as StockSecurityManager
from flask_appbuilder.security.sqla.models import Group, Role
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, SessionTransaction

from app.accounts.models import Member
from app.extensions import appbuilder_of

TYPES: dict[type[Any], str] = {Member: "user", Role: "role", Group: "group"}
PEOPLE = {Role: "user", Group: "users"}
PENDING, COMMITTED = "fab_signals", "fab_signals_committed"
SECRET = frozenset({"password", "session_stamp"})
HIDDEN = {"old": "***", "new": "***"}


@dataclass
class _Change:
    model: Any
    kind: str
    # The savepoints in which it happened.
    savepoints: list[SessionTransaction]
    key: Any = None
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_sent: bool = False

    def send(self, *, committed: bool) -> None:
        """Send the signal before or after the commit."""
        action, type_name = self.kind + ("ed" if committed else "ing"), TYPES[type(self.model)]
        send = StockSecurityManager._emit_post_signal if committed else StockSecurityManager._emit_pre_signal  # noqa: SLF001
        is_gone = committed and self.kind == "delet"
        send(
            appbuilder_of().sm,
            getattr(signals, f"{type_name}_{action}"),
            type_name,
            action,
            self.key,
            None if is_gone else self.model,
            _with_keys(self.values) or None,
        )


def _pending(session: Session) -> dict[int, _Change]:
    found: dict[int, _Change] = session.info.setdefault(PENDING, {})
    return found


@event.listens_for(Session, "before_flush")
def _note(session: Session, _context: object, _instances: object) -> None:
    """Note what the flush will store; only now are the old values known."""
    for kind, models in (("creat", session.new), ("updat", session.dirty), ("delet", session.deleted)):
        for model in models:
            if type(model) in TYPES and (kind != "updat" or _is_changed(model)):
                _note_one(session, kind, model)


def _is_changed(model: Any) -> bool:
    """Whether a row has changed. Who has a role or is in a group is a change of the user."""
    people = PEOPLE.get(type(model))
    return any(each.history.has_changes() for each in inspect(model).attrs if each.key != people)


def _note_one(session: Session, kind: str, model: Any) -> None:
    pending = _pending(session)
    change = pending.get(id(model))
    if change is None or change.is_sent:
        change = pending[id(model)] = _Change(model, kind, _savepoints(session), model.id)
    elif kind == "delet":
        # What was added in the same transaction was never there.
        if change.kind == "creat":
            del pending[id(model)]
        change.kind, change.values = kind, {}
    if change.kind == "updat":
        _add_values(change)


def _add_values(change: _Change) -> None:
    for attribute in inspect(change.model).attrs:
        history = attribute.history
        if not history.has_changes():
            continue
        name = attribute.key
        if name in SECRET:
            change.values[name] = HIDDEN
            continue
        is_list = isinstance(attribute.value, list)
        old = [*history.unchanged, *history.deleted] if is_list else next(iter(history.deleted or ()), None)
        known = change.values.setdefault(name, {"old": old})
        known["new"] = list(attribute.value) if is_list else attribute.value


def _with_keys(values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return changes with the primary keys of rows, as Flask-AppBuilder has them."""

    def keys(value: Any) -> Any:
        return [getattr(row, "id", row) for row in value] if isinstance(value, list) else value

    return {name: {side: keys(value) for side, value in sides.items()} for name, sides in values.items()}


def _savepoints(session: Session) -> list[SessionTransaction]:
    found, transaction = [], session.get_nested_transaction()
    while transaction is not None:
        found.append(transaction)
        transaction = transaction.parent
    return found


@event.listens_for(Session, "before_commit")
def _send_before(session: Session) -> None:
    """Send the signals before the commit, and those of what their receivers change."""
    if session.in_nested_transaction() or not has_app_context():
        return
    session.flush()
    while unsent := [change for change in _pending(session).values() if not change.is_sent]:
        for change in unsent:
            change.is_sent = True
            change.key = change.model.id if change.kind != "delet" else change.key
            change.send(committed=False)
        session.flush()


@event.listens_for(Session, "after_commit")
def _keep(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info[COMMITTED] = list(session.info.pop(PENDING, {}).values())


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """Forget what was rolled back."""
    if ended.parent is None:
        session.info.pop(PENDING, None)
        return
    pending = _pending(session)
    for key in [key for key, change in pending.items() if ended in change.savepoints]:
        del pending[key]


@event.listens_for(Session, "after_transaction_end")
def _send_after(session: Session, ended: SessionTransaction) -> None:
    """Send the signals after the commit, when their receivers may use the database again."""
    if ended.parent is None and has_app_context():
        for change in session.info.pop(COMMITTED, ()):
            change.send(committed=True)
