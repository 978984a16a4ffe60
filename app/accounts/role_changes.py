"""Changes of the roles of members: what they end, who is told, and the last administrator."""

import logging
from collections.abc import Iterable
from typing import Any

from flask_appbuilder.security.sqla.models import Group, Role
from flask_babel import lazy_gettext
from sqlalchemy import func, select, update

from app import audit
from app.accounts import rules, signals
from app.accounts.enums import SessionEndCause
from app.accounts.models import ADMIN, Member
from app.accounts.sessions import service as session_service
from app.extensions import db
from app.i18n.selectors import force_locale

log = logging.getLogger(__name__)

ROLES_CHANGED = lazy_gettext("Your roles were changed. Please log in again.")


def is_admin_left(leaving: set[int]) -> bool:
    """Whether an administrator could log in without the members of `leaving` (keys)."""
    with db.session.no_autoflush:
        # Two administrators may remove each other at the same time, so lock the role's row.
        # An UPDATE, because SQLite knows no FOR UPDATE.
        lock = update(Role).where(Role.name == ADMIN).values(name=ADMIN)
        db.session.execute(lock)
        remaining = (
            select(func.count())
            .select_from(Member)
            .where(
                Member.roles.any(Role.name == ADMIN),
                Member.active.is_(True),
                Member.banned_at.is_(None),
                Member.erased_at.is_(None),
                Member.id.not_in(leaving),
            )
        )
        return bool(db.session.execute(remaining).scalar_one())


def assign(member: Member, roles: Iterable[Role] | None = None, groups: Iterable[Group] | None = None) -> None:
    """Give a member who logs in the roles and groups that a directory or provider says they have. None changes none.

    Their other sessions end when they lose a role or gain one with stricter requirements. The last administrator keeps
    all roles, whatever is said.
    """
    wanted = set(member.roles if roles is None else roles)
    if groups is None and wanted == set(member.roles):
        return
    before: dict[str, set[Any]] = {"roles": set(member.roles), "groups": set(member.groups)}
    after = {"roles": wanted, "groups": before["groups"] if groups is None else set(groups)}
    if ADMIN in names(before["roles"] - after["roles"]) and not is_admin_left({member.id}):
        log.warning("%s keeps all roles, as nobody else is an administrator", member.username)
        after["roles"] = before["roles"]
    changed = [name for name in before if before[name] != after[name]]
    if not changed:
        return
    for name in changed:
        setattr(member, name, sorted(after[name], key=lambda each: str(each.name)))
    db.session.flush()
    was, now = ({name: names(each[name]) for name in changed} for each in (before, after))
    audit.record("member_changed", "member", member, actor=member, before=was, after=now)
    had, has = (with_groups(each["roles"], each["groups"]) for each in (before, after))
    if are_stricter(had, has):
        with force_locale(member.locale, member.timezone):
            reason = str(ROLES_CHANGED)
        session_service.end_sessions(member, SessionEndCause.ADMINISTRATOR, reason=reason)
        db.session.flush()
    if had != has:
        tell(member, had, has)


def tell(member: Member, had: set[Role], has: set[Role]) -> None:
    """Tell packages which roles a member has gained and lost."""
    signals.send(signals.roles_changed, member=member, added=names(has - had), removed=names(had - has))


def are_stricter(had: set[Role], has: set[Role]) -> bool:
    """Whether the new roles lack an old one, or have stricter requirements."""
    requires_more = any(requires(has) and not requires(had) for requires in (are_staff, _require_factor))
    return bool(had - has) or requires_more


def with_groups(roles: Iterable[Role], groups: Iterable[Group]) -> set[Role]:
    """Return the roles together with those of the groups."""
    return {*roles, *(role for group in groups for role in group.roles)}


def are_staff(roles: Iterable[Role]) -> bool:
    """Whether somebody with these roles is staff."""
    return any(role.name not in rules.ORDINARY_ROLES for role in roles)


def names(named: Iterable[Role | Group]) -> list[str]:
    """Return the sorted names of roles or groups."""
    return sorted(str(each.name) for each in named)


def _require_factor(roles: Iterable[Role]) -> bool:
    return any(role.second_factor_required for role in roles)
