"""The devices one is logged in on."""

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import browsers
from app.accounts.service import devices, logins
from app.accounts.views.access import AccountView
from app.database import transaction
from app.errors import DomainError


class DeviceView(AccountView):
    """The devices one is logged in on."""

    route_base = "/account/devices"
    default_view = "list"

    @expose("/")
    def list(self) -> str:
        """Show where one is logged in."""
        return str(
            self.render_template(
                "accounts/devices.html",
                logins=devices.live(current_user),
                current=logins.current_login(),
                in_words=browsers.in_words,
            )
        )

    @expose("/<string:number>/sign-out", methods=["POST"])
    def sign_out(self, number: str) -> BaseResponse:
        """End one login; one's own is a logout."""
        login = devices.find(current_user, number)
        if login is None:
            abort(404)
        if login is logins.current_login():
            with transaction():
                logins.close_session()
            flash(_("You are logged out."), "info")
            return redirect(self.appbuilder.get_url_for_index, 303)
        try:
            with transaction():
                devices.sign_out(current_user, login)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(_("%(device)s was signed out.", device=browsers.in_words(login.user_agent)), "info")
        return redirect(url_for("DeviceView.list"), 303)

    @expose("/sign-out-others", methods=["POST"])
    def sign_out_others(self) -> BaseResponse:
        """End all logins but this one."""
        with transaction():
            ended = devices.sign_out_others(current_user)
        if ended:
            flash(
                ngettext("%(num)d other device was signed out.", "%(num)d other devices were signed out.", ended),
                "info",
            )
        else:
            flash(_("You are logged in nowhere else."), "info")
        return redirect(url_for("DeviceView.list"), 303)
