"""Create, change, clone, delete, restore and share dashboards. Who may is asked by `access`, before."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, inspect, select

from app import audit, clock
from app.accounts.models import Member
from app.crud.fields import clean_line, clean_text
from app.dashboards import queries, rules
from app.dashboards.configuration import checking as configurations
from app.dashboards.configuration import jsondash
from app.dashboards.data import uploads
from app.dashboards.enums import Layout, MemberRole
from app.dashboards.models import (
    MAX_CATEGORY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_NAME_LENGTH,
    Dashboard,
    DashboardMember,
    DashboardVersion,
)
from app.dashboards.texts import description_of, name_of, title_of
from app.errors import DomainError
from app.extensions import db
from app.named_queries import QUERIES
from app.parties import queries as party_queries
from app.parties.optimistic_lock import StaleFormError

DETAILS = {"name": MAX_NAME_LENGTH, "category": MAX_CATEGORY_LENGTH, "description": MAX_DESCRIPTION_LENGTH}
# Paths of other pages and of the API.
RESERVED = frozenset({"categories", "import", "new", "shared"})
SLUG = re.compile(r"[A-Za-z0-9_-]{1,80}")
# Columns that the audit log leaves out: a configuration is too much for it, and is in the history.
UNTOLD = ("configuration", "layout", "owner_id", "owner")
PLACES = ("row", "order", "width", "height", "x", "y")


@dataclass(frozen=True)
class Place:
    """Where a module is, and how large. What is None stays as it is."""

    id: str
    row: int | None = None
    order: int | None = None
    width: int | None = None
    height: int | None = None
    x: int | None = None
    y: int | None = None


# -- create and change


def create(  # noqa: PLR0913 - what a dashboard is
    owner: Member | None,
    name: str,
    configuration: Mapping[str, Any] | None = None,
    *,
    category: str = "",
    description: str = "",
    slug: str = "",
    author: Member | None = None,
) -> Dashboard:
    """Add a dashboard, by default without modules. Raises DomainError.

    Without an owner it is the site's. `slug` is that of a file; one that is taken raises IntegrityError.
    """
    if owner is not None and queries.count_of(owner) >= rules.MAX_DASHBOARDS:
        text = ngettext(
            "You can have at most %(num)d dashboard.", "You can have at most %(num)d dashboards.", rules.MAX_DASHBOARDS
        )
        raise DomainError(text, "warning")
    dashboard = Dashboard(
        slug=slug,
        owner_id=owner.id if owner is not None else None,
        name=name,
        category=category,
        description=description,
        is_global=False,
        configuration=configurations.check(configuration or configurations.empty()),
        members=[],
    )
    add(dashboard, author or owner)
    return dashboard


def add(dashboard: Dashboard, author: Member | None) -> None:
    """Store a new dashboard. Raises DomainError."""
    insert(dashboard, author)
    audit.record("dashboard_created", "dashboard", dashboard)


def insert(dashboard: Dashboard, author: Member | None) -> None:
    """Store a new dashboard with its history. The audit log begins after those of a new site."""
    _clean(dashboard)
    dashboard.slug = dashboard.slug or secrets.token_urlsafe(9).replace("-", "_")
    db.session.add(dashboard)
    db.session.flush()
    _remember(dashboard, author)


def update(dashboard: Dashboard, expected: int, author: Member | None, **values: Any) -> bool:
    """Change name, category, description or configuration; return whether anything has changed.

    Raises StaleFormError if the dashboard is no longer in version `expected`, unless it has these values already;
    DomainError for a wrong value; and StaleDataError if somebody changes it at this moment.
    """
    if values.get("configuration") is not None:
        values["configuration"] = configurations.check(values["configuration"])
    changes = {name: value for name, value in values.items() if value is not None and getattr(dashboard, name) != value}
    if changes and dashboard.version != expected:
        raise StaleFormError
    for name, value in changes.items():
        setattr(dashboard, name, value)
    return store(dashboard, author)


def store(dashboard: Dashboard, author: Member | None) -> bool:
    """Store what was assigned to a dashboard; return whether that is a change. Raises DomainError for a wrong value."""
    _clean(dashboard)
    before = _changed(dashboard)
    if not before:
        return False
    dashboard.changed_at = clock.now()
    db.session.flush()
    _remember(dashboard, author)
    told = [name for name in before if name not in UNTOLD]
    after = {name: getattr(dashboard, name) for name in told}
    audit.record("dashboard_changed", "dashboard", dashboard, before={name: before[name] for name in told}, after=after)
    return True


def _changed(dashboard: Dashboard) -> dict[str, Any]:
    """Return the columns that were assigned another value than the stored one, and that value."""
    columns = (*DETAILS, "is_global", *UNTOLD)
    histories: dict[str, Any] = {name: inspect(dashboard).attrs[name].history for name in columns}
    return {name: (history.deleted or [None])[0] for name, history in histories.items() if history.has_changes()}


def arrange(
    dashboard: Dashboard, expected: int, author: Member, places: Iterable[Place], layout: str | None = None
) -> bool:
    """Move and resize modules. Raises what `update` raises, and DomainError for a module that is not there."""
    modules = {module["id"]: dict(module) for module in dashboard.modules}
    for place in places:
        if place.id not in modules:
            raise DomainError(_("There is no module “%(id)s” on this dashboard.", id=place.id), field="modules")
        chosen = {name: getattr(place, name) for name in PLACES}
        modules[place.id].update({name: value for name, value in chosen.items() if value is not None})
    changed = {**dashboard.configuration, "modules": list(modules.values())}
    if layout is not None:
        changed["layout"] = layout
    return update(dashboard, expected, author, configuration=changed)


def clone(dashboard: Dashboard, member: Member) -> Dashboard:
    """Copy a dashboard for a member, who owns the copy. It is shared with nobody."""
    name = _("Clone of %(name)s", name=name_of(dashboard))[:MAX_NAME_LENGTH]
    configuration, files = uploads.copies(dashboard)
    description = description_of(dashboard)
    made = create(member, name, configuration, category=dashboard.category, description=description)
    for file in files:
        file.dashboard_id = made.id
    db.session.add_all(files)
    db.session.flush()
    return made


def delete(dashboard: Dashboard) -> None:
    """Delete a dashboard with its history."""
    record_deletion(dashboard)
    db.session.delete(dashboard)
    db.session.flush()


def record_deletion(dashboard: Dashboard) -> None:
    audit.record("dashboard_deleted", "dashboard", dashboard)


def _clean(dashboard: Dashboard) -> None:
    """Clean the texts of a dashboard. Raises DomainError for one that is too long or missing."""
    for name, most in DETAILS.items():
        given = getattr(dashboard, name) or ""
        text = (clean_text if name == "description" else clean_line)(given) or ""
        if len(text) > most:
            message = ngettext("At most %(num)d character is allowed.", "At most %(num)d characters are allowed.", most)
            raise DomainError(message, field=name)
        if name == "name" and not text:
            raise DomainError(lazy_gettext("A dashboard needs a name."), field=name)
        if text != given:
            setattr(dashboard, name, text)


# -- history


def restore(dashboard: Dashboard, expected: int, author: Member, number: int) -> None:
    """Make the dashboard what it was in version `number`; that is a new version. Raises what `update` raises."""
    version = queries.version(dashboard, number)
    if version is None:
        raise DomainError(
            _("Version %(number)d is not in the history of this dashboard.", number=number), field="number"
        )
    _restore(dashboard, expected, author, version)


def undo(dashboard: Dashboard, expected: int, author: Member) -> int:
    """Make the dashboard what it was before its last change; return the number of that version."""
    version = queries.version_before(dashboard)
    if version is None:
        raise DomainError(lazy_gettext("There is no earlier version of this dashboard."), "warning")
    _restore(dashboard, expected, author, version)
    return version.number


def _restore(dashboard: Dashboard, expected: int, author: Member, version: DashboardVersion) -> None:
    values = {name: getattr(version, name) for name in (*DETAILS, "configuration")}
    if not update(dashboard, expected, author, **values):
        raise DomainError(lazy_gettext("Nothing changed: the dashboard is already like this version."), "warning")


def _remember(dashboard: Dashboard, author: Member | None) -> None:
    """Store what the dashboard is now in its history, and forget what is too old."""
    values = {name: getattr(dashboard, name) for name in (*DETAILS, "configuration")}
    version = DashboardVersion(
        dashboard_id=dashboard.id,
        number=dashboard.version,
        author_id=author.id if author is not None else None,
        size=len(configurations.dump(values["configuration"])),
        **values,
    )
    db.session.add(version)
    db.session.flush()
    forgotten = _superfluous(dashboard)
    if forgotten:
        db.session.execute(delete_rows(DashboardVersion).where(DashboardVersion.id.in_(forgotten)))


def _superfluous(dashboard: Dashboard) -> list[int]:
    """Return the keys of the versions that are too many, or too large together."""
    newer = DashboardVersion.number.desc()
    ranked = select(
        DashboardVersion.id,
        func.row_number().over(order_by=newer).label("place"),
        func.sum(DashboardVersion.size).over(order_by=newer).label("total"),
    ).where(DashboardVersion.dashboard_id == dashboard.id)
    rows = ranked.subquery()
    too_old = (rows.c.place > rules.MAX_VERSIONS) | (rows.c.total > rules.MAX_HISTORY_CHARACTERS)
    return list(db.session.scalars(select(rows.c.id).where(rows.c.place > 1, too_old)))


# -- files


@dataclass(frozen=True)
class Imported:
    """A dashboard from a file, and a note about each module that is not drawn."""

    dashboard: Dashboard
    notes: list[str]
    is_new: bool = True


def import_text(
    text: bytes | str, owner: Member | None, *, name: str = "", by_id: bool = False, author: Member | None = None
) -> Imported:
    """Add the dashboard of a file, ours or flask_jsondash's. Raises ConfigurationProblemsError, or DomainError.

    `name` is for a file without one. With `by_id`, a dashboard with the ID of the file is changed, whoever owns it.
    """
    value = configurations.read(text)
    beside, configuration, notes = _converted(value, text)
    details = {each: beside.get(each) or "" for each in DETAILS}
    details["name"] = details["name"] or name
    slug = beside.get("id", "") if by_id and beside.get("id") not in RESERVED else ""
    stored = queries.by_slug(slug) if slug else None
    if stored is None:
        created = create(owner, details.pop("name"), configuration, slug=slug, author=author, **details)
        return Imported(created, [*notes, *_unknown_queries(configuration)])
    update(stored, stored.version, author, configuration=configuration, **details)
    return Imported(stored, [*notes, *_unknown_queries(configuration)], is_new=False)


def export(dashboard: Dashboard) -> dict[str, Any]:
    """Return the dashboard as it stands in a file."""
    details = {name: getattr(dashboard, name) for name in DETAILS}
    return {"id": dashboard.slug, **details, "is_global": dashboard.is_global, **dashboard.configuration}


def _converted(value: Any, text: bytes | str) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return what stands beside the configuration in a file, the configuration, and notes about it."""
    if not configurations.is_of_jsondash(value):
        return *configurations.split(configurations.parse(text)), []
    converted = jsondash.convert(value)
    beside = {name: getattr(converted, name) for name in DETAILS}
    configuration = dict(converted.configuration)
    if configuration["layout"] == Layout.GRID:
        # There, a row that is too wide goes on below.
        configuration["modules"] = configurations.fit_rows(configuration["modules"])
    return {**beside, **_id_of(value)}, configurations.check(configuration), converted.notes


def _id_of(value: Mapping[str, Any]) -> dict[str, str]:
    found = value.get("id")
    return {"id": found} if isinstance(found, str) and SLUG.fullmatch(found) else {}


def _unknown_queries(configuration: Mapping[str, Any]) -> list[str]:
    """Return a note about each module whose query this site does not have."""
    asked = [(module, (module.get("data") or {}).get("query")) for module in configuration["modules"]]
    return [
        _("%(module)s: there is no query “%(name)s” on this site.", module=title_of(module), name=query)
        for module, query in asked
        if query is not None and query not in QUERIES
    ]


# -- who sees it


def share(dashboard: Dashboard, members: Mapping[str, MemberRole]) -> None:
    """Share the dashboard with these members, by username, and nobody else. Raises DomainError for an unknown one."""
    if len(members) > rules.MAX_MEMBERS:
        text = ngettext("At most %(num)d entry is allowed.", "At most %(num)d entries are allowed.", rules.MAX_MEMBERS)
        raise DomainError(text, field="members")
    wanted = {_member(username).id: role for username, role in members.items()}
    if dashboard.owner_id in wanted:
        raise DomainError(lazy_gettext("The owner can do everything already."), field="members")
    before = _roles(dashboard)
    stored = {shared.member_id: shared for shared in dashboard.members}
    for member_id, role in wanted.items():
        if member_id in stored:
            stored[member_id].role = role
        else:
            dashboard.members.append(DashboardMember(member_id=member_id, role=role))
    for member_id, shared in stored.items():
        if member_id not in wanted:
            dashboard.members.remove(shared)
    db.session.flush()
    audit.record(
        "dashboard_shared", "dashboard", dashboard, before={"members": before}, after={"members": _roles(dashboard)}
    )


def make_global(dashboard: Dashboard, *, is_global: bool) -> None:
    """Show the dashboard to everybody, or no longer."""
    if dashboard.is_global == is_global:
        return
    dashboard.is_global = is_global
    db.session.flush()
    audit.record("dashboard_made_global" if is_global else "dashboard_made_own", "dashboard", dashboard)


def _member(username: str) -> Member:
    member = party_queries.member_by_username(username)
    if member is None or member.erased_at is not None:
        raise DomainError(_("There is no member with the username “%(name)s”.", name=username), field="members")
    return member


def _roles(dashboard: Dashboard) -> list[str]:
    return sorted(f"{shared.member.username}: {shared.role}" for shared in dashboard.members)
