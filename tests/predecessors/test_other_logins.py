"""Flask-AppBuilder's login by OpenID, here OpenID Connect, and the LDAP mode of tedivms-flask."""

from urllib.parse import urlsplit

import pytest

import config
from app.accounts.models import ExternalIdentity, Member
from tests.support import ldap, openid, required_services
from tests.support.factories import RowFactory

NAME = "Kitchen ID"
DIRECTORY = "Accounts are managed in your organisation's directory. Nothing was changed."


class IdentityFactory(RowFactory):
    class Meta:
        model = ExternalIdentity


@pytest.fixture(scope="module")
def running_provider():
    with openid.running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def running_directories(tmp_path_factory):
    with ldap.running_directories(tmp_path_factory.mktemp("directory")) as found:
        yield found


@pytest.fixture
def configure(app, monkeypatch, tmp_path):
    """Give the site the settings of some variables."""

    def configure(**environ):
        for name, value in config.load({"INSTANCE_PATH": str(tmp_path), **environ}).items():
            if name.startswith(("AUTH_", "LDAP_", "OIDC_")) or name == "REGISTRATION":
                monkeypatch.setitem(app.config, name, value)

    return configure


@pytest.fixture
def provider(running_provider, configure, request, app, monkeypatch):
    required_services.used(request.config)["openid"] += 1
    configure(
        OIDC_ISSUER=running_provider.issuer, OIDC_CLIENT_ID="dinner", OIDC_CLIENT_SECRET="x", OIDC_DISPLAY_NAME=NAME
    )
    monkeypatch.setitem(app.extensions, "oauth_clients", {})
    running_provider.behaviour = "work"
    running_provider.know("ada", email="ada@example.com", given_name="Ada", family_name="Byron")
    return running_provider


@pytest.fixture
def directory(running_directories, configure, request):
    required_services.used(request.config)["ldap"] += 1
    configure(**running_directories[ldap.PRIVATE].settings())


def answer(visitor, address):
    parts = urlsplit(address)
    return visitor.get(f"{parts.path}?{parts.query}")


def start(visitor):
    return visitor.get("/login/openid/", follow=False).location


# -- OpenID: the provider prefills e-mail, first and last name


def test_the_provider_prefills_email_first_and_last_name(new_visitor, provider, says):
    visitor = new_visitor()
    page = answer(visitor, provider.consent(start(visitor), "ada"))
    says(
        page,
        "info",
        "This login at %(provider)s is not linked with an account here yet. Complete your registration to use it from "
        "now on.",
        provider=NAME,
    )
    fields = page.form("/register/form").fields
    assert [fields[name] for name in ("email", "first_name", "last_name")] == ["ada@example.com", "Ada", "Byron"]


def test_a_member_logs_in_at_the_provider(new_visitor, provider, member, says):
    ada = member(username="ada", first_name="Ada", last_name="Byron")
    IdentityFactory(member_id=ada.id, issuer=provider.issuer, subject="ada")
    visitor = new_visitor()
    says(answer(visitor, provider.consent(start(visitor), "ada")), "info", "Welcome, %(name)s!", name="Ada Byron")


def test_a_missing_response_of_the_provider_is_a_warning(new_visitor, provider, says):
    visitor = new_visitor()
    start(visitor)
    page = visitor.get("/login/openid/callback")
    says(page, "warning", "No response from %(provider)s. Please try again.", provider=NAME)


def test_cancelling_at_the_provider_is_a_warning(new_visitor, provider, says):
    visitor = new_visitor()
    page = answer(visitor, provider.cancel(start(visitor)))
    says(page, "warning", "You cancelled at %(provider)s. Nothing was changed.", provider=NAME)


def test_a_failure_at_the_provider_is_an_error(new_visitor, provider, says):
    visitor = new_visitor()
    address = provider.consent(start(visitor), "ada")
    provider.behaviour = "break"
    says(
        answer(visitor, address),
        "danger",
        "%(provider)s could not confirm your identity. Please try again in a moment.",
        provider=NAME,
    )


# -- LDAP mode, in which user CRUD is refused with a clear page


def test_somebody_of_the_directory_logs_in(new_visitor, directory, says, records, locale):
    visitor = new_visitor()
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=ldap.PASSWORD)
    says(page, "info", "Welcome, %(name)s!", name="Ada Byron")
    ada = records.one(Member)
    assert (ada.password, ada.locale) == (None, locale)


def test_a_wrong_password_of_the_directory_is_a_warning(new_visitor, directory, says):
    visitor = new_visitor()
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password="wrong")
    says(page, "warning", "Invalid login. Please try again.")


def test_a_directory_that_cannot_be_reached_is_an_error(new_visitor, directory, says, app, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_LDAP_SERVER", "ldap://127.0.0.1:9")
    visitor = new_visitor()
    page = visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=ldap.PASSWORD)
    says(page, "danger", "The directory of your organisation cannot be reached. Please try again in a moment.")


@pytest.mark.parametrize("action", ["add", "edit", "delete"])
def test_users_of_a_directory_are_changed_there(admin, member, directory, says, records, locale, action):
    key = member(username="ada").id
    path = "/users/add" if action == "add" else f"/users/{action}/{key}"
    page = admin.get(path)
    assert (page.status, f'lang="{locale}"' in page.text) == (403, True)
    before = records.dump()["ab_user"]
    page = admin.post(path, {"username": "bob", "first_name": "Bob", "email": "bob@example.com"})
    assert page.status == 403
    says(page, "danger", DIRECTORY)
    assert len(records.dump()["ab_user"]) == len(before)
