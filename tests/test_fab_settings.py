"""Flask-AppBuilder's settings work as documented, or are refused in a sentence."""

import ast
from pathlib import Path

import flask_appbuilder
import pytest
from flask_appbuilder import IndexView, const
from flask_appbuilder.basemanager import BaseManager
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from flask_appbuilder.filemanager import FileManager
from flask_appbuilder.menu import Menu
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

import config
from app import create_app, fab_settings, setup
from app.accounts.models import GUEST, Member
from app.accounts.security import SecurityManager
from app.extensions import appbuilder_of, db
from config import ConfigurationError
from tests.support.client import Visitor
from tests.support.factories import PASSWORD, DinnerPartyFactory

HERE = "tests.test_fab_settings"


class Welcome(IndexView):
    """The first page of another site."""

    index_template = "appbuilder/base.html"


class OtherMenu(Menu):
    """A menu of another site."""


class OtherManager(SecurityManager):
    """A security manager of another site. It notes who has logged in or out, and who could not."""

    def __init__(self, appbuilder):
        super().__init__(appbuilder)
        self.told = []

    def on_user_login(self, user):
        self.told.append(("in", user.username))

    def on_user_login_failed(self, user):
        self.told.append(("failed", user.username))

    def on_user_logout(self, user):
        self.told.append(("out", user.username))


class Addon(BaseManager):
    """An add-on without views."""


def only_with_a_b(password: str) -> None:
    """Refuse passwords without a b."""
    if "b" not in password:
        raise PasswordComplexityValidationError("There is no b in it.")


def keys_read():
    """Return every key of the configuration that the installed Flask-AppBuilder reads."""
    for path in Path(flask_appbuilder.__file__).parent.rglob("*.py"):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            key = None
            if isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "config":
                key = node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                key = node.args[0] if getattr(node.func.value, "attr", "") == "config" else None
            if isinstance(key, ast.Constant) and str(key.value).isupper():
                yield key.value


def test_every_setting_that_flask_appbuilder_reads_is_in_the_table():
    read = set(keys_read())
    assert len(read) > 80
    assert read <= fab_settings.SETTINGS.keys()


def test_the_document_shows_the_table():
    document = (config.ROOT / "docs" / "fab.md").read_text()
    assert fab_settings.table() in document, (
        "Put the output of `python -c 'from app import fab_settings; print(fab_settings.table())'` into docs/fab.md"
    )


def test_every_refusal_is_one_sentence_on_one_line(tmp_path):
    base = config.load({"INSTANCE_PATH": str(tmp_path)})
    refused = 0
    for name, setting in fab_settings.SETTINGS.items():
        if setting.how == "works":
            continue
        with pytest.raises(ConfigurationError) as error:
            fab_settings.check({**base, name: "a secret"})
        assert str(error.value).startswith(f"{name} cannot have this value here: ")
        assert "\n" not in str(error.value)
        assert "a secret" not in str(error.value)
        refused += 1
    assert refused > 30


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_TYPE", 0),
        ("AUTH_TYPE", const.AUTH_OAUTH),
        ("AUTH_TYPE", const.AUTH_SAML),
        ("AUTH_ROLES_MAPPING", {"cooks": ["Guest"]}),
        ("AUTH_ROLES_SYNC_AT_LOGIN", True),
        ("AUTH_GROUPS_SYNC_AT_LOGIN", True),
        ("AUTH_AUTO_CREATE_GROUPS", True),
        ("AUTH_USER_REGISTRATION_ROLE_JMESPATH", "job"),
        ("AUTH_REMOTE_USER_ENV_VAR", "REMOTE_USER"),
        ("OAUTH_PROVIDERS", [{"name": "kitchen"}]),
        ("AUTH_TYPE", const.AUTH_LDAP),
        ("AUTH_USER_REGISTRATION", False),
        ("AUTH_RATE_LIMIT", "often"),
        ("FAB_API_MAX_PAGE_SIZE", -1),
        ("FAB_INDEX_VIEW", "nowhere.View"),
        ("FAB_MENU", f"{HERE}.Missing"),
        ("FAB_ROLES", {"Admin": [[".*", ".*"]]}),
        ("FAB_ROLES", {"Reader": [["("]]}),
        ("FAB_SAFE_REDIRECT_HOSTS", ["evil.example; script-src *"]),
        ("FAB_SECURITY_MANAGER_CLASS", "flask_appbuilder.security.sqla.manager.SecurityManager"),
        ("LOGOUT_REDIRECT_URL", "javascript:alert(1)"),
        ("LOGOUT_REDIRECT_URL", "//example.org"),
        ("APP_ICON", "https://example.org/logo.png"),
    ],
)
def test_a_value_that_would_have_another_effect_is_refused_by_name(name, value, tmp_path, monkeypatch):
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=name):
        create_app({name: value})


def test_an_empty_value_asks_for_nothing(tmp_path):
    base = config.load({"INSTANCE_PATH": str(tmp_path)})
    fab_settings.check({**base, "OAUTH_PROVIDERS": [], "APP_THEME": "", "FAB_ADD_SECURITY_API": False})


# -- what works


def test_logout_redirect_url_is_where_a_logout_leads(new_app, cast):
    app = new_app({"LOGOUT_REDIRECT_URL": "https://www.example.org/bye"})
    visitor = Visitor(app)
    visitor.log_in_as(cast.host)
    left = visitor.post("/logout/", follow=False)
    assert (left.status, left.location) == (303, "https://www.example.org/bye")
    # Browsers apply the policy to the redirect, too.
    assert "form-action 'self' www.example.org;" in visitor.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("https://shop.example.org/cart", "https://shop.example.org/cart"),
        ("https://example.com/", "/"),
        ("javascript://shop.example.org/%0aalert(1)", "/"),
        ("/parties/", "/parties/"),
    ],
)
def test_a_login_leads_to_safe_hosts_only(new_app, cast, target, leads_to):
    visitor = Visitor(new_app({"FAB_SAFE_REDIRECT_HOSTS": ["*.example.org"]}))
    page = visitor.get(f"/login/?next={target}")
    form = page.form("/login/")
    done = visitor.submit(form, username=cast.host.username, password=PASSWORD, follow=False)
    assert (done.status, done.location) == (303, leads_to)


def test_fab_index_view_replaces_the_first_page(new_app):
    visitor = Visitor(new_app({"FAB_INDEX_VIEW": f"{HERE}.Welcome"}))
    assert visitor.get("/").status == 200
    assert "A seat for everyone" not in visitor.get("/").text
    assert 'class="brand" href="/"' in visitor.get("/parties/").text


def test_the_name_and_the_icon_are_shown(new_app):
    page = Visitor(new_app({"APP_NAME": "Supper club", "APP_ICON": "/static/favicon.svg"})).get("/")
    assert '<img class="icon" src="/static/favicon.svg" alt="">' in page.text
    assert "Supper club" in page.title


def test_classes_are_taken_from_their_paths(new_app):
    builder = appbuilder_of(
        new_app(
            {
                "FAB_MENU": f"{HERE}.OtherMenu",
                "FAB_SECURITY_MANAGER_CLASS": f"{HERE}.OtherManager",
                "ADDON_MANAGERS": [f"{HERE}.Addon"],
            }
        )
    )
    assert isinstance(builder.menu, OtherMenu)
    assert isinstance(builder.sm, OtherManager)
    assert isinstance(builder.addon_managers[f"{HERE}.Addon"], Addon)


def test_a_security_manager_of_another_site_has_the_hooks(new_app, cast):
    app = new_app({"FAB_SECURITY_MANAGER_CLASS": f"{HERE}.OtherManager"})
    visitor = Visitor(app)
    visitor.log_in("friend", "wrong")
    visitor.log_in("friend", PASSWORD)
    visitor.post("/logout/")
    assert appbuilder_of(app).sm.told == [("failed", "friend"), ("in", "friend"), ("out", "friend")]


@pytest.mark.rate_limits
def test_auth_rate_limit_adds_to_the_limits_of_the_login(new_app):
    visitor = Visitor(new_app({"AUTH_RATE_LIMITED": True, "AUTH_RATE_LIMIT": "2 per minute"}))
    wrong = {"username": "nobody", "password": "wrong"}
    assert [visitor.post("/login/", wrong).status for _number in range(3)] == [401, 401, 429]
    assert visitor.get("/login/").status == 200


def test_fab_roles_are_stored_by_setup_and_kept_to_their_patterns(new_app, cast):
    app = new_app({"FAB_ROLES": {"Reader": [[".*ModelView$", "can_list$"], ["PartyView$", "can_read$"]]}})
    with app.app_context():
        setup.prepare()
        role = db.session.execute(select(Role).where(Role.name == "Reader")).scalar_one()
        names = {item.permission.name for item in role.permissions}
        views = {item.view_menu.name for item in role.permissions}
        reader = db.session.get(Member, cast.host.id)
        reader.roles = [role]
        db.session.commit()
    assert names == {"can_list", "can_read"}
    assert {"UserModelView", "PartyView"} <= views
    visitor = Visitor(app)
    visitor.log_in_as(cast.host)
    assert "Users" in visitor.get("/users/list/").text


def test_fab_roles_lose_what_no_longer_matches(new_app):
    app = new_app({"FAB_ROLES": {GUEST: [["PartyView$", "can_read$"]]}})
    with app.app_context():
        setup.prepare()
        role = db.session.execute(select(Role).where(Role.name == GUEST)).scalar_one()
        assert [str(item) for item in role.permissions] == ["can read on PartyView"]


def test_complex_passwords_are_asked_for(new_app, records):
    app = new_app({"FAB_PASSWORD_COMPLEXITY_ENABLED": True, "FAB_PASSWORD_COMPLEXITY_VALIDATOR": only_with_a_b})
    done = app.test_cli_runner().invoke(
        args=["create-admin", "--username", "chef", "--email", "chef@example.org", "--password", "quite a long phrase"]
    )
    assert "There is no b in it." in done.output
    app.config["FAB_PASSWORD_COMPLEXITY_VALIDATOR"] = None
    with app.test_request_context():
        from app.accounts import password_policy

        assert password_policy.problem("quite a long phrase")
        assert password_policy.problem("Quite A long phrase 7 + 8 = 15!") is None


def test_the_menu_and_the_description_are_apis_when_asked_for(new_app, cast):
    app = new_app({"FAB_ADD_MENU_API": True, "FAB_ADD_OPENAPI_VIEWS": False})
    with app.app_context():
        setup.prepare()
    visitor = Visitor(app)
    sent = {"username": cast.admin.username, "password": PASSWORD}
    token = visitor.open("POST", "/api/v1/security/login", json=sent)
    headers = {"Authorization": f"Bearer {token.json['access_token']}"}
    menu = visitor.get("/api/v1/menu/", headers=headers)
    assert [entry["name"] for entry in menu.json["result"]] == ["Parties", "People", "Mail"]
    assert visitor.get("/api/v1/_openapi", headers=headers).status == 404


def test_uploads_use_the_folders_of_the_settings(new_app, tmp_path):
    app = new_app({"UPLOAD_FOLDER": str(tmp_path / "up"), "FILE_ALLOWED_EXTENSIONS": ("txt",)})
    with app.app_context():
        manager = FileManager()
        assert manager.base_path == str(tmp_path / "up")
        assert manager.is_file_allowed("menu.txt")
        assert not manager.is_file_allowed("menu.exe")


def test_a_role_for_new_members_that_does_not_exist_is_refused_at_the_start(new_app):
    app = new_app({"AUTH_USER_REGISTRATION_ROLE": "Cook"})
    with app.app_context(), pytest.raises(ConfigurationError, match="there is no role Cook"):
        setup.refuse_other_schema()


def test_queries_of_apis_may_be_limited_to_rison_and_to_a_page_size(app, new_app, cast):
    visitor = Visitor(new_app({"FAB_API_ALLOW_JSON_QS": False, "FAB_API_MAX_PAGE_SIZE": 2}))
    for number in range(3):
        DinnerPartyFactory(host=cast.host, title=f"Party {number}")
    sent = {"username": cast.admin.username, "password": PASSWORD}
    token = visitor.open("POST", "/api/v1/security/login", json=sent).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert visitor.get('/api/v1/dinnerparties/?q={"page_size":1}', headers=headers).status == 400
    shown = visitor.get("/api/v1/dinnerparties/?q=(page_size:100)", headers=headers).json
    assert (shown["count"], len(shown["result"])) == (3, 2)
