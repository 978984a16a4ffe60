"""The tables of dashboards: what they show, who may see and change them, and what they were before."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates
from sqlalchemy.types import TypeDecorator

from app import clock
from app.accounts.models import Member
from app.dashboards.enums import Layout, MemberRole
from app.database import UTCDateTime
from app.enums import EnumString, one_of
from app.extensions import Model
from app.search_key import WORDS

MAX_NAME_LENGTH, MAX_CATEGORY_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_SLUG_LENGTH = 120, 60, 500, 80


class OrderedJson(TypeDecorator[dict[str, Any]]):
    """A JSON object whose keys keep the order in which people have written them: PostgreSQL's JSONB sorts them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, _dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(value)


class Dashboard(Model):
    """A dashboard. One without an owner is the site's: administrators change it."""

    __tablename__ = "dashboard"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH), unique=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH), info=WORDS)
    category: Mapped[str] = mapped_column(String(MAX_CATEGORY_LENGTH), default="", info=WORDS)
    description: Mapped[str] = mapped_column(String(MAX_DESCRIPTION_LENGTH), default="")
    # That of the configuration, for lists.
    layout: Mapped[Layout] = mapped_column(EnumString(Layout, 16), default=Layout.GRID)
    # Everybody with the permission to see dashboards sees it.
    is_global: Mapped[bool] = mapped_column(default=False)
    # Its form is that of schema.json. Lists do without it: it may be a megabyte.
    configuration: Mapped[dict[str, Any]] = mapped_column(OrderedJson, deferred=True)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    owner: Mapped[Member | None] = relationship()
    members: Mapped[list["DashboardMember"]] = relationship(
        back_populates="dashboard", cascade="all, delete-orphan", passive_deletes=True, order_by="DashboardMember.id"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        one_of("layout", Layout),
        Index("ix_dashboard_changed_at_id", "changed_at", "id"),
        Index("ix_dashboard_is_global_category_name_id", "is_global", "category", "name", "id"),
    )

    @validates("configuration")
    def _follow_layout(self, _key: str, configuration: dict[str, Any]) -> dict[str, Any]:
        self.layout = configuration["layout"]
        return configuration

    @property
    def modules(self) -> list[dict[str, Any]]:
        """The modules of the configuration."""
        modules: list[dict[str, Any]] = self.configuration["modules"]
        return modules

    def __repr__(self) -> str:
        return self.name


class DashboardMember(Model):
    """A member with whom a dashboard is shared."""

    __tablename__ = "dashboard_member"

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int] = mapped_column(ForeignKey("dashboard.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    role: Mapped[MemberRole] = mapped_column(EnumString(MemberRole, 16))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    dashboard: Mapped[Dashboard] = relationship(back_populates="members")
    member: Mapped[Member] = relationship()

    # Whoever deletes the dashboard at the same moment deletes these, too.
    __mapper_args__ = {"confirm_deleted_rows": False}
    __table_args__ = (UniqueConstraint("dashboard_id", "member_id"), one_of("role", MemberRole))

    def __repr__(self) -> str:
        return self.member.display_name


class DashboardVersion(Model):
    """What a dashboard was from one change to the next, the newest included. Only the last ones are kept."""

    __tablename__ = "dashboard_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int] = mapped_column(ForeignKey("dashboard.id", ondelete="CASCADE"))
    # The version of the dashboard.
    number: Mapped[int] = mapped_column()
    author_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH), info=WORDS)
    category: Mapped[str] = mapped_column(String(MAX_CATEGORY_LENGTH), default="")
    description: Mapped[str] = mapped_column(String(MAX_DESCRIPTION_LENGTH), default="")
    configuration: Mapped[dict[str, Any]] = mapped_column(OrderedJson, deferred=True)
    # Of the configuration, in characters.
    size: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    dashboard: Mapped[Dashboard] = relationship()
    author: Mapped[Member | None] = relationship()

    __table_args__ = (UniqueConstraint("dashboard_id", "number"),)

    def __repr__(self) -> str:
        return f"{self.name} ({self.number})"
