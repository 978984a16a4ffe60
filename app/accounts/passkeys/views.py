"""Passkeys: add, rename and remove one; log in with one.

A script requests options (JSON), passes them to the browser, and submits the response as a field of an ordinary form,
with CSRF protection, flash and redirect. Requests for options flash nothing.
"""

from typing import Any

from flask import flash, jsonify, make_response, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app import form_resubmission
from app.accounts import passkey_site, rate_limits, signals
from app.accounts.login import service as login_service
from app.accounts.passkeys import service as passkey_service
from app.accounts.passkeys.forms import PasskeyForm, PasskeyNameForm
from app.accounts.second_factor import recovery_codes
from app.accounts.sessions import service as session_service
from app.accounts.sessions.access import AccountView
from app.crud.actions import flash_and_redirect
from app.database import transaction
from app.errors import DomainError
from app.http import own_path, safe_next

OVERVIEW = "SecondFactorView.overview"
KEY = "<int(max=2147483647):pk>"


class PasskeyView(AccountView):
    """Passkeys: add, rename and remove one; log in with one."""

    route_base = "/passkeys"
    default_view = "add"
    fresh = frozenset({"add", "remove"})
    for_everybody = frozenset({"login", "login_options", "second_step", "second_step_options"})
    limits = [
        *(rate_limits.asking(f"PasskeyView.{name}") for name in ("login", "second_step", "again")),
        *(rate_limits.asking(f"PasskeyView.{name}_options") for name in ("add", "login", "second_step", "again")),
    ]

    # -- passkeys of the member

    @expose("/add", methods=["GET", "POST"])
    def add(self) -> BaseResponse:
        """Show the form. POST adds the passkey that the browser has created."""
        form = PasskeyForm()
        reason = passkey_site.unsupported_reason()
        if reason is not None:
            flash(reason, "warning")
            return redirect(url_for(OVERVIEW), 303)
        if not form.is_submitted():
            return self._add_page(form, 200)
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._add_page(form, 422)
        try:
            passkey_service.add(current_user, form.credential.data or "", form.name.data)
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for(OVERVIEW), 303) if error.category == "info" else self._add_page(form, 422)
        message = _("Passkey “%(name)s” added.", name=form.name.data)
        if not recovery_codes.count_unused(current_user):
            message = _("Passkey “%(name)s” added. Create recovery codes now in case you lose it.", name=form.name.data)
        flash(message, "info")
        return redirect(url_for(OVERVIEW), 303)

    def _add_page(self, form: PasskeyForm, status: int) -> BaseResponse:
        form.credential.data = ""
        return make_response(self.render_template("accounts/passkey_add.html", form=form), status)

    @expose("/add/options", methods=["POST"])
    def add_options(self) -> BaseResponse:
        """Return the options to create a passkey."""
        if not session_service.is_fresh():
            return _refused(_("Please reauthenticate to access this page."), 401)
        return _options_response(lambda: passkey_service.registration_options(current_user))

    @expose(f"/{KEY}/rename", methods=["GET", "POST"])
    @flash_and_redirect(OVERVIEW)
    def rename(self, pk: int) -> BaseResponse | tuple[str, str]:
        """Show the name of a passkey. POST changes it."""
        form = PasskeyNameForm(obj=passkey_service.find(current_user, pk))
        if not form.validate_on_submit():
            if form.is_submitted():
                flash(_("Please correct the fields that are marked."), "danger")
            page = self.render_template("accounts/passkey_rename.html", form=form)
            return make_response(page, 422 if form.is_submitted() else 200)
        passkey_service.rename(current_user, pk, form.name.data)
        return _("The passkey is now called “%(name)s”.", name=form.name.data), "info"

    @expose(f"/{KEY}/remove", methods=["GET", "POST"])
    @flash_and_redirect(OVERVIEW)
    def remove(self, pk: int) -> BaseResponse | tuple[str, str]:
        """Ask for confirmation. POST removes the passkey."""
        if request.method != "POST":
            page = self.render_template(
                "appbuilder/general/confirm.html",
                title=_("Remove the passkey “%(name)s”?", name=passkey_service.find(current_user, pk).name),
                message=_("You can no longer log in with it. You can delete it from your device as well."),
                action=own_path(),
                back=url_for(OVERVIEW),
            )
            return make_response(page)
        name = passkey_service.remove(current_user, pk)
        return _("Passkey “%(name)s” removed.", name=name), "info"

    # -- log in with a passkey

    @expose("/login/options", methods=["POST"])
    def login_options(self) -> BaseResponse:
        """Return the options to log in with any passkey."""
        return _options_response(lambda: passkey_service.authentication_options(passkey_service.LOG_IN))

    @expose("/login", methods=["POST"])
    def login(self) -> BaseResponse:
        """Log in the owner of the passkey. It counts as both factors."""
        if current_user.is_authenticated:
            flash(_("You are already logged in."), "info")
            return redirect(self._target(), 303)
        kept, remember = request.form.get(form_resubmission.SAVED_FORM), "remember_me" in request.form
        try:
            with signals.reporting_failure(""):
                member = passkey_service.authenticate(passkey_service.LOG_IN, _credential())
            with signals.logging_in(member.username), transaction():
                login_service.log_in_verified(member, remember=remember)
        except DomainError as error:
            flash(str(error), error.category)
            return self._login_view().refused(self._target(), kept)
        return self._login_view().welcome(self._target(), kept, remember=remember)

    # -- the second step of logging in with a password

    @expose("/second-step/options", methods=["POST"])
    def second_step_options(self) -> BaseResponse:
        """Return the options for the passkeys of the member whose login waits for its second step."""
        waiting = login_service.second_step()
        if waiting is None:
            return _refused(_("That took too long. Please log in again."), 401)
        return _options_response(
            lambda: passkey_service.authentication_options(passkey_service.SECOND_STEP, waiting.member)
        )

    @expose("/second-step", methods=["POST"])
    def second_step(self) -> BaseResponse:
        """Complete the second step with a passkey of the member."""
        waiting = login_service.second_step()
        if waiting is None:
            flash(_("That took too long. Please log in again."), "warning")
            return redirect(url_for("LoginView.login", next=self._target()), 303)
        try:
            with signals.reporting_failure(waiting.member.username if waiting.member else ""):
                passkey_service.authenticate(passkey_service.SECOND_STEP, _credential(), waiting.member)
                with transaction():
                    login_service.complete_second_step()
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for("SecondStepView.form", next=self._target()), 303)
        return self._login_view().welcome(self._target(), waiting.data.get("kept"), remember=waiting.data["remember"])

    # -- reauthenticate

    @expose("/again/options", methods=["POST"])
    def again_options(self) -> BaseResponse:
        """Return the options for the passkeys of the member who is logged in."""
        return _options_response(lambda: passkey_service.authentication_options(passkey_service.AGAIN, current_user))

    @expose("/again", methods=["POST"])
    def again(self) -> BaseResponse:
        """Reauthenticate with a passkey of the member."""
        kept = request.form.get(form_resubmission.SAVED_FORM)
        try:
            with signals.reauthenticating(current_user):
                passkey_service.authenticate(passkey_service.AGAIN, _credential(), current_user)
                with transaction():
                    session_service.refresh()
        except DomainError as error:
            flash(str(error), error.category)
            return self._login_view().refused(self._target(), kept)
        return self._login_view().go_on(self._target(), kept)

    def _login_view(self) -> Any:
        return self.appbuilder.sm.auth_view

    def _target(self) -> str:
        return safe_next(request.form.get("next"), self.appbuilder.get_url_for_index)


def _credential() -> str:
    return request.form.get("credential", "")


def _options_response(create: Any) -> BaseResponse:
    try:
        with transaction():
            return jsonify(create())
    except DomainError as error:
        return _refused(str(error), 403)


def _refused(message: str, status: int) -> BaseResponse:
    return make_response(jsonify(message=message), status)
