"""Change the e-mail address of an account: request it, confirm it by link, undo it by link."""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import email_links, rate_limits
from app.accounts.email_change import service as email_change_service
from app.accounts.email_change.forms import NewEmailForm
from app.accounts.enums import LinkState, TokenPurpose
from app.accounts.models import Member
from app.accounts.sessions import service as session_service
from app.accounts.sessions.access import AccountView
from app.crud import flashes
from app.crud.fields import show_at_field
from app.database import transaction
from app.errors import DomainError
from app.http import without_referrer
from app.outbox import texts as outbox_texts


class EmailChangeView(AccountView):
    """Change of the e-mail address. The links work with and without a login."""

    route_base = "/account/email"
    default_view = "change"
    fresh = frozenset({"change"})
    for_everybody = frozenset({"confirm", "undo"})
    limits = [
        rate_limits.per_address("EmailChangeView.change", rate_limits.HOUSEHOLD),
        rate_limits.per_member("EmailChangeView.change", "5 per hour"),
        rate_limits.per_address("EmailChangeView.confirm", "30 per minute"),
        rate_limits.per_address("EmailChangeView.undo", "30 per minute"),
    ]

    @expose("/", methods=["GET", "POST"])
    def change(self) -> BaseResponse:
        """Ask for the new address. POST sends the e-mails, with the same response whether or not the address is taken."""
        form = NewEmailForm()
        if not form.is_submitted():
            return self._page(form, 200)
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._page(form, 422)
        try:
            with transaction():
                email_change_service.request_change(current_user, form.email.data)
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._page(form, 422)
        text = _("If %(email)s can be used, a link to confirm it is on its way there.", email=form.email.data)
        flash(*outbox_texts.sent(text))
        return redirect(url_for("EmailChangeView.change"), 303)

    def _page(self, form: NewEmailForm, status: int) -> BaseResponse:
        return make_response(self.render_template("accounts/email_change.html", form=form), status)

    @expose("/confirm/<string:token>", methods=["GET", "POST"])
    def confirm(self, token: str) -> BaseResponse:
        """Show a button. Its POST changes the address."""
        if request.method != "POST":
            return self._confirmation_page(TokenPurpose.CHANGE_EMAIL, token, "accounts/email_change_confirm.html")
        try:
            with transaction():
                member = email_change_service.confirm(token)
        except (DomainError, IntegrityError) as error:
            return self._refused(error)
        flash(_("Your e-mail address is now %(email)s.", email=member.email), "info")
        return self._redirect(member)

    @expose("/undo/<string:token>", methods=["GET", "POST"])
    def undo(self, token: str) -> BaseResponse:
        """Show a button. Its POST restores the previous address."""
        if request.method != "POST":
            return self._confirmation_page(TokenPurpose.UNDO_EMAIL, token, "accounts/email_change_undo.html")
        try:
            with transaction():
                member = email_change_service.undo(token)
                if self._is_me(member):
                    # Log out here, so that this browser does not show the message of an ended session.
                    session_service.close_session()
        except (DomainError, IntegrityError) as error:
            return self._refused(error)
        text = _(
            "%(email)s is your e-mail address again. We have sent you a link to choose a new password.",
            email=member.email,
        )
        flash(*outbox_texts.sent(text, otherwise=_("%(email)s is your e-mail address again.", email=member.email)))
        return self._redirect(member)

    def _confirmation_page(self, purpose: TokenPurpose, token: str, template: str) -> BaseResponse:
        state, found = email_links.peek(purpose, token)
        page = self.render_template(template, state=state, token=found)
        return without_referrer(make_response(page, 404 if state == LinkState.UNKNOWN else 200))

    def _refused(self, error: DomainError | IntegrityError) -> BaseResponse:
        if isinstance(error, DomainError):
            flash(str(error), error.category)
        else:
            # Another member has the address by now. The message does not reveal that.
            flash(_("Not possible to change your e-mail address at the moment, try again later"), "danger")
        return self._redirect(None)

    def _redirect(self, member: Member | None) -> BaseResponse:
        is_own = current_user.is_authenticated and (member is None or self._is_me(member))
        return without_referrer(redirect(url_for("ProfileView.edit" if is_own else "LoginView.login"), 303))

    @staticmethod
    def _is_me(member: Member) -> bool:
        return bool(current_user.is_authenticated and current_user.id == member.id)
