"""The API with which programs provision roles, and read permissions: those are what the code has."""

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from flask_babel import lazy_gettext

from app.accounts.roles import service as role_service
from app.crud.api import ModelRestApi
from app.crud.datamodel import SQLAInterface

READ_ONLY = {"info", "get", "get_list"}


class RoleApi(ModelRestApi):
    """Roles and the keys of their permissions."""

    datamodel = SQLAInterface(Role)
    resource_name = "security/roles"
    openapi_spec_tag = "Security Roles"
    class_permission_name = "Role"
    list_title = lazy_gettext("Roles (API)")
    list_columns = ["id", "name", "second_factor_required"]
    show_columns = [*list_columns, "permissions.id"]
    add_columns = ["name", "second_factor_required", "permissions"]
    edit_columns = add_columns
    search_columns = ["name", "second_factor_required"]
    order_columns = ["id", "name"]
    base_order = ("name", "asc")

    def pre_add(self, item: Role) -> None:
        role_service.add(item)

    def pre_update(self, item: Role) -> None:
        role_service.change(item)

    def pre_delete(self, item: Role) -> None:
        role_service.delete(item)


class _NameApi(ModelRestApi):
    """Names that the code has: they are read only."""

    include_route_methods = READ_ONLY
    list_columns = show_columns = ["id", "name"]
    add_columns = edit_columns = search_columns = ["name"]
    base_order = ("name", "asc")


class PermissionApi(_NameApi):
    """Names of permissions."""

    datamodel = SQLAInterface(Permission)
    resource_name = "security/permissions"
    openapi_spec_tag = "Security Permissions"
    class_permission_name = "Permission"
    list_title = lazy_gettext("Permissions (API)")


class ViewMenuApi(_NameApi):
    """Names of views and menu entries."""

    datamodel = SQLAInterface(ViewMenu)
    resource_name = "security/resources"
    openapi_spec_tag = "Security Resources (View Menus)"
    class_permission_name = "ViewMenu"
    list_title = lazy_gettext("Views (API)")


class PermissionViewMenuApi(ModelRestApi):
    """Permissions on views: what a role has."""

    datamodel = SQLAInterface(PermissionView)
    resource_name = "security/permissions-resources"
    openapi_spec_tag = "Security Permissions on Resources (View Menus)"
    class_permission_name = "PermissionViewMenu"
    list_title = lazy_gettext("Permissions on views (API)")
    include_route_methods = READ_ONLY
    list_columns = show_columns = ["id", "permission.name", "view_menu.name"]
    add_columns = edit_columns = ["permission", "view_menu"]
    search_columns = ["id"]
    base_order = ("id", "asc")
