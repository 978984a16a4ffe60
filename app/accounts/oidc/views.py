"""Log in at a provider (OpenID Connect or OAuth 2), and link its identities with one's account."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from flask import Response, abort, current_app, flash, jsonify, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.baseviews import BaseView as StockBaseView
from flask_appbuilder.hooks import before_request
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import auth_type, rate_limits, rules, signals
from app.accounts.login import authentication
from app.accounts.login import service as login_service
from app.accounts.models import Member
from app.accounts.oidc import providers
from app.accounts.oidc import service as oidc_service
from app.accounts.oidc.providers import Provider
from app.accounts.oidc.service import OidcIdentity
from app.accounts.sessions import provider_sessions
from app.accounts.sessions import service as session_service
from app.accounts.sessions.access import AccountView
from app.crud.actions import flash_and_redirect
from app.crud.views import BaseView
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import csrf
from app.http import public_url, safe_next

# Session keys: the pending login, and the identity with which the visitor can register.
PENDING_KEY, IDENTITY_KEY = "openid_attempt", "openid"
MAX_NEXT_LENGTH = 1000

log = logging.getLogger(__name__)


def _provider_or_404(name: str) -> Provider:
    return providers.find(name) or abort(404)


class OidcView(BaseView):
    """Log in at a provider. Its paths are those of Flask-AppBuilder, except for the provider of OIDC_ISSUER."""

    route_base = ""
    default_view = "start"
    limits = [
        # Each request may have to wait for the provider.
        Limit("30 per minute", key_func=get_remote_address, methods=["GET", "HEAD"]),
    ]

    @expose("/login/openid/")
    @expose("/login/<string:provider>")
    def start(self, provider: str = providers.OWN) -> BaseResponse:
        """Redirect to the provider: to log in or, with the `link` key of the page of identities, to link an identity.

        A member without a password who has to reauthenticate is sent there with `again`.
        """
        chosen = _provider_or_404(provider)
        target = safe_next(request.args.get("next"), self._home())[:MAX_NEXT_LENGTH]
        attempt: dict[str, Any] = {"next": target}
        login = session_service.current_login() if current_user.is_authenticated else None
        if "link" in request.args:
            if login is None or not _is_link_key_of(login.id, request.args["link"]) or not session_service.is_fresh():
                return redirect(url_for("IdentityView.list"), 303)
            attempt["link"] = login.id
        elif login is not None and "again" in request.args and not auth_type.takes_passwords():
            attempt["again"] = login.id
        elif current_user.is_authenticated:
            return redirect(target, 303)
        try:
            callback = public_url("OidcView.callback", **chosen.url_values)
            response = oidc_service.start_login(chosen, callback, again="again" in attempt)
        except DomainError as error:
            return self._refused(error, attempt)
        session[PENDING_KEY] = attempt
        return response

    @expose("/login/openid/callback")
    @expose("/oauth-authorized/<string:provider>")
    def callback(self, provider: str = providers.OWN) -> BaseResponse:
        """Handle the provider's response: log in, link, reauthenticate, or continue with the registration."""
        chosen = _provider_or_404(provider)
        attempt = session.pop(PENDING_KEY, None) or {"next": self._home()}
        if current_user.is_authenticated and attempt.keys().isdisjoint({"link", "again"}):
            flash(_("You are already logged in."), "info")
            return redirect(attempt["next"], 303)
        try:
            if "link" in attempt:
                return self._link(oidc_service.finish_login(chosen), attempt)
            if "again" in attempt:
                return self._reauthenticate(chosen, attempt)
            return self._log_in(chosen, attempt)
        except DomainError as error:
            return self._refused(error, attempt)

    # -- log out

    @expose("/logout/provider")
    def log_out(self) -> BaseResponse:
        """Go on to the provider after a logout. From a page, because the policy of the site keeps forms from leading there."""
        back = str(current_app.config.get("LOGOUT_REDIRECT_URL") or self._home())
        leaving = provider_sessions.leaving()
        absolute = urljoin(f"{current_app.config['PUBLIC_URL']}/", back)
        url = oidc_service.logout_url(*leaving, absolute) if leaving is not None else None
        if leaving is None or url is None:
            return redirect(back, 303)
        page = self.render_template("accounts/provider_logout.html", url=url, provider=providers.label_of(leaving[0]))
        return make_response(page, {"Refresh": f"0; url={url}"})

    # -- log in

    def _log_in(self, provider: Provider, attempt: dict[str, Any]) -> BaseResponse:
        with signals.reporting_failure(""):
            identity = oidc_service.finish_login(provider)
        known = oidc_service.owner(identity)
        with signals.logging_in(known.username if known is not None else identity.email):
            member = known or self._register(identity, provider)
            if member is None:
                return self._offer_registration(identity, provider)
            with transaction():
                if known is not None:
                    oidc_service.sync_roles(member, identity.told)
                is_complete = login_service.log_in(
                    authentication.trust_identity_provider(member, identity.provider_login), remember=False
                )
        if not is_complete:
            return redirect(url_for("SecondStepView.form", next=attempt["next"]), 303)
        response: BaseResponse = self.appbuilder.sm.auth_view.welcome(attempt["next"], None)
        return response

    @staticmethod
    def _register(identity: OidcIdentity, provider: Provider) -> Member | None:
        """Add the member of an unknown identity where members have no password. Elsewhere return None."""
        if not auth_type.is_by_providers():
            return None
        is_open = oidc_service.is_registration_open()
        member = run_with_retry(lambda: oidc_service.register(identity)) if is_open else None
        if member is None:
            # The same in all cases: it does not say whether the address has an account.
            raise DomainError(
                _(
                    "This login at %(provider)s cannot be used here. Please ask your administrator for an account.",
                    provider=provider.label,
                ),
                "warning",
            )
        return member

    def _offer_registration(self, identity: OidcIdentity, provider: Provider) -> BaseResponse:
        """Redirect a visitor whose identity is not linked yet to the registration."""
        if oidc_service.is_pending(identity):
            raise authentication.not_activated()
        if current_app.config["REGISTRATION"] != "open":
            raise DomainError(
                _(
                    "This login at %(provider)s is not linked with an account here yet. Log in with your "
                    "password and link it in your account settings.",
                    provider=provider.label,
                ),
                "warning",
            )
        session[IDENTITY_KEY] = identity.as_dict()
        flash(
            _(
                "This login at %(provider)s is not linked with an account here yet. Complete your "
                "registration to use it from now on.",
                provider=provider.label,
            ),
            "info",
        )
        return redirect(url_for("RegistrationView.form"), 303)

    # -- link, and reauthenticate

    def _link(self, identity: OidcIdentity, attempt: dict[str, Any]) -> BaseResponse:
        self._ensure_same_login(attempt["link"])
        run_with_retry(lambda: oidc_service.link(current_user, identity))
        flash(_("You can now log in with %(provider)s.", provider=providers.label_of(identity.issuer)), "info")
        return redirect(url_for("IdentityView.list"), 303)

    def _reauthenticate(self, provider: Provider, attempt: dict[str, Any]) -> BaseResponse:
        with signals.reauthenticating(current_user):
            identity = oidc_service.finish_login(provider, again=True)
            self._ensure_same_login(attempt["again"])
            if oidc_service.owner(identity) != current_user:
                raise DomainError(
                    _("This login at %(provider)s belongs to somebody else.", provider=provider.label), "warning"
                )
            with transaction():
                session_service.refresh()
                login = session_service.current_login()
                if login is not None and identity.provider_login is not None:
                    provider_sessions.remember(login, identity.provider_login)
                kept = login_service.take_kept_form(current_user)
        response: BaseResponse = self.appbuilder.sm.auth_view.go_on(attempt["next"], kept)
        return response

    @staticmethod
    def _ensure_same_login(login_id: int) -> None:
        login = session_service.current_login() if current_user.is_authenticated else None
        if login is None or login.id != login_id:
            raise DomainError(_("That took too long. Please log in again."), "warning")

    def _refused(self, error: DomainError, attempt: dict[str, Any]) -> BaseResponse:
        """Flash the reason, on the page where the login or link was started."""
        flash(str(error), error.category)
        if "link" in attempt and current_user.is_authenticated:
            return redirect(url_for("IdentityView.list"), 303)
        target = attempt["next"] if attempt["next"] != self._home() else None
        page = "LoginView.again" if "again" in attempt and current_user.is_authenticated else "LoginView.login"
        return redirect(url_for(page, next=target), 303)


class BackchannelLogoutView(StockBaseView):
    """A provider tells that somebody has logged out there. A view of its own, because Flask-WTF exempts views from CSRF by name.

    The request comes from the provider itself, and its token is signed.
    """

    route_base = "/backchannel-logout"
    default_view = "backchannel_logout"
    # A provider may tell of everybody at once. Each token that is refused may have made the keys be read again.
    limits = [rate_limits.refused("BackchannelLogoutView.backchannel_logout", "10 per minute")]

    @expose("/<string:provider>", methods=["POST"])
    def backchannel_logout(self, provider: str) -> BaseResponse:
        """End the sessions of a person who has logged out at the provider, which tells it here."""
        chosen = _provider_or_404(provider)
        if not chosen.speaks_openid:
            abort(404)
        from requests import RequestException

        from app.accounts.oidc import logout_tokens

        try:
            logout = logout_tokens.read(chosen, request.form.get("logout_token", ""))
            ended = run_with_retry(lambda: logout_tokens.end_sessions(chosen, logout))
        except logout_tokens.InvalidLogoutTokenError as error:
            return _refused_logout(chosen, error)
        except RequestException as error:
            log.warning("The keys of %s could not be read: %r", chosen.issuer, error)
            return _uncached(jsonify(error="temporarily_unavailable"), 503, {"Retry-After": "60"})
        if ended is None:
            return _refused_logout(chosen, "it was used before")
        return _uncached(make_response(""), 200)


class IdentityView(AccountView):
    """The linked identities of the member who is logged in."""

    route_base = "/account/identities"
    default_view = "list"
    # The list needs a fresh login, because linking starts there and goes on at the provider.
    fresh = frozenset({"list", "unlink"})

    @before_request
    def _hide_without_provider(self) -> None:
        if not oidc_service.is_configured():
            abort(404)

    @expose("/")
    def list(self) -> str:
        """Show the linked identities, and a link to add one."""
        login = session_service.current_login()
        return str(
            self.render_template(
                "accounts/oidc_identities.html",
                identities=[
                    (identity, providers.label_of(identity.issuer)) for identity in oidc_service.of(current_user)
                ],
                key=_serializer().dumps(login.id) if login is not None else "",
            )
        )

    @expose("/<string:number>/unlink", methods=["POST"])
    @flash_and_redirect("IdentityView.list")
    def unlink(self, number: str) -> tuple[str, str]:
        """Unlink an identity."""
        oidc_service.unlink(current_user, number)
        return _("You can no longer use this login for your account."), "info"


def _refused_logout(provider: Provider, reason: object) -> BaseResponse:
    log.warning("A logout token of %s was refused: %s", provider.issuer, reason)
    return _uncached(jsonify(error="invalid_request", error_description=str(reason)), 400)


def _uncached(response: Response, status: int, headers: Mapping[str, str] | None = None) -> BaseResponse:
    response.status_code = status
    response.headers.update({"Cache-Control": "no-store", **(headers or {})})
    return response


def _is_link_key_of(login_id: int, key: str) -> bool:
    """Whether `key` was issued to that login session. So nobody can trick a member into linking another identity."""
    try:
        return bool(_serializer().loads(key, max_age=int(rules.FRESH.total_seconds())) == login_id)
    except BadData:
        return False


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="link an identity")


csrf.exempt(f"{__name__}.backchannel_logout")
