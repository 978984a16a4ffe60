"""The generated UI over roles."""

from flask import redirect, url_for
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.roles import names, permission_labels
from app.accounts.roles import service as role_service
from app.accounts.roles.matrix import PermissionsField
from app.accounts.users.admin import UserModelView
from app.crud import flashes
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView, ReauthenticationRequired

PERMISSIONS = lazy_gettext("Permissions")


class RoleModelView(ReauthenticationRequired, ModelView):
    """Roles and their permissions. Changes need a fresh login."""

    fresh = frozenset({"add", "edit", "delete", "action", "action_post"})
    datamodel = SQLAInterface(Role)
    route_base = "/roles"
    audit_subject = "role"
    restorable = True
    base_order = ("name", "asc")
    list_title = lazy_gettext("Roles")
    show_title = lazy_gettext("Role")
    add_title = lazy_gettext("Add a role")
    edit_title = lazy_gettext("Edit role")
    label_columns = {
        "name": lazy_gettext("Name"),
        "second_factor_required": lazy_gettext("Second factor required"),
        "permissions": PERMISSIONS,
        "groups": lazy_gettext("Groups"),
    }
    list_columns = ["name", "second_factor_required"]
    show_columns = ["name", "second_factor_required", "groups", "permissions"]
    related_views = [UserModelView]
    add_columns = ["name", "second_factor_required", "permissions"]
    edit_columns = ["name", "second_factor_required", "permissions"]
    search_columns = ["name", "second_factor_required"]
    order_columns = ["name"]
    description_columns = {
        "second_factor_required": lazy_gettext(
            "Users with this role who have no second factor must add one before they can do anything else."
        ),
    }
    formatters_columns = {"permissions": permission_labels.listed, "name": names.of_name}
    add_form_extra_fields = edit_form_extra_fields = {
        "permissions": PermissionsField(PERMISSIONS),
    }

    def item_name(self, item: Role) -> str:
        """Return the name of a role; those of a new site are translated."""
        return names.label(item)

    def pre_add(self, item: Role) -> None:
        role_service.add(item)

    def pre_update(self, item: Role) -> None:
        role_service.change(item)

    def pre_delete(self, item: Role) -> None:
        role_service.delete(item)

    @action("copyrole", lazy_gettext("Copy"), lazy_gettext("Copy this role?"), "", multiple=False)
    def copy_role(self, items: list[Role]) -> BaseResponse:
        """Make a role with the same permissions, and open its form to name it."""
        copy = role_service.copy(items[0])
        flashes.flash_message(
            _("“%(name)s” has all permissions of “%(role)s”. Nobody has it yet.", name=copy.name, role=items[0].name),
            "info",
        )
        return redirect(url_for("RoleModelView.edit", pk=copy.id), 303)
