"""Flask-AppBuilder's methods that change users and roles, on the services of this site.

Its commands, add-ons and plug-ins call them. As there, they return False or None for what is refused, and log why.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from flask_appbuilder.security.sqla.manager import SecurityManager as StockSecurityManager
from flask_appbuilder.security.sqla.models import Group, PermissionView, Role
from sqlalchemy.exc import IntegrityError

from app import clock
from app.accounts import (
    auth_type,
    fab_signals,  # noqa: F401 - listens to the session
    queries,
    rules,
    signals,
)
from app.accounts.login import authentication
from app.accounts.models import Member
from app.accounts.oidc import service as oidc_service
from app.accounts.passwords import service as password_service
from app.accounts.roles import export as role_export
from app.accounts.users import service as user_service
from app.database import transaction
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)


class FabMethods(StockSecurityManager):
    """The methods by which other code changes users and roles."""

    def _emit_pre_signal(self, *_event: Any, **_more: Any) -> None:
        """Send nothing: the session does (fab_signals.py)."""

    _emit_post_signal = _emit_pre_signal

    def add_user(  # noqa: PLR0913, PLR0917 - Flask-AppBuilder's signature
        self,
        username: str,
        first_name: str,
        last_name: str,
        email: str,
        role: Role | list[Role] | None = None,
        password: str = "",
        hashed_password: str = "",
        groups: list[Group] | None = None,
        commit: bool = True,  # noqa: FBT001, FBT002
    ) -> Member | bool:
        """Add a member. Without a password they get an e-mail with a link to choose one. Return False if refused."""
        member = Member(username=username, first_name=first_name, last_name=last_name, email=email, active=True)
        try:
            with _transaction(commit=commit):
                db.session.add(member)
                member.roles = role if isinstance(role, list) else [role] if role else []
                member.groups = groups or []
                user_service.add(member, password or None, hashed_password)
        except (DomainError, IntegrityError) as error:
            log.warning("The user %s was not added: %s", username, _reason(error))
            return False
        return member

    def update_user(self, user: Member, commit: bool = True) -> bool | None:  # noqa: FBT001, FBT002
        """Store the changes of a member, which can end their sessions. Return False if they are refused."""
        try:
            with _transaction(commit=commit):
                user_service.change(user, None)
        except (DomainError, IntegrityError) as error:
            log.warning("The user %s was not changed: %s", user, _reason(error))
            return False
        return None

    def delete_user(self, user_or_id: Member | int, commit: bool = True) -> bool:  # noqa: FBT001, FBT002
        """Delete a member. Return False if there is none, or if it is the last administrator."""
        member = user_or_id if isinstance(user_or_id, Member) else db.session.get(Member, user_or_id)
        if member is None:
            return False
        try:
            with _transaction(commit=commit):
                user_service.delete(member, None)
                db.session.delete(member)
        except (DomainError, IntegrityError) as error:
            log.warning("The user %s was not deleted: %s", member, _reason(error))
            return False
        return True

    def auth_user_oauth(self, userinfo: Mapping[str, Any]) -> Member | None:
        """Return the active member with the `username` whom a provider has authenticated; add them if people may register.

        For code that knows that nobody else is ever given that name: pages know people by the provider's key for them.
        """
        told = userinfo.get("username")
        username = told.lower() if isinstance(told, str) else ""
        # An address as a name would find whoever has the address.
        if not auth_type.is_by_providers() or not rules.USERNAME.fullmatch(username):
            return None
        try:
            with signals.logging_in(username), transaction():
                member = queries.member_by_name_or_email(username) or self._add_told(username, userinfo)
                if member is None:
                    return None
                oidc_service.sync_roles(member, userinfo)
                authentication.trust_identity_provider(member)
                self.on_user_login(member)
                return member
        except DomainError as error:
            log.warning("%s may not log in: %s", username, error)
            return None

    def _add_told(self, username: str, told: Mapping[str, Any]) -> Member | None:
        """Add somebody of a provider, without a password. Return None if that is not possible."""
        person = oidc_service.person_of(username, told)
        if person is None:
            return None
        groups = oidc_service.groups_of(told)
        # An `add_user` of a subclass may know no groups.
        more: dict[str, Any] = {} if groups is None else {"groups": sorted(groups, key=lambda group: str(group.name))}
        added = self.add_user(**person, role=list(oidc_service.roles_of(told)), **more)
        return added if isinstance(added, Member) else None

    def reset_password(self, userid: int, password: str) -> None:
        """Set a password and end all sessions of the member; raises DomainError if it cannot be used."""
        user_service.refuse_without_own_passwords()
        with transaction():
            password_service.set_by_administrator(db.session.get_one(Member, userid), password)

    # -- roles

    def add_permission_role(self, role: Role, perm_view: PermissionView | None) -> None:
        """Give a permission to a role."""
        if perm_view is not None and perm_view not in role.permissions:
            with transaction():
                role.permissions.append(perm_view)
                user_service.role_changed(role)

    def del_permission_role(self, role: Role, perm_view: PermissionView) -> None:
        """Take a permission from a role."""
        if perm_view in role.permissions:
            with transaction():
                role.permissions.remove(perm_view)
                user_service.role_changed(role)

    def export_roles(self, path: str | None = None, indent: int | str | None = None) -> None:
        """Write all roles with their permissions into a JSON file."""
        target = Path(path or f"roles_export_{clock.now():%Y%m%dT%H%M%S}.json")
        target.write_text(json.dumps(role_export.described(), indent=indent, ensure_ascii=False), "utf-8")

    def import_roles(self, path: str) -> None:
        """Add roles and permissions from a file of `export_roles`. Nothing is taken away."""
        described: Iterable[Mapping[str, Any]] = json.loads(Path(path).read_text("utf-8"))
        with transaction():
            for one in described:
                role_export.import_role(one)


@contextmanager
def _transaction(*, commit: bool) -> Iterator[None]:
    """Commit the changes of the block; without `commit`, the caller does. Roll back if it raises, as in Flask-AppBuilder."""
    with transaction() if commit else nullcontext():
        try:
            yield
        except BaseException:
            db.session.rollback()
            raise


def _reason(error: DomainError | IntegrityError) -> str:
    return str(error) if isinstance(error, DomainError) else "its username or e-mail address is taken"
