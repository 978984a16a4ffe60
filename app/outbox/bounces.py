"""Delivery reports about e-mails of the site (RFC 3464)."""

import logging

from sqlalchemy import select

from app.extensions import db
from app.http import parse_int
from app.inbound.reading import Received
from app.outbox import rules, unreachable
from app.outbox.models import EmailState, OutboxEmail

FAILED = "failed"
MIN_PERMANENT = 500

logger = logging.getLogger(__name__)


def handle(message: Received, key: str) -> bool:
    """Note what a report says about the e-mail with the number `key`, or else with the reported Message-ID.

    Return False if the report is about no e-mail of the site. Reports of delays and of success change nothing.
    """
    email = _email(message, key)
    if email is None:
        return False
    failures = [report for report in message.reports if report.action == FAILED]
    if failures and email.state in {EmailState.SENT, EmailState.SENDING}:
        report = failures[0]
        problem = rules.mail_problem(MIN_PERMANENT, report.status)
        reason = rules.one_line(f"{report.status} {report.reason}", rules.MAX_ERROR_LENGTH)
        email.state, email.last_error = EmailState.FAILED, reason
        unreachable.record(email.recipient, problem, reason, reported=True)
        logger.warning("E-mail %d (%s) came back: %s", email.id, email.kind, reason)
    return True


def _email(message: Received, key: str) -> OutboxEmail | None:
    number = parse_int(key)
    if number is not None:
        return db.session.get(OutboxEmail, number)
    if not message.reported_id:
        return None
    return db.session.scalars(select(OutboxEmail).where(OutboxEmail.message_id == message.reported_id)).first()
