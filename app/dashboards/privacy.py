"""The dashboards of a member in their data export, and what becomes of them when the account is deleted or merged."""

from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.orm import selectinload, undefer

from app.accounts.models import Member
from app.accounts.privacy.data_export import Archive, pick
from app.accounts.signals import member_erasing, member_exporting, member_merging
from app.accounts.users.merging import Report, note, rows_of
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
    member_merging.connect(_merge)


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
