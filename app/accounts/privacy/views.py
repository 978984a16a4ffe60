"""Export one's data, or delete one's account."""

import os
from typing import ClassVar

from flask import Response, current_app, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import FileWrapper

from app import clock
from app.accounts import auth_type, email_links, rate_limits
from app.accounts.enums import LinkState, TokenPurpose
from app.accounts.login import service as login_service
from app.accounts.login.views import refused_status
from app.accounts.login_throttle import LockedOutError
from app.accounts.privacy import data_export
from app.accounts.privacy.forms import AccountDeletionForm
from app.accounts.sessions.access import AccountView
from app.accounts.users import account_deletion
from app.crud.actions import flash_and_redirect
from app.crud.fields import show_at_field
from app.database import transaction
from app.errors import DomainError
from app.http import without_referrer
from app.i18n import formats


class MyDataView(AccountView):
    """Export one's data, or delete one's account."""

    route_base = "/account/data"
    default_view = "show"
    fresh: ClassVar[frozenset[str]] = frozenset({"export", "erase"})
    for_everybody: ClassVar[frozenset[str]] = frozenset({"keep"})
    limits = [
        rate_limits.per_member("MyDataView.export", "10 per hour"),
        *rate_limits.guessing("MyDataView.erase", rate_limits.member),
        rate_limits.per_address("MyDataView.keep", "30 per minute"),
    ]

    @expose("/")
    def show(self) -> str:
        """Explain which data is stored."""
        return str(
            self.render_template("accounts/my_data.html", days=current_app.config["ACCOUNT_DELETION_GRACE_DAYS"])
        )

    @expose("/export", methods=["POST"])
    def export(self) -> BaseResponse:
        """Send the data of the member as a ZIP file."""
        with transaction():
            packed = data_export.export(current_user)
        # Shown on the next page: a download shows no flash.
        flash(_("The file you have just downloaded contains your data."), "info")
        name = f"{current_user.username}-{clock.now():%Y-%m-%d}.zip"
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(packed.seek(0, os.SEEK_END)),
            "Cache-Control": "no-store",
        }
        packed.seek(0)
        return Response(FileWrapper(packed), headers=headers, direct_passthrough=True)

    @expose("/erase", methods=["GET", "POST"])
    def erase(self) -> BaseResponse:
        """Ask for the password. POST schedules the deletion."""
        form = AccountDeletionForm()
        if not auth_type.takes_passwords() or (auth_type.has_own_passwords() and not current_user.password):
            # The member has no password: they log in, and have just reauthenticated, elsewhere.
            del form.password
        if not form.is_submitted():
            return self._erase_page(form, 200)
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._erase_page(form, 422)
        try:
            if "password" in form:
                login_service.reauthenticate(current_user, form.password.data)
            with transaction():
                account_deletion.schedule(current_user)
        except DomainError as error:
            flash(str(error), error.category)
            if error.field is None and not isinstance(error, LockedOutError):
                return redirect(url_for("MyDataView.show"), 303)
            show_at_field(form, error)
            return rate_limits.retry_after(self._erase_page(form, refused_status(error)), error)
        date = formats.date_time(current_user.erase_at)
        flash(_("Your account will be deleted on %(date)s. Until then you can keep it.", date=date), "warning")
        return redirect(url_for("MyDataView.show"), 303)

    def _erase_page(self, form: AccountDeletionForm, status: int) -> BaseResponse:
        days = current_app.config["ACCOUNT_DELETION_GRACE_DAYS"]
        return make_response(self.render_template("accounts/account_deletion.html", form=form, days=days), status)

    @expose("/stay", methods=["POST"])
    @flash_and_redirect("MyDataView.show")
    def stay(self) -> tuple[str, str]:
        """Cancel the deletion."""
        account_deletion.cancel(current_user)
        return _("Your account will not be deleted. We are glad that you are staying!"), "info"

    @expose("/keep/<string:token>", methods=["GET", "POST"])
    def keep(self, token: str) -> BaseResponse:
        """Show a button. Only its POST keeps the account, because mail scanners open every link."""
        return without_referrer(self._keep(token) if request.method == "POST" else self._ask_to_keep(token))

    def _ask_to_keep(self, token: str) -> BaseResponse:
        state, found = email_links.peek(TokenPurpose.KEEP_ACCOUNT, token)
        member = found.member if found is not None else None
        page = self.render_template("accounts/account_deletion_cancel.html", state=state, member=member)
        return make_response(page, 404 if state == LinkState.UNKNOWN else 200)

    def _keep(self, token: str) -> BaseResponse:
        try:
            with transaction():
                account_deletion.cancel_by_link(token)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(_("Your account will not be deleted. We are glad that you are staying!"), "info")
        return redirect(url_for("MyDataView.show" if current_user.is_authenticated else "LoginView.login"), 303)
