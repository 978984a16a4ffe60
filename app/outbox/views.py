"""What stands behind the link with which somebody asks for no more letters of a kind.

Looking changes nothing, for mail scanners open every link. A person presses a button; a mail program that has such a
button itself sends what RFC 8058 says, without a cookie and so without a token of a form: what counts is the link's.
"""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import BaseView as StockBaseView
from flask_appbuilder import expose
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView
from app.database import run_with_retry
from app.extensions import csrf
from app.outbox import unsubscribe, unsubscribe_token
from app.outbox.unsubscribe_token import UnsubscribeToken

# What RFC 8058 has mail programs send.
ONE_CLICK = ("List-Unsubscribe", "One-Click")


class UnsubscribeView(BaseView):
    """Letters of a kind are not wanted any more, or wanted again. No account is needed."""

    route_base = "/letters/unsubscribe"
    default_view = "show"

    @expose("/<string:token>")
    def show(self, token: str) -> BaseResponse:
        """Say what the link is about, and show the button."""
        wish = unsubscribe_token.load_token(token)
        since = unsubscribe.find(*wish) if wish else None
        page = self.render_template("outbox/unsubscribe.html", wish=wish, since=since, token=token)
        return _no_referrer(make_response(page, 200 if wish else 404))

    @expose("/<string:token>/stop", methods=["POST"])
    def stop(self, token: str) -> BaseResponse:
        """Write no more letters of this kind."""
        wish = unsubscribe_token.load_token(token)
        if wish is None:
            return _unknown()
        if run_with_retry(lambda: unsubscribe.unsubscribe(*wish)):
            flash(_stopped(wish), "info")
        else:
            flash(_("Nothing changed: you have already unsubscribed from these e-mails."), "info")
        return _no_referrer(redirect(url_for("UnsubscribeView.show", token=token), 303))

    @expose("/<string:token>/again", methods=["POST"])
    def again(self, token: str) -> BaseResponse:
        """Write letters of this kind again."""
        wish = unsubscribe_token.load_token(token)
        if wish is None:
            return _unknown()
        if run_with_retry(lambda: unsubscribe.resubscribe(*wish)):
            flash(_("You will receive these e-mails again: %(topic)s.", topic=wish.topic_name), "info")
        else:
            flash(_("Nothing changed: you already receive these e-mails."), "info")
        return _no_referrer(redirect(url_for("UnsubscribeView.show", token=token), 303))


class OneClickView(StockBaseView):
    """The same address, as mail programs use it. It has nothing that comes before: Flask-WTF exempts by a view's name."""

    route_base = UnsubscribeView.route_base
    default_view = "one_click"

    @expose("/<string:token>", methods=["POST"])
    def one_click(self, token: str) -> BaseResponse:
        """Do at once what a mail program asks for."""
        name, value = ONE_CLICK
        if request.form.get(name) != value:
            return _no_referrer(_plain(_("The request could not be understood."), 400))
        wish = unsubscribe_token.load_token(token)
        if wish is None:
            return _no_referrer(_plain(_("Unknown link"), 404))
        run_with_retry(lambda: unsubscribe.unsubscribe(*wish))
        return _no_referrer(_plain(_stopped(wish), 200))


def _stopped(wish: UnsubscribeToken) -> str:
    return str(_("You have unsubscribed from these e-mails: %(topic)s.", topic=wish.topic_name))


def _plain(text: str, status: int) -> BaseResponse:
    return make_response(text, status, {"Content-Type": "text/plain; charset=utf-8"})


def _unknown() -> BaseResponse:
    flash(_("Unknown link"), "danger")
    return _no_referrer(redirect(url_for("LandingView.index"), 303))


def _no_referrer(response: BaseResponse) -> BaseResponse:
    """Keep the address, which is a key, from the next page."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


csrf.exempt(f"{__name__}.one_click")
