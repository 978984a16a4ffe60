"""Who knows how members log in: this site, a directory, providers, or the web server (AUTH_TYPE)."""

from flask import current_app
from flask_appbuilder.const import AUTH_DB, AUTH_OAUTH, AUTH_REMOTE_USER
from flask_babel import lazy_gettext

NO_PASSWORDS = lazy_gettext("Members of this site log in elsewhere and have no password here. Nothing was changed.")


def has_own_passwords() -> bool:
    """Whether this site knows the passwords of its members."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_DB)


def takes_passwords() -> bool:
    """Whether members log in with a password: one of this site, or of a directory."""
    return current_app.config["AUTH_TYPE"] not in {AUTH_OAUTH, AUTH_REMOTE_USER}


def may_register() -> bool:
    """Whether visitors can register with a password."""
    return has_own_passwords() and current_app.config["REGISTRATION"] == "open"


def is_by_providers() -> bool:
    """Whether members log in at the providers of OAUTH_PROVIDERS only."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_OAUTH)


def is_by_remote_user() -> bool:
    """Whether the web server, or a proxy before it, says who makes a request."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_REMOTE_USER)
