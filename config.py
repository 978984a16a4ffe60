"""Configuration: what the environment may set, and what it is when the environment is silent."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask_appbuilder.const import AUTH_DB, AUTH_LDAP
from sqlalchemy.engine import make_url

ROOT = Path(__file__).resolve().parent
# Whoever waits longer for SQLite's one writer is told to come back; everybody else of that process waits behind them.
BUSY_TIMEOUT_SECONDS = 10
SHORTEST_SECRET = 32
# Parts of secrets that stand in examples all over the world.
PLACEHOLDERS = ("changeme", "change-me", "change_me", "thisismyscretkey", "secretkey", "secret-key", "placeholder")
OPENSTREETMAP = "https://www.openstreetmap.org/search?query={address}"
LANGUAGES = {
    "en": {"flag": "gb", "name": "English"},
    "es": {"flag": "es", "name": "Español"},
    "ar": {"flag": "sa", "name": "العربية"},
}


class ConfigurationError(RuntimeError):
    """The configuration cannot be served with; the text says what to change."""


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Flask's configuration for `environ`; raises ConfigurationError for what cannot be served with."""
    instance = Path(environ.get("INSTANCE_PATH", ROOT / "instance")).resolve()
    # Whoever can read it can read letters and sign sessions.
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    host = environ.get("HOST", "127.0.0.1")
    port = _integer(environ, "PORT", 8080)
    public_url = _public_url(environ.get("PUBLIC_URL", f"http://localhost:{port}"))
    https = public_url.startswith("https:")
    database_url = environ.get("DATABASE_URL", f"sqlite:///{instance / 'dinnerparty.db'}")
    if database_url.startswith(("postgres://", "postgresql://")):
        database_url = "postgresql+psycopg://" + database_url.partition("://")[2]
    production = environ.get("ENVIRONMENT", "production" if https else "development") == "production"
    return {
        "APP_NAME": environ.get("SITE_NAME", "DinnerParty"),
        "HOST": host,
        "PORT": port,
        "WORKERS": _integer(environ, "WORKERS", 2),
        "PUBLIC_URL": public_url,
        "TRUSTED_HOSTS": _trusted_hosts(public_url, host, environ.get("TRUSTED_HOSTS", "")),
        "TRUSTED_PROXIES": _integer(environ, "TRUSTED_PROXIES", 0),
        "INSTANCE_PATH": str(instance),
        "SECRET_KEY": secret_key(environ, instance, production=production),
        # -- sessions
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # As long as a remembered login can last: the cookie of another one goes with the browser.
        "PERMANENT_SESSION_LIFETIME": 90 * 24 * 3600,
        "SESSION_REFRESH_EACH_REQUEST": False,
        # -- database
        "SQLALCHEMY_DATABASE_URI": database_url,
        # -- mail (Flask-Mail's names)
        "MAIL_SERVER": environ.get("MAIL_SERVER", ""),
        "MAIL_PORT": _integer(environ, "MAIL_PORT", 25),
        "MAIL_USERNAME": environ.get("MAIL_USERNAME") or None,
        "MAIL_PASSWORD": environ.get("MAIL_PASSWORD") or None,
        "MAIL_USE_TLS": _boolean(environ, "MAIL_USE_TLS"),
        "MAIL_USE_SSL": _boolean(environ, "MAIL_USE_SSL"),
        "MAIL_DEFAULT_SENDER": environ.get("MAIL_DEFAULT_SENDER", f"dinnerparty@{_mail_domain(public_url)}"),
        "MAIL_TIMEOUT": _integer(environ, "MAIL_TIMEOUT", 20),
        # Whom unexpected errors are told.
        "ERROR_MAIL_TO": [
            address.strip() for address in environ.get("ERROR_MAIL_TO", "").split(",") if address.strip()
        ],
        # -- limits
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "RATELIMIT_ENABLED": _boolean(environ, "RATELIMIT_ENABLED", default=True),
        "RATELIMIT_STORAGE_URI": environ.get("REDIS_URL") or "memory://",
        "RATELIMIT_STORAGE_OPTIONS": _redis_options() if environ.get("REDIS_URL") else {},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        # When the storage goes away while a request is answered, that one is not counted, and answered.
        "RATELIMIT_SWALLOW_ERRORS": True,
        # -- languages
        "LANGUAGES": LANGUAGES,
        "BABEL_DEFAULT_LOCALE": environ.get("DEFAULT_LOCALE", "en"),
        "BABEL_DEFAULT_TIMEZONE": environ.get("DEFAULT_TIMEZONE", "UTC"),
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
        "ACTIVATION": _choice(environ, "ACTIVATION", ("letter", "at-once", "log-in")),
        "TERMS_URL": environ.get("TERMS_URL", ""),
        "AUTH_USER_REGISTRATION": environ.get("REGISTRATION", "open") != "closed",
        "AUTH_USER_REGISTRATION_ROLE": "Guest",
        "SHORTEST_PASSWORD": _integer(environ, "SHORTEST_PASSWORD", 8),
        "SHORTEST_STAFF_PASSWORD": _integer(environ, "SHORTEST_STAFF_PASSWORD", 15),
        "SHORTEST_STAFF_PASSWORD_WITH_FACTOR": _integer(environ, "SHORTEST_STAFF_PASSWORD_WITH_FACTOR", 12),
        "MAP_URL": _map_url(environ.get("MAP_URL", OPENSTREETMAP)),
        "INVITATIONS_A_DAY": _integer(environ, "INVITATIONS_A_DAY", 200),
        "DIETS_KEPT_DAYS": _integer(environ, "DIETS_KEPT_DAYS", 30),
        "INVITATIONS_KEPT_DAYS": _integer(environ, "INVITATIONS_KEPT_DAYS", 365),
        "ERASE_AFTER_DAYS": _integer(environ, "ERASE_AFTER_DAYS", 14),
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


def secret_key(environ: Mapping[str, str], instance: Path, *, production: bool) -> str:
    """Return the secret that signs sessions: SECRET_KEY, or the one kept in `instance`.

    It is made at the first start, except in production: there a lost file must not silently become a new
    secret that signs everybody out, and several machines must share one.
    """
    kept = instance / "secret_key"
    given = environ.get("SECRET_KEY") or (kept.read_text().strip() if kept.exists() else "")
    if not given and not production:
        given = _keep_secret(kept)
    if not given:
        msg = f"No secret: set SECRET_KEY, or write one with `make secret` to {kept}."
        raise ConfigurationError(msg)
    if len(given) < SHORTEST_SECRET or any(word in given.lower() for word in PLACEHOLDERS) or len(set(given)) < 8:
        msg = f"The secret is known or too short: SECRET_KEY must be {SHORTEST_SECRET} random characters or more."
        raise ConfigurationError(msg)
    return given


def _keep_secret(kept: Path) -> str:
    """Write a new secret, or return the one that another process wrote first."""
    draft = kept.with_name(f"{kept.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48))
    try:
        # A link is made whole or not at all: no process ever reads half a secret.
        os.link(draft, kept)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return kept.read_text().strip()


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        msg = f"PUBLIC_URL must look like https://dinner.example.org, not {value!r}."
        raise ConfigurationError(msg)
    return value.rstrip("/")


def _map_url(value: str) -> str:
    if value and (urlsplit(value).scheme not in {"http", "https"} or "{address}" not in value):
        msg = f"MAP_URL must look like {OPENSTREETMAP}, or be empty, not {value!r}."
        raise ConfigurationError(msg)
    return value


def _mail_domain(public_url: str) -> str:
    """Return the public host; a bare address of a machine is no domain for mail."""
    host = urlsplit(public_url).hostname or ""
    return host if any(character.isalpha() for character in host) and ":" not in host else "localhost"


def _trusted_hosts(public_url: str, host: str, more: str) -> list[str]:
    known = {urlsplit(public_url).hostname, host, "127.0.0.1", "localhost", "[::1]", *more.split(",")}
    return sorted(name.strip() for name in known if name and name.strip() not in {"", "0.0.0.0", "::"})  # noqa: S104


def _integer(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit():
        msg = f"{name} must be a whole number, not {value!r}."
        raise ConfigurationError(msg)
    return int(value)


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return what the variable says; silent, the first of `choices`."""
    value = environ.get(name) or choices[0]
    if value not in choices:
        msg = f"{name} must be one of {', '.join(choices)}, not {value!r}."
        raise ConfigurationError(msg)
    return value


def _openid(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return how to log in at an OpenID Connect provider; without an issuer there is none."""
    issuer = environ.get("OIDC_ISSUER", "").rstrip("/")
    client = environ.get("OIDC_CLIENT_ID", "")
    if issuer and not client:
        msg = "OIDC_ISSUER needs an OIDC_CLIENT_ID."
        raise ConfigurationError(msg)
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": client,
        "OIDC_CLIENT_SECRET": environ.get("OIDC_CLIENT_SECRET", ""),
        "OIDC_NAME": environ.get("OIDC_NAME") or urlsplit(issuer).hostname or "",
        "OIDC_TIMEOUT": 10,
    }


def _ldap(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return where members are looked up instead of here (FAB's names); without a server they are ours."""
    server = environ.get("LDAP_SERVER", "")
    if not server:
        return {"AUTH_TYPE": AUTH_DB}
    if not environ.get("LDAP_SEARCH"):
        msg = "LDAP_SERVER needs an LDAP_SEARCH, under which people are looked up."
        raise ConfigurationError(msg)
    return {
        "AUTH_TYPE": AUTH_LDAP,
        # Nobody registers here who is not in the directory, and who is in it does not have to.
        "REGISTRATION": "closed",
        "AUTH_USER_REGISTRATION": False,
        "AUTH_LDAP_SERVER": server,
        "AUTH_LDAP_USE_TLS": _boolean(environ, "LDAP_USE_TLS"),
        "AUTH_LDAP_TLS_CACERTFILE": environ.get("LDAP_CA_FILE", ""),
        "AUTH_LDAP_SEARCH": environ["LDAP_SEARCH"],
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
        msg = f"{name} must be yes or no, not {value!r}."
        raise ConfigurationError(msg)
    return value in {"1", "true", "yes", "on"} if value else default


def engine_options(url: str) -> dict[str, Any]:
    """Return the engine's options for a database `url`.

    SQLite takes its write lock at the first INSERT, UPDATE or DELETE (BEGIN IMMEDIATE): a deferred transaction that
    read first could not be upgraded and would fail at once with "database is locked" when another one wrote.
    """
    # What is stored stands in no log: letters carry tokens.
    options: dict[str, Any] = {"hide_parameters": True}
    if make_url(url).get_backend_name() == "sqlite":
        return {**options, "connect_args": {"isolation_level": "IMMEDIATE", "timeout": BUSY_TIMEOUT_SECONDS}}
    return {**options, "pool_pre_ping": True, "pool_size": 5, "max_overflow": 5}
