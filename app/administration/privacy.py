"""The saved views of a member in their data export, and what becomes of them when the account is deleted or merged."""

from flask_babel import lazy_gettext
from sqlalchemy import delete, select, update

from app.accounts.models import Member
from app.accounts.privacy.data_export import Archive, mappings
from app.accounts.signals import member_erasing, member_exporting, member_merging
from app.accounts.users.merging import Report, rows_of
from app.administration.models import SavedView

EXPORTED = ("view", "name", "query", "created_at")


def connect() -> None:
    """Subscribe to the signals of accounts."""
    member_exporting.connect(_export)
    member_erasing.connect(_erase)
    member_merging.connect(_merge)


def _export(member: Member, *, archive: Archive) -> None:
    archive.add_json("saved_views.json", mappings(EXPORTED, SavedView, SavedView.owner_id == member.id))


def _erase(member: Member) -> None:
    rows_of(delete(SavedView).where(SavedView.owner_id == member.id))


def _merge(member: Member, *, kept: Member, report: Report) -> None:
    """Give the views of a member to the account `kept`; of two with one name its own stays."""
    theirs = SavedView.__table__.alias()
    same = (
        select(theirs.c.id)
        .where(theirs.c.owner_id == kept.id, theirs.c.view == SavedView.view, theirs.c.name == SavedView.name)
        .exists()
    )
    mine = SavedView.owner_id == member.id
    report.move(
        lazy_gettext("Saved views of lists"),
        update(SavedView).where(mine, ~same).values(owner_id=kept.id),
    )
    rows_of(delete(SavedView).where(mine))
