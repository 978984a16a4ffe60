"""Pages and permissions that are disabled while LDAP is enabled: accounts are managed in the directory."""

from flask import Flask, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.ldap import client as ldap_client
from app.extensions import appbuilder_of

VIEWS = frozenset({"RegistrationView", "PasswordView", "EmailChangeView", "MemberInvitationModelView"})
PAGES = frozenset({"UserModelView.add", "UserModelView.edit", "UserModelView.delete"})
# Removed from all roles, so that the generated pages do not link to disabled pages.
DISABLED_PERMISSIONS = frozenset(
    {
        ("can_add", "UserModelView"),
        ("can_edit", "UserModelView"),
        ("can_delete", "UserModelView"),
        ("send_password_link", "UserModelView"),
        ("set_password", "UserModelView"),
        ("menu_access", "Invitations"),
    }
)


def init_app(app: Flask) -> None:
    """Refuse the disabled pages of `app`, and let templates ask whether LDAP is enabled."""
    app.before_request(_refuse)
    app.jinja_env.globals["ldap_is_enabled"] = ldap_client.is_enabled


def _refuse() -> BaseResponse | None:
    endpoint = request.endpoint or ""
    if not ldap_client.is_enabled() or (endpoint not in PAGES and endpoint.partition(".")[0] not in VIEWS):
        return None
    if request.method == "POST":
        flash(_("Accounts are managed in your organisation's directory. Nothing was changed."), "danger")
    return make_response(render_template("accounts/ldap_disabled_page.html", appbuilder=appbuilder_of()), 403)
