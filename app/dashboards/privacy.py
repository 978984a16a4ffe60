"""The dashboards of a member in their data export, and what becomes of them when the account is deleted or merged."""

from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.orm import selectinload

from app.accounts.models import Member
from app.accounts.privacy.data_export import ROWS_AT_ONCE, Archive, in_batches, mappings
from app.accounts.signals import member_erasing, member_exporting, member_merging
from app.accounts.users.merging import Report, note, rows_of
from app.dashboards.data import uploads
from app.dashboards.data.models import DashboardUpload
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
    member_merging.connect(_merge)


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


def _merge(member: Member, *, kept: Member, report: Report) -> None:
    """Give the dashboards of a member to the account `kept`.

    Links end: they show what their creator may see, and that may become more.
    """
    report.move(
        lazy_gettext("Dashboards"), update(Dashboard).where(Dashboard.owner_id == member.id).values(owner_id=kept.id)
    )
    report.move(
        lazy_gettext("Changes of dashboards"),
        update(DashboardVersion).where(DashboardVersion.author_id == member.id).values(author_id=kept.id),
    )
    owned = select(Dashboard.id).where(Dashboard.owner_id == kept.id)
    both = and_(DashboardMember.member_id.in_((member.id, kept.id)), DashboardMember.dashboard_id.in_(owned))
    rows_of(delete(DashboardMember).where(both))
    editable = select(DashboardMember.dashboard_id).where(
        DashboardMember.member_id == member.id, DashboardMember.role == MemberRole.EDITOR
    )
    raised = update(DashboardMember).where(
        DashboardMember.member_id == kept.id, DashboardMember.dashboard_id.in_(editable)
    )
    rows_of(raised.values(role=MemberRole.EDITOR))
    _move_unless_both(DashboardMember, member, kept, report, lazy_gettext("Dashboards shared with them"))
    _move_unless_both(DashboardSubscription, member, kept, report, lazy_gettext("Dashboards by e-mail"))
    links = delete(DashboardLink).where(DashboardLink.creator_id == member.id)
    note(report.ended, lazy_gettext("Links to dashboards"), rows_of(links))


def _move_unless_both(
    model: type[DashboardMember | DashboardSubscription], member: Member, kept: Member, report: Report, label: object
) -> None:
    theirs = select(model.dashboard_id).where(model.member_id == kept.id)
    mine = model.member_id == member.id
    report.move(label, update(model).where(mine, model.dashboard_id.not_in(theirs)).values(member_id=kept.id))
    rows_of(delete(model).where(mine))
