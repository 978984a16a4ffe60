"""A plug-in of pytest that puts this site's bases in the place of Flask-AppBuilder's, for Flask-AppBuilder's own tests.

What those tests take for granted and our bases ask for is declared here: titles, labels, an order, a key for each remote
select. What has another form here, but is there, is translated: see `SuiteClient`.
"""

import functools
import importlib
import json
import re
import sys
import tempfile
import types
import uuid
from pathlib import Path
from typing import Any

import flask
import flask.globals
import flask_appbuilder
import flask_appbuilder.api
import flask_appbuilder.base
import flask_appbuilder.baseviews
import flask_appbuilder.charts.views
import flask_appbuilder.models.sqla.interface
import flask_appbuilder.security.sqla.models
import flask_appbuilder.utils.legacy
import flask_appbuilder.views
import jinja2
import pytest
from flask.testing import FlaskClient
from flask_appbuilder.const import AUTH_OAUTH
from sqlalchemy import inspect

import config
from app import charts, crud, error_pages, extensions, fab_settings, http, i18n, navigation, outbox, setup, templating
from app.accounts import password_policy, rules
from app.accounts.api_keys.views import ApiKeyView
from app.accounts.email_change.views import EmailChangeView
from app.accounts.email_preferences.views import EmailPreferencesView
from app.accounts.groups.admin import GroupModelView
from app.accounts.login.api import SecurityApi
from app.accounts.login.second_step import SecondStepView
from app.accounts.login.views import LoginView
from app.accounts.models import ADMIN, GUEST, PUBLIC, Member
from app.accounts.oidc.views import IdentityView, OidcView
from app.accounts.passkeys.views import PasskeyView
from app.accounts.passwords.views import PasswordView
from app.accounts.privacy.views import MyDataView
from app.accounts.profile.views import ProfileView
from app.accounts.registration.admin import RegistrationModelView
from app.accounts.registration.views import RegistrationView
from app.accounts.roles.admin import RoleModelView
from app.accounts.second_factor.views import SecondFactorView
from app.accounts.security import SecurityManager
from app.accounts.sessions.views import SessionView
from app.accounts.statistics.views import StatisticsView
from app.accounts.users.admin import UserModelView
from app.accounts.users.api import UserApi
from app.crud import chart_data, files
from app.crud.openapi import OpenApi, SiteMenuApi, SwaggerView
from app.extensions import csrf, db, mail, migrate
from app.i18n import catalogs
from app.i18n.views import LocaleView

ROOT = Path(config.__file__).parent
# In the folder of the run, which is removed with it.
INSTANCE = tempfile.mkdtemp(dir=Path.cwd())
# What `flask setup` does here, and the tests expect of the start: the adapter runs it.
OF_SETUP = {"FAB_CREATE_DB", "FAB_UPDATE_PERMS"}
# A secret of the tests. That placeholders are refused has tests of its own.
IGNORED = {"SECRET_KEY"}
PAGES = ("list", "show", "add", "edit")
# Of the column.
LONGEST_NAME = 64


# -- views: what ours ask for and Flask-AppBuilder's generate


def _without(names: list[str], excluded: list[str] | None) -> list[str]:
    return [name for name in names if name not in (excluded or ())]


def _labels(names: set[str], given: dict[str, str] | None) -> dict[str, str]:
    return {name: re.sub("[._]", " ", name).title() for name in names} | dict(given or {})


def _forget(view: Any, *names: str) -> None:
    """Take away what was used here: our bases refuse to be given it."""
    for name in names:
        for declared in type(view).__mro__:
            if declared.__module__.startswith("tests.") and vars(declared).get(name):
                setattr(type(view), name, None)


class Declared:
    """What a view of the tests leaves to Flask-AppBuilder, and ours ask for."""

    def _init_properties(self: Any) -> None:
        datamodel = self.datamodel
        every = datamodel.get_user_columns_list()
        self.base_order = self.base_order or (datamodel.obj.__mapper__.primary_key[0].key, "asc")
        columns = {*every, *datamodel.get_columns_list()}
        if isinstance(self, crud.ModelView):
            self._declare_pages(every)
            columns |= self._shown()
            self.autocomplete_columns = {
                name: (datamodel.get_related_interface(name).obj.__mapper__.primary_key[0].key, [])
                for name in columns
                if datamodel.is_relation_many_to_one(name) or datamodel.is_relation_one_to_one(name)
            }
        searched = self.search_columns or _without(datamodel.get_search_columns_list(), self.search_exclude_columns)
        self.search_columns = list(searched)
        self.label_columns = _labels({*columns, *searched}, self.label_columns)
        for definition in getattr(self, "definitions", ()):
            definition.setdefault("label", definition["group"])
            # One of the tests has six values where two are read.
            definition["series"] = [each if isinstance(each, str) else each[:2] for each in definition["series"]]
        _forget(self, *(f"{page}_exclude_columns" for page in (*PAGES, "search")))
        super()._init_properties()

    def _declare_pages(self: Any, every: list[str]) -> None:
        model = re.sub("(?<=.)([A-Z])", r" \1", self.datamodel.obj.__name__)
        for page in PAGES:
            setattr(self, f"{page}_title", getattr(self, f"{page}_title") or f"{page.title()} {model}")
        self.list_columns = self.list_columns or [every[0]]
        for page in ("show", "add", "edit"):
            if not getattr(self, f"{page}_columns") and not getattr(self, f"{page}_fieldsets"):
                setattr(self, f"{page}_columns", _without(every, getattr(self, f"{page}_exclude_columns")))

    def _shown(self: Any) -> set[str]:
        fieldsets = [part for page in PAGES for part in getattr(self, f"{page}_fieldsets", None) or ()]
        return {
            *(name for page in PAGES for name in getattr(self, f"{page}_columns")),
            *(name for _title, part in fieldsets for name in part["fields"]),
            *(self.add_form_extra_fields or ()),
            *(self.edit_form_extra_fields or ()),
        }


def _declared(base: type) -> type:
    return type(base.__name__, (Declared, base), {"__module__": __name__})


class SuiteApi(crud.ModelRestApi):
    """Our API with everything that the tests leave to Flask-AppBuilder."""

    def _init_properties(self) -> None:
        datamodel = self.datamodel
        every = datamodel.get_user_columns_list()
        self.base_order = self.base_order or (datamodel.get_pk_name(), "asc")
        for kind in ("list", "show"):
            declared = getattr(self, f"{kind}_columns") or _without(every, getattr(self, f"{kind}_exclude_columns"))
            setattr(self, f"{kind}_columns", self._leaves(declared))
        for kind in ("add", "edit"):
            columns = getattr(self, f"{kind}_columns") or _without(every, getattr(self, f"{kind}_exclude_columns"))
            setattr(self, f"{kind}_columns", columns)
        searched = self.search_columns or _without(datamodel.get_search_columns_list(), self.search_exclude_columns)
        self.search_columns = [name for name in searched if "." not in name]
        self.label_columns = _labels({*every, *self.list_columns, *self.show_columns}, self.label_columns)
        _forget(self, *(f"{page}_exclude_columns" for page in (*PAGES, "search")))
        _forget(self, "list_outer_default_load", "show_outer_default_load")
        self.allow_browser_login = False
        super()._init_properties()

    def _leaves(self, names: list[str]) -> list[str]:
        """Return the columns with those of a related row in place of the whole row."""
        found = []
        for name in names:
            if not self.datamodel.is_relation(name):
                found.append(name)
                continue
            related = self.datamodel.get_related_interface(name)
            leaves = (leaf for leaf in related.get_columns_list() if not related.is_relation(leaf))
            found += [f"{name}.{leaf}" for leaf in leaves if not related.is_fk(leaf)]
        return found


# -- the application


class SuiteIndexView(crud.IndexView):
    """A first page."""

    index_template = "fab_suite_index.html"


class SuiteSecurityManager(SecurityManager):
    """Ours."""


class SuiteAppBuilder(extensions.AppBuilder):
    """Our AppBuilder on an application that a test has made, with the pages and APIs of accounts."""

    def init_app(self, app: flask.Flask, session: Any) -> None:
        environ = {
            "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
            "INSTANCE_PATH": INSTANCE,
            "PASSWORD_MIN_LENGTH": "1",
            "STAFF_PASSWORD_MIN_LENGTH": "1",
            "STAFF_PASSWORD_MIN_LENGTH_2FA": "1",
            "RATELIMIT_ENABLED": "no",
            # A site declares its hosts, and refuses requests for others.
            "TRUSTED_HOSTS": "localhost,example.com,example.localhost",
        }
        if "AUTH_USER_REGISTRATION" in app.config or app.config.get("AUTH_TYPE") == AUTH_OAUTH:
            environ["REGISTRATION"] = "open" if app.config.get("AUTH_USER_REGISTRATION") else "closed"
        defaults = config.load(environ)
        own = {name: value for name, value in app.config.items() if name in fab_settings.SETTINGS}
        fab_settings.check({**defaults, **{name: own[name] for name in own.keys() - OF_SETUP - IGNORED}})
        defaults["AUTH_USER_REGISTRATION_ROLE"] = PUBLIC
        for name, value in defaults.items():
            if app.config.get(name) is None:
                app.config[name] = value
        app.config["PASSWORD_HASH"] = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
        if self.security_manager_class is not None:
            # The setting would come before the class that a test gives.
            app.config["FAB_SECURITY_MANAGER_CLASS"] = None
        app.config["SESSION_COOKIE_NAME"] = defaults["SESSION_COOKIE_NAME"]
        app.static_folder = str(ROOT / "app" / "static")
        own_templates = jinja2.FileSystemLoader(ROOT / "app" / "templates")
        stubs = {
            "fab_suite_index.html": '{% extends "appbuilder/base.html" %}{% block content %}<h1>Welcome</h1>{% endblock %}'
        }
        app.jinja_loader = jinja2.ChoiceLoader([app.jinja_loader, jinja2.DictLoader(stubs), own_templates])
        http.init_app(app)
        if "migrate" not in app.extensions:
            migrate.init_app(app)
        mail.init_app(app)
        if "csrf" not in app.extensions:
            csrf.init_app(app)
        with app.app_context():
            if not inspect(db.engine).has_table("ab_user"):
                db.create_all()
        # `store_permissions` stores them, in a few statements.
        self.update_perms = False
        super().init_app(app, session)
        i18n.init_app(app)
        i18n.runtime.init_app(app)
        self.set_index(SuiteIndexView)
        self._add_accounts()
        error_pages.init_app(app)
        outbox.init_app(app)
        charts.init_app(app)
        chart_data.init_app(app)
        files.init_app(app)
        templating.init_app(app)
        app.test_client_class = SuiteClient
        store_permissions(app)
        self.update_perms = True

    def _add_accounts(self) -> None:
        """Add the pages and APIs of accounts, under the names that Flask-AppBuilder has in its menu."""
        menu = {"category": "Security", "icon": "fa-cogs"}
        self.sm.registeruser_view = self.add_view_no_menu(RegistrationView)
        self.sm.auth_view = self.add_view_no_menu(LoginView)
        if self.sm.is_auth_limited:
            self.sm.limiter.limit(self.sm.auth_rate_limit, methods=["POST"])(self.sm.auth_view.blueprint)
        for view in PAGES_OF_ACCOUNTS:
            self.add_view_no_menu(view)
        self.sm.user_view = self.add_view(UserModelView, "List Users", **menu)
        self.add_view(RoleModelView, "List Roles", **menu)
        self.add_view(GroupModelView, "List Groups", **menu)
        self.add_view(StatisticsView, "User's Statistics", **menu)
        self.add_view(RegistrationModelView, "User Registrations", **menu)
        settings = flask.current_app.config
        self.add_api(SecurityApi)
        if settings["FAB_ADD_SECURITY_API"]:
            for api in navigation.PROVISIONING_APIS:
                self.add_api(api)
        if settings["FAB_ADD_MENU_API"]:
            self.add_api(MenuApi)
        if settings.get("FAB_ADD_OPENAPI_VIEWS", True):
            self.add_api(OpenApi)
            if settings.get("FAB_API_SWAGGER_UI"):
                self.add_view_no_menu(SwaggerView)


class MenuApi(SiteMenuApi):
    """Ours, under the name whose permission the tests give."""


class PartyView(crud.BaseView):
    """In the place of the pages of dinners, to which every page links, as to those below."""

    route_base = "/dinners"

    @flask_appbuilder.expose("/")
    def list(self) -> str:
        return ""


class MemberView(PartyView):
    route_base = "/members"

    @flask_appbuilder.expose("/<username>")
    def show(self, username: str) -> str:
        return username


class DashboardView(crud.BaseView):
    route_base = "/dashboards"

    @flask_appbuilder.expose("/")
    @flask_appbuilder.permission_name("read")
    def list(self) -> str:
        return ""


def store_permissions(app: flask.Flask) -> None:
    """Do what `flask setup` does after a view was added."""
    known = len(app.extensions["appbuilder"].baseviews), len(app.extensions["appbuilder"].menu.get_list())
    if app.extensions.get("fab_suite_permissions") != known:
        app.extensions["fab_suite_permissions"] = known
        with db.session.no_autoflush:
            setup.store_permissions(app.extensions["appbuilder"])
        db.session.commit()


# -- requests


# Our sentences, and what Flask-AppBuilder and Marshmallow say in their place.
SENTENCES = {
    "This page does not exist or has been removed.": "Not found",
    "This field must be filled in.": "Missing data for required field.",
    "This field does not exist.": "Unknown field.",
    "Not a valid number.": "Not a valid integer.",
    "Not a valid value.": "Not a valid string.",
    "Is one of": "In",
    "Is none of": "Not In",
    "Invalid login. Please try again.": "Not authorized",
}
PATTERNS = (
    (re.compile(r"At most (\d+) characters are allowed\."), r"Longer than maximum length \1."),
    (re.compile(r"This must be one of: (.+)\."), r"Must be one of: \1."),
)
# The same of pages.
ON_PAGES = {
    "An entry like this already exists.": "Already exists",
    "Nothing matches these filters.": "No records found",
    " created.</p>": " created. Added Row</p>",
    "Add a group": "Add Group",
    "Add a user": "Add User",
    "Edit user": "Edit User",
    "Edit group": "Edit Group",
}
# The same of fields that a login has sent.
OF_LOGINS = {
    "This field must be filled in.": "Shorter than minimum length 1.",
    "Not a valid value.": "Alternative authentication provider is not allowed",
}
MALFORMED = "The request could not be understood."


def _stock_error(status: int, sent: Any, request: dict[str, Any]) -> Any:
    """Return the error of an API as Flask-AppBuilder has it: those of the fields are the message."""
    if not isinstance(sent, dict):
        return sent
    message = sent.get("errors") or sent.get("message")
    if message == MALFORMED:
        is_read = request.get("method", "GET") == "GET"
        message = "Not a valid rison/json argument" if is_read else "Request is not JSON"
    if isinstance(message, dict) and isinstance(body := request.get("json"), dict) and "provider" in body:
        message = {
            name: [OF_LOGINS.get(text, text) for text in said] if name in body else said
            for name, said in message.items()
        }
    return {**{name: sent[name] for name in sent if name not in {"message", "errors"}}, "message": _in_english(message)}


def _in_english(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _in_english(each) for name, each in said.items()}
    if isinstance(said, list):
        return [_in_english(each) for each in said]
    for ours, theirs in PATTERNS:
        if isinstance(said, str):
            said = ours.sub(theirs, said)
    return SENTENCES.get(said, said)


class SuiteClient(FlaskClient):
    """Sends what the tests send, as this site has it, and translates the form of the answers."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        if flask.has_app_context():
            # The tests share an application context between requests: nothing of one may be known to the next.
            vars(flask.g._get_current_object()).clear()  # noqa: SLF001 - Werkzeug's name
            db.session.expire_all()
            store_permissions(self.application)
        path = args[0] if args and isinstance(args[0], str) else ""
        if kwargs.get("method", "GET") == "GET" and UNSAFE.search(path.partition("?")[0]):
            kwargs["method"] = "POST"
        answer = super().open(*args, **kwargs)
        if path.lstrip("/").startswith("api/") and answer.is_json and answer.status_code >= 400:
            sent = answer.get_json()
            if answer.status_code == 422 and SECURITY_API.search(path) and "errors" in sent:
                answer.status_code = 400
            answer.set_data(json.dumps(_stock_error(answer.status_code, sent, kwargs)))
        elif "/_info" in path and answer.is_json:
            # The names of filters.
            answer.set_data(json.dumps(_in_english(answer.get_json())))
        if not path.lstrip("/").startswith("api/"):
            answer.status_code = {303: 302, 422: 200}.get(answer.status_code, answer.status_code)
            if answer.mimetype == "text/html":
                page = answer.get_data(as_text=True)
                for ours, theirs in ON_PAGES.items():
                    page = page.replace(ours, theirs)
                answer.set_data(page)
        return answer


PAGES_OF_ACCOUNTS = (
    LocaleView,
    SecondStepView,
    OidcView,
    PasskeyView,
    PasswordView,
    EmailChangeView,
    ProfileView,
    SecondFactorView,
    IdentityView,
    SessionView,
    EmailPreferencesView,
    ApiKeyView,
    MyDataView,
    PartyView,
    MemberView,
    DashboardView,
)


@pytest.fixture
def appbuilder() -> Any:
    """An AppBuilder of an application: a test asks for this fixture, which the suite does not have."""
    app = flask.Flask("tests")
    app.config.from_object("tests.config_api")
    with app.app_context():
        yield SuiteAppBuilder(app, _database(app).session)


APPLICATIONS: list[flask.Flask] = []
FAILED: list[str] = []
# Flask-AppBuilder's generated APIs answer 422 to what is not valid; those of users and groups 400.
SECURITY_API = re.compile(r"/security/(users/|groups/|roles/\d+/)")
UNSAFE = re.compile(r"/(delete|action)/|^/?logout/?$")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a failed test: it leaves its rows to those after it."""
    if report.failed:
        FAILED.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Close what a test leaves open, which would lock the database for the others. After a failed one make it anew."""
    while flask.has_app_context():
        flask.globals._cv_app.get().pop()  # noqa: SLF001 - Flask has no other way
    sessions = db.session.registry.registry
    for session in sessions.values():
        session.close()
    sessions.clear()
    while APPLICATIONS:
        application = APPLICATIONS.pop()
        with application.app_context():
            db.engine.dispose()
            for suffix in ("", "-wal", "-shm") if FAILED else ():
                Path(f"{db.engine.url.database}{suffix}").unlink(missing_ok=True)
    FAILED.clear()


def put_in_place() -> None:
    """Replace the classes that the tests import."""
    ours = {
        "ModelView": _declared(crud.ModelView),
        "ModelRestApi": SuiteApi,
        "BaseView": crud.BaseView,
        "IndexView": SuiteIndexView,
        "SimpleFormView": crud.SimpleFormView,
        "PublicFormView": crud.PublicFormView,
        "MasterDetailView": _declared(crud.MasterDetailView),
        "MultipleView": crud.MultipleView,
        "CompactCRUDMixin": crud.CompactCRUDMixin,
        "DirectByChartView": _declared(crud.DirectByChartView),
        "DirectChartView": _declared(crud.DirectChartView),
        "GroupByChartView": _declared(crud.GroupByChartView),
        "ChartView": _declared(crud.ChartView),
        "TimeChartView": _declared(crud.TimeChartView),
        "AppBuilder": SuiteAppBuilder,
        "SQLAInterface": crud.SQLAInterface,
        "User": Member,
        "SecurityManager": SuiteSecurityManager,
    }
    modules = (
        flask_appbuilder.api,
        flask_appbuilder.base,
        flask_appbuilder.baseviews,
        flask_appbuilder.views,
        flask_appbuilder.charts.views,
        flask_appbuilder.models.sqla.interface,
        flask_appbuilder.security.sqla.models,
        importlib.import_module("flask_appbuilder.security.sqla.manager"),
    )
    for module in modules:
        # A copy: methods of the classes there look up their own class by its name.
        copy = types.ModuleType(module.__name__, module.__doc__)
        vars(copy).update(vars(module))
        vars(copy).update({name: ours[name] for name in ours.keys() & vars(module).keys()})
        sys.modules[module.__name__] = copy
        package, _dot, name = module.__name__.rpartition(".")
        setattr(sys.modules[package], name, copy)
    for name in ours.keys() & vars(flask_appbuilder).keys():
        setattr(flask_appbuilder, name, ours[name])


def _database(app: flask.Flask) -> Any:
    if "sqlalchemy" not in app.extensions:
        if app.config["SQLALCHEMY_DATABASE_URI"] in {"sqlite://", "sqlite:///", "sqlite:///:memory:"}:
            # The site refuses a database that only one process sees.
            app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{INSTANCE}/{uuid.uuid4().hex}.db"
        db.init_app(app)
        APPLICATIONS.append(app)
    return db


flask_appbuilder.utils.legacy.get_sqla_class = lambda: _database
STOCK_SIGNALS_ENABLED = SecurityManager._signals_enabled  # noqa: SLF001


def _signals_enabled(manager: SecurityManager) -> bool:
    # A test replaces the function in the copy of the module that put_in_place() makes.
    copy = sys.modules["flask_appbuilder.security.sqla.manager"]
    return copy.has_app_context() and STOCK_SIGNALS_ENABLED(manager)


SecurityManager._signals_enabled = _signals_enabled  # noqa: SLF001
# The passwords of the tests are "password" and the like, names have spaces; the rules for both have tests of their own.
rules.is_username = lambda name: 0 < len(name) <= LONGEST_NAME
UserApi.validators_columns = {
    **UserApi.validators_columns,
    # A domain of the tests has an underscore.
    "email": lambda address, check=UserApi.validators_columns["email"]: check(address.replace("_", "-")),
}
password_policy.is_common = lambda _password: False
password_policy._is_made_of = lambda *_: False  # noqa: SLF001
# Without the permissions on pages of dinners, which are not here; nor are their lists.
setup.ROLES = {ADMIN: set(), PUBLIC: set(), GUEST: set()}
UserModelView.linked_lists = {}
# Attributes of Flask-AppBuilder, with its texts.
crud.ModelView.add_row_message = "Added Row"
crud.ModelView.edit_row_message = "Changed Row"
crud.ModelView.delete_row_message = "Deleted Row"
put_in_place()
# Each test makes an application: the catalogs are read once.
catalogs.load = functools.cache(catalogs.load)
sys.modules.setdefault("ldap", types.ModuleType("ldap"))
