"""Access to dashboards: who can see, change and delete one. Pages and API share it."""

from collections.abc import Mapping

from flask_babel import lazy_gettext
from flask_login import current_user

from app.dashboards import queries, rules, texts
from app.dashboards.enums import Action, MemberRole
from app.dashboards.models import Dashboard
from app.errors import DomainError
from app.extensions import AppBuilder, appbuilder_of

FORBIDDEN, NOT_FOUND = 403, 404


class DashboardRefusedError(DomainError):
    """Somebody may not do this, or there is no such dashboard for them; `status` is that of HTTP."""

    def __init__(self, message: object, status: int) -> None:
        super().__init__(message, "danger")
        self.status = status


class DashboardAccess:
    """Access checks for the current member. Each raises DashboardRefusedError."""

    appbuilder: AppBuilder
    class_permission_name = "DashboardView"
    permission_labels: Mapping[str, object] = {
        "can_read": lazy_gettext("See dashboards"),
        "can_create": lazy_gettext("Create dashboards"),
        "can_update": lazy_gettext("Change dashboards"),
        "can_delete": lazy_gettext("Delete dashboards"),
        "can_clone": lazy_gettext("Clone dashboards"),
        "can_share": lazy_gettext("Share dashboards with other members"),
        "can_make_global": lazy_gettext("Show dashboards to everybody"),
    }

    def require(self, action: Action) -> None:
        """Refuse somebody without the permission for `action`."""
        if not self.has_permission(action):
            raise DashboardRefusedError(texts.NO_ACCESS[action], FORBIDDEN)

    def get(self, slug: str, action: Action) -> Dashboard:
        """Return the dashboard if the current member may do `action` to it.

        One that they may not see is not told from one that does not exist.
        """
        self.require(action)
        dashboard = queries.by_slug(slug)
        if dashboard is None or not self.may(Action.READ, dashboard):
            raise DashboardRefusedError(texts.not_found(slug), NOT_FOUND)
        if not self.may(action, dashboard):
            raise DashboardRefusedError(texts.NO_ACCESS_TO_THIS[action], FORBIDDEN)
        return dashboard

    def may(self, action: Action, dashboard: Dashboard) -> bool:
        """Whether the current member may do `action` to a dashboard that they have the permission for, too."""
        return self.has_permission(action) and rules.may(
            action,
            is_owner=dashboard.owner_id is not None and dashboard.owner_id == current_user.id,
            role=role_of_reader(dashboard),
            is_global=dashboard.is_global,
            is_staff=self.is_staff(),
        )

    def has_permission(self, action: Action) -> bool:
        return bool(self.appbuilder.sm.has_access(f"can_{action}", self.class_permission_name))

    def is_staff(self) -> bool:
        """Whether the current member can edit all dashboards in the generated administration."""
        return bool(self.appbuilder.sm.has_access("can_edit", "DashboardModelView"))


class ReaderAccess(DashboardAccess):
    """What the current reader may do, asked outside a page."""

    def __init__(self) -> None:
        self.appbuilder = appbuilder_of()


def role_of_reader(dashboard: Dashboard) -> MemberRole | None:
    """Return the role that the dashboard's owner gave to the current member."""
    return next((shared.role for shared in dashboard.members if shared.member_id == current_user.id), None)
