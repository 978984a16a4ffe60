"""Commands of the outbox: `flask outbox deliver` and `flask outbox status`."""

import signal
import sys

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import func, select

from app.database import report_outage
from app.extensions import db
from app.outbox import delivery, service
from app.outbox.models import EmailState, OutboxEmail

# Servers may word each refusal in another way.
MAX_REASONS = 10

outbox = AppGroup("outbox", help="The queue of outgoing e-mail.")


@outbox.command("deliver")
@click.option(
    "--once/--watch",
    "once",
    default=True,
    help="Exit when no e-mail is due (the default), or keep running until stopped.",
)
@report_outage
def deliver(*, once: bool) -> None:
    """Send the e-mails that are due. Fails if no mail server is configured, or it did not take an e-mail, and says why."""
    if not service.handles():
        raise click.ClickException("No mail server is configured: set MAIL_SERVER. The e-mails stay in the outbox.")
    if not once:
        watch()
        return
    report = delivery.drain()
    click.echo(f"{report.sent} sent, {report.deferred} deferred, {report.failed} failed.")
    if report.suppressed:
        click.echo(f"{report.suppressed} not sent, because MAIL_SUPPRESS_SEND is set. They count as failed.")
    for reason, number in report.reasons.most_common(MAX_REASONS):
        if number:
            click.echo(f"{number} × {reason}", err=True)
    if report.unreachable:
        raise click.ClickException(f"The mail server does not accept e-mail: {report.unreachable}")
    if report.failed or report.deferred:
        sys.exit(1)


def watch() -> None:
    """Deliver until SIGTERM or SIGINT."""
    deliverer = delivery.Deliverer(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: deliverer.stop())
    deliverer.run_forever()


@outbox.command("status")
@report_outage
def status() -> None:
    """Show the number of e-mails by state, the oldest one waiting and the last error."""
    counts = dict(db.session.execute(select(OutboxEmail.state, func.count()).group_by(OutboxEmail.state)).all())
    click.echo(", ".join(f"{counts.get(state, 0)} {state}" for state in EmailState))
    oldest = db.session.scalar(
        select(func.min(OutboxEmail.created_at)).where(OutboxEmail.state.in_((EmailState.QUEUED, EmailState.SENDING)))
    )
    if oldest:
        click.echo(f"The oldest waiting e-mail was created at {oldest:%Y-%m-%d %H:%M:%S} UTC.")
    failed = db.session.scalars(
        select(OutboxEmail)
        .where(OutboxEmail.last_error != "")
        .order_by(OutboxEmail.not_before.desc(), OutboxEmail.id.desc())
        .limit(1)
    ).first()
    if failed:
        click.echo(f"Last error (e-mail {failed.id}, {failed.kind}): {failed.last_error}")
