"""Pages and permissions that are disabled while others than this site know the passwords (AUTH_TYPE)."""

from flask import Flask, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import auth_type
from app.accounts.auth_type import NO_PASSWORDS
from app.accounts.ldap import client as ldap_client
from app.extensions import appbuilder_of

# While members have no password here.
VIEWS = frozenset({"RegistrationView", "PasswordView", "MemberInvitationModelView"})
# Removed from all roles, so that the generated pages do not link to disabled pages.
PERMISSIONS = frozenset(
    {
        ("send_password_link", "UserModelView"),
        ("set_password", "UserModelView"),
        ("menu_access", "Invitations"),
    }
)
WITHOUT_DIRECTORY = frozenset({("menu_access", "Directory")})
# While a directory also has their names and e-mail addresses.
LDAP_VIEWS = VIEWS | {"EmailChangeView"}
LDAP_PAGES = frozenset({"UserModelView.add", "UserModelView.edit", "UserModelView.delete"})
LDAP_PERMISSIONS = PERMISSIONS | {(f"can_{name}", "UserModelView") for name in ("add", "edit", "delete")}


def init_app(app: Flask) -> None:
    """Refuse the disabled pages of `app`, and let templates ask who knows the passwords."""
    app.before_request(_refuse)
    app.jinja_env.globals["ldap_is_enabled"] = ldap_client.is_enabled
    app.jinja_env.globals["has_own_passwords"] = auth_type.has_own_passwords
    app.jinja_env.globals["takes_passwords"] = auth_type.takes_passwords
    app.jinja_env.globals["may_register"] = auth_type.may_register


def permissions() -> frozenset[tuple[str, str]]:
    """Return the permissions that nobody has."""
    if auth_type.has_own_passwords():
        return WITHOUT_DIRECTORY
    return LDAP_PERMISSIONS if ldap_client.is_enabled() else PERMISSIONS | WITHOUT_DIRECTORY


def _is_disabled(endpoint: str) -> bool:
    if auth_type.has_own_passwords():
        return False
    view = endpoint.partition(".")[0]
    return view in LDAP_VIEWS or endpoint in LDAP_PAGES if ldap_client.is_enabled() else view in VIEWS


def _refuse() -> BaseResponse | None:
    if not _is_disabled(request.endpoint or ""):
        return None
    if request.method == "POST":
        by_directory = _("Accounts are managed in your organisation's directory. Nothing was changed.")
        flash(by_directory if ldap_client.is_enabled() else str(NO_PASSWORDS), "danger")
    return make_response(render_template("accounts/managed_elsewhere.html", appbuilder=appbuilder_of()), 403)
