"""Keys for programs that act as oneself."""

from datetime import timedelta
from typing import ClassVar

from flask import flash, make_response, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.accounts import rate_limits, rules
from app.accounts.api_keys import service as api_key_service
from app.accounts.api_keys.forms import ApiKeyForm
from app.accounts.api_keys.service import NewKey
from app.accounts.sessions.access import AccountView
from app.database import run_with_retry, transaction
from app.errors import DomainError


class ApiKeyView(AccountView):
    """Keys for programs that act as oneself."""

    route_base = "/account/keys"
    default_view = "list"
    fresh: ClassVar[frozenset[str]] = frozenset({"new", "revoke"})
    limits = [rate_limits.per_member("ApiKeyView.new", "20 per hour")]

    @expose("/")
    def list(self) -> str:
        """Show one's keys, as far as they can be shown."""
        keys = [(key, api_key_service.state(key)) for key in api_key_service.of(current_user.id)]
        return str(
            self.render_template(
                "accounts/api_keys.html", keys=keys, scopes=api_key_service.SCOPES, states=api_key_service.STATES
            )
        )

    @expose("/new", methods=["GET", "POST"])
    def new(self) -> BaseResponse:
        """Show the form; POST makes a key and answers with the page that shows it, once: it is kept nowhere."""
        form = ApiKeyForm()
        if not form.is_submitted():
            form.mark.data = rules.new_token()
            return self._page(form, 200)
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._page(form, 422)
        try:
            made = run_with_retry(lambda: self._create(form))
        except api_key_service.MadeAlreadyError as error:
            flash(str(error), error.category)
            return redirect(url_for("ApiKeyView.list"), 303)
        except DomainError as error:
            flash(str(error), error.category)
            return self._page(form, 422)
        flash(_("The key “%(name)s” has been created. Copy it now: it is not shown again.", name=made.key.name), "info")
        page = self.render_template(
            "accounts/api_key_created.html", key=made.key, secret=made.secret, scopes=api_key_service.SCOPES
        )
        return make_response(page, {"Cache-Control": "no-store"})

    @staticmethod
    def _create(form: ApiKeyForm) -> NewKey:
        expires_at = clock.now() + timedelta(days=form.days.data)
        return api_key_service.create(current_user, form.name.data, form.scope.data, expires_at, mark=form.mark.data)

    def _page(self, form: ApiKeyForm, status: int) -> BaseResponse:
        return make_response(self.render_template("accounts/api_key_new.html", form=form), status)

    @expose("/<string:number>/revoke", methods=["POST"])
    def revoke(self, number: str) -> BaseResponse:
        """Let a key open nothing any more."""
        with transaction():
            key = api_key_service.revoke(current_user, number)
        if key is None:
            flash(_("This key no longer exists."), "warning")
        else:
            flash(_("The key “%(name)s” was revoked.", name=key.name), "info")
        return redirect(url_for("ApiKeyView.list"), 303)
