"""The generated UI over API keys. It shows no secrets: only their hashes are stored."""

from datetime import UTC, datetime

from flask_appbuilder.security.sqla.models import ApiKey
from flask_babel import lazy_gettext, lazy_pgettext, ngettext

from app.accounts.api_keys import service as api_key_service
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView, ReauthenticationRequired
from app.errors import DomainError
from app.i18n import formats


def _moment(value: datetime | None) -> str:
    """Format a time of Flask-AppBuilder's table, which is stored without its zone."""
    return formats.date_time(value.replace(tzinfo=UTC)) if value is not None else "\N{EM DASH}"


class ApiKeyModelView(ReauthenticationRequired, ModelView):
    """API keys of all members. Members create them, administrators can revoke them."""

    fresh = frozenset({"action", "action_post"})
    datamodel = SQLAInterface(ApiKey)
    route_base = "/apikeys"
    base_permissions = ["can_list", "can_show", "revoke"]
    base_order = ("created_on", "desc")
    list_title = lazy_gettext("API keys")
    show_title = lazy_gettext("API key")
    empty_message = lazy_gettext("There are no API keys.")
    label_columns = {
        "user": lazy_gettext("User"),
        "name": lazy_gettext("Name"),
        "key_prefix": lazy_gettext("Begins with"),
        "scopes": lazy_gettext("Permissions"),
        "created_on": lazy_pgettext("column of moments", "Created"),
        "expires_on": lazy_gettext("Valid until"),
        "last_used_on": lazy_gettext("Last used"),
        "revoked_on": lazy_pgettext("column of moments", "Revoked"),
    }
    list_columns = ["user", "name", "key_prefix", "scopes", "expires_on", "last_used_on", "revoked_on"]
    show_columns = ["user", "name", "key_prefix", "scopes", "created_on", "expires_on", "last_used_on", "revoked_on"]
    search_columns = ["name", "key_prefix", "scopes"]
    order_columns = ["name", "created_on", "expires_on", "last_used_on", "revoked_on"]
    choices_columns = {"scopes": api_key_service.KeyScope.labels()}
    formatters_columns = dict.fromkeys(("created_on", "expires_on", "last_used_on", "revoked_on"), _moment)

    @action(
        "revoke",
        lazy_gettext("Revoke"),
        lazy_gettext("Revoke the selected keys?"),
        "",
        applies=lambda key: key.revoked_on is None,
    )
    def revoke(self, items: list[ApiKey]) -> str:
        revoked = api_key_service.revoke_keys(items)
        if not revoked:
            raise DomainError(lazy_gettext("None of the selected keys is still active."), "warning")
        return str(ngettext("%(num)d key revoked.", "%(num)d keys revoked.", revoked))
