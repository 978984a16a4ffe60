"""Signals (blinker) by which packages can take part in registrations. The sender is the application.

    registration_validating   Sent before anything is stored, with `applicant`, whose fields may be empty or malformed.
                              Receivers return or yield pairs of a field name and an error message. All receivers are
                              called, and all errors are shown at once.
    registration_stored       Sent in the transaction that stores the registration, with `applicant`, the `registration`
                              that waits for its activation (None for an invitation) and the `member` (None until the
                              activation). A receiver that raises a DomainError rolls everything back, and the message
                              is shown. It is not sent for an e-mail address that has an account.
    registration_failed       Sent afterwards, outside of the transaction, with `applicant` and the pairs of `errors`.
                              A receiver that stores something needs a transaction of its own.

Only the first signal includes the password. The site's own checks are receivers of the same signal, below. A package
connects at an entry point, which is called with the application at the start (app.plugins):

    [project.entry-points."dinnerparty.plugins"]
    invited-guests = "invited_guests:join"

    def join(app):
        registration_validating.connect(only_colleagues, sender=app)

    def only_colleagues(app, applicant):
        if not applicant.email.endswith("@example.com"):
            yield "email", _("Please use your address at work.")

Signals hold weak references: a nested function must be connected with `weak=False`. When a receiver raises any other
error, it is logged, nothing is stored, and the visitor is asked to try again later with the filled-in form.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from blinker import Namespace
from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app import clock
from app.accounts import password_policy, rules
from app.accounts.models import Member, Registration
from app.accounts.oidc.service import OidcIdentity
from app.accounts.registration.wishes import Wish
from app.address_key import address_key
from app.database import is_unavailable
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

_signals = Namespace()
registration_validating = _signals.signal("registration-validating")
registration_stored = _signals.signal("registration-stored")
registration_failed = _signals.signal("registration-failed")

# The name of a field of the form, and an error message.
Problem = tuple[str, str]
TAKEN = lazy_gettext("This username is already taken.")
TRY_LATER = lazy_gettext("Not possible to register you at the moment, try again later")


@dataclass(frozen=True)
class Applicant:
    """The form of a visitor who registers. `locale` and `timezone` are those of the page."""

    username: str
    email: str
    first_name: str
    last_name: str
    password: str = field(repr=False)
    locale: str
    timezone: str | None
    accepts_terms: bool = False
    identity: OidcIdentity | None = None
    # What they want the account for (wishes.py).
    wish: Wish | None = None

    def without_password(self) -> "Applicant":
        """Return a copy without the password."""
        return replace(self, password="")


class InvalidRegistrationError(DomainError):
    """The form is invalid. `problems` holds the errors of the fields."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(lazy_gettext("Please correct the fields that are marked."))
        self.problems = problems


def validate(applicant: Applicant) -> None:
    """Raise InvalidRegistrationError when a receiver finds a problem."""
    found = problems(applicant)
    if found:
        raise InvalidRegistrationError(found)


def problems(applicant: Applicant) -> list[Problem]:
    """Return the problems that all receivers find, each once."""
    with _translate_errors():
        results = registration_validating.send(_app(), applicant=applicant)
        # Receivers are called in no particular order.
        return sorted({(name, str(text)) for _receiver, result in results for name, text in result or ()})


def stored(applicant: Applicant, *, registration: Registration | None, member: Member | None) -> None:
    """Send registration_stored."""
    applicant = applicant.without_password()
    with _translate_errors():
        registration_stored.send(_app(), applicant=applicant, registration=registration, member=member)


def failed(applicant: Applicant, errors: list[Problem]) -> None:
    """Send registration_failed."""
    try:
        registration_failed.send(_app(), applicant=applicant.without_password(), errors=errors)
    except Exception:
        # The visitor sees the original errors, whatever the receiver does.
        log.exception("A receiver of the registration_failed signal raised an exception")
        db.session.rollback()


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn unexpected errors of receivers into a DomainError."""
    try:
        yield
    except (DomainError, IntegrityError, StaleDataError):
        raise
    except Exception as error:
        if is_unavailable(error):
            raise
        log.exception("A receiver of a registration signal raised an exception")
        raise DomainError(TRY_LATER) from error


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's way to it
    return app


# -- the checks of this site


@registration_validating.connect
def _check_username_format(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    if not rules.is_username(applicant.username):
        yield (
            "username",
            _(
                "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at the "
                "start and end."
            ),
        )


@registration_validating.connect
def _check_username_is_allowed(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    if rules.is_forbidden_username(applicant.username):
        yield "username", str(TAKEN)


@registration_validating.connect
def _check_username_is_free(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    """Refuse the username of a member, or of a pending registration for another e-mail address.

    The query compares usernames only. Comparing e-mail addresses would reveal who is registered.
    """
    wanted = address_key(applicant.username)
    is_pending = exists().where(
        Registration.username_key == wanted,
        Registration.email_key != address_key(applicant.email),
        Registration.activated_at.is_(None),
        Registration.expires_at > clock.now(),
    )
    taken = exists().where(Member.username_key == wanted) | is_pending
    if db.session.execute(select(taken)).scalar_one():
        yield "username", str(TAKEN)


@registration_validating.connect
def _check_password(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    names = (applicant.username, applicant.email, applicant.first_name, applicant.last_name)
    problem = password_policy.problem(applicant.password, names=names)
    if problem:
        yield "password", problem


@registration_validating.connect
def _check_terms(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    if current_app.config["TERMS_URL"] and not applicant.accepts_terms:
        yield "accepts_terms", _("Please accept the terms of use to register.")
