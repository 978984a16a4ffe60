"""Log in, reauthenticate, log out."""

from typing import Any

import flask_babel
from flask import current_app, flash, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as BaseResponse

from app import error_pages, form_resubmission
from app.accounts import auth_type, passkey_site, queries, rate_limits
from app.accounts.login import authentication, remote_user
from app.accounts.login import service as login_service
from app.accounts.login.forms import LoginForm, ReauthenticationForm
from app.accounts.login_throttle import LockedOutError
from app.accounts.sessions import service as session_service
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import transaction
from app.errors import DomainError
from app.http import here, safe_next
from app.i18n.selectors import current_locale
from app.i18n.signals import locale_chosen


@locale_chosen.connect
def _remember_locale(_sender: object, locale: str) -> None:
    """Store the language that a member has just chosen, for their e-mails and other devices."""
    if current_user.is_authenticated:
        with transaction():
            current_user.locale = locale


class LoginView(BaseView):
    """Log in, reauthenticate, log out."""

    route_base = ""
    default_view = "login"
    limits = [
        *rate_limits.guessing("LoginView.login", rate_limits.typed("username")),
        *rate_limits.guessing("LoginView.again", rate_limits.member),
    ]

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Any:
        """Return the blueprint. In it, submitting a form twice is no error."""
        blueprint = super().create_blueprint(*args, **kwargs)
        blueprint.register_error_handler(CSRFError, self._used_token)
        return blueprint

    def _used_token(self, error: CSRFError) -> BaseResponse:
        """Redirect when the first of two submissions has logged the member in or out, and so changed the CSRF token."""
        is_login = request.endpoint == "LoginView.login"
        if "csrf_token" not in request.form or current_user.is_authenticated != is_login:
            return error_pages.render_error(error, str(error_pages.FORM_EXPIRED))
        flash(_("You are already logged in.") if is_login else _("You are logged out."), "info")
        return redirect(safe_next(request.args.get("next"), self.appbuilder.get_url_for_index), 303)

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> BaseResponse:
        """Show the form. POST logs in and redirects to `next`, by way of the second step if there is one."""
        target = safe_next(request.args.get("next"), self.appbuilder.get_url_for_index)
        if current_user.is_authenticated:
            if request.method == "POST":
                flash(_("You are already logged in."), "info")
            return redirect(target, 303)
        return self._log_in_remote_user(target) if auth_type.is_by_remote_user() else self._log_in(target)

    def _log_in(self, target: str) -> BaseResponse:
        form = LoginForm()
        if not form.is_submitted():
            return self._page(form, 200)
        kept = request.form.get(form_resubmission.SAVED_FORM)
        if not form.validate():
            flash(_("Invalid login. Please try again."), "warning")
            return self._page(form, 401, kept=kept)
        try:
            with transaction():
                result = authentication.authenticate(form.username.data, form.password.data)
                is_complete = login_service.log_in(result, remember=form.remember_me.data, kept=kept)
        except DomainError as error:
            flash(str(error), error.category)
            return rate_limits.retry_after(self._page(form, refused_status(error), kept=kept), error)
        if not is_complete:
            return redirect(url_for("SecondStepView.form", next=target), 303)
        return self.welcome(target, kept, remember=form.remember_me.data)

    def _log_in_remote_user(self, target: str) -> BaseResponse:
        """Log in whom the web server names; no form is needed for that."""
        if request.method == "HEAD":
            return self._page(LoginForm(formdata=None), 200)
        try:
            is_complete = remote_user.log_in()
        except DomainError as error:
            flash(str(error), error.category)
            return self._page(LoginForm(formdata=None), refused_status(error))
        return self.welcome(target, None) if is_complete else redirect(url_for("SecondStepView.form", next=target), 303)

    def welcome(self, target: str, kept: str | None, *, remember: bool = False) -> BaseResponse:
        """Welcome the member who has logged in. Show the form that they had submitted, or redirect to `target`.

        `remember` is whether they asked to stay logged in, which sessions of staff do not.
        """
        login = session_service.current_login()
        name = current_user.display_name
        if remember and login is not None and not login.remember:
            flash(_("Welcome, %(name)s! With your role, you do not stay logged in on this device.", name=name), "info")
        else:
            flash(_("Welcome, %(name)s!", name=name), "info")
        saved = form_resubmission.load_form(kept)
        return make_response(form_resubmission.render(*saved)) if saved else redirect(target, 303)

    @expose("/login/again", methods=["GET", "POST"])
    def again(self) -> BaseResponse:
        """Ask for the password again before a sensitive page is shown."""
        target = safe_next(request.args.get("next"), self.appbuilder.get_url_for_index)
        if not current_user.is_authenticated:
            return self.ask()
        form = ReauthenticationForm()
        kept = request.form.get(form_resubmission.SAVED_FORM)
        if auth_type.is_by_remote_user():
            return self._again_by_remote_user(target, kept)
        if not form.is_submitted():
            return redirect(target, 303) if session_service.is_fresh() else self._page_again(form, 200)
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._page_again(form, 422, kept=kept)
        try:
            login_service.reauthenticate(current_user, form.password.data)
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return rate_limits.retry_after(self._page_again(form, refused_status(error), kept=kept), error)
        return self.go_on(target, kept)

    def _again_by_remote_user(self, target: str, kept: str | None) -> BaseResponse:
        try:
            remote_user.reauthenticate(current_user)
        except DomainError as error:
            flash(str(error), error.category)
            return self._page_again(ReauthenticationForm(formdata=None), refused_status(error), kept=kept)
        return self.go_on(target, kept)

    def go_on(self, target: str, kept: str | None) -> BaseResponse:
        """Show the form that the reauthenticated member had submitted, or redirect to `target`."""
        flash(_("Thank you. You can continue."), "info")
        saved = form_resubmission.load_form(kept)
        return make_response(form_resubmission.render(*saved)) if saved else redirect(target, 303)

    def refused(self, target: str, kept: str | None) -> BaseResponse:
        """Show the login page, or that of reauthentication, after a passkey was refused. The caller has flashed why."""
        is_logged_in = current_user.is_authenticated
        if not kept:
            return redirect(url_for("LoginView.again" if is_logged_in else "LoginView.login", next=target), 303)
        if is_logged_in:
            return self._page_again(ReauthenticationForm(formdata=None), 401, kept=kept)
        return self._page(LoginForm(formdata=None), 401, kept=kept)

    def ask_again(self) -> BaseResponse:
        """Ask for reauthentication. The page carries a submitted form along."""
        flash(_("Please reauthenticate to access this page."), "warning")
        if request.method in {"GET", "HEAD"}:
            return redirect(url_for("LoginView.again", next=here()), 303)
        saved = form_resubmission.submitted_fields()
        if not saved:
            return redirect(url_for("LoginView.again", next=safe_next(request.referrer, "") or None), 303)
        return self._page_again(ReauthenticationForm(formdata=None), 401, kept=form_resubmission.dump_form(saved))

    def _page_again(self, form: ReauthenticationForm, status: int, kept: str | None = None) -> BaseResponse:
        if kept and auth_type.is_by_providers():
            with transaction():
                login_service.keep_form(current_user, kept)
        asks_passkey = passkey_site.is_supported() and bool(queries.passkeys_of(current_user))
        page = self.render_template("accounts/reauthentication.html", form=form, kept=kept, asks_passkey=asks_passkey)
        return make_response(page, status)

    def ask(self) -> BaseResponse:
        """Ask for a login. The page carries a submitted form along."""
        flash(_("Please log in to access this page."), "info")
        if request.method in {"GET", "HEAD"}:
            return redirect(url_for("LoginView.login", next=here()), 303)
        saved = form_resubmission.submitted_fields()
        if not saved:
            return redirect(url_for("LoginView.login"), 303)
        return self._page(LoginForm(formdata=None), 401, kept=form_resubmission.dump_form(saved))

    def _page(self, form: LoginForm, status: int, kept: str | None = None) -> BaseResponse:
        page = self.render_template(
            "appbuilder/general/security/login_db.html",
            form=form,
            title=_("Log in"),
            kept=kept,
            asks_passkey=passkey_site.is_login_supported(),
        )
        return make_response(page, status)

    @expose("/logout/", methods=["POST"])
    def logout(self) -> BaseResponse:
        """Log out on this device. The pages stay in the language in which the button was pressed."""
        if current_user.is_authenticated:
            locale = current_locale()
            with transaction():
                session_service.close_session()
            session["locale"] = locale
            flask_babel.refresh()
        flash(_("You are logged out."), "info")
        return redirect(current_app.config.get("LOGOUT_REDIRECT_URL") or self.appbuilder.get_url_for_index, 303)


def refused_status(error: DomainError) -> int:
    """Return the HTTP status of a page after a failed login or reauthentication."""
    if isinstance(error, LockedOutError):
        return 429
    return 401 if error.category == "warning" else 403
