"""Translating safely: one domain for Python, templates and forms; no text can become HTML or an error 500."""

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import flask_babel
import flask_wtf.i18n
from flask import Flask, g
from flask.json.provider import DefaultJSONProvider
from flask_babel.speaklater import LazyString
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from app.i18n import catalogs, locales, untranslated, validity
from app.i18n.catalogs import Key

log = logging.getLogger(__name__)

# Source texts whose tags are meant as HTML; in all others, < is a character like any other.
HTML_MSGIDS: frozenset[str] = frozenset()


class Domain(flask_babel.Domain):
    """All texts of the site in the current locale."""

    def get_translations(self) -> catalogs.Translations:
        """Return the texts of the current locale."""
        return self.of(str(flask_babel.get_locale()))

    def of(self, key: str) -> catalogs.Translations:
        """Return the texts of a locale; they are read when a process needs them first."""
        if key not in self.cache:
            self.cache[key] = catalogs.load(key, *locales.directories(), cache=locales.cache())
        return cast("catalogs.Translations", self.cache[key])

    def gettext(self, string: str, **variables: object) -> str:
        """Translate a text and put the variables in; never raises."""
        msgid = str(string)
        return fill(self.get_translations().gettext(msgid), msgid, variables)

    def ngettext(self, singular: str, plural: str, num: int, **variables: object) -> str:
        """Translate a text that depends on a number; the number is the variable `num`, too."""
        variables.setdefault("num", num)
        text = self.get_translations().ngettext(singular, plural, num)
        return fill(text, singular if num == 1 else plural, variables)

    def pgettext(self, context: str, string: str, **variables: object) -> str:
        """Translate a text that has several meanings."""
        return fill(self.get_translations().pgettext(context, string), string, variables)

    def npgettext(self, context: str, singular: str, plural: str, num: int, **variables: object) -> str:
        """Translate a text that has several meanings and depends on a number."""
        variables.setdefault("num", num)
        text = self.get_translations().npgettext(context, singular, plural, num)
        return fill(text, singular if num == 1 else plural, variables)


def fill(text: str, source: str, variables: Mapping[str, object], as_type: Callable[[str], str] = str) -> str:
    """Put the variables into `text`, or when it cannot take them, into its English `source`.

    Without variables a text with placeholders stays as it is: WTForms and FAB fill them in later. `as_type`
    makes the text what it is to be before they are put in: a Markup escapes them.
    """
    is_format, is_named = _placeholders(source)
    if not is_format or (not variables and is_named):
        return as_type(text)
    for attempt in (text, source):
        try:
            return as_type(attempt) % variables
        except (KeyError, TypeError, ValueError):
            log.exception("Formatting failed: variables %s, text %r", sorted(variables), attempt)
    return as_type(source)


@lru_cache(maxsize=4096)
def _placeholders(source: str) -> tuple[bool, bool]:
    """Return whether a source text is meant for the % operator, and whether it names its placeholders."""
    return validity.is_format(source), validity.has_placeholders(source)


def _babel_context() -> SimpleNamespace | None:
    """Return where Flask-Babel keeps the locale of a request. Its own function looks `g` up four times, for each text."""
    try:
        kept = g._get_current_object()  # noqa: SLF001 - Werkzeug's name
    except RuntimeError:
        return None
    context: SimpleNamespace | None = kept.get("_flask_babel")
    if context is None:
        context = kept._flask_babel = SimpleNamespace()  # noqa: SLF001 - Flask-Babel's name
    return context


def init_app(app: Flask) -> None:
    """Make everything in `app` that translates use our domain."""
    app.extensions["babel"].instance.domain_instance = Domain()
    flask_babel._get_current_context = _babel_context  # noqa: SLF001 - as above
    _install_in_templates(app)
    _install_in_forms()
    _install_in_json(app)
    app.after_request(untranslated.finish)
    # A lazy text is not HTML: without this, a name put into one and flashed would be.
    LazyString.__html__ = _escaped
    login_manager = getattr(app, "login_manager", None)
    if login_manager is not None:
        login_manager.localize_callback = flask_babel.gettext


def prepare(app: Flask) -> None:
    """Read the texts of all languages now, so that processes forked from this one share them."""
    domain = cast("Domain", app.extensions["babel"].instance.domain_instance)
    with app.app_context():
        for info in locales.shipped():
            domain.of(info.key)
            # Read Babel's file.
            _ = info.name


def _install_in_templates(app: Flask) -> None:
    functions = {"gettext": _gettext, "ngettext": _ngettext, "pgettext": _pgettext, "npgettext": _npgettext}
    app.jinja_env.globals.update(functions, _=_gettext)
    # {% trans %} may be indented like the rest of a template; babel.cfg says the same to the extraction.
    app.jinja_env.policies["ext.i18n.trimmed"] = True


@pass_eval_context
def _gettext(context: EvalContext, msgid: object, **variables: object) -> str:
    source = str(msgid)
    return _output(context, flask_babel.get_translations().ugettext(source), source, variables, (None, source))


@pass_eval_context
def _ngettext(context: EvalContext, singular: str, plural: str, num: int, **variables: object) -> str:
    variables.setdefault("num", num)
    text = flask_babel.get_translations().ungettext(singular, plural, num)
    return _output(context, text, singular if num == 1 else plural, variables, (None, singular))


@pass_eval_context
def _pgettext(context: EvalContext, meaning: str, msgid: str, **variables: object) -> str:
    return _output(
        context, flask_babel.get_translations().upgettext(meaning, msgid), msgid, variables, (meaning, msgid)
    )


@pass_eval_context
def _npgettext(context: EvalContext, meaning: str, singular: str, plural: str, num: int, **variables: object) -> str:
    variables.setdefault("num", num)
    text = flask_babel.get_translations().unpgettext(meaning, singular, plural, num)
    return _output(context, text, singular if num == 1 else plural, variables, (meaning, singular))


def _output(context: EvalContext, text: str, source: str, variables: Mapping[str, object], key: Key) -> str:
    """Return a text for a template: escaped, variables included, where the template escapes."""
    if not context.autoescape:
        return fill(text, source, variables)
    return _marked(Markup(fill(text, source, variables, Markup if source in HTML_MSGIDS else escape)), key)  # noqa: S704


def _attribute(text: LazyString, name: str) -> object:
    """Return an attribute that strings have. Flask-AppBuilder asks each text of each view for others, and Flask-Babel translates it."""
    if not hasattr(str, name):
        raise AttributeError(name)
    return getattr(str(text), name)


# Before views are registered.
LazyString.__getattr__ = _attribute


def _escaped(text: LazyString) -> Markup:
    arguments = tuple(map(str, text._args))  # noqa: SLF001
    # A context comes before its text.
    has_context = getattr(text._func, "__name__", "") in {"pgettext", "npgettext"}  # noqa: SLF001
    key: Key = (arguments[0], arguments[1]) if has_context else (None, arguments[0] if arguments else "")
    return _marked(escape(str(text)), key)


def _marked(text: Markup, key: Key) -> Markup:
    """Mark a text that is in English on a page of another language."""
    if not untranslated.is_page_unfinished() or key in flask_babel.get_translations():
        return text
    return untranslated.mark(text)


def _install_in_forms() -> None:
    """Have every Flask-WTF form look its texts up in the current domain, and not in WTForms' own catalogs."""
    translations: Any = flask_wtf.i18n.translations
    translations.gettext = lambda string: flask_babel.get_translations().ugettext(string)
    translations.ngettext = lambda *forms: flask_babel.get_translations().ungettext(*forms)


def _install_in_json(app: Flask) -> None:
    """Have a lazy text become a plain one: Flask would take its HTML."""
    provider = cast("DefaultJSONProvider", app.json)
    otherwise = provider.default

    def default(value: object) -> object:
        return str(value) if isinstance(value, LazyString) else otherwise(value)

    provider.default = default
