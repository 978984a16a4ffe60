"""The API with which programs provision groups."""

from flask_appbuilder.security.sqla.models import Group
from flask_babel import lazy_gettext
from flask_login import current_user

from app.accounts.groups import service as group_service
from app.crud.api import ModelRestApi
from app.crud.datamodel import SQLAInterface


class GroupApi(ModelRestApi):
    """Groups with their roles and users."""

    datamodel = SQLAInterface(Group)
    resource_name = "security/groups"
    openapi_spec_tag = "Security Groups"
    class_permission_name = "Group"
    list_title = lazy_gettext("Groups (API)")
    list_columns = ["id", "name", "label", "description", "roles.id", "roles.name", "users.id", "users.username"]
    show_columns = list_columns
    add_columns = ["name", "label", "description", "roles", "users"]
    edit_columns = add_columns
    search_columns = ["name", "label"]
    order_columns = ["id", "name"]
    base_order = ("name", "asc")

    def pre_add(self, item: Group) -> None:
        group_service.add(item, current_user.id)

    def pre_update(self, item: Group) -> None:
        group_service.change(item, current_user.id)

    def pre_delete(self, item: Group) -> None:
        group_service.delete(item)
