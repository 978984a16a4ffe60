"""The pages behind unsubscribe links.

GET changes nothing, because mail scanners open every link. The recipient presses a button on the page. Mail programs
with an unsubscribe button of their own POST as RFC 8058 says: without a cookie, so without a CSRF token.
"""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import BaseView as StockBaseView
from flask_appbuilder import expose
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView
from app.database import run_with_retry
from app.extensions import csrf
from app.http import home_url, without_referrer
from app.outbox import unsubscribe, unsubscribe_token
from app.outbox.unsubscribe_token import UnsubscribeToken

# The form field of RFC 8058.
ONE_CLICK = ("List-Unsubscribe", "One-Click")


class UnsubscribeView(BaseView):
    """Unsubscribe from a topic, or subscribe again. No account is needed."""

    route_base = "/letters/unsubscribe"
    default_view = "show"

    @expose("/<string:token>")
    def show(self, token: str) -> BaseResponse:
        subscription = unsubscribe_token.load_token(token)
        since = unsubscribe.find(*subscription) if subscription else None
        page = self.render_template("outbox/unsubscribe.html", subscription=subscription, since=since, token=token)
        return without_referrer(make_response(page, 200 if subscription else 404))

    @expose("/<string:token>/stop", methods=["POST"])
    def stop(self, token: str) -> BaseResponse:
        subscription = unsubscribe_token.load_token(token)
        if subscription is None:
            return _unknown()
        if run_with_retry(lambda: unsubscribe.unsubscribe(*subscription)):
            flash(_stopped(subscription), "info")
        else:
            flash(_("Nothing changed: you have already unsubscribed from these e-mails."), "info")
        return without_referrer(redirect(url_for("UnsubscribeView.show", token=token), 303))

    @expose("/<string:token>/again", methods=["POST"])
    def again(self, token: str) -> BaseResponse:
        subscription = unsubscribe_token.load_token(token)
        if subscription is None:
            return _unknown()
        if run_with_retry(lambda: unsubscribe.resubscribe(*subscription)):
            flash(_("You will receive these e-mails again: %(topic)s.", topic=subscription.topic_name), "info")
        else:
            flash(_("Nothing changed: you already receive these e-mails."), "info")
        return without_referrer(redirect(url_for("UnsubscribeView.show", token=token), 303))


class OneClickView(StockBaseView):
    """One-click unsubscribe by mail programs. A view of its own, because Flask-WTF exempts views from CSRF by name."""

    route_base = UnsubscribeView.route_base
    default_view = "one_click"

    @expose("/<string:token>", methods=["POST"])
    def one_click(self, token: str) -> BaseResponse:
        name, value = ONE_CLICK
        if request.form.get(name) != value:
            return without_referrer(_plain(_("The request could not be understood."), 400))
        subscription = unsubscribe_token.load_token(token)
        if subscription is None:
            return without_referrer(_plain(_("Unknown link"), 404))
        run_with_retry(lambda: unsubscribe.unsubscribe(*subscription))
        return without_referrer(_plain(_stopped(subscription), 200))


def _stopped(subscription: UnsubscribeToken) -> str:
    return str(_("You have unsubscribed from these e-mails: %(topic)s.", topic=subscription.topic_name))


def _plain(text: str, status: int) -> BaseResponse:
    return make_response(text, status, {"Content-Type": "text/plain; charset=utf-8"})


def _unknown() -> BaseResponse:
    flash(_("Unknown link"), "danger")
    return without_referrer(redirect(home_url(), 303))


csrf.exempt(f"{__name__}.one_click")
