"""Creates links to dashboards, and revokes them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import ngettext
from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.accounts.rules import new_token, token_hash
from app.dashboards.data import reader
from app.dashboards.enums import Action
from app.dashboards.links.models import DashboardLink
from app.dashboards.models import Dashboard, DashboardVersion
from app.errors import DomainError
from app.extensions import db

MAX_LINKS, MAX_DAYS = 20, 365


def of_dashboard(dashboard: Dashboard) -> Sequence[DashboardLink]:
    """Return the links of a dashboard, the newest first."""
    statement = select(DashboardLink).where(DashboardLink.dashboard_id == dashboard.id)
    return db.session.scalars(
        statement.options(joinedload(DashboardLink.creator)).order_by(DashboardLink.id.desc()).limit(MAX_LINKS)
    ).all()


def create(dashboard: Dashboard, creator: Member, days: int) -> tuple[DashboardLink, str]:
    """Create a link that expires after `days`, and return it with its token. Raises DomainError if there are too many."""
    delete_expired(dashboard)
    count = select(func.count()).where(DashboardLink.dashboard_id == dashboard.id)
    if (db.session.scalar(count) or 0) >= MAX_LINKS:
        text = ngettext(
            "A dashboard can have %(num)d link. Revoke one first.",
            "A dashboard can have %(num)d links. Revoke one first.",
            MAX_LINKS,
        )
        raise DomainError(text, "danger")
    token = new_token()
    link = DashboardLink(
        dashboard_id=dashboard.id,
        creator_id=creator.id,
        token_hash=token_hash(token),
        expires_at=clock.now() + timedelta(days=days),
    )
    db.session.add(link)
    db.session.flush()
    return link, token


def revoke(dashboard: Dashboard, key: int) -> bool:
    """Delete a link of the dashboard; return False if there is none."""
    statement = delete(DashboardLink).filter_by(id=key, dashboard_id=dashboard.id).returning(DashboardLink.id)
    return db.session.execute(statement).first() is not None


def find(token: str) -> DashboardLink | None:
    """Return the link with this token. None if it has expired, or its creator may not share the dashboard any more."""
    statement = select(DashboardLink).where(DashboardLink.token_hash == token_hash(token))
    link = db.session.scalars(
        statement.options(joinedload(DashboardLink.creator), joinedload(DashboardLink.dashboard))
    ).one_or_none()
    if link is None or link.has_expired:
        return None
    return link if reader.may(link.creator, Action.SHARE, link.dashboard) else None


def configuration(link: DashboardLink) -> dict[str, Any] | None:
    """Return what a link shows: the dashboard as its creator knew it when they created the link, or has saved it since.

    Otherwise, whoever may change the dashboard could show everybody what only the creator may read. None if that is
    no longer kept.
    """
    known = (DashboardVersion.author_id == link.creator_id) | (DashboardVersion.created_at <= link.created_at)
    statement = select(DashboardVersion.configuration).where(DashboardVersion.dashboard_id == link.dashboard_id, known)
    return db.session.scalar(statement.order_by(DashboardVersion.number.desc()).limit(1))


def delete_expired(dashboard: Dashboard | None = None) -> int:
    """Delete links that have expired, of one dashboard or of all; return how many."""
    statement = delete(DashboardLink).where(DashboardLink.expires_at <= clock.now())
    if dashboard is not None:
        statement = statement.where(DashboardLink.dashboard_id == dashboard.id)
    return len(db.session.scalars(statement.returning(DashboardLink.id)).all())
