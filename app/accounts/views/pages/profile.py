"""Who one is: names, language, zone, diets, e-mail address."""

import flask_babel
from flask import flash, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import rules
from app.accounts.forms.profile import NewEmailForm, ProfileForm
from app.accounts.models import Member
from app.accounts.service import directory, emails, links, logins, profile
from app.accounts.views import limits
from app.accounts.views.access import AccountView
from app.crud import saying
from app.crud.fields import show_at_field
from app.database import transaction
from app.errors import DomainError
from app.i18n.selectors import current_locale, current_timezone


class ProfileView(AccountView):
    """What members say about themselves."""

    route_base = "/account/profile"
    default_view = "edit"

    @expose("/", methods=["GET", "POST"])
    def edit(self) -> BaseResponse:
        """Show the profile; POST stores it."""
        given = {"locale": current_locale(), "timezone": current_timezone()}
        names = ("first_name", "last_name", "diets", "allergens")
        form = ProfileForm(data={name: getattr(current_user, name) for name in names} | given)
        if directory.is_in_charge():
            # It says them anew with every login.
            del form.first_name, form.last_name
        if form.validate_on_submit():
            self._save(form)
            flash(_("Settings saved."), "info")
            return redirect(url_for("ProfileView.edit"), 303)
        if form.is_submitted():
            saying.say(saying.CORRECT_THE_FIELDS, "danger")
        page = self.render_template("accounts/profile.html", form=form)
        return make_response(page, 422 if form.is_submitted() else 200)

    @staticmethod
    def _save(form: ProfileForm) -> None:
        with transaction():
            profile.save(
                current_user,
                profile.Profile(
                    first_name=form.first_name.data if "first_name" in form else current_user.first_name,
                    last_name=form.last_name.data if "last_name" in form else current_user.last_name,
                    locale=form.locale.data,
                    timezone=form.timezone.data,
                    diets=form.diets.data,
                    allergens=form.allergens.data,
                ),
            )
        # For the pages they read on this device when they are not logged in; and the answer speaks it at once.
        session["locale"] = form.locale.data
        flask_babel.refresh()


class EmailView(AccountView):
    """The address that letters go to. Its links work for whoever reads the letter, logged in or not."""

    route_base = "/account/email"
    default_view = "change"
    fresh = frozenset({"change"})
    for_everybody = frozenset({"confirm", "undo"})
    limits = [
        limits.per_address("EmailView.change", "10 per hour"),
        limits.per_member("EmailView.change", "5 per hour"),
        limits.per_address("EmailView.confirm", "30 per minute"),
        limits.per_address("EmailView.undo", "30 per minute"),
    ]

    @expose("/", methods=["GET", "POST"])
    def change(self) -> BaseResponse:
        """Ask for the new address; POST writes to it and to the old one, and says the same whoever has it."""
        form = NewEmailForm()
        if not form.is_submitted():
            return self._page(form, 200)
        if not form.validate():
            saying.say(saying.CORRECT_THE_FIELDS, "danger")
            return self._page(form, 422)
        try:
            with transaction():
                emails.ask(current_user, form.email.data)
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._page(form, 422)
        flash(_("If %(email)s can be used, a link to confirm it is on its way there.", email=form.email.data), "info")
        return redirect(url_for("EmailView.change"), 303)

    def _page(self, form: NewEmailForm, status: int) -> BaseResponse:
        return make_response(self.render_template("accounts/email.html", form=form), status)

    @expose("/confirm/<string:token>", methods=["GET", "POST"])
    def confirm(self, token: str) -> BaseResponse:
        """Show a button; its POST makes the address that the link was sent to the member's."""
        if request.method != "POST":
            return self._ask(rules.CHANGE_EMAIL, token, "accounts/email_confirm.html")
        try:
            with transaction():
                member = emails.confirm(token)
        except (DomainError, IntegrityError) as error:
            return self._refused(error)
        flash(_("Your e-mail address is now %(email)s.", email=member.email), "info")
        return self._lead_on(member)

    @expose("/undo/<string:token>", methods=["GET", "POST"])
    def undo(self, token: str) -> BaseResponse:
        """Show a button; its POST gives the member the address back that the link was sent to."""
        if request.method != "POST":
            return self._ask(rules.UNDO_EMAIL, token, "accounts/email_undo.html")
        try:
            with transaction():
                member = emails.undo(token)
                if self._is_me(member):
                    # They need not be told why.
                    logins.close_session()
        except (DomainError, IntegrityError) as error:
            return self._refused(error)
        flash(
            _("%(email)s is your address again. We have sent you a link to choose a new password.", email=member.email),
            "info",
        )
        return self._lead_on(member)

    def _ask(self, purpose: str, token: str, template: str) -> BaseResponse:
        state, found = links.look(purpose, token)
        page = self.render_template(template, state=state, token=found)
        return _keep_address(make_response(page, 404 if state == links.UNKNOWN else 200))

    def _refused(self, error: DomainError | IntegrityError) -> BaseResponse:
        if isinstance(error, DomainError):
            flash(str(error), error.category)
        else:
            # Somebody has the address by now. Who, and that it is so, is not said.
            flash(_("Not possible to change your e-mail address at the moment, try again later"), "danger")
        return self._lead_on(None)

    def _lead_on(self, member: Member | None) -> BaseResponse:
        mine = current_user.is_authenticated and (member is None or self._is_me(member))
        return _keep_address(redirect(url_for("ProfileView.edit" if mine else "LoginView.login"), 303))

    @staticmethod
    def _is_me(member: Member) -> bool:
        return bool(current_user.is_authenticated and current_user.id == member.id)


def _keep_address(response: BaseResponse) -> BaseResponse:
    """Let the address of a page, which is a key, not travel to the next one."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
