"""A minimal site with catalogs that a test writes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, flash, get_flashed_messages, request
from flask_babel import Babel, gettext
from flask_login import LoginManager, UserMixin, login_user, logout_user

from app import i18n
from app.extensions import csrf
from app.i18n import formats, selectors
from app.i18n.plurals import rule_of
from app.i18n.views import LocaleView

MakeSite = Callable[..., Flask]
WritePo = Callable[[str, str], Path]

MEMBERS: dict[str, dict[str, str | None]] = {
    "layla": {"locale": "ar", "timezone": "Asia/Riyadh"},
    "stale": {"locale": "tlh", "timezone": "Mars/Olympus"},
    "plain": {"locale": None, "timezone": None},
}


class Reader(UserMixin):
    """The part of a member that the language package uses."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.locale = MEMBERS[name]["locale"]
        self.timezone = MEMBERS[name]["timezone"]


@pytest.fixture
def translations(tmp_path: Path) -> Path:
    """Return the directory of the catalogs."""
    directory = tmp_path / "translations"
    directory.mkdir()
    return directory


@pytest.fixture
def write_po(translations: Path) -> WritePo:
    """Write the catalog of a locale; the header is added."""

    def write(locale: str, entries: str) -> Path:
        path = translations / locale / "LC_MESSAGES" / "messages.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        header = f'msgid ""\nmsgstr ""\n"Language: {locale}\\n"\n"Plural-Forms: {rule_of(locale).header}\\n"\n\n'
        path.write_text(header + entries, encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_site(translations: Path, write_po: WritePo) -> MakeSite:
    """Make the site; English, Spanish and Arabic are shipped when the test wrote no catalog of its own."""

    def make(**config: object) -> Flask:
        for locale in ("en", "es", "ar"):
            if not (translations / locale).exists():
                write_po(locale, "")
        return _site(translations, config)

    return make


@pytest.fixture
def site(make_site: MakeSite) -> Flask:
    return make_site()


@pytest.fixture
def speak(make_site: MakeSite) -> Iterator[Callable[[str], Flask]]:
    """Make the site and force a locale until the test ends."""
    contexts: list[Any] = []

    def start(locale: str, timezone: str = "UTC") -> Flask:
        app = make_site()
        for context in (app.app_context(), selectors.force_locale(locale, timezone)):
            context.__enter__()
            contexts.append(context)
        return app

    yield start
    for context in reversed(contexts):
        context.__exit__(None, None, None)


def _site(translations: Path, config: dict[str, object]) -> Flask:
    root = translations.parent
    app = Flask("site", root_path=str(root / "app"), instance_path=str(root / "instance"))
    app.config.update(
        SECRET_KEY="tests only",
        BABEL_DEFAULT_LOCALE="en",
        BABEL_DEFAULT_TIMEZONE="UTC",
        PUBLIC_URL="http://localhost",
        **config,
    )
    Babel(app, default_translation_directories=str(translations))
    csrf.init_app(app)
    login_manager = LoginManager(app)
    login_manager.login_view = "login"
    login_manager.user_loader(lambda name: Reader(name) if name in MEMBERS else None)
    i18n.init_app(app)
    i18n.runtime.init_app(app)
    app.extensions["appbuilder"] = SimpleNamespace(get_url_for_index="/")
    app.register_blueprint(LocaleView().create_blueprint(SimpleNamespace()))
    app.add_url_rule("/", view_func=index)
    app.add_url_rule("/login/<name>", "login", view_func=login)
    app.add_url_rule("/logout", view_func=logout)
    app.add_url_rule("/private", view_func=login_manager.unauthorized, endpoint="private")
    return app


def index() -> dict[str, object]:
    """Return the locale and time zone of a page."""
    return {
        "locale": selectors.current_locale(),
        "timezone": selectors.current_timezone(),
        "yes": formats.value(True),  # noqa: FBT003
        "flashes": get_flashed_messages(with_categories=True),
    }


def login(name: str) -> dict[str, object]:
    before = selectors.current_locale()
    login_user(Reader(name))
    flash(gettext("Yes"), "info")
    return {"before": before, **index()}


def logout() -> dict[str, object]:
    before = selectors.current_locale()
    logout_user()
    return {"before": before, "path": request.path, **index()}
