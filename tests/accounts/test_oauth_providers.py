"""Logging in at one of several providers (OAUTH_PROVIDERS), with OpenID Connect or without, and without passwords."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask_appbuilder.const import AUTH_DB, AUTH_OAUTH
from flask_appbuilder.security.sqla.models import Group, Role
from sqlalchemy import select, update

from app import clock
from app.accounts import signals
from app.accounts.models import ExternalIdentity, LoginSession, Member
from app.accounts.oidc import providers
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from tests.support import github, openid, required_services
from tests.support.factories import PASSWORD, GroupFactory, MemberFactory, RowFactory

FAILED = [("danger", "Kitchen ID could not confirm your identity. Please try again in a moment.")]
REFUSED = [("warning", "This login at Kitchen ID cannot be used here. Please ask your administrator for an account.")]
BARE = {"name": "x", "remote_app": {"client_id": "y", "access_token_url": "https://a.example/token",
                                    "authorize_url": "https://a.example/", "api_base_url": "https://a.example/"}}  # fmt: skip


class IdentityFactory(RowFactory):
    class Meta:
        model = ExternalIdentity


@pytest.fixture(scope="module")
def running():
    with openid.running_provider() as kitchen, github.running_github() as hub:
        yield kitchen, hub


@pytest.fixture
def kitchen(running, app, monkeypatch, request):
    """A site with the two providers."""
    required_services.used(request.config)["openid"] += 1
    provider, hub = running
    monkeypatch.setitem(app.config, "OAUTH_PROVIDERS", [provider.settings(), hub.settings()])
    monkeypatch.setitem(app.extensions, "oauth_clients", {})
    provider.behaviour = "work"
    claims = {"email": "ada@example.com", "given_name": "Ada", "family_name": "Byron", "preferred_username": "Ada.B"}
    provider.know("ada-at-kitchen", **claims, groups=["cooks", "guests"])
    return provider


@pytest.fixture
def hub(running, kitchen):
    return running[1]


@pytest.fixture
def only_providers(app, kitchen, monkeypatch):
    """A site on which nobody has a password."""
    monkeypatch.setitem(app.config, "AUTH_TYPE", AUTH_OAUTH)
    monkeypatch.setitem(app.config, "AUTH_ROLES_MAPPING", {"cooks": ["Translator"], "bosses": ["Admin"]})
    return kitchen


def follow(visitor, address):
    parts = urlsplit(address)
    return visitor.get(f"{parts.path}?{parts.query}")


def at_kitchen(visitor, kitchen, subject="ada-at-kitchen", path="/login/kitchen"):
    return follow(visitor, kitchen.consent(visitor.get(path, follow=False).location, subject))


def at_github(visitor, path="/login/github"):
    asked = visitor.get(path, follow=False).location
    return follow(visitor, requests.get(asked, timeout=5, allow_redirects=False).headers["Location"])


def roles(records, member):
    return records.all(select(Role.name).join(Role.user).where(Member.id == member.id).order_by(Role.name))


# -- several providers


def test_the_login_page_has_a_button_for_each(visitor, kitchen):
    page = visitor.get("/login/?next=/parties/new")
    for path, name in (("/login/kitchen", "Kitchen ID"), ("/login/github", "github")):
        assert f'href="{path}?next=/parties/new"' in page.text
        assert f"Log in with {name}" in page.text
    asked = parse_qs(urlsplit(visitor.get("/login/kitchen", follow=False).location).query)
    assert asked["redirect_uri"] == ["http://localhost:8080/oauth-authorized/kitchen"]
    assert asked["scope"] == ["openid email profile"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {*asked} >= {"state", "nonce"}


@pytest.mark.parametrize("path", ["/login/nowhere", "/oauth-authorized/nowhere", "/login/openid/"])
def test_an_unknown_provider_is_not_found(visitor, kitchen, path):
    assert visitor.get(path).status == 404


def test_people_are_known_by_issuer_and_subject(visitor, kitchen, hub, new_visitor):
    for name, issuer, subject in (("ada", kitchen.issuer, "ada-at-kitchen"), ("bob", hub.url, "42")):
        IdentityFactory(member_id=MemberFactory(username=name).id, issuer=issuer, subject=subject)
    visitor.get("/account/identities/")
    assert at_kitchen(visitor, kitchen).path == "/"
    assert "ada" in visitor.get("/account/profile/").text
    other = new_visitor()
    at_github(other)
    assert "bob" in other.get("/account/profile/").text


def test_the_registration_gets_the_verified_address_of_github(visitor, hub):
    page = at_github(visitor)
    assert page.path == "/register/form"
    fields = page.form("/register/form").fields
    assert (fields["email"], fields["first_name"], fields["last_name"]) == ("ada@example.com", "Ada", "Byron")
    assert "This is the information we received from github" in page.text


def test_the_response_of_another_provider_is_refused(visitor, kitchen):
    answer = kitchen.consent(visitor.get("/login/kitchen", follow=False).location, "ada-at-kitchen")
    page = follow(visitor, answer.replace("/oauth-authorized/kitchen", "/oauth-authorized/github"))
    assert page.flashes == [("danger", "github could not confirm your identity. Please try again in a moment.")]


@pytest.mark.parametrize(("behaviour", "iss"), [("work", "https://evil.example"), ("promise", None)])
def test_a_response_must_be_of_its_issuer(visitor, kitchen, behaviour, iss):
    """RFC 9207: a provider that names itself in its responses does so in each of them."""
    kitchen.behaviour = behaviour
    answer = kitchen.consent(visitor.get("/login/kitchen", follow=False).location, "ada-at-kitchen")
    kitchen.calls.clear()
    page = follow(visitor, answer + (f"&iss={iss}" if iss else ""))
    assert (page.path, page.flashes) == ("/login/", FAILED)
    assert openid.TOKEN not in kitchen.calls


def test_a_response_with_the_right_issuer_is_accepted(visitor, kitchen):
    kitchen.behaviour = "promise"
    answer = kitchen.consent(visitor.get("/login/kitchen", follow=False).location, "ada-at-kitchen")
    assert follow(visitor, f"{answer}&iss={kitchen.issuer}").path == "/register/form"


def test_a_new_key_is_read_when_a_signature_does_not_fit(visitor, new_visitor, running, kitchen, app, monkeypatch):
    assert at_kitchen(visitor, kitchen).path == "/register/form"
    kitchen.renew_keys()
    kitchen.know("ada-at-kitchen")
    kitchen.calls.clear()
    assert at_kitchen(new_visitor(), kitchen).path == "/register/form"
    assert kitchen.calls.count(openid.KEYS) == kitchen.calls.count(openid.DISCOVERY) == 1
    kitchen.behaviour = "forge"
    assert at_kitchen(new_visitor(), kitchen).path == "/register/form"
    monkeypatch.setitem(app.extensions, "oauth_clients", {})
    assert at_kitchen(new_visitor(), kitchen).flashes == FAILED


@pytest.mark.parametrize(("ends", "path"), [(["@example.com"], "/register/form"), (["@example.org"], "/login/")])
def test_a_whitelist_has_the_ends_of_addresses(visitor, kitchen, app, monkeypatch, ends, path):
    monkeypatch.setitem(app.config, "OAUTH_PROVIDERS", [kitchen.settings(whitelist=ends)])
    page = at_kitchen(visitor, kitchen)
    assert page.path == path
    if path == "/login/":
        assert page.flashes == [("warning", "You cannot log in here with your e-mail address at Kitchen ID.")]


def test_a_userinfo_endpoint_tells_who_somebody_is(visitor, hub, app, monkeypatch):
    entry = hub.settings(name="hub")
    entry["remote_app"]["userinfo_endpoint"] = f"{hub.url}/user"
    monkeypatch.setitem(app.config, "OAUTH_PROVIDERS", [entry])
    assert at_github(visitor, "/login/hub").path == "/register/form"
    with visitor.client.session_transaction() as session:
        assert session["openid"]["subject"] == "42"


def test_azure_is_known_by_its_signed_token(visitor, new_visitor, kitchen, app, monkeypatch):
    """As Flask-AppBuilder documents it: without a description of the provider, whose keys are known."""
    entry = {
        "name": "azure",
        "remote_app": {
            "client_id": "dinner",
            "client_secret": "x",
            "api_base_url": f"{kitchen.issuer}/tenant",
            "access_token_url": f"{kitchen.issuer}{openid.TOKEN}",
            "authorize_url": f"{kitchen.issuer}/oauth2/authorize",
            "jwks_uri": f"{kitchen.issuer}{openid.KEYS}",
            "client_kwargs": {"scope": "email profile", "verify_signature": False},
        },
    }
    monkeypatch.setitem(app.config, "OAUTH_PROVIDERS", [entry])
    assert at_kitchen(visitor, kitchen, path="/login/azure").form("/register/form").fields["email"] == "ada@example.com"
    with visitor.client.session_transaction() as session:
        assert (session["openid"]["issuer"], session["openid"]["subject"]) == (
            f"{kitchen.issuer}/tenant",
            "ada-at-kitchen",
        )
    monkeypatch.setitem(app.extensions, "oauth_clients", {})
    kitchen.behaviour = "forge"
    refused = at_kitchen(new_visitor(), kitchen, path="/login/azure")
    assert refused.flashes == [("danger", "azure could not confirm your identity. Please try again in a moment.")]


def test_google_is_asked_as_flask_appbuilder_documents_it(visitor, hub, app, monkeypatch):
    monkeypatch.setitem(app.config, "OAUTH_PROVIDERS", [hub.settings(name="google")])
    assert at_github(visitor, "/login/google").form("/register/form").fields["email"] == "ada@example.com"
    with visitor.client.session_transaction() as session:
        assert session["openid"]["subject"] == "7"


def test_a_provider_that_nobody_can_ask_is_reported(visitor, hub, app, monkeypatch):
    monkeypatch.setitem(app.config, "OAUTH_PROVIDERS", [hub.settings(name="hub")])
    page = at_github(visitor, "/login/hub")
    assert page.flashes == [("danger", "hub could not confirm your identity. Please try again in a moment.")]


def test_a_function_of_the_site_tells_who_somebody_is(visitor, hub, app, monkeypatch):
    manager = appbuilder_of(app).sm
    monkeypatch.setattr(manager, "oauth_user_info", None)

    @manager.oauth_user_info_getter
    def tell(sm, provider, response=None):
        me = sm.oauth_remotes[provider].get("user").json()
        return {
            "username": f"github_{me['login']}",
            "email": "of-the-site@example.com",
            "first_name": response["scope"],
        }

    form = at_github(visitor).form("/register/form")
    assert (form.fields["email"], form.fields["first_name"]) == ("of-the-site@example.com", "user:email")
    with visitor.client.session_transaction() as session:
        assert (session["openid"]["issuer"], session["openid"]["subject"]) == (hub.url, "github_ada-l")


def test_a_member_links_logins_at_both(client_of, cast, kitchen, records):
    friend = client_of(cast.friend)
    links = [part.split('"')[0] for part in friend.get("/account/identities/").text.split('class="button primary"')[1:]]
    assert len(links) == 2
    page = friend.get("/account/identities/")
    for name, go in (
        ("kitchen", lambda path: at_kitchen(friend, kitchen, path=path)),
        ("github", lambda path: at_github(friend, path)),
    ):
        path = f"/login/{name}" + page.text.split(f'href="/login/{name}')[1].split('"')[0]
        assert go(path).path == "/account/identities/"
    page = friend.get("/account/identities/")
    assert "<bdi>Kitchen ID</bdi>" in page.text
    assert "<bdi>github</bdi>" in page.text
    assert records.count(ExternalIdentity) == 2


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("x", "provider 1: a value is of the wrong type"),
        ({}, "provider 1: it has no `name`"),
        ({"name": "x"}, "provider x: it has no `remote_app`"),
        ({**BARE, "name": "again"}, "is taken by a page"),
        ({**BARE, "name": "a/b"}, "must be letters"),
        ({**BARE, "name": "okta"}, "requires a `server_metadata_url`"),
        ({**BARE, "remote_app": {**BARE["remote_app"], "request_token_url": "https://a.example/"}}, "OAuth 1"),
        ({**BARE, "remote_app": {**BARE["remote_app"], "client_id": ""}}, "no `client_id`"),
        ({**BARE, "remote_app": {**BARE["remote_app"], "authorize_url": ""}}, "and `authorize_url`"),
        ({**BARE, "remote_app": {**BARE["remote_app"], "api_base_url": None}}, "must be a URL"),
        ({**BARE, "remote_app": {**BARE["remote_app"], "client_kwargs": {"verify": False}}}, "must be verified"),
        ({**BARE, "whitelist": ["("]}, "regular expressions"),
    ],
)
def test_a_provider_that_could_not_work_is_refused_with_the_reason(entry, told):
    assert providers.problem([BARE]) is None
    assert told in providers.problem([entry])
    assert "another one has the same `name`" in providers.problem([BARE, BARE])


TENANT, KEYCLOAK = "https://login.microsoftonline.com/t", "https://id.example/realms/master/protocol/openid-connect"
DISCOVERED = "https://id.example/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("name", "more", "issuer", "speaks_openid"),
    [
        ("azure", {"api_base_url": f"{TENANT}/oauth2"}, f"{TENANT}/oauth2", True),
        ("keycloak", {"api_base_url": KEYCLOAK}, "https://id.example/realms/master", True),
        ("google", {"client_kwargs": {"scope": "email profile"}}, "https://a.example", False),
        ("okta", {"server_metadata_url": DISCOVERED}, "https://id.example", True),
        ("authentik", {"jwks_uri": "https://id.example/keys"}, "https://a.example", True),
        ("okta", {}, None, None),
        ("authentik", {"client_kwargs": {"verify_signature": False}}, None, None),
        ("aws_cognito", {"client_kwargs": {"scope": "openid email"}}, None, None),
    ],
)
def test_what_flask_appbuilder_documents_is_enough_if_signatures_can_be_checked(name, more, issuer, speaks_openid):
    entry = {"name": name, "remote_app": {**BARE["remote_app"], **more}}
    assert (providers.problem([entry]) is None) is (issuer is not None)
    if issuer is not None:
        found = providers.described(entry)
        assert (found.issuer, found.speaks_openid) == (issuer, speaks_openid)


def test_an_issuer_knows_people_in_one_way(kitchen):
    both = [kitchen.settings(), {**BARE, "remote_app": {**BARE["remote_app"], "api_base_url": f"{kitchen.issuer}/"}}]
    assert providers.problem(both) == "provider x: kitchen knows the same people in another way"


# -- signals


def test_packages_may_refuse_a_login_at_a_provider(visitor, kitchen, app, records):
    IdentityFactory(member_id=MemberFactory(username="ada").id, issuer=kitchen.issuer, subject="ada-at-kitchen")
    told = []

    def refuse(_app, identifier):
        told.append(identifier)
        raise DomainError("Not today.", "warning")

    def note(_app, identifier, error):
        told.append((identifier, str(error)))

    with signals.login_attempting.connected_to(refuse, app), signals.login_failed.connected_to(note, app):
        assert at_kitchen(visitor, kitchen).flashes == [("warning", "Not today.")]
    with signals.login_failed.connected_to(note, app):
        kitchen.behaviour = "break"
        assert visitor.get("/oauth-authorized/kitchen?code=1&state=2").flashes == FAILED
    assert told == ["ada", ("ada", "Not today."), ("", FAILED[0][1])]
    assert records.count(LoginSession) == 0


# -- a site without passwords


def test_the_login_page_has_no_password(visitor, only_providers, cast, app):
    page = visitor.get("/login/")
    assert 'type="password"' not in page.text
    assert "Log in with Kitchen ID" in page.text
    assert "/register/form" not in page.text
    assert visitor.post("/login/", {"username": "friend", "password": PASSWORD}).status == 401
    sent = {"username": "friend", "password": PASSWORD}
    assert app.test_client().post("/api/v1/security/login", json=sent).status_code == 401
    for path in ("/register/form", "/password/forgot"):
        shown = visitor.get(path)
        assert shown.status == 403
        assert "have no password here" in shown.text


@pytest.mark.both_databases
def test_the_first_login_adds_a_member_with_the_roles_of_their_groups(visitor, only_providers, records):
    assert at_kitchen(visitor, only_providers).flashes == [("info", "Welcome, Ada Byron!")]
    member = records.one(Member)
    assert (member.username, member.email, member.password) == ("ada.b", "ada@example.com", None)
    assert roles(records, member) == ["Guest", "Translator"]
    assert records.one(ExternalIdentity).member_id == member.id
    assert [event.action for event in records.all(AuditEvent)] == ["member_created", "logged_in"]


def test_groups_that_only_the_userinfo_endpoint_has_give_roles_too(visitor, only_providers, records):
    with openid.silent_about_people():
        at_kitchen(visitor, only_providers)
    assert roles(records, records.one(Member)) == ["Guest", "Translator"]


@pytest.mark.parametrize("case", ["closed", "taken", "unverified", "no address"])
def test_a_member_is_not_added(visitor, only_providers, records, app, monkeypatch, case):
    """The refusal is the same in all cases: an equal address proves nothing, and no page says that it is known."""
    if case == "closed":
        monkeypatch.setitem(app.config, "REGISTRATION", "closed")
    if case == "taken":
        MemberFactory(username="bob", email="ADA@example.com")
    claims = {"unverified": {"email": "ada@example.com", "email_verified": False}, "no address": {}}
    if case in claims:
        only_providers.know("ada-at-kitchen", **claims[case])
    before = records.count(Member)
    page = at_kitchen(visitor, only_providers)
    assert (page.path, page.flashes) == ("/login/", REFUSED)
    assert (records.count(Member), records.count(ExternalIdentity)) == (before, 0)


@pytest.mark.parametrize(("synchronised", "has"), [(True, ["Guest", "Translator"]), (False, ["Admin"])])
def test_roles_follow_the_groups_at_each_login_if_asked_for(
    visitor, new_visitor, only_providers, records, app, monkeypatch, cast, synchronised, has
):
    monkeypatch.setitem(app.config, "AUTH_ROLES_SYNC_AT_LOGIN", synchronised)
    member, other = MemberFactory(username="ada", admin=True), new_visitor()
    IdentityFactory(member_id=member.id, issuer=only_providers.issuer, subject="ada-at-kitchen")
    other.log_in_as(member)
    stamp = member.session_stamp
    assert at_kitchen(visitor, only_providers).flashes == [("info", "Welcome, Ada Doe!")]
    assert roles(records, member) == has
    assert (records.fresh(member).session_stamp != stamp) is synchronised
    assert (other.get("/parties/new").path == "/login/") is synchronised
    changes = [event.after for event in records.all(AuditEvent) if event.action == "member_changed"]
    assert changes == ([{"roles": ["Guest", "Translator"]}] if synchronised else [])


def test_the_last_administrator_keeps_the_role(visitor, only_providers, records, app, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_ROLES_SYNC_AT_LOGIN", "yes")
    member = MemberFactory(username="ada", admin=True)
    IdentityFactory(member_id=member.id, issuer=only_providers.issuer, subject="ada-at-kitchen")
    assert at_kitchen(visitor, only_providers).path == "/"
    assert roles(records, member) == ["Admin"]


@pytest.mark.parametrize(("added", "names"), [(False, ["cooks"]), (True, ["cooks", "guests"])])
def test_groups_are_those_of_the_provider_if_asked_for(
    visitor, new_visitor, only_providers, records, app, monkeypatch, added, names
):
    monkeypatch.setitem(app.config, "AUTH_GROUPS_SYNC_AT_LOGIN", "yes")
    monkeypatch.setitem(app.config, "AUTH_AUTO_CREATE_GROUPS", added)
    GroupFactory(name="cooks")
    GroupFactory(name="gardeners")

    def groups():
        return records.all(select(Group.name).join(Group.users).order_by(Group.name))

    at_kitchen(visitor, only_providers)
    assert groups() == names
    only_providers.know("ada-at-kitchen", email="ada@example.com", groups=["gardeners"])
    at_kitchen(new_visitor(), only_providers)
    assert groups() == ["gardeners"]
    changed = next(event for event in records.all(AuditEvent) if event.action == "member_changed")
    assert (changed.before, changed.after) == ({"groups": names}, {"groups": ["gardeners"]})


# -- code of the site that knows who somebody is

ADA = {"username": "Ada", "first_name": "Ada", "email": "ada@example.com", "role_keys": ["cooks"]}


def authenticated(app, told):
    with app.test_request_context():
        member = appbuilder_of(app).sm.auth_user_oauth(told)
        return member and (member.username, sorted(role.name for role in member.roles))


@pytest.mark.both_databases
def test_code_of_the_site_finds_and_adds_people_by_username(only_providers, records, app):
    assert authenticated(app, ADA) == ("ada", ["Guest", "Translator"])
    assert authenticated(app, {"username": "ada"}) == ("ada", ["Guest", "Translator"])
    assert records.one(Member).login_count == 2
    with app.app_context(), transaction():
        db.session.execute(update(Member).values(active=False))
    assert authenticated(app, ADA) is None


@pytest.mark.parametrize(
    "told",
    [
        {**ADA, "username": ""},
        {**ADA, "username": "ada@example.com"},
        {**ADA, "username": "admin"},
        {**ADA, "email": ""},
        {**ADA, "email_verified": False},
        {**ADA, "email": "BOB@example.com"},
    ],
)
def test_whom_code_of_the_site_cannot_add(only_providers, records, app, told):
    MemberFactory(username="bob", email="bob@example.com")
    assert authenticated(app, told) is None
    assert records.count(Member) == 1


@pytest.mark.parametrize(("name", "value"), [("REGISTRATION", "closed"), ("AUTH_TYPE", AUTH_DB)])
def test_nobody_is_added_where_people_cannot_register_so(only_providers, records, app, monkeypatch, name, value):
    monkeypatch.setitem(app.config, name, value)
    assert authenticated(app, ADA) is None
    assert records.count(Member) == 0


def test_a_role_is_found_by_an_expression(visitor, only_providers, records, app, monkeypatch):
    expression = "contains(role_keys, 'guests') && 'Public' || 'Guest'"
    monkeypatch.setitem(app.config, "AUTH_USER_REGISTRATION_ROLE_JMESPATH", expression)
    at_kitchen(visitor, only_providers)
    assert roles(records, records.one(Member)) == ["Public", "Translator"]


def test_reauthentication_is_at_the_provider(visitor, only_providers, records, app):
    at_kitchen(visitor, only_providers)
    with app.app_context(), transaction():
        db.session.execute(update(LoginSession).values(authenticated_at=clock.now() - timedelta(minutes=11)))
    page = visitor.get("/account/identities/")
    assert page.path == "/login/again"
    assert 'type="password"' not in page.text
    path = "/login/kitchen?again=1" + page.text.split('href="/login/kitchen?again=1')[1].split('"')[0].replace(
        "&amp;", "&"
    )
    asked = parse_qs(urlsplit(visitor.get(path, follow=False).location).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    only_providers.know("bob-at-kitchen")
    page = at_kitchen(visitor, only_providers, "bob-at-kitchen", path)
    assert (page.path, page.flashes) == (
        "/login/again",
        [("warning", "This login at Kitchen ID belongs to somebody else.")],
    )
    page = at_kitchen(visitor, only_providers, path=path)
    assert (page.path, page.flashes) == ("/account/identities/", [("info", "Thank you. You can continue.")])
    page = visitor.submit(page.form("/unlink"))
    assert page.flashes == [("warning", "This is your only way to log in. Link another login first.")]
    assert records.count(ExternalIdentity) == 1


def test_a_form_that_was_sent_too_late_is_kept_on_the_way_to_the_provider(visitor, only_providers, app):
    at_kitchen(visitor, only_providers)
    form = visitor.get("/account/email/").form("/account/email/")
    with app.app_context(), transaction():
        db.session.execute(update(LoginSession).values(authenticated_at=clock.now() - timedelta(minutes=11)))
    page = visitor.submit(form, email="new@example.com")
    assert (page.status, "/login/kitchen?again=1" in page.text) == (401, True)
    page = at_kitchen(visitor, only_providers, path="/login/kitchen?again=1")
    assert page.form("/account/email/").fields["email"] == "new@example.com"
    # It is shown once.
    with visitor.client.session_transaction() as session:
        assert "kept_form" not in session


def test_a_member_without_a_password_deletes_the_account(visitor, only_providers, records):
    at_kitchen(visitor, only_providers)
    page = visitor.get("/account/data/erase")
    assert 'type="password"' not in page.text
    assert visitor.submit(page.form("/erase")).flashes[0][0] == "warning"
    assert records.one(Member).erase_at is not None


def test_a_command_links_a_login_of_somebody_who_was_there_before(visitor, only_providers, records, app):
    MemberFactory(username="ada", email="ada@example.com")
    run = app.test_cli_runner().invoke
    assert (
        "There is no provider pantry, but kitchen, github." in run(args=["link-identity", "ada", "pantry", "1"]).output
    )
    done = run(args=["link-identity", "ada", "kitchen", "ada-at-kitchen"])
    assert "ada can log in at Kitchen ID now." in done.output
    assert at_kitchen(visitor, only_providers).flashes == [("info", "Welcome, Ada Doe!")]
    assert records.all(AuditEvent)[0].action == "identity_linked"
