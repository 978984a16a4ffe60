"""The API keys of a member: list, create, revoke."""

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
from app.accounts.sessions.access import AccountView
from app.crud.actions import flash_and_redirect
from app.database import run_with_retry
from app.errors import DomainError

# More than may be live at once.
MAX_SHOWN = 100


class ApiKeyView(AccountView):
    """The API keys of the member who is logged in."""

    route_base = "/account/keys"
    default_view = "list"
    fresh: ClassVar[frozenset[str]] = frozenset({"new", "revoke"})
    limits = [rate_limits.per_member("ApiKeyView.new", "20 per hour")]

    @expose("/")
    def list(self) -> str:
        """List the keys."""
        keys = [
            (key, api_key_service.state(key), api_key_service.scope_of(key.scopes))
            for key in api_key_service.of(current_user.id, MAX_SHOWN)
        ]
        return str(self.render_template("accounts/api_keys.html", keys=keys))

    @expose("/new", methods=["GET", "POST"])
    def new(self) -> BaseResponse:
        """Show the form. POST creates a key and shows its secret, once: it is stored nowhere."""
        form = ApiKeyForm()
        if not form.is_submitted():
            form.mark.data = rules.new_token()
            return self._page(form, 200)
        if not form.validate():
            flash(_("Please correct the fields that are marked."), "danger")
            return self._page(form, 422)
        name, scope, mark = form.name.data, form.scope.data, form.mark.data
        expires_at = clock.now() + timedelta(days=form.days.data)
        try:
            new = run_with_retry(lambda: api_key_service.create(current_user, name, scope, expires_at, mark=mark))
        except api_key_service.AlreadyCreatedError as error:
            flash(str(error), error.category)
            return redirect(url_for("ApiKeyView.list"), 303)
        except DomainError as error:
            flash(str(error), error.category)
            return self._page(form, 422)
        flash(_("The key “%(name)s” has been created. Copy it now: it is not shown again.", name=new.key.name), "info")
        page = self.render_template(
            "accounts/api_key_created.html",
            key=new.key,
            secret=new.secret,
            scope=api_key_service.scope_of(new.key.scopes),
        )
        return make_response(page, {"Cache-Control": "no-store"})

    def _page(self, form: ApiKeyForm, status: int) -> BaseResponse:
        return make_response(self.render_template("accounts/api_key_new.html", form=form), status)

    @expose("/<string:number>/revoke", methods=["POST"])
    @flash_and_redirect("ApiKeyView.list")
    def revoke(self, number: str) -> tuple[str, str]:
        """Revoke a key."""
        key = api_key_service.revoke(current_user, number)
        if key is None:
            return _("This key no longer exists."), "warning"
        return _("The key “%(name)s” was revoked.", name=key.name), "info"
