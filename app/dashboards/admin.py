"""Generated administration of dashboards."""

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext, lazy_pgettext
from markupsafe import Markup

from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.flashes import Message
from app.crud.views import ModelView
from app.dashboards import service, texts
from app.dashboards.configuration import checking as configurations
from app.dashboards.configuration.field import ConfigurationField
from app.dashboards.enums import Layout, MemberRole
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.errors import DomainError
from app.parties.access import current_member
from app.parties.admin_base import MEMBER_KEY

DASHBOARD_KEY = ("slug", ["slug", "name"])
LABELS = {
    "name": lazy_gettext("Name"),
    "slug": lazy_gettext("ID"),
    "owner": lazy_gettext("Owner"),
    "category": lazy_gettext("Category"),
    "description": lazy_gettext("Description"),
    "layout": lazy_gettext("Layout"),
    "is_global": lazy_gettext("Shown to everybody"),
    "configuration": lazy_gettext("Configuration"),
    "version": lazy_gettext("Version"),
    "created_at": lazy_pgettext("column of moments", "Created"),
    "changed_at": lazy_gettext("Changed"),
    "dashboard": lazy_gettext("Dashboard"),
    "member": lazy_gettext("Member"),
    "role": lazy_gettext("Role"),
    "number": lazy_gettext("Version"),
    "author": lazy_gettext("Who"),
}


def _as_text(configuration: dict[str, Any]) -> Markup:
    return Markup("<pre>{}</pre>").format(configurations.dump(configuration))


def _configuration_field() -> dict[str, Any]:
    return {"configuration": ConfigurationField(LABELS["configuration"], default=configurations.empty)}


class DashboardMemberModelView(ModelView):
    """With whom dashboards are shared."""

    datamodel = SQLAInterface(DashboardMember)
    route_base = "/dashboardmembers"
    # Another role is another row.
    base_permissions = ["can_list", "can_show", "can_add", "can_delete"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Shared with")
    show_title = lazy_gettext("Member of a dashboard")
    add_title = lazy_gettext("Share with a member")
    empty_message = lazy_gettext("No dashboard is shared with anybody.")
    label_columns = LABELS
    list_columns = ["dashboard", "member", "role", "created_at"]
    show_columns = list_columns
    add_columns = ["dashboard", "member", "role"]
    search_columns = ["dashboard", "member", "role"]
    order_columns = ["role", "created_at"]
    choices_columns = {"role": MemberRole.labels()}
    autocomplete_columns = {"dashboard": DASHBOARD_KEY, "member": MEMBER_KEY}


class DashboardVersionModelView(ModelView):
    """What dashboards were. A version can be restored, which makes a new one."""

    datamodel = SQLAInterface(DashboardVersion)
    route_base = "/dashboardversions"
    base_permissions = ["can_list", "can_show", "restore"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("History of dashboards")
    show_title = lazy_gettext("Version of a dashboard")
    empty_message = lazy_gettext("There is no history yet.")
    label_columns = LABELS
    list_columns = ["dashboard", "number", "name", "author", "created_at"]
    show_columns = ["dashboard", "number", "name", "category", "description", "author", "created_at", "configuration"]
    search_columns = ["dashboard", "author", "created_at"]
    order_columns = ["number", "created_at"]
    autocomplete_columns = {"dashboard": DASHBOARD_KEY, "author": MEMBER_KEY}
    formatters_columns = {"configuration": _as_text}

    @action("restore", lazy_gettext("Restore"), lazy_gettext("Restore the selected version?"), "")
    def restore(self, items: list[DashboardVersion]) -> Message:
        """Make one dashboard what it was."""
        if len(items) != 1:
            raise DomainError(lazy_gettext("Choose one version."), "warning")
        dashboard, number = items[0].dashboard, items[0].number
        service.restore(dashboard, dashboard.version, current_member(), number)
        return texts.restored(number)


class DashboardModelView(ModelView):
    """Dashboards of all members, and of the site."""

    datamodel = SQLAInterface(Dashboard)
    route_base = "/dashboardadmin"
    audit_subject = "dashboard"
    restorable = True
    base_order = ("changed_at", "desc")
    list_title = lazy_gettext("Dashboards")
    show_title = lazy_gettext("Dashboard")
    add_title = lazy_gettext("Add a dashboard")
    edit_title = lazy_gettext("Edit dashboard")
    empty_message = lazy_gettext("There are no dashboards yet. Add one!")
    label_columns = LABELS
    list_columns = ["name", "owner", "category", "layout", "is_global", "changed_at"]
    show_columns = [
        *("name", "slug", "owner", "category", "description", "layout", "is_global", "version", "created_at"),
        *("changed_at", "configuration"),
    ]
    add_columns = ["name", "owner", "category", "description", "is_global", "configuration"]
    edit_columns = add_columns
    search_columns = ["name", "slug", "owner", "category", "layout", "is_global", "changed_at"]
    order_columns = ["name", "category", "layout", "is_global", "created_at", "changed_at"]
    choices_columns = {"layout": Layout.labels()}
    autocomplete_columns = {"owner": MEMBER_KEY}
    add_form_extra_fields = _configuration_field()
    edit_form_extra_fields = _configuration_field()
    formatters_columns = {"configuration": _as_text}
    related_views = [DashboardMemberModelView, DashboardVersionModelView]
    state_columns = ["is_global"]
    state_tones = {"is_global": {True: "good"}}

    def public_url(self, item: Dashboard) -> str:
        return url_for("DashboardView.show", slug=item.slug)

    def pre_add(self, item: Dashboard) -> None:
        service.add(item, current_member())

    def pre_update(self, item: Dashboard) -> None:
        service.store(item, current_member())

    def pre_delete(self, item: Dashboard) -> None:
        service.record_deletion(item)

    def added_message(self, item: Dashboard) -> Message:
        return texts.created(item)

    def updated_message(self, item: Dashboard) -> Message:
        return texts.changed(item)

    def deleted_message(self, item: Dashboard) -> Message:
        return texts.deleted(item)
