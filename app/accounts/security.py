"""The security manager: Flask-AppBuilder's, with login sessions that can be ended and cached permissions."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, flash, g, has_app_context, redirect, request, session, url_for
from flask_appbuilder.security.sqla.models import ApiKey, Group, PermissionView, Role
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_jwt_extended import JWTManager
from flask_jwt_extended import current_user as current_api_user
from flask_login import LoginManager, current_user
from sqlalchemy import event, update
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as BaseResponse

from app import error_pages
from app.accounts import auth_type, disabled_pages, queries
from app.accounts.api_keys import service as api_key_service
from app.accounts.enums import RequiredAction
from app.accounts.fab_methods import FabMethods
from app.accounts.ldap import client as ldap_client
from app.accounts.login import authentication, remote_user
from app.accounts.models import AccessVersion, Member, Registration
from app.accounts.oidc import providers
from app.accounts.sessions import service as session_service
from app.accounts.sessions.cookies import Sessions
from app.accounts.users import directory
from app.crud.fab_attributes import refuse
from app.database import transaction
from app.errors import DomainError
from app.extensions import AppBuilder, db
from app.http import LOGIN_KEY, parse_int

STAMP_CLAIM = "stamp"
JWT_REFUSALS = (
    *("unauthorized_loader", "invalid_token_loader", "expired_token_loader"),
    *("revoked_token_loader", "needs_fresh_token_loader", "user_lookup_error_loader"),
)


# The page of each required action, and the flash that leads there.
REQUIRED_ACTION_PAGES = {
    RequiredAction.CHOOSE_PASSWORD: (
        "PasswordView.change",
        lazy_gettext("Your password is shorter than your role requires. Choose a longer one to continue."),
    ),
    RequiredAction.ADD_SECOND_FACTOR: (
        "SecondFactorView.overview",
        lazy_gettext("Your role requires a second factor. Add one to continue."),
    ),
}
TEMPORARY_PASSWORD = lazy_gettext("An administrator has set your password. Choose one of your own to continue.")
ALLOWED_DURING_REQUIRED_ACTION = {
    *("static", "appbuilder.static", "LocaleView.switch", "LoginView.logout", "LoginView.again", None),
    # A passkey is a second factor too, and members can reauthenticate with it.
    *("PasskeyView.add", "PasskeyView.add_options", "PasskeyView.again", "PasskeyView.again_options"),
}


def _unauthorized(*_reasons: object) -> Response:
    return error_pages.render_error(Unauthorized())


class SecurityManager(FabMethods):
    """Who makes a request, and what they may do."""

    user_model = Member
    registeruser_model = Registration
    userstatschartview = None
    oauth_user_info: Callable[[str, dict[str, Any]], dict[str, Any]] | None

    def __init__(self, appbuilder: AppBuilder) -> None:
        refuse(self, SecurityManager)
        super().__init__(appbuilder)
        self.oauth_user_info = self.oauth_user_info or self.get_oauth_user_info

    # -- who makes the request

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Return Flask-Login's manager, set up for our login page and sessions."""
        app.session_interface = Sessions()
        manager = LoginManager(app)
        manager.login_view = "LoginView.login"
        manager.unauthorized_handler(self._redirect_to_login)
        manager.needs_refresh_handler(self._ask_again)
        # The login session's row decides. Flask-Login's check of address and browser would log out travellers.
        manager.session_protection = None
        manager.user_loader(self.load_user)
        disabled_pages.init_app(app)
        app.jinja_env.globals["login_providers"] = providers.configured
        app.before_request(self._require_action)
        return manager

    def _require_action(self) -> BaseResponse | None:
        """Redirect a member with a required action to its page, from any other page."""
        if (
            request.endpoint in ALLOWED_DURING_REQUIRED_ACTION
            or not session.get(LOGIN_KEY)
            or not current_user.is_authenticated
        ):
            return None
        login = session_service.current_login()
        if login is None or login.required_action is None:
            return None
        endpoint, message = REQUIRED_ACTION_PAGES[login.required_action]
        if request.endpoint and request.endpoint.partition(".")[0] == endpoint.partition(".")[0]:
            return None
        if login.required_action == RequiredAction.CHOOSE_PASSWORD and login.member.password_is_temporary:
            message = TEMPORARY_PASSWORD
        flash(str(message), "warning")
        return redirect(url_for(endpoint), 303)

    def _redirect_to_login(self) -> BaseResponse:
        response: BaseResponse = self.auth_view.ask()
        return response

    def _ask_again(self) -> BaseResponse:
        response: BaseResponse = self.auth_view.ask_again()
        return response

    def load_user(self, pk: str) -> Member | None:
        """Return the member of the login session in the cookie, while that session is valid."""
        member = session_service.resume(str(session.get(LOGIN_KEY, "")), pk)
        if member is not None and not self._is_let_in(member):
            # It has been signed out now.
            return session_service.resume(str(session.get(LOGIN_KEY, "")), pk)
        if member is not None and auth_type.is_by_remote_user() and remote_user.contradicts(member):
            return None
        return member

    @staticmethod
    def _is_let_in(member: Member) -> bool:
        """Whether a member may still log in, if the directory is to be asked now."""
        stamp = member.session_stamp
        if ldap_client.is_enabled():
            # A directory may change their roles.
            g.pop("held_roles", None)
        directory.check_on_use(member)
        return member.is_active and member.session_stamp == stamp

    @staticmethod
    def is_fresh() -> bool:
        """Whether the member has logged in, or again, a short while ago."""
        return session_service.is_fresh()

    def create_jwt_manager(self, app: Flask) -> JWTManager:
        """Return the manager of API tokens. It refuses invalid tokens in the language of the request, without details."""
        manager = super().create_jwt_manager(app)
        for loader in JWT_REFUSALS:
            getattr(manager, loader)(_unauthorized)
        manager.additional_claims_loader(self._stamp)
        return manager

    @staticmethod
    def _stamp(member_id: str) -> dict[str, str]:
        member = db.session.get(Member, int(member_id))
        return {STAMP_CLAIM: member.session_stamp} if member is not None else {}

    def load_user_jwt(self, _jwt_header: dict[str, Any], jwt_data: dict[str, Any]) -> Member | None:
        """Return the member of an API token, unless all their sessions were ended since it was issued."""
        key = parse_int(str(jwt_data.get("sub", "")))
        member = db.session.get(Member, key) if key is not None else None
        if member is None or not member.is_active or not self._is_let_in(member):
            return None
        if jwt_data.get(STAMP_CLAIM) != member.session_stamp:
            return None
        g.user = member
        # So that current_user is this member, for the rules and the audit log.
        g._login_user = member  # noqa: SLF001 - Flask-Login's name
        return member

    def find_user(self, username: str | None = None, email: str | None = None) -> Member | None:
        """Return a member by username or e-mail, whatever its case."""
        identifier = username or email
        return queries.member_by_name_or_email(identifier) if identifier else None

    def auth_user_db(self, username: str | None, password: str | None) -> Member | None:
        """Return the member when the password is right. An unknown name takes as long as a known one."""
        try:
            with transaction():
                member = authentication.authenticate(username or "", password or "").member
                self.on_user_login(member)
                return member
        except DomainError:
            return None

    # -- API keys: Flask-AppBuilder's `protect` and its API over keys use the same service as our pages

    def validate_api_key(self, api_key_string: str) -> Member | None:
        """Return the member of a key, below /api/ only. Refuse to write with a read-only key."""
        found = api_key_service.find(api_key_string) if request.path.startswith("/api/") else None
        if found is None:
            return None
        key, member = found
        if not self._is_let_in(member):
            return None
        if not api_key_service.allows(key, request.method):
            abort(error_pages.render_error(Forbidden(), str(_("This API key is read-only."))))
        api_key_service.note_use(key)
        g.user = member
        g._api_key_user = True  # noqa: SLF001 - Flask-AppBuilder's name
        # As above.
        g._login_user = member  # noqa: SLF001 - Flask-Login's name
        return member

    def create_api_key(
        self, user: Member, name: str, scopes: str | None = None, expires_on: datetime | None = None
    ) -> dict[str, Any] | None:
        """Create a key. Return None when the member has too many. `expires_on` is UTC when it has no zone."""
        expires_at = expires_on.replace(tzinfo=expires_on.tzinfo or UTC) if expires_on else None
        try:
            with transaction():
                new = api_key_service.create(user, name, scopes, expires_at)
        except DomainError:
            return None
        shown = ("uuid", "name", "key_prefix", "scopes", "created_on", "expires_on")
        return {"key": new.secret, **{column: getattr(new.key, column) for column in shown}}

    def revoke_api_key(self, key_uuid: str) -> bool:
        """Revoke a key. Return False when it is unknown or was revoked before."""
        key = api_key_service.get(key_uuid)
        owner = db.session.get(Member, key.user_id) if key is not None else None
        with transaction():
            return owner is not None and api_key_service.revoke(owner, key_uuid) is not None

    def find_api_keys_for_user(self, user_id: int) -> list[ApiKey]:
        """Return the keys of a member."""
        return api_key_service.of(user_id)

    def get_api_key_by_uuid(self, key_uuid: str) -> ApiKey | None:
        """Return the key with that UUID."""
        return api_key_service.get(key_uuid)

    # -- providers

    @property
    def oauth_remotes(self) -> dict[str, Any]:
        """Authlib's clients by the names of the providers, with which `oauth_user_info_getter` asks them."""
        from app.accounts.oidc.client import client_of

        return {provider.name: client_of(provider) for provider in providers.configured()}

    @oauth_remotes.setter
    def oauth_remotes(self, _value: object) -> None:
        """Ignore the clients of Flask-AppBuilder, which check less."""

    def get_oauth_user_info(self, provider: str, resp: dict[str, Any]) -> dict[str, Any]:
        """Return what a provider tells of a person, unless `oauth_user_info_getter` names a function for that.

        In a login, Authlib has checked the ID token. For other callers this is Flask-AppBuilder's method.
        """
        from app.accounts.oidc import user_info

        known = providers.find(provider)
        told = user_info.read(known, resp) if known is not None else None
        return told if told is not None else dict(super().get_oauth_user_info(provider, resp))

    def auth_user_ldap(self, username: str | None, password: str | None) -> Member | None:
        """Return the member when LDAP is enabled and the directory accepts the password."""
        if not username or not password or not ldap_client.is_enabled():
            return None
        return self.auth_user_db(username, password)

    # -- what they may do

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the current member, or visitor, has `permission_name` on `view_name`."""
        return (permission_name, view_name) in self._permissions()

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Whether visitors have `permission_name` on `view_name`."""
        return (permission_name, view_name) in queries.permissions_of_public(self.auth_role_public)

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """Return the menu entries that the current member, or visitor, may see."""
        visible = {view for permission, view in self._permissions() if permission == "menu_access"}
        return visible & set(menu_names) if menu_names is not None else visible

    def _permissions(self) -> queries.Permissions:
        """Return the permissions of the current member, or of visitors, read once per request."""
        member = self._requester()
        key = member.id if member else 0
        known: dict[int, queries.Permissions] = g.setdefault("permissions", {})
        if key not in known:
            known[key] = (
                queries.permissions_of(self._held_roles(key), self.auth_role_public)
                if key
                else queries.permissions_of_public(self.auth_role_public)
            )
            known[key] -= disabled_pages.permissions()
        return known[key]

    @staticmethod
    def _held_roles(member_id: int) -> queries.HeldRoles:
        """Return the roles of a member: as they were read with the login session, unless they may have changed since."""
        held: queries.HeldRoles | None = g.pop("held_roles", None)
        return held if held is not None and held.member_id == member_id else queries.roles_of(member_id)

    def _get_triggered_by_user(self) -> Any:
        """Return who makes a change, for the signals of Flask-AppBuilder."""
        requester = self._requester()
        # The receiver may keep it for longer than the request.
        return requester._get_current_object() if isinstance(requester, LocalProxy) else requester  # noqa: SLF001

    @staticmethod
    def _requester() -> Any:
        # An API key or token of this request has precedence over a cookie.
        if g.get("_api_key_user"):
            return g.user
        if current_api_user:
            return current_api_user
        return current_user if current_user and current_user.is_authenticated else None


@event.listens_for(Session, "before_flush")
def _renew_access_version(session_: Session, _context: object, _instances: object) -> None:
    """Let every process read the permissions again when a role or group has changed."""
    touched = (*session_.new, *session_.dirty, *session_.deleted)
    if touched and has_app_context():
        g.pop("held_roles", None)
    if any(isinstance(item, Role | Group | PermissionView) for item in touched):
        session_.execute(update(AccessVersion).values(version=secrets.token_hex(8)))
