"""Forget, reset and change a password."""

from typing import Any

from flask import flash, make_response, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import email_links, password_policy, rate_limits
from app.accounts.enums import LinkState, RequiredAction, TokenPurpose
from app.accounts.login import service as login_service
from app.accounts.login.views import refused_status
from app.accounts.passwords import service as password_service
from app.accounts.passwords.forms import ChangePasswordForm, ForgotForm, NewPasswordForm
from app.accounts.sessions import service as session_service
from app.accounts.sessions.access import AccountView
from app.crud import flashes
from app.crud.fields import show_at_field
from app.database import transaction
from app.errors import DomainError
from app.http import without_referrer
from app.outbox import texts as outbox_texts

# The page after a refused link. Used already: log in. Expired or unknown: request another.
AFTER_REFUSED_LINK = {
    "info": "LoginView.login",
    "warning": "PasswordView.forgot",
    "danger": "PasswordView.forgot",
}


class PasswordView(AccountView):
    """Forget, reset and change a password."""

    route_base = "/password"
    default_view = "forgot"
    for_everybody = frozenset({"forgot", "reset"})
    limits = [
        rate_limits.per_address("PasswordView.forgot", rate_limits.HOUSEHOLD),
        rate_limits.per_address("PasswordView.reset", "30 per minute"),
        *rate_limits.guessing("PasswordView.change", rate_limits.member),
    ]

    @expose("/forgot", methods=["GET", "POST"])
    def forgot(self) -> BaseResponse:
        """Ask for the e-mail address. POST sends the link, with the same response whether or not the address is known."""
        form = ForgotForm()
        if form.validate_on_submit():
            with transaction():
                password_service.send_reset_link(form.email.data)
            flash(*outbox_texts.sent(_("If the address is registered, a link is on its way.")))
            return redirect(url_for("LoginView.login"), 303)
        if form.is_submitted():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
        page = self.render_template("accounts/password_forgot.html", form=form)
        return make_response(page, 422 if form.is_submitted() else 200)

    @expose("/reset/<string:token>", methods=["GET", "POST"])
    def reset(self, token: str) -> BaseResponse:
        """Ask for a new password, by the link of an e-mail. POST sets it."""
        return without_referrer(self._reset(token))

    def _reset(self, token: str) -> BaseResponse:
        state, found = email_links.peek(TokenPurpose.RESET_PASSWORD, token)
        member = found.member if found is not None else None
        form = NewPasswordForm(least=password_policy.min_length_for(member) if member is not None else 0)
        page = {"form": form, "state": state, "member": member}
        if not form.is_submitted():
            return self._reset_page(page, 404 if state == LinkState.UNKNOWN else 200)
        if state == LinkState.READY and not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._reset_page(page, 422)
        try:
            with transaction():
                owner = password_service.reset(token, form.new_password.data or "")
                if current_user.is_authenticated and current_user.id == owner.id:
                    # Log out here, so that this browser does not show the message of an ended session.
                    session_service.close_session()
        except DomainError as error:
            flash(str(error), error.category)
            if error.field:
                show_at_field(form, error)
            if form.errors:
                return self._reset_page(page, 422)
            return redirect(url_for(AFTER_REFUSED_LINK[error.category]), 303)
        flash(_("Your password has been updated. Other devices were signed out."), "info")
        return redirect(url_for("LoginView.login"), 303)

    def _reset_page(self, page: dict[str, Any], status: int) -> BaseResponse:
        return make_response(self.render_template("accounts/password_reset.html", **page), status)

    @expose("/change", methods=["GET", "POST"])
    def change(self) -> BaseResponse:
        """Ask for the current password and a new one. POST sets it."""
        form = ChangePasswordForm(least=password_policy.min_length_for(current_user))
        if not form.is_submitted():
            return self._change_page(form, 200)
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._change_page(form, 422)
        login = session_service.current_login()
        was_required = login is not None and login.required_action == RequiredAction.CHOOSE_PASSWORD
        try:
            # Checks that do not depend on the stored password come first: they reveal nothing about it.
            password_service.ensure_acceptable(current_user, form.new_password.data, form.password.data)
            login_service.reauthenticate(current_user, form.password.data)
            with transaction():
                password_service.change(current_user, form.new_password.data)
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            status = 422 if error.field == password_service.FIELD else refused_status(error)
            return rate_limits.retry_after(self._change_page(form, status), error)
        flash(_("Your password has been updated. Other devices were signed out."), "info")
        return redirect(self.appbuilder.get_url_for_index if was_required else url_for("PasswordView.change"), 303)

    def _change_page(self, form: ChangePasswordForm, status: int) -> BaseResponse:
        return make_response(self.render_template("accounts/password_change.html", form=form), status)
