"""The switch of language."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, session
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext as _
from werkzeug import Response

from app import http
from app.extensions import csrf
from app.i18n import locales, selectors
from app.i18n.locales import LocaleInfo
from app.i18n.signals import locale_chosen


def init_app(_app: Flask) -> None:
    """Have the switch work without a token, so that a page for strangers needs no cookie for it."""
    csrf.exempt(f"{__name__}.switch")


class LocaleView(BaseView):
    """Changes the language by POST; instead of a token, the browser says where the form was."""

    route_base = "/lang"
    default_view = "switch"

    @expose("/", methods=["POST"])
    def switch(self) -> Response:
        """Keep the language that was chosen, and go back to where the reader was."""
        if http.is_cross_site_request():
            abort(403)
        info = locales.find(request.form.get("locale"))
        if info:
            _choose(info)
        else:
            flash(_("That language is not available."), "warning")
        return redirect(_without_locale(http.safe_next(request.form.get("next"), "/")), 303)


def _choose(info: LocaleInfo) -> None:
    session["locale"] = info.key
    locale_chosen.send(current_app._get_current_object(), locale=info.key)  # type: ignore[attr-defined] # noqa: SLF001
    with selectors.force_locale(info.key, None):
        flash(_("Language changed to %(language)s.", language=info.name), "info")


def _without_locale(address: str) -> str:
    """Return the address without the argument that would go before the choice just made."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "_l_"]
    return parts._replace(query=urlencode(kept)).geturl()
