"""The generated UI over roles."""

from flask_babel import lazy_gettext
from sqlalchemy import select

from app.accounts import rules
from app.accounts.models import Role
from app.crud import ModelView, SQLAInterface
from app.errors import DomainError
from app.extensions import db


class RoleModelView(ModelView):
    """Roles, and what they may do."""

    datamodel = SQLAInterface(Role)
    route_base = "/roles"
    base_order = ("name", "asc")
    list_title = lazy_gettext("Roles")
    show_title = lazy_gettext("Role")
    add_title = lazy_gettext("Add a role")
    edit_title = lazy_gettext("Edit role")
    label_columns = {"name": lazy_gettext("Name"), "permissions": lazy_gettext("Permissions")}
    list_columns = ["name"]
    show_columns = ["name", "permissions"]
    add_columns = ["name", "permissions"]
    edit_columns = ["name", "permissions"]
    search_columns = ["name"]
    order_columns = ["name"]

    def pre_update(self, item: Role) -> None:
        """Keep the names that the program itself asks for."""
        with db.session.no_autoflush:
            stored = db.session.execute(select(Role.name).where(Role.id == item.id)).scalar_one()
        if stored in rules.FIXED_ROLES and item.name != stored:
            raise DomainError(lazy_gettext("This role belongs to the program; its name cannot change."), field="name")

    def pre_delete(self, item: Role) -> None:
        """Keep the roles that the program asks for, and those that people hold."""
        if item.name in rules.FIXED_ROLES:
            raise DomainError(lazy_gettext("This role belongs to the program and cannot be deleted."))
        if item.user:
            raise DomainError(lazy_gettext("Somebody holds this role; it cannot be deleted."))
