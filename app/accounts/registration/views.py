"""Register, by oneself or with an invitation, and activate the account."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import current_app, flash, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import queries, rate_limits, rules
from app.accounts.enums import LinkState
from app.accounts.form_fields import EmailForm
from app.accounts.login import authentication
from app.accounts.models import Member
from app.accounts.oidc import providers
from app.accounts.oidc.service import OidcIdentity
from app.accounts.registration import hooks as registration_hooks
from app.accounts.registration import invitations as member_invitations
from app.accounts.registration import service as registration_service
from app.accounts.registration import wishes
from app.accounts.registration.forms import RegistrationForm
from app.accounts.registration.hooks import Applicant
from app.accounts.sessions import service as session_service
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import run_with_retry, transaction
from app.errors import Category, DomainError
from app.http import without_referrer
from app.i18n.selectors import current_locale, is_timezone, known_timezone
from app.outbox import texts as outbox_texts

SENT_TO = "registration_email"
Flash = tuple[str, Category]
Stored = TypeVar("Stored")
# The identity of a visitor without an account, as the OpenID Connect views store it in the session.
IDENTITY_KEY = "openid"
IDENTITY_FIELDS = ("email", "first_name", "last_name")
OPEN, INVITATION, CLOSED = "open", "invitation", "closed"
REFUSALS = {
    INVITATION: lazy_gettext("Registration is by invitation only."),
    CLOSED: lazy_gettext("Registration is closed."),
}
ACTIVATED = lazy_gettext("Your account is activated, you can now log in.")
# The page after a refused link. Used already: log in. Expired: request another. Unknown: register.
AFTER_REFUSED_LINK = {
    "info": "LoginView.login",
    "warning": "RegistrationView.sent",
    "danger": "RegistrationView.form",
}


class RegistrationView(BaseView):
    """Register, and activate the account."""

    route_base = "/register"
    default_view = "form"
    limits = [
        rate_limits.per_address("RegistrationView.form", rate_limits.HOUSEHOLD),
        rate_limits.per_address("RegistrationView.invited", rate_limits.HOUSEHOLD),
        rate_limits.per_address("RegistrationView.resend", rate_limits.HOUSEHOLD),
        rate_limits.per_address("RegistrationView.activation", "30 per minute"),
        Limit("300 per hour", key_func=get_remote_address, methods=["POST"]),
    ]

    # -- the form

    @expose("/form", methods=["GET", "POST"])
    def form(self) -> BaseResponse:
        """Show the form. POST registers, with the same response whether or not the address has an account."""
        refusal = REFUSALS.get(current_app.config["REGISTRATION"])
        if current_user.is_authenticated or refusal:
            flash(_("You are already logged in.") if current_user.is_authenticated else str(refusal), "info")
            return redirect(self.appbuilder.get_url_for_index, 303)
        form = RegistrationForm(data=_prefilled_by_provider())
        if not form.is_submitted():
            return self._page(form, 200)
        if form.comment.data:
            return self._ask_whether_person(form)
        applicant = _applicant(form)
        try:
            member, told = _attempt(form, applicant, lambda: _register(applicant))
        except DomainError as error:
            flash(str(error), error.category)
            return self._page(form, 422)
        return self._registered(form, member, told)

    def _registered(self, form: RegistrationForm, member: Member | None, told: Flash | None) -> BaseResponse:
        """Redirect to the next step.

        With activation by e-mail, the response does not reveal whether the address had an account. Without activation,
        a visitor can find that out by trying to log in; the flash does not say it, and the owner gets an e-mail. With
        automatic login, being logged in reveals it. That is a consequence of the setting ACTIVATION.
        """
        session.pop(IDENTITY_KEY, None)
        wish = wishes.texts(wishes.current())
        activation = current_app.config["ACTIVATION"]
        if activation == registration_service.EMAIL:
            wishes.forget()
            return self._sent(form.email.data)
        if activation == registration_service.AUTO_LOGIN and member is not None:
            requirements = queries.auth_requirements(member.id)
            with transaction():
                session_service.open_session(
                    member,
                    requirements,
                    required_action=authentication.required_action(requirements, form.password.data),
                )
            flash(*(told or (_("Welcome, %(name)s!", name=member.display_name), "info")))
            return redirect(wish.url if wish else self.appbuilder.get_url_for_index, 303)
        email = form.email.data
        flash(_("If %(email)s can be registered, the account is ready and you can log in now.", email=email), "info")
        return redirect(url_for("LoginView.login", next=wish.url if wish else None), 303)

    def _ask_whether_person(self, form: RegistrationForm) -> BaseResponse:
        """Show what was typed, and a button that sends it without the honeypot. Nothing is looked up or stored."""
        form.seal_password()
        flash(_("One more step: please confirm that you are a person."), "warning")
        return make_response(self.render_template("accounts/registration_person.html", form=form), 200)

    def _page(self, form: RegistrationForm, status: int, *, invited: bool = False) -> BaseResponse:
        identity = session.get(IDENTITY_KEY)
        provider = providers.label_of(identity["issuer"]) if identity else ""
        page = self.render_template(
            "accounts/registration_form.html",
            form=form,
            invited=invited,
            provider=provider,
            wish=wishes.texts(wishes.current()),
        )
        return make_response(page, status)

    # -- the form of invited people

    @expose("/invited/<string:token>", methods=["GET", "POST"])
    def invited(self, token: str) -> BaseResponse:
        """Show the form of an invitation. POST activates at once, because the link has proved the address."""
        return without_referrer(self._invited(token))

    def _invited(self, token: str) -> BaseResponse:
        closed = current_app.config["REGISTRATION"] == CLOSED
        if current_user.is_authenticated or closed:
            flash(_("You are already logged in.") if current_user.is_authenticated else str(REFUSALS[CLOSED]), "info")
            return redirect(self.appbuilder.get_url_for_index, 303)
        try:
            invitation = member_invitations.usable(token)
        except member_invitations.UnusableInvitationError as error:
            return self._refused_invitation(error)
        form = RegistrationForm(data=_prefilled_by_provider(), invited=invitation.email)
        if not form.is_submitted():
            return self._page(form, 200, invited=True)
        applicant = _applicant(form)
        try:
            told = _attempt(form, applicant, lambda: _accept(token, applicant))
        except member_invitations.UnusableInvitationError as error:
            return self._refused_invitation(error)
        except DomainError as error:
            flash(str(error), error.category)
            return self._page(form, 422, invited=True)
        session.pop(IDENTITY_KEY, None)
        wish = wishes.texts(applicant.wish)
        flash(*told)
        return redirect(url_for("LoginView.login", next=wish.url if wish else None), 303)

    def _refused_invitation(self, error: DomainError) -> BaseResponse:
        flash(str(error), error.category)
        used = error.category == "info"
        return redirect(url_for("LoginView.login") if used else self.appbuilder.get_url_for_index, 303)

    # -- activation

    @expose("/sent")
    def sent(self) -> str:
        """Show how to continue with the activation e-mail."""
        form = EmailForm(data={"email": session.get(SENT_TO, "")})
        page = {"form": form, "email": session.get(SENT_TO), "not_sent": outbox_texts.not_sent()}
        return str(self.render_template("accounts/registration_sent.html", **page))

    @expose("/resend", methods=["POST"])
    def resend(self) -> BaseResponse:
        """Send the activation e-mail again."""
        form = EmailForm()
        if form.validate():
            with transaction():
                registration_service.resend(form.email.data)
            return self._sent(form.email.data)
        flash(_("Please enter a valid e-mail address."), "danger")
        return redirect(url_for("RegistrationView.sent"), 303)

    @staticmethod
    def _sent(email: str) -> BaseResponse:
        session[SENT_TO] = email
        flash(
            *outbox_texts.sent(_("If %(email)s can be registered, we have sent an activation link there.", email=email))
        )
        return redirect(url_for("RegistrationView.sent"), 303)

    @expose("/activation/<string:token>", methods=["GET", "POST"])
    def activation(self, token: str) -> BaseResponse:
        """Show a button. Only its POST activates, because mail scanners open every link."""
        return without_referrer(self._activate(token) if request.method == "POST" else self._ask_to_activate(token))

    def _ask_to_activate(self, token: str, status: int = HTTPStatus.OK) -> BaseResponse:
        registration = registration_service.find_registration(token)
        state = registration_service.state_of(registration)
        if state in registration_service.UNUSABLE and status == HTTPStatus.OK:
            text, category = registration_service.UNUSABLE[state]
            flash(str(text), category)
        page = self.render_template(
            "accounts/activation.html",
            state=state,
            registration=registration,
            form=EmailForm(),
            wish=wishes.texts(registration.wish) if registration else None,
        )
        return make_response(page, HTTPStatus.NOT_FOUND if state == LinkState.UNKNOWN else status)

    def _activate(self, token: str) -> BaseResponse:
        open_to_all, wish = current_app.config["REGISTRATION"] == OPEN, None
        password = request.form.get("password", "")[: rules.MAX_PASSWORD_LENGTH]
        try:
            with transaction():
                member, stored = registration_service.activate(token, password)
                told = wishes.grant(member, stored, ACTIVATED)
                wish = wishes.texts(stored)
        except DomainError as error:
            flash(str(error), error.category)
            if error.field == "password":
                return self._ask_to_activate(token, 422)
            target = AFTER_REFUSED_LINK[error.category]
        except IntegrityError:
            flash(str(registration_hooks.TRY_LATER), "danger")
            target = "RegistrationView.form"
        else:
            flash(*told)
            return redirect(url_for("LoginView.login", next=wish.url if wish else None), 303)
        # Where registration is not open, its page would only redirect.
        return redirect(url_for(target if open_to_all or not target.endswith(".form") else "LoginView.login"), 303)


def _prefilled_by_provider() -> dict[str, str]:
    """Return the claims of an OpenID Connect provider that fill in the form."""
    claims: dict[str, Any] = session.get(IDENTITY_KEY) or {}
    return {name: str(claims.get(name) or "") for name in IDENTITY_FIELDS}


def _applicant(form: RegistrationForm) -> Applicant:
    identity, timezone = session.get(IDENTITY_KEY) or {}, form.timezone.data
    first_name, last_name = form.first_name.data or "", form.last_name.data or ""
    linked = identity.get("issuer") and identity.get("subject")
    return Applicant(
        username=form.username.data or registration_service.propose_username(first_name, last_name),
        email=form.email.data or "",
        first_name=first_name,
        last_name=last_name,
        password=form.password.data or "",
        locale=current_locale(),
        timezone=timezone if is_timezone(timezone) else known_timezone(),
        accepts_terms="accepts_terms" in form and bool(form.accepts_terms.data),
        identity=OidcIdentity(identity["issuer"], identity["subject"]) if linked else None,
        wish=wishes.current(),
    )


def _register(applicant: Applicant) -> tuple[Member | None, Flash | None]:
    """Register; where that activates at once, grant the wish of the new member."""
    member = registration_service.register(applicant)
    if member is None or applicant.wish is None:
        return member, None
    return member, wishes.grant(member, applicant.wish, _("Welcome, %(name)s!", name=member.display_name))


def _accept(token: str, applicant: Applicant) -> Flash:
    member = member_invitations.accept(token, applicant)
    return wishes.grant(member, applicant.wish, ACTIVATED)


def _attempt(form: RegistrationForm, applicant: Applicant, store: Callable[[], Stored]) -> Stored:
    """Call `store` if the form is valid, and return its result.

    Raises DomainError after adding the errors of the form and of all receivers to the fields.
    """
    try:
        if form.validate():
            return run_with_retry(store)
        raise registration_hooks.InvalidRegistrationError(registration_hooks.problems(applicant))
    except DomainError as error:
        if isinstance(error, registration_hooks.InvalidRegistrationError):
            form.show_problems(error.problems)
        elif error.field:
            show_at_field(form, error)
        shown = [(name or "", str(text)) for name, texts in form.errors.items() for text in texts]
        registration_hooks.failed(applicant, shown or [(error.field or "", str(error))])
        raise
    except (IntegrityError, StaleDataError) as error:
        refusal = DomainError(str(registration_hooks.TRY_LATER))
        registration_hooks.failed(applicant, [("", str(refusal))])
        raise refusal from error
