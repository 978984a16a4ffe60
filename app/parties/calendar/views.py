"""The account page of the calendar feed, and the feed itself."""

import hashlib

from flask import Response, abort, current_app, flash, make_response, request
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user

from app import replica
from app.accounts.sessions.access import AccountView
from app.crud.actions import flash_and_redirect
from app.crud.views import BaseView
from app.database import run_with_retry
from app.http import public_url, without_referrer
from app.i18n.selectors import force_locale
from app.parties.calendar import ics
from app.parties.calendar import service as calendar_service
from app.parties.texts import Flash

TYPE = "text/calendar; charset=utf-8"


def download(text: str, filename: str) -> Response:
    """Return a response that downloads an iCalendar object."""
    response = make_response(text)
    response.headers["Content-Type"] = TYPE
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


class CalendarView(AccountView):
    """A member creates, renews and deletes the URL of their calendar feed."""

    route_base = "/account/calendar"
    default_view = "show"

    @expose("/")
    def show(self) -> str:
        return self._page()

    @expose("/renew", methods=["POST"])
    def renew(self) -> str:
        """Create a new URL and show it once: only its hash is stored."""
        token = run_with_retry(lambda: calendar_service.renew(current_user))
        flash(_("Here is the web address of your calendar feed. Copy it now; it is not shown again."), "info")
        return self._page(public_url("FeedView.feed", token=token))

    @expose("/stop", methods=["POST"])
    @flash_and_redirect("CalendarView.show")
    def stop(self) -> Flash:
        """Delete the URL of the feed."""
        if calendar_service.stop(current_user):
            return _("The web address of your calendar feed no longer works."), "info"
        return _("Nothing changed: your calendar feed had no web address."), "warning"

    def _page(self, url: str | None = None) -> str:
        feed = calendar_service.of_member(current_user)
        return str(self.render_template("parties/calendar.html", feed=feed, url=url))


class FeedView(BaseView):
    """The feed. Calendars cannot log in, so its URL contains a secret token."""

    route_base = "/calendar"
    default_view = "feed"

    @expose("/<string:token>.ics")
    def feed(self, token: str) -> Response:
        """Return the parties of the owner of the feed, or 304 if the calendar has them already."""
        feed = calendar_service.by_token(token)
        if feed is None:
            abort(404)
        member = feed.member
        # Together, so that the time of the last change is that of the content.
        parties, changed_at = replica.read(
            lambda: (calendar_service.parties(member), calendar_service.last_change(feed))
        )
        # Calendars do not send the language of their owner.
        with force_locale(member.locale, member.timezone, member.hour_cycle):
            name = _("%(site)s of %(name)s", site=current_app.config["APP_NAME"], name=member.display_name)
            response = download(ics.published(parties, name), "dinners.ics")
        response.last_modified = changed_at
        response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
        # A calendar keeps it, and asks each time whether it has changed.
        response.headers["Cache-Control"] = "private, no-cache"
        response.make_conditional(request)
        return without_referrer(response)
