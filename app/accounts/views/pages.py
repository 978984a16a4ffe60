"""Pages of people who come in, and the generated UI over them."""

from typing import Any

from flask import Response, flash, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from app import error_pages, kept_forms
from app.accounts import rules
from app.accounts.forms import EmailForm, LoginForm, RegistrationForm
from app.accounts.service import logins
from app.accounts.service import registration as registrations
from app.accounts.service.registration import Applicant
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import transact, transaction
from app.errors import DomainError
from app.http import safe_next
from app.i18n.selectors import current_locale, current_timezone, is_timezone
from app.i18n.signals import locale_chosen

SENT_TO = "registration_email"
# Used already: log in. Expired: ask for another. Unknown: register.
AFTER_REFUSED_LINK = {
    "info": "LoginView.login",
    "warning": "RegistrationView.sent",
    "danger": "RegistrationView.form",
}
LIMITS = {
    "RegistrationView.form": "5 per hour",
    "RegistrationView.resend": "5 per hour",
    "RegistrationView.activation": "30 per minute",
}


@locale_chosen.connect
def _remember_locale(_sender: object, locale: str) -> None:
    """Keep the language that a member has just chosen, for their letters and other devices."""
    if current_user.is_authenticated:
        with transaction():
            current_user.locale = locale


def _was_accepted(response: Response) -> bool:
    """Whether a form did something; a typing error must not use up anybody's tries."""
    return response.status_code == 303


def _account_and_address() -> str:
    return f"{request.form.get('username', '').strip().lower()[:320]}|{get_remote_address()}"


def _is_not_login() -> bool:
    return request.endpoint != "LoginView.login"


class RegistrationView(BaseView):
    """Register, and prove the address."""

    route_base = "/register"
    default_view = "form"
    limits = [
        Limit(
            lambda: LIMITS.get(request.endpoint or "", "60 per minute"),
            key_func=lambda: f"{request.endpoint}|{get_remote_address()}",
            methods=["POST"],
            deduct_when=_was_accepted,
        ),
        Limit("120 per hour", key_func=get_remote_address, methods=["POST"]),
    ]

    @expose("/form", methods=["GET", "POST"])
    def form(self) -> BaseResponse:
        """Show the form; POST registers, and says the same whether or not the address is known."""
        if current_user.is_authenticated:
            flash(_("You are logged in already."), "info")
            return redirect(self.appbuilder.get_url_for_index, 303)
        form = RegistrationForm()
        if form.validate_on_submit() and self._register(form):
            session[SENT_TO] = form.email.data
            flash(
                _("If %(email)s can be registered, we have sent an activation link there.", email=form.email.data),
                "info",
            )
            return redirect(url_for("RegistrationView.sent"), 303)
        if form.is_submitted():
            flash(_("Please correct the fields that are marked."), "danger")
        page = self.render_template("accounts/register.html", form=form)
        return make_response(page, 422 if form.is_submitted() else 200)

    @staticmethod
    def _register(form: RegistrationForm) -> bool:
        if form.website.data:
            return True
        timezone = form.timezone.data
        applicant = Applicant(
            username=form.username.data,
            email=form.email.data,
            first_name=form.first_name.data,
            last_name=form.last_name.data,
            password=form.password.data,
            locale=current_locale(),
            timezone=timezone if is_timezone(timezone) else current_timezone(),
        )
        try:
            transact(lambda: registrations.register(applicant))
        except DomainError as error:
            show_at_field(form, error)
            return False
        return True

    @expose("/sent")
    def sent(self) -> str:
        """Say what to do now."""
        form = EmailForm(data={"email": session.get(SENT_TO, "")})
        return str(self.render_template("accounts/register_sent.html", form=form, email=session.get(SENT_TO)))

    @expose("/resend", methods=["POST"])
    def resend(self) -> BaseResponse:
        """Write the letter again."""
        form = EmailForm()
        if form.validate():
            with transaction():
                registrations.resend(form.email.data)
            session[SENT_TO] = form.email.data
            flash(
                _("If %(email)s can be registered, we have sent an activation link there.", email=form.email.data),
                "info",
            )
        else:
            flash(_("Please enter a valid e-mail address."), "danger")
        return redirect(url_for("RegistrationView.sent"), 303)

    @expose("/activation/<string:token>", methods=["GET", "POST"])
    def activation(self, token: str) -> BaseResponse:
        """Show a button; only its POST activates, because mail scanners open every link."""
        response = self._activate(token) if request.method == "POST" else self._ask_to_activate(token)
        # The address of this page is a key: it must not travel to the next one.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _ask_to_activate(self, token: str, status: int = 200) -> BaseResponse:
        registration = registrations.find_registration(token)
        state = "unknown"
        if registration is not None:
            state = "expired" if registrations.is_expired(registration) else "ready"
            state = "activated" if registration.activated_at else state
        page = self.render_template(
            "accounts/activation.html", state=state, registration=registration, form=EmailForm()
        )
        return make_response(page, 404 if state == "unknown" else status)

    def _activate(self, token: str) -> BaseResponse:
        try:
            with transaction():
                registrations.activate(token, request.form.get("password", "")[: rules.LONGEST_PASSWORD])
        except DomainError as error:
            flash(str(error), error.category)
            if error.field == "password":
                return self._ask_to_activate(token, 422)
            return redirect(url_for(AFTER_REFUSED_LINK[error.category]), 303)
        except IntegrityError:
            flash(_("Not possible to register you at the moment, try again later"), "danger")
            return redirect(url_for("RegistrationView.form"), 303)
        flash(_("Your account is activated, you can now log in."), "info")
        return redirect(url_for("LoginView.login"), 303)


class LoginView(BaseView):
    """Log in, log out."""

    route_base = ""
    default_view = "login"
    limits = [
        Limit("10 per 5 minute", key_func=_account_and_address, methods=["POST"], exempt_when=_is_not_login),
        Limit("100 per hour", key_func=get_remote_address, methods=["POST"], exempt_when=_is_not_login),
    ]

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Any:
        """Return the blueprint, in which a form that was sent twice is no error."""
        blueprint = super().create_blueprint(*args, **kwargs)
        blueprint.register_error_handler(CSRFError, self._used_token)
        return blueprint

    def _used_token(self, error: CSRFError) -> BaseResponse:
        """Lead on whoever is logged in, or out, as the form asks: the one sent before it has used up the token."""
        wants_in = request.endpoint == "LoginView.login"
        if "csrf_token" not in request.form or current_user.is_authenticated != wants_in:
            return error_pages.answer(error, str(error_pages.FORM_EXPIRED))
        flash(_("You are logged in already.") if wants_in else _("You are logged out."), "info")
        return redirect(safe_next(request.args.get("next"), self.appbuilder.get_url_for_index), 303)

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> BaseResponse:
        """Show the form; POST logs in and goes to where one wanted to."""
        target = safe_next(request.args.get("next"), self.appbuilder.get_url_for_index)
        if current_user.is_authenticated:
            return redirect(target, 303)
        form = LoginForm()
        if not form.is_submitted():
            return self._page(form, 200)
        member = form.validate() and self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
        if not member:
            flash(_("Invalid login. Please try again."), "warning")
            return self._page(form, 401, kept=request.form.get(kept_forms.KEPT))
        with transaction():
            logins.open_session(member, remember=form.remember_me.data)
        flash(_("Welcome, %(name)s!", name=member.display_name), "info")
        kept = kept_forms.unseal(request.form.get(kept_forms.KEPT))
        return make_response(kept_forms.page(*kept)) if kept else redirect(target, 303)

    def ask(self) -> BaseResponse:
        """Ask whoever wanted something that needs a login to log in; a form that they sent is carried along."""
        flash(_("Please log in to access this page."), "info")
        if request.method in {"GET", "HEAD"}:
            return redirect(url_for("LoginView.login", next=request.full_path.rstrip("?")), 303)
        typed = kept_forms.fields()
        if not typed:
            return redirect(url_for("LoginView.login"), 303)
        return self._page(LoginForm(formdata=None), 401, kept=kept_forms.seal(typed))

    def _page(self, form: LoginForm, status: int, kept: str | None = None) -> BaseResponse:
        page = self.render_template(
            "appbuilder/general/security/login_db.html", form=form, title=_("Log in"), kept=kept
        )
        return make_response(page, status)

    @expose("/logout/", methods=["POST"])
    def logout(self) -> BaseResponse:
        """Log out on this device."""
        if current_user.is_authenticated:
            with transaction():
                logins.close_session()
        flash(_("You are logged out."), "info")
        return redirect(self.appbuilder.get_url_for_index, 303)
