"""Checks of e-mail: whether the mail server takes it, whether others believe the sender, and whether it leaves."""

import smtplib
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parseaddr

from flask import current_app
from sqlalchemy import func, select

from app import clock
from app.doctor import Finding, check, error, ok, warning
from app.extensions import db
from app.outbox import service, smtp
from app.outbox.models import EmailState, OutboxEmail
from config import LOCAL_HOSTS, ascii_address

TIMEOUT_SECONDS = 10
LATE, TOO_LATE = timedelta(hours=1), timedelta(hours=12)
# Domains that are nobody's (RFC 2606), and those of a private network.
NOBODYS = ("localhost", "test", "example", "invalid", "local", "internal", "lan")


@check("mail server")
def mail_server() -> Iterator[Finding]:
    """Log in at the mail server, and offer it the sender."""
    settings = current_app.config
    if not service.delivers():
        return
    where = f"{settings['MAIL_SERVER']}:{settings['MAIL_PORT']}"
    try:
        connection = smtp.connect(min(TIMEOUT_SECONDS, settings["MAIL_TIMEOUT"]))
    except (OSError, smtplib.SMTPException) as failure:
        yield _not_connected(where, failure)
        return
    try:
        yield from _accepts_sender(where, connection)
    finally:
        connection.close()
    encrypts = settings["MAIL_USE_TLS"] or settings["MAIL_USE_SSL"]
    if settings["MAIL_USERNAME"] and not encrypts and settings["MAIL_SERVER"] not in LOCAL_HOSTS:
        yield warning(f"The password for {where} crosses the network unencrypted.", "Set MAIL_USE_TLS or MAIL_USE_SSL.")


def _accepts_sender(where: str, connection: smtp.Connection) -> Iterator[Finding]:
    sender = ascii_address(parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])[1])
    try:
        assert connection.host is not None  # noqa: S101 - it is connected
        code, answer = connection.host.mail(sender)
    except (OSError, smtplib.SMTPException) as failure:
        code, answer = 0, str(failure).encode()
    if code == 250:
        yield ok(f"{where} accepts e-mail of {sender}.")
    else:
        said = f"{code or ''} {answer.decode(errors='replace')}".strip()
        yield error(
            f"{where} does not accept the sender {sender}: {said}", "Set MAIL_DEFAULT_SENDER to an address of yours."
        )


def _not_connected(where: str, failure: Exception) -> Finding:
    """Return what went wrong, and which setting it is about."""
    if isinstance(failure, smtplib.SMTPAuthenticationError):
        said = f"{failure.smtp_code} {_text(failure.smtp_error)}"
        return error(f"{where} refuses the login: {said}", "Mend MAIL_USERNAME and MAIL_PASSWORD.")
    if isinstance(failure, smtplib.SMTPNotSupportedError):
        return error(
            f"{where}: {failure}", "Without STARTTLS set MAIL_USE_SSL (port 465); without AUTH set no MAIL_USERNAME."
        )
    if isinstance(failure, ssl.SSLCertVerificationError):
        return error(
            f"{where}: its certificate is not accepted ({failure.verify_message}).",
            "MAIL_SERVER must be the name in the certificate.",
        )
    if isinstance(failure, ssl.SSLError):
        return error(
            f"{where} does not speak TLS ({failure.reason}).", "MAIL_USE_TLS is for port 587, MAIL_USE_SSL for 465."
        )
    # smtplib has no class of its own for a server that accepts the connection and says nothing.
    if isinstance(failure, TimeoutError) or "timed out" in str(failure):
        return error(
            f"{where} does not answer.", "Is the port open? Many providers close 25: use 587 with MAIL_USE_TLS."
        )
    reason = (isinstance(failure, OSError) and failure.strerror) or str(failure)
    return error(
        f"{where} cannot be reached ({reason}).", "Compare MAIL_SERVER and MAIL_PORT with what its owner says."
    )


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


@check("mail settings", quick=True)
def mail_settings() -> Iterator[Finding]:
    """Say that no e-mail leaves the site."""
    if service.suppresses():
        yield warning(
            "MAIL_SUPPRESS_SEND is set: no e-mail is sent.", "Right for a copy of a site; unset it elsewhere."
        )
    elif not service.delivers() and not current_app.config["IS_LOCAL"]:
        yield warning("No mail server is set: e-mail waits in the outbox.", "Set MAIL_SERVER.")


@check("sender")
def sender() -> Iterator[Finding]:
    """Ask the DNS whether other servers can believe the sender, and write back."""
    import dns.exception

    domain = ascii_address(parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])[1]).rpartition("@")[2].lower()
    if not service.delivers() or domain.rpartition(".")[2] in NOBODYS:
        return
    try:
        receives = bool(_ask(domain, "MX") or _ask(domain, "A") or _ask(domain, "AAAA"))
        spf = [each for each in _ask(domain, "TXT") if each.lower().startswith("v=spf1")]
        parent = ".".join(domain.split(".")[-2:])
        dmarc = [each for name in (domain, parent) for each in _ask(f"_dmarc.{name}", "TXT") if "v=DMARC1" in each]
    except dns.exception.DNSException as failure:
        yield warning(f"The DNS does not answer about {domain} ({failure}).", "Look at /etc/resolv.conf.")
        return
    if not receives:
        yield error(
            f"{domain} receives no e-mail: it has neither MX nor an address.", "Set MAIL_DEFAULT_SENDER to a real one."
        )
    if len(spf) != 1:
        yield warning(
            f"{domain} has {len(spf)} SPF records: many servers take its e-mail for spam.",
            f'Add one TXT record to {domain} that names your mail server, such as "v=spf1 mx -all".',
        )
    if not dmarc:
        yield warning(
            f"{domain} has no DMARC record: large providers refuse or hide its e-mail.",
            f'Add a TXT record to _dmarc.{domain}, such as "v=DMARC1; p=none".',
        )
    if receives and len(spf) == 1 and dmarc:
        yield ok(f"{domain} has SPF, DMARC, and receives e-mail.")


def _ask(name: str, kind: str) -> list[str]:
    """Return the records of a name; none if there is no such name."""
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, kind, lifetime=TIMEOUT_SECONDS)
    except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
        return []
    # A text may be in several pieces.
    return [b"".join(each.strings).decode(errors="replace") if kind == "TXT" else each.to_text() for each in answer]


@check("outbox", quick=True)
def outbox() -> Iterator[Finding]:
    """Find e-mail that should have been sent."""
    if not service.delivers():
        return
    due = OutboxEmail.not_before <= clock.now()
    waiting = OutboxEmail.state.in_([EmailState.QUEUED, EmailState.SENDING])
    with db.engine.connect() as connection:
        count, oldest = connection.execute(
            select(func.count(), func.min(OutboxEmail.not_before)).where(waiting, due)
        ).one()
    if not count or clock.now() - oldest < LATE:
        return
    text = f"{count} e-mails are late, the oldest since {oldest:%Y-%m-%d %H:%M} UTC."
    advice = "Does a background worker run (run.py, or flask worker)? `flask outbox status` shows the last error."
    yield (error if clock.now() - oldest > TOO_LATE else warning)(text, advice)
