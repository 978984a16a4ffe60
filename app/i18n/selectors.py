"""The language and time zone of a text: the choice of the member or visitor, else the browser's, else the site's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeGuard
from zoneinfo import ZoneInfo, available_timezones

import flask_babel
from babel import Locale
from flask import Flask, Response, current_app, g, has_request_context, request, session
from flask_babel import format_decimal, gettext, ngettext
from flask_login import AnonymousUserMixin, current_user, user_logged_in, user_logged_out
from werkzeug.datastructures import LanguageAccept
from werkzeug.local import LocalProxy

from app import zone_rules
from app.i18n import locales
from app.i18n.locales import LocaleInfo

# The rest of a longer Accept-Language header is ignored.
MAX_LANGUAGES = 10
TRANSLATOR_ROLES = frozenset({"Translator", "Admin"})
# Files of the system that are no place on Earth.
NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


@dataclass(frozen=True)
class Recipient:
    """The language and time zone that `force_locale` sets."""

    locale: str
    # None if it is not known.
    timezone: str | None
    hour_cycle: str | None


class Reader(NamedTuple):
    """All that decides how a moment is written for somebody."""

    locale: str
    timezone: str
    is_timezone_known: bool
    hour_cycle: str | None
    # The version of the rules of time zones.
    rules: str


class Zone(ZoneInfo):
    """A time zone with the methods of pytz that Flask-Babel calls, so that it uses the same rules as everything else."""

    def normalize(self, moment: datetime) -> datetime:
        return moment

    def localize(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self)


def init_app(app: Flask) -> None:
    """Install the selectors, the globals of templates, and the Vary and Content-Language headers."""
    app.extensions["babel"].locale_selector = _select_locale
    app.extensions["babel"].timezone_selector = _select_timezone
    app.jinja_env.globals.update(
        current_locale=LocalProxy(current_locale_info),
        current_timezone=LocalProxy(current_timezone),
        known_timezone=known_timezone,
        locales=LocalProxy(offered),
        state_note=state_note,
    )
    app.before_request(zone_rules.refresh)
    app.after_request(_add_language_headers)
    user_logged_in.connect(_reset_selection, app)
    user_logged_out.connect(_reset_selection, app)


def reader() -> Reader:
    """Return who reads the texts of this request."""
    # Flask-Babel forgets what has this name when it selects the locale or the time zone again.
    context: Any = flask_babel._get_current_context()  # noqa: SLF001
    known: Reader | None = getattr(context, "babel_translations", None)
    if known is None:
        known = Reader(
            current_locale(), current_timezone(), known_timezone() is not None, hour_cycle(), zone_rules.version()
        )
        context.babel_translations = known
    return known


def current_locale() -> str:
    """Return the key of the current locale, always a shipped one."""
    return str(flask_babel.get_locale())


def current_locale_info() -> LocaleInfo:
    """Return the current locale with its tag, name and direction."""
    return locales.find_known(current_locale()) or locales.default()


def offered() -> tuple[LocaleInfo, ...]:
    """Return the languages that the reader may choose: translators see the hidden ones, too."""
    hidden = locales.hidden()
    return locales.shipped() + (hidden if hidden and _is_translator() else ())


def find(key: str | None) -> LocaleInfo | None:
    """Return the locale with exactly this key, if the reader may choose it."""
    info = locales.find_known(key)
    return info if info and (info.state != locales.State.HIDDEN or _is_translator()) else None


def state_note(info: LocaleInfo) -> str:
    """Return what the reader should know of an unfinished language; nothing of one that is complete."""
    if info.state == locales.State.COMPLETE:
        return ""
    if info.state == locales.State.HIDDEN:
        return gettext("for translators only")
    count = info.untranslated + info.unchecked
    return ngettext(
        "beta: %(count)s text to check", "beta: %(count)s texts to check", count, count=format_decimal(count)
    )


def _is_translator() -> bool:
    if not has_request_context() or not hasattr(current_app, "login_manager"):
        return False
    return any(role.name in TRANSLATOR_ROLES for role in getattr(current_user, "roles", ()))


class OfferedLanguages(Mapping[str, str]):
    """The names of the languages that the reader may choose, with what they should know of unfinished ones."""

    def __getitem__(self, key: str) -> str:
        info = find(key)
        if info is None:
            raise KeyError(key)
        note = state_note(info)
        return f"{info.name} ({note})" if note else info.name

    def __iter__(self) -> Iterator[str]:
        return (info.key for info in offered())

    def __len__(self) -> int:
        return len(offered())


def current_timezone() -> str:
    """Return the IANA name of the current time zone."""
    return str(flask_babel.get_timezone())


def known_timezone() -> str | None:
    """Return the time zone of the reader if it is known. Otherwise the current one is only the site's default."""
    if "recipient" in g:
        recipient: Recipient = g.recipient
        return recipient.timezone
    if not has_request_context():
        return None
    return next(filter(is_timezone, _choices("timezone")), None)


def hour_cycle() -> str | None:
    """Return how the reader wants hours to be counted, as CLDR calls it: h23, h12, or None as usual in the language."""
    if "recipient" in g:
        recipient: Recipient = g.recipient
        return recipient.hour_cycle
    if has_request_context() and hasattr(current_app, "login_manager") and current_user.is_authenticated:
        return getattr(current_user, "hour_cycle", None)
    return None


def is_timezone(name: str | None) -> TypeGuard[str]:
    """Whether `name` is a known IANA time zone."""
    return name in timezones()


def timezones() -> frozenset[str]:
    """Return the IANA names that this machine knows."""
    return _timezones(zone_rules.version())


@lru_cache(maxsize=1)
def _timezones(_rules: str) -> frozenset[str]:
    return frozenset(available_timezones() - NO_ZONES)


def zone_info(name: str | None = None) -> ZoneInfo:
    """Return a time zone by its name, or the current one if the name is missing or unknown."""
    return ZoneInfo(name if is_timezone(name) else current_timezone())


@contextmanager
def force_locale(locale: str | None, timezone: str | None, hour_cycle: str | None = None) -> Iterator[None]:
    """Translate and format inside the block in the language, time zone and hour cycle of one recipient.

    An unknown locale becomes the nearest or the default one, an unknown time zone the default. The block has its own
    application context, so it may be nested and does not see the member of the current request. Do not use the database
    inside: `db.session` is another session there.
    """
    info = locales.match(locale) or locales.default()
    with current_app.app_context():
        g.recipient = Recipient(info.key, timezone if is_timezone(timezone) else None, hour_cycle)
        # Otherwise Flask-Login would load the member of the request again.
        g._login_user = AnonymousUserMixin()  # noqa: SLF001
        yield


def _select_locale() -> Locale | None:
    return locales.parse(_selected_key())


def _selected_key() -> str:
    if "recipient" in g:
        return str(g.recipient.locale)
    if not has_request_context():
        return locales.default().key
    chosen = (find(candidate) for candidate in _choices("locale"))
    info = next(filter(None, chosen), None) or accepted_locale(request.accept_languages)
    return info.key


def _select_timezone() -> Zone:
    return Zone(known_timezone() or _default_timezone())


def _choices(what: str) -> Iterator[str]:
    """Yield the chosen values, most specific first. They may be outdated or invalid."""
    if what == "locale":
        yield request.args.get("_l_", "")
    if hasattr(current_app, "login_manager") and current_user.is_authenticated:
        yield getattr(current_user, what, None) or ""
    chosen = session.get(what)
    if isinstance(chosen, str):
        yield chosen


def accepted_locale(languages: LanguageAccept) -> LocaleInfo:
    """Return the best locale for an Accept-Language header."""
    wanted = (tag for tag, quality in languages if quality > 0)
    return next(filter(None, map(locales.match, islice(wanted, MAX_LANGUAGES))), None) or locales.default()


def _default_timezone() -> str:
    name = current_app.config["BABEL_DEFAULT_TIMEZONE"]
    return str(name) if is_timezone(name) else "UTC"


def _reset_selection(_app: Flask, **_kwargs: object) -> None:
    """Select locale and time zone again after a login or logout."""
    flask_babel.refresh()


def _add_language_headers(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
        response.content_language.add(current_locale_info().tag)
    return response
