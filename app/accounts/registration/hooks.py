"""Registration as a pipeline that packages can join, by three signals (blinker) of which the sender is the application.

    registration_validating   Asked before anything is stored, with `applicant`, whose fields may be empty or malformed.
                              Receivers return or yield pairs of a field and what is wrong with it, in words. All of
                              them are asked, whatever the others answer, and everything is shown at once.
    registration_stored       Told in the transaction that stores, with `applicant`, the `registration` that waits for
                              its letter (None for who was invited) and the `member` (None until the letter is
                              answered). Whoever raises a DomainError undoes it all and says why. An address that is
                              known already is not stored, and nobody is told.
    registration_failed       Told afterwards, with `applicant` and the pairs of `errors`; outside of the transaction,
                              so that what a receiver wants to keep needs one of its own.

Only the first one is given the password. What this site itself demands is demanded by receivers of the same signal,
below. A package joins by an entry point, which is called with the application at the start (app.plugins):

    [project.entry-points."dinnerparty.plugins"]
    invited-guests = "invited_guests:join"

    def join(app):
        registration_validating.connect(only_colleagues, sender=app)

    def only_colleagues(app, applicant):
        if not applicant.email.endswith("@example.com"):
            yield "email", _("Please use your address at work.")

Signals hold functions weakly: one that is made inside another is connected with `weak=False`. A receiver that breaks
is written to the log; its visitor is asked to try again later, nothing is stored, and what was typed is kept.
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
from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app import clock
from app.accounts import password_policy, rules
from app.accounts.models import Member, Registration
from app.accounts.oidc.service import OidcIdentity
from app.database import is_unavailable
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

_signals = Namespace()
registration_validating = _signals.signal("registration-validating")
registration_stored = _signals.signal("registration-stored")
registration_failed = _signals.signal("registration-failed")

# The name of a field of the form, and what is wrong with it.
Problem = tuple[str, str]
TAKEN = lazy_gettext("This username is already taken.")
NOT_NOW = lazy_gettext("Not possible to register you at the moment, try again later")


@dataclass(frozen=True)
class Applicant:
    """What a visitor typed to register; `locale` and `timezone` are the ones the page was read in."""

    username: str
    email: str
    first_name: str
    last_name: str
    password: str = field(repr=False)
    locale: str
    timezone: str
    accepts_terms: bool = False
    identity: OidcIdentity | None = None

    def without_password(self) -> "Applicant":
        """Return what may be told to anybody."""
        return replace(self, password="")


class RefusedError(DomainError):
    """Something is wrong with what was typed: `problems` says what, at each field."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(lazy_gettext("Please correct the fields that are marked."))
        self.problems = problems


def validate(applicant: Applicant) -> None:
    """Raise RefusedError when anybody finds anything wrong with `applicant`."""
    found = problems(applicant)
    if found:
        raise RefusedError(found)


def problems(applicant: Applicant) -> list[Problem]:
    """Return all that is wrong with `applicant`, each thing once."""
    with _survived():
        answers = registration_validating.send(_app(), applicant=applicant)
        # Signals answer in no order.
        return sorted({(name, str(text)) for _receiver, answer in answers for name, text in answer or ()})


def stored(applicant: Applicant, *, registration: Registration | None, member: Member | None) -> None:
    """Tell who wants to know that somebody has registered."""
    applicant = applicant.without_password()
    with _survived():
        registration_stored.send(_app(), applicant=applicant, registration=registration, member=member)


def failed(applicant: Applicant, errors: list[Problem]) -> None:
    """Tell who wants to know that somebody could not register."""
    try:
        registration_failed.send(_app(), applicant=applicant.without_password(), errors=errors)
    except Exception:
        # Who could not register reads why, whatever becomes of those who wanted to know it.
        log.exception("A receiver of the registration_failed signal raised an exception")
        db.session.rollback()


@contextmanager
def _survived() -> Iterator[None]:
    """Refuse the registration where a receiver breaks; what everybody sees to already goes on as it is."""
    try:
        yield
    except (DomainError, IntegrityError, StaleDataError):
        raise
    except Exception as error:
        if is_unavailable(error):
            raise
        log.exception("A receiver of a registration signal raised an exception")
        raise DomainError(NOT_NOW) from error


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's way to it
    return app


# -- what this site demands


@registration_validating.connect
def _username_can_stand_in_an_address(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    if not rules.is_username(applicant.username):
        yield (
            "username",
            _(
                "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at the "
                "start and end."
            ),
        )


@registration_validating.connect
def _username_is_not_forbidden(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    if rules.is_forbidden_username(applicant.username):
        yield "username", str(TAKEN)


@registration_validating.connect
def _username_is_free(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    """Refuse a name that is a member's, or waits for another address; a second form for the same one is welcome.

    It is looked for among names only: among addresses, too, it would tell who is registered.
    """
    wanted = applicant.username.lower()
    waits = exists().where(
        func.lower(Registration.username) == wanted,
        func.lower(Registration.email) != applicant.email.lower(),
        Registration.activated_at.is_(None),
        Registration.expires_at > clock.now(),
    )
    taken = exists().where(func.lower(Member.username) == wanted) | waits
    if db.session.execute(select(taken)).scalar_one():
        yield "username", str(TAKEN)


@registration_validating.connect
def _password_will_do(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    names = (applicant.username, applicant.email, applicant.first_name, applicant.last_name)
    problem = password_policy.problem(applicant.password, names=names)
    if problem:
        yield "password", problem


@registration_validating.connect
def _terms_are_accepted(_sender: Any, applicant: Applicant) -> Iterator[Problem]:
    if current_app.config["TERMS_URL"] and not applicant.accepts_terms:
        yield "accepts_terms", _("Please accept the terms of use to register.")
