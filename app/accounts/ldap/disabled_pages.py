"""What nobody can do here while accounts are kept in the directory of an organisation."""

from flask import Flask, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.ldap import client as ldap_client
from app.extensions import appbuilder_of

# Views, and single pages of views.
VIEWS = frozenset({"RegistrationView", "PasswordView", "EmailChangeView", "MemberInvitationModelView"})
PAGES = frozenset({"UserModelView.add", "UserModelView.edit", "UserModelView.delete"})
# What nobody may, whatever their roles say: the generated pages have no links to it then.
NOT_HERE = frozenset(
    {
        ("can_add", "UserModelView"),
        ("can_edit", "UserModelView"),
        ("can_delete", "UserModelView"),
        ("send_password_link", "UserModelView"),
        ("menu_access", "Invitations"),
    }
)


def init_app(app: Flask) -> None:
    """Refuse those pages of `app` while the directory is in charge, and let templates leave out links to them."""
    app.before_request(_refuse)
    app.jinja_env.globals["directory_in_charge"] = ldap_client.is_enabled


def _refuse() -> BaseResponse | None:
    endpoint = request.endpoint or ""
    if not ldap_client.is_enabled() or (endpoint not in PAGES and endpoint.partition(".")[0] not in VIEWS):
        return None
    if request.method == "POST":
        flash(_("Accounts are managed in your organisation's directory. Nothing was changed."), "danger")
    return make_response(render_template("accounts/directory.html", appbuilder=appbuilder_of()), 403)
