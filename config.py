"""Configuration: what the environment may set, and what it is when the environment is silent."""

import logging
import os
import re
import secrets
import signal
from collections.abc import Mapping, MutableMapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit
from zoneinfo import ZoneInfo

import click

ROOT = Path(__file__).resolve().parent
# Whoever waits longer for SQLite's one writer is told to come back; everybody else of that process waits behind them.
BUSY_TIMEOUT_SECONDS = 10
SECRET_KEY_MIN_LENGTH = 32
MAX_PORT = 65535
# A hundred years in days: no setting is a larger number, and a date can be that long ago.
MAX_NUMBER = 36_500
# As in flask_appbuilder.const: importing that would load all of it into the process that only watches the others.
AUTH_DB, AUTH_LDAP = 1, 2
# Parts of secrets that stand in examples all over the world.
PLACEHOLDERS = ("changeme", "change-me", "change_me", "thisismyscretkey", "secretkey", "secret-key", "placeholder")
OPENSTREETMAP = "https://www.openstreetmap.org/search?query={address}"
LANGUAGES = {
    "en": {"flag": "gb", "name": "English"},
    "es": {"flag": "es", "name": "Español"},
    "ar": {"flag": "sa", "name": "العربية"},
}


DATABASE_FILE = "dinnerparty.db"
DATABASE_EXAMPLES = "postgresql://user:password@host/dinner or sqlite:////var/lib/dinner/dinner.db"
DRIVERS = {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}
# Valkey is spoken to as Redis: its own schemes need a package that is not among ours.
REDIS_SCHEMES = {"redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster"}
# By hand, by whoever started the process, and when its terminal is closed.
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# Settings that were renamed, old name first, and values that were. The old ones are still read, with a warning.
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

logger = logging.getLogger("app.config")


class ConfigurationError(click.ClickException, RuntimeError):
    """The configuration cannot be served with; the text says what to change. A command prints it, and fails."""


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Flask's configuration for `environ`; raises ConfigurationError for what cannot be served with."""
    environ = dict(environ)
    apply_renames(environ)
    instance = _instance(environ)
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
        "BACKGROUND_WORKER": _boolean(environ, "BACKGROUND_WORKER", default=True),
        "PUBLIC_URL": public_url,
        "TRUSTED_HOSTS": _trusted_hosts(public_url, host, environ.get("TRUSTED_HOSTS", "")),
        "TRUSTED_PROXY_COUNT": _integer(environ, "TRUSTED_PROXY_COUNT", 0),
        "INSTANCE_PATH": str(instance),
        "SECRET_KEY": secret_key(environ, instance, production=is_production),
        # -- sessions
        "SESSION_COOKIE_NAME": _cookie_name("session", public_url),
        "DEVICE_COOKIE_NAME": _cookie_name("device", public_url),
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # As long as a remembered login can last: the cookie of another one goes with the browser.
        "PERMANENT_SESSION_LIFETIME": 90 * 24 * 3600,
        "SESSION_REFRESH_EACH_REQUEST": False,
        # -- database
        "SQLALCHEMY_DATABASE_URI": _database_url(environ.get("DATABASE_URL", ""), instance),
        **_mail(environ, public_url),
        # -- limits
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "RATELIMIT_ENABLED": _boolean(environ, "RATELIMIT_ENABLED", default=True),
        "RATELIMIT_STORAGE_URI": _redis_url(environ.get("REDIS_URL", "")) or "memory://",
        "RATELIMIT_STORAGE_OPTIONS": _redis_options() if environ.get("REDIS_URL") else {},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        # When the storage goes away while a request is answered, that one is not counted, and answered.
        "RATELIMIT_SWALLOW_ERRORS": True,
        # -- languages
        "LANGUAGES": LANGUAGES,
        "BABEL_DEFAULT_LOCALE": _choice(environ, "DEFAULT_LOCALE", tuple(LANGUAGES)),
        "BABEL_DEFAULT_TIMEZONE": _timezone(environ.get("DEFAULT_TIMEZONE") or "UTC"),
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        # -- Flask-AppBuilder: the schema belongs to Alembic, permissions to `flask setup`
        "FAB_SECURITY_MANAGER_CLASS": "app.accounts.security.SecurityManager",
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        # argon2id as OWASP advises: 19 MiB, about 30 ms.
        "PASSWORD_HASH": {"time_cost": 2, "memory_cost": 19 * 1024, "parallelism": 1},
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_OPENAPI_SERVERS": [{"url": public_url}],
        "FAB_API_KEY_ENABLED": True,
        "FAB_API_KEY_PREFIXES": ["dinner_"],
        # -- who may come in
        "REGISTRATION": _choice(environ, "REGISTRATION", ("open", "invitation", "closed")),
        "ACTIVATION": _choice(environ, "ACTIVATION", ("email", "none", "auto-login")),
        "TERMS_URL": _web_url(environ, "TERMS_URL"),
        "AUTH_USER_REGISTRATION": environ.get("REGISTRATION") != "closed",
        "AUTH_USER_REGISTRATION_ROLE": "Guest",
        "PASSWORD_MIN_LENGTH": _integer(environ, "PASSWORD_MIN_LENGTH", 8, least=1),
        "STAFF_PASSWORD_MIN_LENGTH": _integer(environ, "STAFF_PASSWORD_MIN_LENGTH", 15),
        "STAFF_PASSWORD_MIN_LENGTH_2FA": _integer(environ, "STAFF_PASSWORD_MIN_LENGTH_2FA", 12),
        "MAP_URL": _map_url(environ),
        "INVITATION_DAILY_LIMIT": _integer(environ, "INVITATION_DAILY_LIMIT", 200),
        "DIETARY_RETENTION_DAYS": _integer(environ, "DIETARY_RETENTION_DAYS", 30),
        "INVITATION_RETENTION_DAYS": _integer(environ, "INVITATION_RETENTION_DAYS", 365),
        "ACCOUNT_DELETION_GRACE_DAYS": _integer(environ, "ACCOUNT_DELETION_GRACE_DAYS", 14),
        **_openid(environ),
        **_ldap(environ),
        "JWT_ACCESS_TOKEN_EXPIRES": 900,
        "JWT_REFRESH_TOKEN_EXPIRES": 12 * 3600,
        # Our machines' clocks may be that far apart.
        "JWT_DECODE_LEEWAY": 10,
        "WTF_CSRF_TIME_LIMIT": None,
        # A token is asked for; a Referer is not: the page of an activation link sends none, and some browsers never do.
        "WTF_CSRF_SSL_STRICT": False,
    }


def apply_renames(environ: MutableMapping[str, str]) -> None:
    """Move settings in `environ` to their new names and values, with a warning for each."""
    for old, new in RENAMED.items():
        value = environ.pop(old, "")
        if value and environ.get(new):
            logger.warning("%s was renamed and is ignored: %s is set, too", old, new)
        elif value:
            logger.warning("%s was renamed: set %s instead", old, new)
            environ[new] = value
    for name, values in RENAMED_VALUES.items():
        if new_value := values.get(environ.get(name, "")):
            logger.warning("%s=%s was renamed: set %s=%s instead", name, environ[name], name, new_value)
            environ[name] = new_value


def secret_key(environ: Mapping[str, str], instance: Path, *, production: bool) -> str:
    """Return the secret that signs sessions: SECRET_KEY, or the one kept in `instance`.

    It is made at the first start, except in production: there a lost file must not silently become a new
    secret that signs everybody out, and several machines must share one.
    """
    kept = instance / "secret_key"
    try:
        given = environ.get("SECRET_KEY") or (kept.read_text("ascii").strip() if kept.exists() else "")
        if not given and not production:
            given = _keep_secret(kept)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{kept} is not readable or writable ({_reason(error)}).") from error
    if not given:
        raise ConfigurationError(f"No secret key: set SECRET_KEY, or create one in {kept} with `make secret`.")
    if len(given) < SECRET_KEY_MIN_LENGTH or any(word in given.lower() for word in PLACEHOLDERS) or len(set(given)) < 8:
        msg = f"SECRET_KEY is a known value or too short: it must have at least {SECRET_KEY_MIN_LENGTH} random characters."
        raise ConfigurationError(msg)
    return given


def _keep_secret(kept: Path) -> str:
    """Write a new secret, or return the one that another process wrote first."""
    draft = kept.with_name(f"{kept.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48), "ascii")
    try:
        # A link is made whole or not at all: no process ever reads half a secret.
        os.link(draft, kept)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return kept.read_text("ascii").strip()


def _instance(environ: Mapping[str, str]) -> Path:
    """Return the folder of what is kept; it is made for its owner alone, who can read letters and sign sessions."""
    instance = Path(environ.get("INSTANCE_PATH") or ROOT / "instance")
    try:
        instance = instance.resolve()
        str(instance).encode()
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A path may also be a circle of links, or no text.
    except (OSError, RuntimeError, ValueError) as error:
        msg = f"INSTANCE_PATH: the folder {instance} cannot be created ({_reason(error)})."
        raise ConfigurationError(msg) from error
    # What is given by settings has no need of it.
    if not os.access(instance, os.W_OK | os.X_OK) and not (environ.get("SECRET_KEY") and environ.get("DATABASE_URL")):
        raise ConfigurationError(f"INSTANCE_PATH: the folder {instance} cannot be written to by this user.")
    return instance


def _reason(error: Exception) -> str:
    """Return what the system says of `error`, without the path, which we name ourselves."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _database_url(value: str, instance: Path) -> str:
    """Return SQLAlchemy's URL of the database; without a `value` it is a file in `instance`."""
    if not value:
        # A path is no part of a URL: what has a meaning there is escaped.
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
        # It may hold a password, so it is not repeated.
        raise ConfigurationError(f"DATABASE_URL must look like {DATABASE_EXAMPLES}.")
    if url.get_backend_name() == "sqlite" and (url.database in {None, "", ":memory:"} or "?" in value):
        msg = "DATABASE_URL must name a file that all processes share, without options; a ? in its name is written %3F."
        raise ConfigurationError(msg)
    return value


def _cookie_name(name: str, public_url: str) -> str:
    """Return what a cookie of this site is called. Browsers send them to all ports of a host, so it names the port."""
    parts = urlsplit(public_url)
    https = parts.scheme == "https"
    port = parts.port or (443 if https else 80)
    return ("__Host-" if https else "") + name + ("" if port in {80, 443} else f"-{port}")


def _split_url(value: str) -> SplitResult:
    """Return the parts of an http(s) URL; raises ValueError for another one."""
    parts = urlsplit(value)
    is_text = value.isprintable() and " " not in value
    # A port that is none is found out only when it is asked for.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or not is_text:
        raise ValueError(value)
    return parts


def _public_url(value: str) -> str:
    try:
        parts = _split_url(value.strip())
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if not parts.scheme or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigurationError(f"PUBLIC_URL must look like https://dinner.example.org, not {value!r}.")
    return f"{parts.scheme}://{parts.netloc}"


def _web_url(environ: Mapping[str, str], name: str) -> str:
    """Return the URL of a page elsewhere, or nothing."""
    value = environ.get(name, "")
    try:
        return value and _split_url(value).geturl()
    except ValueError as error:
        raise ConfigurationError(f"{name} must look like https://www.example.org/page, not {value!r}.") from error


def _redis_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_known = not value or (parts.scheme in REDIS_SCHEMES and parts.port != 0)
    except ValueError:
        is_known = False
    if not is_known:
        # It may hold a password, so it is not repeated.
        raise ConfigurationError("REDIS_URL must look like redis://host:6379/0.")
    return value


def _timezone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(f"DEFAULT_TIMEZONE must look like Europe/Madrid, not {value!r}.") from error


def _map_url(environ: Mapping[str, str]) -> str:
    """Return where an address is looked up. An empty value says nowhere; without one it is OpenStreetMap."""
    value = environ.get("MAP_URL", OPENSTREETMAP)
    if not value:
        return ""
    if "{address}" not in value:
        raise ConfigurationError(f"MAP_URL must look like {OPENSTREETMAP}, or be empty, not {value!r}.")
    return _web_url(environ, "MAP_URL") or value


def _mail(environ: Mapping[str, str], public_url: str) -> dict[str, Any]:
    """Return how e-mail is sent (Flask-Mail's names) and whom unexpected errors are told."""
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
        "MAIL_DEFAULT_SENDER": _email(
            "MAIL_DEFAULT_SENDER", environ.get("MAIL_DEFAULT_SENDER") or f"dinnerparty@{_mail_domain(public_url)}"
        ),
        "MAIL_TIMEOUT": _integer(environ, "MAIL_TIMEOUT", 20, least=1),
        "ERROR_MAIL_TO": [
            _email("ERROR_MAIL_TO", address.strip())
            for address in environ.get("ERROR_MAIL_TO", "").split(",")
            if address.strip()
        ],
    }
    if settings["MAIL_USE_TLS"] and settings["MAIL_USE_SSL"]:
        msg = "MAIL_USE_TLS (STARTTLS, often port 587) and MAIL_USE_SSL (often port 465) cannot both be set."
        raise ConfigurationError(msg)
    return settings


def _email(name: str, address: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", parseaddr(address)[1]) or not address.isprintable():
        raise ConfigurationError(f"{name} must be an e-mail address, not {address!r}.")
    return address


def _mail_domain(public_url: str) -> str:
    """Return the public host; a bare address of a machine is no domain for mail."""
    host = urlsplit(public_url).hostname or ""
    return host if any(character.isalpha() for character in host) and ":" not in host else "localhost"


def _trusted_hosts(public_url: str, host: str, more: str) -> list[str]:
    known = {urlsplit(public_url).hostname or "", host, "127.0.0.1", "localhost", "::1", *more.split(",")}
    names = {name.strip().lower() for name in known} - {"", "0.0.0.0", "::"}  # noqa: S104
    # Browsers put an IPv6 address into brackets.
    return sorted(f"[{name}]" if ":" in name and not name.startswith("[") else name for name in names)


def _integer(environ: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = MAX_NUMBER) -> int:
    value = environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit():
        raise ConfigurationError(f"{name} must be a whole number, not {value!r}.")
    # Python reads no number of more than 4,300 digits, and none of ours has that many.
    if len(value) > 9 or not least <= int(value) <= most:
        raise ConfigurationError(f"{name} must be a number from {least} to {most}, not {value[:20]}.")
    return int(value)


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    return _integer(environ, name, default, least=1, most=MAX_PORT)


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return what the variable says; silent, the first of `choices`."""
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(sorted(set(choices)))}, not {value!r}.")
    return value


def _openid(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return how to log in at an OpenID Connect provider; without an issuer there is none."""
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
    """Return where members are looked up instead of here (FAB's names); without a server they are ours."""
    server = environ.get("LDAP_SERVER", "")
    if not server:
        return {"AUTH_TYPE": AUTH_DB}
    if not re.match(r"ldaps?://[^/:]+(:\d+)?(/|$)|ldaps?://\[", server):
        raise ConfigurationError(f"LDAP_SERVER must look like ldaps://directory.example.org, not {server!r}.")
    authorities = environ.get("LDAP_CA_FILE", "")
    if authorities and not os.access(authorities, os.R_OK):
        raise ConfigurationError(f"LDAP_CA_FILE: the file {authorities} cannot be read.")
    if not environ.get("LDAP_SEARCH_BASE"):
        raise ConfigurationError("LDAP_SERVER requires LDAP_SEARCH_BASE, the base DN for user searches.")
    return {
        "AUTH_TYPE": AUTH_LDAP,
        # Nobody registers here who is not in the directory, and who is in it does not have to.
        "REGISTRATION": "closed",
        "AUTH_USER_REGISTRATION": False,
        "AUTH_LDAP_SERVER": server,
        "AUTH_LDAP_USE_TLS": _boolean(environ, "LDAP_USE_TLS"),
        "AUTH_LDAP_TLS_CACERTFILE": authorities,
        "AUTH_LDAP_SEARCH": environ["LDAP_SEARCH_BASE"],
        "AUTH_LDAP_SEARCH_FILTER": environ.get("LDAP_SEARCH_FILTER", ""),
        "AUTH_LDAP_BIND_USER": environ.get("LDAP_BIND_USER", ""),
        "AUTH_LDAP_BIND_PASSWORD": environ.get("LDAP_BIND_PASSWORD", ""),
        "AUTH_LDAP_UID_FIELD": environ.get("LDAP_UID_FIELD", "uid"),
        "AUTH_LDAP_FIRSTNAME_FIELD": environ.get("LDAP_FIRSTNAME_FIELD", "givenName"),
        "AUTH_LDAP_LASTNAME_FIELD": environ.get("LDAP_LASTNAME_FIELD", "sn"),
        "AUTH_LDAP_EMAIL_FIELD": environ.get("LDAP_EMAIL_FIELD", "mail"),
        "AUTH_LDAP_GROUP_FIELD": environ.get("LDAP_GROUP_FIELD", "memberOf"),
        "LDAP_ADMIN_GROUP": environ.get("LDAP_ADMIN_GROUP", ""),
        "LDAP_TIMEOUT": 10,
    }


def _redis_options() -> dict[str, Any]:
    """Return how to speak to Redis: whoever waits for it in vain is counted in memory, and must not wait for long."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}


def _boolean(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = environ.get(name, "").strip().lower()
    if value and value not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ConfigurationError(f"{name} must be yes or no, not {value!r}.")
    return value in {"1", "true", "yes", "on"} if value else default


def engine_options(url: str) -> dict[str, Any]:
    """Return the engine's options for a database `url`.

    SQLite takes its write lock at the first INSERT, UPDATE or DELETE (BEGIN IMMEDIATE): a deferred transaction that
    read first could not be upgraded and would fail at once with "database is locked" when another one wrote.
    """
    from sqlalchemy.engine import make_url

    # What is stored stands in no log: letters carry tokens.
    options: dict[str, Any] = {"hide_parameters": True}
    if make_url(url).get_backend_name() == "sqlite":
        return {**options, "connect_args": {"isolation_level": "IMMEDIATE", "timeout": BUSY_TIMEOUT_SECONDS}}
    return {**options, "pool_pre_ping": True, "pool_size": 5, "max_overflow": 5}
