"""The base of the pages of dashboards: who may, and how a refusal is shown."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_appbuilder.hooks import before_request
from flask_appbuilder.utils.limit import Limit
from flask_login import current_user
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.models import Member
from app.crud.views import BaseView, ask_to_log_in
from app.dashboards.access import FORBIDDEN, DashboardAccess, DashboardRefusedError
from app.dashboards.enums import Action
from app.dashboards.models import Dashboard
from app.dashboards.texts import Flash
from app.database import run_with_retry
from app.error_pages import render_error
from app.errors import DomainError

# Whoever arranges modules presses a button often.
CHANGE_LIMIT = Limit("120 per minute", key_func=lambda: str(current_user.get_id()), methods=["POST"])


class BaseDashboardView(DashboardAccess, BaseView):
    """Pages of dashboards. Each method asks `get` or `require` itself, which tell what may not be done."""

    route_base = "/dashboards"
    limits = [CHANGE_LIMIT]

    @before_request
    def _ask_to_log_in(self) -> BaseResponse | None:
        """Send visitors to the login: figures are shown with the rights of a member."""
        return None if current_user.is_authenticated else ask_to_log_in()

    def create_blueprint(self, *args: Any, **options: Any) -> Blueprint:
        """Show refusals as pages."""
        blueprint = super().create_blueprint(*args, **options)
        blueprint.register_error_handler(DashboardRefusedError, _refused)
        return blueprint

    @staticmethod
    def act(action: Callable[[], Flash], endpoint: str, **values: Any) -> BaseResponse:
        """Do something to a dashboard, say what became of it, and lead to `endpoint`. Refusals are shown as pages."""
        try:
            text, category = run_with_retry(action)
        except DashboardRefusedError:
            raise
        except DomainError as error:
            text, category = str(error), error.category
        flash(str(text), category)
        return redirect(url_for(endpoint, **values), 303)

    def permissions(self, dashboard: Dashboard | None = None) -> SimpleNamespace:
        """Return what the reader may do, to this dashboard or at all, for templates: `may.update` and so on.

        No dictionary: each has a method `update`, which a template takes for a yes.
        """
        return SimpleNamespace(
            **{
                str(action): self.may(action, dashboard) if dashboard else self.has_permission(action)
                for action in Action
            }
        )


def current_member() -> Member:
    member: Member = current_user._get_current_object()  # noqa: SLF001 - werkzeug's documented name
    return member


def _refused(error: DashboardRefusedError) -> BaseResponse:
    return render_error(Forbidden() if error.status == FORBIDDEN else NotFound(), str(error))
