"""The dashboards of a member in their data export, and what becomes of them when the account is deleted."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import selectinload

from app.accounts.models import Member
from app.accounts.privacy.data_export import ROWS_AT_ONCE, Archive, in_batches, mappings
from app.accounts.signals import member_erasing, member_exporting
from app.dashboards import uploads
from app.dashboards.data_models import DashboardUpload
from app.dashboards.enums import MemberRole
from app.dashboards.links.models import DashboardLink
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.dashboards.weekly.models import DashboardSubscription
from app.extensions import db

OWN = (
    *("slug", "name", "category", "description", "layout", "is_global", "configuration", "created_at", "changed_at"),
)
# Configurations, which may have many kilobytes each.
LARGE_AT_ONCE = 5


def connect() -> None:
    """Subscribe to the signals of accounts."""
    member_exporting.connect(_export)
    member_erasing.connect(_erase)


def _export(member: Member, *, archive: Archive) -> None:
    is_own = Dashboard.owner_id == member.id
    own = select(*(getattr(Dashboard, column) for column in OWN)).where(is_own).order_by(Dashboard.id)
    role, since = DashboardMember.role, DashboardMember.created_at.label("since")
    shared = select(Dashboard.name, role, since).join(DashboardMember.dashboard)
    changes = ("created_at", "name", "number")
    archive.add_json(
        "dashboards.json",
        {
            "own": _rows(own, LARGE_AT_ONCE),
            "shared_with_me": _rows(shared.where(DashboardMember.member_id == member.id).order_by(DashboardMember.id)),
            "by_email": _rows(
                _names_of(DashboardSubscription, DashboardSubscription.member_id == member.id, label="since")
            ),
            "links": _rows(_names_of(DashboardLink, DashboardLink.creator_id == member.id, label="created_at")),
            "changes": mappings(changes, DashboardVersion, DashboardVersion.author_id == member.id),
        },
    )
    files = select(Dashboard.slug, DashboardUpload.key).join(DashboardUpload.dashboard).where(is_own)
    for slug, key in in_batches(files.order_by(DashboardUpload.id)):
        upload = uploads.find(key)
        if upload is not None:
            archive.add_text(f"dashboards/{slug}/{key}.csv", uploads.csv_lines(upload))
            db.session.expunge(upload)


def _rows(statement: Any, size: int = ROWS_AT_ONCE) -> Iterator[dict[str, Any]]:
    return (row._asdict() for row in in_batches(statement, size))


def _names_of(model: type[DashboardSubscription | DashboardLink], condition: ColumnElement[bool], *, label: str) -> Any:
    statement = select(Dashboard.name, model.created_at.label(label)).join(model.dashboard)
    return statement.where(condition).order_by(model.id)


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
