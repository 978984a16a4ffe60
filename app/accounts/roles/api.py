"""The API with which programs provision roles, and read permissions: those are what the code has."""

from collections.abc import Callable
from typing import Any

from flask import Response
from flask_appbuilder.api import safe
from flask_appbuilder.security.decorators import permission_name, protect
from flask_appbuilder.security.sqla.apis.role.api import RoleApi as StockRoleApi
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from flask_babel import lazy_gettext
from flask_login import current_user
from marshmallow import Schema, ValidationError

from app.accounts.models import Member
from app.accounts.roles import service as role_service
from app.crud.api import ModelRestApi, documented_like, field_errors
from app.crud.datamodel import SQLAInterface
from app.crud.db_errors import translate_db_errors
from app.database import transaction
from app.errors import DomainError

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

    openapi_spec_component_schemas = StockRoleApi.openapi_spec_component_schemas

    @protect()
    @safe
    @permission_name("get")
    @documented_like(StockRoleApi.list_role_permissions)
    def list_role_permissions(self, role_id: int) -> Response:
        role = self.datamodel.get(role_id, None, ["permissions"])
        if role is None:
            return self.response_404()
        permissions = [
            {"id": each.id, "permission_name": each.permission.name, "view_menu_name": each.view_menu.name}
            for each in role.permissions
        ]
        return self.response(200, result=permissions)

    @protect()
    @safe
    @permission_name("put")
    @documented_like(StockRoleApi.add_role_permissions)
    def add_role_permissions(self, role_id: int) -> Response:
        def replace(role: Role, permissions: list[Any]) -> None:
            role.permissions = permissions
            role_service.change(role)

        schema = StockRoleApi.add_role_permission_schema
        return self._replace(role_id, PermissionView, schema, "permission_view_menu_ids", replace)

    @protect()
    @safe
    @permission_name("put")
    @documented_like(StockRoleApi.update_role_users)
    def update_role_users(self, role_id: int) -> Response:
        def replace(role: Role, members: list[Any]) -> None:
            role_service.set_members(role, members, current_user.id)

        return self._replace(role_id, Member, StockRoleApi.update_role_user_schema, "user_ids", replace)

    def _replace(
        self, role_id: int, model: type[Any], schema: Schema, name: str, replace: Callable[[Role, list[Any]], None]
    ) -> Response:
        """Give a role the rows of `model` whose keys are sent as `name`."""
        try:
            keys: list[int] = schema.load(self._sent() or {})[name]
        except ValidationError as error:
            return self.response_422(message=field_errors(error.messages))
        role = self.datamodel.get_locked(role_id)
        rows = SQLAInterface(model).get_many(keys)
        if role is None or len(rows) < len(set(keys)):
            return self.response_404()
        try:
            with translate_db_errors(), transaction():
                replace(role, rows)
        except DomainError as error:
            return self._domain_error(error)
        return self.response(200, result={name: keys})

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
