"""Configuration: environment variables, the file beside the database, their defaults, and Flask's settings made of them."""

import json
import logging
import os
import re
import secrets
import signal
import ssl
import tomllib
from collections.abc import Mapping, MutableMapping
from email.utils import parseaddr
from importlib import import_module
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit
from zoneinfo import ZoneInfo

import click
import idna

import logs

ROOT = Path(__file__).resolve().parent
# How long a request waits for SQLite's one writer. All other requests of the process wait, too.
BUSY_TIMEOUT_SECONDS = 10
SECRET_KEY_MIN_LENGTH, TOKEN_MIN_LENGTH = 32, 16
MAX_PORT = 65535
# Of one part of a domain (RFC 1035).
MAX_LABEL = 63
# What is before an @ has 64 characters at most (RFC 5321).
MAX_INBOUND_MAILBOX = 24
# A hundred years in days, the largest number of any setting.
MAX_NUMBER = 36_500
# The values of flask_appbuilder.const. run.py reads this module and must not import Flask-AppBuilder.
AUTH_DB, AUTH_LDAP = 1, 2
# Parts of secrets from published examples.
PLACEHOLDERS = ("changeme", "change-me", "change_me", "thisismyscretkey", "secretkey", "secret-key", "placeholder")
OPENSTREETMAP = "https://www.openstreetmap.org/search?query={address}"
# Each folder is a language.
LANGUAGES = tuple(sorted(path.name for path in (ROOT / "translations").glob("*") if path.is_dir()))

DATABASE_FILE, COUNTERS_FILE = "dinnerparty.db", "counters.db"
DATABASE_EXAMPLES = "postgresql://user:password@host/dinner or sqlite:////var/lib/dinner/dinner.db"
DRIVERS = {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}
# Valkey works with Redis URLs; its own schemes need another package.
REDIS_SCHEMES = {"redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster"}
BROKER_SCHEMES = {"redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps"}
# What SMTP accepts without quotes or extensions (RFC 5321: Dot-string "@" Domain).
ADDRESS = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[a-z\d-]+(\.[a-z\d-]+)*", re.ASCII | re.IGNORECASE
)
# Below which a site may be served.
PATH = re.compile(r"(/[a-z\d](?:[\w.~-]*[a-z\d])?)+", re.ASCII | re.IGNORECASE)
# Ctrl-C, systemd, and a closed terminal.
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# Renamed settings and values, old name first. The old ones still work, with a warning.
RENAMED = {
    "DIETS_KEPT_DAYS": "DIETARY_RETENTION_DAYS",
    "ERASE_AFTER_DAYS": "ACCOUNT_DELETION_GRACE_DAYS",
    "INVITATIONS_A_DAY": "INVITATION_DAILY_LIMIT",
    "INVITATIONS_KEPT_DAYS": "INVITATION_RETENTION_DAYS",
    "LDAP_SEARCH": "LDAP_SEARCH_BASE",
    "OIDC_NAME": "OIDC_DISPLAY_NAME",
    "SHORTEST_PASSWORD": "PASSWORD_MIN_LENGTH",
    "SHORTEST_STAFF_PASSWORD": "STAFF_PASSWORD_MIN_LENGTH",
    "SHORTEST_STAFF_PASSWORD_WITH_FACTOR": "STAFF_PASSWORD_MIN_LENGTH_2FA",
    "TRUSTED_PROXIES": "TRUSTED_PROXY_COUNT",
}
RENAMED_VALUES = {"ACTIVATION": {"letter": "email", "at-once": "none", "log-in": "auto-login"}}

# What the environment, or the file, may set.
NAMES = frozenset(
    {"AUDIT_RETENTION_DAYS", "EMAIL_RETENTION_DAYS", "SESSION_RETENTION_DAYS"}
    | {"ACCOUNT_DELETION_GRACE_DAYS", "ACTIVATION", "BACKGROUND_WORKER", "CELERY_BROKER_URL", "DATABASE_URL"}
    | {"DATABASE_POOL_SIZE", "DATABASE_PREPARED_STATEMENTS", "DATABASE_REPLICA_URL"}
    | {"DEFAULT_LOCALE", "LANGUAGES", "LANGUAGE_BETA_PERCENT", "LANGUAGE_COMPLETE_PERCENT", "MAIL_CONNECTIONS"}
    | {"DEFAULT_TIMEZONE", "DIETARY_RETENTION_DAYS", "ENVIRONMENT", "ERROR_MAIL_TO", "HOST", "INSTANCE_PATH"}
    | {
        "INVITATION_DAILY_LIMIT",
        "INVITATION_RETENTION_DAYS",
        "LDAP_ADMIN_GROUP",
        "LDAP_BIND_PASSWORD",
        "LDAP_BIND_USER",
    }
    | {"LDAP_CA_FILE", "LDAP_EMAIL_FIELD", "LDAP_FIRSTNAME_FIELD", "LDAP_GROUP_FIELD", "LDAP_LASTNAME_FIELD"}
    | {"LDAP_GROUP_BASE", "LDAP_LOCKOUT_THRESHOLD", "LDAP_UNIQUE_ID_FIELD"}
    | {"LDAP_SEARCH_BASE", "LDAP_SEARCH_FILTER", "LDAP_SERVER", "LDAP_UID_FIELD", "LDAP_USE_TLS", "MAIL_DEFAULT_SENDER"}
    | {"MAIL_PASSWORD", "MAIL_PORT", "MAIL_SERVER", "MAIL_TIMEOUT", "MAIL_USERNAME", "MAIL_USE_SSL", "MAIL_USE_TLS"}
    | {"MAP_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_DISPLAY_NAME", "OIDC_ISSUER", "PASSWORD_MIN_LENGTH"}
    | {"PORT", "PUBLIC_URL", "RATELIMIT_ENABLED", "REDIS_URL", "REGISTRATION", "SECRET_KEY", "SITE_NAME"}
    | {
        "STAFF_PASSWORD_MIN_LENGTH",
        "STAFF_PASSWORD_MIN_LENGTH_2FA",
        "TERMS_URL",
        "TRUSTED_HOSTS",
        "TRUSTED_PROXY_ADDRESSES",
        "TRUSTED_PROXY_COUNT",
    }
    | {"LOG_FORMAT", "METRICS_TOKEN", "SECURITY_CONTACT", "SENTRY_DSN"}
    | {"INBOUND_ADDRESS", "INBOUND_IMAP", "INBOUND_LISTEN", "INBOUND_RETENTION_DAYS"}
    | {"DASHBOARD_HOSTS"}
    | {"FAB_ADD_SECURITY_API", "IMG_UPLOAD_FOLDER", "UPLOAD_FOLDER", "WORKERS"}
    | {
        "BACKUP_DATABASE_URL",
        "BACKUP_FOLDER",
        "BACKUP_INTERVAL_HOURS",
        "BACKUP_KEEP",
        "BACKUP_RECIPIENTS",
        "POSTGRES_BIN",
    }
    | {"MAIL_ASCII_ATTACHMENTS", "MAIL_DEBUG", "MAIL_MAX_EMAILS", "MAIL_SUPPRESS_SEND"}
)
# Names of Flask and Flask-AppBuilder for the same.
SAME = {
    "APP_NAME": "SITE_NAME",
    "BABEL_DEFAULT_LOCALE": "DEFAULT_LOCALE",
    "BABEL_DEFAULT_TIMEZONE": "DEFAULT_TIMEZONE",
    "SQLALCHEMY_DATABASE_URI": "DATABASE_URL",
    "AUTH_USER_REGISTRATION": "REGISTRATION",
    "AUTH_LDAP_SERVER": "LDAP_SERVER",
    "AUTH_LDAP_USE_TLS": "LDAP_USE_TLS",
    "AUTH_LDAP_TLS_CACERTFILE": "LDAP_CA_FILE",
    "AUTH_LDAP_SEARCH": "LDAP_SEARCH_BASE",
    "AUTH_LDAP_SEARCH_FILTER": "LDAP_SEARCH_FILTER",
    "AUTH_LDAP_BIND_USER": "LDAP_BIND_USER",
    "AUTH_LDAP_BIND_PASSWORD": "LDAP_BIND_PASSWORD",
    "AUTH_LDAP_UID_FIELD": "LDAP_UID_FIELD",
    "AUTH_LDAP_FIRSTNAME_FIELD": "LDAP_FIRSTNAME_FIELD",
    "AUTH_LDAP_LASTNAME_FIELD": "LDAP_LASTNAME_FIELD",
    "AUTH_LDAP_EMAIL_FIELD": "LDAP_EMAIL_FIELD",
    "AUTH_LDAP_GROUP_FIELD": "LDAP_GROUP_FIELD",
}
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}

logger = logging.getLogger("app.config")


class ConfigurationError(click.ClickException, RuntimeError):
    """The configuration is invalid; the message says what to change. Commands print it and fail."""


def version() -> str:
    """Return the version of DinnerParty."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Flask's configuration for `environ` and the file in the instance folder.

    The environment has precedence. Raises ConfigurationError if either is invalid.
    """
    environ = dict(environ)
    apply_renames(environ)
    instance = _instance(environ)
    # First those of the environment, so that the file does not come before them.
    of_environment = _settings_of_flask_appbuilder(environ)
    further = {**_add_file(environ, instance), **of_environment}
    _ensure_writable(instance, environ)
    host = environ.get("HOST") or "127.0.0.1"
    port = _port(environ, "PORT", 8080)
    public_url = _public_url(environ.get("PUBLIC_URL") or f"http://localhost:{port}")
    https = public_url.startswith("https:")
    production = "production" if https else "development"
    is_production = _choice(environ, "ENVIRONMENT", (production, "production", "development")) == "production"
    return {
        "APP_NAME": environ.get("SITE_NAME") or "DinnerParty",
        "HOST": host,
        "PORT": port,
        "WORKERS": _integer(environ, "WORKERS", 2, least=1, most=256),
        # Celery's workers do the same.
        "BACKGROUND_WORKER": _boolean(environ, "BACKGROUND_WORKER", default=not environ.get("CELERY_BROKER_URL")),
        "CELERY_BROKER_URL": _broker_url(environ.get("CELERY_BROKER_URL", "")),
        "PUBLIC_URL": public_url,
        "TRUSTED_HOSTS": _trusted_hosts(public_url, host, environ.get("TRUSTED_HOSTS", "")),
        "TRUSTED_PROXY_COUNT": _integer(environ, "TRUSTED_PROXY_COUNT", 0),
        # Whether only this machine can reach the site, as far as its settings tell.
        "IS_LOCAL": not is_production and {host, urlsplit(public_url).hostname} <= LOCAL_HOSTS,
        "TRUSTED_PROXY_ADDRESSES": _networks(environ, "TRUSTED_PROXY_ADDRESSES"),
        "INSTANCE_PATH": str(instance),
        # -- operations
        "LOG_FORMAT": _choice(environ, "LOG_FORMAT", logs.FORMATS),
        "METRICS_TOKEN": _token(environ, "METRICS_TOKEN"),
        "SECURITY_CONTACT": _contact(environ.get("SECURITY_CONTACT", "")),
        "SENTRY_DSN": environ.get("SENTRY_DSN", ""),
        "SECRET_KEY": secret_key(environ, instance, production=is_production),
        # -- sessions
        "SESSION_COOKIE_NAME": _cookie_name("session", public_url),
        "DEVICE_COOKIE_NAME": _cookie_name("device", public_url),
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_PATH": urlsplit(public_url).path or "/",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # The longest time of a remembered login. Other session cookies end with the browser.
        "PERMANENT_SESSION_LIFETIME": 90 * 24 * 3600,
        "SESSION_REFRESH_EACH_REQUEST": False,
        # -- database
        "SQLALCHEMY_DATABASE_URI": _database_url(environ.get("DATABASE_URL", ""), instance),
        **_backups(environ, instance),
        "DATABASE_REPLICA_URL": _replica_url(environ, instance),
        # Connections that a process keeps, and as many again while it needs them.
        "DATABASE_POOL_SIZE": _integer(environ, "DATABASE_POOL_SIZE", 5, least=1, most=100),
        "DATABASE_PREPARED_STATEMENTS": _boolean(environ, "DATABASE_PREPARED_STATEMENTS", default=True),
        **_mail(environ, public_url),
        # -- limits
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        # The same for forms with files. Larger than a file may be, so that a file that is too large is an error at its field.
        "UPLOAD_MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
        "UPLOAD_MAX_BYTES": 5 * 1024 * 1024,
        "UPLOAD_FOLDER": environ.get("UPLOAD_FOLDER") or str(instance / "uploads"),
        "IMG_UPLOAD_FOLDER": environ.get("IMG_UPLOAD_FOLDER") or str(instance / "uploads" / "images"),
        "RATELIMIT_ENABLED": _boolean(environ, "RATELIMIT_ENABLED", default=True),
        "RATELIMIT_STORAGE_URI": _redis_url(environ.get("REDIS_URL", "")) or _counters_url(instance),
        # What the processes of this machine count together (app.counters).
        "COUNTERS_PATH": str(instance / COUNTERS_FILE),
        "RATELIMIT_STORAGE_OPTIONS": _redis_options() if environ.get("REDIS_URL") else {},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        # If the storage fails during a request, the request is not counted.
        "RATELIMIT_SWALLOW_ERRORS": True,
        # -- languages
        "LANGUAGES": _languages(environ.get("LANGUAGES", "")),
        "LANGUAGE_BETA_PERCENT": _integer(environ, "LANGUAGE_BETA_PERCENT", 60, most=100),
        "LANGUAGE_COMPLETE_PERCENT": _integer(environ, "LANGUAGE_COMPLETE_PERCENT", 100, most=100),
        "BABEL_DEFAULT_LOCALE": _choice(environ, "DEFAULT_LOCALE", ("en", *LANGUAGES)),
        "BABEL_DEFAULT_TIMEZONE": _timezone(environ.get("DEFAULT_TIMEZONE") or "UTC"),
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        # -- Flask-AppBuilder: the schema belongs to Alembic, permissions to `flask setup`
        "FAB_SECURITY_MANAGER_CLASS": "app.accounts.security.SecurityManager",
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_MENU_API": True,
        # argon2id as OWASP recommends: 19 MiB, about 30 ms.
        "PASSWORD_HASH": {"time_cost": 2, "memory_cost": 19 * 1024, "parallelism": 1},
        "FAB_ADD_SECURITY_API": _boolean(environ, "FAB_ADD_SECURITY_API", default=False),
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_OPENAPI_SERVERS": [{"url": public_url}],
        "FAB_API_KEY_ENABLED": True,
        "FAB_API_KEY_PREFIXES": ["dinner_"],
        # -- registration and login
        "REGISTRATION": _choice(environ, "REGISTRATION", ("open", "invitation", "closed")),
        "ACTIVATION": _choice(environ, "ACTIVATION", ("email", "none", "auto-login")),
        "TERMS_URL": _web_url(environ, "TERMS_URL"),
        # Where dashboards may show data from: the worker asks these hosts, and no others.
        "DASHBOARD_HOSTS": _dashboard_hosts(environ.get("DASHBOARD_HOSTS", "")),
        "AUTH_USER_REGISTRATION": environ.get("REGISTRATION") != "closed",
        "AUTH_USER_REGISTRATION_ROLE": "Guest",
        "PASSWORD_MIN_LENGTH": _integer(environ, "PASSWORD_MIN_LENGTH", 8, least=1),
        "STAFF_PASSWORD_MIN_LENGTH": _integer(environ, "STAFF_PASSWORD_MIN_LENGTH", 15),
        "STAFF_PASSWORD_MIN_LENGTH_2FA": _integer(environ, "STAFF_PASSWORD_MIN_LENGTH_2FA", 12),
        "MAP_URL": _map_url(environ),
        "INVITATION_DAILY_LIMIT": _integer(environ, "INVITATION_DAILY_LIMIT", 200),
        "DIETARY_RETENTION_DAYS": _integer(environ, "DIETARY_RETENTION_DAYS", 30),
        "INVITATION_RETENTION_DAYS": _integer(environ, "INVITATION_RETENTION_DAYS", 365),
        # The database refuses to delete entries of the audit log that are younger than a year.
        "AUDIT_RETENTION_DAYS": _integer(environ, "AUDIT_RETENTION_DAYS", 400, least=366),
        "EMAIL_RETENTION_DAYS": _integer(environ, "EMAIL_RETENTION_DAYS", 365, least=7),
        "SESSION_RETENTION_DAYS": _integer(environ, "SESSION_RETENTION_DAYS", 30, least=1),
        "ACCOUNT_DELETION_GRACE_DAYS": _integer(environ, "ACCOUNT_DELETION_GRACE_DAYS", 14),
        **_openid(environ),
        **_ldap(environ),
        "JWT_ACCESS_TOKEN_EXPIRES": 900,
        "JWT_REFRESH_TOKEN_EXPIRES": 12 * 3600,
        # The clocks of several servers may differ by so many seconds.
        "JWT_DECODE_LEEWAY": 10,
        "WTF_CSRF_TIME_LIMIT": None,
        # The CSRF token is required, the Referer is not: pages of activation links and some browsers send none.
        "WTF_CSRF_SSL_STRICT": False,
        **further,
    }


def _add_file(environ: MutableMapping[str, str], instance: Path) -> dict[str, Any]:
    """Add the settings of the file to `environ`, unless they are there. Return those that only Flask knows."""
    found = _read_file(instance)
    apply_renames(found)
    further = {}
    for name, value in found.items():
        own = SAME.get(name, name)
        if own not in NAMES:
            further[name] = value
        elif value is not None and not environ.get(own) and not (own == "MAP_URL" and own in environ):
            environ[own] = _as_text(name, value)
    return further


def _read_file(instance: Path) -> dict[str, Any]:
    """Return the settings in config.toml or config.py; none if there is no file."""
    paths = [path for path in (instance / "config.toml", instance / "config.py") if path.exists()]
    if not paths:
        return {}
    if len(paths) > 1:
        raise ConfigurationError(f"There are {paths[0]} and {paths[1].name}: keep one of them.")
    path = paths[0]
    try:
        source = path.read_bytes()
        found: dict[str, Any] = {}
        if path.suffix == ".toml":
            found = tomllib.loads(source.decode())
        else:
            # Flask's own way to read a configuration in Python.
            exec(compile(source, path, "exec"), found)  # noqa: S102
            found = {name: value for name, value in found.items() if name.isupper()}
    except Exception as error:
        text = " ".join(_reason(error).split())
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__}: {text}).") from error
    for name in found:
        if not name.isupper():
            raise ConfigurationError(f"{path}: settings have names in capitals, unlike {name}.")
    if "INSTANCE_PATH" in found:
        raise ConfigurationError(f"INSTANCE_PATH is the folder of {path}: it can be set in the environment only.")
    return found


def _as_text(name: str, value: object) -> str:
    """Return a value of the file as it would be in the environment."""
    if name == "AUTH_USER_REGISTRATION":
        return "open" if value else "closed"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "LANGUAGES" and isinstance(value, dict):
        # As Flask-AppBuilder has it, with names and flags.
        value = list(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if not isinstance(value, str | int):
        raise ConfigurationError(f"{name} must be a text, a number, or true or false.")
    return str(value)


def _settings_of_flask_appbuilder(environ: MutableMapping[str, str]) -> dict[str, Any]:
    """Return the settings of Flask-AppBuilder in `environ`, which are JSON, or texts. Some have another name here."""
    found = {}
    for name in [name for name in environ if name.startswith(("FAB_", "AUTH_")) and environ[name]]:
        value = _from_text(environ[name])
        own = SAME.get(name)
        if own is None:
            found[name] = value
        elif not environ.get(own):
            environ[own] = _as_text(name, value)
    return found


def _from_text(text: str) -> Any:
    if text.lower() in YES | NO and not text.isdigit():
        return text.lower() in YES
    try:
        return json.loads(text)
    except ValueError:
        return text


def load_dotenv() -> None:
    """Read .env and .flaskenv into the environment if python-dotenv is installed, as the `flask` command does."""
    files = [name for name in (".env", ".flaskenv") if Path(name).is_file()]
    if not files or os.environ.get("FLASK_SKIP_DOTENV", "").lower() in YES:
        return
    try:
        dotenv: Any = import_module("dotenv")
    except ImportError:
        logger.warning("%s is not read: install python-dotenv, or use a file in the instance folder", files[0])
        return
    for name in files:
        dotenv.load_dotenv(name)


def apply_renames(environ: MutableMapping[str, Any]) -> None:
    """Move settings in `environ` to their new names and values, with a warning for each."""
    for old, new in RENAMED.items():
        value = environ.pop(old, "")
        if value and environ.get(new):
            logger.warning("%s was renamed and is ignored: %s is set, too", old, new)
        elif value:
            logger.warning("%s was renamed: set %s instead", old, new)
            environ[new] = value
    for name, values in RENAMED_VALUES.items():
        if new_value := values.get(str(environ.get(name, ""))):
            logger.warning("%s=%s was renamed: set %s=%s instead", name, environ[name], name, new_value)
            environ[name] = new_value


def renamed_in_use(environ: Mapping[str, str], instance: Path) -> dict[str, str]:
    """Return the settings with an old name or value, in `environ` and in the file, each with what to set instead."""
    found: dict[str, str] = {}
    for settings in (environ, _read_file(instance)):
        found |= {old: new for old, new in RENAMED.items() if settings.get(old)}
        for name, values in RENAMED_VALUES.items():
            if new := values.get(str(settings.get(name, ""))):
                found[f"{name}={settings[name]}"] = f"{name}={new}"
    return found


def secret_key(environ: Mapping[str, str], instance: Path, *, production: bool) -> str:
    """Return the secret that signs sessions: SECRET_KEY, or the content of the file in `instance`.

    It is created at the first start, except in production: there a lost file must not silently be replaced by a new
    secret, which would sign out all members, and several servers must share one.
    """
    path = instance / "secret_key"
    try:
        given = environ.get("SECRET_KEY") or (path.read_text("ascii").strip() if path.exists() else "")
        if not given and not production:
            given = _create_secret(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable or writable ({_reason(error)}).") from error
    if not given:
        raise ConfigurationError(f"No secret key: set SECRET_KEY, or create one in {path} with `make secret`.")
    if len(given) < SECRET_KEY_MIN_LENGTH or any(word in given.lower() for word in PLACEHOLDERS) or len(set(given)) < 8:
        msg = f"SECRET_KEY is a known value or too short: it must have at least {SECRET_KEY_MIN_LENGTH} random characters."
        raise ConfigurationError(msg)
    return given


def _create_secret(path: Path) -> str:
    """Write a new secret, or return the one of another process that was faster."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48), "ascii")
    try:
        # Linking is atomic, so no process reads an incomplete secret.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text("ascii").strip()


def _instance(environ: Mapping[str, str]) -> Path:
    """Return the instance folder; created for its owner only, because it contains the database and the secret."""
    instance = Path(environ.get("INSTANCE_PATH") or ROOT / "instance")
    try:
        instance = instance.resolve()
        str(instance).encode()
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Loops of symbolic links and invalid characters raise other errors than OSError.
    except (OSError, RuntimeError, ValueError) as error:
        msg = f"INSTANCE_PATH: the folder {instance} cannot be created ({_reason(error)})."
        raise ConfigurationError(msg) from error
    return instance


def _ensure_writable(instance: Path, environ: Mapping[str, str]) -> None:
    # The folder need not be writable if the secret and the database are elsewhere.
    if not os.access(instance, os.W_OK | os.X_OK) and not (environ.get("SECRET_KEY") and environ.get("DATABASE_URL")):
        raise ConfigurationError(f"INSTANCE_PATH: the folder {instance} cannot be written to by this user.")


def _reason(error: Exception) -> str:
    """Return the message of the system without the path, which the caller adds."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _database_url(value: str, instance: Path) -> str:
    """Return SQLAlchemy's URL of the database; without a `value` it is a file in `instance`."""
    if not value:
        # Characters with a meaning in URLs are escaped.
        return f"sqlite:///{quote(str(instance / DATABASE_FILE))}"
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if value.startswith(("postgres://", "postgresql://")):
        value = "postgresql+psycopg://" + value.partition("://")[2]
    try:
        url = make_url(value)
        if url.drivername in DRIVERS:
            url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in DRIVERS:
        # The value may contain a password, so the message does not repeat it.
        raise ConfigurationError(f"DATABASE_URL must look like {DATABASE_EXAMPLES}.")
    if url.get_backend_name() == "sqlite" and (url.database in {None, "", ":memory:"} or "?" in value):
        msg = "DATABASE_URL must name a file that all processes share, without options; a ? in its name is written %3F."
        raise ConfigurationError(msg)
    return value


def _replica_url(environ: Mapping[str, str], instance: Path) -> str:
    value = environ.get("DATABASE_REPLICA_URL", "")
    if not value:
        return ""
    both = [environ.get("DATABASE_URL", ""), value]
    if not all(each.startswith("postgres") for each in both):
        raise ConfigurationError("DATABASE_REPLICA_URL is the standby of a PostgreSQL, which DATABASE_URL names.")
    return _database_url(value, instance)


def _cookie_name(name: str, public_url: str) -> str:
    """Return the name of a cookie. It contains the port, because browsers send cookies to all ports of a host."""
    parts = urlsplit(public_url)
    https = parts.scheme == "https"
    port = parts.port or (443 if https else 80)
    # Browsers take cookies with the first of these for the path / only.
    secured = "__Secure-" if parts.path else "__Host-"
    return (secured if https else "") + name + ("" if port in {80, 443} else f"-{port}")


def _split_url(value: str) -> SplitResult:
    """Return the parts of an http(s) URL; raises ValueError for another one."""
    parts = urlsplit(value)
    is_text = value.isprintable() and " " not in value
    # Reading `port` validates it.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or not is_text:
        raise ValueError(value)
    return parts


def _public_url(value: str) -> str:
    try:
        parts = _split_url(value.strip())
        _ascii_host(parts.netloc)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    path = parts.path.rstrip("/")
    if not parts.scheme or "@" in parts.netloc or parts.query or parts.fragment or (path and not PATH.fullmatch(path)):
        raise ConfigurationError(
            f"PUBLIC_URL must look like https://dinner.example.org or https://example.org/dinner, not {value!r}."
        )
    # As browsers send it: the headers of e-mails take nothing but ASCII.
    return f"{parts.scheme}://{_ascii_host(parts.netloc).lower()}{path}"


def _web_url(environ: Mapping[str, str], name: str) -> str:
    """Return an http(s) URL of another site, or an empty text."""
    value = environ.get(name, "")
    try:
        return value and _split_url(value).geturl()
    except ValueError as error:
        raise ConfigurationError(f"{name} must look like https://www.example.org/page, not {value!r}.") from error


def _counters_url(instance: Path) -> str:
    """Return where requests are counted without Redis: in a file, or in each process if there is no place for one."""
    if not os.access(instance, os.W_OK | os.X_OK):
        logger.warning("%s cannot be written to: each process counts requests for itself", instance)
        return "memory://"
    return f"counters:{quote(str(instance / COUNTERS_FILE))}"


def _redis_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_known = not value or (parts.scheme in REDIS_SCHEMES and parts.port != 0)
    except ValueError:
        is_known = False
    if not is_known:
        # The value may contain a password, so the message does not repeat it.
        raise ConfigurationError("REDIS_URL must look like redis://host:6379/0.")
    return value


def _broker_url(value: str) -> str:
    """Return Celery's URL of the broker, or several that are separated by semicolons."""
    try:
        is_known = all(
            urlsplit(part).scheme in BROKER_SCHEMES and urlsplit(part).port != 0 for part in value.split(";")
        )
    except ValueError:
        is_known = False
    if value and not is_known:
        # The value may contain a password, so the message does not repeat it.
        raise ConfigurationError(
            "CELERY_BROKER_URL must look like redis://host:6379/0 or amqp://user:password@host/vhost."
        )
    return value


def _timezone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(f"DEFAULT_TIMEZONE must look like Europe/Madrid, not {value!r}.") from error


def _map_url(environ: Mapping[str, str]) -> str:
    """Return the URL pattern of map links. If unset it is OpenStreetMap; if empty there are no map links."""
    value = environ.get("MAP_URL", OPENSTREETMAP)
    if not value:
        return ""
    if "{address}" not in value:
        raise ConfigurationError(f"MAP_URL must look like {OPENSTREETMAP}, or be empty, not {value!r}.")
    return _web_url(environ, "MAP_URL") or value


def _dashboard_hosts(value: str) -> frozenset[str]:
    """Return the origins that are listed, such as https://api.example.org:443. Without a scheme, it is https."""
    origins = set()
    for entry in filter(None, (entry.strip() for entry in value.split(","))):
        try:
            parts = _split_url(entry if "://" in entry else f"https://{entry}")
            host = _listed_host(parts.hostname or "")
        except ValueError as error:
            raise ConfigurationError(
                "DASHBOARD_HOSTS must look like api.example.org, https://api.example.org:8443 or http://127.0.0.1:9000,"
                f" separated by commas, not {entry!r}."
            ) from error
        if parts.path not in {"", "/"} or "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigurationError(f"DASHBOARD_HOSTS has hosts without paths or passwords, not {entry!r}.")
        origins.add(f"{parts.scheme}://{host}:{parts.port or {'https': 443, 'http': 80}[parts.scheme]}")
    return frozenset(origins)


def _listed_host(host: str) -> str:
    """Return a name in ASCII, or an address as it is usually written; raises ValueError for other spellings of one."""
    try:
        address = ip_address(host)
    except ValueError:
        name = _ascii_host(host).lower()
        last = name.rpartition(".")[2]
        # 127.1, 0x7f.0.0.1 and 2130706433 are addresses, too.
        if not re.fullmatch(r"[a-z\d_-]+(\.[a-z\d_-]+)*", name) or last.isdecimal() or last.startswith("0x"):
            raise
        return name
    if str(address) != host:
        raise ValueError(host)
    return f"[{host}]" if address.version == 6 else host


def _backups(environ: Mapping[str, str], instance: Path) -> dict[str, Any]:
    """Return where backups are kept, how many, and for whose keys they are encrypted."""
    direct = environ.get("BACKUP_DATABASE_URL", "")
    if direct and not direct.startswith("postgres"):
        raise ConfigurationError("BACKUP_DATABASE_URL is the PostgreSQL of DATABASE_URL, without a pooler before it.")
    return {
        "BACKUP_DATABASE_URL": _database_url(direct, instance) if direct else "",
        "BACKUP_FOLDER": environ.get("BACKUP_FOLDER", ""),
        "BACKUP_INTERVAL_HOURS": _integer(environ, "BACKUP_INTERVAL_HOURS", 24, least=1),
        "BACKUP_KEEP": _integer(environ, "BACKUP_KEEP", 14, least=1),
        "BACKUP_RECIPIENTS": [key.strip() for key in environ.get("BACKUP_RECIPIENTS", "").split(",") if key.strip()],
        "POSTGRES_BIN": environ.get("POSTGRES_BIN", ""),
    }


def _mail(environ: Mapping[str, str], public_url: str) -> dict[str, Any]:
    """Return the settings of Flask-Mail, and who receives unexpected errors."""
    server = environ.get("MAIL_SERVER", "")
    if "/" in server or server.count(":") == 1 or not server.isprintable():
        raise ConfigurationError(f"MAIL_SERVER must be a host name without a port, not {server!r}.")
    settings = {
        "MAIL_SERVER": server,
        "MAIL_PORT": _port(environ, "MAIL_PORT", 25),
        "MAIL_USERNAME": environ.get("MAIL_USERNAME") or None,
        "MAIL_PASSWORD": environ.get("MAIL_PASSWORD") or None,
        "MAIL_USE_TLS": _boolean(environ, "MAIL_USE_TLS"),
        "MAIL_USE_SSL": _boolean(environ, "MAIL_USE_SSL"),
        "MAIL_DEFAULT_SENDER": _sender(environ.get("MAIL_DEFAULT_SENDER") or f"dinnerparty@{_mail_domain(public_url)}"),
        "MAIL_TIMEOUT": _integer(environ, "MAIL_TIMEOUT", 20, least=1),
        "MAIL_CONNECTIONS": _integer(environ, "MAIL_CONNECTIONS", 4, least=1, most=1000),
        "MAIL_MAX_EMAILS": _integer(environ, "MAIL_MAX_EMAILS", 100, least=1),
        "MAIL_ASCII_ATTACHMENTS": _boolean(environ, "MAIL_ASCII_ATTACHMENTS"),
        # Without these two, Flask-Mail takes the values of TESTING and DEBUG.
        **(
            {"MAIL_SUPPRESS_SEND": _boolean(environ, "MAIL_SUPPRESS_SEND")} if environ.get("MAIL_SUPPRESS_SEND") else {}
        ),
        **({"MAIL_DEBUG": _boolean(environ, "MAIL_DEBUG")} if environ.get("MAIL_DEBUG") else {}),
        "ERROR_MAIL_TO": [
            _email("ERROR_MAIL_TO", address.strip())
            for address in environ.get("ERROR_MAIL_TO", "").split(",")
            if address.strip()
        ],
    }
    settings |= _inbound(environ, parseaddr(str(settings["MAIL_DEFAULT_SENDER"]))[1])
    if settings["MAIL_USE_TLS"] and settings["MAIL_USE_SSL"]:
        msg = "MAIL_USE_TLS (STARTTLS, often port 587) and MAIL_USE_SSL (often port 465) cannot both be set."
        raise ConfigurationError(msg)
    return settings


def _inbound(environ: Mapping[str, str], sender: str) -> dict[str, Any]:
    """Return how e-mail comes back to the site, and the address at which it does; no address if it does not."""
    listen, mailbox = environ.get("INBOUND_LISTEN", ""), environ.get("INBOUND_IMAP", "")
    if listen and not _is_url(listen, {"lmtp", "smtp"}, needs_port=True):
        raise ConfigurationError(f"INBOUND_LISTEN must look like lmtp://127.0.0.1:2424, not {listen!r}.")
    if mailbox and not _is_url(mailbox, {"imaps", "imap"}, needs_user=True):
        # The value contains a password, so the message does not repeat it.
        raise ConfigurationError("INBOUND_IMAP must look like imaps://user:password@imap.example.org/INBOX.")
    if mailbox.startswith("imap:") and urlsplit(mailbox).hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ConfigurationError("INBOUND_IMAP must be imaps: the password would cross the network as it is.")
    address = _email("INBOUND_ADDRESS", environ.get("INBOUND_ADDRESS") or sender)
    if (listen or mailbox) and len(address.rpartition("@")[0]) > MAX_INBOUND_MAILBOX:
        raise ConfigurationError(
            f"INBOUND_ADDRESS may have {MAX_INBOUND_MAILBOX} characters before the @, to which tokens are added."
        )
    return {
        "INBOUND_LISTEN": listen,
        "INBOUND_IMAP": mailbox,
        "INBOUND_ADDRESS": address if listen or mailbox else "",
        "INBOUND_RETENTION_DAYS": _integer(environ, "INBOUND_RETENTION_DAYS", 30, least=1),
    }


def _is_url(value: str, schemes: set[str], *, needs_port: bool = False, needs_user: bool = False) -> bool:
    try:
        parts = urlsplit(value)
        is_complete = bool(parts.hostname and (parts.port or not needs_port) and (parts.username or not needs_user))
    except ValueError:
        return False
    return is_complete and parts.scheme in schemes and value.isprintable()


def _email(name: str, address: str) -> str:
    """Return an e-mail address with its domain in ASCII."""
    try:
        return ascii_address(address)
    except ValueError as error:
        raise ConfigurationError(f"{name} must be an e-mail address, not {address!r}.") from error


def _sender(text: str) -> str:
    """Return an e-mail address, with the name before it in quotes if there is one; it may contain any characters."""
    name, bracket, address = text.strip().rpartition("<")
    if not bracket:
        return _email("MAIL_DEFAULT_SENDER", address)
    if not address.endswith(">") or not name.isprintable():
        raise ConfigurationError(f"MAIL_DEFAULT_SENDER must look like Dinner <dinner@example.org>, not {text!r}.")
    name = name.strip()
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{_email("MAIL_DEFAULT_SENDER", address[:-1].strip())}>'


def ascii_address(address: str) -> str:
    """Return an e-mail address with its domain in ASCII (IDNA); raises ValueError if SMTP would not accept it."""
    mailbox, _, domain = address.rpartition("@")
    plain = f"{mailbox}@{_ascii_host(domain)}"
    if not ADDRESS.fullmatch(plain) or any(len(label) > MAX_LABEL for label in domain.split(".")):
        raise ValueError("not an e-mail address that can be written to")
    return plain


def _ascii_host(host: str) -> str:
    """Return a host, which may have a port, in ASCII (IDNA); raises ValueError if that cannot be done."""
    if host.isascii():
        return host
    name, colon, port = host.partition(":")
    return idna.encode(name, uts46=True).decode("ascii") + colon + port


def _mail_domain(public_url: str) -> str:
    """Return the public host as a domain for e-mail, or localhost if it is an IP address."""
    host = urlsplit(public_url).hostname or ""
    return host if any(character.isalpha() for character in host) and ":" not in host else "localhost"


def _token(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if value and (not value.isascii() or not value.isprintable() or " " in value or len(value) < TOKEN_MIN_LENGTH):
        raise ConfigurationError(f"{name} must have at least {TOKEN_MIN_LENGTH} characters of ASCII, and no blank.")
    return value


def _contact(value: str) -> str:
    """Return a URL of security.txt; an e-mail address becomes one."""
    if not value or value.startswith(("https://", "mailto:", "tel:")):
        if not value.isprintable():
            raise ConfigurationError("SECURITY_CONTACT must be an e-mail address, or a URL.")
        return value
    return f"mailto:{_email('SECURITY_CONTACT', value)}"


def _trusted_hosts(public_url: str, host: str, more: str) -> list[str]:
    known = {urlsplit(public_url).hostname or "", host, "127.0.0.1", "localhost", "::1", *more.split(",")}
    names = {name.strip().lower() for name in known} - {"", "0.0.0.0", "::"}  # noqa: S104
    # IPv6 addresses have brackets in the Host header.
    return sorted(f"[{name}]" if ":" in name and not name.startswith("[") else name for name in names)


def _networks(environ: Mapping[str, str], name: str) -> list[str]:
    """Return IP addresses, or networks of them, that are separated by commas."""
    values = [value.strip() for value in environ.get(name, "").split(",") if value.strip()]
    try:
        return [str(ip_network(value)) for value in values]
    except ValueError as error:
        raise ConfigurationError(f"{name} must look like 127.0.0.1,10.0.0.0/8, not {environ[name]!r}.") from error


def _integer(environ: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = MAX_NUMBER) -> int:
    value = environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit():
        raise ConfigurationError(f"{name} must be a whole number, not {value!r}.")
    # int() fails on more than 4,300 digits.
    if len(value) > 9 or not least <= int(value) <= most:
        raise ConfigurationError(f"{name} must be a number from {least} to {most}, not {value[:20]}.")
    return int(value)


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    return _integer(environ, name, default, least=1, most=MAX_PORT)


def _languages(value: str) -> dict[str, dict[str, str]]:
    """Return the languages to offer, in their order, as Flask-AppBuilder has them; without a value, all of translations/."""
    found = list(filter(None, re.split(r"[\s,]+", value)))
    for key in found:
        if not {key, key.partition("_")[0]} & {"en", *LANGUAGES}:
            raise ConfigurationError(f"LANGUAGES: there is no folder translations/{key}, nor one of its language.")
    return {key: {"name": key, "flag": ""} for key in found or ("en", *LANGUAGES)}


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return the value of the variable, or the first of `choices` if it is not set."""
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(sorted(set(choices)))}, not {value!r}.")
    return value


def _openid(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the OpenID Connect provider; without an issuer there is none."""
    issuer = _web_url(environ, "OIDC_ISSUER").rstrip("/")
    client = environ.get("OIDC_CLIENT_ID", "")
    if issuer and not client:
        raise ConfigurationError("OIDC_ISSUER requires OIDC_CLIENT_ID.")
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": client,
        "OIDC_CLIENT_SECRET": environ.get("OIDC_CLIENT_SECRET", ""),
        "OIDC_DISPLAY_NAME": environ.get("OIDC_DISPLAY_NAME") or urlsplit(issuer).hostname or "",
        "OIDC_TIMEOUT": 10,
    }


def _ldap(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return FAB's settings of the LDAP directory; without a server the members are in the database."""
    servers = environ.get("LDAP_SERVER", "").replace(",", " ").split()
    if not servers:
        lonely = sorted(name for name in NAMES if name.startswith("LDAP_") and environ.get(name))
        if lonely:
            raise ConfigurationError(f"{lonely[0]} requires LDAP_SERVER.")
        return {"AUTH_TYPE": AUTH_DB}
    for server in servers:
        if not _is_url(server, {"ldap", "ldaps"}) or urlsplit(server).path.strip("/"):
            raise ConfigurationError(f"LDAP_SERVER must look like ldaps://directory.example.org, not {server!r}.")
    authorities = environ.get("LDAP_CA_FILE", "")
    if authorities:
        _refuse_no_certificates("LDAP_CA_FILE", authorities)
    if not environ.get("LDAP_SEARCH_BASE"):
        raise ConfigurationError("LDAP_SERVER requires LDAP_SEARCH_BASE, the base DN for user searches.")
    if bool(environ.get("LDAP_BIND_USER")) != bool(environ.get("LDAP_BIND_PASSWORD")):
        # Most directories take a name without a password for nobody (RFC 4513, 5.1.2).
        raise ConfigurationError("LDAP_BIND_USER and LDAP_BIND_PASSWORD require each other.")
    for name in ("LDAP_SEARCH_BASE", "LDAP_GROUP_BASE", "LDAP_ADMIN_GROUP"):
        _refuse_no_dn(name, environ.get(name, ""))
    _refuse_no_filter("LDAP_SEARCH_FILTER", environ.get("LDAP_SEARCH_FILTER", ""))
    return {
        "AUTH_TYPE": AUTH_LDAP,
        # Accounts are created from the directory at the first login.
        "REGISTRATION": "closed",
        "AUTH_USER_REGISTRATION": False,
        "AUTH_LDAP_SERVER": " ".join(servers),
        "AUTH_LDAP_USE_TLS": _boolean(environ, "LDAP_USE_TLS"),
        "AUTH_LDAP_TLS_CACERTFILE": authorities,
        "AUTH_LDAP_SEARCH": environ["LDAP_SEARCH_BASE"],
        "AUTH_LDAP_SEARCH_FILTER": environ.get("LDAP_SEARCH_FILTER", ""),
        "AUTH_LDAP_BIND_USER": environ.get("LDAP_BIND_USER", ""),
        "AUTH_LDAP_BIND_PASSWORD": environ.get("LDAP_BIND_PASSWORD", ""),
        "AUTH_LDAP_UID_FIELD": _ldap_field(environ, "LDAP_UID_FIELD", "uid"),
        "AUTH_LDAP_FIRSTNAME_FIELD": _ldap_field(environ, "LDAP_FIRSTNAME_FIELD", "givenName"),
        "AUTH_LDAP_LASTNAME_FIELD": _ldap_field(environ, "LDAP_LASTNAME_FIELD", "sn"),
        "AUTH_LDAP_EMAIL_FIELD": _ldap_field(environ, "LDAP_EMAIL_FIELD", "mail"),
        "AUTH_LDAP_GROUP_FIELD": _ldap_field(environ, "LDAP_GROUP_FIELD", "memberOf"),
        "LDAP_UNIQUE_ID_FIELD": _ldap_field(environ, "LDAP_UNIQUE_ID_FIELD", ""),
        "LDAP_GROUP_BASE": environ.get("LDAP_GROUP_BASE", ""),
        "LDAP_ADMIN_GROUP": environ.get("LDAP_ADMIN_GROUP", ""),
        # After so many wrong passwords the directory locks an account. Active Directory tells it itself.
        "LDAP_LOCKOUT_THRESHOLD": _integer(environ, "LDAP_LOCKOUT_THRESHOLD", 0),
        "LDAP_TIMEOUT": 10,
    }


def _ldap_field(environ: Mapping[str, str], name: str, default: str) -> str:
    """Return the name of an attribute of the directory (RFC 4512)."""
    value = environ.get(name) or default
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+", value):
        raise ConfigurationError(f"{name} must be the name of an attribute, such as mail, not {value!r}.")
    return value


def _refuse_no_dn(name: str, value: str) -> None:
    from ldap3.core.exceptions import LDAPInvalidDnError
    from ldap3.utils.dn import parse_dn

    try:
        if value:
            # `strip` refuses an escaped space at the end (findings/ldap3_strip_escaped_space.sh).
            parse_dn(value.replace("\\ ", "\\20"), strip=True)
    except LDAPInvalidDnError as error:
        example = "ou=people,dc=example,dc=org"
        raise ConfigurationError(f"{name} must look like {example}, not {value!r} ({error}).") from error


def _refuse_no_filter(name: str, value: str) -> None:
    from ldap3.core.exceptions import LDAPInvalidFilterError
    from ldap3.operation.search import parse_filter

    try:
        if value:
            parse_filter(value, None, False, False, None, False)  # noqa: FBT003 - without a schema
    except LDAPInvalidFilterError as error:
        example = "(memberOf=cn=dinner,ou=groups,dc=example,dc=org)"
        raise ConfigurationError(f"{name} must look like {example}, not {value!r} ({error}).") from error


def _refuse_no_certificates(name: str, path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{name}: the file {path} has no certificates (PEM).") from error
    except OSError as error:
        raise ConfigurationError(f"{name}: the file {path} cannot be read ({error.strerror}).") from error


def _redis_options() -> dict[str, Any]:
    """Return short time-outs for Redis: if it fails, requests are counted in memory and must not wait for long."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}


def _boolean(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = environ.get(name, "").strip().lower()
    if value and value not in YES | NO:
        raise ConfigurationError(f"{name} must be yes or no, not {value!r}.")
    return value in YES if value else default


def engine_options(url: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine's options for a database `url`.

    SQLite takes its write lock at the first INSERT, UPDATE or DELETE (BEGIN IMMEDIATE): a deferred transaction that
    read first could not be upgraded and would fail at once with "database is locked" when another one wrote.
    """
    from sqlalchemy.engine import make_url

    # Values do not appear in the log: some are tokens.
    options: dict[str, Any] = {"hide_parameters": True}
    if make_url(url).get_backend_name() == "sqlite":
        return {**options, "connect_args": {"isolation_level": "IMMEDIATE", "timeout": BUSY_TIMEOUT_SECONDS}}
    size = settings["DATABASE_POOL_SIZE"]
    # None: psycopg prepares no statement.
    arguments = {} if settings["DATABASE_PREPARED_STATEMENTS"] else {"prepare_threshold": None}
    return {**options, "pool_pre_ping": True, "pool_size": size, "max_overflow": size, "connect_args": arguments}


def replica_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine's options for the replica. It must not let anybody wait when it is down."""
    options = engine_options(settings["DATABASE_REPLICA_URL"], settings)
    return {**options, "connect_args": {**options["connect_args"], "connect_timeout": 2}}
