"""Dinners in one's own calendar: by a feed with a secret address, and one by one."""

from flask import Response, abort, flash, make_response, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.area import AccountView
from app.crud.views import BaseView
from app.database import run_with_retry, transaction
from app.http import public_url
from app.i18n.selectors import force_locale
from app.parties.calendar import ics
from app.parties.calendar import service as calendar_service

TYPE = "text/calendar; charset=utf-8"


def download(text: str, filename: str) -> Response:
    """Return an iCalendar object as a file."""
    response = make_response(text)
    response.headers["Content-Type"] = TYPE
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


class CalendarView(AccountView):
    """A member makes, renews and stops the address of their feed."""

    route_base = "/account/calendar"
    default_view = "show"

    @expose("/")
    def show(self) -> str:
        """Tell whether there is a feed, and what it is good for."""
        return str(
            self.render_template("parties/calendar.html", feed=calendar_service.of_member(current_user), address=None)
        )

    @expose("/renew", methods=["POST"])
    def renew(self) -> BaseResponse:
        """Make a new address and show it, this once: only its hash is kept."""
        token = run_with_retry(lambda: calendar_service.renew(current_user))
        flash(_("Here is the web address of your calendar feed. Copy it now; it is not shown again."), "info")
        address = public_url("FeedView.feed", token=token)
        page = self.render_template(
            "parties/calendar.html", feed=calendar_service.of_member(current_user), address=address
        )
        return make_response(page)

    @expose("/stop", methods=["POST"])
    def stop(self) -> BaseResponse:
        """Let the address open nothing any more."""
        with transaction():
            stopped = calendar_service.stop(current_user)
        if stopped:
            flash(_("The web address of your calendar feed no longer works."), "info")
        else:
            flash(_("Nothing changed: your calendar feed had no web address."), "warning")
        return redirect(url_for("CalendarView.show"), 303)


class FeedView(BaseView):
    """The feed itself. Calendars cannot log in: its address is the key."""

    route_base = "/calendar"
    default_view = "feed"

    @expose("/<string:token>.ics")
    def feed(self, token: str) -> Response:
        """Return the dinners of whoever has that address."""
        member = calendar_service.owner(token)
        if member is None:
            abort(404)
        # A calendar says nothing of its reader's language.
        with force_locale(member.locale, member.timezone):
            response = download(ics.published(calendar_service.parties(member)), "dinners.ics")
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
