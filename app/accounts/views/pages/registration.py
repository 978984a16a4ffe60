"""Register, and prove the address."""

from flask import flash, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import rules
from app.accounts.forms.common import EmailForm
from app.accounts.forms.registration import RegistrationForm
from app.accounts.service import registration as registrations
from app.accounts.service.registration import Applicant
from app.accounts.views import limits
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import transact, transaction
from app.errors import DomainError
from app.i18n.selectors import current_locale, current_timezone, is_timezone

SENT_TO = "registration_email"
# Used already: log in. Expired: ask for another. Unknown: register.
AFTER_REFUSED_LINK = {
    "info": "LoginView.login",
    "warning": "RegistrationView.sent",
    "danger": "RegistrationView.form",
}


class RegistrationView(BaseView):
    """Register, and prove the address."""

    route_base = "/register"
    default_view = "form"
    limits = [
        limits.per_address("RegistrationView.form", "5 per hour"),
        limits.per_address("RegistrationView.resend", "5 per hour"),
        limits.per_address("RegistrationView.activation", "30 per minute"),
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
