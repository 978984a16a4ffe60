"""Addresses that refuse e-mail: the mail server said so at once, or a delivery report did later.

An address without a mailbox is not written to again, until somebody corrects it, or an administrator tries again. What a
person has just asked for, such as a link for a new password, is tried all the same.
"""

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, ScalarSelect, and_, delete, exists, select, update

from app import clock
from app.address_key import address_key
from app.database import insert_into
from app.extensions import db
from app.outbox import rules
from app.outbox.models import EmailState, MailProblem, OutboxEmail, UnreachableAddress
from app.outbox.rules import BLOCKING, MAX_ERROR_LENGTH

NOT_TRIED = "Not sent, because the address refused earlier e-mails: {reason}"


def record(email: str, problem: MailProblem, reason: str, *, reported: bool = False) -> None:
    """Note that an address refused an e-mail, and cancel what waits for it if it has no mailbox.

    `reported` means that its server accepted the e-mail first, so that accepting another one proves nothing.
    """
    now = clock.now()
    values = {
        "email": address_key(email),
        "problem": problem,
        "reason": rules.one_line(reason, MAX_ERROR_LENGTH),
        "is_reported": reported,
        "last_at": now,
    }
    statement = insert_into(UnreachableAddress).values(**values, first_at=now, refusals=1)
    statement = statement.on_conflict_do_update(
        index_elements=[UnreachableAddress.email], set_={**values, "refusals": UnreachableAddress.refusals + 1}
    )
    db.session.execute(statement)
    if problem in BLOCKING:
        queued = and_(
            OutboxEmail.recipient_key == address_key(email),
            OutboxEmail.state == EmailState.QUEUED,
            OutboxEmail.priority != rules.URGENT,
        )
        why = rules.one_line(NOT_TRIED.format(reason=reason), MAX_ERROR_LENGTH)
        db.session.execute(update(OutboxEmail).where(queued).values(state=EmailState.FAILED, last_error=why))


def forget(*emails: str) -> None:
    """Write to addresses again."""
    db.session.execute(delete(UnreachableAddress).where(UnreachableAddress.email.in_([*map(address_key, emails)])))


def accepted(email: str) -> None:
    """Note that the mail server took an e-mail. Then what it refused before is over."""
    of_server = and_(UnreachableAddress.email == address_key(email), UnreachableAddress.is_reported.is_(False))
    db.session.execute(delete(UnreachableAddress).where(of_server))


def is_blocked(key: Any) -> ColumnElement[bool]:
    """Return the SQL condition that the address with a key, or with the one in a column, has no mailbox."""
    blocked = exists().where(UnreachableAddress.email == key, UnreachableAddress.problem.in_(BLOCKING))
    return blocked.correlate_except(UnreachableAddress)


def problem_of(key: Any) -> ScalarSelect[MailProblem]:
    """Return the problem of the address whose key is in a column, as a part of another statement; NULL if there is none."""
    found = select(UnreachableAddress.problem).where(UnreachableAddress.email == key)
    return found.correlate_except(UnreachableAddress).scalar_subquery()


def delete_old() -> int:
    """Forget addresses that refused e-mail a long time ago; return how many."""
    before = clock.now() - timedelta(days=current_app.config["INVITATION_RETENTION_DAYS"])
    statement = (
        delete(UnreachableAddress).where(UnreachableAddress.last_at < before).returning(UnreachableAddress.email)
    )
    return len(db.session.execute(statement).all())
