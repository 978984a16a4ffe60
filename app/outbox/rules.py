"""Rules of e-mail delivery: what an error means, when to try again, which text is safe. Pure functions."""

import re
from datetime import datetime, timedelta
from email.errors import MessageError
from enum import Enum
from smtplib import SMTPNotSupportedError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from app.outbox.models import EmailState, MailProblem
from config import ascii_address

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# The pauses between attempts: short ones while greylisting is likely, then longer ones, three days in all.
RETRY_DELAYS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, *(12 * HOUR,) * 5)
JITTER = 0.25
# The pause after the server could not be reached. It does not count as an attempt of any e-mail.
OUTAGE_PAUSE = timedelta(seconds=30)
# MAIL, RCPT, DATA, the text and RSET take one time-out each at most. After that another process may take the e-mail.
TIMEOUTS_PER_LEASE = 6
MIN_LEASE = MINUTE
MAX_CRASHES = 3
# After so many lost connections in a row, the server is taken for unavailable.
MAX_LOST_CONNECTIONS = 2
MAX_ERROR_LENGTH = 500

URGENT, ORDINARY = 0, 5
# Addresses with these problems are not written to again.
BLOCKING = frozenset({MailProblem.NO_MAILBOX, MailProblem.NO_DOMAIN, MailProblem.CLOSED})
# Subject and detail of enhanced status codes (RFC 3463, RFC 7505).
PROBLEMS = {
    "1.1": MailProblem.NO_MAILBOX,
    "1.3": MailProblem.NO_MAILBOX,
    "1.6": MailProblem.NO_MAILBOX,
    "1.2": MailProblem.NO_DOMAIN,
    "1.10": MailProblem.NO_DOMAIN,
    "4.4": MailProblem.NO_DOMAIN,
    "2.1": MailProblem.CLOSED,
    "2.2": MailProblem.FULL,
}
# Of servers without enhanced codes.
NO_MAILBOX_CODES = frozenset({550, 551, 553})
ENHANCED = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")
SERVICE_NOT_AVAILABLE, TOO_LARGE = 421, 552
# Control characters and halves of surrogate pairs, but no tabs and line breaks; embeddings and overrides of direction.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]")


class DeliveryFailure(Enum):
    """What an error means for an e-mail and for those queued behind it."""

    PERMANENT = "the server will never accept this e-mail"
    TEMPORARY = "the server may accept this e-mail later"
    CONNECTION_LOST = "the connection was lost: try again later; the server may be down"
    SERVER_UNAVAILABLE = "the server accepts no e-mail from this site now"


def delivery_failure(error: Exception) -> DeliveryFailure:
    """Classify an `error` that was raised while an e-mail was sent."""
    if isinstance(error, SMTPSenderRefused) and error.smtp_code != TOO_LARGE:
        return DeliveryFailure.SERVER_UNAVAILABLE
    if isinstance(error, SMTPRecipientsRefused):
        return _failure_of_code(min(code for code, _ in error.recipients.values()))
    if isinstance(error, SMTPResponseException):
        return _failure_of_code(error.smtp_code)
    if isinstance(error, SMTPNotSupportedError | MessageError | ValueError):
        return DeliveryFailure.PERMANENT
    return DeliveryFailure.CONNECTION_LOST


def _failure_of_code(code: int) -> DeliveryFailure:
    if 500 <= code < 600:
        return DeliveryFailure.PERMANENT
    if 400 <= code < 500 and code != SERVICE_NOT_AVAILABLE:
        return DeliveryFailure.TEMPORARY
    return DeliveryFailure.CONNECTION_LOST


def mail_problem(code: int, status: str) -> MailProblem:
    """Return what an SMTP code and an enhanced status code, which may be missing, say of an address."""
    if status:
        return PROBLEMS.get(status.partition(".")[2], MailProblem.REFUSED)
    return MailProblem.NO_MAILBOX if code in NO_MAILBOX_CODES else MailProblem.REFUSED


def problem_of_address(error: Exception, address: str) -> MailProblem | None:
    """Return what an `error` says of the address that the e-mail was for; None if it says nothing of it."""
    if not is_writable(address):
        return MailProblem.NO_MAILBOX
    if isinstance(error, SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        return mail_problem(code, _enhanced(reply))
    if isinstance(error, SMTPResponseException) and not isinstance(error, SMTPSenderRefused):
        # The text was refused. Without an enhanced code that says nothing of the mailbox.
        return mail_problem(0, _enhanced(error.smtp_error))
    return None


def _enhanced(reply: bytes | str) -> str:
    match = ENHANCED.match(_text(reply))
    return match[0] if match else ""


def describe(error: Exception, secret: str | None = None) -> str:
    """Return `error` in one line for the administrator, without the `secret` of the e-mail."""
    if isinstance(error, SMTPRecipientsRefused):
        reason = ", ".join(f"{code} {_text(reply)}" for code, reply in error.recipients.values())
    elif isinstance(error, SMTPResponseException):
        reason = f"{error.smtp_code} {_text(error.smtp_error)}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return one_line(reason.replace(secret, "…") if secret else reason, MAX_ERROR_LENGTH)


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


def retry_at(attempts: int, now: datetime, expires_at: datetime | None, chance: float) -> datetime | None:
    """Return when to try again after so many `attempts`, or None if the e-mail has failed.

    `chance`, a random number from 0 to 1, spreads the attempts of e-mails that were deferred together.
    """
    if attempts > len(RETRY_DELAYS):
        return None
    moment = now + RETRY_DELAYS[max(attempts, 1) - 1] * (1 - JITTER + 2 * JITTER * chance)
    return None if expires_at and moment >= expires_at else moment


def lease(timeout: float) -> timedelta:
    """Return how long a process may hold an e-mail, if each step of SMTP may take `timeout` seconds."""
    return max(MIN_LEASE, timedelta(seconds=timeout) * TIMEOUTS_PER_LEASE)


def may_resend(state: str, *, secret_is_gone: bool, expires_at: datetime | None, now: datetime) -> bool:
    """Whether an e-mail can be sent again: it was sent or failed, still has its secret, and has not expired."""
    return (
        state in {EmailState.SENT, EmailState.FAILED} and not secret_is_gone and not (expires_at and expires_at <= now)
    )


def is_writable(address: str) -> bool:
    """Whether e-mail can be sent to an address: SMTP accepts it, so what is before the @ is ASCII."""
    try:
        ascii_address(address)
    except ValueError:
        return False
    return True


def one_line(text: str, max_length: int) -> str:
    """Return `text` as one line of at most `max_length` characters, without what could break or reverse a header."""
    line = " ".join(_printable(" ".join(text.split())).split())
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def body(text: str) -> str:
    """Return `text` without control characters and direction overrides; line breaks and tabs stay."""
    return _printable(text.replace("\r\n", "\n"))


def _printable(text: str) -> str:
    return UNPRINTABLE.sub("", text)
