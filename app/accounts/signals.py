"""Signals (blinker) of members and logins, for packages and for other parts of the application.

The data of members. The sender is the member, in the transaction of the fact:

    member_exporting          With `archive`: receivers add their data to it.
    member_erasing            While the row still has their name and e-mail address: receivers delete or anonymise theirs.
                              One can return an iCalendar object for the last e-mail to the member.
    member_merging            With the account `kept`: receivers give it what the member has, and add to the `report`
                              (app.accounts.users.merging) what that is. Rows that still refer to the member refuse the
                              merge; member_erasing follows.

Logins. The sender of these and of all below is the application.

    login_attempting          Before anything is checked, with the `identifier` that was typed. Of a passkey, a provider or
                              the web server it is the username, or the e-mail address of somebody who is no member yet,
                              as soon as it is known.
    login_providing           With `identifier` and `password`, before the site's own password is checked: a receiver
                              that knows both returns the Member, others return None. The second factor is still asked.
    login_verified            With `member`, who has proved who they are and may log in: by a password, a passkey or a
                              provider. The login is not stored yet, and a second factor may follow.
    login_failed              With `identifier` and `error`, after a login was refused. The identifier is what was typed,
                              or that of login_attempting, or the username at the second step. It is empty while nobody
                              knows it.
    reauthentication_attempting, reauthenticated, reauthentication_failed
                              The same for a member who is logged in, with `member`; the last one with `error`, too.

Changes, in their transaction, with `member`:

    password_changed          By the member, a link or an administrator. The password itself is not told.
    email_changed             With the `old` e-mail address.
    member_banned             With the `reason`.
    member_unbanned
    roles_changed             With the names of the roles `added` and `removed`, also those of groups.

A receiver that raises DomainError refuses, and its message is shown; after login_failed and reauthentication_failed
there is nothing left to refuse. Any other error is logged, what the receiver has stored is rolled back, and everything
goes on without it: a package that breaks must not lock the members out. A receiver that is `required` is different:
then the reader is asked to try again later, and nothing is stored.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from blinker import NamedSignal, Namespace
from flask import current_app
from flask_babel import lazy_gettext
from werkzeug.local import LocalProxy

from app.database import is_unavailable
from app.errors import DomainError
from app.extensions import db

Receiver = TypeVar("Receiver", bound=Callable[..., Any])
TRY_LATER = lazy_gettext("A check that this site requires is not working at the moment. Please try again later.")
BROKEN = "%s, a receiver of the signal %s, raised an exception"
_REQUIRED = "_dinnerparty_required"

logger = logging.getLogger(__name__)

_signals = Namespace()
member_exporting = _signals.signal("member-exporting")
member_erasing = _signals.signal("member-erasing")
member_merging = _signals.signal("member-merging")

login_attempting = _signals.signal("login-attempting")
login_providing = _signals.signal("login-providing")
login_verified = _signals.signal("login-verified")
login_failed = _signals.signal("login-failed")
reauthentication_attempting = _signals.signal("reauthentication-attempting")
reauthenticated = _signals.signal("reauthenticated")
reauthentication_failed = _signals.signal("reauthentication-failed")

password_changed = _signals.signal("password-changed")
email_changed = _signals.signal("email-changed")
member_banned = _signals.signal("member-banned")
member_unbanned = _signals.signal("member-unbanned")
roles_changed = _signals.signal("roles-changed")


def required(receiver: Receiver) -> Receiver:
    """Mark a receiver without which nothing may go on: if it breaks, the reader is asked to try again later."""
    setattr(receiver, _REQUIRED, True)
    return receiver


def send(signal: NamedSignal, **known: Any) -> list[Any]:
    """Call the receivers of `signal` in the current transaction, and return what they return, without None.

    Raises the DomainError of a receiver that refuses, or of a required one that breaks.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's way to it
    receivers = list(signal.receivers_for(app))
    if receivers:
        # What fails here is not the fault of a receiver.
        db.session.flush()
    known = _unwrapped(known)
    results = [_call(signal, receiver, app, known) for receiver in receivers]
    return [result for result in results if result is not None]


def report(signal: NamedSignal, **known: Any) -> None:
    """Call the receivers of `signal` after something has failed. They open transactions of their own; no error is raised."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    known = _unwrapped(known)
    for receiver in signal.receivers_for(app):
        try:
            receiver(app, **known)
        except Exception:
            # The reader sees the original error, whatever the receiver does.
            db.session.rollback()
            logger.exception(BROKEN, _name_of(receiver), signal.name)


@contextmanager
def logging_in(identifier: str) -> Iterator[None]:
    """Ask whether somebody may try to log in, and report it if the login is refused."""
    with reporting_failure(identifier):
        send(login_attempting, identifier=identifier)
        yield


@contextmanager
def reporting_failure(identifier: str) -> Iterator[None]:
    """Report it if the login is refused."""
    try:
        yield
    except DomainError as error:
        report(login_failed, identifier=identifier, error=error)
        raise


@contextmanager
def reauthenticating(member: Any) -> Iterator[None]:
    """Ask whether a member may try to reauthenticate, and report it if that is refused."""
    try:
        send(reauthentication_attempting, member=member)
        yield
    except DomainError as error:
        report(reauthentication_failed, member=member, error=error)
        raise


def _unwrapped(known: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with the member in place of `current_user`, which another request would change."""
    return {
        name: value._get_current_object() if isinstance(value, LocalProxy) else value  # noqa: SLF001 - Werkzeug's way to it
        for name, value in known.items()
    }


def _call(signal: NamedSignal, receiver: Callable[..., Any], app: Any, known: dict[str, Any]) -> Any:
    try:
        with _savepoint():
            return receiver(app, **known)
    except DomainError:
        raise
    except Exception as error:
        if is_unavailable(error):
            raise
        logger.exception(BROKEN, _name_of(receiver), signal.name)
        if getattr(receiver, _REQUIRED, False):
            raise DomainError(TRY_LATER) from error
        return None


@contextmanager
def _savepoint() -> Iterator[None]:
    """Roll back what a receiver has stored if it raises, and nothing else."""
    connection = db.session.connection()
    if connection.dialect.name != "sqlite" or connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        with db.session.begin_nested():
            yield
        return
    # Nothing is written yet. SQLite would take a savepoint for the transaction, and commit it with the savepoint.
    try:
        yield
    except BaseException:
        db.session.rollback()
        raise


def _name_of(receiver: Callable[..., Any]) -> str:
    return f"{getattr(receiver, '__module__', '')}.{getattr(receiver, '__qualname__', receiver)}"
