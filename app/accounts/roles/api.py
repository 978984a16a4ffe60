"""The API with which programs provision roles, and read permissions: those are what the code has."""

from collections.abc import Callable
from typing import Any

from flask import Response, request
from flask_appbuilder.api import protect, safe
from flask_appbuilder.security.sqla.apis.role.api import RoleApi as StockRoleApi
from flask_appbuilder.security.sqla.apis.role.schema import (
    RoleGroupPutSchema,
    RolePermissionListSchema,
    RolePermissionPostSchema,
    RoleUserPutSchema,
)
from flask_appbuilder.security.sqla.models import Group, Permission, PermissionView, Role, ViewMenu
from flask_babel import lazy_gettext
from flask_login import current_user
from marshmallow import Schema, ValidationError
from sqlalchemy import select

from app.accounts.groups import service as group_service
from app.accounts.models import Member
from app.accounts.roles import service as role_service
from app.accounts.users import service as user_service
from app.crud.api import ModelRestApi, documented_like
from app.crud.api_errors import field_errors
from app.crud.datamodel import SQLAInterface
from app.crud.db_errors import translate_db_errors
from app.database import transaction
from app.errors import DomainError
from app.http import MAX_ID

READ_ONLY = {"info", "get", "get_list"}


class RoleApi(ModelRestApi):
    """Roles and the keys of their permissions, and who has them."""

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

    update_role_user_schema = RoleUserPutSchema()
    update_role_group_schema = RoleGroupPutSchema()
    add_role_permission_schema = RolePermissionPostSchema()
    openapi_spec_component_schemas = (
        RolePermissionListSchema,
        RolePermissionPostSchema,
        RoleUserPutSchema,
        RoleGroupPutSchema,
    )

    @protect()
    @safe
    @documented_like(StockRoleApi.list_role_permissions)
    def list_role_permissions(self, role_id: int) -> Response:
        role = self.datamodel.get(role_id)
        if role is None:
            return self.response_404()
        names = [(each.id, each.permission.name, each.view_menu.name) for each in role.permissions]
        keys = ("id", "permission_name", "view_menu_name")
        return self.response(200, result=[dict(zip(keys, each, strict=True)) for each in names])

    @protect()
    @safe
    @documented_like(StockRoleApi.add_role_permissions)
    def add_role_permissions(self, role_id: int) -> Response:
        def store(role: Role, permissions: list[Any]) -> None:
            role.permissions = permissions
            role_service.change(role)

        return self._set(role_id, self.add_role_permission_schema, "permission_view_menu_ids", PermissionView, store)

    @protect()
    @safe
    @documented_like(StockRoleApi.update_role_users)
    def update_role_users(self, role_id: int) -> Response:
        def store(role: Role, members: list[Any]) -> None:
            user_service.set_members(role, members, current_user.id)

        return self._set(role_id, self.update_role_user_schema, "user_ids", Member, store)

    @protect()
    @safe
    @documented_like(StockRoleApi.update_role_groups)
    def update_role_groups(self, role_id: int) -> Response:
        def store(role: Role, groups: list[Any]) -> None:
            group_service.set_groups(role, groups, current_user.id)

        return self._set(role_id, self.update_role_group_schema, "group_ids", Group, store)

    def _set(
        self, role_id: int, schema: Schema, name: str, model: Any, store: Callable[[Role, list[Any]], None]
    ) -> Response:
        """Store the rows whose keys are sent, in place of those that a role has."""
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict):
            return self.response_400()
        try:
            keys = set(schema.load(sent)[name])
        except ValidationError as error:
            return self.response_422(message=field_errors(error.messages))
        if any(not 0 <= key <= MAX_ID for key in keys):
            return self.response_404()
        try:
            with translate_db_errors(), transaction() as session:
                role = self.datamodel.get_locked(role_id, self._base_filters)
                found = list(session.scalars(select(model).where(model.id.in_(keys))))
                if role is None or len(found) != len(keys):
                    return self.response_404()
                with session.no_autoflush:
                    store(role, found)
        except DomainError as error:
            return self._domain_error(error)
        return self.response(200, result={name: sorted(keys)})

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
