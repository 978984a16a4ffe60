"""Decisions about letters: what may stand in one, what an error means, when to try again. Pure functions."""

import re
import unicodedata
from datetime import datetime, timedelta
from email.errors import MessageError
from enum import Enum
from smtplib import SMTPNotSupportedError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from app.outbox.models import EmailState

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# The pauses between attempts: dense while it may be greylisting, then for three days.
LADDER = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, *(12 * HOUR,) * 5)
JITTER = 0.25
# A server that cannot be reached is asked again after this long; no letter's ladder is used up meanwhile.
OUTAGE_PAUSE = timedelta(seconds=30)
# MAIL, RCPT, DATA, the text and RSET wait for one time-out each at most; then the letter is another process's.
TIMEOUTS_PER_LEASE = 6
MIN_LEASE = MINUTE
MAX_CRASHES = 3
# So many letters in a row whose conversation breaks off are the server's fault, not theirs.
MAX_BROKEN = 2
MAX_ERROR_LENGTH = 500

# What SMTP takes without quotes or extensions (RFC 5321: Dot-string "@" Domain).
ADDRESS = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[a-z\d-]+(\.[a-z\d-]+)*", re.ASCII | re.IGNORECASE
)
SERVICE_NOT_AVAILABLE, TOO_LARGE = 421, 552
EMBEDDINGS_AND_OVERRIDES = {chr(code) for code in range(0x202A, 0x202F)}


class DeliveryFailure(Enum):
    """What an error means for a letter and for those behind it."""

    GIVE_UP = "this letter will never be taken"
    RETRY = "this letter may be taken later"
    BROKEN = "the conversation broke off: this letter later, and perhaps the server is ill"
    OUTAGE = "the server takes nothing from us now, whatever the letter"


def delivery_failure(error: Exception) -> DeliveryFailure:
    """Return what an `error` while a letter was handed over means."""
    if isinstance(error, SMTPSenderRefused) and error.smtp_code != TOO_LARGE:
        return DeliveryFailure.OUTAGE
    if isinstance(error, SMTPRecipientsRefused):
        return _failure_of_code(min(code for code, _ in error.recipients.values()))
    if isinstance(error, SMTPResponseException):
        return _failure_of_code(error.smtp_code)
    if isinstance(error, SMTPNotSupportedError | MessageError | ValueError):
        return DeliveryFailure.GIVE_UP
    return DeliveryFailure.BROKEN


def _failure_of_code(code: int) -> DeliveryFailure:
    if 500 <= code < 600:
        return DeliveryFailure.GIVE_UP
    return DeliveryFailure.RETRY if 400 <= code < 500 and code != SERVICE_NOT_AVAILABLE else DeliveryFailure.BROKEN


def describe(error: Exception, secret: str | None = None) -> str:
    """Return one line about `error` for the administrator, without the letter's secret."""
    if isinstance(error, SMTPRecipientsRefused):
        answers = [f"{code} {_text(reply)}" for code, reply in error.recipients.values()]
        reason = ", ".join(answers)
    elif isinstance(error, SMTPResponseException):
        reason = f"{error.smtp_code} {_text(error.smtp_error)}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return one_line(reason.replace(secret, "…") if secret else reason, MAX_ERROR_LENGTH)


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


def retry_at(attempts: int, now: datetime, expires_at: datetime | None, chance: float) -> datetime | None:
    """Return when to try again after so many `attempts`, or None to give up.

    `chance`, from 0 to 1, spreads letters that failed together, so that they do not come back together.
    """
    if attempts > len(LADDER):
        return None
    moment = now + LADDER[max(attempts, 1) - 1] * (1 - JITTER + 2 * JITTER * chance)
    return None if expires_at and moment >= expires_at else moment


def lease(timeout: float) -> timedelta:
    """Return for how long a letter belongs to who claimed it, when each step of SMTP may take `timeout` seconds."""
    return max(MIN_LEASE, timedelta(seconds=timeout) * TIMEOUTS_PER_LEASE)


def may_resend(state: str, *, secret_is_gone: bool, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a letter can go out once more: it is over, and what it says still holds."""
    return (
        state in {EmailState.SENT, EmailState.FAILED} and not secret_is_gone and not (expires_at and expires_at <= now)
    )


def ascii_address(address: str) -> str:
    """Return `address` with its domain as the DNS has it; raises ValueError for what SMTP would not take."""
    mailbox, _, domain = address.rpartition("@")
    plain = f"{mailbox}@{domain.encode('idna').decode('ascii')}"
    if not ADDRESS.fullmatch(plain):
        raise ValueError("not an e-mail address that can be written to")
    return plain


def one_line(text: str, longest: int) -> str:
    """Return `text` as one line of at most `longest` characters that can neither break nor reverse a header."""
    line = " ".join(_printable(" ".join(text.split())).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def body(text: str) -> str:
    """Return `text` without the characters that no database or mail takes."""
    return "\n".join(_printable(line) for line in text.replace("\r\n", "\n").split("\n"))


def _printable(text: str) -> str:
    return "".join(
        character
        for character in text
        if character == "\t"
        or (unicodedata.category(character) not in {"Cc", "Cs"} and character not in EMBEDDINGS_AND_OVERRIDES)
    )
