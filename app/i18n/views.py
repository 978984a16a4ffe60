"""The language menu."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, session
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext as _
from werkzeug import Response

from app import http
from app.extensions import csrf
from app.i18n import selectors
from app.i18n.signals import locale_chosen


def init_app(_app: Flask) -> None:
    """Exempt the language menu from CSRF tokens, so that pages of visitors need no cookie for it."""
    csrf.exempt(f"{__name__}.switch")


class LocaleView(BaseView):
    """Changes the language by POST. Instead of a CSRF token, the Origin of the request is checked."""

    route_base = "/lang"
    default_view = "switch"

    @expose("/", methods=["POST"])
    def switch(self) -> Response:
        """Store the language in the session, and go back to the page."""
        if http.is_cross_site_request():
            abort(403)
        info = selectors.find(request.form.get("locale"))
        if info:
            session["locale"] = info.key
            locale_chosen.send(current_app._get_current_object(), locale=info.key)  # type: ignore[attr-defined] # noqa: SLF001
            with selectors.force_locale(info.key, None):
                flash(_("Language changed to %(language)s.", language=info.name), "info")
        else:
            flash(_("That language is not available."), "warning")
        return redirect(_without_locale(http.safe_next(request.form.get("next"), http.home_url())), 303)


def _without_locale(url: str) -> str:
    """Remove the argument that would override the new choice."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "_l_"]
    return parts._replace(query=urlencode(kept)).geturl()
