"""The step of the login that asks for the second factor."""

from typing import Any

from flask import flash, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import passkey_site, rate_limits, signals
from app.accounts.login import service as login_service
from app.accounts.login.views import refused_status
from app.accounts.second_factor import service as second_factor_service
from app.accounts.second_factor.forms import CodeForm
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import transaction
from app.errors import DomainError
from app.http import safe_next


class SecondStepView(BaseView):
    """The step of the login that asks for the second factor."""

    route_base = "/login/second-step"
    default_view = "form"
    limits = rate_limits.guessing("SecondStepView.form", lambda: str(session.get(login_service.SECOND_STEP_KEY, "")))

    @expose("/", methods=["GET", "POST"])
    def form(self) -> BaseResponse:
        """Ask for a code of the second factor. A right code logs the member in."""
        target = safe_next(request.args.get("next"), self.appbuilder.get_url_for_index)
        waiting = login_service.second_step()
        if waiting is None or waiting.member is None:
            return self._redirect_without_login(target)
        form = CodeForm()
        if not form.is_submitted():
            return self._page(form, waiting.member, 200)
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._page(form, waiting.member, 422)
        try:
            with signals.reporting_failure(waiting.member.username), transaction():
                second_factor_service.verify_code(waiting.member, form.code.data)
                login_service.complete_second_step()
        except DomainError as error:
            if error.field is None and login_service.second_step() is None:
                return self._redirect_without_login(target)
            flash(str(error), error.category)
            show_at_field(form, error)
            return rate_limits.retry_after(self._page(form, waiting.member, refused_status(error)), error)
        response: BaseResponse = self.appbuilder.sm.auth_view.welcome(
            target, waiting.data.get("kept"), remember=waiting.data["remember"]
        )
        return response

    def _redirect_without_login(self, target: str) -> BaseResponse:
        """Redirect when no login of this browser waits for its second step."""
        if current_user.is_authenticated:
            if request.method == "POST":
                flash(_("You are already logged in."), "info")
            return redirect(target, 303)
        flash(_("That took too long. Please log in again."), "warning")
        return redirect(url_for("LoginView.login", next=target), 303)

    def _page(self, form: CodeForm, member: Any, status: int) -> BaseResponse:
        has = second_factor_service.overview(member)
        page = self.render_template(
            "accounts/second_step.html",
            form=form,
            has=has,
            asks_passkey=bool(has.passkeys) and passkey_site.is_supported(),
        )
        return make_response(page, status)
