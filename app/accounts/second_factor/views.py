"""The pages of a member's second factors: authenticator app, passkeys, recovery codes."""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import passkey_site
from app.accounts.second_factor import recovery_codes, totp
from app.accounts.second_factor import service as second_factor_service
from app.accounts.second_factor.forms import TotpForm
from app.accounts.second_factor.totp import TotpSetup, TotpState
from app.accounts.sessions.access import AccountView
from app.crud.actions import flash_and_redirect
from app.crud.fields import show_at_field
from app.database import transaction
from app.errors import DomainError
from app.http import own_path


class SecondFactorView(AccountView):
    """The second factors of the member who is logged in."""

    route_base = "/account/second-factor"
    default_view = "overview"
    fresh = frozenset({"app", "remove_app", "codes"})

    @expose("/")
    def overview(self) -> BaseResponse:
        """Show the second factors."""
        has = second_factor_service.overview(current_user)
        page = self.render_template(
            "accounts/second_factor.html", has=has, passkeys_unsupported=passkey_site.unsupported_reason()
        )
        return make_response(page)

    @expose("/app", methods=["GET", "POST"])
    def app(self) -> BaseResponse:
        """Show a new secret. POST adds the app, with its first code."""
        form = TotpForm()
        if not form.is_submitted():
            return self._app_page(form, totp.start_setup(current_user), 200)
        setup = totp.resume_setup(current_user, form.offer.data or "")
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._app_page(form, setup or totp.start_setup(current_user), 422)
        try:
            with transaction():
                codes = second_factor_service.add_totp(current_user, form.offer.data or "", form.code.data)
        except DomainError as error:
            flash(str(error), error.category)
            if error.field is None:
                here = "SecondFactorView.overview" if error.category == "info" else "SecondFactorView.app"
                return redirect(url_for(here), 303)
            show_at_field(form, error)
            return self._app_page(form, setup or totp.start_setup(current_user), 422)
        flash(_("Authenticator app added. From now on you need it to log in."), "info")
        return self._codes_page(codes)

    def _app_page(self, form: TotpForm, setup: TotpSetup, status: int) -> BaseResponse:
        form.offer.data = setup.sealed
        replaces = second_factor_service.overview(current_user).app != TotpState.NONE
        page = self.render_template("accounts/totp.html", form=form, setup=setup, replaces=replaces)
        return _without_cache(make_response(page, status))

    @expose("/app/remove", methods=["GET", "POST"])
    @flash_and_redirect("SecondFactorView.overview")
    def remove_app(self) -> BaseResponse | tuple[str, str]:
        """Ask for confirmation. POST removes the app."""
        if request.method != "POST":
            return self._confirm(
                _("Remove the authenticator app?"), _("Its codes will no longer be requested or accepted.")
            )
        second_factor_service.remove_totp(current_user)
        return _("Authenticator app removed."), "info"

    @expose("/codes", methods=["GET", "POST"])
    def codes(self) -> BaseResponse:
        """Ask for confirmation. POST creates new recovery codes and shows them, once."""
        if request.method != "POST":
            return self._confirm(
                _("Create new recovery codes?"), _("The old codes will stop working. The new ones are shown once.")
            )
        if not second_factor_service.overview(current_user).has_factor:
            flash(_("Recovery codes are a backup for a second factor. Add a second factor first."), "warning")
            return redirect(url_for("SecondFactorView.overview"), 303)
        with transaction():
            codes = recovery_codes.create(current_user)
        flash(_("These are your new recovery codes. The old ones no longer work."), "info")
        return self._codes_page(codes)

    def _codes_page(self, codes: list[str]) -> BaseResponse:
        page = self.render_template("accounts/recovery_codes.html", codes=codes)
        return _without_cache(make_response(page))

    def _confirm(self, title: str, message: str) -> BaseResponse:
        page = self.render_template(
            "appbuilder/general/confirm.html",
            title=title,
            message=message,
            action=own_path(),
            back=url_for("SecondFactorView.overview"),
        )
        return make_response(page)


def _without_cache(response: BaseResponse) -> BaseResponse:
    """Let no cache store a page with secrets."""
    response.headers["Cache-Control"] = "no-store"
    return response
