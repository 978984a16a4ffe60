"""Flask-AppBuilder's settings: what each one does here, and which values are refused.

Every setting that Flask-AppBuilder reads or documents is listed, so that none is ignored in silence. docs/fab.md shows the
list as `table()` writes it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_appbuilder import const

from app.accounts.oidc import providers
from app.crud import storage
from app.fab_settings import values
from config import ROOT, ConfigurationError

log = logging.getLogger(__name__)

AUTH_TYPES = {const.AUTH_DB, const.AUTH_LDAP, const.AUTH_OAUTH, const.AUTH_REMOTE_USER}
HOW = {"works": "yes", "fixed": "one value", "refused": "no"}


@dataclass(frozen=True)
class Setting:
    """`how` it works here; `text` says what it does, or what to use instead; `accepts` decides on a value."""

    how: str
    text: str
    accepts: Callable[[Any], bool]


def _works(text: str, accepts: Callable[[Any], bool] = lambda _value: True) -> Setting:
    return Setting("works", text, accepts)


def _fixed(text: str, *, value: object) -> Setting:
    return Setting("fixed", text, lambda given: given == value)


def _refused(text: str) -> Setting:
    """Return a setting that must not be set. An empty value, as in many examples, asks for nothing."""
    return Setting("refused", text, lambda given: not given)


# -- the list

LDAP_CHECKED = "Certificates are always checked: name the authorities of yours in `LDAP_CA_FILE`."
OIDC = "Use a provider that speaks OpenID Connect: set `OAUTH_PROVIDERS`, or `OIDC_ISSUER`."
ROLE_FORM = "Permissions are chosen in the form of a role under Manage → Roles; there is no page for them alone."
HASHES = "Passwords are hashed with argon2id (`PASSWORD_HASH`); hashes of Flask-AppBuilder are accepted and renewed."
DIRECTORY = "Only bind and search are used: set `LDAP_SEARCH_BASE`, `LDAP_SEARCH_FILTER` and `LDAP_BIND_USER`."
OWN_RULES = "Registrations have rate limits and a link by e-mail instead of a CAPTCHA."
FILES = "For file and image columns of your own views."
PLACES = "A folder, or `s3://bucket/folder` in S3-compatible storage, which needs the package boto3."

SETTINGS: dict[str, Setting] = {
    # -- the site
    "APP_NAME": _works("The name of the site; the same as `SITE_NAME`.", values.is_text),
    "APP_ICON": _works(
        "The path of an image of this site, shown beside the name in place of the candle.", values.is_own_path
    ),
    "APP_THEME": _refused(
        "There is one design, in light and dark: extend it with a template of your own in `FAB_BASE_TEMPLATE`."
    ),
    "LANGUAGES": _works(
        "The languages to offer, in their order, of those with a folder in `translations/`; by default all of them. A region, "
        "such as `en_GB`, has the texts of its language.",
        lambda value: isinstance(value, Mapping | list | tuple),
    ),
    "BABEL_DEFAULT_LOCALE": _works(
        "For readers whose language is not known; the same as `DEFAULT_LOCALE`.", values.is_text
    ),
    "BABEL_TRANSLATION_DIRECTORIES": _fixed(
        "Catalogs are in `translations/`: add a language there with `flask i18n add`.", value=str(ROOT / "translations")
    ),
    "ADDON_MANAGERS": _works(
        "Paths of add-on managers, which register their views at the start.",
        lambda value: isinstance(value, list | tuple) and all(map(values.is_text, value)),
    ),
    "SECRET_KEY": _works("Signs sessions; at least 32 random characters. Without one it is made at the first start."),
    "SQLALCHEMY_DATABASE_URI": _works("The database; the same as `DATABASE_URL`.", values.is_text),
    "SQLALCHEMY_BINDS": _refused("The site has one database, which `DATABASE_URL` names."),
    "MONGODB_SETTINGS": _refused("The database is SQLite or PostgreSQL: set `DATABASE_URL`."),
    "CSRF_ENABLED": _fixed("Every form and every POST outside the API needs a CSRF token.", value=True),
    "MAIL_SERVER": _works("Where e-mail is delivered; it waits in the outbox, also while there is no server."),
    "MAIL_USERNAME": _works("How to log in at the mail server."),
    "MAIL_PASSWORD": _works("How to log in at the mail server."),
    "MAIL_USE_TLS": _works("Whether to talk to the mail server with STARTTLS.", values.is_bool),
    "MAIL_DEFAULT_SENDER": _works("The sender of e-mails."),
    # -- pages and files
    "FAB_INDEX_VIEW": _works("The path of a view class that replaces the first page.", values.is_class),
    "FAB_MENU": _works(
        "The path of a subclass of `flask_appbuilder.menu.Menu` that holds the menu *Manage*.", values.is_class
    ),
    "FAB_BASE_TEMPLATE": _works(
        "The template that all pages extend; `appbuilder/baselayout.html` by default.", values.is_text
    ),
    "FAB_STATIC_FOLDER": _works("The folder of Flask-AppBuilder's static files.", values.is_text),
    "FAB_STATIC_URL_PATH": _works("The path below `/static` at which they are served.", values.is_text),
    "FAB_SAFE_REDIRECT_HOSTS": _works(
        "Further hosts, such as `*.example.org`, to which `?next=` may lead after a login. This site always may.",
        values.are_hosts,
    ),
    "LOGOUT_REDIRECT_URL": _works(
        "Where a logout leads: a path of this site, or a URL. By default the first page.", values.is_page
    ),
    "FAB_ALLOW_GET_UNSAFE_MUTATIONS": _refused(
        "GET changes nothing here: delete with POST, as the buttons of lists do."
    ),
    "UPLOAD_FOLDER": _works(PLACES, values.is_text),
    "FILE_ALLOWED_EXTENSIONS": _works(FILES),
    "IMG_UPLOAD_FOLDER": _works(PLACES, values.is_text),
    "IMG_UPLOAD_URL": _works(FILES, values.is_text),
    "IMG_SIZE": _works(
        "The size of images whose column has none, such as `(300, 200, True)`: width, height, and whether to cut to it.",
        values.is_size,
    ),
    # -- APIs
    "FAB_API_MAX_PAGE_SIZE": _works(
        "The most rows that a list of an API returns at once.", lambda value: type(value) is int and value > 0
    ),
    "FAB_API_ALLOW_JSON_QS": _works("Whether `?q=` of an API may be JSON beside Rison.", values.is_bool),
    "FAB_API_SHOW_STACKTRACE": _refused(
        "Errors are written to the log and sent to `ERROR_MAIL_TO`, never to visitors."
    ),
    "FAB_API_SWAGGER_UI": _works(
        "Adds `/swagger/v1`, a page to read and try the API, for roles with `can_show` on `SwaggerView`.",
        values.is_bool,
    ),
    "FAB_API_SWAGGER_TEMPLATE": _works(
        "Another template for that page; it gets the document as `document`.", values.is_text
    ),
    "FAB_ADD_OPENAPI_VIEWS": _works("Whether the API is described at `/api/v1/_openapi`.", values.is_bool),
    "FAB_OPENAPI_SERVERS": _works("The servers in that description; `PUBLIC_URL` by default."),
    "FAB_ADD_MENU_API": _works("Whether `/api/v1/menu/` shows the menu to programs.", values.is_bool),
    "FAB_ADD_SECURITY_API": _works(
        "Adds the API with which programs keep users, groups and roles, `/api/v1/security/users/` and its siblings, by the "
        "rules of the pages. An environment variable of the same name sets it, too.",
        values.is_bool,
    ),
    "FAB_API_KEY_ENABLED": _fixed(
        "Members may have API keys, which administrators can revoke under Manage → API keys.", value=True
    ),
    "FAB_API_KEY_PREFIXES": _works("What API keys begin with. New keys get the first prefix.", values.are_prefixes),
    "FAB_API_KEY_HASH_METHOD": _refused("API keys are long and random, so SHA-256 is enough; nothing needs to be set."),
    "FAB_API_KEY_HASH_SALT_LENGTH": _refused("API keys are long and random, so their hashes need no salt."),
    # -- the database and permissions
    "FAB_CREATE_DB": _fixed("The schema belongs to Alembic: run `flask setup`.", value=False),
    "FAB_UPDATE_PERMS": _fixed("Permissions are stored by `flask setup`, never at the start.", value=False),
    "FAB_SECURITY_MANAGER_CLASS": _works(
        "The path of a subclass of `app.accounts.security.SecurityManager`.", values.is_security_manager
    ),
    "FAB_SECURITY_SIGNALS_ENABLED": _works("Whether the signals of users, roles and groups are sent.", values.is_bool),
    "FAB_ROLES": _works(
        "Roles whose permissions match patterns. `flask setup` stores them, and takes away what does not match. "
        "Not for the role Admin, which has all permissions.",
        values.are_roles,
    ),
    "FAB_ROLES_MAPPING": _refused("Rename roles under Manage → Roles."),
    "FAB_ADD_SECURITY_VIEWS": _fixed(
        "To hide users, roles or groups, take `can_list` on their views from the roles under Manage → Roles.",
        value=True,
    ),
    "FAB_ADD_SECURITY_PERMISSION_VIEW": _refused(ROLE_FORM),
    "FAB_ADD_SECURITY_VIEW_MENU_VIEW": _refused(ROLE_FORM),
    "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": _refused(ROLE_FORM),
    "FAB_ADMINS": _refused("Add administrators with `flask create-admin`."),
    "FAB_USERS": _refused("Add users under Manage → Users, or with `flask fab create-user`."),
    # -- login
    "AUTH_TYPE": _works(
        "`AUTH_DB`: a password, and the providers of `OAUTH_PROVIDERS` and `OIDC_ISSUER` beside it. `AUTH_LDAP` with "
        "`LDAP_SERVER`. `AUTH_OAUTH`: the providers only, members have no password. `AUTH_REMOTE_USER`: whom the web server "
        "names. In place of SAML, use a provider that speaks OpenID Connect.",
        lambda value: value in AUTH_TYPES and not values.is_bool(value),
    ),
    "AUTH_ROLE_ADMIN": _fixed("The role of administrators is called Admin.", value="Admin"),
    "AUTH_ROLE_PUBLIC": _fixed("The role of visitors is called Public.", value="Public"),
    "AUTH_USERNAME_CI": _fixed(
        "Names are compared without case: nobody can register the name of another in capitals.", value=True
    ),
    "AUTH_USER_REGISTRATION": _works(
        "`False` is `REGISTRATION=closed`; `True` is `REGISTRATION=open`, unless that says `invitation`.",
        values.is_bool,
    ),
    "AUTH_USER_REGISTRATION_ROLE": _works(
        "The role that new members get, which must exist at the start; Guest by default.", values.is_text
    ),
    "AUTH_USER_REGISTRATION_ROLE_JMESPATH": _works(
        "An expression that finds the role of a new member in what a provider tells, in place of "
        "`AUTH_USER_REGISTRATION_ROLE`; it needs the package `jmespath` and `AUTH_OAUTH`.",
        values.is_jmespath,
    ),
    "AUTH_RATE_LIMITED": _works(
        "Adds `AUTH_RATE_LIMIT` to the limits of the login page, which `RATELIMIT_ENABLED` switches off.",
        values.is_bool,
    ),
    "AUTH_RATE_LIMIT": _works("How many logins an IP address may try, such as `10 per 20 second`.", values.is_limit),
    "RATELIMIT_ENABLED": _works("Whether guessing and flooding are limited; yes by default.", values.is_bool),
    "RATELIMIT_KEY_FUNC": _refused(
        "Requests are counted by IP address, name and member: behind a proxy, set `TRUSTED_PROXY_COUNT`."
    ),
    "AUTH_DB_FAKE_PASSWORD_HASH_CHECK": _refused("An unknown name takes as long as a known one without it."),
    "AUTH_STRICT_RESPONSE_CODES": _fixed("401 and 403 are always told apart.", value=True),
    "FAB_PASSWORD_COMPLEXITY_ENABLED": _works(
        "Whether passwords need, beside the rules here, what Flask-AppBuilder or your validator asks for.",
        values.is_bool,
    ),
    "FAB_PASSWORD_COMPLEXITY_VALIDATOR": _works(
        "A function that raises `PasswordComplexityValidationError`; in `config.py` only.",
        lambda value: value is None or callable(value),
    ),
    "FAB_PASSWORD_HASH_METHOD": _refused(HASHES),
    "FAB_PASSWORD_HASH_SALT_LENGTH": _refused(HASHES),
    "AUTH_API_LOGIN_ALLOW_MULTIPLE_PROVIDERS": _refused("Who knows passwords is the same for the API and the pages."),
    "RECAPTCHA_PUBLIC_KEY": _refused(OWN_RULES),
    "RECAPTCHA_PRIVATE_KEY": _refused(OWN_RULES),
    # -- LDAP
    "AUTH_LDAP_SERVER": _works("The same as `LDAP_SERVER`, which also sets `AUTH_TYPE`.", values.is_text),
    "AUTH_LDAP_USE_TLS": _works("The same as `LDAP_USE_TLS`.", values.is_bool),
    "AUTH_LDAP_TLS_CACERTFILE": _works("The same as `LDAP_CA_FILE`.", values.is_text),
    "AUTH_LDAP_SEARCH": _works("The same as `LDAP_SEARCH_BASE`.", values.is_text),
    "AUTH_LDAP_SEARCH_FILTER": _works("The same as `LDAP_SEARCH_FILTER`.", values.is_text),
    "AUTH_LDAP_BIND_USER": _works("The same as `LDAP_BIND_USER`.", values.is_text),
    "AUTH_LDAP_BIND_PASSWORD": _works("The same as `LDAP_BIND_PASSWORD`.", values.is_text),
    "AUTH_LDAP_UID_FIELD": _works("The same as `LDAP_UID_FIELD`.", values.is_text),
    "AUTH_LDAP_FIRSTNAME_FIELD": _works("The same as `LDAP_FIRSTNAME_FIELD`.", values.is_text),
    "AUTH_LDAP_LASTNAME_FIELD": _works("The same as `LDAP_LASTNAME_FIELD`.", values.is_text),
    "AUTH_LDAP_EMAIL_FIELD": _works("The same as `LDAP_EMAIL_FIELD`.", values.is_text),
    "AUTH_LDAP_GROUP_FIELD": _works("The same as `LDAP_GROUP_FIELD`.", values.is_text),
    "AUTH_LDAP_TLS_DEMAND": _works(LDAP_CHECKED, values.is_bool),
    "AUTH_LDAP_ALLOW_SELF_SIGNED": _refused(LDAP_CHECKED),
    "AUTH_LDAP_TLS_CACERTDIR": _refused(LDAP_CHECKED),
    "AUTH_LDAP_TLS_CERTFILE": _refused(
        "The site logs in at the directory with `LDAP_BIND_USER`, not with a certificate."
    ),
    "AUTH_LDAP_TLS_KEYFILE": _refused(
        "The site logs in at the directory with `LDAP_BIND_USER`, not with a certificate."
    ),
    "AUTH_LDAP_BIND_FIRST": _refused(DIRECTORY),
    "AUTH_LDAP_APPEND_DOMAIN": _refused(DIRECTORY),
    "AUTH_LDAP_USERNAME_FORMAT": _refused(DIRECTORY),
    "AUTH_ROLES_MAPPING": _works(
        "Lists of roles by the name of a group, for the groups of an LDAP directory and the `role_keys` of a provider: by "
        "default its claims `groups` and `roles`. It may be a function that returns them. The roles must exist.",
        values.is_mapping,
    ),
    "AUTH_ROLES_SYNC_AT_LOGIN": _works(
        "Whether these roles replace those of a member at every login, which ends sessions with a role that was lost; "
        "the last administrator keeps all. Otherwise only new members get them.",
        values.is_bool,
    ),
    "AUTH_GROUPS_SYNC_AT_LOGIN": _works(
        "Whether members have, from every login on, those groups of the site that are called like theirs in the directory, "
        "or like the `groups` or `role_keys` of the provider, and no others.",
        values.is_bool,
    ),
    "AUTH_AUTO_CREATE_GROUPS": _works("Whether groups that are missing are added then, without roles.", values.is_bool),
    # -- other providers
    "OAUTH_PROVIDERS": _works(
        "A list of providers, each with a `name`, perhaps a `label` for people, and a `remote_app` with `client_id`, "
        "`client_secret` and `server_metadata_url` for OpenID Connect; others have `api_base_url`, `access_token_url` and "
        "`authorize_url`. Signatures are always checked, so with the scope `openid`, Auth0, Authentik and Okta need "
        "`server_metadata_url` or `jwks_uri`, too; what Flask-AppBuilder documents for Azure, Keycloak, GitHub and Google is enough. "
        "A `whitelist` of ends of e-mail addresses is kept to. Icons are not shown, and access tokens are not stored. OAuth 1 is not possible.",
        # providers.problem says what is wrong.
        lambda _value: True,
    ),
    "OPENID_PROVIDERS": _refused(OIDC),
    "SAML_PROVIDERS": _refused(OIDC),
    "SAML_CONFIG": _refused(OIDC),
    "AUTH_REMOTE_USER_ENV_VAR": _works(
        "The WSGI variable with the name of the person, `REMOTE_USER` by default, or a header such as `HTTP_REMOTEUSER`, "
        "which is believed only of the proxies in `TRUSTED_PROXY_ADDRESSES`.",
        values.is_remote_user_variable,
    ),
}


def check(settings: Mapping[str, Any]) -> None:
    """Raise ConfigurationError if a setting of Flask-AppBuilder has a value that would not do here what it says."""
    for name, setting in SETTINGS.items():
        if name in settings and not setting.accepts(settings[name]):
            # The value may be a secret, so the message does not repeat it.
            raise ConfigurationError(f"{name} cannot have this value here: {setting.text.replace('`', '')}")
    by_directory = settings["AUTH_TYPE"] == const.AUTH_LDAP
    if by_directory != bool(settings.get("AUTH_LDAP_SERVER")):
        wanted = "requires LDAP_SERVER" if by_directory else "contradicts LDAP_SERVER: remove one of them"
        raise ConfigurationError(f"AUTH_TYPE {wanted}.")
    problem = providers.problem(settings.get("OAUTH_PROVIDERS") or ())
    if problem:
        raise ConfigurationError(f"OAUTH_PROVIDERS cannot have this value here: {problem.replace('`', '')}.")
    _check_logins(settings)
    for name in ("UPLOAD_FOLDER", "IMG_UPLOAD_FOLDER"):
        problem = storage.problem(str(settings.get(name) or ""))
        if problem:
            raise ConfigurationError(f"{name} {problem}.")
    if settings["AUTH_USER_REGISTRATION"] != (settings["REGISTRATION"] != "closed"):
        raise ConfigurationError("AUTH_USER_REGISTRATION contradicts REGISTRATION: set only REGISTRATION.")


def _check_logins(settings: Mapping[str, Any]) -> None:
    """Raise ConfigurationError if a setting of logins lacks another one without which it has no effect."""
    auth_type, has_providers = settings["AUTH_TYPE"], bool(settings.get("OAUTH_PROVIDERS") or settings["OIDC_ISSUER"])
    if auth_type == const.AUTH_OAUTH and not settings.get("OAUTH_PROVIDERS"):
        raise ConfigurationError("AUTH_TYPE requires OAUTH_PROVIDERS.")
    if auth_type == const.AUTH_REMOTE_USER and has_providers:
        raise ConfigurationError(
            "AUTH_TYPE contradicts OAUTH_PROVIDERS and OIDC_ISSUER: the web server says who logs in."
        )
    variable = str(settings.get("AUTH_REMOTE_USER_ENV_VAR") or "")
    if variable and auth_type != const.AUTH_REMOTE_USER:
        raise ConfigurationError("AUTH_REMOTE_USER_ENV_VAR requires that AUTH_TYPE is AUTH_REMOTE_USER (3).")
    if variable.startswith("HTTP_") and not settings["TRUSTED_PROXY_ADDRESSES"]:
        raise ConfigurationError("AUTH_REMOTE_USER_ENV_VAR is a header, so it requires TRUSTED_PROXY_ADDRESSES.")
    if variable.startswith("HTTP_") and "_" in variable.removeprefix("HTTP_"):
        log.warning("%s: let the proxy drop headers with underscores, or use a name like HTTP_REMOTEUSER", variable)
    _check_groups(settings, auth_type, has_providers=has_providers)
    if settings.get("AUTH_USER_REGISTRATION_ROLE_JMESPATH") and auth_type != const.AUTH_OAUTH:
        raise ConfigurationError("AUTH_USER_REGISTRATION_ROLE_JMESPATH requires that AUTH_TYPE is AUTH_OAUTH (4).")


def _check_groups(settings: Mapping[str, Any], auth_type: int, *, has_providers: bool) -> None:
    """Raise ConfigurationError if a setting of groups has nothing that tells them."""
    has_groups = auth_type == const.AUTH_LDAP or (has_providers and auth_type != const.AUTH_REMOTE_USER)
    for name in ("AUTH_ROLES_MAPPING", "AUTH_ROLES_SYNC_AT_LOGIN", "AUTH_GROUPS_SYNC_AT_LOGIN"):
        if settings.get(name) and not has_groups:
            raise ConfigurationError(f"{name} requires groups: set LDAP_SERVER or OAUTH_PROVIDERS.")
    if settings.get("AUTH_AUTO_CREATE_GROUPS") and not settings.get("AUTH_GROUPS_SYNC_AT_LOGIN"):
        raise ConfigurationError("AUTH_AUTO_CREATE_GROUPS requires AUTH_GROUPS_SYNC_AT_LOGIN.")
    is_synchronised = settings.get("AUTH_ROLES_SYNC_AT_LOGIN")
    if settings.get("AUTH_ROLES_MAPPING") and auth_type == const.AUTH_DB and not is_synchronised:
        raise ConfigurationError("AUTH_ROLES_MAPPING requires AUTH_ROLES_SYNC_AT_LOGIN where members have passwords.")


def table() -> str:
    """Return the list as a table in Markdown."""
    rows = [f"| `{name}` | {HOW[setting.how]} | {setting.text} |" for name, setting in sorted(SETTINGS.items())]
    return "\n".join(["| setting | works | here |", "|---|---|---|", *rows]) + "\n"
