"""The dashboards of a member in their data export, and what becomes of them when the account is deleted."""

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import selectinload, undefer

from app.accounts.models import Member
from app.accounts.privacy.data_export import Archive, pick
from app.accounts.signals import member_erasing, member_exporting
from app.dashboards.enums import MemberRole
from app.dashboards.links.models import DashboardLink
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.dashboards.weekly.models import DashboardSubscription
from app.extensions import db

OWN = (
    *("slug", "name", "category", "description", "layout", "is_global", "configuration", "created_at", "changed_at"),
)


def connect() -> None:
    """Subscribe to the signals of accounts."""
    member_exporting.connect(_export)
    member_erasing.connect(_erase)


def _export(member: Member, *, archive: Archive) -> None:
    own = select(Dashboard).where(Dashboard.owner_id == member.id).options(undefer(Dashboard.configuration))
    shared = select(DashboardMember, Dashboard.name).join(DashboardMember.dashboard)
    shared = shared.where(DashboardMember.member_id == member.id).order_by(DashboardMember.id)
    changes = select(DashboardVersion.created_at, DashboardVersion.name, DashboardVersion.number).where(
        DashboardVersion.author_id == member.id
    )
    archive.add_json(
        "dashboards.json",
        {
            "own": [pick(row, OWN) for row in db.session.scalars(own.order_by(Dashboard.id))],
            "shared_with_me": [
                {"name": name, "role": row.role, "since": row.created_at} for row, name in db.session.execute(shared)
            ],
            "by_email": [
                {"name": name, "since": since}
                for name, since in db.session.execute(
                    _names_of(DashboardSubscription, DashboardSubscription.member_id == member.id)
                )
            ],
            "links": [
                {"name": name, "created_at": since}
                for name, since in db.session.execute(_names_of(DashboardLink, DashboardLink.creator_id == member.id))
            ],
            "changes": [row._asdict() for row in db.session.execute(changes.order_by(DashboardVersion.id))],
        },
    )


def _names_of(model: type[DashboardSubscription | DashboardLink], condition: ColumnElement[bool]) -> Any:
    return select(Dashboard.name, model.created_at).join(model.dashboard).where(condition).order_by(model.id)


def _erase(member: Member) -> None:
    """Hand over the dashboards that others rely on, and delete the others.

    One that somebody may change becomes theirs, the first of them; one that everybody sees becomes the site's.
    """
    own = select(Dashboard).where(Dashboard.owner_id == member.id).options(selectinload(Dashboard.members))
    for dashboard in db.session.scalars(own.order_by(Dashboard.id)):
        heir = next((each for each in dashboard.members if each.role == MemberRole.EDITOR), None)
        if heir is not None:
            dashboard.owner_id = heir.member_id
            dashboard.members.remove(heir)
        elif dashboard.is_global:
            dashboard.owner_id = None
        else:
            db.session.delete(dashboard)
    db.session.flush()
    db.session.execute(delete(DashboardMember).where(DashboardMember.member_id == member.id))
    db.session.execute(delete(DashboardSubscription).where(DashboardSubscription.member_id == member.id))
    db.session.execute(delete(DashboardLink).where(DashboardLink.creator_id == member.id))
    author = update(DashboardVersion).where(DashboardVersion.author_id == member.id)
    db.session.execute(author.values(author_id=None))
