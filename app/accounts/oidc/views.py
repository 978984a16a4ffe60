"""Log in at an OpenID Connect provider, and link its identities with one's account."""

from typing import Any

from flask import abort, current_app, flash, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.hooks import before_request
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import rules
from app.accounts.login import authentication
from app.accounts.login import service as login_service
from app.accounts.oidc import service as oidc_service
from app.accounts.oidc.service import OidcIdentity
from app.accounts.sessions import service as session_service
from app.accounts.sessions.access import AccountView
from app.crud.actions import flash_and_redirect
from app.crud.views import BaseView
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.http import public_url, safe_next

# Session keys: the pending login, and the identity with which the visitor can register.
PENDING_KEY, IDENTITY_KEY = "openid_attempt", "openid"
MAX_NEXT_LENGTH = 1000


def _ensure_configured() -> None:
    if not oidc_service.is_configured():
        abort(404)


class OidcView(BaseView):
    """Log in at an OpenID Connect provider."""

    route_base = "/login/openid"
    default_view = "start"
    limits = [
        # Each request may have to wait for the provider.
        Limit("30 per minute", key_func=get_remote_address, methods=["GET", "HEAD"]),
    ]

    @before_request
    def _hide_without_provider(self) -> None:
        _ensure_configured()

    @expose("/")
    def start(self) -> BaseResponse:
        """Redirect to the provider: to log in or, with the `link` key of the page of identities, to link an identity."""
        target = safe_next(request.args.get("next"), self._home())[:MAX_NEXT_LENGTH]
        attempt: dict[str, Any] = {"next": target}
        if "link" in request.args:
            login = session_service.current_login() if current_user.is_authenticated else None
            if login is None or not _is_link_key_of(login.id, request.args["link"]) or not session_service.is_fresh():
                return redirect(url_for("IdentityView.list"), 303)
            attempt["link"] = login.id
        elif current_user.is_authenticated:
            return redirect(target, 303)
        try:
            response = oidc_service.start_login(public_url("OidcView.callback"))
        except DomainError as error:
            return self._refused(error, attempt)
        session[PENDING_KEY] = attempt
        return response

    @expose("/callback")
    def callback(self) -> BaseResponse:
        """Handle the provider's response: log in, link, or continue with the registration."""
        attempt = session.pop(PENDING_KEY, None) or {"next": self._home()}
        if current_user.is_authenticated and "link" not in attempt:
            flash(_("You are already logged in."), "info")
            return redirect(attempt["next"], 303)
        try:
            identity = oidc_service.finish_login()
            return self._link(identity, attempt) if "link" in attempt else self._log_in(identity, attempt)
        except DomainError as error:
            return self._refused(error, attempt)

    def _log_in(self, identity: OidcIdentity, attempt: dict[str, Any]) -> BaseResponse:
        with transaction():
            member = oidc_service.owner(identity)
            is_complete = member is not None and login_service.log_in(
                authentication.trust_identity_provider(member), remember=False
            )
        if member is None:
            return self._offer_registration(identity)
        if not is_complete:
            return redirect(url_for("SecondStepView.form", next=attempt["next"]), 303)
        response: BaseResponse = self.appbuilder.sm.auth_view.welcome(attempt["next"], None)
        return response

    def _offer_registration(self, identity: OidcIdentity) -> BaseResponse:
        """Redirect a visitor whose identity is not linked yet to the registration."""
        if current_app.config["REGISTRATION"] != "open":
            raise DomainError(
                _(
                    "This login at %(provider)s is not linked with an account here yet. Log in with your "
                    "password and link it in your account settings.",
                    provider=oidc_service.provider(),
                ),
                "warning",
            )
        session[IDENTITY_KEY] = identity.as_dict()
        flash(
            _(
                "This login at %(provider)s is not linked with an account here yet. Complete your "
                "registration to use it from now on.",
                provider=oidc_service.provider(),
            ),
            "info",
        )
        return redirect(url_for("RegistrationView.form"), 303)

    def _link(self, identity: OidcIdentity, attempt: dict[str, Any]) -> BaseResponse:
        login = session_service.current_login() if current_user.is_authenticated else None
        if login is None or login.id != attempt["link"]:
            raise DomainError(_("That took too long. Please log in again."), "warning")
        run_with_retry(lambda: oidc_service.link(current_user, identity))
        flash(_("You can now log in with %(provider)s.", provider=oidc_service.provider()), "info")
        return redirect(url_for("IdentityView.list"), 303)

    def _refused(self, error: DomainError, attempt: dict[str, Any]) -> BaseResponse:
        """Flash the reason, on the page where the login or link was started."""
        flash(str(error), error.category)
        if "link" in attempt and current_user.is_authenticated:
            return redirect(url_for("IdentityView.list"), 303)
        target = attempt["next"]
        return redirect(url_for("LoginView.login", next=target if target != self._home() else None), 303)


class IdentityView(AccountView):
    """The linked identities of the member who is logged in."""

    route_base = "/account/identities"
    default_view = "list"
    # The list needs a fresh login, because linking starts there and goes on at the provider.
    fresh = frozenset({"list", "unlink"})

    @before_request
    def _hide_without_provider(self) -> None:
        _ensure_configured()

    @expose("/")
    def list(self) -> str:
        """Show the linked identities, and a link to add one."""
        login = session_service.current_login()
        return str(
            self.render_template(
                "accounts/oidc_identities.html",
                identities=oidc_service.of(current_user),
                provider=oidc_service.provider(),
                key=_serializer().dumps(login.id) if login is not None else "",
            )
        )

    @expose("/<string:number>/unlink", methods=["POST"])
    @flash_and_redirect("IdentityView.list")
    def unlink(self, number: str) -> tuple[str, str]:
        """Unlink an identity."""
        oidc_service.unlink(current_user, number)
        return _("You can no longer use this login for your account."), "info"


def _is_link_key_of(login_id: int, key: str) -> bool:
    """Whether `key` was issued to that login session. So nobody can trick a member into linking another identity."""
    try:
        return bool(_serializer().loads(key, max_age=int(rules.FRESH.total_seconds())) == login_id)
    except BadData:
        return False


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="link an identity")
