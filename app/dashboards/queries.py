"""Questions to the database about dashboards."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from app.accounts.models import Member
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.extensions import db
from app.search_key import is_like, search_key

PAGE_SIZE = 24
MAX_CATEGORIES = 100
# What a column of the database can hold.
MAX_NUMBER = 2**31 - 1


class Scope(StrEnum):
    """Which of the dashboards that a member sees."""

    OWN = "own"
    SHARED = "shared"
    GLOBAL = "global"

    @classmethod
    def of(cls, text: str | None) -> "Scope | None":
        """Return the one of this name; None for all of them."""
        return cls(text) if text in set(cls) else None


@dataclass(frozen=True)
class DashboardPage:
    """One page of dashboards, without their configurations; `number` counts from 1."""

    items: list[Dashboard]
    number: int
    has_next: bool


def by_slug(slug: str) -> Dashboard | None:
    """Return the dashboard with its configuration, its owner and those with whom it is shared."""
    loaded = (
        undefer(Dashboard.configuration),
        joinedload(Dashboard.owner),
        joinedload(Dashboard.members).joinedload(DashboardMember.member),
    )
    statement = select(Dashboard).options(*loaded).where(Dashboard.slug == slug)
    return db.session.execute(statement).unique().scalar_one_or_none()


def page(  # noqa: PLR0913 - what is asked for
    member: Member,
    number: int = 1,
    *,
    search: str = "",
    category: str | None = None,
    with_all: bool = False,
    scope: Scope | None = None,
) -> DashboardPage:
    """Return page `number` of the dashboards that a member sees, by category and name.

    `search` is in the name, category or description; `category` is "" for those without one. `with_all` is for
    administrators: it has those of everybody.
    """
    statement = _visible(member, with_all=with_all).options(
        joinedload(Dashboard.owner), selectinload(Dashboard.members)
    )
    if scope is not None:
        statement = statement.where(_is_in(scope, member))
    if category is not None:
        statement = statement.where(Dashboard.category == category)
    if search.strip():
        statement = statement.where(or_(*(_contains(column, search) for column in _SEARCHED)))
    order = search_key(Dashboard.category), search_key(Dashboard.name), Dashboard.id
    found = list(db.session.scalars(statement.order_by(*order).offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)))
    return DashboardPage(found[:PAGE_SIZE], number, has_next=len(found) > PAGE_SIZE)


def categories(member: Member, *, with_all: bool = False) -> list[str]:
    """Return the categories of the dashboards that a member sees."""
    seen = _visible(member, with_all=with_all).with_only_columns(Dashboard.category).subquery()
    names = select(seen.c.category).where(seen.c.category != "").group_by(seen.c.category)
    return list(db.session.scalars(names.order_by(search_key(seen.c.category)).limit(MAX_CATEGORIES)))


def count_of(owner: Member) -> int:
    """Return how many dashboards a member owns."""
    return db.session.scalar(select(func.count(Dashboard.id)).where(Dashboard.owner_id == owner.id)) or 0


def versions(dashboard: Dashboard) -> list[DashboardVersion]:
    """Return the history, newest first, without the configurations."""
    statement = select(DashboardVersion).options(joinedload(DashboardVersion.author))
    return list(db.session.scalars(_of(dashboard, statement).order_by(DashboardVersion.number.desc())))


def version_preceding(dashboard: Dashboard, number: int) -> DashboardVersion | None:
    """Return the version before version `number`, with its configuration, if it is still kept."""
    statement = select(DashboardVersion).options(undefer(DashboardVersion.configuration))
    earlier = _of(dashboard, statement).where(DashboardVersion.number < number)
    return db.session.scalar(earlier.order_by(DashboardVersion.number.desc()).limit(1))


def version(dashboard: Dashboard, number: int) -> DashboardVersion | None:
    """Return a version with its configuration."""
    if number > MAX_NUMBER:
        return None
    statement = select(DashboardVersion).options(undefer(DashboardVersion.configuration))
    return db.session.scalar(_of(dashboard, statement).where(DashboardVersion.number == number))


def version_before(dashboard: Dashboard) -> DashboardVersion | None:
    """Return what the dashboard was before its last change, if that is still kept."""
    statement = select(DashboardVersion).options(undefer(DashboardVersion.configuration))
    # The newest is what it is now.
    return db.session.scalar(_of(dashboard, statement).order_by(DashboardVersion.number.desc()).offset(1).limit(1))


_SEARCHED = (Dashboard.name, Dashboard.category, Dashboard.description)


def _of(dashboard: Dashboard, statement: Select[DashboardVersion]) -> Select[DashboardVersion]:
    return statement.where(DashboardVersion.dashboard_id == dashboard.id)


def _visible(member: Member, *, with_all: bool) -> Select[Dashboard]:
    if with_all:
        return select(Dashboard)
    return select(Dashboard).where(or_(*(_is_in(scope, member) for scope in Scope)))


def _is_in(scope: Scope, member: Member) -> ColumnElement[bool]:
    if scope == Scope.OWN:
        return Dashboard.owner_id == member.id
    if scope == Scope.GLOBAL:
        return Dashboard.is_global.is_(True)
    shared = select(DashboardMember.dashboard_id).where(DashboardMember.member_id == member.id)
    return Dashboard.id.in_(shared)


def _contains(column: object, search: str) -> ColumnElement[bool]:
    return is_like(column, search.strip(), "%", "%")
