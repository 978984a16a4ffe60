"""The devices on which a member is logged in."""

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.sessions import service as session_service
from app.accounts.sessions import user_agents
from app.accounts.sessions.access import AccountView
from app.database import transaction
from app.errors import DomainError
from app.http import page_number


class SessionView(AccountView):
    """The devices on which a member is logged in. To sign out another one needs a fresh login."""

    fresh = frozenset({"sign_out_others"})
    route_base = "/account/devices"
    default_view = "list"

    @expose("/")
    def list(self) -> str:
        """Show the login sessions of the member."""
        return str(
            self.render_template(
                "accounts/sessions.html",
                page=session_service.live(current_user, page_number()),
                current=session_service.current_login(),
                describe_user_agent=user_agents.describe_user_agent,
            )
        )

    @expose("/<string:number>/sign-out", methods=["POST"])
    def sign_out(self, number: str) -> BaseResponse:
        """End one login session. Ending the current one is a logout."""
        login = session_service.find(current_user, number)
        if login is None:
            abort(404)
        if login is session_service.current_login():
            with transaction():
                session_service.close_session()
            flash(_("You are logged out."), "info")
            return redirect(self.appbuilder.get_url_for_index, 303)
        if not session_service.is_fresh():
            response: BaseResponse = self.appbuilder.sm.auth_view.ask_again()
            return response
        try:
            with transaction():
                session_service.sign_out(current_user, login)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(_("%(device)s was signed out.", device=user_agents.describe_user_agent(login.user_agent)), "info")
        return redirect(url_for("SessionView.list"), 303)

    @expose("/sign-out-others", methods=["POST"])
    def sign_out_others(self) -> BaseResponse:
        """End all login sessions except this one."""
        with transaction():
            ended = session_service.sign_out_others(current_user)
        if ended:
            flash(
                ngettext("%(num)d other device was signed out.", "%(num)d other devices were signed out.", ended),
                "info",
            )
        else:
            flash(_("You have no other active sessions."), "info")
        return redirect(url_for("SessionView.list"), 303)
