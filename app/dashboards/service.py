"""Create, change, clone, delete, restore and share dashboards. Who may is asked by `access`, before."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from app import audit, clock
from app.accounts.models import Member
from app.dashboards import configuration, queries, rules
from app.dashboards.enums import MemberRole
from app.dashboards.models import MAX_NAME_LENGTH, Dashboard, DashboardMember, DashboardVersion
from app.errors import DomainError
from app.extensions import db
from app.parties.optimistic_lock import StaleFormError

__all__ = ["StaleFormError"]


@dataclass(frozen=True)
class Place:
    """Where a module is, and how large."""

    id: str
    row: int | None = None
    order: int | None = None
    width: int | None = None
    height: int | None = None
    x: int | None = None
    y: int | None = None


def create(  # noqa: PLR0913 - what a dashboard is
    owner: Member | None,
    name: str,
    configuration: Mapping[str, Any] | None = None,
    *,
    category: str = "",
    description: str = "",
    slug: str = "",
) -> Dashboard:
    """Add a dashboard; by default without modules. Raises DomainError."""


def update(dashboard: Dashboard, expected: int, author: Member, **values: Any) -> None:
    """Change name, category, description or configuration.

    Raises StaleFormError if the dashboard is no longer in version `expected`, unless it has these values already.
    """


def arrange(dashboard: Dashboard, expected: int, author: Member, places: Iterable[Place], layout: str = "") -> None:
    """Move and resize modules. Raises StaleFormError, and DomainError for a module that is not there."""


def clone(dashboard: Dashboard, member: Member) -> Dashboard:
    """Copy a dashboard for a member, who owns the copy. It is shared with nobody."""


def delete(dashboard: Dashboard) -> None:
    """Delete a dashboard with its history."""


def restore(dashboard: Dashboard, expected: int, author: Member, number: int) -> None:
    """Make the dashboard what it was in version `number`, as a new version. Raises StaleFormError and DomainError."""


def undo(dashboard: Dashboard, expected: int, author: Member) -> int:
    """Restore what the dashboard was before its last change; return the number of that version."""


def share(dashboard: Dashboard, members: Mapping[str, MemberRole]) -> None:
    """Share the dashboard with these members, by username, and nobody else. Raises DomainError for an unknown one."""


def make_global(dashboard: Dashboard, *, is_global: bool) -> None:
    """Show the dashboard to everybody, or no longer."""


def import_text(text: bytes | str, owner: Member | None) -> "Imported":
    """Add the dashboard of a file, ours or jsondash's. Raises ConfigurationError with all that is wrong."""


def export(dashboard: Dashboard) -> dict[str, Any]:
    """Return the dashboard as it stands in a file."""


@dataclass(frozen=True)
class Imported:
    """A dashboard from a file, and notes about modules that are not drawn."""

    dashboard: Dashboard
    notes: list[str]
