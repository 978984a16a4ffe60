"""The generated UI over groups: roles that several people hold together."""

from flask_appbuilder.security.sqla.models import Group
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms.validators import Length

from app.accounts.groups import service as group_service
from app.accounts.users.admin import UserModelView
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView, ReauthenticationRequired


class GroupModelView(ReauthenticationRequired, ModelView):
    """Groups and their roles. A member's groups are chosen on the page of the member."""

    fresh = frozenset({"add", "edit", "delete"})
    datamodel = SQLAInterface(Group)
    route_base = "/groups"
    audit_subject = "group"
    restorable = True
    base_order = ("name", "asc")
    list_title = lazy_gettext("Groups")
    show_title = lazy_gettext("Group")
    add_title = lazy_gettext("Add a group")
    edit_title = lazy_gettext("Edit group")
    empty_message = lazy_gettext("There are no groups. A group grants its roles to all its members.")
    label_columns = {
        "name": lazy_gettext("Name"),
        "label": lazy_gettext("Display name"),
        "description": lazy_gettext("Description"),
        "roles": lazy_gettext("Roles"),
    }
    list_columns = ["name", "label", "roles"]
    show_columns = ["name", "label", "description", "roles"]
    related_views = [UserModelView]
    add_columns = show_columns
    edit_columns = show_columns
    search_columns = ["name", "label"]
    order_columns = ["name", "label"]
    description_columns = {
        "roles": lazy_gettext("Members of the group have these roles in addition to their own."),
    }
    validators_columns = {"name": [Length(max=100)], "label": [Length(max=150)], "description": [Length(max=512)]}

    def pre_add(self, item: Group) -> None:
        group_service.add(item, current_user.id)

    def pre_update(self, item: Group) -> None:
        group_service.change(item, current_user.id)

    def pre_delete(self, item: Group) -> None:
        group_service.delete(item)
