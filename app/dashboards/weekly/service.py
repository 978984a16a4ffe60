"""Subscribes to a dashboard, and sends what is due."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.dashboards.data import reader
from app.dashboards.enums import Action
from app.dashboards.models import Dashboard
from app.dashboards.weekly import mail
from app.dashboards.weekly.models import DashboardSubscription
from app.database import BATCH, insert_or_ignore, transaction
from app.extensions import db
from app.outbox import unsubscribe
from app.outbox.models import EmailTopic

# On the clock of the member.
MORNING = time(8)
WEEK = timedelta(days=7)


def is_subscribed(dashboard: Dashboard, member: Member) -> bool:
    """Whether the member gets the dashboard by e-mail."""
    return find(dashboard.id, member.id) is not None and _accepts(member)


def find(dashboard_id: int, member_id: int) -> DashboardSubscription | None:
    statement = select(DashboardSubscription).filter_by(dashboard_id=dashboard_id, member_id=member_id)
    return db.session.scalars(statement).one_or_none()


def subscribe(dashboard: Dashboard, member: Member) -> None:
    """Send the dashboard to the member from next Monday on. Who had unsubscribed from all of them wants them again."""
    values = {"dashboard_id": dashboard.id, "member_id": member.id, "due_at": next_monday(member, clock.now())}
    db.session.execute(insert_or_ignore(DashboardSubscription, "dashboard_id", "member_id").values(**values))
    unsubscribe.resubscribe(member.email, EmailTopic.DASHBOARDS)


def cancel(dashboard: Dashboard, member: Member) -> None:
    """Send the dashboard to the member no longer."""
    db.session.execute(delete(DashboardSubscription).filter_by(dashboard_id=dashboard.id, member_id=member.id))


def send_due() -> int:
    """Write the e-mails that are due, each in a transaction of its own; return how many.

    A week that was missed is not made up for.
    """
    now, sent = clock.now(), 0
    due = select(DashboardSubscription.id).where(DashboardSubscription.due_at <= now)
    with transaction():
        keys = db.session.scalars(due.order_by(DashboardSubscription.id).limit(BATCH)).all()
    for key in keys:
        # In a context of its own: what is kept of the charts of one member is not kept for the next.
        with current_app.app_context(), transaction():
            subscription = db.session.get(
                DashboardSubscription,
                key,
                options=[joinedload(DashboardSubscription.dashboard), joinedload(DashboardSubscription.member)],
                with_for_update={"of": DashboardSubscription},
                populate_existing=True,
            )
            if subscription is not None and subscription.due_at <= now:
                sent += _send(subscription, now)
    return sent


def next_monday(member: Member, now: datetime) -> datetime:
    """Return the next Monday morning on the clock of the member."""
    zone = ZoneInfo(member.timezone or current_app.config["BABEL_DEFAULT_TIMEZONE"])
    local = now.astimezone(zone)
    monday = local.date() + timedelta(days=(7 - local.weekday()) % 7)
    morning = datetime.combine(monday, MORNING, zone)
    return morning if morning > local else datetime.combine(monday + WEEK, MORNING, zone)


def _send(subscription: DashboardSubscription, now: datetime) -> int:
    dashboard, member = subscription.dashboard, subscription.member
    if not reader.may(member, Action.READ, dashboard):
        # Who may see it no longer is not told of it either.
        db.session.delete(subscription)
        return 0
    due_at, subscription.due_at = subscription.due_at, next_monday(member, now)
    if not _accepts(member):
        return 0
    mail.send(dashboard, member, due_at)
    return 1


def _accepts(member: Member) -> bool:
    return unsubscribe.find(member.email, EmailTopic.DASHBOARDS) is None
